"""The section of docs/venues.md about tier files, executed."""

import re
import shlex
from pathlib import Path

import pytest
from helpers.command import call
from helpers.venues_page import PAGE

from stresslab import venues
from stresslab.venues.importing import VENUES

SECTION = PAGE[PAGE.index("## Import your own tiers") : PAGE.index("## What rests on what")]


def test_the_example_runs_and_gives_what_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = re.search(r"```json\n(.*?)```", SECTION, re.DOTALL)
    command = re.search(r"```sh\nstresslab (.*?)\n```", SECTION)
    assert content and command
    words = shlex.split(command[1])
    Path(words[2]).write_text(content[1])
    assert call(*words).code == 0
    written = re.search(r"writes `([^`]+)`", SECTION)
    figures = re.search(r"requirement of ([\d,]+) USDT is (\d+), and the largest leverage there is (\d+)", SECTION)
    assert written and figures
    size, required, leverage = (float(figure.replace(",", "")) for figure in figures.groups())
    book = venues.load(written[1])
    assert float(book.maintenance_margin(size)) == pytest.approx(required)
    assert float(book.max_leverage(size)) == pytest.approx(leverage)


def test_every_venue_whose_files_are_read_is_named() -> None:
    assert all(f"`{venue}`" in SECTION for venue in VENUES)
