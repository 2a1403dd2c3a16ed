"""What a backtest asks: checked once, in words, before anything runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stresslab.backtest.baselines import BASELINES, Asked
from stresslab.backtest.clock import Spans
from stresslab.backtest.levels import DatedRules, dated_levels
from stresslab.calibrate import FITS, Bars
from stresslab.errors import InputError, require
from stresslab.files.validation import nearest
from stresslab.units import format_duration

CONFIDENCES = (0.95, 0.99)
LEAST_WINDOW = 60 * 86_400  # seconds: baselines take quantiles of it
LEAST_HORIZONS = 20  # in a window
LEAST_PATHS = 1000
NO_FORECAST = ("replay",)


@dataclass(frozen=True, eq=False)
class Question:
    """A backtest, but for the prices."""

    models: tuple[str, ...]
    sides: tuple[str, ...]
    leverages: tuple[float, ...]
    levels: np.ndarray | None  # log distance to liquidation (side, leverage); None where they are `dated`
    rules: str  # where the levels are from, in words
    spans: Spans
    n_paths: int
    seed: int
    start: int | None = None  # seconds since 1970
    end: int | None = None
    holes_are_untraded: bool = False  # a missing bar means that nothing was traded, not that nothing is known
    dated: DatedRules | None = None  # where the levels are those of the edition at each date

    def __post_init__(self) -> None:
        check_models(self.models)
        rule = "levels are given, or the rulebook whose editions give them by date: one of the two"
        require((self.levels is None) != (self.dated is None), rule, key="levels")
        rule = f"is an even number of paths, at least {LEAST_PATHS}"
        require(self.n_paths >= LEAST_PATHS and self.n_paths % 2 == 0, rule, key="--paths", got=self.n_paths)
        require(0 <= self.seed < 2**32, "is a whole number below 2^32", key="--seed", got=self.seed)
        least = max(LEAST_WINDOW, LEAST_HORIZONS * self.spans.horizon)
        rule = f"must be at least {format_duration(least)}: the baselines take frequencies of it"
        require(self.spans.window >= least, rule, key="--window", got=format_duration(self.spans.window))

    def levels_on(self, dates: np.ndarray) -> np.ndarray:
        """Log distances (side, leverage, date)."""
        if self.dated is not None:
            return dated_levels(dates, self.sides, self.leverages, self.dated)
        assert self.levels is not None  # checked above
        return np.repeat(self.levels[:, :, None], len(dates), axis=2)

    def asked(self, bars: Bars, dates: np.ndarray) -> Asked:
        """What every forecaster is asked, in bars, on these dates."""
        n_ahead, n_window = self.spans.horizon // bars.seconds, self.spans.window // bars.seconds
        return Asked(self.sides, self.levels_on(dates), CONFIDENCES, n_ahead, n_window)

    @property
    def overlap(self) -> int:
        """How many neighbouring forecasts share a part of their horizons; 1 where none do."""
        return math.ceil(self.spans.horizon / self.spans.every)

    @property
    def said(self) -> dict[str, Any]:
        """For the dataset's attributes."""
        spans = {name: format_duration(seconds) for name, seconds in self.spans._asdict().items()}
        return (
            spans
            | {"rules": self.rules, "n_paths": self.n_paths, "seed": self.seed, "overlap": self.overlap}
            | ({"holes": "untraded"} if self.holes_are_untraded else {})
        )


def check_models(models: Sequence[str]) -> None:
    """InputError for a model that cannot be fitted to returns, or is named twice."""
    known = tuple(name for name in FITS if name not in NO_FORECAST)
    require(bool(models), "name at least one model", key="--models", got="", hint=f"Known: {', '.join(known)}")
    for name in models:
        require(name not in NO_FORECAST, "plays one recorded path: that is no forecast", key="--models", got=name)
        if name not in known:
            hint = nearest(name, known) or f"Known: {', '.join(known)}"
            taken = " (baselines are always there)" if name in BASELINES else ""
            raise InputError(f"is no model that can be fitted to returns{taken}", key="--models", got=name, hint=hint)
    require(len(set(models)) == len(models), "a model is named twice", key="--models", got=",".join(models))
