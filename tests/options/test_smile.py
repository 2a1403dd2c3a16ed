"""Implied volatility of a path: by hand, and against the market's own smile."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stresslab.options.smile import ImpliedVolatility

NUMBER = st.floats(-2, 2)


def test_a_smile_by_hand() -> None:
    """v = 0.36, a quarter year, K / S = e^0.5: x = 1, 0.6 (1 - 0.14 + 0.3)."""
    found = ImpliedVolatility().volatility(0.0, 0.36, np.exp(0.5), 0.25)
    assert found == pytest.approx(0.6 * 1.16, rel=1e-14)


def test_the_level_follows_the_price_the_variance_and_the_time_to_expiry() -> None:
    """Beta -0.5 and a fall by 20 %: times 0.8^-0.5. Reversion 2 to 0.5 over half a year: by hand."""
    linked = ImpliedVolatility(spot_beta=-0.5, scale=1.1)
    assert linked.level(np.log(0.8), 0.36, 0.1) == pytest.approx(1.1 * 0.6 * 0.8**-0.5, rel=1e-14)
    slow = ImpliedVolatility(reversion=2.0, long_run=0.5)
    ahead = 0.25 + (1.0 - 0.25) * (1 - np.exp(-1)) / 1
    assert slow.level(0.0, 1.0, 0.5) == pytest.approx(np.sqrt(ahead), rel=1e-14)
    assert slow.level(0.0, 1.0, 0.0) == 1.0 and slow.level(0.0, 1.0, 200.0) == pytest.approx(0.5, abs=1e-2)


@given(log_price=NUMBER, log_strike=NUMBER, variance=st.floats(0, 50), tau=st.floats(0, 3), beta=NUMBER)
def test_volatilities_stay_between_their_bounds(
    log_price: float, log_strike: float, variance: float, tau: float, beta: float
) -> None:
    found = ImpliedVolatility(spot_beta=beta).volatility(log_price, variance, np.exp(log_strike), tau)
    assert 0.05 <= found <= 5.0


def test_the_defaults_are_those_of_the_market(shared) -> None:  # type: ignore[no-untyped-def]
    """Deribit's mark volatilities of BTC on 2026-01-16, |x| < 1, expiries of 5 to 75 days: each within 3 volatility
    points of the default smile around its own level at the money; without skew and curvature 14 points are missed.
    """
    (path,) = (shared / "data" / "options_deribit_snapshot_nolicence").glob("*.csv.gz")
    with gzip.open(path, "rt") as lines:
        table = np.genfromtxt(lines, delimiter=",", names=True, dtype=None, encoding="utf-8")
    table = table[(table["currency"] == "BTC") & np.isfinite(table["mark_iv"])]
    worst = {"default": 0.0, "flat": 0.0}
    for expiry in np.unique(table["ttm_years"]):
        rows = table[table["ttm_years"] == expiry]
        x = np.log(rows["strike"] / np.median(rows["underlying_price"])) / np.sqrt(expiry)
        near = np.abs(x) < 1
        if not 5 / 365 < expiry < 75 / 365:
            continue
        level = np.interp(0.0, x[near][np.argsort(x[near])], rows["mark_iv"][near][np.argsort(x[near])])
        for name, smile in (("default", ImpliedVolatility()), ("flat", ImpliedVolatility(skew=0.0, curvature=0.0))):
            mine = smile.volatility(0.0, level**2, np.exp(x[near] * np.sqrt(expiry)), expiry)
            worst[name] = max(worst[name], float(np.abs(mine - rows["mark_iv"][near]).max()))
    assert worst["default"] < 0.03 and worst["flat"] > 0.14, worst
