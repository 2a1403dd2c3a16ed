"""A market cell: everything that the law of the paths depends on, and which cells of the study share it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stresslab import schedule
from stresslab.config.market_model import market_model
from stresslab.config.model_steps import check_drawn_steps
from stresslab.config.payment_plan import PaymentTimes, known_rates, law, most_paid, payment_seconds
from stresslab.config.schema import Study
from stresslab.grid.draws import drawn_models
from stresslab.models import Parameters
from stresslab.units import years


@dataclass(frozen=True)
class MarketCell:
    """One law of the paths."""

    index: int
    coords: dict[str, Any]
    study: Study
    cells: tuple[int, ...]
    ladders: tuple[int, ...]
    n_steps: int
    dt: float
    schedule: schedule.Schedule
    models: tuple[Parameters, ...]  # shocked and at spot: one, or one for each block where parameters are drawn
    whole: tuple[Parameters, ...]  # of a joint model those of all its assets, for books on several; else the same
    drawn: bool
    funding: Any  # the law of rates that differ from path to path, else empty
    most_paid: float  # a bound on the sum of all funding rates
    payments: PaymentTimes


def market_cell(
    index: int,
    coords: dict[str, Any],
    study: Study,
    cells: tuple[int, ...],
    bin_seconds: np.ndarray,
    swept: tuple[str, ...],
) -> MarketCell:
    """The market cell of these cells, of which `study` is one; its ladders are not made yet."""
    step = study.market.step_seconds
    sampling = study.sampling
    drawn: tuple[Parameters, ...] = ()
    if sampling.parameters == "drawn":
        drawn = drawn_models(study, swept, sampling.most_paths // sampling.block)
    models = tuple(market_model(study, model) for model in drawn or (study.model,))
    joint = study.market.model in study.joints
    whole = tuple(market_model(study, model, whole=True) for model in drawn or (study.model,)) if joint else models
    check_drawn_steps(study, models if drawn else ())
    substeps = max(model.substeps(years(step)) for model in models)  # one clock for all blocks
    dt = years(step) / substeps
    ends = np.array(study.market.horizon_seconds) // step * substeps
    bins = bin_seconds // step * substeps
    times = PaymentTimes(payment_seconds(study), step, substeps)
    rates = known_rates(study, times.seconds)
    jumps = max(model.jumps_per_step(dt) for model in models)
    timetable = schedule.build(ends, bins, times.steps, rates, jumps)
    funding = law(study, times, timetable, dt)
    most = most_paid(study, times.seconds, rates)
    return MarketCell(
        index, coords, study, cells, (), int(ends[-1]), dt, timetable, models, whole, bool(drawn), funding, most, times
    )
