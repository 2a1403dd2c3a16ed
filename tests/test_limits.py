"""Limits: the three states, the worst of the cells, and cells without a number."""

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import xarray as xr

from stresslab.errors import InputError
from stresslab.limits import breached, evaluate

SIDES, LEVERAGES = ["long", "short"], [5, 10, 20]
MIDDLE = {("long", 5): 0.001, ("long", 10): 0.010, ("long", 20): 0.05, ("short", 5): 0.002, ("short", 10): 0.020}
# short 20 is not allowed; every interval is 20 % either way


def make(*limits, status=None, **swept):
    cells = np.array([[MIDDLE.get((side, leverage), np.nan) for leverage in LEVERAGES] for side in SIDES])
    state = np.where(np.isnan(cells), "not_allowed", "ok").astype("U16")
    reason = np.where(np.isnan(cells), "at most 10x", "").astype("U40")
    for (side, leverage), (word, why) in (status or {}).items():
        place = SIDES.index(side), LEVERAGES.index(leverage)
        state[place], reason[place] = word, why
        cells[place] = np.nan if word == "failed" else cells[place]
    event = np.stack([cells, cells / 2], axis=-1)[:, :, None, :]  # bankruptcy is half as likely
    by = ("side", "leverage", "horizon", "event")
    return xr.Dataset(
        {
            "probability": (by, event),
            "lower": (by, event * 0.8),
            "upper": (by, event * 1.2),
            "status": (("side", "leverage"), state),
            "status_reason": (("side", "leverage"), reason),
        },
        coords={"side": SIDES, "leverage": LEVERAGES, "horizon": ["1D"], "event": ["liquidation", "bankruptcy"]},
        attrs={"study": json.dumps({"limits": list(limits)}), "swept": json.dumps(["side", "leverage"])},
    )


def limit(maximum, where=None, **more):
    return {"name": "x", "event": "liquidation", "horizon": "1D", "where": where or {}, "max": maximum, **more}


def judge(*arguments, status=None, **more):
    return evaluate(make(limit(*arguments, **more), status=status))[0]


@pytest.mark.parametrize(
    ("maximum", "state"),
    [
        (0.0121, "pass"),  # upper 0.012
        (0.0120, "undecided"),  # the upper end must be below, not at
        (0.0100, "undecided"),
        (0.0080, "undecided"),  # lower 0.008: the lower end must be above, not at
        (0.0079, "breach"),
    ],
)
def test_state_of_one_cell(maximum, state):
    assert judge(maximum, {"side": "long", "leverage": 10}).state == state


@pytest.mark.parametrize(
    ("maximum", "where", "state", "worst"),
    [
        (0.03, {"leverage": 10}, "pass", {"side": "short", "leverage": 10}),
        (0.02, {"leverage": 10}, "undecided", {"side": "short", "leverage": 10}),
        (0.01, {"leverage": 10}, "breach", {"side": "short", "leverage": 10}),
        (0.01, {"side": "long"}, "breach", {"side": "long", "leverage": 20}),
        (0.002, {"leverage": 5}, "undecided", {"side": "short", "leverage": 5}),
        (0.07, {}, "pass", {"side": "long", "leverage": 20}),
        (0.01, {"leverage": 10.0, "side": "long"}, "undecided", {"side": "long", "leverage": 10}),
    ],
)
def test_a_limit_is_as_its_worst_cell(maximum, where, state, worst):
    found = judge(maximum, where)
    assert (found.state, found.worst) == (state, worst)
    assert found.probability == MIDDLE[worst["side"], worst["leverage"]]
    assert found.lower == pytest.approx(0.8 * found.probability) and found.upper == pytest.approx(
        1.2 * found.probability
    )


def test_the_event_is_the_one_asked_for():
    assert judge(0.0065, {"side": "long", "leverage": 10}, event="bankruptcy").state == "pass"


@pytest.mark.parametrize("setting", ["breach", "pass", "undecided"])
def test_what_undecided_counts_as(setting):
    found = judge(0.02, {"leverage": 10}, undecided=setting)
    assert (found.state, found.effective_state) == ("undecided", setting)
    assert breached([found]) == (setting == "breach")


def test_the_setting_touches_undecided_limits_alone():
    assert judge(0.9, undecided="breach").effective_state == "pass"
    assert judge(0.0001, undecided="pass").effective_state == "breach"


def test_a_cell_that_is_not_allowed_is_named_and_not_judged():
    found = judge(0.9, {"side": "short"})
    assert (found.state, found.cells, found.without_number) == ("pass", 3, 1)
    assert "1 of 3 cells" in found.reason and "at most 10x" in found.reason


def test_only_cells_without_a_number_is_undecided_with_the_reason():
    found = judge(0.9, {"side": "short", "leverage": 20})
    assert found.state == "undecided" and np.isnan(found.probability)
    assert found.worst == {"side": "short", "leverage": 20}
    assert "no selected cell has a number" in found.reason and "at most 10x" in found.reason
    assert breached([judge(0.9, {"side": "short", "leverage": 20}, undecided="breach")])


def test_a_failed_cell_may_hide_a_breach():
    status = {("long", 5): ("failed", "worker lost")}
    found = judge(0.9, {"side": "long"}, status=status)
    assert found.state == "undecided" and "worker lost" in found.reason
    assert found.worst == {"side": "long", "leverage": 5} and np.isnan(found.probability)
    assert judge(0.01, {"side": "long"}, status=status).state == "breach"  # what is seen is enough


def test_a_cell_short_of_its_target_is_judged_by_its_interval():
    found = judge(0.03, {"leverage": 10}, status={("short", 10): ("target_not_met", "too few")})
    assert (found.state, found.without_number) == ("pass", 0)


def test_limits_keep_their_order_and_are_frozen():
    found = evaluate(make(limit(0.5) | {"name": "b"}, limit(0.5) | {"name": "a"}))
    assert [result.name for result in found] == ["b", "a"]
    with pytest.raises(FrozenInstanceError):
        found[0].state = "pass"


def test_no_limits():
    assert evaluate(make()) == [] and not breached([])


def test_without_a_sweep():
    ds = make(limit(0.02)).isel(side=0, leverage=1, drop=True)
    found = evaluate(ds.assign_attrs(swept="[]"))[0]
    assert (found.state, found.worst, found.cells) == ("pass", {}, 1)


@pytest.mark.parametrize(("where", "word"), [({"model": "gbm"}, "swept dimension"), ({"leverage": 7}, "no such value")])
def test_a_where_that_selects_nothing_is_refused(where, word):
    with pytest.raises(InputError, match=word):
        judge(0.5, where)
