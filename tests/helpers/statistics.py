"""Assertions about samples: the tolerance is a number of standard errors of the sample itself, never a guess."""

from collections.abc import Callable

import numpy as np
import pytest


def assert_mean(sample, expected: float, z: float = 5, slack: float = 0) -> None:
    """The mean of independent draws is `expected` to `z` standard errors, and `slack` for a bias that is known."""
    sample = np.asarray(sample, float)
    error = sample.std(ddof=1) / np.sqrt(sample.size)
    found = sample.mean()
    assert abs(found - expected) <= z * error + slack, (
        f"mean {found:.8g}, not {expected:.8g}: standard error {error:.2g}"
    )


def assert_proportion(hits: int, n: int, expected: float, z: float = 5, slack: float = 0) -> None:
    """`hits` of `n` independent trials are what the probability `expected` gives, to `z` standard errors."""
    error = np.sqrt(expected * (1 - expected) / n)
    found = hits / n
    assert abs(found - expected) <= z * error + slack, (
        f"share {found:.8g}, not {expected:.8g}: standard error {error:.2g}"
    )


def assert_variance(sample, expected: float, z: float = 5) -> None:
    """The variance of independent draws is `expected`; the standard error is that of the squared deviations."""
    sample = np.asarray(sample, float)
    assert_mean((sample - sample.mean()) ** 2, expected, z)


def assert_quantile(sample, probability: float, expected: float, z: float = 5) -> None:
    """`expected` is the quantile: the share of draws up to it is binomial."""
    sample = np.asarray(sample)
    assert_proportion(int((sample <= expected).sum()), sample.size, probability, z)


def assert_rejected(check: Callable[..., None], *given, **named) -> None:
    """A sensitivity twin: the same assertion refuses something that is a little wrong."""
    with pytest.raises(AssertionError):
        check(*given, **named)
