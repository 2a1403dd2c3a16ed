from dataclasses import replace

import jax
import numpy as np
import pytest
from calibrate.jump_histories import regime_returns
from calibrate.price_histories import HOUR, YEAR, hourly
from scipy.linalg import expm
from scipy.stats import norm

from stresslab.calibrate import regime_filter, regime_switching
from stresslab.errors import InputError
from stresslab.models import RegimeSwitching

SIGMAS, GENERATOR = (0.4, 1.2), ((-40.0, 40.0), (150.0, -150.0))
MODEL = RegimeSwitching(sigmas=SIGMAS, generator=GENERATOR, initial_state=0)


@pytest.fixture(scope="module")
def history():
    """n = 12,000 hours, seed 3, and the last state."""
    values, state = regime_returns(np.random.default_rng(3), 12_000, SIGMAS, GENERATOR)
    return hourly(values), state


@pytest.fixture(scope="module")
def fitted(history):
    return regime_switching.fit(history[0])


def test_round_trip(fitted):
    """Two states are found among two and three; each number within three standard errors, which are bounded here."""
    assert len(fitted.parameters["sigmas"]) == 2
    truth = {"sigmas.0": 0.4, "sigmas.1": 1.2, "generator.0.1": 40.0, "generator.1.0": 150.0}
    found = dict(zip(truth, (*fitted.parameters["sigmas"], _rate(fitted, 0), _rate(fitted, 1)), strict=True))
    errors = fitted.standard_errors
    assert list(errors) == list(truth)
    for name, value in truth.items():
        assert abs(found[name] - value) < 3 * errors[name]
        wrong = value * (1.1 if name.startswith("sigmas") else 2.0)
        assert abs(found[name] - wrong) > 3 * errors[name]
    assert errors["sigmas.0"] < 0.01 and errors["sigmas.1"] < 0.05 and errors["generator.0.1"] < 12


def _rate(fit, state):
    return fit.parameters["generator"][state][1 - state]


def test_the_file_is_a_model(fitted, history):
    written = fitted.document("simulated")["parameters"]
    model = RegimeSwitching(**written)
    assert fitted.state == ("initial_state",)
    assert np.argmax(model.initial_state) == history[1]
    assert fitted.diagnostics.kolmogorov_smirnov < 0.015
    assert fitted.diagnostics.ljung_box_squares_p > 0.001


def naive(values, model, dt):
    """Hamilton's filter bar by bar in NumPy: log-likelihood and the last probabilities."""
    moves, squares = expm(np.array(model.generator) * dt), np.array(model.sigmas) ** 2
    state = np.linalg.matrix_power(expm(np.array(model.generator)), 50)[0]
    total = 0.0
    for value in values:
        joint = np.zeros((len(squares),) * 2)
        for before in range(len(squares)):
            for after in range(len(squares)):
                variance = (squares[before] + squares[after]) / 2 * dt
                density = 1.0 if np.isnan(value) else norm.pdf(value, -variance / 2, np.sqrt(variance))
                joint[before, after] = state[before] * moves[before, after] * density
        total += np.log(joint.sum())
        state = joint.sum(axis=0) / joint.sum()
    return total, state


@pytest.mark.parametrize("gap", [False, True])
def test_filter_is_the_naive_one(history, gap):
    """400 hours of seed 3, whole and with 30 of them missing, which pass time and tell nothing."""
    whole = hourly(history[0].values[:400])
    kept = np.ones(400, bool)
    kept[200:230] = not gap
    returns = replace(whole, stamps=whole.stamps[kept], values=whole.values[kept])
    total, state = naive(np.where(kept, whole.values, np.nan), MODEL, 1 / YEAR)
    with jax.enable_x64(True):
        found = regime_filter.run(np.array(SIGMAS), np.array(GENERATOR), regime_filter.on_grid(returns), 1 / YEAR)
        assert float(found.log_likelihoods.sum()) == pytest.approx(total, rel=1e-9)
    filtered = regime_switching.filter_state(MODEL, returns)["initial_state"]
    assert filtered == pytest.approx(tuple(state), abs=2e-6)
    assert RegimeSwitching(**{**dict(MODEL), "initial_state": filtered})


def test_filter_knows_the_state(history):
    """The last state of the history, and at 20 earlier ends the chance that it gives to what the volatility says."""
    returns, state = history
    found = regime_switching.filter_state(MODEL, returns)["initial_state"]
    assert found[state] > 0.8
    wild = 0.03 * np.array([1.0, -1.0] * 12)
    stormy = replace(
        returns,
        values=np.append(returns.values, wild),
        stamps=np.append(returns.stamps, returns.stamps[-1] + HOUR * np.arange(1, 25)),
    )
    assert regime_switching.filter_state(MODEL, stormy)["initial_state"][1] > 0.99


def test_too_few_returns():
    with pytest.raises(InputError, match="at least 500 returns"):
        regime_switching.fit(hourly(np.full(99, 0.01)))


@pytest.mark.slow
def test_standard_errors_are_the_spread_of_estimates():
    """20 histories of two years (seed 7): spread over stated error is 1, known to 1 / sqrt(40) = 16 %."""
    rng = np.random.default_rng(7)
    fits = [regime_switching.fit(hourly(regime_returns(rng, 2 * YEAR, SIGMAS, GENERATOR)[0]), 2) for _ in range(20)]
    for state in (0, 1):
        for name, found in (
            (f"sigmas.{state}", [fit.parameters["sigmas"][state] for fit in fits]),
            (f"generator.{state}.{1 - state}", [_rate(fit, state) for fit in fits]),
        ):
            stated = np.mean([fit.standard_errors[name] for fit in fits])
            assert abs(stated / np.std(found, ddof=1) - 1) < 3 * 0.16
