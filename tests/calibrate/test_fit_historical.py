"""Calibrations of the historical models: what they write, the forecast's regression, block lengths, filters."""

from functools import cache

import numpy as np
import pytest
from arch.bootstrap import optimal_block_length
from calibrate.price_histories import hourly

from stresslab.calibrate import FILTERS, FITS, log_returns
from stresslab.calibrate.scaled_historical import regression
from stresslab.errors import InputError
from stresslab.files.bars import Bars
from stresslab.models import BlockBootstrap, FilteredHistorical, Replay, ScaledHistorical
from stresslab.models.scaled_historical import averages

HOUR = 3600
KINDS = {
    "scaled_historical": ScaledHistorical,
    "filtered_historical": FilteredHistorical,
    "block_bootstrap": BlockBootstrap,
    "replay": Replay,
}


@cache
def history(days=400, seed=1, close_only=False, gap=False):
    """Hourly bars of four moves each, whose log volatility is an autoregression with a memory of four days."""
    rng = np.random.default_rng(seed)
    n = 24 * days
    level = np.empty(n)
    state, noise = 0.0, rng.standard_normal(n)
    for hour in range(n):
        state += -state / 96 + 0.5 * np.sqrt(2 / 96) * noise[hour]
        level[hour] = 0.003 * np.exp(state)
    inside = np.cumsum(level[:, None] * rng.standard_normal((n, 4)), axis=1)
    start = 9 + np.concatenate([[0], np.cumsum(inside[:-1, -1])])
    path = start[:, None] + np.column_stack([np.zeros(n), inside])
    prices = np.exp(np.column_stack([path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1]]))
    stamps = 1_600_000_000 // 86_400 * 86_400 + HOUR * np.arange(n)
    if gap:
        kept = np.r_[0:1000, 1030:n]
        stamps, prices = stamps[kept], prices[kept]
    return log_returns(Bars(stamps, prices, HOUR, "prices.csv", "00", close_only))


@cache
def fitted(kind):
    return FITS[kind](history())


@pytest.mark.parametrize("kind", KINDS)
def test_written_file_names_the_prices(kind):
    """Not the numbers: the file, what part of it, and its hash."""
    fit = fitted(kind)
    document = fit.document("simulated")
    assert document["parameters"]["history"]["file"] == "prices.csv"
    assert document["parameters"]["history"]["sha256"] == "00"
    assert "rows" not in fit.yaml("simulated") and len(fit.yaml("simulated")) < 8000
    model = KINDS[kind](**fit.parameters)
    assert len(model.history.rows) == 400 * 24 - 1


@pytest.mark.parametrize("kind", KINDS)
def test_gaps_are_not_drawn_from(kind):
    model = KINDS[kind](**FITS[kind](history(gap=True)).parameters)
    assert len(model.history.rows) - len(model.history.without_gaps().rows) == 1


class TestScaled:
    def test_regression_of_a_known_law(self):
        """log of the next day's sum of q, made from known weights plus noise: found within 4 of its standard errors."""
        rng = np.random.default_rng(2)
        n = 24 * 720
        stamps = HOUR * np.arange(n)
        known = np.exp(np.cumsum(rng.standard_normal((n, 2)) * 0.05, axis=0))
        target = 0.5 + 0.7 * np.log(known[:, 0]) + 0.2 * np.log(known[:, 1]) + 0.1 * rng.standard_normal(n)
        ahead = np.exp(target)
        q = np.concatenate([[0.0], ahead[:-1]])  # blocks of one bar: the next q is the target
        found, covariance, r2 = regression(q, known, 1, stamps)
        distances = (found - [0.5, 0.7, 0.2]) / np.sqrt(np.diag(covariance))
        assert np.abs(distances).max() < 4 and r2 > 0.9
        assert np.abs(found - [0.5, 0.77, 0.2])[1] > 10 * np.sqrt(covariance[1, 1])  # the twin: 10 % more weight

    def test_forecasts_order_the_days(self):
        """The volatility forecast before a day and what the day then was, on other prices of the same law."""
        model = ScaledHistorical(**fitted("scaled_historical").parameters)
        other = history(seed=9)
        bars = np.log(other.origin.prices)
        q = (bars[1:, 1] - bars[1:, 2]) ** 2 / (4 * np.log(2))
        forecast = np.log(model.forecasts(averages(q, model.half_lives, HOUR)))[480:-24:24]
        then = np.log([q[at + 1 : at + 25].sum() for at in range(480, len(q) - 24, 24)])
        assert np.corrcoef(forecast, then[: len(forecast)])[0, 1] > 0.75
        assert np.polyfit(forecast, then[: len(forecast)], 1)[0] == pytest.approx(1, abs=0.15)
        assert abs(np.mean(then[: len(forecast)] - forecast)) < 0.1

    def test_state_filtered_is_the_fitted_one(self):
        fit = fitted("scaled_historical")
        model = ScaledHistorical(**fit.parameters)
        assert FILTERS["scaled_historical"](model, history())["averages"] == pytest.approx(fit.parameters["averages"])
        assert model.model_copy(update={"averages": None}).tonight() == pytest.approx(fit.parameters["averages"])
        other = FILTERS["scaled_historical"](model, history(seed=9))["averages"]
        assert np.abs(np.log(np.array(other) / fit.parameters["averages"])).max() > 0.05

    def test_closes_alone(self):
        """Squared returns in place of the range; a model of ranges cannot be filtered with closes."""
        fit = FITS["scaled_historical"](history(close_only=True))
        assert "squared returns" in fit.method
        model = ScaledHistorical(**fit.parameters)
        assert not model.history.has_range
        FILTERS["scaled_historical"](model, history())
        with pytest.raises(InputError, match="fitted with high and low"):
            ranged = ScaledHistorical(**fitted("scaled_historical").parameters)
            FILTERS["scaled_historical"](ranged, history(close_only=True))

    def test_daily_bars_leave_out_what_is_shorter(self):
        rng = np.random.default_rng(4)
        stamps = 86_400 * np.arange(18_000, 18_600)
        path = 9 + np.cumsum(0.02 * rng.standard_normal((600, 4)).cumsum(axis=1)[:, -1])
        close = np.exp(path)
        prices = np.column_stack([close, close * 1.02, close * 0.98, close])
        fit = FITS["scaled_historical"](log_returns(Bars(stamps, prices, 86_400, "daily.csv", "00", False)))
        assert fit.parameters["half_lives"] == ("1D", "3D", "10D", "30D") and fit.parameters["block"] == "1D"

    def test_refusals(self):
        with pytest.raises(InputError, match="at least 120 days are needed"):
            FITS["scaled_historical"](history(days=60))
        with pytest.raises(InputError, match="stands still in most bars"):
            FITS["scaled_historical"](hourly(np.where(np.arange(24 * 200) % 10 == 0, 0.01, 0.0)))
        model = ScaledHistorical(**fitted("scaled_historical").parameters)
        daily = np.column_stack([np.full(300, 9.0)] * 4)
        with pytest.raises(InputError, match="length of the model's, 1h"):
            FILTERS["scaled_historical"](
                model, log_returns(Bars(86_400 * np.arange(300), daily, 86_400, "", "", False))
            )


class TestFiltered:
    def test_unconditional_variance_is_the_sample_s(self):
        fit = fitted("filtered_historical")
        model = FilteredHistorical(**fit.parameters)
        level = fit.parameters["omega"] / (1 - model.persistence)
        assert level == pytest.approx(history().values.var(), rel=0.1)

    def test_state_filtered_is_the_fitted_one(self):
        fit = fitted("filtered_historical")
        model = FilteredHistorical(**fit.parameters)
        assert FILTERS["filtered_historical"](model, history())["h0"] == pytest.approx(fit.parameters["h0"], rel=1e-9)
        without = model.model_copy(update={"h0": None})
        assert without.first_variance == pytest.approx(fit.parameters["h0"], rel=1e-9)

    def test_residuals_do_not_cluster(self):
        """Squares of the returns correlate, of the residuals hardly."""
        r, z = history().values, FilteredHistorical(**fitted("filtered_historical").parameters).residuals
        clustering = [np.corrcoef(x[1:] ** 2, x[:-1] ** 2)[0, 1] for x in (r, z)]
        assert clustering[0] > 0.1 and abs(clustering[1]) < 0.05


class TestBlocks:
    def test_length_by_the_rule(self):
        values = history().values
        rule = float(optimal_block_length(values**2)["stationary"].iloc[0])
        assert fitted("block_bootstrap").parameters["block"] == pytest.approx(max(rule, 24), abs=0.06)
        assert rule > 40

    def test_independent_returns_still_keep_a_day(self):
        calm = hourly(0.01 * np.random.default_rng(3).standard_normal(4000))
        assert FITS["block_bootstrap"](calm).parameters["block"] == 24


@pytest.mark.parametrize("kind", ["filtered_historical", "block_bootstrap"])
def test_refusals(kind):
    with pytest.raises(InputError, match="at least .* returns are needed"):
        FITS[kind](hourly(0.01 * np.random.default_rng(3).standard_normal(50)))
    with pytest.raises(InputError, match="does not move"):
        FITS[kind](hourly(np.zeros(1000)))
