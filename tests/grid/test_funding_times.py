"""Funding at the venue's own times: what runs pay, against a naive loop over the recorded payments and prices."""

import contextlib
import io
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.funding_records import AS_OF, HOUR, every, received, write
from helpers.studies import SPOT, small, small_dict

from stresslab.cli import main
from stresslab.config import study_from_dict
from stresslab.execution import run_plan
from stresslab.grid.funding_lines import funding_lines
from stresslab.grid.plan import Plan, make_plan
from stresslab.grid.serial import Serial

QUANTITY = 0.3  # of 50,000: a book of leverage 1.5, which no path here closes
CHANGES = [*every(8, -48, 24), *every(4, 24, 48), *every(1, 48, 96)]  # every 8 h, then 4 h, then 1 h
IRREGULAR = [(AS_OF + HOUR * at, rate) for at, rate in [  # one of them at as_of, one at the last horizon
    (-5.2, 9e-4), (0.0, 8e-4), (6.5, 1e-4), (13.0001, -3e-4), (20.9, 5e-4), (24.0, 2e-4), (31.2, -1e-4),
    (38.3, 4e-4), (38.4, 1e-4), (44.0, 6e-4), (52.1, -7e-4), (60.0, 3e-4), (66.6, 1e-4), (72.0, 2e-4), (72.001, 9e-4),
]]  # fmt: skip
RECORDS = {"the interval changes": CHANGES, "irregular": IRREGULAR, "hourly": every(1, -9, 80)}


def prices(hours: int) -> tuple[list[list[float]], list[float]]:
    """Bars of three days and their closes: a walk of 1 % an hour, seed 11."""
    hourly = np.random.default_rng(11).normal(0, 0.01, 72)
    moves = hourly.reshape(-1, hours).sum(axis=1)
    bars = [[0.0, max(move, 0.0), min(move, 0.0), float(move)] for move in moves]
    return bars, (SPOT * np.exp(np.cumsum(moves))).tolist()


def plan(folder: Any, funding: dict[str, Any], hours: int = 1, evaluation: Any = None, **changes: Any) -> Plan:
    bars, _ = prices(hours)
    market = {"model": "recorded", "step": f"{hours}h", "horizons": ["3D"]}
    model = {"kind": "replay", "history": {"bar": f"{hours}h", "bars": bars}}
    given = {
        "market": market | changes.pop("market", {}),
        "models": {"recorded": model},
        "funding": None,
        "book": {"collateral": 10_000.0, "quantity": QUANTITY},
        "sweep": {"book.side": ["long", "short"]},
        "sampling": {"paths": 256, "block": 256},
    }
    return make_plan(study_from_dict({**small_dict(folder, given), "funding": funding, **changes}, folder), evaluation)


def mean_funding(found: Plan) -> list[float]:
    return run_plan(found, Serial(), lambda done, planned: None)["mean_funding"].values[:, 0].tolist()


def planned_sum(found: Plan, hours: int) -> float:
    """What a long receives by the segments that the loop reads, at the closes of the record."""
    segments, closes = found.markets[0].schedule.segments, np.array(prices(hours)[1])
    return float(-QUANTITY * (segments.funding_rate * closes[np.cumsum(segments.steps) - 1]).sum())


@pytest.mark.parametrize("hours", [1, 6, 24])
@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_planned_as_a_naive_loop_pays_it(tmp_path, record, hours):
    """As many payments as there are rows, each with its own rate and step; check says how many."""
    rows = RECORDS[record]
    write(tmp_path / "rates.csv", rows)
    found = plan(tmp_path, {"kind": "replay", "file": "rates.csv"}, hours)
    n, total = received(rows, prices(hours)[1], hours * HOUR, QUANTITY)
    assert n >= 12
    assert int((found.markets[0].schedule.payments >= 0).sum()) == len(found.markets[0].payments.seconds) == n
    assert next(funding_lines(found)) == f"funding: {n} payments by 3D in steps of {found.study.market.step}"
    assert planned_sum(found, hours) == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize(
    ("evaluation", "record", "hours"),
    [
        ("static", "the interval changes", 24),
        pytest.param("account", "the interval changes", 24, marks=pytest.mark.slow),  # half a minute of compilation
        pytest.param("general", "irregular", 6, marks=pytest.mark.slow),
    ],
)
def test_a_run_pays_a_record_as_a_naive_loop_does(tmp_path, evaluation, record, hours):
    """Long and short, on one recorded path: the sum over all rows."""
    write(tmp_path / "rates.csv", RECORDS[record])
    found = plan(tmp_path, {"kind": "replay", "file": "rates.csv"}, hours, evaluation)
    _, total = received(RECORDS[record], prices(hours)[1], hours * HOUR, QUANTITY)
    assert abs(total) > 10
    assert mean_funding(found) == pytest.approx([total, -total], abs=2e-6 * QUANTITY * SPOT)


def test_a_payment_at_as_of_is_past_and_one_at_the_last_horizon_is_paid(tmp_path):
    """With milliseconds, which are cut off; the record holds nothing else."""
    rows = [(AS_OF - 8 * HOUR, 1e-2), (AS_OF + 0.006, 1e-3), *every(8, 0, 64), (AS_OF + 72 * HOUR + 0.009, 5e-4)]
    write(tmp_path / "rates.csv", rows)
    found = plan(tmp_path, {"kind": "replay", "file": "rates.csv"})
    assert found.markets[0].payments.seconds.tolist() == [8 * HOUR * k for k in range(1, 10)]
    assert found.markets[0].schedule.segments.funding_rate[-1] == np.float32(5e-4)


def test_another_time_of_the_record(tmp_path):
    """`start` lays a time of the record on as_of."""
    rows = [(stamp - 400 * 24 * HOUR, rate) for stamp, rate in CHANGES]
    write(tmp_path / "rates.csv", rows)
    found = plan(tmp_path, {"kind": "replay", "file": "rates.csv", "start": "2023-11-28T00:00:00Z"})
    n, total = received(CHANGES, prices(1)[1], HOUR, QUANTITY)
    assert len(found.markets[0].payments.seconds) == n
    assert planned_sum(found, 1) == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize(("hours", "interval"), [(24, 8), (12, 1), (6, 4), (3, 8), (18, 12)])
def test_a_constant_rate_in_any_step(tmp_path, hours, interval):
    """Steps that hold several payments, and steps and intervals of which neither divides the other."""
    market = {"horizons": ["54h" if hours == 18 else "3D"]}
    found = plan(tmp_path, {"kind": "constant", "rate": 1e-3, "interval": f"{interval}h"}, hours, market=market)
    closes = prices(hours)[1][: 54 // 18 if hours == 18 else None]
    rows = [(stamp, 1e-3) for stamp, _ in every(interval, 0, 72)]
    assert planned_sum(found, hours) == pytest.approx(received(rows, closes, hours * HOUR, QUANTITY)[1], rel=1e-6)


@pytest.mark.parametrize(
    ("step", "interval", "lines"),
    [
        ("1h", "8h", ["funding: 9 payments by 3D in steps of 1h"]),
        ("24h", "8h", ["funding: 9 payments by 3D in steps of 1D", "6 of them fall inside", "3 steps hold several"]),
        ("3h", "4h", ["funding: 18 payments by 3D in steps of 3h", "12 of them fall inside"]),
    ],
)
def test_check_says_which_payments_the_step_moves(tmp_path, step, interval, lines):
    found = list(funding_lines(plan(tmp_path, {"kind": "constant", "rate": 0.0, "interval": interval}, int(step[:-1]))))
    assert len(found) == len(lines)
    for said, wanted in zip(found, lines, strict=True):
        assert said.strip().startswith(wanted)


def test_every_market_cell_has_its_line(tmp_path):
    study = small(
        tmp_path, {"sweep": {"market.step": ["1h", "12h"], "book.leverage": [2.0, 3.0]}, "book": {"side": "long"}}
    )
    found = [line.strip() for line in funding_lines(make_plan(study))]
    assert [line for line in found if line.startswith("funding")] == [
        "funding: 9 payments by 3D in steps of 1h",
        "funding: 9 payments by 3D in steps of 12h",
    ]
    assert len(found) == 4, "what the step moves is said of the long step alone"


def called(*words: str) -> str:
    """What a command says; exit code 0."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), pytest.raises(SystemExit) as stopped:
        patch.setattr(sys, "argv", ["stresslab", *words])
        patch.setattr("stresslab.terminal._OUT._file", said)
        main()
    assert stopped.value.code == 0, said.getvalue()
    return said.getvalue()


@pytest.mark.parametrize(
    ("name", "n", "sum_"), [("funding_interval_changes", 36, -50.13), ("daily_bars_funding", 9, -54.0)]
)
def test_the_cases_of_the_field(shared, tmp_path, name, n, sum_):
    """A long of 1 BTC at 60,000: payments that a hand has counted and summed, to the cent."""
    path = shared / "cases" / "files" / f"{name}.yaml"
    assert f"funding: {n} payments by 3D" in called("check", str(path))
    found = make_plan(study_from_dict(yaml.safe_load(path.read_text()), path.parent))
    dataset = run_plan(found, Serial(), lambda done, planned: None)
    assert float(dataset["mean_funding"].sel(horizon="3D").item()) == pytest.approx(sum_, abs=0.005)


@pytest.mark.parametrize("exchange", ["binance", "kucoin", "dydx", "htx"])
def test_recorded_rates_of_several_exchanges(shared, tmp_path, exchange):
    """Ten days from 2023-05-03 on recorded payments: all that the file has of the exchange, none of the others."""
    file = shared / "data" / "funding_multi_exchange_mit" / "BTC_funding.csv.gz"
    funding = {"kind": "replay", "file": str(file), "exchange": exchange}
    market = {"horizons": ["10D"], "model": "gbm"}
    given = {
        **small_dict(tmp_path, {"market": market, "funding": None, "as_of": "2023-05-03T00:00:00Z"}),
        "funding": funding,
    }
    times = make_plan(study_from_dict(given, tmp_path)).markets[0].payments
    rows = pd.read_csv(file, parse_dates=["timestamp"])
    rows = rows[(rows["exchange"] == exchange) & (rows["timestamp"] > "2023-05-03T00:00Z")]
    assert len(times.seconds) == int((rows["timestamp"] <= "2023-05-13T00:00Z").sum())
