"""A walk by a rulebook with editions: what it refuses, and what it says of dates that no edition is known to cover."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
import xarray as xr
import yaml
from helpers.price_series import START, brownian_bars, write_bars
from helpers.studies import rulebook
from typer.testing import CliRunner

from stresslab import venues
from stresslab.backtest import DatedRules, Question, Spans, flat_levels, parse
from stresslab.backtest.editions import dates_by_edition, doubtful_dates
from stresslab.backtest.levels import dated_levels
from stresslab.backtest.tables import happened, percent
from stresslab.cli import app
from stresslab.errors import InputError, NotAllowed

H, D = 3600, 86_400
BTC = "binance_usdm/BTCUSDT"
CHANGE, SEEN = START + 130 * D, START + 160 * D


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def day(stamp: int) -> str:
    return f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d}"


@pytest.fixture
def dated(tmp_path):
    """A rulebook whose maintenance rate rises from 0.4 % to 1.6 %, and the largest leverage falls from 125 to 50."""
    data = rulebook(tiers=[(1e9, 0.016, 0.02)])
    older = rulebook(tiers=[(1e9, 0.004, 0.008)])["requirement"]
    del data["as_of"]
    span = {"valid_from": day(START), "last_seen": day(CHANGE), "source": "made up", "confidence": "none"}
    data |= {"valid_from": day(CHANGE), "last_seen": day(SEEN)}
    path = tmp_path / "dated.yaml"
    path.write_text(yaml.safe_dump(data | {"earlier": [span | {"requirement": older}]}, sort_keys=False))
    return str(path)


def test_the_trigger_is_that_of_the_edition_of_each_date():
    """A long of 250,000 at 10x: margin 25,000, and P from 25,000 + 250,000 (P - 1) = m 250,000 P - a, by hand."""
    by_hand = {
        "2021-05-19": (225_000 - 50) / (250_000 * 0.995),
        "2024-11-15": (225_000 - 50) / (250_000 * 0.995),
        "2025-06-19": 0.9 / 0.996,
        "2025-08-18": 0.9 / 0.996,
        "2026-11-30": 0.9 / 0.996,
    }
    dates = np.array([seconds(text) for text in by_hand])
    found = dated_levels(dates, ("long",), (10.0,), DatedRules(venues.history(BTC), 250_000.0))
    np.testing.assert_allclose(np.exp(found[0, 0]), list(by_hand.values()), rtol=1e-12)


def test_an_edition_holds_from_its_first_second():
    begins = seconds("2025-08-19T06:30")
    rules = DatedRules(venues.history(BTC), 1e4)
    assert dated_levels(np.array([begins]), ("long",), (150.0,), rules).shape == (1, 1, 1)
    with pytest.raises(NotAllowed, match="at most 125, by the edition 2025-06-19, which is in force"):
        dated_levels(np.array([begins - 1, begins]), ("long",), (150.0,), rules)


def test_a_leverage_that_the_newest_edition_refuses_is_allowed_before_it(dated):
    levels, _, rules = parse.liquidation_levels(("long",), (100.0,), None, dated, 1e4)
    assert levels is None and rules is not None
    before = np.array([CHANGE - D])
    assert np.exp(dated_levels(before, ("long",), (100.0,), rules)[0, 0, 0]) == pytest.approx(0.99 / 0.996, rel=1e-12)
    with pytest.raises(NotAllowed, match="at most 50"):
        dated_levels(np.array([CHANGE]), ("long",), (100.0,), rules)


def test_dates_that_no_edition_is_known_to_cover_are_said(dated):
    rules = DatedRules(venues.history(dated), 1e4)
    dates = np.array([START - D, START, CHANGE + D, SEEN + D // 2, SEEN + 2 * D])
    assert dates_by_edition(dates, rules) == {day(START): 2, day(CHANGE): 3}
    said = f"on 2 of 5 dates, between {day(START - D)} and {day(SEEN + 2 * D)}: the nearest is taken"
    assert doubtful_dates(dates, rules) == f"no edition of test/VENUE is known to hold {said}"
    assert doubtful_dates(dates[1:4], rules) == ""


def test_an_edition_that_is_named_holds_for_all_dates(dated):
    levels, words, rules = parse.liquidation_levels(("long",), (20.0,), None, f"{dated}@{day(CHANGE)}", 1e4)
    assert rules is None and f"@{day(CHANGE)}, position of 10,000 USDT" in words
    assert np.exp(levels[0, 0]) == pytest.approx(0.95 / 0.984, rel=1e-12)


def test_levels_and_editions_are_not_given_together():
    given = ("gbm",), ("long",), (20.0,)
    rest = "made", Spans(D, D, 90 * D, 30 * D), 1000, 3
    for levels, rules in ((None, None), (flat_levels(("long",), (20.0,), 0.004), DatedRules(venues.history(BTC), 1e4))):
        with pytest.raises(InputError, match="levels: levels are given, or the rulebook"):
            Question(*given, levels, *rest, dated=rules)


def test_the_command_warns_and_the_page_and_the_data_say_it(dated, tmp_path):
    prices = write_bars(brownian_bars(6 * 180, 4 * H), tmp_path / "made.csv")
    words = ("--models", "gbm", "--leverage", "20,50", "--window", "90D", "--paths", "1000", "-q", "--rulebook", dated)
    page, data = tmp_path / "b.html", tmp_path / "b.nc"
    asked = ["backtest", str(prices), *words, "-o", str(page), "--data", str(data)]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert done.exit_code == 0
    warned = "no edition of test/VENUE is known to hold on 18 of 90 dates"
    assert f"warning: {warned}" in done.stderr and warned in page.read_text()
    with xr.open_dataset(data, engine="h5netcdf") as ds:
        assert json.loads(ds.attrs["rulebook_editions"]) == {day(START): 40, day(CHANGE): 50}
        assert json.loads(ds.attrs["warnings"])[0].startswith(warned)
        (label, away), *_ = happened(ds).groups[0].rows
    assert label == "distance" and away[1].text == f"{percent(0.98 / 0.984 - 1)} to {percent(0.98 / 0.996 - 1)}"
