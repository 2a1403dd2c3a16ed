"""The sentences at the top, and the largest leverage that stays below the limit."""

import pytest
from report import synthetic

from stresslab.limits import evaluate
from stresslab.report import words
from stresslab.report.answer import answer, limit_words
from stresslab.report.layout import arrange
from stresslab.report.safe import safe_values
from stresslab.report.worse import worse

LEVERAGE = {"book.leverage": [20, 5, 10]}  # in no order on purpose


def said(ds):
    limits, layout = evaluate(ds), arrange(ds)
    found = answer(ds, layout, limits, safe_values(ds, layout, limits))
    text = "\n".join((found.lead, found.context, *found.points))
    return text.replace(words.UNIT_SPACE, " ")


def set_ruin(ds, values):
    """The dataset with these ruin probabilities along its only dimension, the same at every horizon."""
    for name, factor in (("ruin_probability", 1.0), ("ruin_lower", 0.9), ("ruin_upper", 1.1)):
        for place, p in enumerate(values):
            ds[name][place] = p * factor
    return ds


def test_the_headline_is_the_number_in_the_dataset(nightly):
    cell = nightly.sel(leverage=10, horizon="7D", model="heston", side="short")
    p, low, high = (100 * float(cell[f"ruin_{name}"]) for name in ("probability", "lower", "upper"))
    text = said(nightly).split("\n")
    assert text[0].startswith(
        "At 10x short on binance_usdm/BTCUSDT under heston, the probability of liquidation within 7 days"
    )
    assert text[0].endswith(f"{p:.0f} % ({low:.0f} to {high:.0f} %).") or text[0].endswith(
        f"{p:.1f} % ({low:.1f} to {high:.1f} %)."
    )
    assert "within 1 day and" in text[1] and "Of 3 models, heston is the worst here; the mildest, gbm" in text[1]


def test_limits_that_do_not_pass_are_named_with_their_numbers(nightly):
    text = said(nightly)
    assert "Limit liq-30D is breached: liquidation within 30 days has a probability of" in text
    assert "against at most 3 %" in text
    assert "Limit half-gone is undecided, and counts as a breach: a loss of 50 % of the account within 7 days" in text
    assert "1 of 4 limits passes." in text
    assert text.index("liq-30D is breached") < text.index("liq-7D-long is undecided")


def test_gaps_are_said(nightly):
    assert "Of 36 cells, 6 are not allowed by the venue and 2 are short of their target" in said(nightly)


def test_no_hits_is_said_as_a_bound():
    text = said(set_ruin(synthetic.dataset(LEVERAGE, n_paths=256), [0, 0, 0]))
    assert "no path met liquidation within 7 days: the probability is <" in text and "is 0" not in text


def test_a_study_without_any_number_says_so():
    ds = synthetic.dataset(LEVERAGE, n_paths=256, status=lambda coords: ("failed", "worker lost"))
    assert said(ds).startswith("No cell of this study has a number")
    assert "Of 3 cells, 3 failed" in said(ds)


def safe(ds):
    limits, layout = evaluate(ds), arrange(ds)
    return safe_values(ds, layout, limits)


@pytest.mark.parametrize(
    ("ruin", "found"),  # ruin at 20x, 5x, 10x; the upper end is 1.1 times that, the threshold one percent
    [
        ((0.5, 0.001, 0.009), "10x"),
        ((0.5, 0.001, 0.0095), "5x"),  # 0.95 % is below, its upper end is not
        ((0.5, 0.02, 0.03), "none"),
        ((0.005, 0.001, 0.002), "20x (all)"),
        ((0.005, 0.001, 0.02), "5x"),  # what lies beyond a value that is above does not count
        ((float("nan"), 0.001, 0.002), "10x"),  # no number is not below
        ((0.5, float("nan"), 0.002), "none"),
    ],
)
def test_the_largest_leverage_below_the_threshold(ruin, found):
    ds = set_ruin(synthetic.dataset(LEVERAGE, n_paths=256), ruin)
    assert safe(ds).values == [[found] * 3]


def test_a_value_that_the_venue_refuses_is_skipped():
    ds = synthetic.dataset(
        LEVERAGE, n_paths=256, status=lambda coords: ("not_allowed", "") if coords["leverage"] == 20 else ("ok", "")
    )
    assert safe(set_ruin(ds, [float("nan"), 0.001, 0.002])).values[0][0] == "10x (all)"


def test_more_collateral_is_safer_so_the_smallest_is_sought():
    ds = set_ruin(synthetic.dataset({"book.collateral": [1000.0, 2000.0, 3000.0]}, n_paths=256), [0.5, 0.004, 0.001])
    found = safe(ds)
    assert found.subject == "smallest swept collateral" and found.values[0] == ["2,000"] * 3


def test_of_no_limits_nothing_is_said():
    assert limit_words([]) == []


def test_the_threshold_is_the_strictest_limit_of_the_horizon():
    limits = [
        {"name": name, "event": event, "horizon": "7D", "where": {}, "max": maximum}
        for name, event, maximum in (("a", "liquidation", 0.2), ("b", "liquidation", 0.1), ("c", "bankruptcy", 0.001))
    ]
    found = safe(synthetic.dataset(LEVERAGE, limits=limits, n_paths=256)).thresholds
    assert [(threshold.maximum, threshold.limit) for threshold in found] == [(0.01, ""), (0.1, "b"), (0.01, "")]


def test_every_model_must_stay_below(nightly):
    found = safe(nightly)
    assert found.groups == ["long", "short"] and found.scope == " in every model"
    for group, line in zip(found.groups, found.values, strict=True):
        for threshold, horizon, text in zip(found.thresholds, nightly["horizon"].values, line, strict=True):
            upper = nightly["ruin_upper"].sel(side=group, horizon=horizon).max("model", skipna=False)
            below = upper["leverage"].values[upper.values < threshold.maximum]
            assert text == (f"{below.max()}x" if below.size else "none")


def test_ratios_to_the_neighbours():
    ds = set_ruin(synthetic.dataset(LEVERAGE, n_paths=256), [0.3, 0.01, 0.1])
    rows = {row.head: row.cells[0] for row in worse(ds, arrange(ds)).bodies[0].rows}
    assert list(rows) == ["leverage 10x \u2192 20x", "leverage 10x \u2192 5x"]  # the worst first
    up, down = rows.values()
    assert up.text.endswith("3.00") and up.notes == ("2.45 to 3.67",)  # 0.27 / 0.11 and 0.33 / 0.09
    assert down.text.endswith("0.10") and down.notes == ("0.082 to 0.12",)


def test_a_ratio_to_no_hits_is_a_bound():
    ds = synthetic.dataset(LEVERAGE, n_paths=256)
    for name, values in (("probability", (0.3, 0.0, 0.0)), ("lower", (0.27, 0, 0)), ("upper", (0.33, 0.01, 0.01))):
        for place, p in enumerate(values):
            ds[f"ruin_{name}"][place] = p
    up, down = (row.cells[0] for row in worse(ds, arrange(ds)).bodies[0].rows)
    assert up.text.startswith("> ") and up.text.endswith("27.0") and up.notes == ("no hits here",)
    assert down.text == words.NOTHING and down.notes == ("no hits in either",)
