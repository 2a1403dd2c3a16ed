"""Round trip of the mean-reverting funding rate: known numbers are found again within their standard errors."""

import numpy as np
import pandas as pd
import pytest

from stresslab.calibrate.funding import fit_funding
from stresslab.errors import InputError
from stresslab.files.funding_rates import FundingRates, read_funding
from stresslab.files.price_file import read_bars

TRUE = {"mean": 2e-4, "speed": 260.0, "volatility": 0.006, "correlation": 0.3}
EVERY, N = 8 * 3600, 6000


def made(seed):
    """Rates and hourly closes of a Brownian motion of 60 % with the correlation over each interval."""
    rng, t = np.random.default_rng(seed), EVERY / (365 * 86_400)
    hourly = rng.standard_normal((N, 8)) * 0.6 * np.sqrt(t / 8)
    noise = TRUE["correlation"] * hourly.sum(axis=1) / (0.6 * np.sqrt(t))
    noise = noise + np.sqrt(1 - TRUE["correlation"] ** 2) * rng.standard_normal(N)
    decay = np.exp(-TRUE["speed"] * t)
    deviation = TRUE["volatility"] * np.sqrt((1 - decay**2) / (2 * TRUE["speed"]))
    rates = [TRUE["mean"]]
    for one in noise:
        rates.append(TRUE["mean"] + (rates[-1] - TRUE["mean"]) * decay + deviation * one)
    stamps = 1_600_000_000 // EVERY * EVERY + EVERY * np.arange(N + 1)
    closes = 100 * np.exp(np.concatenate([[0.0], np.cumsum(hourly.ravel())]))
    opens = stamps[0] - 3600 + 3600 * np.arange(len(closes))
    return FundingRates(stamps, np.array(rates), "", "made up", ""), (opens, closes)


def bars_of(tmp_path, opens, closes):
    stamps = pd.to_datetime(opens, unit="s", utc=True).strftime("%Y-%m-%dT%H:%M:%SZ")
    pd.DataFrame({"timestamp": stamps, "close": closes}).to_csv(tmp_path / "prices.csv", index=False)
    return read_bars(tmp_path / "prices.csv")


def test_round_trip(tmp_path):
    """Ten histories of 6,000 payments, seeds 0 to 9: z-scores of every number look standard normal."""
    scores = {name: [] for name in TRUE}
    for seed in range(10):
        rates, prices = made(seed)
        fit = fit_funding(rates, bars_of(tmp_path, *prices))
        assert fit.parameters["rate"] == rates.rates[-1]
        for name, true in TRUE.items():
            scores[name].append((fit.parameters[name] - true) / fit.standard_errors[name])
    for name, found in scores.items():
        assert np.abs(found).max() < 4, name
        assert abs(np.mean(found)) < 4 / np.sqrt(10), name
        assert np.std(found) < 2, name
    wrong = [(fit.parameters["speed"] - 1.5 * TRUE["speed"]) / fit.standard_errors["speed"]]
    assert np.abs(wrong).max() > 4


def test_gaps_are_left_out():
    rates, _ = made(3)
    kept = np.delete(np.arange(N + 1), [100, 101, 500])
    fit = fit_funding(FundingRates(rates.stamps[kept], rates.rates[kept], "", "made up", ""))
    assert (fit.pairs, fit.left_out) == (N - 5, 2)
    assert fit.interval == "8h"
    assert "correlation" not in fit.parameters


def test_refusals():
    rates, _ = made(3)
    with pytest.raises(InputError, match="at least 100 payments"):
        fit_funding(FundingRates(rates.stamps[:50], rates.rates[:50], "", "made up", ""))
    with pytest.raises(InputError, match="never changes"):
        fit_funding(FundingRates(rates.stamps, np.full(N + 1, 1e-4), "", "made up", ""))
    walk = np.cumsum(np.random.default_rng(1).standard_normal(N + 1)) ** 2 * 1e-6
    with pytest.raises(InputError, match="does not revert"):
        fit_funding(FundingRates(rates.stamps, np.exp(np.arange(N + 1) / 1e3) * 1e-5 + 0 * walk, "", "made up", ""))


def test_recorded_rates(shared):
    """Four years of Binance's BTC rates: the half-life is about a day, the mean about 0.014 % in eight hours."""
    folder = shared / "data"
    rates = read_funding(folder / "funding_multi_exchange_mit" / "BTC_funding.csv.gz", "binance")
    fit = fit_funding(rates, read_bars(folder / "binance_spot_mit" / "BTCUSDT_1h.csv.gz"))
    assert fit.pairs == 4382
    assert fit.parameters["mean"] == pytest.approx(1.37e-4, abs=4 * fit.standard_errors["mean"])
    assert 0.5 < np.log(2) * 365 / fit.parameters["speed"] < 2.0
    assert 0.05 < fit.parameters["correlation"] < 0.25
