"""Data frames that pandas wrote as JSON, in every orientation that keeps the stamps."""

import json

import pandas as pd
import pytest
from files.tables import at, market, write
from files.test_extra_rows import check

from stresslab.files.layout import Layout
from stresslab.files.price_file import read_bars

M = market()
PRICES = pd.DataFrame(M.prices, columns=["open", "high", "low", "close"]).assign(volume=M.volumes)


@pytest.mark.parametrize("orient", ["records", "split", "index", "columns"])
def test_stamps_in_a_column(tmp_path, orient):
    frame = PRICES.assign(timestamp=M.stamps * 1000)
    check(read_bars(write(tmp_path, frame.to_json(orient=orient))))


@pytest.mark.parametrize("orient", ["split", "index", "columns"])
def test_stamps_in_the_index(tmp_path, orient):
    frame = PRICES.set_index(pd.to_datetime(M.stamps, unit="s", utc=True))
    check(read_bars(write(tmp_path, frame.to_json(orient=orient, date_format="iso"))))
    numbers = PRICES.set_index(M.stamps * 1000)
    check(read_bars(write(tmp_path, numbers.to_json(orient=orient))))


def test_a_mapping_of_stamps_in_an_envelope(tmp_path):
    """Alpha Vantage: newest first, names with numbers, naive stamps."""
    names = [f"{n}. {name}" for n, name in enumerate(PRICES.columns, 1)]
    series = {
        at(s, "%Y-%m-%d %H:%M:%S"): dict(zip(names, map(str, row), strict=True))
        for s, row in zip(M.stamps[::-1], PRICES.to_numpy()[::-1], strict=True)
    }
    path = write(tmp_path, json.dumps({"Meta Data": {"1. Information": "x"}, "Time Series": series}))
    check(read_bars(path, Layout(utc=True)))
