"""The files of people who do this job, through the command line: what is right stands beside each of them."""

import re
from pathlib import Path

import pytest
import yaml
from helpers.command import call


@pytest.fixture
def files(shared: Path) -> Path:
    return shared / "cases" / "files"


# file, options, sigma (None: not a number of this table), what the data: lines must say
FITS = [
    ("klines_no_header_microseconds.csv.gz", (), 0.5547, ["1800 bars of 1h", "no header line: 12 columns", "microsec"]),
    (
        "klines_milliseconds_then_microseconds.csv.gz",
        (),
        0.5003,
        ["no bar is missing", "seconds and microseconds"],
    ),
    ("two_row_header.csv", ("--utc",), 0.5391, ["200 bars of 1D, opens from 2024-06-01", "ticker BTC-USD"]),
    ("address_line_newest_first.csv.gz", (), 0.5995, ["1800 bars of 1h", "newest row first", "1 line on top"]),
    ("index_without_a_name.parquet", (), None, ["200 bars of 1h, opens from 2024-03-01 00:00", "column 'index'"]),
    ("bars_without_trades_left_out.csv.gz", (), 0.799, ["4623 bars are missing in 1667 holes"]),
    ("bars_without_trades_flat.csv.gz", (), 0.799, ["4623 bars are missing", "4623 bars without a trade (volume 0)"]),
    ("weekdays_only.csv", ("--utc",), 0.617, ["302 bars are missing in 151 holes", "the largest move over a hole"]),
    ("fall_inside_a_hole.csv.gz", (), None, ["6 bars are missing in 1 hole", "is -31.1%, at 2024-04-30 06:00"]),
    ("flat_hours_at_night.csv.gz", (), 0.6525, ["the close stands still in 33% of the bars, in runs of up to 8"]),
]


@pytest.mark.parametrize("name, options, sigma, said", FITS)
def test_a_file_is_read_and_what_was_taken_for_what_is_said(files, tmp_path, name, options, sigma, said):
    model = tmp_path / "model.yaml"
    done = call("calibrate", str(files / name), "--model", "gbm", "-o", str(model), *options)
    data = [line for line in done.out.splitlines() if line.startswith("data: ")]
    for words in said:
        assert any(words in line for line in data), done.out
    if name == "index_without_a_name.parquet":  # eight days: read, and too short for a standard error
        assert done.code == 2 and "at least two blocks of 60 days" in done.error
        return
    assert done.code == 0, done.error
    written = yaml.safe_load(model.read_text())
    if sigma is not None:
        tolerance = 0.05 if name.startswith(("bars_without", "weekdays")) else 0.0005
        assert written["parameters"]["sigma"] == pytest.approx(sigma, rel=tolerance)
    assert written["fitted"]["read_as"], "what was taken for what is kept in the file"


def test_the_two_conventions_of_a_bar_without_a_trade_are_one_record(files, tmp_path):
    found = []
    for name in ("bars_without_trades_left_out", "bars_without_trades_flat"):
        model = tmp_path / f"{name}.yaml"
        assert call("calibrate", str(files / f"{name}.csv.gz"), "--model", "gbm", "-o", str(model)).code == 0
        found.append(yaml.safe_load(model.read_text()))
    assert found[0]["parameters"] == found[1]["parameters"]
    assert found[0]["fitted"]["standard_errors"] == found[1]["fitted"]["standard_errors"]


def test_a_naive_stamp_is_refused_with_the_option_that_help_names(files, tmp_path):
    done = call("calibrate", str(files / "two_row_header.csv"), "--model", "gbm", "-o", str(tmp_path / "m.yaml"))
    assert done.code == 2 and "--utc" in done.error and not (tmp_path / "m.yaml").exists()
    assert "--utc" in call("calibrate", "--help").out


def test_a_summary_of_options_with_names_alone(files, tmp_path):
    model, chain = tmp_path / "smile.yaml", str(files / "option_summary_names_only.csv")
    done = call("calibrate", "--options", chain, "--model", "heston", "-o", str(model), "--accept-doubtful")
    assert done.code == 0 and re.search(r"data: \d+ quotes of 4 expiries at 2025-06-01 12:00 UTC", done.out), done.out
    done = call("calibrate", "--options", chain, "--model", "sabr", "--expiry", "30D", "-o", str(model))
    assert done.code == 0 and "22 quotes" in done.out, done.error + done.out


def test_a_fall_inside_a_hole_counts_for_both_leverages(files, tmp_path):
    page = tmp_path / "b.html"
    words = ["--leverage", "5,10", "--side", "long", "--window", "90D", "--from", "2024-04-20", "--to", "2024-05-10"]
    prices = str(files / "fall_inside_a_hole.csv.gz")
    done = call("backtest", prices, "--models", "gbm", *words, "--paths", "1000", "-o", str(page))
    assert done.code == 0, done.error
    assert "the largest move over a hole is -31.1%" in done.out
    rows = [line for line in done.out.splitlines() if re.search(r"long\s+(5|10)x", line)]
    assert len(rows) == 2 and all(re.search(r"x\s+1\s", row) for row in rows), done.out
    assert "were left out because" in page.read_text()
