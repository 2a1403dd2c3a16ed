"""Tables that could be read to other numbers in silence: each is read right, or refused at the place that is odd."""

import numpy as np
import pandas as pd
import pytest
from calibrate.option_chains import quotes
from calibrate.option_chains import write as write_chain
from files.tables import HOUR, START, at, market, text, write
from files.test_chain_layouts import at_eight

from stresslab.calibrate.chain_table import read_chain_table
from stresslab.errors import InputError
from stresslab.files.funding_rates import read_funding
from stresslab.files.layout import Layout
from stresslab.files.price_file import read_bars

M, DAYS = market(), market(seconds=86_400)
HEADER = "timestamp,open,high,low,close,volume"
UTC = Layout(utc=True)


def rows(m, stamp=at):
    return [[stamp(int(s)), *map(float, p), float(v)] for s, p, v in zip(m.stamps, m.prices, m.volumes, strict=True)]


def check(bars, m):
    np.testing.assert_array_equal(bars.stamps, m.stamps)
    np.testing.assert_allclose(bars.prices, m.prices, rtol=1e-12)


def test_a_column_that_counts_the_rows_is_no_price(tmp_path):
    counted = [[n, at(s), p[3]] for n, (s, p) in enumerate(zip(M.stamps, M.prices, strict=True), 1)]
    closes = read_bars(write(tmp_path, text(counted, "index,Date,Adj Close"))).prices[:, 3]
    np.testing.assert_array_equal(closes, M.prices[:, 3])
    with pytest.raises(InputError, match="close: a column is missing"):
        read_bars(write(tmp_path, text(counted, "index,Date,premium")))
    named = [[at(s), p[3]] for s, p in zip(M.stamps, M.prices, strict=True)]
    np.testing.assert_array_equal(
        read_bars(write(tmp_path, text(named, "time,index"))).prices[:, 3], M.prices[:, 3], "the price of an index"
    )


def test_the_stamps_of_a_nameless_index_are_no_price(tmp_path):
    index = pd.to_datetime(M.stamps, unit="s", utc=True)
    table = pd.DataFrame({"btc": M.prices[:, 3]}, index=index)
    table.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="close: a column is missing; the file has"):
        read_bars(tmp_path / "a.parquet")


@pytest.mark.parametrize("form", ["%d-%m-%Y", "%d-%b-%Y", "%m-%d-%Y"])
def test_a_year_is_no_offset(tmp_path, form):
    path = write(tmp_path, text(rows(DAYS, lambda s: at(s, form)), HEADER))
    with pytest.raises(InputError, match="the time zone of the stamps is not given"):
        read_bars(path)
    check(read_bars(path, UTC), DAYS)


def test_minutes_are_no_offset(tmp_path):
    m = market(seconds=900)
    path = write(tmp_path, text(rows(m, lambda s: at(s, "%Y-%m-%d %H-%M")), HEADER))
    with pytest.raises(InputError, match="is no date and time.*--dates FORMAT"):
        read_bars(path, UTC)
    check(read_bars(path, Layout(utc=True, dates="%Y-%m-%d %H-%M")), m)


@pytest.mark.parametrize("offset", ["+01:00", "+0100", "+01", ".000+01:00", ".0000000 +01:00"])
def test_an_offset_follows_a_time_of_day(tmp_path, offset):
    stamps = rows(M, lambda s: at(s + HOUR, "%Y-%m-%dT%H:%M:%S") + offset)
    check(read_bars(write(tmp_path, text(stamps, HEADER))), M)


@pytest.mark.parametrize("form", ["%I:%M %p", "%I:%M:%S%p", "%H%M%S", "%H:%M"])
def test_a_time_of_day_in_its_own_column_counts(tmp_path, form):
    five = DAYS._replace(stamps=DAYS.stamps + 17 * HOUR)
    for m in (M, five):
        split = [[at(row[0], "%Y-%m-%d"), at(row[0], form), *row[1:]] for row in rows(m, int)]
        check(read_bars(write(tmp_path, text(split, "Date,Time,Open,High,Low,Close,Volume")), UTC), m)


def test_a_time_of_day_that_cannot_be_read_is_not_dropped(tmp_path):
    split = [[at(row[0], "%Y-%m-%d"), "noon", *row[1:]] for row in rows(DAYS, int)]
    with pytest.raises(InputError, match=r"Time = 'noon \(row 2\)': is no date and time"):
        read_bars(write(tmp_path, text(split, "Date,Time,Open,High,Low,Close,Volume")), UTC)


def test_points_of_thousands_are_told_from_the_other_columns(tmp_path):
    whole = DAYS._replace(prices=np.round(DAYS.prices))
    german = [[at(s), *(f"{x:,.0f}".replace(",", ".") for x in p), "12,5"] for s, *p, _ in rows(whole, int)]
    check(read_bars(write(tmp_path, text(german, HEADER.replace(",", ";"), ";"))), whole)
    three = M._replace(prices=np.round(M.prices / 1000, 3))
    plain = [[s, *(f"{x:.3f}" for x in p), v] for s, *p, v in rows(three)]
    check(read_bars(write(tmp_path, text(plain, HEADER))), three)


@pytest.mark.parametrize("decimal, price", [("comma", "60123.45"), ("point", "60123,45"), ("point", "60,12")])
def test_a_sign_that_divides_no_thousands_is_no_sign_of_thousands(tmp_path, decimal, price):
    table = [[at(START + HOUR * n), price] for n in range(9)]
    with pytest.raises(InputError, match="prices must be positive numbers"):
        read_bars(write(tmp_path, text(table, "time;close", ";")), Layout(decimal=decimal))


def test_bars_of_two_lengths_in_one_file(tmp_path):
    m = market(240)
    mixed = [*rows(m)[:120], *rows(m)[120::4]]
    with pytest.raises(InputError, match="rows stand 4h apart from 2024-01-06T00:00:00Z on.*Split the file"):
        read_bars(write(tmp_path, text(mixed, HEADER)))


@pytest.mark.parametrize("seconds, rule", [(43_200, "bars must have one length"), (52_387, "most frequent distance")])
def test_a_running_bar_at_the_end_is_the_row_that_is_named(tmp_path, seconds, rule):
    running = [at(DAYS.stamps[-1] + seconds), *rows(DAYS)[-1][1:]]
    with pytest.raises(InputError, match=rf"timestamp = '{running[0]}'.*{rule}"):
        read_bars(write(tmp_path, text([*rows(DAYS), running], HEADER)))


def test_a_row_without_a_volume_leaves_the_other_volumes(tmp_path):
    table = rows(M)
    table[10] = [table[10][0], *4 * [table[9][4]], 0]
    table[40][5] = ""
    bars = read_bars(write(tmp_path, text(table, HEADER)))
    assert bars.untraded.tolist() == [M.stamps[10]] and bars.has_volume
    assert "1 row has no volume and counts as a bar with a trade" in bars.words()


def test_single_letters_differ_by_case(tmp_path):
    table = [[s * 1000, s * 1000 + 3_599_999, *row] for s, *row in rows(M, int)]
    check(read_bars(write(tmp_path, text(table, "t,T,o,h,l,c,v"))), M)


STAMPS, RATES = START + 28_800 * np.arange(9), np.array([1, -2, 3, 4, 5, -6, 7, 8, 9]) * 1e-5


def funding(folder, header, *columns):
    table = [[at(s), *values] for s, *values in zip(STAMPS, *columns, strict=True)]
    return read_funding(write(folder, text(table, header)))


@pytest.mark.parametrize("name", ["Funding Rate (%)", "rate %", "funding_rate_pct"])
def test_a_rate_whose_name_says_per_cent(tmp_path, name):
    for column in (100 * RATES, [f"{100 * r:.5f}%" for r in RATES]):
        found = funding(tmp_path, f"time,{name}", column)
        np.testing.assert_allclose(found.rates, RATES, rtol=1e-12)
        assert "rates are in per cent" in found.words()
        assert "rates from -0.006 % to 0.009 % of notional per payment, 0.003222 % on average" in found.words()
    with pytest.raises(InputError, match=r"\(row 3\).*some rates are in per cent and others are not"):
        funding(tmp_path, f"time,{name}", ["0.01%", *[0.01] * 8])


def test_the_rate_that_was_paid_is_taken_before_the_predicted_one(tmp_path):
    found = funding(tmp_path, "time,fundingRate,realizedRate", 3 * RATES, RATES)
    np.testing.assert_array_equal(found.rates, RATES)
    assert "rates: column 'realizedRate'" in found.words()


def test_two_quotes_of_one_option_at_one_instant(tmp_path):
    frame = quotes(lambda t, k: 0.6 + 0 * k)
    halved = frame.assign(bid_price=frame["bid_price"] / 2)
    with pytest.raises(InputError, match=f"two rows of one instant with different quotes.*{len(frame)} rows"):
        read_chain_table(write_chain(pd.concat([frame, halved]), tmp_path, "chain.csv"))


def test_an_expiry_without_a_time_is_at_eight(tmp_path):
    frame = at_eight(quotes(lambda t, k: 0.6 + 0 * k))
    expected = read_chain_table(write_chain(frame, tmp_path, "chain.csv"))["expiry"]
    for days in (frame["expiry"].str[:10], frame["expiry"].str[:10].str.replace("-", "")):
        found = read_chain_table(write_chain(frame.assign(expiry=days), tmp_path, "chain.csv"), layout=UTC)
        np.testing.assert_array_equal(found["expiry"], expected)
        assert any("at 08:00 UTC of the day" in note for note in found.attrs["notes"])


def test_a_study_is_told_the_key_that_said_utc(tmp_path):
    path = write(tmp_path, text([[at(s)[:-1], r] for s, r in zip(STAMPS, RATES, strict=True)], "time,rate"))
    found = read_funding(path, layout=Layout(utc=True, prefix="funding."))
    assert "stamps: column 'time', ISO 8601, UTC as said by funding.utc" in found.words()
