"""Sentences about failed identification: no convergence, parameters on a bound, undetermined, or collinear.

Collinearity by the condition indexes of the Jacobian with columns of length one: above 30, the parameters that take
part in the weak direction cannot be identified apart. Belsley, Kuh and Welsch (1980), "Regression diagnostics",
chapter 3.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult

ROUNDING = "ABNORMAL"  # begins the message of L-BFGS-B where its line search fails on rounding: no step goes lower
NOT_CONVERGED = "the optimiser has not converged: the parameters may not be the best fit"
COLLINEAR = 30.0  # condition index
TAKES_PART = 0.3  # of the weak direction, whose length is one
SIGNED = frozenset({"rho", "jump_mean", "jump_correlation", "gamma", "skew"})  # parameters that may be 0


class Found(NamedTuple):
    """The point of a search, or the estimates made of it, and whether the search ended before its steps did."""

    point: np.ndarray
    converged: bool


def best_of(searches: Sequence[OptimizeResult]) -> Found:
    """The lowest of several searches by SciPy's `minimize`."""
    best = min(searches, key=lambda search: search.fun)
    return Found(np.asarray(best.x), bool(best.success) or str(best.message).startswith(ROUNDING))


def not_converged(*found: Found) -> list[str]:
    """A doubt where one of the searches ran out of steps."""
    return [] if all(each.converged for each in found) else [NOT_CONVERGED]


def on_bound(names: Iterable[str], parameters: Mapping[str, float]) -> list[str]:
    """A doubt for each parameter that ended on its bound."""
    words = "sits on its bound {:.4g}: it is held there and has no standard error"
    return [f"{name} {words.format(parameters[name])}" for name in names]


def undetermined(parameters: Mapping[str, float], errors: Mapping[str, float]) -> list[str]:
    """A doubt for each parameter outside `SIGNED` whose standard error exceeds its absolute value."""
    return [f"{name} is not determined: {words}" for name, words in _wide(parameters, errors) if name not in SIGNED]


def sign_undetermined(parameters: Mapping[str, float], errors: Mapping[str, float]) -> list[str]:
    """A remark for each parameter of `SIGNED` whose standard error exceeds its absolute value."""
    return [
        f"the sign of {name} is not determined: {words}" for name, words in _wide(parameters, errors) if name in SIGNED
    ]


def _wide(parameters: Mapping[str, float], errors: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    for name, error in errors.items():
        if error > abs(parameters[name]):
            yield name, f"{parameters[name]:.3g} with standard error {error:.2g}"


def collinear(jacobian: np.ndarray, names: Sequence[str], data: str) -> list[str]:
    """A doubt for each group of parameters that `data` cannot tell apart; a column of the Jacobian for each name."""
    lengths = np.linalg.norm(jacobian, axis=0)
    _, singular, directions = np.linalg.svd(jacobian / np.where(lengths > 0, lengths, 1.0), full_matrices=False)
    found = []
    for value, direction in zip(singular, directions, strict=True):
        if singular[0] > COLLINEAR * value:
            group = [name for name, part in zip(names, direction, strict=True) if abs(part) > TAKES_PART]
            index = f"condition index {singular[0] / value:.0f}" if value > 0 else "singular"
            apart = " apart" if len(group) > 1 else ""
            found.append(f"{data} cannot identify {' and '.join(group)}{apart}: {index}")
    return found
