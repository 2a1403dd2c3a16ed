"""What makes a fit doubtful: its volatility against that of the data, bounds, identification, bars without a move."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from calibrate.price_histories import START, hourly
from helpers.price_series import brownian_bars, write_bars

from stresslab.calibrate import FITS, Bars, doubts, garch_family, identification, log_returns
from stresslab.calibrate.arch_estimate import Estimate
from stresslab.calibrate.fit import make_fit, require_valid
from stresslab.errors import InputError
from stresslab.fitting import from_prices

HOUR, YEAR = 3600, 8760


def flat_at_night(seed: int, days: int = 200) -> np.ndarray:
    """Hourly returns of a market that is closed 8 hours of 24, volatility 0.8 over the open ones."""
    values = 0.8 / np.sqrt(YEAR) * np.random.default_rng(seed).standard_normal(24 * days)
    return np.where(np.arange(24 * days) % 24 < 8, 0.0, values)


def bars_of(values: np.ndarray, left_out: slice) -> Bars:
    """Hourly closes, some of them not in the record."""
    closes = 100 * np.exp(np.concatenate([[0.0], np.cumsum(values)]))
    stamps = START + HOUR * np.arange(len(closes))
    kept = np.ones(len(closes), bool)
    kept[left_out] = False
    return Bars(stamps[kept], np.repeat(closes[kept, None], 4, axis=1), HOUR, "made.csv", "0" * 64)


def test_the_realised_volatility_counts_the_move_over_a_gap() -> None:
    """Returns 0.01 for 100 hours and -0.3 inside a hole of 10: by hand, (90 0.01^2 + (0.1 - 0.3)^2) / 100 hours."""
    values = np.full(100, 0.01)
    values[45] = 0.01 - 0.3
    returns = log_returns(bars_of(values, slice(41, 50)))
    assert returns.dropped == 1
    by_hand = np.sqrt((90 * 0.01**2 + (10 * 0.01 - 0.3) ** 2) / (100 / YEAR))
    assert doubts.realised_volatility(returns) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize(("ratio", "is_doubtful"), [(0.49, True), (0.51, False), (1.99, False), (2.01, True)])
def test_a_volatility_beyond_a_factor_of_two_is_doubtful(ratio: float, is_doubtful: bool) -> None:
    returns = hourly(0.01 * (-1.0) ** np.arange(400))  # 0.936 a year exactly
    sigma = ratio * 0.01 * np.sqrt(YEAR)
    fit = make_fit("gbm", returns, {"sigma": sigma}, {"sigma": 0.01}, "By hand.")
    assert bool(fit.doubts) == is_doubtful
    assert not is_doubtful or "realised volatility of the prices, 93.6 %" in fit.doubts[0]


def test_without_a_long_run_the_volatility_over_the_data_counts() -> None:
    returns = hourly(0.01 * (-1.0) ** np.arange(400))
    integrated = {"omega": 1e-7, "alpha": 0.1, "beta": 0.89998, "h0": 1e-4, "bar": "1h", "innovation": "normal"}
    errors = {"omega": 1e-8, "alpha": 0.01, "beta": 0.01}
    for level, is_doubtful in ((0.9, False), (0.3, True)):
        path = np.full(400, level)
        fit = make_fit("garch", returns, integrated, errors, "By hand.", volatility=path, state=("h0",))
        assert bool(fit.doubts) == is_doubtful


def test_doubts_and_remarks_are_written_apart() -> None:
    returns = hourly(0.01 * (-1.0) ** np.arange(400))
    given = {"sigma": 0.9}, {"sigma": 0.01}, "By hand."
    fit = make_fit("gbm", returns, *given, warnings=("a remark",), doubts=("a doubt",))
    written = yaml.safe_load(fit.yaml("Nowhere"))["fitted"]
    assert written["doubts"] == ["a doubt"] and written["warnings"] == ["a remark"]
    assert fit.warnings == ("a remark", "a doubt")
    assert "doubts" not in yaml.safe_load(make_fit("gbm", returns, *given).yaml("Nowhere"))["fitted"]
    remarked = yaml.safe_load(make_fit("gbm", returns, *given, warnings=("a remark",)).yaml("Nowhere"))["fitted"]
    assert remarked["doubts"] == []  # unlike a file of before, which has none


def test_zero_is_an_ordinary_value_of_what_has_a_sign() -> None:
    parameters, errors = {"rho": -0.1, "kappa": 2.0}, {"rho": 0.2, "kappa": 3.0}
    assert identification.undetermined(parameters, errors) == ["kappa is not determined: 2 with standard error 3"]
    assert identification.sign_undetermined(parameters, errors) == [
        "the sign of rho is not determined: -0.1 with standard error 0.2"
    ]


@pytest.mark.parametrize("kind", ["garch", "gjr", "egarch"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_recursion_on_a_market_that_is_closed_at_night(kind: str, seed: int) -> None:
    """Seeds 1 to 3: whatever the search ends with (a beta below 0 for some), the fit is a model that a file can hold,
    and its first doubt speaks of the data.
    """
    fit = FITS[kind](hourly(flat_at_night(seed)))
    fit.document("Nowhere")
    assert fit.doubts[0].startswith(f"{kind} cannot be fitted to prices that do not change in 33 % of the bars")


def test_garch_of_an_open_market_does_not_speak_of_it() -> None:
    values = 0.8 / np.sqrt(YEAR) * np.random.default_rng(1).standard_normal(24 * 200)
    assert not any("stand still" in text for text in FITS["garch"](hourly(values)).warnings)


def test_a_weight_a_rounding_below_its_bound_lies_on_it() -> None:
    """What arch ended with for such prices once: beta -1.9e-05, which no model takes."""
    numbers = {"omega": 1e-9, "alpha": 0.9, "beta": -1.9e-5}
    n = 24 * 200
    found = Estimate(numbers, 1e-4 * np.eye(3), 0.0, np.full(n, 1e-4), 1e-4, np.zeros(n), True)
    fit = garch_family._fit("garch", hourly(flat_at_night(1)), "normal", found, "")
    assert fit.parameters["beta"] == 0.0
    assert any(text.startswith("beta sits on its bound 0") for text in fit.doubts)
    assert fit.document("Nowhere")["parameters"]["beta"] == 0.0


def test_what_is_no_model_is_refused_in_words_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fit that ends with a sigma below 0: neither the command nor a backtest speaks of it as of an input."""
    monkeypatch.setitem(
        FITS, "gbm", lambda returns: make_fit("gbm", returns, {"sigma": -0.9}, {"sigma": 0.1}, "Made up.")
    )
    prices = write_bars(brownian_bars(100, HOUR), tmp_path / "prices.csv")
    with pytest.raises(
        InputError, match="prices.csv: gbm cannot be fitted to these data: the best fit lies outside the model's range"
    ) as no:
        from_prices("gbm", prices, tmp_path / "model.yaml")
    with pytest.raises(InputError, match="^gbm cannot be fitted to these data") as none:
        require_valid("gbm", {"sigma": -0.9})
    assert all("sigma" not in str(one.value) for one in (no, none))
