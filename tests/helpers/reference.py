"""The cases of ../shared/reference/reference_values.json for the models that exist, and its README's pass rules."""

import json
from pathlib import Path

import numpy as np
from helpers.closed_forms import black_call
from scipy.optimize import brentq
from scipy.stats import norm

from stresslab.models import GBM, SVJJ, Bates, Hawkes, Heston, Kou, Merton, RegimeSwitching
from stresslab.models.base import Parameters

_FILE = Path(__file__).resolve().parents[2] / "../shared/reference/reference_values.json"
_KINDS = {
    "GBM": "gbm",
    "Merton jump diffusion": "merton",
    "Kou double-exponential": "kou",
    "Heston": "heston",
    "Bates/SVJ": "bates",
    "SVJJ (DPS)": "svjj",
    "Markov regime-switching GBM": "regime_switching",
    "Hawkes-jump": "hawkes",
}
DISCRETISED = {"Heston", "Bates/SVJ", "SVJJ (DPS)"}  # rule 2
_UNITS = {"D": 1440, "h": 60, "min": 1}

CASES = {
    case["id"]: case for case in (json.loads(_FILE.read_text()) if _FILE.exists() else []) if case["model"] in _KINDS
}


def select(kind: str = "", quantity: str = "", without: str = "") -> list[str]:
    """Ids of the cases of a kind whose quantity begins like that, without those that carry a tag."""
    return [
        name
        for name, case in CASES.items()
        if _KINDS[case["model"]].startswith(kind)
        and case["quantity"].startswith(quantity)
        and without not in case["tags"]
    ]


BARRIERS = [name for kind in ("DownOut", "DownIn", "UpOut", "UpIn") for name in select("gbm", kind)]


def spot_of(case: dict) -> float:
    return case["parameters"].get("S0", case["parameters"].get("F0"))


def barrier_of(case: dict) -> float:
    """The barrier as a fraction of spot."""
    given = case["parameters"]
    fraction = given.get("barrier_over_S0", given.get("liq_price_over_entry"))
    return fraction if fraction is not None else given["barrier"] / given["S0"]


def model_of(case: dict) -> Parameters:
    given = case["parameters"]
    mu = given.get("mu_annual_drift_of_S", (given.get("r") or 0.0) - (given.get("q") or 0.0))
    kind = _KINDS[case["model"]]
    if kind == "gbm":
        return GBM(sigma=given["sigma_annual"], mu=mu)
    if kind == "merton":
        jumps = {name: given[key] for name, key in _JUMPS.items()}
        return Merton(sigma=given["sigma_annual"], mu=mu, **jumps)
    if kind in _BUILD:
        return _BUILD[kind](given, mu)
    short = {name: given.get(key, given.get(name)) for name, key in _HESTON.items()}
    return Heston(rho=given.get("rho", 0.0), mu=mu, **short)


def _kou(given: dict, mu: float) -> Kou:
    names = {"sigma": "sigma_annual", "jump_intensity": "lambda_per_year", "up_probability": "p_up"}
    fields = {name: given[key] for name, key in names.items()}
    return Kou(eta_up=given["eta1_up"], eta_down=given["eta2_down"], mu=mu, **fields)


def _bates(given: dict, mu: float) -> Bates:
    short = {name: given.get(key, given.get(name)) for name, key in _HESTON.items()}
    std = given["jump_log_sd"]
    mean = given.get("jump_log_mean")
    if mean is None:
        mean = float(np.log1p(given["mean_relative_jump_mubar"])) - std**2 / 2
    intensity = given["lambda_per_year"]
    return Bates(rho=given["rho"], jump_intensity=intensity, jump_mean=mean, jump_std=std, mu=mu, **short)


def _svjj(given: dict, mu: float) -> SVJJ:
    short = {name: given.get(key, given.get(name)) for name, key in _HESTON.items()}
    std, rise, slope = (given[name] for name in ("jump_log_sigma_s", "var_jump_mean_mu_v", "rho_J"))
    growth = 1 + given["mean_relative_jump_mubar"]
    return SVJJ(
        rho=given["rho"],
        jump_intensity=given["lambda_per_year"],
        jump_mean=float(np.log(growth * (1 - slope * rise))) - std**2 / 2,
        jump_std=std,
        variance_jump_mean=rise,
        jump_correlation=slope,
        mu=mu,
        **short,
    )


def _regimes(given: dict, mu: float) -> RegimeSwitching:
    start = given["initial_state"]
    return RegimeSwitching(
        sigmas=given["sigma_states_annual"], generator=given["generator_Q_per_year"], initial_state=start, mu=mu
    )


def _hawkes(given: dict, mu: float) -> Hawkes:
    names = {
        "sigma": "sigma_annual",
        "base_intensity": "lambda_bar",
        "excitation": "excitation_alpha",
        "decay": "decay_beta",
        "initial_intensity": "lambda0",
        "jump_mean": "jump_log_mean",
        "jump_std": "jump_log_sd",
    }
    return Hawkes(compensated=False, mu=mu, **{name: given[key] for name, key in names.items()})


_BUILD = {"kou": _kou, "bates": _bates, "svjj": _svjj, "regime_switching": _regimes, "hawkes": _hawkes}
_JUMPS = {"jump_intensity": "lambda_per_year", "jump_mean": "jump_log_mean", "jump_std": "jump_log_sd"}
_HESTON = {"v0": "v0", "kappa": "kappa_per_year", "theta": "theta_var", "xi": "xi_volofvol"}


def discounted_touch(case: dict) -> float:
    """E[exp(-r tau); tau <= T]: the touch probability under the drift that makes discounting a change of measure."""
    given, model, barrier = case["parameters"], model_of(case), barrier_of(case)
    variance = model.sigma**2
    drift = model.mu - variance / 2
    other = np.sqrt(drift**2 + 2 * given["r"] * variance)
    touched = GBM(sigma=model.sigma, mu=other + variance / 2).first_passage_probability(barrier, given["T_years"])
    return barrier ** ((drift - other) / variance) * touched


def durations(t: float, steps: int) -> tuple[str, str] | None:
    """The horizon of t years and a step of a `steps`-th of it, as durations; None where they are no whole minutes."""
    seconds = round(t * 365 * 86_400)
    if abs(seconds - t * 365 * 86_400) > 1e-3 or seconds % steps:
        return None
    return f"{seconds}s", f"{seconds // steps}s"


def tolerance_of(case: dict) -> float:
    return case["tolerance"] * (abs(case["value"]) if case["tolerance_kind"] == "rel" else 1)


def assert_exact(found: float, case: dict) -> None:
    """Rule 4, deterministic functions: the stated tolerance and nothing else."""
    assert abs(found - case["value"]) <= tolerance_of(case), f"{found:.15g}, not {case['value']:.15g}"


def assert_estimate(found: float, error: float, case: dict, slack: float = 0) -> None:
    """Rule 1, unbiased estimators: four standard errors and the tolerance; `slack` is what rule 2 allows a scheme."""
    most = 4 * error + tolerance_of(case) + slack
    assert abs(found - case["value"]) <= most, f"{found:.8g}, not {case['value']:.8g}: standard error {error:.2g}"


def volatility_point(case: dict) -> float:
    """What a European price may be off by rule 2: a tenth of a point of implied volatility, 0.001, times vega."""
    given, t = case["parameters"], case["parameters"]["T_years"]
    discount = given.get("discount_factor", np.exp(-(given.get("r") or 0.0) * t))
    forward = spot_of(case) * np.exp(model_of(case).mu * t)
    call = case["value"] / discount + (forward - given["K"] if "put" in case["quantity"] else 0)
    sigma = brentq(lambda s: black_call(forward, given["K"], s, t) - call, 1e-4, 10)
    d1 = np.log(forward / given["K"]) / (sigma * np.sqrt(t)) + sigma * np.sqrt(t) / 2
    return 0.001 * discount * forward * np.sqrt(t) * norm.pdf(d1)
