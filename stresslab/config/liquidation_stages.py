"""A rulebook's liquidation ladder as stages of the engine; what no stage closes is closed whole."""

import math
from typing import Any

import numpy as np

from stresslab.accounts.stages import backstop, close_fraction, cover_shortage, incremental, reduce_tiers
from stresslab.units import YEAR_SECONDS, parse_duration
from stresslab.venues import Rulebook
from stresslab.venues.schema.liquidation import CloseFraction, CoverShortage, Incremental, ReduceTiers, ToPassingTier


def forms(rulebook: Rulebook) -> tuple[Any, ...]:
    """The stages before the close-out of all. A venue that cancels orders first frees nothing here: none are open."""
    found: list[Any] = [] if rulebook.liquidation.backstop_at is None else [backstop.Backstop()]
    for stage in rulebook.liquidation.ladder:
        if isinstance(stage, ReduceTiers):
            found.append(reduce_tiers.ReduceTiers(stage.tiers, stage.from_tier))
        elif isinstance(stage, ToPassingTier):
            found.append(reduce_tiers.ReduceTiers(tiers=1, from_tier=2, covers_first=False))
        elif isinstance(stage, CloseFraction):
            found.append(close_fraction.CloseFraction())
        elif isinstance(stage, CoverShortage):
            found.append(cover_shortage.CoverShortage())
        elif isinstance(stage, Incremental):
            found.append(incremental.Incremental())
    return tuple(found)


def numbers(rulebook: Rulebook, quote: float, dt: float) -> tuple[Any, ...]:
    """Of one book; `quote` is the quote notional of a leg of size 1 at as_of, `dt` the step in years."""
    below, seconds = rulebook.liquidation.backstop_at, dt * YEAR_SECONDS
    found: list[Any] = [] if below is None else [backstop.BackstopNumbers(below)]
    for stage in rulebook.liquidation.ladder:
        if isinstance(stage, ReduceTiers | ToPassingTier):
            found.append(())
        elif isinstance(stage, CloseFraction):
            cooldown = np.int32(math.ceil(parse_duration(stage.cooldown) / seconds - 1e-9))
            found.append(close_fraction.CloseFractionNumbers(stage.fraction, stage.above_notional / quote, cooldown))
        elif isinstance(stage, CoverShortage):
            found.append(cover_shortage.CoverShortageNumbers(stage.buffer))
        elif isinstance(stage, Incremental):
            rounds = max(1, math.floor(seconds / parse_duration(stage.every) + 1e-9))
            found.append(incremental.IncrementalNumbers(stage.fraction, float(rounds)))
    return tuple(found)
