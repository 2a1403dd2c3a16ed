"""First passage: against closed forms for all barriers and horizons of one pass, its bookkeeping, and what it refuses.

`RUN` is n = 2^18 paths, seed 21, steps of 4 hours: a standard error of at most 0.001.
"""

import numpy as np
import pytest
from helpers.closed_forms import DAY, touch_probability
from helpers.examples import EXAMPLES
from helpers.naive_loop import walk
from helpers.statistics import assert_proportion, assert_rejected
from helpers.watch import watch
from scipy import stats

from stresslab import random, scan
from stresslab.errors import InputError
from stresslab.models import GBM, Merton
from stresslab.passage import first_passage

N = 1 << 18
MODEL = GBM(sigma=0.8, mu=0.4)
BARRIERS = [0.5, 0.8, 0.9, 0.95, 0.99, 1.01, 1.1, 1.3]
HORIZONS = {"4h": 1 / 6, "1D": 1, "7D": 7}
RUN = {"horizons": list(HORIZONS), "step": "4h", "n_paths": N, "seed": 21}
WATCH = {"horizons": ["7D"], "step": "6h", "n_paths": 1 << 17}  # the shape that the models' tests compile too


def expected(barrier, horizon, sigma=0.8):
    return touch_probability(barrier, sigma, HORIZONS[horizon] * DAY, 0.4)


@pytest.fixture(scope="module")
def found():
    return first_passage(MODEL, barriers=BARRIERS, **RUN)


def test_every_barrier_and_horizon_against_the_closed_form(found):
    """24 probabilities from 1e-60 to 0.97: to 4 standard errors where hits are expected; few outside the intervals."""
    outside = 0
    for barrier in BARRIERS:
        for horizon in HORIZONS:
            one, truth = found.sel(barrier=barrier, horizon=horizon), expected(barrier, horizon)
            if truth * N > 10:
                assert_proportion(int(one.hits), N, truth, z=4)
            outside += not one.lower <= truth <= one.upper
    assert outside <= 5


@pytest.mark.parametrize("factor", [0.98, 1.02])
def test_two_percent_of_volatility_is_seen(found, factor):
    hits = int(found.hits.sel(barrier=0.9, horizon="7D"))
    assert_rejected(assert_proportion, hits, N, expected(0.9, "7D", 0.8 * factor), z=4)


def test_without_the_bridge_it_would_be_too_low():
    """Ends of 6-hour steps, n = 2^17, standard error 0.0014: the assertion passes with the bridge and fails without."""
    seen = watch(GBM(sigma=0.8), seed=3, **WATCH)
    for barrier, low, high in ((0.9, seen.low, seen.end_low), (1.1, -seen.high, -seen.end_high)):
        truth, level = touch_probability(barrier, 0.8, 7 * DAY), np.log(barrier) * np.sign(1 - barrier)
        assert_proportion(int((low[0] <= level).sum()), WATCH["n_paths"], truth)
        assert_rejected(assert_proportion, int((high[0] <= level).sum()), WATCH["n_paths"], truth)


def test_the_bridge_draws_from_the_channel_after_the_model():
    """One step: the exponential that an extreme gives away is that of the word of channel 1, the move that of 0."""
    n, dt = WATCH["n_paths"], 7 * DAY
    seen = watch(GBM(sigma=0.8), seed=5, **{**WATCH, "step": "7D"})
    end, low, high = (field[0].astype(float) for field in (seen.end, seen.low, seen.high))
    path = np.arange(n, dtype=np.uint32)[None]
    word = random.words(random.key(5), path, np.uint32(0), 2)[1]
    drawn = np.asarray(random.exponential(word), float)[0]
    for extreme in (low, high):
        np.testing.assert_allclose(2 * extreme * (extreme - end) / (0.64 * dt), drawn, rtol=1e-3, atol=2e-4)
    assert stats.kstest(drawn, "expon").pvalue > 1e-6
    assert abs(np.corrcoef(drawn, end)[0, 1]) < 5 / np.sqrt(n)


BELOW, ABOVE = [0.93, 0.97, 0.99], [1.01, 1.03, 1.07]
FORMS = {"gbm": [BELOW, ABOVE, BELOW + ABOVE], "heston": [BELOW + ABOVE]}
FORMS |= {"scaled_historical": [BELOW[1:]]}  # few recorded days: none falls by 7 %


@pytest.mark.parametrize(
    "kind, barriers", [(kind, barriers) for kind in EXAMPLES for barriers in FORMS.get(kind, [BELOW])]
)
def test_the_loop_is_the_naive_one(kind, barriers):
    """Bridges and gaps of 5 steps one after the other: the same paths touch, but for a few of 2^18 on the edge.

    The loop has a form of its own for one extreme of a model without a variance, for more, and for jumps.
    """
    dt = 1 / (365 * 12)
    parts = EXAMPLES[kind].substeps(dt)
    found = first_passage(EXAMPLES[kind], barriers=barriers, horizons=["10h"], step="2h", n_paths=N, seed=7)
    naive = walk(EXAMPLES[kind], dt / parts, 5 * parts, N, seed=7)
    for level, hits in zip(barriers, found.hits.values[:, 0], strict=True):
        touch = naive.low <= np.log(level) if level < 1 else naive.high >= np.log(level)
        assert abs(int(touch.sum()) - hits) <= 2e-5 * N
        assert kind == "replay" or 300 < hits < N - 300  # of one record all paths hit, or none


@pytest.mark.parametrize("step", ["2h", "4h"])
def test_steps_do_not_matter(step):
    """The bridge is exact: 84 steps and 42 give the same probabilities, of other paths."""
    other = first_passage(MODEL, barriers=[0.9, 1.1], **{**RUN, "step": step, "seed": 22})
    for barrier in (0.9, 1.1):
        assert_proportion(int(other.hits.sel(barrier=barrier, horizon="7D")), N, expected(barrier, "7D"), z=4)


def test_dataset(found):
    assert dict(found.sizes) == {"barrier": 8, "horizon": 3}
    assert set(found.data_vars) == {"probability", "lower", "upper", "standard_error", "hits"}
    np.testing.assert_array_equal(found.barrier, BARRIERS)
    assert list(found.horizon.values) == list(HORIZONS)
    for variable in found.data_vars.values():
        assert variable.attrs["units"]
        assert variable.attrs["long_name"]
    assert np.issubdtype(found.hits.dtype, np.integer)
    np.testing.assert_array_equal(found.probability, found.hits / N)
    assert np.all((found.lower <= found.probability) & (found.probability <= found.upper))
    np.testing.assert_allclose(found.standard_error, np.sqrt(found.probability * (1 - found.probability) / N))


def test_no_hit_has_an_upper_bound(found):
    none = found.sel(barrier=0.5, horizon="4h")
    assert none.hits == 0
    assert none.lower == 0
    assert none.upper == pytest.approx(1 - 0.025 ** (1 / N))


def test_nearer_and_longer_is_likelier(found):
    """On the same paths without any exception."""
    below, above = found.hits.sel(barrier=BARRIERS[:5]), found.hits.sel(barrier=BARRIERS[5:])
    assert np.all(np.diff(below, axis=0) >= 0)
    assert np.all(np.diff(above, axis=0) <= 0)
    assert np.all(np.diff(found.hits, axis=1) >= 0)


def test_barriers_and_horizons_do_not_change_each_other(found):
    """Asked one at a time: the same paths, the same counts."""
    alone = first_passage(MODEL, barriers=[1.1], **{**RUN, "horizons": ["1D"]})
    assert alone.hits.item() == found.hits.sel(barrier=1.1, horizon="1D")


def test_a_barrier_that_a_jump_passes_is_touched():
    """Jumps of one size that land below it, hardly any volatility: P = 1 - exp(-lambda t); n = 2^18, error 4e-4."""
    crash = Merton(sigma=0.01, jump_intensity=2.0, jump_mean=-0.15, jump_std=0.0)
    found = first_passage(crash, barriers=[0.9], horizons=["7D"], step="1D", n_paths=N, seed=6)
    assert_proportion(found.hits.item(), N, -np.expm1(-2 * 7 * DAY), z=4)


def test_antithetic_pairs():
    """Unbiased, and the standard error is that of the pairs: 60 streams of 2^12 paths, whose own error is 9 %."""
    given = {"barriers": [0.97], "horizons": ["1D"], "step": "4h", "n_paths": 4096, "antithetic": True}
    runs = [first_passage(MODEL, seed=8, stream=stream, **given) for stream in range(60)]
    values = np.array([run.probability.item() for run in runs])
    error = np.mean([run.standard_error.item() for run in runs])
    assert abs(values.mean() - expected(0.97, "1D")) < 5 * error / np.sqrt(60)
    assert values.std(ddof=1) == pytest.approx(error, rel=0.4)
    independent = np.sqrt(values.mean() * (1 - values.mean()) / 4096)
    assert error < 0.95 * independent


def test_parameters_are_arguments():
    """Other values, seeds, steps and horizons, and barriers on the same sides, run the program that is there."""
    given = {"n_paths": 4096, "antithetic": True}
    first_passage(MODEL, barriers=[0.97], horizons=["1D"], step="4h", seed=1, **given)
    before = scan.traces.copy()
    first_passage(GBM(sigma=0.3), barriers=[0.9, 0.8], horizons=["30D"], step="1h", seed=9, stream=4, **given)
    assert scan.traces == before


WRONG = [
    ({"barriers": []}, "barriers", "positive fractions of spot"),
    ({"barriers": [0.9, 1.0]}, "barriers", "below or above 1"),
    ({"barriers": [-0.5]}, "barriers", "positive fractions of spot"),
    ({"barriers": [float("nan")]}, "barriers", "positive fractions of spot"),
    ({"barriers": [[0.9]]}, "barriers", "positive fractions of spot"),
    ({"horizons": []}, "horizons", "must be given"),
    ({"horizons": ["7D", "1D"]}, "horizons", "each longer than the one before"),
    ({"horizons": ["1D", "24h"]}, "horizons", "each longer than the one before"),
    ({"step": "5h"}, "step", "must divide every horizon"),
    ({"step": "2D"}, "step", "must divide every horizon"),
    ({"n_paths": 0}, "n_paths", "at least one path"),
    ({"n_paths": 1001, "antithetic": True}, "n_paths", "come in pairs"),
    ({"horizons": ["1 day"]}, "duration", "whole positive number and a unit"),
]


@pytest.mark.parametrize("change, key, words", WRONG)
def test_refusals(change, key, words):
    with pytest.raises(InputError, match=words) as refused:
        first_passage(MODEL, **{"barriers": [0.9], **RUN, **change})
    assert key in str(refused.value)
