"""From a study's funding block and shock to what is paid when: rates known in advance, and the law of the others."""

from typing import Any

import numpy as np

from stresslab import payments
from stresslab.config.fields import instant_text
from stresslab.config.processes import ConstantFunding, MeanRevertingFunding, ReplayFunding
from stresslab.config.schema import Study
from stresslab.errors import InputError
from stresslab.schedule import Segments
from stresslab.shocks import Funding as Spike
from stresslab.shocks import when
from stresslab.units import YEAR_SECONDS, parse_duration
from stresslab.venues.funding import funding_seconds

SURE = 7.0  # standard deviations beyond which no path goes: a chance of 1e-12


def payment_seconds(study: Study) -> np.ndarray:
    """When funding is paid, seconds from as_of."""
    if study.funding is None:
        return np.array([], np.int64)
    return funding_seconds(study.as_of, study.funding.interval_seconds, study.market.horizon_seconds[-1])


def known_rates(study: Study, seconds: np.ndarray) -> np.ndarray:
    """The part of each payment's rate that is the same on all paths."""
    funding, rates = study.funding, np.zeros(len(seconds))
    if isinstance(funding, ConstantFunding):
        rates = rates + funding.rate
    elif isinstance(funding, ReplayFunding):
        rates = _replayed(study, funding, seconds)
    for spike in _spikes(study):
        if isinstance(spike.at, str):
            rates = rates + _spiked(spike, seconds - (0 if spike.at == "now" else parse_duration(spike.at)))
    return rates


def law(study: Study, seconds: np.ndarray, steps: np.ndarray, segments: Segments, dt: float) -> Any:
    """What differs from path to path, as the loop takes it; empty where all rates are known.

    Payments are made at the ends of `steps`, of `dt` years each.
    """
    process = study.funding if isinstance(study.funding, MeanRevertingFunding) else None
    drawn = [spike for spike in _spikes(study) if not isinstance(spike.at, str)]
    if study.funding is None or (process is None and not drawn):
        return ()
    ends = np.cumsum(segments.steps)
    is_due = np.isin(ends, steps)
    number = np.minimum(np.searchsorted(steps, ends), len(steps) - 1)
    span = np.diff(seconds, prepend=0)[number] / YEAR_SECONDS
    speed, volatility = (process.reversion, process.volatility) if process else (1.0, 0.0)
    rows = payments.Payments(
        is_due=is_due,
        number=number.astype(np.uint32),
        step=ends.astype(np.int32),
        years=span,
        decay=np.exp(-speed * span),
        deviation=_deviation(speed, volatility, span),
    )
    reverting: Any = ()
    if process:
        reverting = payments.Reverting(process.rate, process.mean, process.correlation, process.floor, process.cap)
    by_law: dict[str, tuple[payments.Spike, ...]] = {}
    for spike in drawn:
        kind = when.law(spike.at)
        by_law[kind] = (*by_law.get(kind, ()), _spike(spike, dt))
    return payments.Law(rows, reverting, by_law)


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


def _replayed(study: Study, funding: ReplayFunding, seconds: np.ndarray) -> np.ndarray:
    """The recorded rates of each payment; InputError unless the record has them all."""
    record = study.recorded
    assert record is not None  # read with the study
    start = int((funding.start or study.as_of).timestamp())
    rates = record.at(start + seconds)
    missing = np.flatnonzero(np.isnan(rates))
    if missing.size:
        first, last = (_text(record.stamps[at]) for at in (0, -1))
        raise InputError(
            f"the record holds no rate for {_text(start + seconds[missing[0]])}, one of {missing.size} of the "
            f"{len(seconds)} payments that it lacks; it runs from {first} to {last}",
            key="funding.start" if funding.start else "funding.file",
            got=instant_text(funding.start) if funding.start else funding.file,
            hint="Lay start, on the clock of as_of, so that all payments up to the last horizon lie in the record",
            file=study.file,
        )
    return rates


def _text(seconds: Any) -> str:
    return f"{np.datetime64(int(seconds), 's')}Z"
