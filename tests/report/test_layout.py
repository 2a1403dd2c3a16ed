"""Which dimension goes where, and where the page opens."""

import numpy as np
import pytest
from report import synthetic

from stresslab.report.layout import arrange, names, swept, thin

MODEL, SIDE, LEVERAGE = (
    {"market.model": ["gbm", "heston"]},
    {"book.side": ["long", "short"]},
    {"book.leverage": [5, 10, 20]},
)
RATE = {"funding.rate": [1e-4, 5e-4]}


def dataset(*sweeps, **more):
    return synthetic.dataset({path: values for sweep in sweeps for path, values in sweep.items()}, n_paths=256, **more)


@pytest.mark.parametrize(
    ("sweeps", "row", "series", "panels"),
    [
        ((), None, None, ()),
        ((LEVERAGE,), "leverage", "leverage", ()),
        ((MODEL,), "model", "model", ()),
        ((MODEL, SIDE), "model", "side", ("side",)),
        ((RATE, LEVERAGE), "leverage", "rate", ("rate",)),  # leverage before any other number
        ((RATE, SIDE), "rate", "side", ("side",)),
        ((SIDE, LEVERAGE, MODEL), "leverage", "model", ("model", "side")),
        ((RATE, SIDE, LEVERAGE, MODEL), "leverage", "model", ("model", "side")),
    ],
)
def test_roles(sweeps, row, series, panels):
    layout = arrange(dataset(*sweeps))
    assert (layout.row, layout.series, layout.panels) == (row, series, panels)


def test_the_widest_dimension_that_fits_runs_across():
    three = {"market.model": ["gbm", "heston", "merton"]}
    assert arrange(dataset(three, SIDE, LEVERAGE)).panels == ("side", "model")


def test_many_values_are_chosen_and_not_drawn_side_by_side():
    assert arrange(dataset(LEVERAGE, {"market.model": [f"m{k}" for k in range(13)]})).panels == ()


def test_the_page_opens_at_the_study_s_own_leverage_and_the_worst_of_the_rest(nightly):
    here = names(nightly, arrange(nightly).headline)
    assert here["leverage"] == 10 and here["horizon"] == "7D"
    there = nightly["ruin_probability"].sel(leverage=10, horizon="7D")
    assert there.sel(model=here["model"], side=here["side"]) == there.max()


def test_a_base_value_that_is_not_allowed_gives_way_to_its_neighbour():
    ds = dataset(LEVERAGE, SIDE, status=lambda coords: ("not_allowed", "") if coords["leverage"] == 10 else ("ok", ""))
    assert names(ds, arrange(ds).headline)["leverage"] == 5


def test_picks_name_dimensions_by_position():
    layout = arrange(dataset(MODEL, SIDE))
    assert layout.pick({"side": 1, "horizon": 2}) == "1:1 h:2"
    assert [layout.pick(index) for index in layout.combinations(("model", "side"))] == [
        "0:0 1:0",
        "0:0 1:1",
        "0:1 1:0",
        "0:1 1:1",
    ]


def test_thinning_keeps_the_ends_and_where_the_page_opens():
    ds = dataset(SIDE, {"book.leverage": list(range(2, 42))}, horizons=("1D",))
    small = thin(ds, most=30)
    kept = small["leverage"].values.tolist()
    assert np.prod([small.sizes[dim] for dim in swept(small)]) <= 30
    assert kept[0] == 2 and kept[-1] == 41 and 10 in kept and kept == sorted(kept)
    assert thin(ds, most=80) is ds


def test_thinning_ends():
    ds = dataset(MODEL, SIDE, LEVERAGE, horizons=("1D",))
    assert np.prod([thin(ds, most=1).sizes[dim] for dim in swept(ds)]) == 8
