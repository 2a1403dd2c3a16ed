"""A recorded path, played again: all paths alike.

    dx = mu dt + scale times the recorded move

Time in years. Scheme: exact. Path time 0 is the close of the bar before `start`, by a stamp or by a bar's number, so
the record is laid on as_of. Each bar begins with its gap to the close before, a jump where it is larger than 5 basis
points; then it visits low and high and ends at its close, as in recorded.py (closes only: straight lines). A bar that
is missing in the record is a bar without a move, and the whole move is the gap of the next one. A path that ran past
the end of the record would stand still there: `check_horizon` refuses it.
"""

from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field, model_validator

from stresslab.errors import InputError, require
from stresslab.models import bar, recorded
from stresslab.models.base import Jump, Layout, Parameters, Piece, Positive, State
from stresslab.models.history import OPEN, History
from stresslab.units import format_duration

MOST_MOVED = 20.0  # of the log price: squares of money stay in the range of float32
SMALLEST_GAP = 5e-4  # in log price; a smaller one is run through


class Coefficients(NamedTuple):
    """Of one step; tables have one entry for each bar length from `start` to the end of the record."""

    played: recorded.Legs
    gap: np.ndarray
    steps: Any  # of a bar, uint32
    drift: np.float32  # of a step


class Replay(Parameters):
    """A recorded path."""

    kind: Literal["replay"] = "replay"
    start: str | None = Field(
        None, description="first bar that is played: its open as a date and time, or its number; none: the first"
    )
    scale: Positive = Field(1.0, description="factor of the recorded log moves")
    history: History = Field(description="recorded bars")
    mu: float = Field(0.0, description="growth rate added to the record's, 1/year")

    has_characteristic_function = False

    @model_validator(mode="after")
    def _consistent(self) -> "Replay":
        require(0 <= self.first < len(self.history.rows), "start lies outside the record", key="start", got=self.start)
        rows = self.history.rows[self.first :]
        reached = np.cumsum(rows[:, -1])[:, None] - rows[:, -1:] + rows
        furthest = self.scale * float(np.abs(reached).max())
        rule = f"the scaled record moves the log price by {furthest:.3g}; the limit is {MOST_MOVED:g}"
        require(furthest <= MOST_MOVED, rule, key="scale", got=self.scale, hint="1 plays the record as it was")
        return self

    @property
    def first(self) -> int:
        """Number of the first bar that is played."""
        if self.start is None:
            return 0
        if self.start.isdecimal():
            return int(self.start)
        try:
            moment = datetime.fromisoformat(self.start)
        except ValueError:
            hint = 'Write "2020-03-12T00:00:00Z" or "17"'
            rule = "start is a date and time, or a bar's number"
            raise InputError(rule, key="start", got=self.start, hint=hint) from None
        require(moment.tzinfo is not None, "the zone is missing", key="start", got=self.start)
        stamp = int(moment.astimezone(UTC).timestamp())
        first, last = (datetime.fromtimestamp(int(self.history.stamps[k]), UTC) for k in (1, -1))
        rule = f"no bar of the record opens then: it runs from {first:%Y-%m-%dT%H:%M:%SZ} to {last:%Y-%m-%dT%H:%M:%SZ}"
        found = np.flatnonzero(self.history.stamps[1:] == stamp)
        require(found.size == 1, rule, key="start", got=self.start)
        return int(found[0])

    @property
    def bars(self) -> int:
        """Bar lengths from the start to the end of the record."""
        stamps = self.history.stamps
        return int((stamps[-1] - stamps[self.first]) // self.history.seconds)

    def step_limits(self) -> dict[str, float]:
        """The bar of the history."""
        return {"history": self.history.dt}

    def check_step(self, seconds: int) -> None:
        bar.check_step(seconds, self.history.seconds)

    def check_horizon(self, seconds: int) -> None:
        span = self.bars * self.history.seconds
        rule = f"the record ends {format_duration(span)} after its start"
        hint = "Take a shorter horizon, an earlier start, or a longer record"
        require(seconds <= span, rule, key="horizon", got=format_duration(seconds), hint=hint)

    def layout(self, dt: float) -> Layout:
        return Layout(normals=0, others=0, jumps=1, diffusions=3)

    def jumps_per_step(self, dt: float) -> float:
        return float(np.mean(self._tables()[1] != 0)) * dt / self.history.dt

    def _tables(self) -> tuple[recorded.Legs, np.ndarray]:
        """Legs after the gap, and the gap, of each bar length from the start on."""
        history, first = self.history, self.first
        rows = self.scale * history.rows[first:]
        if not history.has_range:
            rows = np.column_stack([0 * rows, np.maximum(rows, 0), np.minimum(rows, 0), rows])
        missed = np.diff(history.stamps[first:]) > history.seconds
        gap = np.where((np.abs(rows[:, OPEN]) > SMALLEST_GAP) | missed, rows[:, OPEN], 0.0)
        place = (history.stamps[first + 1 :] - history.stamps[first]) // history.seconds - 1
        legs = recorded.tables(History.of(rows - gap[:, None], history.seconds))
        assert isinstance(legs, recorded.Legs)
        found = np.zeros((4, self.bars), np.float32)
        found[:, place] = np.stack([*legs, gap])
        return recorded.Legs(*found[:3]), found[3]

    def coefficients(self, dt: float) -> Coefficients:
        n, (legs, gap) = bar.steps(dt, self.history.dt), self._tables()
        return Coefficients(legs, gap, n, np.float32(self.mu * self.history.dt / n))

    def init(self, n_paths: int) -> State:
        variance = np.full((1, n_paths), np.mean(self.history.close**2) / self.history.dt, np.float32)
        return State(np.zeros((1, n_paths), np.float32), variance, np.uint32(0))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, clock = coefficients, state.memory
        at = clock % c.steps
        number = (clock // c.steps).astype(jnp.int32)
        within = jnp.where(number < np.int32(c.gap.shape[0]), np.float32(1), np.float32(0))
        here = jnp.broadcast_to(number, state.log_price.shape)
        gap = jnp.where(at == 0, jnp.take(c.gap, here, mode="clip"), np.float32(0)) * within
        legs, _ = recorded.pieces(c.played, here, within, c.drift, at, c.steps, state.log_price, words)
        return state._replace(memory=clock + np.uint32(1)), (Jump(gap), *legs)
