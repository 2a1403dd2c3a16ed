"""Funding rates that differ from path to path: a mean-reverting process, and spikes at times that are drawn.

    dR = speed (mean - R) dt + volatility dB,      corr(dB, return of the interval) = correlation

Time in years; R is the rate of a whole interval, paid at its end. Between payments the law is exact:
R' = mean + (R - mean) e^(-speed t) + deviation (rho z + sqrt(1 - rho^2) n) (Uhlenbeck and Ornstein 1930). The return z
of the interval is standardised by the variance that the path had when it began, (x' - x + v t/2) / sqrt(v t): exactly
normal under Brownian motion with mu = 0. The price is known at the ends of steps: z is the return of the steps since
the last step in which a payment was due. The rate that is paid lies between floor and cap; the process itself is not
clamped, and spikes come on top.

Where a step holds several payments the process advances once for each, at the price of the step's end. The z_k of
their intervals are unknown but for the return Z of the step, Z = sum s_k z_k with s_k^2 the share of interval k.
Given Z, the noises rho z_k + sqrt(1 - rho^2) n_k are normal with means rho s_k Z and covariance I - rho^2 s s';
they are drawn from that law, by its Cholesky factor with t_k = 1 - rho^2 (s_1^2 + ... + s_k^2), t_0 = 1:

    noise_k = rho s_k Z + sqrt(t_k / t_(k-1)) n_k - rho^2 s_k A_(k-1),   A_k = A_(k-1) + s_k n_k / sqrt(t_k t_(k-1))

So rates and prices at the ends of steps have the law that they have in short steps.

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


class Shared(NamedTuple):
    """One row for each segment: how payments of one step share its return. Numbers of the Cholesky factor above."""

    is_first: Any  # bool, the first payment of its step
    is_last: Any  # bool
    of_return: Any  # float32, rho s_k
    of_normal: Any  # float32, sqrt(t_k / t_(k-1))
    of_before: Any  # float32, rho^2 s_k
    adds: Any  # float32, s_k / sqrt(t_k t_(k-1))


class Payments(NamedTuple):
    """One row for each segment: what is paid at its end."""

    is_due: Any  # bool
    number: Any  # uint32, counted from as_of
    time: Any  # float32, when it is due, in steps from as_of: at most the step at whose end it is paid
    years: Any  # float32, of the steps in which the price moved since the step of the payment before, or since as_of
    decay: Any  # float32, e^(-speed t) with t the time since the payment before, or since as_of
    deviation: Any  # float32, of the rate given the one before
    shared: Any = ()  # a `Shared` where a step of the process holds several payments


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
    normals: Any = ()  # A above, where a step holds several payments


def begin(law: Law, walk: scan.Walk, state: State) -> Rates:
    """At as_of."""
    path = scan.identity(walk)
    nothing = jnp.zeros(path.shape, jnp.float32)
    now = law.process.now if law.process else np.float32(0)
    starts = {
        kind: tuple(when.drawn_step(kind, spike.start, walk.key, path) for spike in spikes)  # type: ignore[arg-type]
        for kind, spikes in law.spikes.items()
    }
    return Rates(nothing + now, nothing, nothing + state.variance, starts, nothing if law.payments.shared else ())


def pay(law: Law, walk: scan.Walk, payment: Payments, before: Rates, state: State) -> tuple[Rates, Array]:
    """What each path pays at the end of a segment beside the rate that is known, 0 where nothing is due."""
    paid, after = jnp.zeros(walk.number.shape, jnp.float32), before
    if law.process:
        rate, normals = _next_rate(law.process, walk, payment, before, state)
        is_over = payment.is_due & payment.shared.is_last if payment.shared else payment.is_due
        after = Rates(
            jnp.where(payment.is_due, rate, before.rate),
            jnp.where(is_over, state.log_price, before.log_price),
            jnp.where(is_over, jnp.broadcast_to(state.variance, rate.shape), before.variance),
            before.starts,
            normals,
        )
        paid = jnp.clip(rate, law.process.floor, law.process.cap)
    for kind, spikes in law.spikes.items():
        for spike, start in zip(spikes, before.starts[kind], strict=True):
            paid = paid + _spiked(spike, payment.time - start.astype(jnp.float32))
    return after, jnp.where(payment.is_due, paid, np.float32(0))


def _next_rate(
    process: Reverting, walk: scan.Walk, payment: Payments, before: Rates, state: State
) -> tuple[Array, Any]:
    """The rate at a payment, and the weighted sum of normals that the next payment of its step needs."""
    word, _ = random.reserved(walk.key, scan.identity(walk), payment.number, random.FUNDING)
    if walk.antithetic:
        word = random.antithetic(word, (walk.number & np.uint32(1)) == np.uint32(1))
    spread = jnp.maximum(before.variance * payment.years, np.float32(1e-30))
    moved = (state.log_price - before.log_price + np.float32(0.5) * spread) / jnp.sqrt(spread)
    noise, normals = _noise(process.correlation, payment.shared, moved, random.normal(word), before.normals)
    return process.mean + (before.rate - process.mean) * payment.decay + payment.deviation * noise, normals


def _noise(rho: Any, shared: Any, moved: Array, normal: Array, before: Any) -> tuple[Array, Any]:
    if not shared:
        return rho * moved + jnp.sqrt(np.float32(1) - rho * rho) * normal, ()
    before = jnp.where(shared.is_first, np.float32(0), before)
    noise = shared.of_return * moved + shared.of_normal * normal - shared.of_before * before
    return noise, before + shared.adds * normal


def _spiked(spike: Spike, age: Array) -> Array:
    """A payment that comes after the start is spiked: shocks act on what follows."""
    size = spike.rate * jnp.exp(-spike.decay * jnp.maximum(age, np.float32(0)))
    return jnp.where((age > 0) & (age <= spike.steps.astype(jnp.float32)), size, np.float32(0))
