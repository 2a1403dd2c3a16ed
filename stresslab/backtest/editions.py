"""Which editions of a rulebook a walk takes, and on which of its dates none is known to hold."""

from collections import Counter
from datetime import UTC, datetime

import numpy as np

from stresslab.backtest.levels import DatedRules
from stresslab.venues.editions import in_force, outside


def dates_by_edition(dates: np.ndarray, rules: DatedRules) -> dict[str, int]:
    """How many of the dates (seconds since 1970) take each edition; the oldest comes first."""
    return dict(Counter(in_force(rules.history, moment).edition for moment in _moments(dates)))


def doubtful_dates(dates: np.ndarray, rules: DatedRules) -> str:
    """Dates on which no edition is known to hold, in words; empty where there are none."""
    unknown = [moment for moment in _moments(dates) if outside(in_force(rules.history, moment), moment)]
    if not unknown:
        return ""
    share = f"{len(unknown):,} of {len(dates):,} dates, between {unknown[0]:%Y-%m-%d} and {unknown[-1]:%Y-%m-%d}"
    return f"no edition of {rules.history[-1].id} is known to hold on {share}: the nearest is taken"


def _moments(dates: np.ndarray) -> list[datetime]:
    return [datetime.fromtimestamp(seconds, UTC) for seconds in dates.tolist()]
