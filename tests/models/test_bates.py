"""Bates against its closed forms, and its step against Heston's, of which it is made."""

from functools import cache

import jax
import numpy as np
import pytest
from helpers.closed_forms import DAY
from helpers.statistics import assert_mean, assert_proportion, assert_rejected, assert_variance
from helpers.watch import watch
from scipy import stats

from stresslab import random
from stresslab.models import Bates, Heston
from stresslab.models.base import Diffusion, Jump, State
from stresslab.numerics import fourier_call, fourier_cdf

MODEL = Bates(
    v0=0.49, kappa=2.0, theta=0.49, xi=2.5, rho=-0.7, jump_intensity=40.0, jump_mean=-0.02, jump_std=0.04, mu=0.3
)
N, T = 1 << 17, 7 * DAY
LONG = 0.012 / 40  # a step of three slots, years


@cache
def paths(model, seed=1):
    """Log price and variance after 7 days in steps of 2 hours, float64, n = 2^17."""
    found = watch(model, horizons=["7D"], step="2h", n_paths=N, seed=seed)
    return found.end[0].astype(float), found.variance[0].astype(float)


@cache
def one_step(n=1 << 18):
    """Words of seed 5, the step from variances between 0 and 2, and Heston's step on its two of these words."""
    before = np.linspace(0.001, 2, n, dtype=np.float32)[None]
    words = random.words(random.key(5), np.arange(n, dtype=np.uint32)[None], np.uint32(0), MODEL.layout(LONG).n_words)
    state = State(np.zeros((1, n), np.float32), before)
    ours = jax.jit(Bates.step)(MODEL.coefficients(LONG), state, words)
    theirs = jax.jit(Heston.step)(MODEL.diffusion.coefficients(LONG), state, words[:2])
    return ours, theirs


def rows(pieces, kind, field):
    return np.stack([np.asarray(getattr(piece, field))[0] for piece in pieces if isinstance(piece, kind)]).astype(float)


def test_the_diffusion_is_that_of_heston():
    """The pieces between the jumps add up to Heston's move, its variance and its integrated variance."""
    (after, pieces), (heston, (whole,)) = one_step()
    np.testing.assert_allclose(after.variance, heston.variance, rtol=1e-6)
    np.testing.assert_allclose(rows(pieces, Diffusion, "move").sum(0), whole.move[0], atol=2e-7)
    np.testing.assert_allclose(rows(pieces, Diffusion, "variance").sum(0), whole.variance[0], rtol=1e-5)


def test_the_move_is_cut_by_a_bridge():
    """n = 2^18 steps: at the first jump the move is normal about its share, with the bridge's variance; uniform in
    time.
    """
    (_, pieces), (_, (whole,)) = one_step()
    jumped = rows(pieces, Jump, "move")[0] != 0
    assert_proportion(int(jumped.sum()), len(jumped), -np.expm1(-0.012))
    first, total = rows(pieces, Diffusion, "variance")[0][jumped], np.asarray(whole.variance)[0][jumped].astype(float)
    share = first / total
    assert stats.kstest(share, "uniform").statistic < 0.03  # the variance's line and second jumps bend it a little
    gone = rows(pieces, Diffusion, "move")[0][jumped] - share * np.asarray(whole.move)[0][jumped]
    z = gone / np.sqrt(total * share * (1 - share))
    inside = (share > 1e-3) & (share < 1 - 1e-3)
    assert_mean(z[inside], 0)
    assert_variance(z[inside], 1)
    assert_rejected(assert_variance, z[inside] * 1.1, 1)


def test_sizes_of_jumps():
    (_, pieces), _ = one_step()
    size = rows(pieces, Jump, "move")
    assert_mean(size[size != 0], -0.02)
    assert_variance(size[size != 0], 0.04**2)


def test_price_grows_at_mu_and_the_variance_is_that_of_heston():
    x, v = paths(MODEL)
    assert_mean(np.exp(x), np.exp(0.3 * T))
    mean, variance = MODEL.diffusion.variance_moments(T)
    assert_mean(v, mean)
    assert_variance(v, variance)
    assert_rejected(assert_mean, np.exp(x + 40 * 0.019 * T), np.exp(0.3 * T))  # without the compensator


@pytest.mark.parametrize("strike", [0.8, 1.0, 1.15])
def test_law_of_the_price(strike):
    """Characteristic function against 2^17 paths; the scheme may add 1e-4 of spot. Half of the jumps is refused."""
    x, _ = paths(MODEL)

    def law(u):
        return MODEL.characteristic_function(u, T)

    assert_mean(np.maximum(np.exp(x) - strike, 0), fourier_call(law, strike), slack=1e-4)
    share = fourier_cdf(law, np.log(strike))
    assert_proportion(int((x <= np.log(strike)).sum()), N, share, slack=0.005 * share)


def test_half_of_the_jumps_is_refused():
    fewer = MODEL.model_copy(update={"jump_intensity": 20.0})
    share = fourier_cdf(lambda u: fewer.characteristic_function(u, T), np.log(0.8))
    x, _ = paths(MODEL)
    assert_rejected(assert_proportion, int((x <= np.log(0.8)).sum()), N, share, slack=0.005 * share)


def test_longest_step():
    """The shorter one of Heston's and of what holds the jumps."""
    assert MODEL.longest_step == pytest.approx(0.0124 / 40)
    calm = MODEL.model_copy(update={"jump_intensity": 0.0})
    assert calm.longest_step == calm.diffusion.longest_step == pytest.approx(0.015)
    u = np.array([0.5, 3.0, 20.0 - 0.5j])
    np.testing.assert_allclose(
        calm.characteristic_function(u, T), calm.diffusion.characteristic_function(u, T), rtol=1e-12
    )
