"""Whole paths: what is returned, that they are those of first_passage, and what is refused."""

import numpy as np
import pytest
from helpers.closed_forms import DAY
from helpers.examples import EXAMPLES
from helpers.naive_loop import walk
from helpers.statistics import assert_mean, assert_proportion, assert_rejected, assert_variance
from helpers.watch import Watched, watch

from stresslab.errors import InputError
from stresslab.models import GBM
from stresslab.passage import first_passage
from stresslab.paths import simulate

KINDS = sorted(EXAMPLES)
MODEL = GBM(sigma=0.8)
N, STEPS, DT = 1 << 15, 14, DAY / 2  # the shape that other tests compile too
GIVEN = {"n_paths": N, "horizon": "7D", "step": "12h", "seed": 7}


def test_dataset():
    found = simulate(MODEL, **GIVEN, spot=84_250.0)
    assert dict(found.sizes) == {"path": N, "time": STEPS + 1}
    assert found.price.dtype == found.variance.dtype == np.float32
    np.testing.assert_allclose(found.time, np.arange(STEPS + 1) * DT, rtol=1e-12)
    np.testing.assert_array_equal(found.path, np.arange(N))
    np.testing.assert_array_equal(found.price[:, 0], np.float32(84_250))
    np.testing.assert_array_equal(found.variance, np.float32(0.64))
    for variable in (*found.data_vars.values(), found.time):
        assert variable.attrs["units"]
        assert variable.attrs["long_name"]


def test_same_arguments_give_the_same_bytes():
    first, second = (simulate(MODEL, **GIVEN) for _ in range(2))
    assert first.price.values.tobytes() == second.price.values.tobytes()


def test_number_of_paths_changes_none_of_them():
    """An even number of scans for two devices, and three, the last one cut, that one must do: no path is another."""
    many = simulate(MODEL, **GIVEN).price.values
    few = simulate(MODEL, **{**GIVEN, "n_paths": 3067}).price.values
    assert few.shape == (3067, STEPS + 1)
    np.testing.assert_array_equal(few, many[:3067])


def test_spot_scales_the_price():
    one, many = (simulate(MODEL, **GIVEN, spot=spot).price.values for spot in (1.0, 250.0))
    np.testing.assert_allclose(many, 250 * one.astype(float), rtol=1e-7)


@pytest.mark.parametrize("change", [{"seed": 8}, {"stream": 1}])
def test_other_randomness_is_unrelated(change):
    """Correlation of 2^15 last returns: standard error 0.0055."""
    one, other = (np.log(simulate(MODEL, **{**GIVEN, **more}).price.values[:, -1]) for more in ({}, change))
    assert abs(np.corrcoef(one, other)[0, 1]) < 5 * 0.0055


def test_first_variance_is_that_of_tonight():
    model = EXAMPLES["heston"]
    found = simulate(model, **GIVEN)
    np.testing.assert_array_equal(found.variance[:, 0], np.float32(model.v0))
    assert np.all(found.variance[:, 1:].std(dim="path") > 0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loop_is_the_naive_one(kind):
    """14 steps one after the other: what is carried ahead, packed or fused changes no path but by rounding."""
    model = EXAMPLES[kind]
    parts = model.substeps(DT)
    found, naive = simulate(model, **GIVEN), walk(model, DT / parts, STEPS * parts, N, seed=7)
    np.testing.assert_allclose(np.log(found.price.values.astype(float)), naive.log_price[::parts].T, atol=5e-6)
    np.testing.assert_allclose(found.variance, naive.variance[::parts].T, rtol=1e-3, atol=3e-6)


# one record has no law, and filtered_historical is a martingale to the second order alone: its own tests say how nearly
@pytest.mark.parametrize("kind", sorted({*KINDS} - {"replay", "filtered_historical"}))
def test_price_is_a_martingale_at_every_step(kind):
    """mu = 0, n = 2^15, seed 7: the mean price of each of 14 steps; the twin grows by 2 % in the week."""
    model = EXAMPLES[kind].model_copy(update={"mu": 0.0})
    price = simulate(model, **GIVEN).price.values.astype(float)
    for step in range(1, STEPS + 1):
        assert_mean(price[:, step], 1)
    grows = simulate(model.model_copy(update={"mu": 1.0}), **GIVEN).price.values.astype(float)
    assert_rejected(assert_mean, grows[:, -1], 1)


def test_antithetic_partners_mirror_each_other():
    """The log returns of a pair add up to twice the drift; the first of a pair is a path of the plain run."""
    price = simulate(GBM(sigma=0.8, mu=0.5), **GIVEN, antithetic=True).price.values.astype(float)
    both = np.log(price[0::2]) + np.log(price[1::2])
    drift = 2 * (0.5 - 0.32) * np.arange(STEPS + 1) * DT
    np.testing.assert_allclose(both, np.broadcast_to(drift, both.shape), atol=3e-6)
    plain = simulate(GBM(sigma=0.8, mu=0.5), **GIVEN).price.values
    np.testing.assert_array_equal(price[0::2].astype(np.float32), plain[: N // 2])


def test_paths_are_those_of_first_passage():
    """Same seed and step: whoever is below a barrier at the end of a step has touched it, and the end is the same."""
    paths = simulate(MODEL, **GIVEN).price.values
    seen = watch(MODEL, horizons=["7D"], step="12h", n_paths=1 << 17, seed=7)
    seen = Watched(*(field[0, :N].astype(float) for field in seen))
    np.testing.assert_allclose(np.exp(seen.end), paths[:, -1], rtol=1e-6)
    np.testing.assert_allclose(np.exp(seen.end_low), paths.min(axis=1), rtol=1e-6)
    assert np.all(seen.low <= seen.end_low)
    found = first_passage(MODEL, barriers=[0.9, 1.1], horizons=["7D"], step="12h", n_paths=1 << 18, seed=7)
    assert found.probability.values[0, 0] == pytest.approx((seen.low <= np.log(0.9)).mean(), abs=5 * 0.003)
    assert found.probability.values[1, 0] == pytest.approx((seen.high >= np.log(1.1)).mean(), abs=5 * 0.003)


def test_longer_steps_are_cut_unseen():
    """Steps of 3 hours of a variance that comes back within one: only the asked times return, with its moments."""
    model = EXAMPLES["heston"].model_copy(update={"kappa": 400.0, "xi": 20.0})
    assert model.substeps(DAY / 8) == 5
    found = simulate(model, n_paths=2048, horizon="42h", step="3h", seed=9)
    assert dict(found.sizes) == {"path": 2048, "time": 15}
    for step in (1, 2, 14):
        mean, variance = model.variance_moments(step * DAY / 8)
        assert_mean(found.variance.values[:, step], mean)
        assert_variance(found.variance.values[:, step], variance)


def test_discrete_watching_sees_less_than_continuous():
    """7 daily prices above 1.1: 0.3133 by recursion, not the 0.4093 of a continuous watch. n = 2^15: error 0.0026."""
    price = simulate(GBM(sigma=0.9), **GIVEN).price.values[:, 2::2]
    hits = int((price.max(axis=1) >= 1.1).sum())
    assert_proportion(hits, N, 0.31329982)
    assert_rejected(assert_proportion, hits, N, GBM(sigma=0.9).first_passage_probability(1.1, 7 * DAY))


WRONG = [
    ({"step": "5h"}, "step", "must divide the horizon 7D"),
    ({"n_paths": 0}, "n_paths", "at least one path"),
    ({"n_paths": -5}, "n_paths", "at least one path"),
    ({"step": "15 minutes"}, "duration", "whole positive number and a unit"),
    ({"horizon": "0D"}, "duration", "whole positive number and a unit"),
    ({"horizon": 7}, "duration", "whole positive number and a unit"),
    ({"step": "8D"}, "step", "must divide the horizon 7D"),
]


@pytest.mark.parametrize("change, key, words", WRONG)
def test_refusals(change, key, words):
    with pytest.raises(InputError, match=words) as refused:
        simulate(MODEL, **{**GIVEN, **change})
    assert key in str(refused.value)
