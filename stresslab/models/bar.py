"""The clock of models in discrete time: a bar is a whole number of steps, and longer steps are cut into bars."""

import numpy as np

from stresslab.errors import require
from stresslab.units import format_duration


def check_step(seconds: int, bar: int) -> None:
    """InputError unless the step divides the bar, or the bar the step."""
    name = format_duration(bar)
    fits = bar % seconds == 0 or seconds % bar == 0
    rule = f"the step must divide the model's bar of {name}, or be a multiple of it"
    require(fits, rule, key="step", got=format_duration(seconds), hint=f"Take a step of {name}")


def steps(dt: float, bar: float) -> np.uint32:
    """How many steps of `dt` years make a bar of `bar` years."""
    return np.uint32(max(1, round(bar / dt)))
