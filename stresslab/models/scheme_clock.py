"""The number of steps of a model's scheme to a horizon, and its limit.

Parameters shorten the steps of a scheme: jumps need slots, and a fast variance needs short steps. Without a limit, a
mistyped jump intensity would ask for more steps than any machine can run.
"""

from stresslab.errors import InputError
from stresslab.models.base import Parameters
from stresslab.units import format_duration, years

MOST_STEPS = 2**24  # of steps that were cut: two minutes for 1,024 paths of a fast model


def scheme_steps(model: Parameters, step: int, last: int) -> int:
    """Steps of the scheme to the last horizon, `step` and `last` in seconds."""
    return model.substeps(years(step)) * (last // step)


def takes_too_many(model: Parameters, step: int, last: int) -> bool:
    """Whether the scheme needs more steps than the limit."""
    return scheme_steps(model, step, last) > max(MOST_STEPS, last // step)


def check_steps(model: Parameters, step: int, last: int) -> None:
    """InputError, with the parameter that asks for the shortest steps as its key, where there are too many of them."""
    if not takes_too_many(model, step, last):
        return
    limits = model.step_limits()
    rule = (
        f"makes the scheme take {scheme_steps(model, step, last):.3g} steps to {format_duration(last)}, "
        f"more than {MOST_STEPS:,}"
    )
    raise InputError(rule, key=min(limits, key=lambda name: limits[name], default=""), hint="Lower it")
