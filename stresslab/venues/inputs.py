"""What the functions of this package take: numbers or arrays of them, as float64, refused in words if senseless."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import InputError, require

FloatArray = NDArray[np.float64]


def finite(key: str, value: ArrayLike) -> FloatArray:
    """`value` as float64; InputError naming `key` unless every entry is a finite number."""
    try:
        given = np.asarray(value)
        numeric = given.dtype.kind in "iuf"
        array = given.astype(np.float64) if numeric else np.empty(0)
    except ValueError:  # ragged sequences
        numeric = False
    require(numeric, "must be a number, or an array of numbers", key=key, got=value)
    refuse_where(~np.isfinite(array), array, "must be finite", key)
    return array


def positive(key: str, value: ArrayLike) -> FloatArray:
    """`value` as float64; InputError naming `key` unless every entry is finite and above 0."""
    array = finite(key, value)
    refuse_where(array <= 0, array, "must be above 0", key)
    return array


def not_negative(key: str, value: ArrayLike) -> FloatArray:
    """`value` as float64; InputError naming `key` unless every entry is finite and at least 0."""
    array = finite(key, value)
    refuse_where(array < 0, array, "must not be negative", key)
    return array


def direction(side: Any) -> FloatArray:
    """+1 for "long" and -1 for "short", elementwise for an array of them."""
    names = np.asarray(side)
    known = (names == "long") | (names == "short")
    if not np.all(known):
        raise InputError('must be "long" or "short"', key="side", got=_first(names, ~np.asarray(known)))
    return np.where(names == "long", 1.0, -1.0)


def refuse_where(bad: Any, array: np.ndarray, rule: str, key: str) -> None:
    """InputError with the first of the bad entries, if there is one."""
    if np.any(bad):
        raise InputError(rule, key=key, got=_first(array, bad))


def _first(array: np.ndarray, chosen: Any) -> Any:
    return np.broadcast_to(array, np.shape(chosen))[chosen].flat[0].item()
