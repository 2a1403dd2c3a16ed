"""A recorded path: what became of each book on it, against the record itself, and the interval of a single draw."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import stresslab as sl
from stresslab.grid.plan import make_plan
from stresslab.grid.replay import PATHS, VARIABLES, variables

CRASH = Path(__file__).parents[2] / "configs" / "studies" / "crash_2021_05_19.yaml"
RECORD = "BTCUSDT_perp_1m_2021-05-19_1240_1359.csv.gz"
SLIPPAGE = 0.01

# Four minutes from 100: down to 96, a gap to 93 that ends at 94, quiet, up to 99.
BARS = [[0.0, 0.0, -0.04, -0.04], [-0.03, -0.02, -0.03, -0.02], [0.0, 0.0, 0.0, 0.0], [0.0, 0.05, 0.0, 0.05]]
SMALL = {
    "study": "small-replay",
    "as_of": "2025-01-01T00:00:00Z",
    "seed": 1,
    "market": {"asset": "BTC", "spot": 100.0, "model": "recorded", "step": "1min", "horizons": ["4min"]},
    "models": {"recorded": {"kind": "replay", "history": {"bar": "1min", "bars": BARS}}},
    "book": {"rulebook": "binance_usdm/BTCUSDT", "side": "long", "collateral": 100, "leverage": 20},
    "sweep": {"book.leverage": [5, 16, 40]},
    "sampling": {"paths": 256, "block": 256},
    "outputs": {"events": ["liquidation", "bankruptcy", "loss_50"], "survival_points": 4},
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "study.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return sl.run(sl.load_study(path))


@pytest.fixture(scope="module")
def crash(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crash")
    shutil.copy(CRASH, folder)
    (folder / RECORD).symlink_to(shared / "data" / "crash_1m_nolicence" / RECORD)
    return sl.run(sl.load_study(folder / CRASH.name))


def test_a_small_record_by_hand(small):
    """40x: trigger 100 (1 - 1/40) / (1 - 0.004) = 97.89, met on the way down in the first minute. 16x: 94.13, which
    the gap from 96.08 to 93.24 jumps over. 5x: 80.3, never.
    """
    minutes = small["liquidation_time"].values * 24 * 60
    assert minutes == pytest.approx([np.nan, 2, 1], nan_ok=True)
    gap = 100 * np.exp(-0.04 - 0.03)
    assert small["liquidation_fill"].values == pytest.approx([np.nan, gap, 97.5 / 0.996], rel=1e-6, nan_ok=True)
    equity = 100 + 1600 * (gap * (1 - 0.001) / 100 - 1)
    assert small["liquidation_shortfall"].values == pytest.approx([np.nan, -equity, 0.0], rel=1e-4, nan_ok=True)


def test_every_evaluation_tells_the_same(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    study = sl.load_study(path)
    static, general = (variables(make_plan(study, evaluation=name)) for name in ("static", "general"))
    for name in VARIABLES:
        assert general[name] == pytest.approx(static[name], rel=1e-6, nan_ok=True)


def test_the_record_is_kept(small):
    close = 100 * np.exp(np.cumsum([-0.04, -0.02, 0.0, 0.05]))
    assert small["recorded_close"].values == pytest.approx(close)
    assert small["recorded_low"].values[1] == pytest.approx(100 * np.exp(-0.07))
    assert small["recorded_time"].values * 24 * 60 == pytest.approx([1, 2, 3, 4])


def test_one_path_has_the_interval_of_one_draw(small):
    """However many copies were run: Clopper-Pearson of 0 and of 1 in 1 is (0, 0.975) and (0.025, 1)."""
    found = [small[name].sel(event="liquidation").values[:, 0] for name in ("probability", "lower", "upper")]
    assert np.array(found) == pytest.approx(np.array([[0, 1, 1], [0, 0.025, 0.025], [0.975, 1, 1]]))
    assert float(small["effective_sample_size"]) == 1 and int(small["n_paths"]) > PATHS


def bars(shared):
    with gzip.open(shared / "data" / "crash_1m_nolicence" / RECORD, "rt") as lines:
        rows = [line.split(",") for line in lines][1:]
    return np.array([[float(x) for x in row[2:5]] for row in rows])[1:]  # the first minute is the start


def test_the_crash_of_2021_05_19(shared, crash):
    """Every account is liquidated in the first minute whose low or high comes to its price, and only then."""
    high, low, _ = bars(shared).T
    for place in np.ndindex(crash["liquidation_time"].shape):
        cell = crash.isel(side=place[0], leverage=place[1])
        price, is_long = float(cell["liquidation_price"]), cell["side"].item() == "long"
        met = np.flatnonzero(low <= price if is_long else high >= price)
        minutes = float(cell["liquidation_time"]) * 24 * 60
        assert minutes == pytest.approx(met[0] + 1 if met.size else np.nan, nan_ok=True)
        if met.size:
            fill = price * (1 - SLIPPAGE)
            left = 2000 + float(cell["quantity"]) * (fill - 37872.0)
            assert float(cell["liquidation_fill"]) == pytest.approx(price, rel=1e-6)
            assert float(cell["liquidation_shortfall"]) == pytest.approx(max(0.0, -left), rel=1e-3)
    assert float(crash["liquidation_time"].sel(side="long", leverage=10)) * 24 * 60 == pytest.approx(11)
