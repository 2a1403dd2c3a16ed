"""Reference cases from paths, by the rules of the reference folder's README: four standard errors and the tolerance.

n is 2^18 paths a stream for `first_passage`, 2^17 for an observer; every estimate carries its own standard error. The
default run takes one stream; the slow one takes as many as give 0.5 % of the value, and adds European prices. What is
not watched continuously, or needs the joint law of extremes and end, is seen by helpers/watch.py.

Corridors are watched in steps so short that no step can touch both sides, whose joint law the bridge does not have.
"""

from functools import cache

import numpy as np
import pytest
from helpers.reference import (
    BARRIERS,
    CASES,
    DISCRETISED,
    assert_estimate,
    barrier_of,
    discounted_touch,
    durations,
    model_of,
    select,
    spot_of,
    tolerance_of,
    volatility_point,
)
from helpers.statistics import assert_proportion, assert_rejected
from helpers.watch import Watched, watch
from scipy import stats

from stresslab.passage import first_passage
from stresslab.paths import simulate

SEED = 20261122
N_TOUCH, N_WATCH = 1 << 18, 1 << 17

GBM_TOUCHES = select("gbm", "first-passage", without="rare") + select("gbm", "liquidation")
# steps so short that three slots hold the jumps, and no shorter: the scheme is exact, and one program serves all
MERTON_STEPS = {
    "merton_fpt_1d_95_20x": 12,
    "merton_fpt_8h_98_50x": 8,
    "merton_fpt_7d_80_5x": 42,
    "merton_fpt_30d_50_2x": 90,
    "merton_fpt_1d_crash80": 1,
}
# steps of an hour: the schemes are exact
HOURLY = {
    "kou_fpt_1d_90_10x": 24,
    "kou_fpt_8h_98_50x": 8,
    "kou_fpt_1h_99_100x": 1,
    "regime_fpt_calm_1d_92": 24,
}
# coarse and fine: n and 4 n steps, of which the fine one must pass
HESTON_STEPS = {
    "heston_fpt_feller_viol_1d_95": (12, 48),
    "heston_fpt_mild_7d_80": (21, 84),
    "heston_fpt_feller_viol_7d_up115": (21, 84),
    "heston_fpt_rho0_feller_viol_30d_50": (60, 240),
}
BATES_STEPS = {
    "bates_fpt_mild_1d_90": (6, 24),
    "bates_fpt_feller_viol_7d_80": (42, 168),
    "bates_fpt_crash_1d_85": (6, 24),
    "bates_fpt_crash_30d_50": (60, 240),
}
UNBIASED = dict.fromkeys(GBM_TOUCHES, 4) | (MERTON_STEPS | HOURLY if CASES else {})
DISCRETE = select("gbm", "P(min")
CORRIDORS = select("gbm", "P(exit") + select("gbm", "double")
VARIANCES = select("heston", "E[v_T]")
MANY_STEPS = {"gbm_discrete_30d_50_hourly": 720, "gbm_discrete_1d_95_5min": 288}

needs_cases = pytest.mark.skipif(not CASES, reason="needs ../shared, which this clone does not have")


@cache
def touched(name: str, steps: int, streams: int, flip: bool = False) -> tuple[float, float]:
    """Touch probability of a case and its standard error, from `streams` times 2^18 paths."""
    case = CASES[name]
    model = model_of(case)
    model = model.model_copy(update={"rho": -model.rho}) if flip else model
    horizon, step = durations(case["parameters"]["T_years"], steps)
    level = barrier_of(case)
    # with a barrier on the other side too, one program serves all Heston cases
    barriers = [level, 1 / level] if case["model"] == "Heston" else [level]
    given = {"barriers": barriers, "horizons": [horizon], "step": step, "n_paths": N_TOUCH, "seed": SEED}
    hits = sum(int(first_passage(model, stream=stream, **given).hits[0, 0]) for stream in range(streams))
    share, n = hits / (streams * N_TOUCH), streams * N_TOUCH
    return share, np.sqrt(share * (1 - share) / n)


def seen(case, steps: int, streams: int = 1) -> Watched:
    """The case's paths as an observer sees them at its horizon, float64 of shape (path,)."""
    horizon, step = durations(case["parameters"]["T_years"], steps)
    given = {"horizons": [horizon], "step": step, "n_paths": N_WATCH, "seed": SEED}
    runs = [watch(model_of(case), stream=stream, **given) for stream in range(streams)]
    return Watched(
        *(np.concatenate([field[0] for field in fields]).astype(float) for fields in zip(*runs, strict=True))
    )


def mean_and_error(sample: np.ndarray) -> tuple[float, float]:
    return sample.mean(), sample.std(ddof=1) / np.sqrt(sample.size)


def streams_for(name: str, relative: float = 0.005) -> int:
    share = CASES[name]["value"]
    return int(np.ceil((1 - share) / share / relative**2 / N_TOUCH))


@pytest.mark.parametrize("name", UNBIASED)
def test_touch(name):
    assert_estimate(*touched(name, UNBIASED[name], 1), CASES[name])


@needs_cases
def test_touch_probabilities_are_not_biased_together():
    """z of all unbiased cases: not one beyond 4.5, few beyond 2, and no common sign."""
    z = [
        (touched(name, steps, 1)[0] - CASES[name]["value"]) / touched(name, steps, 1)[1]
        for name, steps in UNBIASED.items()
    ]
    check_together(np.array(z))


def check_together(z):
    """Paths are shared, so that the cases are not independent: the sign is looked at with four of its errors."""
    assert np.max(np.abs(z)) < 4.5
    assert stats.binom.sf((np.abs(z) > 2).sum() - 1, len(z), 0.0455) > 1e-4
    assert abs(z.mean()) < 2


@pytest.mark.slow
@needs_cases
def test_touch_with_many_paths():
    """0.5 % of each value, or better."""
    z = []
    for name, steps in UNBIASED.items():
        found, error = touched(name, steps, max(4, streams_for(name)))
        assert error <= 0.0052 * CASES[name]["value"]
        assert_estimate(found, error, CASES[name])
        z.append((found - CASES[name]["value"]) / error)
    check_together(np.array(z))


@pytest.mark.slow
@needs_cases
@pytest.mark.parametrize("name", ["gbm_fpt_1h_99.5", "gbm_fpt_1h_99.2_125x"])
def test_an_hour_of_seconds(name):
    """3600 steps of float32: rounding of the sum does not show. n = 2^20, standard error 0.0004."""
    assert_estimate(*touched(name, 3600, 4), CASES[name])


@needs_cases
@pytest.mark.parametrize("name", HESTON_STEPS)
def test_heston_touch(name):
    """Rule 2 at 2^18 paths: 0.5 % of the value is what the scheme may be off at its default step."""
    case, (coarse, fine) = CASES[name], HESTON_STEPS[name]
    if case["value"] < 0.01:
        fine = coarse
    assert_estimate(*touched(name, fine, 1), case, slack=0.005 * case["value"])


@needs_cases
def test_bates_touch():
    """The same for jumps on top, at the default step and 2^18 paths."""
    case, (_, fine) = CASES["bates_fpt_feller_viol_7d_80"], BATES_STEPS["bates_fpt_feller_viol_7d_80"]
    assert_estimate(*touched("bates_fpt_feller_viol_7d_80", fine, 1), case, slack=0.005 * case["value"])


@pytest.mark.slow
@needs_cases
@pytest.mark.parametrize("name", HESTON_STEPS | BATES_STEPS)
def test_heston_touch_converges(name):
    """16 streams: the fine step passes, and is no worse than the coarse one beyond two standard errors of the two."""
    case, (coarse, fine) = CASES[name], (HESTON_STEPS | BATES_STEPS)[name]
    errors = []
    for steps in (coarse, fine):
        found, error = touched(name, steps, 16)
        errors.append((abs(found - case["value"]), error))
    assert_estimate(found, error, case, slack=0.005 * case["value"])
    assert errors[1][0] <= errors[0][0] + 2 * np.hypot(errors[0][1], errors[1][1])


@needs_cases
def test_the_sign_of_rho_is_seen():
    """A week of a market that falls when volatility rises: the other sign is refused by the same assertion."""
    for name in ("heston_fpt_mild_7d_80", "heston_fpt_feller_viol_7d_up115"):
        case = CASES[name]
        slack = 0.005 * case["value"]
        assert_rejected(assert_estimate, *touched(name, HESTON_STEPS[name][1], 1, flip=True), case, slack=slack)


@needs_cases
def test_the_compensator_is_seen():
    """Three percent a week: the careless drift, mu plus what the compensator takes off, is refused. n = 2^18."""
    for name in ("merton_fpt_7d_80_5x", "merton_fpt_30d_50_2x"):
        case, model = CASES[name], model_of(CASES[name])
        careless = model.model_copy(update={"mu": 2 * model.mu - model.sigma**2 / 2 - model.log_drift})
        horizon, step = durations(case["parameters"]["T_years"], MERTON_STEPS[name])
        given = {"barriers": [barrier_of(case)], "horizons": [horizon], "step": step, "n_paths": N_TOUCH, "seed": SEED}
        found = first_passage(careless, **given)
        assert_rejected(assert_estimate, found.probability.item(), found.standard_error.item(), case)


@needs_cases
def test_two_percent_of_volatility_is_seen():
    """The twin of the unbiased cases of GBM; those in which a crash or a jump decides have their own."""
    for name in ("gbm_fpt_1d_95_20x", "gbm_liq_short_20x", "gbm_fpt_30d_67_3x"):
        case, model = CASES[name], model_of(CASES[name])
        wrong = model.model_copy(update={"sigma": model.sigma * 1.02})
        horizon, step = durations(case["parameters"]["T_years"], 4)
        given = {"barriers": [barrier_of(case)], "horizons": [horizon], "step": step, "n_paths": N_TOUCH, "seed": SEED}
        found = first_passage(wrong, **given)
        assert_rejected(assert_estimate, found.probability.item(), found.standard_error.item(), case)


def check_discrete(name, streams):
    """On the monitoring dates alone; what a continuous watch sees is refused by the same assertion."""
    case = CASES[name]
    found = seen(case, case["parameters"]["n_monitor"], streams)
    level, up = np.log(barrier_of(case)), barrier_of(case) > 1
    assert_estimate(*mean_and_error(found.end_high >= level if up else found.end_low <= level), case)
    assert_rejected(assert_estimate, *mean_and_error(found.high >= level if up else found.low <= level), case)


@pytest.mark.parametrize("name", [name for name in DISCRETE if name not in MANY_STEPS])
def test_discretely_monitored(name):
    check_discrete(name, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", DISCRETE)
def test_discretely_monitored_with_many_paths(name):
    """Eight streams: 0.3 % or better."""
    check_discrete(name, 8)


@needs_cases
def test_discretely_monitored_jumps():
    """Daily prices of a week with jumps: every second of 14 steps; eight streams of 2^15 paths, standard error 1 %."""
    case = CASES["merton_discrete_7d_80_daily"]
    given = {"n_paths": 1 << 15, "horizon": "7D", "step": "12h", "seed": SEED}
    runs = [simulate(model_of(case), stream=stream, **given).price.values for stream in range(8)]
    price = np.concatenate(runs)
    assert_estimate(*mean_and_error(price[:, 2::2].min(axis=1) <= 0.8), case)
    assert_rejected(assert_estimate, *mean_and_error(price.min(axis=1) <= 0.8), case)


def lives(case, found: Watched) -> np.ndarray:
    """Paths that stay inside the corridor."""
    given = case["parameters"]
    lower = given.get("lower_over_S0", given.get("lower", 0) / given["S0"])
    upper = given.get("upper_over_S0", given.get("upper", 0) / given["S0"])
    return (found.low > np.log(lower)) & (found.high < np.log(upper))


@pytest.mark.parametrize("name", CORRIDORS)
def test_corridor(name):
    """Exit probabilities, and calls that die at either side; a path leaves a corridor in one step by one side only."""
    case = CASES[name]
    given = case["parameters"]
    steps = {"1 day": 48, "8 hours": 96, "4 hours": 48}.get(given.get("T_label"), 146)
    found = seen(case, steps)
    if case["quantity"].startswith("P(exit"):
        assert_estimate(*mean_and_error(~lives(case, found)), case)
        return
    payoff = np.maximum(spot_of(case) * np.exp(found.end) - given["K"], 0) * lives(case, found)
    assert_estimate(*mean_and_error(np.exp(-given["r"] * given["T_years"]) * payoff), case)


@pytest.mark.parametrize("name", BARRIERS)
def test_barrier_option(name):
    """The joint law of extreme and end over four steps; rebates paid at the touch by their closed form."""
    case = CASES[name]
    given, found = case["parameters"], seen(case, 4)
    level = np.log(barrier_of(case))
    touch = found.low <= level if case["quantity"].startswith("Down") else found.high >= level
    sign = -1 if " Put" in case["quantity"] else 1
    payoff = np.maximum(sign * (spot_of(case) * np.exp(found.end) - given["K"]), 0)
    discount = np.exp(-given["r"] * given["T_years"])
    if "Out" in case["quantity"].split()[0]:
        value, error = mean_and_error(discount * payoff * ~touch)
        assert_estimate(value + given["rebate"] * discounted_touch(case), error, case)
    else:
        assert_estimate(*mean_and_error(discount * np.where(touch, payoff, given["rebate"])), case)


@pytest.mark.parametrize("name", VARIANCES)
def test_law_of_the_variance(name):
    """Median, 99 % and the share below 1 % of theta, at 6 hours and 2^17 paths; 1 % of each share is the scheme's."""
    case = CASES[name]
    variance, truth = seen(case, 120).variance, case["value"]
    for level, share in (
        (truth["q50"], 0.5),
        (truth["q99"], 0.99),
        (0.01 * model_of(case).theta, truth["p_below_1pct_theta"]),
    ):
        assert_proportion(int((variance <= level).sum()), N_WATCH, share, z=4, slack=0.01 * min(share, 1 - share))


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANCES)
def test_the_lowest_variances_converge(name):
    """The scheme puts a mass at 0, so that more than 1 % of paths lie below the 1 % quantile: fewer with more steps."""
    case = CASES[name]
    shares = [np.mean(seen(case, steps, 4).variance <= case["value"]["q01"]) for steps in (120, 480, 1920)]
    errors = np.abs(np.array(shares) - 0.01)
    assert errors[-1] < 0.001
    assert errors[-1] <= errors[0] + 4 * np.sqrt(0.01 / (4 * N_WATCH))


@needs_cases
def test_option_on_the_integrated_variance():
    """E[(K - mean of v)^+] over a year from paths of the variance: Simpson over 48 steps, 8 streams of 2048 paths."""
    case = CASES["ql_varoption_put"]
    given = {"n_paths": 2048, "horizon": "365D", "step": "10950min", "seed": SEED}
    runs = [simulate(model_of(case), stream=stream, **given).variance.values for stream in range(8)]
    weights = np.array([1, *[4, 2] * 23, 4, 1]) / (3 * 48)
    average = np.concatenate(runs).astype(float) @ weights
    found, error = mean_and_error(np.maximum(case["parameters"]["K"] - average, 0))
    assert error < 0.006 * case["value"]
    assert_estimate(found, error, case)
    assert_rejected(assert_estimate, *mean_and_error(np.maximum(case["parameters"]["K"] - 1.02 * average, 0)), case)


EUROPEAN = [name for name in select(quantity="European") + select(quantity="P(S_T<=K)") if CASES[name]["value"] > 1e-6]
QUICK = ["heston_call_mild_30d_K1", "heston_digital_crypto_hot_30d_K0.7", "heston_call_poscorr_30d_K1"]


def terminal_steps(case) -> int | None:
    """Steps in which a scheme is at home and that are durations; none where the horizon is not whole in seconds."""
    t, model = case["parameters"]["T_years"], model_of(case)
    least = max(120, int(np.ceil(t / model.longest_step)))
    return next((steps for steps in range(least, 2 * least) if durations(t, steps)), None)


def check_european(name, streams):
    case = CASES[name]
    given = case["parameters"]
    found = seen(case, terminal_steps(case), streams)
    price = spot_of(case) * np.exp(found.end)
    digital = case["quantity"].startswith("P(")
    discount = given.get("discount_factor", np.exp(-(given.get("r") or 0.0) * given["T_years"]))
    sign = -1 if "put" in case["quantity"] else 1
    payoff = price <= given["K"] if digital else discount * np.maximum(sign * (price - given["K"]), 0)
    slack = 0.005 * case["value"] if digital else volatility_point(case)
    assert_estimate(*mean_and_error(payoff), case, slack=slack * (case["model"] in DISCRETISED))


@needs_cases
@pytest.mark.parametrize("name", QUICK)
def test_european(name):
    check_european(name, 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in EUROPEAN if terminal_steps(CASES[name])])
def test_european_with_many_paths(name):
    check_european(name, 4)


def test_one_horizon_is_no_duration():
    """Everything else that is European is simulated too; prices below 1e-6 have no path."""
    assert {name for name in EUROPEAN if not terminal_steps(CASES[name])} <= {"ql_heston_cached"}
    assert all(tolerance_of(CASES[name]) < CASES[name]["value"] for name in EUROPEAN)
