"""The tool that writes the README's tables."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from helpers.price_series import brownian_bars

from stresslab.backtest import Question, Spans, flat_levels, run_backtest
from stresslab.store import export

D = 86_400
TOOL = Path(__file__).resolve().parents[2] / "tools" / "backtest_table.py"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    sides, leverages = ("long", "short"), (10.0, 20.0)
    levels = flat_levels(sides, leverages, 0.004)
    question = Question(("gbm",), sides, leverages, levels, "made", Spans(D, D, 90 * D, 30 * D), 1000, 3)
    found = tmp_path_factory.mktemp("data") / "MADE.nc"
    export(run_backtest(brownian_bars(6 * 400, 4 * 3600), question), found)
    return found


def test_tables_hold_every_model_and_position(path, capsys):
    tool = runpy.run_path(str(TOOL))
    tool["main"]([path])
    said = capsys.readouterr().out
    for text in ("MADE, against frequency", "| `gbm` |", "| long 10x |", "not identifiable", "scaled excursions", "/"):
        assert text in said, text
    assert "nan" not in said


def test_the_mean_skill_is_that_of_the_dataset(path):
    tool = runpy.run_path(str(TOOL))
    ds = xr.load_dataset(path, engine="h5netcdf", decode_times=False)
    point, replicates = tool["_replicates"](ds, "gbm", "frequency", "log")
    one = ds["skill"].sel(forecaster="gbm", baseline="frequency", score="log")
    assert point == pytest.approx(float(one.mean()), rel=1e-9)
    low, high = np.quantile(replicates, (0.025, 0.975))
    assert (
        low < point < high
        and low > float(ds["skill_lower"].sel(forecaster="gbm", baseline="frequency", score="log").min()) - 1e-9
    )
