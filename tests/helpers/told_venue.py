"""A venue whose doings are written down for each path: as a condition of the engine, and as events of the twin."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from helpers.account_twin.path import Begin
from helpers.account_twin.venue import Told
from jax import Array

from stresslab.accounts.conditions.base import Effect, Factor, Failure, Held, Reopened
from stresslab.books.outcome import GAP, HALT


class Storm(NamedTuple):
    """Of each step and path, (step, path); of the first asset."""

    paused: Any
    stale: Any
    mark: Any  # over index
    last: Any
    fails: Any
    recovery: Any  # a number

    def told(self, story: list[NamedTuple], path: int) -> list[NamedTuple]:
        """The story of a path with what the venue does after the beginning of each step."""
        steps = iter(zip(*(part[:, path].tolist() for part in self[:-1]), strict=True))
        found = []
        for event in story:
            found.append(event)
            if isinstance(event, Begin):
                found.append(Told(*next(steps), recovery=float(self.recovery)))
        return found


class Now(NamedTuple):
    """A row of a storm, (1, path), and what the step before has left."""

    paused: Array
    stale: Array
    mark: Array
    last: Array
    fails: Array
    reopens: Array
    is_back: Array
    price: Array


@dataclass(frozen=True)
class Written:
    """The condition; its numbers are a storm."""

    words = 0
    causes = ()

    def start(self, numbers: Storm, price: Array) -> Now:
        one = jnp.ones_like(price[:1])
        no = one < 0
        return Now(no, no, one, one, no, no, no, price[:1])

    def step(self, numbers: Storm, before: Now, words: Any, price: Array, variance: Array, step: Array) -> Now:
        row = jax.tree.map(lambda part: part[step][None], numbers[:-1])
        paused, stale, mark, last, fails = row
        seen = jnp.where(stale & before.stale, before.price, price[:1])
        return Now(paused, stale, mark, last, fails, before.paused & ~paused, before.stale & ~stale, seen)

    def effect(self, numbers: Storm, now: Now) -> Effect:
        return Effect(
            can_act=~now.paused,
            can_liquidate=~now.paused,
            mark=(Factor(0, now.mark),),
            last=(Factor(0, now.last),),
            held=(Held(0, now.stale, now.price),),
            reopened=(Reopened(HALT, now.reopens), Reopened(GAP, now.is_back)),
            failed=(Failure(now.fails, numbers.recovery, True),),
        )


def drawn(n_steps: int, n_paths: int, seed: int) -> Storm:
    """Three steps in ten are paused, two stale; mark and last lie about half a percent off the index."""
    rng = np.random.default_rng(seed)
    shape = n_steps, n_paths
    fails = np.cumsum(rng.random(shape) < 0.03, axis=0) == 1
    first = np.diff(fails.astype(int), axis=0, prepend=0) == 1
    mark, last = np.exp(rng.normal(0, 0.005, (2, *shape)))
    return Storm(rng.random(shape) < 0.3, rng.random(shape) < 0.2, mark, last, first, np.array(0.35))
