"""`stresslab backtest` end to end on a small made-up file."""

import gzip
import re

import numpy as np
import pytest
import xarray as xr
from helpers.price_series import START, brownian_bars, write_bars
from typer.testing import CliRunner

from stresslab.backtest.history import read_history
from stresslab.cli import app, main
from stresslab.errors import InputError

COMMON = ("--models", "gbm", "--leverage", "20,50x", "--window", "90D", "--paths", "1000")


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    return write_bars(brownian_bars(6 * 170, 4 * 3600), tmp_path_factory.mktemp("prices") / "made.csv")


def run(*words):
    return CliRunner().invoke(app, ["backtest", *map(str, words)], catch_exceptions=False)


def test_page_and_data_are_written_and_progress_is_told(prices, tmp_path):
    page, data = tmp_path / "b.html", tmp_path / "b.nc"
    done = run(prices, *COMMON, "-o", page, "--data", data, "--rulebook", "binance_usdm/BTCUSDT")
    assert done.exit_code == 0
    assert "100 % done" in done.stderr and "path-steps/s" in done.stderr
    assert "long 50x" in done.stdout and f"wrote {page}" in done.stdout
    assert "binance_usdm/BTCUSDT" in page.read_text()
    with xr.open_dataset(data, engine="h5netcdf") as ds:
        assert ds["leverage"].values.tolist() == [20.0, 50.0]
        assert str(ds["date"].values[0])[:10] == "2020-03-31"


def test_zarr_dates_and_one_side(prices, tmp_path):
    dates = ("--from", "2020-04-10", "--to", "2020-05-01")
    done = run(
        prices, *COMMON, *dates, "--side", "short", "-q", "-o", tmp_path / "b.html", "--data", tmp_path / "b.zarr"
    )
    assert done.exit_code == 0 and done.stdout.count("\n") == 1
    ds = xr.open_zarr(tmp_path / "b.zarr")
    assert ds.sizes["date"] == 22 and ds["side"].values.tolist() == ["short"]


def test_daily_bars_and_files_that_follow_each_other(tmp_path):
    bars = brownian_bars(150, 86_400)
    whole = write_bars(bars, tmp_path / "whole.csv")
    older, newer = tmp_path / "older.csv.gz", tmp_path / "newer.csv"
    lines = whole.read_text().splitlines(keepends=True)
    with gzip.open(older, "wt") as file:
        file.writelines(lines[:90])
    newer.write_text("".join([lines[0], *lines[90:]]))
    pages = []
    for files in ((whole,), (newer, older)):
        pages.append(tmp_path / f"{len(files)}.html")
        assert run(*files, *COMMON, "-q", "-o", pages[-1]).exit_code == 0
    first, second = (
        re.sub(r"sha256 \w+|bars of [^<]*|<span>[^<]*joined</span>", "", page.read_text()) for page in pages
    )
    assert first == second


def test_files_that_do_not_follow_each_other_are_refused(tmp_path):
    daily = write_bars(brownian_bars(50, 86_400), tmp_path / "daily.csv")
    hourly = write_bars(brownian_bars(50, 3600, start=START + 60 * 86_400), tmp_path / "hourly.csv")
    with pytest.raises(InputError, match="one length"):
        read_history([daily, hourly])
    lines = daily.read_text().splitlines(keepends=True)
    other = tmp_path / "other.csv"
    stamp = lines[40].split(",")[0]
    other.write_text("".join([*lines[:40], f"{stamp},1,2,1,2\n", *lines[41:]]))
    with pytest.raises(InputError, match="overlaps .*daily.csv and holds other rows there"):
        read_history([daily, other])
    both = tmp_path / "both.csv"
    both.write_text("".join([lines[0], *lines[30:]]))
    joined = read_history([both, daily])  # rows that both hold, and equal ones, are taken once
    np.testing.assert_array_equal(joined.prices, read_history([daily]).prices)
    assert any("both.csv joined, 21 rows are in both" in line for line in joined.words())


def test_closes_alone_do_not_tell_what_happened(tmp_path):
    path = tmp_path / "closes.csv"
    path.write_text("timestamp,close\n" + "".join(f"2020-01-0{day}T00:00:00Z,{100 + day}\n" for day in range(1, 8)))
    with pytest.raises(InputError, match="highs and lows"):
        read_history([path])


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--models", "gmb"), "--models = 'gmb'"),
        (("--models", "merton"), "no model could be fitted on any date: merton: returns"),
        (("--leverage", "ten"), "--leverage = 'ten'"),
        (("--leverage", "1"), "--leverage"),
        (("--leverage", "200", "--rulebook", "binance_usdm/BTCUSDT"), "at most 125, by the edition 2021-03-26"),
        (("--leverage", "300"), "below the maintenance margin"),
        (("--horizon", "2h"), "whole number of bars"),
        (("--horizon", "1d"), "--horizon = '1d'"),
        (("--window", "730D"), "too few bars"),
        (("--from", "2019-01-01"), "--from = '2019-01-01'"),
        (("--to", "2025-01-01"), "--to = '2025-01-01'"),
        (("--from", "yesterday"), "--from = 'yesterday'"),
        (("--side", "up"), "--side"),
        (("--paths", "999"), "--paths"),
        (("--data", "b.csv"), "--data = 'b.csv'"),
        (("--data", "none/b.nc"), "--data = 'none/b.nc': there is no such folder"),
        (("--mmr", "0.01", "--rulebook", "binance_usdm/BTCUSDT"), "not both"),
        (("--rulebook", "nowhere/BTC"), "no such rulebook"),
    ],
)
def test_bad_input_is_one_message_exit_two_and_nothing_written(prices, tmp_path, monkeypatch, capsys, words, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["stresslab", "backtest", str(prices), *COMMON, *words, "-o", "b.html"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2 and text in said and "Traceback" not in said
    assert not list(tmp_path.iterdir())
