"""Prices by the COS method against the Lewis integral, the reference values and QuantLib."""

import json
from pathlib import Path

import numpy as np
import pytest

from stresslab.calibrate import black, cos
from stresslab.models import SVJJ, Bates, Heston, RoughHeston
from stresslab.numerics import fourier_call

MILD = dict(v0=0.64, kappa=5.0, theta=0.64, xi=2.0, rho=-0.5)
ROUGH = dict(v0=0.09, kappa=2.0, theta=0.49, xi=2.5, rho=-0.9)  # Feller ratio 0.31
CRASH = dict(jump_intensity=4.0, jump_mean=-0.15, jump_std=0.08)
MODELS = [
    Heston(**MILD),
    Heston(**ROUGH),
    Bates(**MILD, **CRASH),
    Bates(**ROUGH, jump_intensity=40.0, jump_mean=-0.02, jump_std=0.04),
    SVJJ(**ROUGH, **CRASH, variance_jump_mean=0.4, jump_correlation=-0.1),
]
STRIKES = np.array([0.5, 0.8, 0.95, 1.0, 1.05, 1.3, 2.0])
FILE = Path(__file__).resolve().parents[2] / "../shared/reference/reference_values.json"
CASES = {case["id"]: case for case in (json.loads(FILE.read_text()) if FILE.exists() else [])}
EUROPEAN = [
    name
    for name, case in CASES.items()
    if case["model"] in ("Heston", "Bates/SVJ", "SVJJ (DPS)", "rough Heston")
    and case["quantity"].startswith("European")
]


def priced(model, strikes, t, calls=True):
    return cos.prices(lambda u: model.characteristic_function(u, t), strikes, np.broadcast_to(calls, np.shape(strikes)))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.kind)
@pytest.mark.parametrize("days", [1, 30, 365])
def test_the_lewis_integral(model, days):
    """To 1e-9 of the forward, which is what the integral gives."""
    t = days / 365
    expected = [fourier_call(lambda u: model.characteristic_function(u, t), k, limit=4000) for k in STRIKES]
    np.testing.assert_allclose(priced(model, STRIKES, t), expected, atol=1e-9)


def test_black_is_the_limit():
    """A volatility of variance of a thousandth moves prices by its square; a volatility of 50.05 % is seen."""
    model, t = Heston(v0=0.25, kappa=1.0, theta=0.25, xi=1e-3, rho=0.0), 0.1
    calls = STRIKES > 1
    found = priced(model, STRIKES, t, calls)
    np.testing.assert_allclose(found, black.price(1.0, STRIKES, 0.5, t, calls), atol=1e-7)
    assert not np.allclose(found, black.price(1.0, STRIKES, 0.5005, t, calls), atol=1e-6)


@pytest.mark.parametrize("name", EUROPEAN)
def test_reference_prices(name):
    """Within the tolerance of the reference and nothing else."""
    case = CASES[name]
    given, t = case["parameters"], case["parameters"]["T_years"]
    spot = given.get("S0", given.get("F0"))
    forward = spot * np.exp(((given.get("r") or 0) - (given.get("q") or 0)) * t)
    discount = given.get("discount_factor", np.exp(-(given.get("r") or 0) * t))
    strike, call = given["K"], "put" not in case["quantity"]
    found = forward * discount * priced(model_of(case), np.array([strike / forward]), t, call)[0]
    tolerance = case["tolerance"] * (abs(case["value"]) if case["tolerance_kind"] == "rel" else 1)
    assert abs(found - case["value"]) <= tolerance


def test_there_are_reference_prices(shared):
    assert len(EUROPEAN) == 60


def model_of(case):
    """The model of a reference case without its drift."""
    given = case["parameters"]

    if case["model"] == "rough Heston":
        same = {name: float(given[name]) for name in ("v0", "kappa", "theta", "rho")}
        return RoughHeston(**same, hurst=given["H"], xi=given["sigma_volofvol"])

    def of(*names):
        return next(float(given[name]) for name in names if name in given)

    shape = dict(v0=of("v0"), xi=of("xi_volofvol"), rho=float(given.get("rho", 0.0)))
    shape |= dict(kappa=of("kappa", "kappa_per_year"), theta=of("theta", "theta_var"))
    if case["model"] == "Heston":
        return Heston(**shape)
    jump = (
        dict(jump_intensity=of("lambda_per_year"), jump_std=of("jump_log_sd", "jump_log_sigma_s"))
        if ("jump_log_sd" in given or "jump_log_sigma_s" in given)
        else {}
    )
    if "var_jump_mean_mu_v" not in given:
        mean = given.get("jump_log_mean")
        if mean is None:
            mean = np.log1p(given["mean_relative_jump_mubar"]) - jump["jump_std"] ** 2 / 2
        return Bates(**shape, **jump, jump_mean=float(mean))
    rise, tilt = of("var_jump_mean_mu_v"), of("rho_J")
    mean = np.log((1 + given["mean_relative_jump_mubar"]) * (1 - tilt * rise)) - jump["jump_std"] ** 2 / 2
    return SVJJ(**shape, **jump, jump_mean=float(mean), variance_jump_mean=rise, jump_correlation=tilt)


@pytest.mark.parametrize("model", [model for model in MODELS if not isinstance(model, SVJJ)], ids=lambda m: m.kind)
def test_quantlib(model):
    """Heston and Bates engines of QuantLib, calls of 60 days, to 1e-8 of the forward."""
    ql = pytest.importorskip("QuantLib")
    today = ql.Date(1, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    flat = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
    spot = ql.QuoteHandle(ql.SimpleQuote(1.0))
    heston = (model.v0, model.kappa, model.theta, model.xi, model.rho)
    if isinstance(model, Bates):
        jump = (model.jump_intensity, model.jump_mean, model.jump_std)
        process = ql.BatesModel(ql.BatesProcess(flat, flat, spot, *heston, *jump))
        engine = ql.BatesEngine(process, 192)
    else:
        engine = ql.AnalyticHestonEngine(ql.HestonModel(ql.HestonProcess(flat, flat, spot, *heston)), 192)
    for strike, found in zip(STRIKES, priced(model, STRIKES, 60 / 365), strict=True):
        option = ql.VanillaOption(
            ql.PlainVanillaPayoff(ql.Option.Call, float(strike)), ql.EuropeanExercise(today + ql.Period(60, ql.Days))
        )
        option.setPricingEngine(engine)
        assert found == pytest.approx(option.NPV(), abs=1e-8)


def test_a_wider_interval_changes_nothing():
    """Twice the width and the terms: the truncation is below 1e-11 in the case with the heaviest tail."""
    model, t = Heston(v0=0.04, kappa=0.5, theta=0.04, xi=1.0, rho=-0.9), 10.0

    def phi(u):
        return model.characteristic_function(u, t)

    low, high = cos.interval(phi, STRIKES)
    wide = cos.make_grid(STRIKES, 2 * low, 2 * high, 2 * 16_384)
    np.testing.assert_allclose(
        priced(model, STRIKES, t), cos.puts(phi(wide.frequencies), wide) + 1 - STRIKES, atol=1e-9
    )
