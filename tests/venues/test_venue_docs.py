"""docs/venues.md is executed: its imports, and every call in its tables against the value printed beside it."""

import inspect
import json
import re

import numpy as np
import pytest
from helpers.command import call
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


COLUMNS = ("requirement", "tiers", "closing fee", "fees", "mark", "ladder", "funding", "band", "losses")


@pytest.fixture(scope="module")
def evidence() -> dict[str, dict[str, str]]:
    """The marks of each venue by column."""
    found = {}
    for venue, marks, seen in EVIDENCE:
        cells = [cell.strip() for cell in marks.split("|")]
        assert len(cells) == len(COLUMNS) and set(cells) <= set("PREDA-"), venue
        found[venue] = dict(zip(COLUMNS, cells, strict=True)) | {"seen": seen}
    return found


def test_the_evidence_table_is_of_the_shipped_rulebooks(evidence):
    """A row for each venue and its latest day; nothing is claimed of a rule that no rulebook of the venue holds."""
    shipped = {}
    for name in venues.available():
        shipped.setdefault(name.split("/")[0], []).append(venues.load(name))
    assert set(evidence) == set(shipped) and f"| {' | '.join(('venue', *COLUMNS, 'seen until'))} |" in PAGE
    for venue, books in shipped.items():
        row = evidence[venue]
        assert row["seen"] == max(book.as_of for book in books).isoformat(), venue
        assert (row["closing fee"] != "-") == any(book.requirement.include_close_fee != "none" for book in books), venue
        assert (row["band"] != "-") == any(book.band.kind != "none" for book in books), venue
        if all(book.mark.kind == "equals_index" for book in books):
            assert row["mark"] == "A", venue
        assert all(book.loss.fund.initial is None for book in books), venue


STAND_INS = {  # a line under `unverified` that says of a column that it is none of the venue's
    "tiers": r"margin ratios[^;\n]*stand-in",
    "fees": r"fees[^;\n]*(?:regular account|stand-in|not read)",
    "mark": r"the mark's[^;\n]*(?:stand-in|none of the sources)",
    "ladder": r"(?:ladder|liquidation round)[^;\n]*stand-in",
    "funding": r"funding[^;\n]*stand-in",
    "losses": r"deleveraging[^;\n]*stand-in|order of unwinding[^;\n]*assumed",
}


@pytest.mark.parametrize("column", STAND_INS)
def test_a_stand_in_of_every_rulebook_is_an_assumption_in_the_table(evidence, column):
    books = [venues.load(name) for name in venues.available()]
    marked = {venue for venue, row in evidence.items() if row[column] == "A"}
    said = set(evidence)
    for book in books:
        if not re.search(STAND_INS[column], "\n".join(book.unverified)):
            said.discard(book.id.split("/")[0])
    assert said and said <= marked


def test_what_positions_and_tables_are_claimed_for_was_recorded(evidence, shared):
    """P of a requirement: a recorded position of the venue; P or R of tiers: a table as the venue returned it."""
    positions = json.loads((shared / "venues" / "positions.json").read_text())["positions"]
    tables = json.loads((shared / "venues" / "tiers_2026.json").read_text())["tiers"]
    known = {one["venue"].split("/")[0] for one in positions}
    assert {venue for venue, row in evidence.items() if row["requirement"] == "P"} == known
    assert {venue for venue, row in evidence.items() if row["tiers"] in "PR"} <= {one["venue"] for one in tables}


def test_the_examples_of_the_check_agree(tmp_path):
    table = re.search(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "mine.csv").write_text(table[1])
    (one,) = compare(read_positions(tmp_path / "mine.csv"))
    assert one.agrees and one.figure == "liquidation_price" and one.error < 1e-9
    (tmp_path / "fetched.json").write_text(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
    command = re.search(r"`stresslab (venues check fetched.json .*?)`", PAGE)[1].split()
    done = call(*(str(tmp_path / word) if word.endswith(".json") else word for word in command))
    assert done.code == 0 and "1 of 1 positions agree (1 of 1 figures)" in done.out
