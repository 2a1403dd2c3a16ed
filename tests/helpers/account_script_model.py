"""Written-down paths of several assets as a model, so that the whole compiled loop runs on them in float32."""

from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from helpers.account_engine import Script
from jax import Array, lax

from stresslab import general, scan, schedule
from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.models.base import Diffusion, Jump, Layout, Parameters, State
from stresslab.random import key

NO_VARIANCE = np.float32(0)


class WrittenDown(Parameters):
    """Moves of the log prices, (step, piece, asset, path); the state's variance counts the steps."""

    kind: Literal["written_down"] = "written_down"
    moves: tuple[Any, ...]
    has_variance = True

    def layout(self, dt: float) -> Layout:
        return Layout(normals=0, others=0, jumps=1, assets=len(self.moves[0][0]))

    def coefficients(self, dt: float) -> Any:
        return np.asarray(self.moves, np.float32)

    def init(self, n_paths: int) -> State:
        nothing = np.zeros((len(self.moves[0][0]), n_paths), np.float32)
        return State(nothing, nothing)

    @staticmethod
    def step(coefficients: Array, state: State, words: tuple[Array, ...]) -> Any:
        now = lax.dynamic_index_in_dim(coefficients, state.variance[0, 0].astype(np.int32), keepdims=False)
        pieces = Diffusion(now[0], NO_VARIANCE), Jump(now[1]), Diffusion(now[2], NO_VARIANCE)
        return state._replace(variance=state.variance + np.float32(1)), pieces

    def characteristic_function(self, u: Any, t: float) -> Any:
        raise NotImplementedError


class Walked(NamedTuple):
    codes: Any
    money: general.Money
    end: Any


def walk(form: BookForm, numbers: BookNumbers, script: Script, spots: tuple[float, ...], levels: Any) -> Walked:
    """`general.walk` on every path of a script without corners; horizons are its middle and its end."""
    n_steps, _, n_assets, n_paths = script.prices.shape
    logs = np.log(script.prices[:, 1:] / np.array(spots)[:, None]).reshape(-1, n_assets, n_paths)
    moves = np.diff(logs, axis=0, prepend=0.0).reshape(n_steps, 3, n_assets, n_paths)
    model = WrittenDown.model_construct(moves=tuple(moves))
    ends = np.flatnonzero(np.diff(script.bins, append=-1)) + 1
    paid = np.flatnonzero(script.rates) + 1
    clock = schedule.build(np.array([n_steps // 2, n_steps]), ends, paid, script.rates[paid - 1])
    given = general.arguments(key(1), model, 1.0, clock, np.array(levels), numbers)
    shape = general.Shape(WrittenDown, model.layout(1.0), form, 2, False, n_paths)
    found = scan.launch((general.walk,), shape, np.zeros(1), tuple(given))
    return jax.tree.map(lambda leaf: np.asarray(leaf)[0], Walked(found.codes, found.money, found.end))
