"""Yearly volatilities against each model's own characteristic function, and against laws known in closed form."""

import numpy as np
import pytest
from scipy.linalg import expm

from stresslab.models import MODELS
from stresslab.models.history import History
from stresslab.models.volatility import LEVELS, volatility

JUMPS = {"jump_intensity": 40.0, "jump_mean": -0.02, "jump_std": 0.05}
HESTON = {"v0": 0.2, "kappa": 5.0, "theta": 0.5, "xi": 1.0, "rho": -0.4}
SVJJ = {**HESTON, **JUMPS, "variance_jump_mean": 0.1, "jump_correlation": -0.3}
REGIMES = {
    "sigmas": (0.3, 1.2),
    "generator": ((-5.0, 5.0), (20.0, -20.0)),
    "initial_state": (0.25, 0.75),
    "jump_intensities": (1.0, 50.0),
    "jump_means": (0.0, -0.05),
    "jump_stds": (0.01, 0.06),
}
KNOWN = {
    "gbm": {"sigma": 0.7},
    "merton": {"sigma": 0.4, **JUMPS},
    "kou": {"sigma": 0.4, "jump_intensity": 60.0, "up_probability": 0.3, "eta_up": 30.0, "eta_down": 20.0},
    "heston": HESTON,
    "bates": {**HESTON, **JUMPS},
    "svjj": SVJJ,
    "rough_heston": {"hurst": 0.1, "v0": 0.2, "kappa": 2.0, "theta": 0.5, "xi": 0.5, "rho": -0.4},
    "regime_switching": REGIMES,
    "hawkes": {
        "sigma": 0.4,
        "base_intensity": 20.0,
        "excitation": 300.0,
        "decay": 600.0,
        "jump_mean": -0.01,
        "jump_std": 0.03,
        "initial_intensity": 90.0,
    },
}


@pytest.mark.parametrize("kind", KNOWN)
def test_the_volatility_now_is_the_variance_of_a_moment(kind: str) -> None:
    """Var(log S_t) / t at t = 1e-5 years, by second differences of log E[exp(i u log S_t)] at u = 0."""
    model, t, u = MODELS[kind](**KNOWN[kind]), 1e-5, 0.5
    up, down = (np.log(complex(model.characteristic_function(side * u, t))) for side in (1, -1))
    assert volatility(model).now ** 2 == pytest.approx(-(up + down).real / u**2 / t, rel=0.01)


@pytest.mark.parametrize(("kind", "variance"), [("heston", 0.5), ("rough_heston", 0.5), ("gbm", 0.49)])
def test_the_long_run_of_plain_models(kind: str, variance: float) -> None:
    assert volatility(MODELS[kind](**KNOWN[kind])).long_run ** 2 == pytest.approx(variance)


def test_the_long_run_of_a_chain_is_where_its_law_ends() -> None:
    """The law of the states after 100 years, by the matrix exponential."""
    model = MODELS["regime_switching"](**REGIMES)
    each = np.array([0.3**2 + 1.0 * 0.01**2, 1.2**2 + 50 * (0.05**2 + 0.06**2)])
    law = np.array([0.25, 0.75]) @ expm(100 * np.array(REGIMES["generator"]))
    assert volatility(model).long_run ** 2 == pytest.approx(law @ each, rel=1e-9)


def test_the_long_run_with_variance_jumps_is_the_mean_of_the_variance() -> None:
    """E[v] solves 0 = kappa (theta - v) + intensity mean; the jumps of the price come on top."""
    v = 0.5 + 40 * 0.1 / 5.0
    square = 0.05**2 + 0.02**2 + 2 * (-0.02) * (-0.03) + 2 * 0.03**2
    assert volatility(MODELS["svjj"](**SVJJ)).long_run ** 2 == pytest.approx(v + 40 * square)


def test_bars() -> None:
    bar = 1 / 8760
    garch = MODELS["garch"](omega=1e-6, alpha=0.1, beta=0.8, h0=4e-5, bar="1h")
    assert volatility(garch) == pytest.approx((np.sqrt(4e-5 / bar), np.sqrt(1e-5 / bar)))
    integrated = MODELS["garch"](omega=1e-7, alpha=0.1, beta=0.89998, h0=4e-5, bar="1h")
    assert volatility(integrated).long_run is None


def test_recorded_bars() -> None:
    returns = np.tile([0.01, -0.01], 500)
    history = History.of(returns, 3600, 3600 * np.arange(1001))
    for kind, more in (("block_bootstrap", {"block": 5.0}), ("replay", {})):
        found = volatility(MODELS[kind](history=history, **more))
        assert found == pytest.approx((0.01 * np.sqrt(8760),) * 2)
    assert volatility(MODELS["replay"](history=history, scale=2.0)).now == pytest.approx(0.02 * np.sqrt(8760))


def test_every_model_of_one_asset_has_its_line() -> None:
    assert set(LEVELS) == set(MODELS.values())
