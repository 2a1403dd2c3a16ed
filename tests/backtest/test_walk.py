"""The walk as a whole: no look-ahead, calibrated on its own model, refusals counted, finished models kept."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from helpers.price_series import START, brownian_bars
from helpers.statistics import assert_proportion, assert_rejected

from stresslab import calibrate, scan
from stresslab.backtest import Question, Spans, flat_levels, forecasts, kept, run_backtest
from stresslab.backtest.levels import DatedRules, rulebook_levels
from stresslab.errors import InputError
from stresslab.venues import load, variant

H, D = 3600, 86_400
SIDES, LEVERAGES = ("long", "short"), (20.0, 50.0)
SPANS = Spans(horizon=D, every=D, window=90 * D, refit=10 * D)


def question(models=("gbm",), **changes):
    given = dict(levels=flat_levels(SIDES, LEVERAGES, 0.004), rules="made", spans=SPANS, n_paths=2000, seed=3)
    return Question(models, SIDES, LEVERAGES, **(given | changes))


@pytest.fixture(scope="module")
def bars():
    return brownian_bars(6 * 180, 4 * H)


@pytest.fixture(scope="module")
def ds(bars):
    return run_backtest(bars, question(("gbm", "scaled_historical"), spans=SPANS._replace(window=125 * D)))


def test_a_forecast_sees_nothing_of_what_comes_after_it(bars, ds):
    """Every bar from day 150 on is made up anew: forecasts up to that midnight stay to the bit, later ones do not."""
    row = 6 * 150
    other, prices = brownian_bars(6 * 180, 4 * H, sigma=2.0, seed=99), bars.prices.copy()
    prices[row:] = other.prices[row:] / other.prices[row, 0] * prices[row - 1, 3]
    again = run_backtest(
        replace(bars, prices=prices), question(("gbm", "scaled_historical"), spans=SPANS._replace(window=125 * D))
    )
    seen = ds["date"].values <= START + 150 * D
    assert 0 < seen.sum() < seen.size
    for name in ("probability", "value_at_risk"):
        before, after = ds[name].values, again[name].values
        np.testing.assert_array_equal(before[..., seen], after[..., seen])
        changed = before[..., ~seen][..., 1:] != after[..., ~seen][..., 1:]
        assert changed.reshape(len(before), -1).any(axis=1).all()  # every forecaster, or the test could not fail
    np.testing.assert_array_equal(
        ds["happened"].values[..., seen][..., :-1], again["happened"].values[..., seen][..., :-1]
    )


def test_levels_follow_the_edition_of_each_date(bars):
    """Two editions that differ by a factor of five: outcomes and forecasts before and after are those of each alone."""
    old, new = (variant(load("binance_usdm/BTCUSDT@2024"), changes) for changes in two_editions())
    given = dict(spans=SPANS._replace(window=125 * D), models=("gbm",))
    dated = run_backtest(bars, question(**given, levels=None, dated=DatedRules((old, new), 10_000.0)))
    alone = [
        run_backtest(bars, question(**given, levels=rulebook_levels(SIDES, LEVERAGES, book, 10_000.0)))
        for book in (old, new)
    ]
    is_new = dated["date"].values >= START + CHANGE * D
    assert 0 < is_new.sum() < is_new.size
    for name in ("probability", "happened"):
        wanted = np.where(is_new, alone[1][name].values, alone[0][name].values)
        np.testing.assert_array_equal(dated[name].values, wanted)
    assert (alone[0]["happened"].values != alone[1]["happened"].values).any()
    by_date = dated["liquidation_price_on_date"].values[0, 0]
    assert len(set(by_date)) == 2 and by_date[-1] == dated["liquidation_price"].values[0, 0]


CHANGE = 150  # days after the first bar


def two_editions():
    """Of 0.2 % and of 1 % on every size."""
    day = datetime.fromtimestamp(START + CHANGE * D, UTC)
    for mmr, begins in ((0.002, day - timedelta(days=900)), (0.01, day)):
        tier = {"floor": 0.0, "cap": None, "mmr": mmr, "imr": 0.01, "max_leverage": 100.0, "cum": 0.0}
        yield {"valid_from": begins, "last_seen": begins, "requirement": {"tiers": [tier]}}


def test_the_dataset_says_what_it_holds(ds):
    assert ds["forecaster"].values.tolist() == [
        "constant_volatility", "frequency", "scaled_excursions", "gbm", "scaled_historical",
    ]  # fmt: skip
    for name, variable in ds.variables.items():
        assert variable.attrs.get("long_name"), name
    assert all("units" in ds[name].attrs for name in ds.data_vars)
    assert json.loads(ds.attrs["question"])["window"] == "125D"
    np.testing.assert_allclose(ds["liquidation_price"], np.exp(flat_levels(SIDES, LEVERAGES, 0.004)))
    np.testing.assert_array_equal(ds["events"], ds["happened"].sum("date"))


def test_few_events_are_not_scored_but_shown(ds):
    status = ds["status"].sel(leverage=20.0).values
    assert (ds["events"].sel(leverage=20.0) < 30).all() and (status == "not identifiable").all()
    for name in ("skill", "skill_lower", "skill_upper", "mean_score"):
        assert np.isnan(ds[name].sel(leverage=20.0)).all(), name
    assert np.isfinite(ds["mean_probability"].sel(leverage=20.0)).all()


def test_gbm_is_its_closed_form_to_monte_carlo_error(ds):
    """On the dates of fits, against the baseline's closed form: both have the same returns."""
    fitted = (ds["date"].values - ds["date"].values[0]) % (10 * D) == 0
    both = ds["probability"].sel(forecaster=["gbm", "constant_volatility"])[..., fitted]
    error = ds["monte_carlo_error"].sel(forecaster="gbm").values[..., fitted]
    z = (both[0].values - both[1].values) / np.maximum(error, 1e-3)
    assert np.abs(z).max() < 5 and abs(z[0, 1].mean()) < 5 / np.sqrt(z.shape[-1])
    assert np.mean((both[0].values * 0.97 - both[1].values) / np.maximum(error, 1e-3), axis=-1).min() < -0.5


def test_one_program_serves_all_dates(bars):
    scan.traces.clear()
    run_backtest(bars, question(n_paths=1998))
    assert list(scan.traces.values()) in ([1], [])  # none where another test compiled it before


def test_forecasts_of_gbm_are_calibrated_on_brownian_prices():
    """600 days of 4-hour bars (seed 21): events within 5 standard errors of the forecasts, most bins within their bars.
    Prices of 15 % more volatility than the forecaster saw are refused.
    """
    found = run_backtest(brownian_bars(6 * 665, 4 * H, seed=21), question())
    p, y = found["probability"].sel(forecaster="gbm"), found["happened"]
    n = y.sizes["date"]
    for side in SIDES:
        hits, expected = int(y.sel(side=side, leverage=50.0).sum()), float(p.sel(side=side, leverage=50.0).mean())
        assert_proportion(hits, n, expected)
        assert_rejected(assert_proportion, hits, n, expected - 0.11)
    one = found.sel(forecaster="gbm", leverage=50.0)
    share, low, high = (one[f"bin_{name}"].values for name in ("share", "lower", "upper"))
    assert ((share >= low) & (share <= high)).mean() > 0.7
    assert abs(float(one["calibration_score"].max())) < 4
    assert (one["risk_unconditional"] > 0.001).all()


def test_a_refused_fit_keeps_the_parameters_before_it_and_is_counted(bars, monkeypatch):
    calls = []

    def fickle(returns):
        calls.append(returns.end)
        if len(calls) in (1, 3):
            raise InputError("no fit today")
        return calibrate.gbm.fit(returns)

    monkeypatch.setitem(forecasts.FITS, "gbm", fickle)
    found = run_backtest(bars, question()).sel(forecaster="gbm")
    assert int(found["fits_refused"]) == 2 and int(found["fits"]) == len(calls) - 2
    assert "no fit today" in str(found["refusal"].values)
    p = found["probability"].values[0, 1]
    assert np.isnan(p[:10]).all() and np.isfinite(p[10:]).all()
    assert int(found["dates_forecast"].max()) == p.size - 10


def test_finished_models_are_taken_from_where_they_were_kept(bars, tmp_path, monkeypatch):
    first = run_backtest(bars, question(), folder=tmp_path / "kept")
    monkeypatch.setitem(forecasts.FITS, "gbm", lambda returns: pytest.fail("fitted again"))
    told = []
    again = run_backtest(bars, question(), lambda done, planned: told.append((done, planned)), tmp_path / "kept")
    assert first.identical(again)
    assert sum(done for done, _ in told) == told[0][1]
    assert len(list((tmp_path / "kept").iterdir())) == 1
    monkeypatch.undo()
    run_backtest(bars, question(seed=4), folder=tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 2
    assert kept.read(tmp_path / "nothing.npz") is None


def test_kept_forecasts_that_are_damaged_are_refused(bars, tmp_path):
    """300 faults in one file, seed 1: the forecasts are as they were or are refused."""
    run_backtest(bars, question(), folder=tmp_path / "kept")
    (path,) = (tmp_path / "kept").iterdir()
    content, before = path.read_bytes(), repr(as_bytes(kept.read(path)))
    rng, refused = np.random.default_rng(1), 0
    for fault in range(300):
        at = int(rng.integers(len(content)))
        changed = bytes([content[at] ^ 1 << int(rng.integers(8))])
        path.write_bytes(content[:at] if fault % 10 == 0 else content[:at] + changed + content[at + 1 :])
        try:
            assert repr(as_bytes(kept.read(path))) == before
        except InputError as error:
            refused += 1
            assert "cannot be read. Delete it: its forecasts are then computed again" in str(error)
    assert refused > 200  # a zip has a few bytes that say nothing: dates, versions


def as_bytes(found):
    forecast, diary = found
    return [(value.dtype, value.shape, value.tobytes()) for value in forecast], diary


def test_overlapping_horizons_are_thinned_for_value_at_risk(bars):
    found = run_backtest(bars, question(spans=SPANS._replace(horizon=3 * D)))
    assert json.loads(found.attrs["question"])["overlap"] == 3
    n = found.sizes["date"]
    assert set(found["risk_dates"].values.ravel()) == {-(-n // 3)}
    assert (found["disjoint_events"] <= found["events"]).all()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"models": ("gmb",)}, "--models"),
        ({"models": ()}, "--models"),
        ({"models": ("frequency",)}, "--models"),
        ({"models": ("gbm", "gbm")}, "--models"),
        ({"models": ("replay",)}, "--models"),
        ({"n_paths": 2001}, "--paths"),
        ({"n_paths": 10}, "--paths"),
        ({"seed": -1}, "--seed"),
        ({"spans": SPANS._replace(window=20 * D)}, "--window"),
    ],
)
def test_senseless_questions_are_refused(changes, key):
    with pytest.raises(InputError) as refusal:
        question(**changes)
    assert refusal.value.key == key
