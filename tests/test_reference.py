"""Every reference case of the models that exist which a closed form answers, by the stated tolerance alone.

What is simulated is in test_reference_simulated.py. Together they answer all cases but those of `UNANSWERED`.

- European calls, puts and digitals: `characteristic_function` with `fourier_call` and `fourier_cdf`.
- One-touch, no-touch and liquidation probabilities of GBM, rare ones too: `first_passage_probability`; cash paid at the
  touch, and rebates, by the same with the drift that discounting leaves (Girsanov).
- Single-barrier options on GBM: calls and digitals of the price and of its mirror image (reflection principle).
- First passage of Heston with rho = 0, rare ones too: P(S_T <= B) + S_0 / B P^S(S_T <= B), each by `fourier_cdf`.
- Mean and variance of the Heston variance: `variance_moments`.
"""

from collections.abc import Callable

import numpy as np
import pytest
from helpers.reference import (
    BARRIERS,
    CASES,
    assert_exact,
    barrier_of,
    discounted_touch,
    model_of,
    select,
    spot_of,
    tolerance_of,
)
from helpers.statistics import assert_rejected

from stresslab.numerics import fourier_call, fourier_cdf

UNANSWERED = {
    "merton_fpt_1d_80_rare": "1.5e-6: plain Monte Carlo is no evidence (rule 3); importance sampling is yet to come",
    "merton_fpt_1d_75_rare1e-7": "6.3e-9: the same",
    **{name: "the same" for name in select("kou") if "rare" in name},
    "regime_fpt_calm_1d_85_rare": "5.3e-6: the same",
}

EUROPEAN = select(quantity="European")
HAWKES = select("hawkes")  # in test_reference_jumps.py
DIGITALS = [name for name in select(quantity="P(S_T<=K)") if name not in HAWKES]
TOUCHES = select("gbm", "first-passage") + select("gbm", "liquidation") + select("gbm", "no-touch")
CASH = select("gbm", "E[15")
UNCORRELATED = [name for name in select("heston", "first-passage") if CASES[name]["parameters"]["rho"] == 0]
VARIANCES = select("heston", "E[v_T]")
SIMULATED_ONLY = {  # in test_reference_simulated.py
    *select("gbm", "double knock-out"),
    *select("gbm", "P(exit"),
    *select(quantity="P(min"),
    *[name for name in select(quantity="first-passage", without="rare") if name not in {*TOUCHES, *UNCORRELATED}],
    *select("heston", "E[(K"),
    *[name for name in select("kou", "P(tau") if name not in UNANSWERED],
    *HAWKES,
}


def test_no_case_is_left_out():
    answered = {*EUROPEAN, *DIGITALS, *TOUCHES, *CASH, *BARRIERS, *UNCORRELATED, *VARIANCES, *SIMULATED_ONLY}
    assert set(CASES) - answered == (set(UNANSWERED) if CASES else set())


def law_of(case):
    """Characteristic function of log S_T, and the discount factor."""
    given, model = case["parameters"], model_of(case)
    spot = spot_of(case)
    discount = given.get("discount_factor", np.exp(-(given.get("r") or 0.0) * given["T_years"]))
    return lambda u: np.exp(1j * u * np.log(spot)) * model.characteristic_function(u, given["T_years"]), discount


@pytest.mark.parametrize("name", EUROPEAN)
def test_european(name):
    """Lewis's integral is taken from the forward, so 1e-12 of spot is what float64 leaves of the tightest two cases."""
    case = CASES[name]
    law, discount = law_of(case)
    strike = case["parameters"]["K"]
    value = fourier_call(law, strike)
    if "put" in case["quantity"]:
        value -= law(np.asarray(-1j)).real - strike
    rounding = max(1e-12 * spot_of(case) - tolerance_of(case), 0)
    assert abs(discount * value - case["value"]) <= tolerance_of(case) + rounding


@pytest.mark.parametrize("name", DIGITALS)
def test_digital(name):
    case = CASES[name]
    assert_exact(fourier_cdf(law_of(case)[0], np.log(case["parameters"]["K"])), case)


@pytest.mark.parametrize("name", TOUCHES)
def test_touch(name):
    case = CASES[name]
    touch = model_of(case).first_passage_probability(barrier_of(case), case["parameters"]["T_years"])
    assert_exact(1 - touch if case["quantity"].startswith("no-touch") else touch, case)


@pytest.mark.parametrize("name", CASH)
def test_cash_at_the_touch(name):
    case = CASES[name]
    assert_exact(case["parameters"]["cash"] * discounted_touch(case), case)


class Barrier:
    """A call or put that lives or dies at one barrier: E at S less (S/B)^(1 - 2 mu / sigma^2) times E at B^2 / S."""

    def __init__(self, case):
        self.case, self.given, self.model = case, case["parameters"], model_of(case)
        self.level, self.strike = self.given["barrier"], self.given["K"]
        self.down, self.put = case["quantity"].startswith("Down"), " Put" in case["quantity"]
        self.discount = np.exp(-self.given["r"] * self.given["T_years"])

    def law(self, spot: float) -> Callable:
        return lambda u: np.exp(1j * u * np.log(spot)) * self.model.characteristic_function(u, self.given["T_years"])

    def plain(self, spot: float, strike: float) -> float:
        """E[(S_T - strike)^+], or of the put."""
        call = fourier_call(self.law(spot), strike)
        return call - self.law(spot)(np.asarray(-1j)).real + strike if self.put else call

    def this_side(self, spot: float) -> float:
        """E[payoff; S_T on the side of the barrier where the option lives]."""
        level, strike = self.level, self.strike
        below = fourier_cdf(self.law(spot), np.log(level))
        if self.put:
            beyond = self.plain(spot, min(strike, level)) + max(strike - level, 0) * below
        else:
            beyond = self.plain(spot, max(strike, level)) + max(level - strike, 0) * (1 - below)
        return beyond if self.down != self.put else self.plain(spot, strike) - beyond

    def alive(self) -> float:
        spot = self.given["S0"]
        power = 1 - 2 * self.model.mu / self.model.sigma**2
        return self.this_side(spot) - (spot / self.level) ** power * self.this_side(self.level**2 / spot)

    def value(self) -> float:
        """Rebate at the touch where the option dies of it, at expiry where it never came to life."""
        rebate = self.given["rebate"]
        if "Out" in self.case["quantity"].split()[0]:
            return self.discount * self.alive() + rebate * discounted_touch(self.case)
        touch = self.model.first_passage_probability(barrier_of(self.case), self.given["T_years"])
        return self.discount * (self.plain(self.given["S0"], self.strike) - self.alive() + rebate * (1 - touch))


@pytest.mark.parametrize("name", BARRIERS)
def test_barrier_option(name):
    assert_exact(Barrier(CASES[name]).value(), CASES[name])


@pytest.mark.parametrize("name", UNCORRELATED)
def test_uncorrelated_heston(name):
    case = CASES[name]
    model, t, level = model_of(case), case["parameters"]["T_years"], np.log(barrier_of(case))

    def law(u):
        return model.characteristic_function(u, t)

    share_measure = fourier_cdf(lambda u: law(u - 1j), level)
    assert_exact(fourier_cdf(law, level) + share_measure / barrier_of(case), case)


@pytest.mark.parametrize("name", VARIANCES)
def test_variance_moments(name):
    case = CASES[name]
    mean, variance = model_of(case).variance_moments(case["parameters"]["T_years"])
    assert mean == pytest.approx(case["value"]["mean"], rel=case["tolerance"])
    assert variance == pytest.approx(case["value"]["var"], rel=case["tolerance"])


@pytest.mark.skipif(not CASES, reason="needs ../shared, which this clone does not have")
def test_two_percent_of_volatility_is_seen():
    """The twin of all of them: no case of a touch or a price would pass."""
    for name in TOUCHES:
        case = CASES[name]
        wrong = model_of(case).model_copy(update={"sigma": model_of(case).sigma * 1.02})
        touch = wrong.first_passage_probability(barrier_of(case), case["parameters"]["T_years"])
        assert_rejected(assert_exact, 1 - touch if case["quantity"].startswith("no-touch") else touch, case)
