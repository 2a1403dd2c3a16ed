"""Stationary bootstrap of recorded bars: real prices in, no distribution assumed.

    dx = mu dt + a recorded bar, less the mean of all (`martingale`), or as recorded (`kept`)

Time in years. Scheme: blocks of random length, geometric with mean `block` bars, begun anywhere in the record; exact at
the ends of bars, inside a bar as in recorded.py (closes only: a bridge with the variance of the last days). With
`martingale`, mu is the growth rate of E[price]: taken off besides the mean are log E[exp] of one bar and the
autocovariances that blocks keep, which is exact for single bars and to the second order for blocks. With `kept` nothing
is taken off, and mu is added. Politis and Romano (1994), "The stationary bootstrap".
"""

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from jax import Array
from pydantic import Field, model_validator
from scipy.signal import fftconvolve, lfilter

from stresslab.errors import require
from stresslab.models import bar, recorded, resampling
from stresslab.models.base import Layout, Parameters, Piece, State
from stresslab.models.history import History

DECAY = 0.94  # per bar, of the variance of a bridge where only closes are known
LONGEST_LAG = 10  # in mean lengths of a block: autocovariances beyond it do not matter


class Coefficients(NamedTuple):
    """Of one step."""

    played: recorded.Tables
    draw: resampling.Draw
    steps: Any  # of a bar, uint32
    drift: np.float32  # of a step


class BlockBootstrap(Parameters):
    """Recorded bars drawn in blocks."""

    kind: Literal["block_bootstrap"] = "block_bootstrap"
    block: Annotated[float, Field(ge=1)] = Field(description="mean length of a block in bars")
    mean: Literal["martingale", "kept"] = Field("martingale", description="whether the record's own trend is taken out")
    history: History = Field(description="recorded bars")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year; added to the record's where that is kept")

    has_characteristic_function = False

    @model_validator(mode="after")
    def _consistent(self) -> "BlockBootstrap":
        n = len(self.history.without_gaps().rows)
        require(n >= 2, "a history of at least two bars is needed", key="history", got=n)
        require(self.block <= n, "a block must not be longer than the history", key="block", got=self.block)
        return self

    def step_limits(self) -> dict[str, float]:
        """The bar of the history."""
        return {"history": self.history.dt}

    def check_step(self, seconds: int) -> None:
        bar.check_step(seconds, self.history.seconds)

    def layout(self, dt: float) -> Layout:
        return recorded.layout(self.history, others=resampling.WORDS)

    def log_growth(self) -> float:
        """What blocks of centred bars add to log E[price], per bar."""
        moves = self.history.without_gaps().close
        moves = moves - moves.mean()
        lags = np.arange(1, min(len(moves), int(LONGEST_LAG * self.block) + 1))
        around = np.concatenate([moves, moves[: len(lags)]])  # after the last bar comes the first
        covariances = fftconvolve(around, moves[::-1])[len(moves) - 1 :][lags] / len(moves)
        return float(np.log(np.mean(np.exp(moves))) + (1 - 1 / self.block) ** lags @ covariances)

    def coefficients(self, dt: float) -> Coefficients:
        record, n = self.history.without_gaps(), bar.steps(dt, self.history.dt)
        mean, growth = (record.close.mean(), self.log_growth()) if self.mean == "martingale" else (0.0, 0.0)
        squares = (record.close - record.close.mean()) ** 2
        smooth = lfilter([1 - DECAY], [1, -DECAY], squares, zi=[DECAY * squares.mean()])[0]
        return Coefficients(
            played=recorded.tables(record, float(mean), smooth),
            draw=resampling.draw_of(len(record.rows), self.block),
            steps=n,
            drift=np.float32((self.mu * record.dt - growth) / n),
        )

    def init(self, n_paths: int) -> State:
        record = self.history.without_gaps()
        variance = np.full((1, n_paths), record.close.var() / record.dt, np.float32)
        return State(np.zeros((1, n_paths), np.float32), variance, resampling.begin(n_paths))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, memory = coefficients, state.memory
        at = memory.clock % c.steps
        here = resampling.bar_now(c.draw, memory, at, words[-resampling.WORDS :])
        pieces, left = recorded.pieces(c.played, here, np.float32(1), c.drift, at, c.steps, memory.left, words)
        return state._replace(memory=resampling.Memory(memory.clock + np.uint32(1), here, left)), pieces
