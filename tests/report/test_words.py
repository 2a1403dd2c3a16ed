"""Digits follow the uncertainty; nothing that was counted is shown as zero."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stresslab.report import words

NAN = math.nan


def plain(text):
    return text.replace(words.UNIT_SPACE, " ").replace(words.MINUS, "-")


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        ((0.123482, 0.121, 0.126), "12.3 % (12.1 to 12.6 %)"),
        ((0.123482, 0.1233, 0.1237), "12.35 % (12.33 to 12.37 %)"),
        ((0.12, 0.08, 0.16), "12 % (8 to 16 %)"),
        ((0.0015, 0.0009, 0.0022), "0.15 % (0.09 to 0.22 %)"),
        ((0.000122, 0.0000148, 0.00044), "0.01 % (0.001 to 0.04 %)"),  # two hits: the lower end is not zero
        ((0.0000061, 1.6e-7, 0.00034), "0.0006 % (0.00002 to 0.0340 %)"),  # one hit: nor is the probability
        ((0.0, 0.0, 0.000225), "< 0.023 %"),
        ((0.0, 0.0, 0.9), "< 90.0 %"),
        ((1.0, 0.999775, 1.0), "> 99.977 %"),
        ((0.99999, 0.9998, 1.0), "99.999 % (99.980 to 100.000 %)"),
        ((NAN, NAN, NAN), "\u2013"),
    ],
)
def test_a_probability_and_its_interval(estimate, text):
    assert plain(words.with_interval(*estimate)) == text


@given(st.floats(1e-7, 1 - 1e-7), st.floats(1e-3, 1), st.floats(1e-3, 1))
def test_no_probability_is_shown_as_nothing_or_as_certain(p, below, above):
    lower, upper = p * (1 - below), p + (1 - p) * above
    shown = float(words.probability(p, lower, upper).rstrip("%" + words.UNIT_SPACE))
    assert 0 < shown < 100
    # never further from the truth than half a unit of the interval's own leading digit
    assert abs(shown - 100 * p) <= max(50 * (upper - lower), 1e-12)


@given(st.floats(1e-9, 1))
def test_a_bound_is_never_rounded_to_the_wrong_side(upper):
    shown = re.search(r"[\d.]+", words.probability(0.0, 0.0, upper))[0]
    assert float(shown) >= 100 * upper * (1 - 1e-12)
    assert float(shown) <= 110 * upper


@pytest.mark.parametrize(
    ("value", "se", "text"),
    [
        (-1234.567, 12.3, ("-1,235", "± 12")),
        (-1234.567, 1.23, ("-1,234.6", "± 1.2")),
        (5.4321, 0.0123, ("5.432", "± 0.012")),
        (1_234_567.8, 4_321.0, ("1,234,568", "± 4,321")),
        (-0.0001, 1.0, ("0.0", "± 1.0")),
        (-300.0, 0.0, ("-300", "")),
        (0.0, 0.0, ("0", "")),
        (12.5, NAN, ("12.5", "")),
        (NAN, NAN, ("\u2013", "")),
    ],
)
def test_money(value, se, text):
    assert tuple(plain(part) for part in words.money(value, se)) == text


@pytest.mark.parametrize(
    ("dim", "value", "text"),
    [
        ("leverage", 10, "10x"),
        ("leverage", 2.5, "2.5x"),
        ("rate", 1e-4, "0.0001"),
        ("collateral", 1_000_000.0, "1,000,000"),
        ("mu", -0.5, "-0.5"),
        ("side", "long", "long"),
        ("flag", True, "yes"),
    ],
)
def test_labels(dim, value, text):
    assert plain(words.label(dim, value)) == text


def test_cells_are_named():
    assert (
        words.cell_name({"model": "gbm", "leverage": 10, "volatility_scale": 2.0}) == "gbm · 10x · volatility scale 2"
    )


@pytest.mark.parametrize(
    ("text", "words_"), [("1D", "1 day"), ("7D", "7 days"), ("8h", "8 hours"), ("90min", "90 minutes")]
)
def test_horizons(text, words_):
    assert words.horizon_words(text) == words_


def test_events():
    assert plain(words.event_words("loss_50")) == "a loss of 50 % of the account"
    assert words.event_words("venue_default") == "venue default"


@pytest.mark.parametrize(
    ("value", "units", "text"),
    [
        (3.21, "days", "3.2 days"),
        (0.5, "days", "12.0 h"),
        (0.01, "days", "14 min"),
        (7200, "seconds", "2.0 h"),
        (NAN, "days", ""),
    ],
)
def test_times(value, units, text):
    assert plain(words.span(value, units)) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.21, "3.2 s"), (48.2, "48 s"), (148.2, "2 min 28 s"), (7805, "2 h 10 min")]
)
def test_run_times(seconds, text):
    assert plain(words.seconds_words(seconds)) == text


def test_shares():
    assert plain(words.share(0.02)) == "2 %" and plain(words.share(0.00012345)) == "0.0123 %"
    assert plain(words.tenths(-0.3333)) == "-33.3 %"


def test_text_in_a_figure_is_shown_as_it_is():
    assert words.figure_text("<b>&amp;") == "&lt;b&gt;&amp;amp;"
