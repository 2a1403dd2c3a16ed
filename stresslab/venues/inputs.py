"""What the functions of this package take: numbers or arrays of them, as float64, refused in words if senseless."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import InputError, require

FloatArray = NDArray[np.float64]

LARGEST = 1e60  # no market is near it, and a product of five such numbers is still finite

P = ParamSpec("P")
R = TypeVar("R")


def numeric(key: str, value: ArrayLike) -> FloatArray:
    """`value` as float64, NaN (not there) and infinity allowed; InputError naming `key` for what is no number."""
    try:
        given = np.asarray(value)
        is_numeric = given.dtype.kind in "iuf"
    except ValueError:  # ragged sequences
        is_numeric = False
    require(is_numeric, "must be a number, or an array of numbers", key=key, got=value)
    return given.astype(np.float64)


def finite(key: str, value: ArrayLike) -> FloatArray:
    """`value` as float64; InputError naming `key` unless every entry is a finite number of a size that can occur."""
    array = numeric(key, value)
    if not (np.abs(array) <= LARGEST).all():  # one look where nothing is wrong: plans ask this very often
        refuse_where(~np.isfinite(array), array, "must be finite", key)
        refuse_where(np.abs(array) > LARGEST, array, f"must not be beyond {LARGEST:g}", key)
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


def series(key: str, array: FloatArray) -> FloatArray:
    """The array itself; InputError naming `key` unless its last axis has an entry (samples, assets, accounts)."""
    has_axis = array.ndim > 0 and array.shape[-1] > 0
    require(has_axis, "must be an array with at least one entry on its last axis", key=key, got=array.tolist())
    return array


def whole(key: str, value: Any, least: int = 0) -> int:
    """A Python integer of at least `least`; InputError naming `key` for what is none."""
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    require(is_whole and value >= least, f"must be a whole number of at least {least}", key=key, got=value)
    return int(value)


def choice(key: str, value: Any, allowed: Collection[str]) -> None:
    """InputError naming `key` unless the value is one of the names."""
    names = [f'"{name}"' for name in allowed]
    rule = f"must be {', '.join(names[:-1])} or {names[-1]}"
    require(isinstance(value, str) and value in allowed, rule, key=key, got=value)


def direction(side: Any) -> FloatArray:
    """+1 for "long" and -1 for "short", elementwise for an array of them."""
    return np.where(one_of_two("side", side, "long", "short"), 1.0, -1.0)


def one_of_two(key: str, value: Any, first: str, second: str) -> NDArray[np.bool_]:
    """Whether it is the first of two names, elementwise; InputError naming `key` for what is neither."""
    rule = f'must be "{first}" or "{second}"'
    try:
        names = np.asarray(value)
    except ValueError:  # ragged sequences
        raise InputError(rule, key=key, got=value) from None
    is_first = np.asarray(names == first)
    refuse_where(~(is_first | (names == second)), names, rule, key)
    return is_first


def flags(key: str, value: Any) -> NDArray[np.bool_]:
    """`value` as truth values; InputError naming `key` for anything else."""
    try:
        given = np.asarray(value)
        is_flag = given.dtype.kind == "b"
    except ValueError:  # ragged sequences
        is_flag = False
    require(is_flag, "must be true or false, or an array of that", key=key, got=value)
    return given


def refuse_where(bad: Any, array: np.ndarray, rule: str, key: str) -> None:
    """InputError with the first of the bad entries, if there is one."""
    if bad.any():
        raise InputError(rule, key=key, got=_first(array, bad))


def shapes_in_words(rule: Callable[P, R]) -> Callable[P, R]:
    """Arrays that do not go together are refused in words: which ones these are, only the whole call tells."""

    @wraps(rule)
    def answer(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return rule(*args, **kwargs)
        except InputError:
            raise
        except ValueError as error:
            if "broadcast" not in str(error):
                raise
            shapes = [np.shape(value) for value in (*args, *kwargs.values()) if isinstance(value, np.ndarray | list)]
            rule_in_words = "arrays must be of one shape, or of shapes that NumPy broadcasts"
            raise InputError(rule_in_words, key=rule.__name__, got=shapes) from error

    return answer


def _first(array: np.ndarray, chosen: Any) -> Any:
    return np.asarray(np.broadcast_to(array, np.shape(chosen))[chosen].flat[0]).item()
