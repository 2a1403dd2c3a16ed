"""Heat maps, tables and lists hold what the dataset holds, and say what it lacks."""

import numpy as np
import pytest
from report import synthetic

from stresslab.limits import evaluate
from stresslab.report import lists, method, tables, words
from stresslab.report.heat import EDGES, heat
from stresslab.report.layout import arrange


@pytest.fixture(scope="module")
def layout(nightly):
    return arrange(nightly)


def cells(nightly, layout):
    """Every heat cell with its coordinates."""
    found = heat(nightly, layout, evaluate(nightly))
    for panel in found.groups[0][2]:
        side, model = panel.title.split(" · ")
        for text, row in panel.rows:
            for horizon, cell in zip(found.columns, row, strict=True):
                yield {"side": side, "model": model, "leverage": int(text[:-1]), "horizon": horizon}, cell


def test_every_cell_is_on_the_heat_map_once_with_its_number(nightly, layout):
    seen = 0
    for coords, cell in cells(nightly, layout):
        p, low, high = (float(nightly[f"ruin_{name}"].sel(coords)) for name in ("probability", "lower", "upper"))
        assert cell.text == (words.probability(p, low, high) if np.isfinite(p) else "not allowed")
        seen += 1
    assert seen == nightly["ruin_probability"].size


def test_no_hits_is_never_zero(nightly, layout):
    none = [cell for coords, cell in cells(nightly, layout) if float(nightly["ruin_probability"].sel(coords)) == 0]
    assert none
    assert all(cell.text.startswith("<") and cell.note == "0 of 4,096" and cell.style == "h0" for cell in none)


def test_a_cell_that_is_not_allowed_is_hatched_with_the_reason(nightly, layout):
    refused = [cell for coords, cell in cells(nightly, layout) if coords["leverage"] == 100]
    assert len(refused) == 18
    assert all(cell.style == "none" and "at most 50x" in cell.tip for cell in refused)


def test_colours_are_the_decades_of_the_probability(nightly, layout):
    for coords, cell in cells(nightly, layout):
        p = float(nightly["ruin_probability"].sel(coords))
        if p > 0:
            assert int(cell.style[1:]) == sum(p >= edge for edge in EDGES)
    assert [style for style, _ in heat(nightly, layout, []).legend] == [f"h{k}" for k in range(9)]


def test_cells_carry_the_mark_of_the_limit_that_judges_them(nightly, layout):
    marks = {tuple(coords.values()): cell.mark for coords, cell in cells(nightly, layout) if cell.mark}
    assert marks["short", "heston", 3, "30D"] == "▲"
    assert all(leverage == 3 and horizon == "30D" for (_, _, leverage, horizon), mark in marks.items() if mark == "▲")
    asked = {(side, leverage, horizon) for (side, _, leverage, horizon), mark in marks.items() if mark == "◆"}
    assert asked <= {
        ("long", 5, "7D"),
        ("long", 3, "30D"),
        ("short", 3, "30D"),
        ("long", 10, "1D"),
        ("short", 10, "1D"),
    }


def body(table, title):
    return next(each for each in table.bodies if each.title == title)


def test_events(nightly, layout):
    table = tables.events(nightly, layout)
    assert table.selects == ("model", "side") and len(table.bodies) == 6
    assert [each.shown for each in table.bodies].count(True) == 1
    rows = body(table, "heston · long").rows
    assert [(row.group, row.head, row.first) for row in rows[:3]] == [
        ("3x", "1D", True),
        ("3x", "7D", False),
        ("3x", "30D", False),
    ]
    row = next(row for row in rows if (row.group, row.head) == ("20x", "7D"))
    cell = nightly.sel(model="heston", side="long", leverage=20, horizon="7D", event="bankruptcy")
    assert row.cells[1].text == words.probability(*(float(cell[n]) for n in ("probability", "lower", "upper")))
    assert f"{int(cell['hits']):,} hits, median" in row.cells[1].notes[0]
    assert rows[-1].head == "not allowed" and all(cell.text == words.NOTHING for cell in rows[-1].cells)


def test_tails_and_money_come_with_standard_errors(nightly, layout):
    row = body(tables.tails(nightly, layout), "gbm · long").rows[0]
    cell = nightly.sel(model="gbm", side="long", leverage=3, horizon="1D", loss_level=0.99)
    wanted = words.money(float(cell["expected_shortfall"]), float(cell["expected_shortfall_se"]))
    assert (row.cells[3].text, row.cells[3].spread) == wanted and wanted[1].startswith("±")
    row = body(tables.cash(nightly, layout), "gbm · long").rows[0]
    assert row.cells[0].spread.startswith("±") and row.cells[1].spread == ""  # entry and exit fees do not vary here


def test_books_say_how_far_the_liquidation_price_is(nightly, layout):
    row = body(tables.books(nightly, layout, synthetic.SPOT), "gbm · long").rows[2]
    assert row.head == "10x" and row.cells[2].notes == (f"{words.MINUS}9.6{words.UNIT_SPACE}% from spot",)
    assert tables.books(nightly, layout, synthetic.SPOT).columns[1] == "quantity (BTC)"


def test_gaps_are_grouped_by_reason(nightly, layout):
    rows = lists.missing(nightly, layout).bodies[0].rows
    assert [(row.head, row.cells[1].text, row.cells[2].text) for row in rows] == [
        ("not allowed", "6", "100x"),
        ("target not met", "2", "merton · 50x"),
    ]


def test_cells_that_make_no_block_are_named_one_by_one():
    def status(coords):
        return ("failed", "lost") if coords["leverage"] == 5 or coords["side"] == "long" else ("ok", "")

    ds = synthetic.dataset({"book.side": ["long", "short"], "book.leverage": [5, 10]}, n_paths=256, status=status)
    (row,) = lists.missing(ds, arrange(ds)).bodies[0].rows
    assert row.cells[2].text == "long · 5x; long · 10x; short · 5x"


def test_no_gaps():
    ds = synthetic.dataset({"book.leverage": [5, 10]}, n_paths=256)
    assert lists.missing(ds, arrange(ds)).bodies[0].rows == []


def test_paths_are_listed_by_market(nightly):
    rows = lists.paths(nightly).bodies[0].rows
    assert [(row.head, row.cells[0].text) for row in rows] == [
        (model, "4,096") for model in ("gbm", "merton", "heston")
    ]
    alone = synthetic.dataset({"book.leverage": [5, 10]}, n_paths=256)
    assert [row.head for row in lists.paths(alone).bodies[0].rows] == ["all cells"]


def test_limits_in_full(nightly):
    rows = lists.limit_rows(evaluate(nightly)).bodies[0].rows
    assert [row.cells[0].text for row in rows] == ["pass", "undecided", "breach", "undecided, counts as breach"]
    assert rows[1].cells[0].notes == ("the interval contains the maximum",)
    assert rows[2].cells[4].text == "heston · short · 3x"


def test_method_and_provenance(nightly):
    found = dict(method.facts(nightly, synthetic.provenance()))
    assert found["study hash"] == ["sha256:6c1f0a5d2b7e"]
    assert found["run time"] == [f"2{words.UNIT_SPACE}min 28{words.UNIT_SPACE}s"]
    assert "binance_usdm/BTCUSDT: sha256:aa01" in found["rulebook hashes"]
    assert "Common random numbers" in found["random numbers"][0] and "Seed 20260101" in found["random numbers"][1]
    assert "exact" in found["intervals"][0]
    assert found["assumptions"] == ["Mark = last = index.", "The tiers are of 2024."]


def test_method_follows_the_sampling():
    sampling = {"paths": 256, "antithetic": True, "streams": "independent"}
    ds = synthetic.dataset({}, n_paths=256, sampling=sampling, funding=None)
    found = dict(method.facts(ds, {}))
    assert "pairs" in found["intervals"][0] and "Independent streams" in found["random numbers"][0]
    assert found["funding"] == ["none"] and "run time" not in found
