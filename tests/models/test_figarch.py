"""FIGARCH: the weights of its memory, how well exponentials carry them, and a twin that remembers every bar."""

import numpy as np
import pytest
from arch.univariate.recursions import figarch_weights
from helpers.closed_forms import normal_of
from helpers.naive_loop import walk
from helpers.statistics import assert_mean, assert_rejected

from stresslab import random
from stresslab.calibrate.variance_recursion import conditional_variances, lifted_factors
from stresslab.models import FIGARCH
from stresslab.models.figarch import LAGS, RATES, lag_weights
from stresslab.paths import simulate

HOUR = 1 / 8760
SHAPES = [(0.2, 0.4, 0.5), (0.1, 0.6, 0.6), (0.0, 0.3, 0.2), (0.3, 0.35, 0.6), (0.2, 0.2, 0.1), (0.05, 0.8, 0.8)]


def model(phi=0.2, d=0.4, beta=0.5, **changes):
    given = {"omega": 1e-6, "bar": "1h", "h0": 1e-4, "mean": "zero_log"} | changes
    return FIGARCH(phi=phi, d=d, beta=beta, **given)


@pytest.mark.parametrize("phi, d, beta", SHAPES)
def test_weights_are_those_of_arch(phi, d, beta):
    theirs = figarch_weights(np.array([phi, d, beta]), 1, 1, LAGS)
    np.testing.assert_allclose(lag_weights(phi, d, beta, LAGS), theirs, rtol=1e-12)


@pytest.mark.parametrize("phi, d, beta", SHAPES)
def test_error_of_the_lift(phi, d, beta):
    """As the docstring states it: 2 % of the weights' sum, the sum itself exact, and never a negative weight."""
    one = model(phi, d, beta)
    lifted, wanted = RATES[None] ** np.arange(6000)[:, None] @ one.lift(), one.lag_weights()
    assert one.lift_error() < 0.022
    assert abs(lifted.sum() / wanted.sum() - 1) < 1e-4
    assert np.all(lifted[:LAGS] > 0)
    assert lifted.min() > -1e-6 * wanted[-1]
    assert (one.lift() / (1 - RATES)).sum() < 1  # the lifted variance is stationary


def test_fewer_memories_would_not_do():
    """The twin: half of the memories are off by three times as much."""
    wanted = model().lag_weights()
    few = RATES[::2][None] ** np.arange(LAGS)[:, None]
    scale = np.sqrt(wanted)
    found = few @ np.linalg.lstsq(few / scale[:, None], wanted / scale, rcond=None)[0]
    assert np.abs(found - wanted).sum() / wanted.sum() > 0.03


def test_naive_twin():
    """Every squared noise remembered with its own weight, 800 bars, 64 paths of seed 5: h to 0.4 % on average."""
    one, n_paths, n_bars = model(), 64, 800
    found = walk(one, HOUR, n_bars, n_paths, 5).variance * HOUR
    path = np.arange(n_paths, dtype=np.uint32)[None]
    z = np.array([normal_of(random.words(random.key(5), path, np.uint32(bar), 2)[0])[0] for bar in range(n_bars)])

    def remembered(weights):
        level = (one.h0 - one.base) / weights.sum()
        squares, h = np.full((LAGS + n_bars, n_paths), level), np.empty((n_bars + 1, n_paths))
        for bar in range(n_bars + 1):
            h[bar] = one.base + weights @ squares[bar : bar + LAGS][::-1]
            if bar < n_bars:
                squares[bar + LAGS] = h[bar] * z[bar] ** 2
        return h

    apart = np.abs(found / remembered(one.lag_weights()) - 1)
    assert apart.mean() < 0.004 and apart.max() < 0.03
    assert np.abs(found / remembered(lag_weights(0.2, 0.405, 0.5, LAGS)) - 1).mean() > 0.004  # the twin


def test_forecast():
    """Mean of h after two days, 2^14 paths of seed 1."""
    variance = simulate(model(), n_paths=1 << 14, horizon="2D", step="1h", seed=1).variance.values.astype(float) * HOUR
    forecast = model().forecast_variance(49)
    assert_mean(variance[:, 48], forecast[48])
    assert_rejected(assert_mean, variance[:, 48], forecast[48] * 0.9)


def test_factors_carry_the_past():
    """Filtered factors give the h of the whole past, to the error of the lift; h0 alone gives a constant past."""
    rng = np.random.default_rng(3)
    noise = rng.standard_normal(3000) * np.sqrt(1e-4) * np.exp(0.5 * np.sin(np.arange(3000) / 200))
    one = model(h0=None, factors=lifted_factors(noise))
    exact = conditional_variances(one, noise)[-1]
    assert one.first_variance == pytest.approx(exact, rel=0.01)
    assert model(h0=3e-4).first_variance == pytest.approx(3e-4, rel=1e-12)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"h0": None}, "FIGARCH has no unconditional variance.*Give h0, or factors"),
        ({"h0": 1e-6}, "h0 must exceed omega"),
        ({"phi": 0.4}, "phi must not exceed"),
        ({"beta": 0.65}, "nor beta d \\+ phi"),
        ({"factors": (1e-4,) * 5}, "there are 13 factors"),
        ({"d": 1.2}, "d"),
    ],
)
def test_refusals(changes, message):
    with pytest.raises(ValueError, match=message):
        model(**changes)
