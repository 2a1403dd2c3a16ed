"""Layouts of venues and libraries: one market, read to the same bars from each; what is ambiguous is refused."""

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pandas as pd
import pyarrow
import pytest
from files.tables import NAIVE, START, WITH_ZONE, at, market, text, write

from stresslab.errors import InputError
from stresslab.files import contents
from stresslab.files.layout import Layout
from stresslab.files.price_file import read_bars

MARKET = market()
UTC = Layout(utc=True)


def check(bars, expected=MARKET):
    np.testing.assert_array_equal(bars.stamps, expected.stamps)
    np.testing.assert_allclose(bars.prices, expected.prices, rtol=1e-12)
    assert bars.seconds == 3600 and not bars.close_only


@pytest.mark.parametrize("layout", WITH_ZONE)
def test_a_layout_that_says_its_zone_is_read_as_it_is(tmp_path, layout):
    bars = read_bars(write(tmp_path, WITH_ZONE[layout](MARKET)))
    check(bars)
    assert any(line.startswith("stamps: column") for line in bars.words()), "which column holds the stamps is said"


@pytest.mark.parametrize("layout", NAIVE)
def test_a_layout_without_a_zone_is_read_with_the_option_that_the_refusal_names(tmp_path, layout):
    path = write(tmp_path, NAIVE[layout](MARKET))
    with pytest.raises(InputError, match="the time zone of the stamps is not given.*give --utc"):
        read_bars(path)
    bars = read_bars(path, UTC)
    check(bars)
    assert any("UTC as said by --utc" in line for line in bars.words())


GUESSES = {
    "binance_archive": [
        "no header line: 12 columns taken as timestamp, open, high, low, close, volume",
        "microseconds",
    ],
    "bitfinex_interface": ["6 columns taken as timestamp, open, close, high, low, volume", "newest row first"],
    "coinbase_interface": ["6 columns taken as timestamp, low, high, open, close, volume", "seconds since 1970"],
    "okx_running_bar": ["1 bars that are not complete yet are left out", "open = 'o'", "newest row first"],
    "crypto_data_download": ["1 line on top passed over: 'https://www", "instrument BTCUSDT", "volume = 'Volume BTC'"],
    "comments_on_top": ["2 lines on top passed over: '# bars of BTCUSDT'"],
    "semicolons_and_mark": ["fields are divided by semicolons"],
    "decimal_commas": ["a comma precedes the fraction", "1 line on top passed over: 'sep=;'"],
    "trading_view_offset": ["ISO 8601, offsets +01:00"],
    "seconds_then_microseconds": ["seconds and microseconds since 1970, changing at row 32"],
    "doubled_rows": ["5 rows that are there twice are taken once"],
    "lines_of_json": ["open = 'openPrice', high = 'highPrice'"],
    "pandas_index": ["stamps: column ''"],
}


@pytest.mark.parametrize("layout", GUESSES)
def test_every_guess_is_said(tmp_path, layout):
    said = "\n".join(read_bars(write(tmp_path, WITH_ZONE[layout](MARKET))).words())
    for guess in GUESSES[layout]:
        assert guess in said


def frame(zone="UTC", name=None):
    index = pd.to_datetime(MARKET.stamps, unit="s", utc=True).tz_convert(zone)
    columns = {name: MARKET.prices[:, place] for place, name in enumerate(("open", "high", "low", "close"))}
    return pd.DataFrame({**columns, "volume": MARKET.volumes}, index=index.rename(name))


@pytest.mark.parametrize("name", [None, "date", "Datetime"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_parquet_and_feather(tmp_path, name, zone):
    frame(zone, name).to_parquet(tmp_path / "a.parquet")
    check(read_bars(tmp_path / "a.parquet"))
    frame(zone, name or "date").reset_index().to_feather(tmp_path / "a.feather")  # as freqtrade writes them
    check(read_bars(tmp_path / "a.feather"))


def test_compressions_are_told_by_their_bytes(tmp_path):
    plain = WITH_ZONE["trading_view"](MARKET).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bars.csv", plain)
    forms = [gzip.compress(plain), bz2.compress(plain), lzma.compress(plain), packed.getvalue()]
    forms.append(pyarrow.Codec("zstd").compress(plain, asbytes=True))
    for place, data in enumerate(forms):
        path = tmp_path / f"{place}.csv"
        path.write_bytes(data)
        check(read_bars(path))


def test_files_are_joined_in_time(tmp_path):
    lines = WITH_ZONE["trading_view"](MARKET).splitlines(keepends=True)
    for name, part in (("b-02.csv", lines[31:]), ("b-01.csv", lines[1:31])):
        write(tmp_path, "".join([lines[0], *part]), name)
    check(read_bars([tmp_path / "b-02.csv", tmp_path / "b-01.csv"]))
    bars = read_bars(str(tmp_path / "b-*.csv"))
    check(bars)
    assert [one.rsplit("/")[-1] for one in bars.files] == ["b-01.csv", "b-02.csv"]
    with pytest.raises(InputError, match="no file matches this pattern"):
        read_bars(str(tmp_path / "c-*.csv"))


def test_a_bar_of_volume_0_and_a_bar_left_out_are_one_record(tmp_path):
    rows = [[at(s), *p, v] for s, p, v in zip(MARKET.stamps, MARKET.prices, MARKET.volumes, strict=True)]
    quiet = [5, 6, 7, 30, 59]
    flat = list(rows)
    for place in quiet:
        flat[place] = [rows[place][0], *4 * [flat[place - 1][4]], 0.0]
    header = "timestamp,open,high,low,close,volume"
    one = read_bars(write(tmp_path, text(flat, header), "flat.csv"))
    other = read_bars(
        write(tmp_path, text([row for place, row in enumerate(rows) if place not in quiet], header), "left_out.csv")
    )
    np.testing.assert_array_equal(one.stamps, other.stamps)
    np.testing.assert_array_equal(one.prices, other.prices)
    assert one.untraded.size == 5 and "5 bars without a trade (volume 0) are left out" in "\n".join(one.words())
    nothing = read_bars(write(tmp_path, text([[*row[:5], 0] for row in rows], header), "mark.csv"))
    assert len(nothing.stamps) == 60  # a column of zeros tells nothing


AMBIGUOUS = {
    "three columns without names": (
        text([[START + 3600 * n, 100 + n, 5] for n in range(9)]),
        "3 columns without names cannot be told apart.*--columns timestamp,open",
    ),
    "order of day and month": (
        text([[f"0{n}/02/2024", 100 + n] for n in range(1, 9)], "date,close"),
        "the order of day and month cannot be told.*--dates '%d/%m/%Y' or --dates '%m/%d/%Y'",
    ),
    "thousands or fraction": (
        text([[at(START + 3600 * n), f'"60,{100 + n}"'] for n in range(9)], "time,close"),
        "a comma is read as the sign of thousands or of the fraction.*--decimal point or --decimal comma",
    ),
    "two instruments": (
        text([[at(START + 3600 * n), ("A", "B")[n % 2], 100 + n] for n in range(9)], "time,symbol,close"),
        "holds A, B: choose one. Give --symbol A",
    ),
    "two closes": (
        text([[at(START + 3600 * n), 100 + n, 100] for n in range(9)], "time,close,Close"),
        "two columns have one name.*--columns",
    ),
    "two clocks": (
        text([[START + 3600 * n, at(START + 3600 * n + 7200), 100 + n] for n in range(9)], "unix,date,close"),
        "the columns unix and date name different instants.*--columns",
    ),
    "end of the bar": (
        text([[at(START + 3600 * n), 100 + n] for n in range(9)], "close_time,close"),
        "timestamp: a column is missing.*close_time is the end of a bar: give the open time",
    ),
}
ANSWERS = {
    "three columns without names": Layout(columns=("time", "close", "other")),
    "order of day and month": Layout(dates="%d/%m/%Y", utc=True),
    "thousands or fraction": Layout(decimal="point"),
    "two instruments": Layout(symbol="A"),
    "two closes": Layout(columns=("time", "close", "other")),
    "two clocks": Layout(columns=("unix", "other", "close")),
    "end of the bar": Layout(columns=("time", "close")),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_an_ambiguity_is_refused_with_the_option_that_settles_it(tmp_path, case):
    content, message = AMBIGUOUS[case]
    path = write(tmp_path, content)
    with pytest.raises(InputError, match=message) as refusal:
        read_bars(path)
    assert refusal.value.file == str(path)
    assert read_bars(path, ANSWERS[case]).prices[0, 3] == (
        60_100 if case == "thousands or fraction" else pytest.approx(100, abs=1)
    )


@pytest.mark.parametrize("layout", ["binance_archive", "trading_view"])
def test_a_symbol_is_refused_where_the_file_names_none(tmp_path, layout):
    path = write(tmp_path, WITH_ZONE[layout](MARKET))
    with pytest.raises(InputError, match="--symbol = 'BTC': the file names no instrument. Leave --symbol out"):
        read_bars(path, Layout(symbol="BTC"))
    named = read_bars(write(tmp_path, NAIVE["yfinance"](MARKET)), Layout(utc=True, symbol="BTC-USD"))
    assert named.symbol == "BTC-USD"


def test_all_faults_stand_in_one_message(tmp_path):
    path = write(tmp_path, text([["2024-01-01 00:00", "60,123"], ["2024-01-01 01:00", "60,124"]], "time;close", ";"))
    with pytest.raises(InputError) as refusal:
        read_bars(path)
    assert "--utc" in str(refusal.value) and "--decimal" in str(refusal.value)


@pytest.mark.parametrize(
    "dates, day_first", [(("13/02/2024", "12/02/2024"), True), (("02/13/2024", "02/12/2024"), False)]
)
def test_day_and_month_are_told_from_the_whole_column(tmp_path, dates, day_first):
    days = [f"{n:02d}/02/2024" if day_first else f"02/{n:02d}/2024" for n in range(1, 20)]
    bars = read_bars(write(tmp_path, text([[day, 100 + n] for n, day in enumerate(days)], "date,close")), UTC)
    assert at(bars.stamps[0]) == "2024-02-01T00:00:00Z" and bars.seconds == 86_400


STAMPS = {
    "inf": "a stamp that is a number counts",
    "1704067200.5": "stamps must be whole seconds",
    "1704067200500": "stamps must be whole seconds",
    "2300-01-01T00:00:00Z": "stamps must lie in the years 1970 to 2200",
    "9999999999": "stamps must lie in the years 1970 to 2200",
    "45292": "a stamp that is a number counts",
    "2024-01-01T24:00:00Z": "is no date and time",
    "2024-02-30T00:00:00Z": "is no date and time",
    "": "a stamp is missing",
    "nan": "a stamp is missing",
}


@pytest.mark.parametrize("stamp", STAMPS)
def test_stamps_that_are_none_are_refused_as_what_they_are(tmp_path, stamp):
    kind = int if stamp.replace(".", "").isdecimal() or stamp == "inf" else at
    rows = [[kind(START + 3600 * n), 100 + n] for n in range(9)]
    rows[4][0] = stamp
    with pytest.raises(InputError, match=f"({STAMPS[stamp]})") as refusal:
        read_bars(write(tmp_path, text(rows, "timestamp,close")))
    assert "row 6" in str(refusal.value)


def test_a_compressed_file_is_not_read_past_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "MOST_BYTES", 2**20)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"timestamp,close\n" + bytes(2**22)))
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match="holds more than 1 MB, which is the most that is read. Split the file"):
        read_bars(path)


def test_archives_that_cannot_be_read(tmp_path):
    two = tmp_path / "two.zip"
    with zipfile.ZipFile(two, "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("b.csv", "x")
    with pytest.raises(InputError, match="an archive must hold one table. Unpack it"):
        read_bars(two)
    for data in (b"\x28\xb5\x2f\xfdgarbage", b"PK\x03\x04garbage", b"\x1f\x8bgarbage", b"BZhgarbage", b"PAR1garbage"):
        path = tmp_path / "garbage"
        path.write_bytes(data)
        with pytest.raises(InputError, match="the prices cannot be read"):
            read_bars(path)
    with pytest.raises(InputError, match="the prices cannot be read: File name too long"):
        read_bars(tmp_path / ("x" * 300))
    with pytest.raises(InputError, match="it is no file"):
        read_bars(tmp_path)
