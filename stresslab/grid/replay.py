"""What happened to each book on a recorded path: when and at what price it was liquidated, and the record itself.

A recorded path is one path, however often it is run. Its probabilities are 0 or 1 with the interval of one draw; what
it has to tell are these variables.
"""

from typing import Any

import numpy as np

from stresslab import evaluate, general, scan
from stresslab.books.outcome import CAUSES
from stresslab.grid.ladder import Ladder
from stresslab.grid.market import MarketCell
from stresslab.grid.plan import Plan
from stresslab.models.history import HIGH, LOW
from stresslab.models.replay import Replay
from stresslab.units import SECONDS

PATHS = 8  # a scan of one path would round otherwise
VARIABLES = {
    "liquidation_time": ("days", "when the recorded path first liquidated the account: end of its survival bin"),
    "liquidation_fill": ("quote currency", "price at which it did, before slippage"),
    "liquidation_shortfall": ("settlement currency", "shortfall of the account at the last horizon"),
}
RECORD = {
    "recorded_time": ("days", "end of the bar, from as_of"),
    "recorded_low": ("quote currency", "low of the recorded bar"),
    "recorded_high": ("quote currency", "high of the recorded bar"),
    "recorded_close": ("quote currency", "close of the recorded bar"),
}


def is_replay(market: MarketCell) -> bool:
    """Whether all paths of a market cell are one recorded path."""
    return isinstance(market.models[0], Replay)


def variables(plan: Plan) -> dict[str, Any]:
    """The variables of `VARIABLES` for every cell (NaN where nothing is recorded), and the record of the first one."""
    recorded = [market for market in plan.markets if is_replay(market)]
    if not recorded:
        return {}
    cells = {name: np.full(len(plan.cells), np.nan) for name in VARIABLES}
    for market in recorded:
        for number in market.ladders:
            ladder = plan.ladders[number]
            found = _liquidations(plan, market, ladder)
            for name, values in found.items():
                cells[name][np.array(ladder.cells)] = values
    return cells | _record(recorded[0])


def _liquidations(plan: Plan, market: MarketCell, ladder: Ladder) -> dict[str, np.ndarray]:
    code, fill, shortfall = _first_path(ladder)
    happened = code >= 0
    ends = plan.bin_seconds / SECONDS["D"]
    when = ends[np.where(happened, code // len(CAUSES), 0)]
    spot = market.study.market.spot
    return {
        "liquidation_time": np.where(happened, when, np.nan),
        "liquidation_fill": np.where(happened, fill * spot, np.nan),
        "liquidation_shortfall": np.where(happened, shortfall * ladder.scale, np.nan),
    }


def _first_path(ladder: Ladder) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Code, price and shortfall of each book's liquidation, on the first path."""
    firsts = np.zeros(1)
    if isinstance(ladder.shape, general.Shape):
        shape = ladder.shape._replace(n_paths=PATHS, form=ladder.shape.form._replace(recorded=True))
        found = scan.launch((general.walk,), shape, firsts, tuple(ladder.arguments))
        rows: tuple[Any, ...] = found.codes.liquidation, found.codes.price, found.money.shortfall[:, -1]
    else:
        plain = ladder.shape._replace(n_paths=PATHS)
        given = tuple(ladder.arguments)
        resolved = scan.launch(evaluate.TO_RESOLVED, plain, firsts, given)
        closed = scan.launch(evaluate.TO_CLOSED, plain, firsts, given)
        rows = tuple(
            np.concatenate(parts, axis=1)
            for parts in (
                [one.liquidation for one in closed.closing],
                [one.fill for one in resolved.outcome],
                [one.shortfall for one in closed.closing],
            )
        )
    code, fill, shortfall = (np.asarray(row)[0, :, 0] for row in rows)
    return code, fill, shortfall


def _record(market: MarketCell) -> dict[str, Any]:
    """Low, high and close of each bar that was played, and when it ended, in days from as_of."""
    model, spot = market.models[0], market.study.market.spot
    assert isinstance(model, Replay)
    history, first = model.history, model.first
    rows = model.scale * history.rows[first:]
    before = np.concatenate([[0.0], np.cumsum(rows[:, -1])[:-1]])
    days = (history.stamps[first + 1 :] - history.stamps[first]) / SECONDS["D"]
    inside = days <= market.n_steps * market.dt * 365 + 1e-9
    close = rows[:, -1]
    low, high = (rows[:, LOW], rows[:, HIGH]) if history.has_range else (np.minimum(close, 0), np.maximum(close, 0))
    prices = {"low": low, "high": high, "close": close}
    made = {f"recorded_{name}": spot * np.exp(before + part)[inside] for name, part in prices.items()}
    return made | {"recorded_time": days[inside]}
