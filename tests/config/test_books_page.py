"""docs/books.md is executed: every block is a part of a study that can be planned, and every kind is in its tables."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from stresslab.config import study_from_dict
from stresslab.config.general_book import GeneralBook
from stresslab.config.policy_kinds import KINDS
from stresslab.config.venue import Venue
from stresslab.grid.plan import make_plan

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "books.md").read_text()
BLOCKS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
LINEAR_ON_CASH = (0, 1)
FIGURES = {1: "is liquidated at 81,401.61", 5: "is liquidated at 85,545.48"}
BASE: dict[str, Any] = {
    "study": "page",
    "as_of": "2025-01-01T00:00:00Z",
    "seed": 1,
    "market": {"asset": "BTC", "spot": 93_576.0, "model": "gbm", "step": "1h", "horizons": ["1D", "7D"]},
    "models": {"gbm": {"kind": "gbm", "sigma": 0.55}},
    "funding": {"kind": "constant", "rate": 1e-4, "interval": "8h"},
    "sampling": {"paths": 1024, "block": 1024},
}


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_is_part_of_a_study(number: int) -> None:
    """All but a linear position on cash are for the general engine."""
    plan = make_plan(study_from_dict(BASE | BLOCKS[number]))
    assert all(hasattr(book, "equity") for book in plan.books)
    assert any(isinstance(book, GeneralBook) for book in plan.books) == (number not in LINEAR_ON_CASH)


@pytest.mark.parametrize("number", FIGURES)
def test_a_liquidation_price_of_the_page_is_right(number: int) -> None:
    (book,) = make_plan(study_from_dict(BASE | BLOCKS[number])).books
    said = float(FIGURES[number].rpartition(" ")[2].replace(",", ""))
    assert FIGURES[number] in " ".join(PAGE.split())
    assert book.liquidation_price == pytest.approx(said, abs=0.005)  # type: ignore[union-attr]


def test_the_page_has_its_blocks() -> None:
    assert len(BLOCKS) == 9


@pytest.mark.parametrize("kind, part", [*KINDS.items()])
def test_every_policy_and_its_keys_are_in_the_table(kind: str, part: Any) -> None:
    (row,) = re.findall(rf"^\| `{kind}` .*$", PAGE, re.MULTILINE)
    row = row.replace("the same three", "`distance` `price` `of_margin`")
    assert all(f"`{key}`" in row for key in part.model_fields if key not in ("kind", "position"))


def test_every_condition_and_its_keys_are_in_the_table() -> None:
    for name, field in Venue.model_fields.items():
        if name != "calm_volatility":
            (row,) = re.findall(rf"^\| `{name}` .*$", PAGE, re.MULTILINE)
            block = next(kind for kind in field.annotation.__args__ if hasattr(kind, "model_fields"))  # type: ignore[union-attr]
            row = row.replace("the same", "`per_year` `power` `lasts` `lasting`")
            assert all(f"`{key}`" in row for key in block.model_fields), name


def test_the_plan_of_such_a_study_is_told(tmp_path: Path) -> None:
    """`stresslab check` counts books of any form as allowed."""
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(BASE | BLOCKS[3]))
    told = subprocess.run([sys.executable, "-m", "stresslab", "check", str(path)], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "cells 1 (0 not allowed)" in told.stdout
