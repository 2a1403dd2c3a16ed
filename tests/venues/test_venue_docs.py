"""docs/venues.md is executed: its imports, and every call in its tables against the value printed beside it."""

import inspect
import re

import numpy as np
import pytest
from helpers.venues_page import PAGE, ROWS, imported

from stresslab import venues
from stresslab.files.position_table import read_positions
from stresslab.venues.recomputed import compare


@pytest.fixture(scope="module")
def names():
    return imported()


@pytest.mark.parametrize("call, printed", ROWS, ids=[call for call, _ in ROWS])
def test_the_call_gives_what_is_printed(names, call, printed):
    got, wanted = eval(call, dict(names)), eval(printed)
    np.testing.assert_allclose(np.asarray(got, dtype=np.float64), np.asarray(wanted, dtype=np.float64), rtol=1e-8)


def test_no_public_function_of_the_rules_is_left_out(names):
    """Every function of the modules that the page imports; `margin` and `rounding` have inner ones too."""
    modules = [found for found in names.values() if inspect.ismodule(found)]
    assert len(modules) > 15
    for module in modules:
        if module.__name__.endswith((".margin", ".rounding")):
            continue
        for name, found in vars(module).items():
            if inspect.isfunction(found) and found.__module__ == module.__name__ and not name.startswith("_"):
                short = module.__name__.rsplit(".", 1)[1]
                assert f"{short}.{name}" in PAGE, f"{short}.{name}"


def test_the_table_is_a_table():
    assert len(ROWS) > 90


EVIDENCE = re.findall(r"^\| ([a-z0-9_]+) \| ([PREDA-].*) \| (\d{4}-\d\d-\d\d) \|$", PAGE, re.MULTILINE)


def test_the_evidence_table_is_of_the_shipped_rulebooks():
    """A row for each venue, its date the last on which one of its rulebooks was seen; no closing fee where none is."""
    newest = {}
    for name in venues.available():
        newest.setdefault(name.split("/")[0], []).append(venues.load(name))
    assert {venue for venue, _, _ in EVIDENCE} == set(newest)
    for venue, marks, seen in EVIDENCE:
        books = newest[venue]
        assert seen == max(book.as_of for book in books).isoformat(), venue
        cells = [cell.strip() for cell in marks.split("|")]
        assert len(cells) == 8 and set(cells) <= set("PREDA-")
        has_fee = any(book.requirement.include_close_fee != "none" for book in books)
        assert (cells[2] != "-") == has_fee, venue


def test_the_example_of_the_check_agrees(tmp_path):
    table = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "mine.csv").write_text(table[1])
    (one,) = compare(read_positions(tmp_path / "mine.csv"))
    assert one.agrees and one.figure == "liquidation_price" and one.error < 1e-9
