"""Option chains in the layouts of venues and libraries, and what the names of their instruments say."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from calibrate.option_chains import quotes, write

from stresslab.calibrate import read_chain
from stresslab.calibrate.chain_table import read_chain_table
from stresslab.errors import InputError
from stresslab.files.instruments import parse_option_name

EIGHT = datetime(2025, 6, 27, 8, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "name, currency, strike, call",
    [
        ("BTC-27JUN25-105000-C", "BTC", 105_000.0, True),
        ("eth-27jun25-2500-p", "ETH", 2_500.0, False),
        ("BTC_USDC-27JUN25-105000-P", "BTC", 105_000.0, False),
        ("XRP_USDC-27JUN25-0d55-C", "XRP", 0.55, True),
        ("BTC-27JUN25-105000-C-USDT", "BTC", 105_000.0, True),
        ("BTC-USD-250627-105000-C", "BTC", 105_000.0, True),
        ("BTC-250627-105000-C", "BTC", 105_000.0, True),
    ],
)
def test_names_of_options(name, currency, strike, call):
    found = parse_option_name(name)
    assert (found.currency, found.strike, found.call, found.expiry) == (currency, strike, call, EIGHT)


@pytest.mark.parametrize("name", ["BTC-PERPETUAL", "BTC-27JUN25", "BTC-31FEB25-1-C", "BTC-27JUN25-105000-X", "", "nan"])
def test_names_that_are_none(name):
    assert parse_option_name(name) is None


@pytest.fixture
def frame():
    return quotes(lambda t, k: 0.6 + 0 * k)


def deribit_summary(frame):
    """get_book_summary_by_currency: names alone, stamps in milliseconds."""
    days = pd.to_datetime(frame["expiry"])
    names = [
        f"BTC-{day.day}{day:%b%y}-{strike:.12g}-{kind[0]}".upper()
        for day, strike, kind in zip(days, frame["strike"], frame["option_type"], strict=True)
    ]
    kept = frame[["bid_price", "ask_price", "mark_price", "underlying_price"]]
    millis = pd.to_datetime(frame["timestamp"]).dt.as_unit("ms").astype("int64")
    return kept.assign(instrument_name=names, creation_timestamp=millis, volume=0.0, mark_iv=60.0)


def tardis(frame):
    """options_chain: microseconds, strike_price, expiration, type."""
    stamp, expiry = (pd.to_datetime(frame[name]).dt.as_unit("us").astype("int64") for name in ("timestamp", "expiry"))
    return pd.DataFrame(
        {
            "exchange": "deribit",
            "symbol": "BTC-X",
            "timestamp": stamp,
            "local_timestamp": stamp + 5,
            "type": frame["option_type"],
            "strike_price": frame["strike"],
            "expiration": expiry,
            "bid_price": frame["bid_price"],
            "ask_price": frame["ask_price"],
            "mark_price": frame["mark_price"],
            "underlying_index": "SYN",
            "underlying_price": frame["underlying_price"],
        }
    )


def at_eight(frame):
    days = pd.to_datetime(frame["expiry"]).dt.normalize() + pd.Timedelta(hours=8)
    return frame.assign(expiry=days.dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_a_summary_with_names_alone(frame, tmp_path):
    frame = at_eight(frame)
    expected = read_chain(write(frame, tmp_path, "plain.csv"))
    found = read_chain(write(deribit_summary(frame), tmp_path, "summary.csv"))
    np.testing.assert_array_equal(found.expiries, expected.expiries)
    np.testing.assert_allclose(found.volatilities, expected.volatilities, rtol=1e-8)
    assert found.underlying == "BTC"
    said = "\n".join(found.notes)
    assert "expiry, strike, option_type from the names in 'instrument_name' (expiry at 08:00 UTC)" in said
    assert "milliseconds" in said and "prices are in" in said


def test_a_summary_with_a_name_that_is_no_option(frame, tmp_path):
    bad = deribit_summary(at_eight(frame))
    bad.loc[3, "instrument_name"] = "BTC-PERPETUAL"
    with pytest.raises(InputError, match=r"instrument = 'BTC-PERPETUAL \(row 5\)': is not the name of an option"):
        read_chain(write(bad, tmp_path, "summary.csv"))


def test_a_record_of_quotes_gives_the_last_of_each_option(frame, tmp_path):
    """Tardis writes a row per change: the last one up to --at is the quote."""
    table = tardis(frame)
    older = table.assign(timestamp=table["timestamp"] - 600 * 10**6, bid_price=1.0, ask_price=2.0, mark_price=1.5)
    stale = table.assign(timestamp=table["timestamp"] - 30 * 3600 * 10**6)
    path = write(pd.concat([stale, older, table]), tmp_path, "tardis.csv")
    with pytest.raises(InputError, match="a chain is one snapshot.*Give --at with an instant"):
        read_chain(path)
    moment = int(table["timestamp"].iloc[0]) // 10**6
    found = read_chain(path, at=moment)
    expected = read_chain(write(frame, tmp_path, "plain.csv"))
    np.testing.assert_allclose(found.volatilities, expected.volatilities, rtol=1e-9)
    assert f"{len(frame)} quotes superseded by later ones of the same option are left out" in "\n".join(found.notes)
    assert read_chain_table(path, at=moment - 60)["bid_price"].iloc[0] != found.bids[0]
    with pytest.raises(InputError, match="no quotes within 1h before this instant; they reach from"):
        read_chain(path, at=moment - 10 * 86_400)


def test_an_expiry_six_hundred_years_away_is_not_this_years(frame, tmp_path):
    for expiry in ("2609-01-30T08:00:00Z", "20168352000000"):
        with pytest.raises(InputError, match="stamps must lie in the years 1970 to 2200"):
            read_chain(write(frame.assign(expiry=expiry), tmp_path, "far.csv"))
