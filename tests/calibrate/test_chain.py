"""Reading and cleaning option chains: what is refused, what is dropped for which reason, what is found."""

import numpy as np
import pandas as pd
import pytest
from calibrate.option_chains import FORWARD, quotes, stamp, write, years

from stresslab.calibrate import read_chain
from stresslab.errors import InputError

DERIBIT = "data/options_deribit_snapshot_nolicence/deribit_chain_20260116T153325Z.csv.gz"
ETH = "data/options_eth_two_expiries_mit"


def flat(t, k):
    """A smile of 60 % with a little curvature."""
    return 0.6 + 0.1 * np.log(k) ** 2


def coin(frame):
    """The same chain as an inverse venue quotes it."""
    columns = ["bid_price", "ask_price", "mark_price"]
    return frame.assign(**{name: frame[name] / frame["underlying_price"] for name in columns})


@pytest.fixture
def frame():
    return quotes(flat)


@pytest.fixture
def read(tmp_path):
    return lambda frame, name="chain.csv", **options: read_chain(write(frame, tmp_path, name), **options)


def test_what_is_read(frame, read):
    chain = read(frame)
    assert (chain.observations, chain.dropped, chain.underlying, chain.unit) == (len(frame), {}, "BTC", "quote")
    np.testing.assert_allclose(chain.times, [years(days) for days in (7, 30, 91, 182)], rtol=1e-12)
    np.testing.assert_allclose(chain.forwards, FORWARD * np.exp(0.1 * chain.times), rtol=1e-12)
    smile = flat(0, chain.strikes / chain.forwards[chain.expiry])
    np.testing.assert_allclose(chain.volatilities, smile, rtol=1e-6)
    np.testing.assert_allclose(chain.errors, np.hypot(0.005, 0.005), rtol=0.01)
    np.testing.assert_allclose(chain.implied(chain.mids), chain.volatilities, rtol=1e-9)
    assert chain.end == pd.Timestamp(stamp(0)).timestamp()
    assert chain.provenance["quotes"] == len(frame)


@pytest.mark.parametrize("name", ["chain.csv.gz", "chain.parquet"])
def test_other_formats(frame, read, name):
    expected, found = read(frame), read(frame, name)
    np.testing.assert_array_equal(found.mids, expected.mids)


def test_parquet_with_real_stamps(frame, read):
    typed = frame.assign(**{name: pd.to_datetime(frame[name]) for name in ("timestamp", "expiry")})
    np.testing.assert_array_equal(read(typed, "chain.parquet").times, read(frame).times)


@pytest.mark.parametrize("said", ["", "coin"])
def test_coin_prices(frame, read, said):
    """Found by the bounds, or said: the same chain in quote currency."""
    expected, found = read(frame), read(coin(frame), unit=said)
    assert (found.unit, found.underlying) == ("coin", "BTC")
    np.testing.assert_allclose(found.mids, expected.mids, rtol=1e-12)


def test_the_unit_is_asked_for_where_prices_fit_both(frame, read):
    out = coin(frame)[(frame["strike"] > frame["underlying_price"]) == (frame["option_type"] == "call")]
    with pytest.raises(InputError, match="unit = .*Give --unit"):
        read(out)
    assert read(out, unit="coin").observations == len(out)
    assert read(out.assign(unit="coin")).observations == len(out)
    with pytest.raises(InputError, match="'dollars': the unit of the prices"):
        read(frame, unit="dollars")


def test_two_currencies(frame, read):
    both = pd.concat([frame, frame.assign(currency="ETH").iloc[:40]])
    with pytest.raises(InputError, match="the chain holds BTC, ETH: choose one. Give --currency"):
        read(both)
    assert read(both, currency="eth").observations == 40
    with pytest.raises(InputError, match="'SOL': the chain holds BTC, ETH"):
        read(both, currency="SOL")
    names = frame.drop(columns="currency").assign(instrument_name="ETH-30JAN26-1000-C")
    assert read(names).underlying == "ETH"


def test_marks_alone(frame, read):
    """A chain with one price for each option: read as marks, each known to 3 points."""
    alone = frame.drop(columns=["bid_price", "ask_price"]).rename(
        columns={"mark_price": "price", "option_type": "Type"}
    )
    chain = read(alone)
    assert chain.marked.all() and chain.observations == len(frame)
    np.testing.assert_allclose(chain.volatilities, read(frame).volatilities, rtol=1e-9)
    assert chain.errors.min() > 0.03


def test_one_expiry(frame, read):
    chain = read(frame, expiry="28D")
    np.testing.assert_allclose(chain.times, [years(30)])
    assert chain.observations == 26 and set(chain.expiry) == {0}


@pytest.mark.parametrize("days", [0, 1.5])
def test_parity_gives_the_forward(frame, read, days):
    """Without underlying_price, or with one that the quotes contradict."""
    expected = read(frame)
    wrong = frame.drop(columns="underlying_price") if days == 0 else frame.assign(underlying_price=0.9 * FORWARD)
    found = read(wrong, unit="quote")
    np.testing.assert_allclose(found.forwards, expected.forwards, rtol=1e-9)
    np.testing.assert_allclose(found.volatilities, expected.volatilities, rtol=1e-5)


def spoil(frame, row, **values):
    """The chain with one row changed."""
    frame = frame.copy()
    for name, value in values.items():
        frame.loc[row, name] = value
    return frame


MIDDLE = 58  # a row near the money of the third expiry


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: spoil(f, MIDDLE, bid_price=f.ask_price[MIDDLE] * 1.01), "crossed: bid above ask"),
        (lambda f: spoil(f, MIDDLE, bid_price=-1.0), "negative price"),
        (lambda f: spoil(f, MIDDLE, strike=0.0), "strike not positive"),
        (lambda f: spoil(f, MIDDLE, expiry=stamp(-1)), "expired"),
        (lambda f: spoil(f, MIDDLE, expiry=stamp(0)), "expired"),
        (lambda f: pd.concat([f, f.iloc[[MIDDLE]]]), "duplicate"),
        (lambda f: spoil(f, MIDDLE, bid_price=np.nan, mark_price=np.nan), "no quote on both sides and no mark"),
        (lambda f: spoil(f, MIDDLE, bid_price=0.0, mark_price=0.0), "no quote on both sides and no mark"),
        (lambda f: spoil(f, MIDDLE, bid_price=2 * FORWARD, ask_price=2.1 * FORWARD), "outside the no-arbitrage bounds"),
        (lambda f: spoil(f, 64, bid_price=0.1, ask_price=0.2), "outside the no-arbitrage bounds"),
        (lambda f: _raised(f, MIDDLE, 1.0), "vertical-spread arbitrage"),
        (lambda f: _raised(f, MIDDLE, 0.25), "butterfly arbitrage"),
        (lambda f: _widened(f, MIDDLE), "known to less than 25% of volatility"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_bad_quote_is_dropped_and_counted(frame, read, change, reason):
    """One bad row among good ones: it alone goes, under its name."""
    spoilt = change(frame)
    chain = read(spoilt)
    assert chain.dropped == {reason: 1}
    assert chain.observations == len(spoilt) - 1


def _raised(frame, row, by):
    """A quote lifted above its neighbours, bid and ask alike."""
    return spoil(frame, row, **{name: frame[name][row] * (1 + by) for name in ("bid_price", "ask_price")})


def _widened(frame, row):
    middle = frame["mark_price"][row]
    return spoil(frame, row, bid_price=0.01 * middle, ask_price=2.5 * middle)


def test_a_mark_stands_in_for_a_missing_side(frame, read):
    chain = read(spoil(frame, MIDDLE, bid_price=0.0))
    assert chain.dropped == {} and chain.marked.sum() == 1
    assert chain.mids[chain.marked] == pytest.approx(frame["mark_price"][MIDDLE])
    assert chain.errors[chain.marked] > 2 * chain.errors[~chain.marked].max()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns=["strike", "expiry"]), "expiry, strike: a column is missing"),
        (lambda f: f.drop(columns=["ask_price", "mark_price"]), "ask_price: a column is missing"),
        (lambda f: f.iloc[:0], "the file has no rows"),
        (lambda f: f.iloc[:9], "9: at least 10 usable quotes are needed"),
        (lambda f: f.assign(expiry=stamp(-1)), "0: at least 10 usable quotes.*Dropped: expired: 104"),
        (
            lambda f: spoil(f, 3, timestamp="2026-01-16T16:00:00"),
            "timestamp = .*some stamps have a time zone and others have none",
        ),
        (lambda f: f.assign(timestamp="2026-01-16 16:00:00"), "timestamp = .*the time zone of the stamps is not given"),
        (lambda f: f.assign(timestamp="16 January"), "timestamp = .*is no date and time .ISO 8601"),
        (lambda f: spoil(f, 3, timestamp=stamp(1)), "a chain is one snapshot"),
        (
            lambda f: f.astype({"strike": str}).pipe(spoil, 3, strike="ATM"),
            "strike = 'ATM .row 5.': must be numbers",
        ),
        (lambda f: spoil(f, 3, option_type="straddle"), "option_type = 'straddle .row 5.': must be call or put"),
    ],
)
def test_a_bad_chain_is_refused_with_its_file(frame, read, change, words):
    with pytest.raises(InputError, match=f"chain.csv: .*{words}"):
        read(change(frame))


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match="the chain cannot be read"):
        read_chain(tmp_path / "none.csv")


def test_the_venue_snapshot(shared):
    """Counts as dropped on the day; put-call parity of what is left holds within the spreads."""
    with pytest.raises(InputError, match="BTC, ETH"):
        read_chain(shared / DERIBIT)
    chain = read_chain(shared / DERIBIT, currency="BTC")
    assert (chain.unit, len(chain.expiries)) == ("coin", 12)
    assert chain.observations + sum(chain.dropped.values()) == 668
    assert chain.observations > 550
    assert 0.2 < chain.at_the_money.min() and chain.at_the_money.max() < 0.5
    venue = pd.read_csv(shared / DERIBIT).query("currency == 'BTC'")
    marks = venue.set_index(["strike", "ttm_years", "option_type"])["mark_iv"]
    keys = zip(chain.strikes, chain.expiry, chain.calls, strict=True)
    times = np.sort(venue["ttm_years"].unique())
    said = np.array([marks[strike, times[place], "call" if call else "put"] for strike, place, call in keys])
    assert np.median(np.abs(chain.volatilities - said)) < 0.003


@pytest.mark.parametrize("day", ["2021-10-01", "2022-01-27"])
def test_files_with_other_columns(shared, day):
    chain = read_chain(shared / ETH / f"ETH_deribit_{day}.csv.gz")
    assert (chain.unit, chain.underlying, len(chain.expiries)) == ("coin", "ETH", 2)
    assert chain.observations > 70
    assert 0.7 < chain.at_the_money.min() and chain.at_the_money.max() < 1.0
