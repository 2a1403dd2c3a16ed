"""Records of funding payments in the layouts of venues and libraries."""

import json

import numpy as np
import pytest
from files.tables import START, at, text, write

from stresslab.errors import InputError
from stresslab.files.funding_rates import read_funding
from stresslab.files.layout import Layout

STAMPS = START + 28_800 * np.arange(9)
RATES = np.array([1, -2, 3, 4, 5, -6, 7, 8, 9]) * 1e-5


def rows(*columns):
    return [list(row) for row in zip(*columns, strict=True)]


ISO, MILLIS = [at(s) for s in STAMPS], STAMPS * 1000
BINANCE = [{"symbol": "BTCUSDT", "fundingTime": int(s), "fundingRate": str(r)} for s, r in rows(MILLIS, RATES)]
BYBIT = [{"symbol": "X", "fundingRate": str(r), "fundingRateTimestamp": str(s)} for s, r in rows(MILLIS, RATES)]
HYPERLIQUID = [{"coin": "BTC", "fundingRate": str(r), "premium": "1", "time": int(s)} for s, r in rows(MILLIS, RATES)]
LAYOUTS = {
    "own": text(rows(ISO, RATES), "timestamp,funding_rate"),
    "binance archive": text(rows(MILLIS + 7, 9 * [8], RATES), "calc_time,funding_interval_hours,last_funding_rate"),
    "binance interface": json.dumps(BINANCE),
    "bybit interface": json.dumps({"result": {"category": "linear", "list": BYBIT[::-1]}}),
    "okx interface": text(
        rows(9 * ["BTC-SWAP"], RATES, RATES, MILLIS)[::-1], "instId,fundingRate,realizedRate,fundingTime"
    ),
    "kraken": text(rows(ISO, RATES * 60_000, RATES), "timestamp,fundingRate,relativeFundingRate"),
    "ccxt": text(rows(9 * ["BTC/USDT:USDT"], MILLIS, ISO, RATES), "symbol,timestamp,datetime,fundingRate"),
    "hyperliquid": json.dumps(HYPERLIQUID),
    "per cent": text(rows(ISO, [f"{100 * r:.5f}%" for r in RATES]), "time,Funding Rate"),
    "no header": text(rows(STAMPS, RATES)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_record_is_read(tmp_path, layout):
    found = read_funding(write(tmp_path, LAYOUTS[layout]))
    np.testing.assert_array_equal(found.stamps, STAMPS)
    np.testing.assert_allclose(found.rates, RATES, rtol=1e-12)
    assert any(line.startswith("stamps: column") for line in found.words())


def test_guesses_are_said(tmp_path):
    said = {name: "\n".join(read_funding(write(tmp_path, one)).words()) for name, one in LAYOUTS.items()}
    assert said["own"].startswith("9 funding payments from 2024-01-01 00:00 to 2024-01-03 16:00 UTC")
    assert "rates: column 'relativeFundingRate'" in said["kraken"]
    assert "rates are in per cent" in said["per cent"]
    assert "no header line: 2 columns taken as timestamp, funding_rate" in said["no header"]
    assert "newest row first" in said["okx interface"] and "instrument BTC-SWAP" in said["okx interface"]


def test_two_instruments_are_chosen_between(tmp_path):
    path = write(tmp_path, text(rows(["A", "B"] * 4, np.repeat(STAMPS[:4], 2), RATES[:8]), "symbol,time,rate"))
    with pytest.raises(InputError, match="holds A, B: choose one. Give funding.symbol: A"):
        read_funding(path, layout=Layout(prefix="funding."))
    np.testing.assert_allclose(read_funding(path, layout=Layout(symbol="B")).rates, RATES[1:8:2])


@pytest.mark.parametrize(
    "content, message",
    [
        (text(rows(STAMPS, 100 * np.ones(9)), "time,rate"), r"rate = '100.0 \(row 2\)': funding rates are fractions"),
        (text(rows([*STAMPS[:8], STAMPS[3]], RATES), "time,rate"), "row 10.': two rates are given for one payment"),
        (text(rows(STAMPS, RATES), "time,premium"), "funding_rate: a column is missing; the file has time, premium"),
        ("", "the file is empty"),
        ("time,rate\n", "the file has no rows"),
    ],
)
def test_what_is_none_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_funding(write(tmp_path, content))
