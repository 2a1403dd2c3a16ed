"""Usual intervals and holes of a record, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stresslab.files.record_gaps import find_gaps

H = 3600


def stamps(*hours: float) -> np.ndarray:
    """Stamps that lie so many hours apart."""
    return np.concatenate([[0], np.cumsum(hours)]) * H


@pytest.mark.parametrize(
    ("hours", "holes"),
    [
        ([8] * 10, []),
        ([8] * 5 + [4] * 5 + [1] * 5 + [8] * 5, []),  # the interval changes
        ([8] * 4 + [16] + [8] * 4, [4]),  # one payment is missing
        ([8, 16, 8, 16, 8, 8, 8], [1, 3]),  # two are, and hide nothing of each other
        ([1] * 5 + [5] + [1] * 5, [5]),
        ([8] * 5 + [1, 5] + [1] * 5, []),  # straight after a change nobody can tell
        ([8] * 5 + [1] * 3 + [5] + [1] * 5, [8]),
        ([8, 10, 6, 8, 11, 5, 8, 9, 7], []),  # odd hours
        ([1] * 5 + [8], [5]),  # the last gap could be a new interval: it is refused rather than passed over
        ([24 * 20] + [8] * 5, [0]),
        ([8] * 5 + [24 * 20], [5]),
    ],
)
def test_holes(hours, holes):
    assert find_gaps(stamps(*hours), 8 * H).holes.tolist() == holes


def test_what_is_usual_at_the_ends():
    found = find_gaps(stamps(8, 8, 16, 8, 4, 1, 1), 99 * H)
    assert (found.at_start, found.at_end) == (8 * H, H)
    assert found.usual[2] == 8 * H


@pytest.mark.parametrize("hours", [[], [720]])
def test_a_record_too_short_to_say_takes_the_interval_that_is_given(hours):
    found = find_gaps(stamps(*hours), 8 * H)
    assert found.holes.tolist() == ([0] if hours else [])
    assert find_gaps(stamps(*hours), 720 * H).holes.size == 0


@given(st.integers(1, 24), st.integers(8, 40), st.data())
def test_any_one_payment_that_a_regular_record_lacks_is_found(interval, n, data):
    whole = np.arange(n) * interval * H
    lost = data.draw(st.integers(1, n - 2))
    assert find_gaps(whole, 8 * H).holes.size == 0
    assert find_gaps(np.delete(whole, lost), 8 * H).holes.tolist() == [lost - 1]
