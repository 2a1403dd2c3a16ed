"""The payment times and rates of a study's funding block and shock: known rates, and the law of stochastic ones.

A payment that falls inside a step is made at its end, at the price there; so are several payments of one step, each
the rate times the notional at that price.
"""

from typing import Any, NamedTuple

import numpy as np

from stresslab import payments
from stresslab.config.processes import ConstantFunding, MeanRevertingFunding, ReplayFunding
from stresslab.config.recorded_funding import recorded_payments
from stresslab.config.schema import Study
from stresslab.schedule import Schedule
from stresslab.shocks import Funding as Spike
from stresslab.shocks import when
from stresslab.units import YEAR_SECONDS, parse_duration
from stresslab.venues.funding import funding_seconds

SURE = 7.0  # standard deviations beyond which no path goes: a chance of 1e-12


class PaymentTimes(NamedTuple):
    """When funding is due, and the steps of the loop at whose ends it is paid."""

    seconds: np.ndarray  # from as_of, rising
    step_seconds: int  # of a step of the study
    substeps: int  # of the loop in it

    @property
    def due(self) -> np.ndarray:
        """The times due, in steps of the loop from as_of."""
        return self.seconds * self.substeps / self.step_seconds

    @property
    def steps(self) -> np.ndarray:
        """The steps at whose ends payments are made: the time due, rounded up."""
        return -(-self.seconds * self.substeps // self.step_seconds)

    @property
    def years_moved(self) -> np.ndarray:
        """Years of the steps in which the price moved up to each payment: since the step of the payments before those
        of its own step.
        """
        ends, own = np.unique(self.steps, return_inverse=True)
        return (np.diff(ends, prepend=0) * self.step_seconds / self.substeps / YEAR_SECONDS)[own]

    @property
    def inside_steps(self) -> int:
        """Number of payments that fall inside a step."""
        return int(np.sum(self.steps * self.step_seconds != self.seconds * self.substeps))

    @property
    def shared_steps(self) -> int:
        """Number of steps with several payments."""
        return int(np.sum(np.unique(self.steps, return_counts=True)[1] > 1))


def payment_seconds(study: Study) -> np.ndarray:
    """When funding is due, seconds from as_of, up to the last horizon. InputError where a record lacks payments."""
    if study.funding is None:
        return np.array([], np.int64)
    if isinstance(study.funding, ReplayFunding):
        return recorded_payments(study, study.funding)[0]
    return funding_seconds(study.as_of, study.funding.interval_seconds, study.market.horizon_seconds[-1])


def known_rates(study: Study, seconds: np.ndarray) -> np.ndarray:
    """The part of each payment's rate that is the same on all paths."""
    funding, rates = study.funding, np.zeros(len(seconds))
    if isinstance(funding, ConstantFunding):
        rates = rates + funding.rate
    elif isinstance(funding, ReplayFunding):
        rates = rates + recorded_payments(study, funding)[1]
    for spike in _spikes(study):
        if isinstance(spike.at, str):
            rates = rates + _spiked(spike, seconds - (0 if spike.at == "now" else parse_duration(spike.at)))
    return rates


def law(study: Study, times: PaymentTimes, timetable: Schedule, dt: float) -> Any:
    """The parameters of stochastic funding, as the loop takes them; empty where all rates are known. `dt` in years."""
    process = study.funding if isinstance(study.funding, MeanRevertingFunding) else None
    drawn = [spike for spike in _spikes(study) if not isinstance(spike.at, str)]
    if len(times.seconds) == 0 or (process is None and not drawn):
        return ()
    number = np.maximum(timetable.payments, 0)
    span = np.diff(times.seconds, prepend=0) / YEAR_SECONDS
    speed, volatility = (process.reversion, process.volatility) if process else (1.0, 0.0)
    rows = payments.Payments(
        is_due=timetable.payments >= 0,
        number=number.astype(np.uint32),
        time=times.due[number],
        years=times.years_moved[number],
        decay=np.exp(-speed * span)[number],
        deviation=_deviation(speed, volatility, span)[number],
    )
    reverting: Any = ()
    if process:
        if times.shared_steps:
            shared = shared_rows(process.correlation, span, times.steps)
            rows = rows._replace(shared=payments.Shared(*(row[number] for row in shared)))
        reverting = payments.Reverting(process.rate, process.mean, process.correlation, process.floor, process.cap)
    by_law: dict[str, tuple[payments.Spike, ...]] = {}
    for spike in drawn:
        kind = when.law(spike.at)
        by_law[kind] = (*by_law.get(kind, ()), _spike(spike, dt))
    return payments.Law(rows, reverting, by_law)


def shared_rows(correlation: float, span: np.ndarray, steps: np.ndarray) -> payments.Shared:
    """How payments share the return of their step, one row for each payment, for `payments`.

    `span` are the years since the payment before, `steps` the steps at whose ends payments are made.
    """
    _, first, own, count = np.unique(steps, return_index=True, return_inverse=True, return_counts=True)
    last = first + count - 1
    until = np.cumsum(span)
    before = (until - span)[first][own]  # the time at which the first interval of the step begins
    whole = until[last][own] - before
    share = np.sqrt(span / whole)
    left = 1 - correlation**2 * (until - before) / whole  # t_k
    left_before = 1 - correlation**2 * (until - span - before) / whole
    number = np.arange(len(steps))
    return payments.Shared(
        is_first=number == first[own],
        is_last=number == last[own],
        of_return=correlation * share,
        of_normal=np.sqrt(left / left_before),
        of_before=correlation**2 * share,
        adds=share / np.sqrt(left * left_before),
    )


def most_paid(study: Study, seconds: np.ndarray, known: np.ndarray) -> float:
    """A bound on the sum of the absolute rates of a path: sure, or but for a chance of 1e-12."""
    most = np.abs(known)
    process = study.funding
    if isinstance(process, MeanRevertingFunding):
        limit = np.full(len(seconds), max(abs(process.cap), abs(process.floor)))
        if process.correlation == 0:  # then the rate is normal; a return may be anything
            span = seconds / YEAR_SECONDS
            middle = process.mean + (process.rate - process.mean) * np.exp(-process.reversion * span)
            limit = np.minimum(limit, abs(middle) + SURE * _deviation(process.reversion, process.volatility, span))
        most = most + limit
    for spike in _spikes(study):
        if not isinstance(spike.at, str):
            most = most + abs(spike.rate)
    return float(most.sum())


def _spikes(study: Study) -> list[Spike]:
    return [
        effect for effect in study.effects if isinstance(effect, Spike) and effect.asset in (None, study.market.asset)
    ]


def _spiked(spike: Spike, age: np.ndarray) -> np.ndarray:
    """Of payments so many seconds after its start."""
    decay = np.log(2) / parse_duration(spike.half_life) if spike.half_life else 0.0
    lasting = parse_duration(spike.lasting) if spike.lasting else np.inf
    return np.where((age > 0) & (age <= lasting), spike.rate * np.exp(-decay * np.maximum(age, 0)), 0.0)


def _spike(spike: Spike, dt: float) -> payments.Spike:
    decay, steps = when.per_step(spike.half_life, dt), when.steps(spike.lasting, dt)
    return payments.Spike(when.start(spike.at, dt), spike.rate, decay, np.int32(steps))


def _deviation(speed: float, volatility: float, span: Any) -> Any:
    """Of an Ornstein-Uhlenbeck process after so many years, given where it was."""
    return volatility * np.sqrt(-np.expm1(-2 * speed * span) / (2 * speed))
