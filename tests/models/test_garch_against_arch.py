"""Paths of the GARCH family against arch's own simulation of the same model from the same state.

n = 2^15 of ours and 20,000 of arch's (seed 11), 24 bars ahead: two-sample Kolmogorov-Smirnov, whose distance has a
standard error of 0.009. Variance scaled by 1.15 is refused.
"""

from functools import cache

import numpy as np
import pytest
from arch import arch_model
from scipy import stats

from stresslab.calibrate.arch_estimate import LAWS, VOLATILITIES
from stresslab.calibrate.variance_recursion import conditional_variances, lifted_factors
from stresslab.models import MODELS
from stresslab.paths import simulate

BARS, THEIRS, OURS = 24, 20_000, 1 << 15
NUMBERS = {
    "garch": {"omega": 0.02, "alpha": 0.1, "beta": 0.88},
    "gjr": {"omega": 0.02, "alpha": 0.03, "gamma": 0.12, "beta": 0.88},
    "egarch": {"omega": 0.01, "alpha": 0.2, "gamma": -0.1, "beta": 0.96},
    "figarch": {"omega": 0.05, "phi": 0.2, "d": 0.4, "beta": 0.45},
}
SHAPES = {"normal": {}, "student_t": {"nu": 5.0}, "skewed_t": {"nu": 5.0, "skew": -0.25}}
# per cent are a factor of 100, and log h of decimal returns is lower by log 10^4
CASES = [
    ("garch", "student_t"),
    ("gjr", "skewed_t"),
    ("egarch", "student_t"),
    ("figarch", "normal"),
    ("garch", "normal"),
]


@cache
def past():
    """1,500 returns in per cent that end in a calm stretch after a wild one."""
    rng = np.random.default_rng(5)
    return rng.standard_normal(1500) * np.where(np.arange(1500) % 500 < 400, 1.0, 2.5)


@cache
def theirs(kind, law):
    model = arch_model(past(), mean="Zero", dist=LAWS[law], p=1, q=1, rescale=False, **VOLATILITIES[kind])
    model.distribution._generator = np.random.default_rng(11)
    fixed = model.fix([*NUMBERS[kind].values(), *SHAPES[law].values()])
    found = fixed.forecast(horizon=BARS, method="simulation", simulations=THEIRS, reindex=False)
    return found.simulations.values[0].sum(axis=1)


@cache
def ours(kind, law):
    numbers = dict(NUMBERS[kind])
    numbers["omega"] = (
        numbers["omega"] - (1 - numbers["beta"]) * np.log(1e4) if kind == "egarch" else 1e-4 * numbers["omega"]
    )
    given = {**numbers, **SHAPES[law], "innovation": law, "bar": "1h", "mean": "zero_log", "kind": kind}
    noise = past() / 100
    if kind == "figarch":
        model = MODELS[kind](**given, factors=lifted_factors(noise))
    else:
        model = MODELS[kind](**given, h0=1e-4)
        model = model.model_copy(update={"h0": float(conditional_variances(model, noise)[-1])})
    price = simulate(model, n_paths=OURS, horizon=f"{BARS}h", step="1h", seed=1).price.values[:, -1]
    return 100 * np.log(price.astype(float))


@pytest.mark.parametrize("kind, law", CASES)
def test_sum_of_a_day_of_bars(kind, law):
    found, wanted = ours(kind, law), theirs(kind, law)
    assert stats.ks_2samp(found, wanted).pvalue > 1e-3
    assert stats.ks_2samp(found * np.sqrt(1.15), wanted).pvalue < 1e-3


@pytest.mark.parametrize("kind, law", CASES)
def test_tails(kind, law):
    """1 % and 5 % quantiles of arch's sums: their shares among ours, 5 standard errors of both samples."""
    found, wanted = ours(kind, law), theirs(kind, law)
    for probability in (0.01, 0.05, 0.95, 0.99):
        share = float(np.mean(found <= np.quantile(wanted, probability)))
        error = np.sqrt(probability * (1 - probability) * (1 / OURS + 1 / THEIRS))
        assert abs(share - probability) < 5 * error
        assert abs(np.mean(1.15 * found <= np.quantile(wanted, probability)) - probability) > 5 * error
