"""Money and errors of whole runs against closed forms and against replications. Each test states n, seed and error."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from helpers.closed_forms import DAY
from helpers.statistics import assert_rejected
from helpers.studies import BLOCK, SPOT, TWO_MARKETS, small
from scipy.stats import norm

from stresslab.execution import run
from stresslab.grid.block import run_blocks
from stresslab.grid.plan import make_plan
from stresslab.grid.totals import merge

SIGMA, N = 0.9, 64 * BLOCK
QUANTITY, FEE, RATE = 2.0, 0.0005, 1e-3
T = 3 * DAY


def unleveraged(folder: Path, mu: float, rate: float, seed: int = 20260101) -> xr.Dataset:
    """A long that is its own margin, two bitcoin at one times: no price of a GBM liquidates it."""
    changes: dict[str, Any] = {
        "seed": seed,
        "models": {"gbm": {"kind": "gbm", "sigma": SIGMA, "mu": mu}},
        "funding": {"rate": rate},
        "book": {"quantity": QUANTITY, "collateral": None},
        "sweep": {"book.side": ["long", "short"], "book.leverage": [0.5, 1.0]},
        "sampling": {"paths": N},
    }
    return run(small(folder, changes)).sel(side="long", leverage=1.0)


def check_means(ds: xr.Dataset, mu: float, rate: float) -> None:
    """To five standard errors: the growth of E[price], nine payments at E[price], one entry fee."""
    times = np.arange(8, 73, 8) / 24 * DAY
    value = QUANTITY * SPOT
    funding = -rate * value * np.exp(mu * times).sum()
    pnl = value * np.expm1(mu * T) + funding - FEE * value
    at = ds.sel(horizon="3D")
    assert abs(at.mean_pnl - pnl) <= 5 * at.mean_pnl_se
    assert abs(at.mean_funding - funding) <= 5 * at.mean_funding_se
    assert abs(at.mean_fees - FEE * value) <= 1e-6 * value


@pytest.mark.parametrize("mu, rate", [(0.0, 0.0), (0.0, RATE), (3.0, RATE)])
def test_what_cannot_be_liquidated_earns_the_drift(tmp_path, mu, rate):
    """n = 65,536, seed 20260101; the error of the mean PnL is 31 in 100,000."""
    ds = unleveraged(tmp_path, mu, rate)
    assert (ds.hits.sel(event="liquidation") == 0).all()
    check_means(ds, mu, rate)
    assert float(ds.mean_pnl_se.sel(horizon="3D")) == pytest.approx(QUANTITY * SPOT * SIGMA * np.sqrt(T / N), rel=0.1)
    if rate:
        assert_rejected(check_means, ds, mu, -rate)  # the wrong sign
        assert_rejected(check_means, ds, mu, 1.02 * rate)  # 2 %
    if mu:
        assert_rejected(check_means, ds, 0.9 * mu, rate)


def test_tails_are_those_of_the_lognormal(tmp_path):
    """VaR and ES of the loss 1 + fee - S/S0, in closed form; errors as reported, and a bin for the quantile."""
    ds = unleveraged(tmp_path, 0.0, 0.0)
    mean, deviation = -(SIGMA**2) * T / 2, SIGMA * np.sqrt(T)
    for level in (0.95, 0.99):
        at = ds.sel(horizon="3D", loss_level=level)
        z = norm.ppf(1 - level)
        quantile = 1 + FEE - np.exp(mean + deviation * z)
        shortfall = 1 + FEE - norm.cdf(z - deviation) / (1 - level)
        assert abs(at.value_at_risk_fraction - quantile) <= 5 * at.value_at_risk_fraction_se + 0.0005
        assert abs(at.expected_shortfall_fraction - shortfall) <= 5 * at.expected_shortfall_fraction_se
        density = norm.pdf(z) / (deviation * np.exp(mean + deviation * z))
        error = np.sqrt(level * (1 - level) / N) / density
        assert float(at.value_at_risk_fraction_se) == pytest.approx(error, rel=0.5)
        assert abs(at.expected_shortfall_fraction - 1.05 * shortfall) > 5 * at.expected_shortfall_fraction_se


REPLICATIONS = 400


@pytest.fixture(scope="module")
def replications(tmp_path_factory) -> dict[str, np.ndarray]:
    """400 blocks of 512 antithetic pairs, each as a study of its own (seed 20260101)."""
    changes = TWO_MARKETS | {"sampling": {"paths": BLOCK, "antithetic": True}}
    plan = make_plan(small(tmp_path_factory.mktemp("pairs"), changes))
    found: dict[str, list] = {
        "probability": [],
        "standard_error": [],
        "lower": [],
        "upper": [],
        "mean": [],
        "mean_se": [],
    }
    ladder = plan.ladders[0]
    for number in range(REPLICATIONS):
        totals = merge([run_blocks(ladder, number, 1, BLOCK)], BLOCK)
        estimate = totals.probabilities(ladder.horizon_bins, antithetic=True)
        for name in ("probability", "standard_error", "lower", "upper"):
            found[name].append(getattr(estimate, name)[:, [0, 3], 1])  # liquidation and loss_50 by 3D
        first, second = totals.summary["sums"][0][..., 1] / (BLOCK / 2)
        found["mean"].append(first)
        found["mean_se"].append(np.sqrt((second - first**2) / (BLOCK / 2)))
    return {name: np.array(values) for name, values in found.items()}


def test_errors_of_pairs_are_the_spread_of_replications(replications):
    """Standard deviation of 400 replications: known to 1 / sqrt(2 * 399) = 3.5 %; five of those are 18 %."""
    for value, error in (("probability", "standard_error"), ("mean", "mean_se")):
        spread = replications[value].std(axis=0, ddof=1)
        reported = np.sqrt((replications[error] ** 2).mean(axis=0))
        ratio = reported / spread
        assert np.abs(ratio - 1).max() < 0.18, (value, ratio)


def test_pairs_taken_for_single_paths_would_be_wrong(replications):
    """The sensitivity twin: of the mean PnL the pairs save so much that the binomial error is far off."""
    p = replications["probability"].mean(axis=0)
    single = np.sqrt(p * (1 - p) / BLOCK)
    spread = replications["probability"].std(axis=0, ddof=1)
    assert np.abs(single / spread - 1).max() > 0.18


def test_intervals_of_pairs_cover(replications):
    """Nominal 95 %; of 400 at least 91.7 % (three binomial errors of 1.1 %)."""
    truth = replications["probability"].mean(axis=0)
    inside = (replications["lower"] <= truth) & (truth <= replications["upper"])
    assert inside.mean(axis=0).min() > 0.917


PAIRED = 150


def hits_by_block(folder: Path, streams: str) -> np.ndarray:
    """Liquidations by 3D of the 12 times long in two markets that differ a little: shape (market, block)."""
    sweep = {"models.gbm.sigma": [1.15, 1.2], "book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}
    plan = make_plan(small(folder, {"sweep": sweep, "sampling": {"paths": BLOCK, "streams": streams}}))
    return np.array(
        [
            [run_blocks(ladder, number, 1, BLOCK)["event_count"][1, 0].sum() for number in range(PAIRED)]
            for ladder in plan.ladders
        ]
    )


def test_shared_streams_pair_the_cells_and_independent_ones_do_not(tmp_path):
    """Correlation over 150 blocks of 1,024 paths (seed 20260101), its error 1 / sqrt(150) = 0.08; one mean for both."""
    shared, apart = hits_by_block(tmp_path, "shared"), hits_by_block(tmp_path, "independent")
    assert np.corrcoef(shared)[0, 1] > 0.9
    assert abs(np.corrcoef(apart)[0, 1]) < 5 * 0.082
    p = shared.mean(axis=1) / BLOCK
    error = np.sqrt(2 * BLOCK * p * (1 - p) / PAIRED)
    assert (np.abs(shared.mean(axis=1) - apart.mean(axis=1)) < 5 * error).all()


def test_equal_markets_are_equal_with_shared_streams(tmp_path):
    """Two names for one model: shared streams give the same numbers, independent ones do not."""
    gbm = {"kind": "gbm", "sigma": SIGMA}
    sweep = {"market.model": ["one", "two"], "book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}
    changes = {"market": {"model": "one"}, "models": {"one": gbm, "two": gbm}, "sweep": sweep}
    shared = run(small(tmp_path, changes))
    xr.testing.assert_equal(shared.sel(model="one", drop=True), shared.sel(model="two", drop=True))
    apart = run(small(tmp_path, changes | {"sampling": {"streams": "independent"}}))
    assert (apart.hits.sel(model="one") != apart.hits.sel(model="two")).any()


def test_another_seed_is_another_sample(tmp_path):
    """Two seeds, 65,536 paths each: different numbers, five joint errors apart at most."""
    one, two = (unleveraged(tmp_path, 0.0, 0.0, seed) for seed in (1, 2))
    apart = np.abs(one.mean_pnl - two.mean_pnl)
    assert (apart > 0).all() and (apart < 5 * np.sqrt(2) * one.mean_pnl_se).all()
