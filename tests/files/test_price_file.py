import gzip

import numpy as np
import pandas as pd
import pytest

from stresslab.errors import InputError
from stresslab.files.layout import Layout
from stresslab.files.price_file import read_bars

HEADER = "timestamp,open,high,low,close,volume\n"
ROWS = [
    "2024-01-01T00:00:00Z,100,101,99,100,1",
    "2024-01-01T01:00:00Z,100,103,99,102,1",
    "2024-01-01T02:00:00Z,102,103,100,101,1",
]
START = 1_704_067_200  # 2024-01-01T00:00:00Z


def write(folder, rows, header=HEADER):
    path = folder / "prices.csv"
    path.write_text(header + "\n".join(rows) + "\n")
    return path


WRONG = [
    (ROWS[:2], "2: at least 3 bars"),
    ([ROWS[0], ROWS[2], ROWS[1]], r"'2024-01-01T01:00:00Z \(row 4\)': stamps must rise.*Sort the rows by time: 1"),
    ([ROWS[0], ROWS[1], ROWS[1]], "2: at least 3 bars"),
    (
        [row.replace("Z", "") for row in ROWS],
        r"00:00 \(row 2\)': the time zone .* not given. Write 2024-12-31T23:00:00Z, or give --utc",
    ),
    (
        [ROWS[0], ROWS[1].replace("Z", "+01:00"), ROWS[2]],
        r"01:00:00\+01:00 \(row 3\)': two rows of one stamp have different",
    ),
    ([ROWS[0], ROWS[1].replace("Z", ""), ROWS[2]], r"01:00:00 \(row 3\)': some stamps have a time zone and others"),
    ([ROWS[0].replace("01-01", "13-45"), *ROWS[1:]], "ISO 8601"),
    ([ROWS[0].replace("2024-01-01T00:00:00Z", ""), *ROWS[1:]], "a stamp is missing"),
    (
        [*ROWS, "2024-01-01T02:30:00Z,1,1,1,1,1", "2024-01-01T03:10:00Z,1,1,1,1,1"],
        "whole number of bars.*of one length",
    ),
    ([ROWS[0].replace(",99,", ",0,"), *ROWS[1:]], r"low = '0 \(row 2\)': prices must be"),
    (
        [ROWS[0].replace(",99,", ",-5,"), *ROWS[1:]],
        "prices must be positive.*Remove the rows, 1: a missing bar is counted as missing",
    ),
    ([ROWS[0].replace(",99,", ",,"), *ROWS[1:]], "prices must be positive"),
    ([ROWS[0].replace(",99,", ",NaN,"), *ROWS[1:]], "low = 'NaN .row 2"),
    ([ROWS[0].replace(",99,", ",inf,"), *ROWS[1:]], "prices must be positive"),
    ([ROWS[0].replace(",99,", ",cheap,"), *ROWS[1:]], "low = 'cheap .row 2"),
    (
        [ROWS[0], ROWS[1].replace("103", "101"), ROWS[2]],
        r"high 101, low 99, close 102 \(row 3\)': low and high must enclose",
    ),
    ([ROWS[0].replace(",99,", ",100.5,"), *ROWS[1:]], "low and high must enclose"),
    ([f"2024-01-01T0{hour}:00:00Z,5,5,5,5,1" for hour in range(4)], "close = 5.0: the close never changes"),
    ([f"{n},5,5,5,5,1" for n in (1, 2, 3)], r"'1 \(row 2\)': a stamp that is a number counts seconds"),
    ([f"{n},5,5,5,5,1" for n in (START, START * 1000, START + 2)], "2: at least 3 bars"),
]


@pytest.mark.parametrize(("rows", "message"), WRONG)
def test_wrong_prices_are_refused(tmp_path, rows, message):
    with pytest.raises(InputError, match=message) as caught:
        read_bars(write(tmp_path, rows))
    assert caught.value.file.endswith("prices.csv")


def test_refusals_name_the_file(tmp_path):
    with pytest.raises(
        InputError,
        match=r"prices.csv: low: a column is missing; the file has timestamp, open, high, close. Prices are close",
    ):
        read_bars(write(tmp_path, ["2024-01-01T00:00:00Z,1,1,1"], "timestamp,open,high,close\n"))
    with pytest.raises(InputError, match=r"absent.csv: the prices cannot be read"):
        read_bars(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="got 'an empty file': no table is to be seen"):
        read_bars(write(tmp_path, [], ""))
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress((HEADER + "\n".join(ROWS)).encode())[:-12])
    with pytest.raises(InputError, match="cannot be read"):
        read_bars(cut)
    for name in ("not.parquet", "not.zip"):
        (tmp_path / name).write_text("hello")
        with pytest.raises(InputError, match=f"{name}: got 'hello': no table is to be seen"):
            read_bars(tmp_path / name)


def test_closes_alone(tmp_path):
    rows = ["2024-01-01T00:00:00Z,100", "2024-01-01T01:00:00Z,102", "2024-01-01T03:00:00Z,101"]
    bars = read_bars(write(tmp_path, rows, "Date,Price\n"))
    assert bars.close_only and bars.gaps == 1
    np.testing.assert_array_equal(bars.prices, np.repeat([[100.0], [102.0], [101.0]], 4, axis=1))
    assert any("closes only" in line for line in bars.words())


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
def test_stamps_as_numbers(tmp_path, scale):
    rows = [f"{(START + 3600 * hour) * scale},100,101,99,{100 + hour},1" for hour in range(2)]
    bars = read_bars(write(tmp_path, [*rows, f"{(START + 7200) * scale},100,101,99,100,1"], HEADER.title()))
    assert bars.stamps.tolist() == [START, START + 3600, START + 7200]


def test_stamps_without_a_zone_that_are_said_to_be_utc(tmp_path):
    rows = [f"2024-01-0{day},1,2,1,{day / 2 + 0.5},1" for day in (1, 2, 3)]
    bars = read_bars(write(tmp_path, rows), Layout(utc=True))
    assert bars.stamps.tolist() == [START, START + 86_400, START + 2 * 86_400]
    mixed = ROWS[:2] + ["2024-01-01T04:00:00+02:00,1,1,1,1,1"]
    assert read_bars(write(tmp_path, mixed)).stamps.tolist() == [START, START + 3600, START + 7200]


def frame(zone="UTC"):
    stamps = pd.date_range("2024-01-01", periods=3, freq="h", tz=zone)
    return pd.DataFrame({"open": [1.0, 2, 3], "high": [2.0, 3, 4], "low": [1.0, 2, 3], "close": [2.0, 3, 4]}, stamps)


def test_parquet_holds_the_same(tmp_path):
    csv = tmp_path / "bars.csv"
    frame().rename_axis("timestamp").to_csv(csv)
    frame().rename_axis("timestamp").to_parquet(tmp_path / "index.parquet")
    frame().rename_axis("timestamp").reset_index().to_parquet(tmp_path / "column.parquet")
    wanted = read_bars(csv)
    for name in ("index.parquet", "column.parquet"):
        found = read_bars(tmp_path / name)
        np.testing.assert_array_equal(found.stamps, wanted.stamps)
        np.testing.assert_array_equal(found.prices, wanted.prices)
        assert len(found.sha256) == 64 and found.sha256 != wanted.sha256


def test_parquet_says_its_zone_too(tmp_path):
    path = tmp_path / "bars.parquet"
    frame("Europe/Berlin").rename_axis("time").to_parquet(path)
    bars = read_bars(path)
    assert bars.stamps[0] == START - 3600 and "stamps: column 'time', zone Europe/Berlin" in bars.words()
    frame(None).rename_axis("time").to_parquet(path)
    with pytest.raises(InputError, match="the time zone of the stamps is not given.*--utc"):
        read_bars(path)
    assert read_bars(path, Layout(utc=True)).stamps[0] == START
