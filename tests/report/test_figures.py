"""Figures: attributes that plotly knows, a variant for every choice, and the dataset's numbers in them."""

import json
import math
import re

import numpy as np
import plotly.graph_objects as go
import pytest
from report import synthetic

from stresslab.limits import evaluate
from stresslab.report.figures import drawn
from stresslab.report.layout import arrange

SWEEPS = {
    "none": {},
    "leverage": {"book.leverage": [3, 20]},
    "strings": {"market.model": ["gbm", "heston"]},
    "three": {"market.model": ["gbm", "heston"], "book.side": ["long", "short"], "book.leverage": [5, 20]},
    "numbers": {"a.scale": [-1.0, 0.0, 2.0], "b.rate": [0.0, 1.0]},
}


def figures(ds):
    layout = arrange(ds)
    return layout, {figure.name: figure for figure in drawn(ds, layout, evaluate(ds))}


@pytest.mark.parametrize("sweep", SWEEPS.values(), ids=SWEEPS)
def test_plotly_knows_every_attribute_and_every_choice_has_a_figure(sweep):
    layout, found = figures(synthetic.dataset(sweep, horizons=("1D", "7D"), n_paths=256))
    for figure in found.values():
        assert set(figure.variants) == {layout.pick(index) for index in layout.combinations(figure.selects)}
        for variant in figure.variants.values():
            for extra in ({}, figure.narrow):
                text = json.dumps({"data": variant["data"], "layout": figure.layout}, allow_nan=False)
                shown = go.Figure(json.loads(re.sub(r"var\(--\w+\)", "#123456", text)))
                shown.update_layout(variant.get("layout", {})).update_layout(extra)


def test_the_ruin_curve_shows_the_dataset(nightly):
    layout, found = figures(nightly)
    pick = layout.pick({"side": 0, "horizon": 1})
    lines = {trace["name"]: trace for trace in found["ruin"].variants[pick]["data"] if trace["mode"] == "lines+markers"}
    for model, trace in lines.items():
        cells = nightly.sel(model=model, side="long", horizon="7D")
        p = np.where(cells["ruin_probability"] > 0, 100 * cells["ruin_probability"], np.nan)
        assert np.allclose([math.nan if y is None else y for y in trace["y"]], p, rtol=1e-4, equal_nan=True)
    assert list(lines) == ["gbm", "merton", "heston"]


def test_no_hits_is_a_mark_at_the_upper_bound(nightly):
    layout, found = figures(nightly)
    traces = found["ruin"].variants[layout.pick({"side": 0, "horizon": 0})]["data"]
    marks = [trace for trace in traces if trace.get("marker", {}).get("symbol") == "arrow-down"]
    upper = float(nightly["ruin_upper"].sel(model="gbm", side="long", horizon="1D", leverage=3))
    assert marks[0]["y"][0] == pytest.approx(100 * upper, rel=1e-4)
    assert "&lt;" in marks[0]["hovertext"][0]
    assert all(y is None or y > 0 for trace in traces for y in trace["y"])  # the axis is logarithmic


def test_limits_are_drawn_where_they_ask(nightly):
    layout, found = figures(nightly)

    def limits(side, horizon):
        traces = found["ruin"].variants[layout.pick({"side": side, "horizon": horizon})]["data"]
        return [(trace["name"].split(":")[0], trace["x"]) for trace in traces if trace["name"].startswith("limit")]

    assert limits(0, 0) == limits(1, 0) == [("limit liq-1D", [10])]
    assert limits(0, 1) == [("limit liq-7D-long", [5])] and limits(1, 1) == []


def test_survival_starts_at_one_and_meets_ruin_at_the_horizon(nightly):
    layout, found = figures(nightly)
    trace = found["survival"].variants[layout.pick({"side": 1, "leverage": 3})]["data"][2]
    assert trace["name"] == "gbm" and trace["y"][0] == 100
    p = float(nightly["ruin_probability"].sel(model="gbm", side="short", leverage=20, horizon="30D"))
    assert trace["y"][-1] == pytest.approx(100 * (1 - p), abs=1e-2)


def test_the_loss_density_and_the_atoms_hold_every_path(nightly):
    layout, found = figures(nightly)
    for pick, variant in found["losses"].variants.items():
        for curve, bars in zip(variant.get("data", [])[::2], variant.get("data", [])[1::2], strict=True):
            inside = np.dot(np.diff(curve["x"]), curve["y"][:-1]) if curve["x"] else 0.0
            assert inside + sum(bars["y"]) == pytest.approx(100, abs=0.01), pick
            assert bars["x"][-1] == "all lost"


def test_causes_sum_to_one_and_say_where_there_are_none(nightly):
    layout, found = figures(nightly)
    *bars, note = found["causes"].variants[layout.pick({"model": 0, "side": 0, "horizon": 1})]["data"]
    shares = np.array([bar["y"] for bar in bars], dtype=float)
    assert np.allclose(shares[:, 2:5].sum(axis=0), 100, atol=1e-2)
    assert dict(zip(note["x"], note["text"], strict=True))[0] == "no hits"
    assert dict(zip(note["x"], note["text"], strict=True))[5] == "not run"


def test_a_choice_without_any_number_says_why(nightly):
    layout, found = figures(nightly)
    note = found["survival"].variants[layout.pick({"side": 0, "leverage": 5})]["note"]
    assert "not allowed" in note and "at most 50x" in note
