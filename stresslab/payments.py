"""Funding rates that differ from path to path: a mean-reverting process, and spikes at times that are drawn.

    dR = speed (mean - R) dt + volatility dB,      corr(dB, return of the interval) = correlation

Time in years; R is the rate of a whole interval, paid at its end. Between payments the law is exact:
R' = mean + (R - mean) e^(-speed t) + deviation (rho z + sqrt(1 - rho^2) n) (Uhlenbeck and Ornstein 1930). The return z
of the interval is standardised by the variance that the path had when it began, (x' - x + v t/2) / sqrt(v t): exactly
normal under Brownian motion with mu = 0. The rate that is paid lies between floor and cap; the process itself is not
clamped, and spikes come on top.

The normal n of payment k is drawn from a reserved channel: it depends on (seed, stream, path, k) alone, and mirrored
paths mirror it. Rates that are known in advance need none of this: they stand in the segments.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab import random, scan
from stresslab.models.base import State
from stresslab.shocks import when


class Payments(NamedTuple):
    """One row for each segment: what is paid at its end."""

    is_due: Any  # bool
    number: Any  # uint32, counted from as_of
    step: Any  # int32, steps from as_of
    years: Any  # float32, since the payment before it, or since as_of
    decay: Any  # float32, e^(-speed years)
    deviation: Any  # float32, of the rate given the one before


class Reverting(NamedTuple):
    """The process: the rate at as_of, and its law."""

    now: Any
    mean: Any
    correlation: Any
    floor: Any
    cap: Any


class Spike(NamedTuple):
    """An addition to the rate: rate e^(-decay age) while age, in steps from its start, is at most `steps`."""

    start: when.Start
    rate: Any
    decay: Any
    steps: Any


class Law(NamedTuple):
    """All that the loop needs; `process` is empty where only spikes are drawn. Spikes by how their time is drawn."""

    payments: Payments
    process: Any
    spikes: dict[str, tuple[Spike, ...]]


class Rates(NamedTuple):
    """Of each path, (1, path): the process, the log price and variance at the last payment, the steps of the spikes."""

    rate: Array
    log_price: Array
    variance: Array
    starts: dict[str, tuple[Array, ...]]


def begin(law: Law, walk: scan.Walk, state: State) -> Rates:
    """At as_of."""
    path = scan.identity(walk)
    nothing = jnp.zeros(path.shape, jnp.float32)
    now = law.process.now if law.process else np.float32(0)
    starts = {
        kind: tuple(when.drawn_step(kind, spike.start, walk.key, path) for spike in spikes)  # type: ignore[arg-type]
        for kind, spikes in law.spikes.items()
    }
    return Rates(nothing + now, nothing, nothing + state.variance, starts)


def pay(law: Law, walk: scan.Walk, payment: Payments, before: Rates, state: State) -> tuple[Rates, Array]:
    """What each path pays at the end of a segment beside the rate that is known, 0 where nothing is due."""
    paid, after = jnp.zeros(walk.number.shape, jnp.float32), before
    if law.process:
        rate = _next_rate(law.process, walk, payment, before, state)
        after = Rates(
            jnp.where(payment.is_due, rate, before.rate),
            jnp.where(payment.is_due, state.log_price, before.log_price),
            jnp.where(payment.is_due, jnp.broadcast_to(state.variance, rate.shape), before.variance),
            before.starts,
        )
        paid = jnp.clip(rate, law.process.floor, law.process.cap)
    for kind, spikes in law.spikes.items():
        for spike, start in zip(spikes, before.starts[kind], strict=True):
            paid = paid + _spiked(spike, payment.step - start)
    return after, jnp.where(payment.is_due, paid, np.float32(0))


def _next_rate(process: Reverting, walk: scan.Walk, payment: Payments, before: Rates, state: State) -> Array:
    word, _ = random.reserved(walk.key, scan.identity(walk), payment.number, random.FUNDING)
    if walk.antithetic:
        word = random.antithetic(word, (walk.number & np.uint32(1)) == np.uint32(1))
    spread = jnp.maximum(before.variance * payment.years, np.float32(1e-30))
    moved = (state.log_price - before.log_price + np.float32(0.5) * spread) / jnp.sqrt(spread)
    rho = process.correlation
    noise = rho * moved + jnp.sqrt(np.float32(1) - rho * rho) * random.normal(word)
    return process.mean + (before.rate - process.mean) * payment.decay + payment.deviation * noise


def _spiked(spike: Spike, age: Array) -> Array:
    """A payment that comes after the start is spiked: shocks act on what follows."""
    size = spike.rate * jnp.exp(-spike.decay * jnp.maximum(age, 0).astype(jnp.float32))
    return jnp.where((age > 0) & (age <= spike.steps), size, np.float32(0))
