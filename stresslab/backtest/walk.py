"""The whole backtest: baselines, then each model along the clock, then what their forecasts were worth."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from stresslab.backtest import kept
from stresslab.backtest.baselines import BASELINES, Asked, Forecast
from stresslab.backtest.clock import Clock, make_clock
from stresslab.backtest.dataset import Judged, assemble
from stresslab.backtest.forecasts import Diary, forecast_model
from stresslab.backtest.outcomes import ObservedMoves, excursions, observed_moves
from stresslab.backtest.question import Question
from stresslab.calibrate import Bars
from stresslab.errors import require

OnProgress = Callable[[int, int], None]  # path-steps done since the last call, and planned


def run_backtest(
    bars: Bars, question: Question, progress: OnProgress = lambda done, planned: None, folder: Path | None = None
) -> xr.Dataset:
    """The dataset of `question` on `bars`. With a `folder` finished models are kept there, and taken from there."""
    clock = make_clock(bars, question.spans, question.start, question.end)
    asked = question.asked(bars, clock.dates)
    after = observed_moves(bars, asked.n_ahead, question.holes_are_untraded)
    moves = excursions(after)
    forecasts = {name: make(bars, clock, asked, moves) for name, make in BASELINES.items()}
    diaries = {name: Diary() for name in BASELINES}
    each = question.n_paths * asked.n_ahead
    planned = each * len(clock.dates) * len(question.models)
    for kind in question.models:
        forecasts[kind], diaries[kind] = _forecast(
            kind, bars, clock, asked, question, folder, lambda n_dates: progress(n_dates * each, planned)
        )
    made = any(np.isfinite(forecasts[kind].probability).any() for kind in question.models)
    reasons = "; ".join(f"{kind}: {diaries[kind].refused[-1]}" for kind in question.models if diaries[kind].refused)
    require(made, f"no model could be fitted on any date: {reasons}", file=bars.file, key="--models")
    seen = ObservedMoves(*(one[clock.rows] for one in after))
    return assemble(Judged(bars, question, clock, asked.levels, seen, forecasts, diaries))


def _forecast(
    kind: str,
    bars: Bars,
    clock: Clock,
    asked: Asked,
    question: Question,
    folder: Path | None,
    tell: Callable[[int], None],
) -> tuple[Forecast, Diary]:
    name = kept.file_name(kind, bars, clock, asked, question)
    found = None if folder is None else kept.read(folder / name)
    if found is not None:
        tell(len(clock.dates))
        return found
    made = forecast_model(kind, bars, clock, asked, question.n_paths, question.seed, lambda: tell(1))
    if folder is not None:
        kept.write(folder / name, *made)
    return made
