"""docs/data.md: its examples run, and the options that it names are those of --help."""

import re
import shlex
from pathlib import Path

import numpy as np
import yaml
from files.tables import START, Market, at, binance_archive, market, text, write
from helpers.command import call

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def commands(name):
    block = re.search(rf"<!-- example: {name} -->\n```sh\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    return [shlex.split(line)[1:] for line in block[1].splitlines()]


def test_files_of_an_archive_are_joined(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = market(24 * 150)
    for place, part in enumerate((slice(0, 2000), slice(2000, 3600))):
        write(tmp_path, binance_archive(Market(*(one[part] for one in whole))), f"BTCUSDT-1h-2024-0{place + 1}.csv")
    (words,) = commands("join")
    done = call(*words)
    assert done.code == 0, done.error
    assert "data: 3600 bars of 1h, opens from 2024-01-01 00:00" in done.out and "no header line" in done.out
    moves = np.diff(np.log(whole.prices[:, 3]))
    sigma = yaml.safe_load((tmp_path / "btc.yaml").read_text())["parameters"]["sigma"]
    assert abs(sigma / np.sqrt((moves**2).sum() / (3599 / 8760)) - 1) < 1e-4


def test_closes_on_weekdays(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    days = [day for day in range(600) if day % 7 < 5]  # 2024-01-01 was a Monday
    rng = np.random.default_rng(5)
    closes = 100 * np.exp(np.cumsum(0.03 * rng.standard_normal(600)))[days]
    rows = [[at(START + 86_400 * day, "%Y-%m-%d"), f"{close:.6f}"] for day, close in zip(days, closes, strict=True)]
    write(tmp_path, text(rows, "Date,Close"), "fund.csv")
    (words,) = commands("weekdays")
    done = call(*words)
    assert done.code == 0 and "bars are missing in 85 holes, the longest of 2" in done.out, done.error + done.out
    sigma = yaml.safe_load((tmp_path / "fund.yaml").read_text())["parameters"]["sigma"]
    # n = 428 squared moves, standard error of sigma 0.573 * sqrt(1 / (2 n)) = 0.020
    assert abs(sigma - 0.03 * np.sqrt(365)) < 3 * 0.020


def test_options_are_those_of_help():
    said = set(re.findall(r"`(--[a-z]+)", PAGE))
    helped = "".join(call(command, "--help").out for command in ("calibrate", "filter", "backtest"))
    assert said and all(option in helped for option in said)
