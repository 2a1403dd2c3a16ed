"""The pieces of real paths, recorded by an observer of the engine's own loop, as the events of the ledger."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from helpers.ledger import Clock, Funding, Jump, Mark, Move
from jax import Array, lax

from stresslab import scan
from stresslab.evaluate import Shape
from stresslab.grid.market import MarketCell
from stresslab.grid.plan import Plan


class _Keep(NamedTuple):
    """Keeps the pieces of the step seen last."""

    def step(self, seen: Any, track: Any) -> Any:
        return tuple(tuple(field for field in piece if not isinstance(field, tuple)) for piece in track.pieces)


def record(plan: Plan, market: int, n_paths: int, first: int = 0) -> tuple[np.ndarray, ...]:
    """Log prices of each piece in time order, shape (step, field, path): low, high and end, or the end of a jump."""
    ladder = plan.ladders[plan.markets[market].ladders[0]]
    given = ladder.arguments
    steps = np.zeros(plan.markets[market].n_steps, np.int32)
    found = scan.launch(
        (_record,),
        ladder.shape._replace(n_paths=n_paths),
        np.array([first]),
        (given.key, given.coefficients, given.state, steps),
    )
    return tuple(np.stack([np.asarray(field)[0, :, 0] for field in piece], 1).astype(float) for piece in found)


def _record(shape: Shape, first: Array, key: Any, coefficients: Any, state: Any, steps: Array) -> Any:
    numbers = scan.path_numbers(first, shape.n_paths)
    walk = scan.Walk(shape.dynamics, shape.layout, shape.antithetic, key, numbers, coefficients)
    start = scan.spread(shape.dynamics, state, shape.n_paths)
    one = jnp.zeros((1, shape.n_paths), jnp.float32)
    nothing = tuple((one,) * (1 if number % 2 else 3) for number in range(2 * shape.layout.jumps + 1))

    def step(place: Any, _: Array) -> Any:
        return scan.many_steps(walk, place, _Keep(), nothing, jnp.ones((), jnp.int32))

    return lax.scan(step, scan.begin(walk, start), steps)[1]


def events(pieces: tuple[np.ndarray, ...], path: int, market: MarketCell, spot: float) -> list[NamedTuple]:
    """One path as the ledger takes it: clock, pieces, funding where it is due, the horizons' marks."""
    study, found = market.study, []
    every, substeps = study.funding.interval_seconds if study.funding else 0, market.dt * 365 * 86_400
    bins, horizons = (
        market.schedule.bin_ends,
        dict(zip(market.schedule.horizon_ends, study.market.horizons, strict=True)),
    )
    since_midnight = study.as_of.hour * 3600 + study.as_of.minute * 60 + study.as_of.second
    price = spot
    for step in range(market.n_steps):
        if step == 0 or step in bins:
            found.append(Clock(int((bins <= step).sum())))
        for piece in pieces:
            prices = spot * np.exp(piece[step, :, path])
            if (prices != price).any():  # most jump slots are empty
                found.append(Move(*prices) if len(prices) == 3 else Jump(*prices))
            price = prices[-1]
        since, until = (since_midnight + round(at * substeps) for at in (step, step + 1))
        if every:
            found += [Funding(study.funding.rate)] * (until // every - since // every)
        if step + 1 in horizons:
            found.append(Mark(horizons[step + 1]))
    return found
