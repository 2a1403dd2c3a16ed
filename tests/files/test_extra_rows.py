"""Header lines among the rows, rows of delimiters, row numbers; and the options that refusals of dates offer."""

import re

import numpy as np
import pandas as pd
import pytest
from files.tables import START, at, market, text, write

from stresslab.errors import InputError
from stresslab.files.funding_rates import read_funding
from stresslab.files.layout import Layout
from stresslab.files.price_file import read_bars

M = market()
HEADER = "timestamp,open,high,low,close,volume"


def rows(m=M, stamp=at, order=(0, 1, 2, 3)):
    return [
        [stamp(int(s)), *(float(p[k]) for k in order), float(v)]
        for s, p, v in zip(m.stamps, m.prices, m.volumes, strict=True)
    ]


def check(bars, m=M):
    np.testing.assert_array_equal(bars.stamps, m.stamps)
    np.testing.assert_allclose(bars.prices, m.prices, rtol=1e-12)


@pytest.mark.parametrize("stamp", [at, lambda s: s * 1000])
@pytest.mark.parametrize("header", [HEADER, HEADER.replace("timestamp", "")])
def test_files_that_were_put_behind_each_other(tmp_path, stamp, header):
    table = rows(stamp=stamp)
    bars = read_bars(write(tmp_path, text(table[:30], header) + text(table[30:50], header) + text(table[50:], header)))
    check(bars)
    assert "2 header lines are repeated among the rows, first in row 32" in bars.words()


def test_funding_files_that_were_put_behind_each_other(tmp_path):
    table = [[(START + 28_800 * n) * 1000, 8, n * 1e-5] for n in range(9)]
    header = "calc_time,funding_interval_hours,last_funding_rate"
    found = read_funding(write(tmp_path, text(table[:4], header) + text(table[4:], header)))
    np.testing.assert_allclose(found.rates, np.arange(9) * 1e-5)
    assert "1 header line is repeated among the rows, first in row 6" in found.notes


def test_a_header_line_of_another_order_among_the_rows_is_refused(tmp_path):
    other = text(rows(order=(0, 3, 1, 2))[30:], "timestamp,open,close,high,low,volume")
    with pytest.raises(InputError, match="row 32 is a header line with other names than the first one. Split the file"):
        read_bars(write(tmp_path, text(rows()[:30], HEADER) + other))
    write(tmp_path, text(rows()[:30], HEADER), "part-1.csv"), write(tmp_path, other, "part-2.csv")
    check(read_bars(str(tmp_path / "part-*.csv")))


LAYOUTS = {
    "a delimiter ends each row": text([[*row, ""] for row in rows()], HEADER),
    "a delimiter ends each line": text([[*row, ""] for row in rows()], HEADER + ","),
    "row numbers without a name": text([[f'"{n}"', *row] for n, row in enumerate(rows(), 1)], HEADER),
    "row numbers of an empty name": text([[n, *row] for n, row in enumerate(rows())], "," + HEADER),
    "rows of delimiters": text(rows()[:20], HEADER) + ",,,,,\n" + text(rows()[20:]) + ",,,,,\n,,,,,\n",
    "an empty field in the last row of tabs": text(
        [[*row, ""] for row in rows()], HEADER.replace(",", "\t") + "\tx", "\t"
    ),
    "columns that are numbered": text(rows(), "0,1,2,3,4,5"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_no_part_of_the_table_is_passed_over(tmp_path, layout):
    check(read_bars(write(tmp_path, LAYOUTS[layout])))


def test_rows_are_counted_as_they_stand_in_the_file(tmp_path):
    table = text(rows()[:20], HEADER) + ",,,,,\n" + text(rows()[20:], HEADER)
    with pytest.raises(InputError, match=r"'cheap \(row 29\)'"):
        read_bars(write(tmp_path, table.replace(str(M.prices[25, 3]), "cheap", 1)))


def test_a_line_of_totals_is_named(tmp_path):
    with pytest.raises(InputError, match=r"timestamp = 'Total \(row 62\)': is no date and time. Remove the row"):
        read_bars(write(tmp_path, text(rows(), HEADER) + "Total,,,,,300\n"))


def test_a_field_of_great_length_is_refused(tmp_path):
    with pytest.raises(InputError, match="the rows cannot be divided into fields"):
        read_bars(write(tmp_path, text([[*row, "x" * 200_000] for row in rows()], HEADER + ",note")))


def test_prices_of_two_tickers_whose_index_has_no_name(tmp_path):
    frame = pd.DataFrame(M.prices, pd.to_datetime(M.stamps, unit="s", utc=True), ["Open", "High", "Low", "Close"])
    both = pd.concat({"BTC-USD": frame, "ETH-USD": 2 * frame}, axis=1, names=["Ticker", "Price"])
    both.to_parquet(tmp_path / "ticker.parquet")
    both.swaplevel(axis=1).rename_axis("Date").to_parquet(tmp_path / "price.parquet")
    both.to_csv(tmp_path / "ticker.csv")
    both.swaplevel(axis=1).to_csv(tmp_path / "price.csv")
    for name in ("ticker.csv", "price.csv", "ticker.parquet", "price.parquet"):
        with pytest.raises(InputError, match="holds prices of BTC-USD, ETH-USD: choose one. Give --symbol"):
            read_bars(tmp_path / name)
        check(read_bars(tmp_path / name, Layout(symbol="BTC-USD")))


FORMS = ["%d.%m.%Y %H:%M:%S.000", "%d.%m.%Y %H:%M", "%d/%m/%Y, %H:%M:%S", "%d/%m/%Y %I:%M %p", "%d-%m-%Y %I:%M:%S %p"]
FORMS += ["%d/%m/%Y %H:%M:%S UTC", "%d/%m/%Y %H:%M:%S+00:00"]


@pytest.mark.parametrize("form", FORMS)
def test_the_format_that_a_refusal_offers_reads_the_file(tmp_path, form):
    path = write(tmp_path, text([[f'"{row[0]}"', *row[1:]] for row in rows(stamp=lambda s: at(s, form))], HEADER))
    with pytest.raises(InputError) as refusal:
        read_bars(path)
    day, month = re.findall(r"--dates '([^']*)'", str(refusal.value))
    check(read_bars(path, Layout(dates=day, utc=True)))
    assert day != month
    later = M._replace(stamps=M.stamps + 20 * 86_400)  # days past 12: the order is told
    table = [[f'"{row[0]}"', *row[1:]] for row in rows(later, lambda s: at(s, form))]
    check(read_bars(write(tmp_path, text(table, HEADER)), Layout(utc=True)), later)


@pytest.mark.parametrize("form", ["%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%d"])
def test_dates_in_digits_are_no_milliseconds(tmp_path, form):
    m = market(seconds=86_400)
    path = write(tmp_path, text(rows(m, lambda s: at(s, form)), HEADER))
    with pytest.raises(InputError, match="the time zone of the stamps is not given"):
        read_bars(path)
    check(read_bars(path, Layout(utc=True)), m)


def test_text_of_another_encoding_says_how_to_go_on(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(text([[*row, "Zürich"] for row in rows()], HEADER + ",Börse").encode("latin-1"))
    with pytest.raises(InputError, match="is not UTF-8 text. Save it as UTF-8"):
        read_bars(path)
