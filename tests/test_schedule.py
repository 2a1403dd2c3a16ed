"""The clock: tables by hand, and what must hold for any study."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stresslab import schedule

STEPS = st.lists(st.integers(1, 3000), min_size=1, max_size=5, unique=True).map(lambda ends: np.array(sorted(ends)))


def array(*numbers):
    return np.array(numbers, np.int64)


@pytest.mark.parametrize(
    "ends, points, bins",
    [
        ([8], 4, [2, 4, 6, 8]),
        ([8], 1, [8]),
        ([4, 8], 4, [2, 4, 6, 8]),  # shared out between the horizons
        ([3], 48, [1, 2, 3]),  # no more bins than steps
        ([4, 40], 4, [2, 4, 22, 40]),
        ([1, 2, 10], 2, [1, 2, 10]),  # at least one for each horizon
    ],
)
def test_survival_bins(ends, points, bins):
    np.testing.assert_array_equal(schedule.survival_bins(array(*ends), points), bins)


def test_a_schedule_by_hand():
    """Horizons after 4 and 12 steps, bins every 2 and 4, funding every 3 but not after the last horizon."""
    found = schedule.build(array(4, 12), array(2, 4, 8, 12), array(3, 6, 9, 12, 15), 1e-4)
    segments = found.segments
    np.testing.assert_array_equal(np.cumsum(segments.steps), [2, 3, 4, 6, 8, 9, 12])
    np.testing.assert_array_equal(segments.funding_rate, np.float32([0, 1e-4, 0, 1e-4, 0, 1e-4, 1e-4]))
    np.testing.assert_array_equal(segments.bin, [0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(segments.horizon, [0, 0, 0, 1, 1, 1, 1])
    np.testing.assert_array_equal(found.horizon_bins, [1, 3])


def test_payments_of_one_step_have_segments_of_their_own():
    """Three at the end of step 4, which is a horizon, and two at the end of the last."""
    found = schedule.build(array(4, 6), array(2, 4, 6), array(3, 4, 4, 4, 6, 6, 7), np.arange(1, 8) * 1e-4)
    segments = found.segments
    np.testing.assert_array_equal(segments.steps, [2, 1, 1, 0, 0, 2, 0])
    np.testing.assert_array_equal(segments.funding_rate, np.float32([0, 1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 6e-4]))
    np.testing.assert_array_equal(segments.bin, [0, 1, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(segments.horizon, [0, 0, 0, 0, 0, 1, 1])
    np.testing.assert_array_equal(found.payments, [-1, 0, 1, 2, 3, 4, 5])


@given(STEPS, st.lists(st.integers(1, 3000), max_size=40), st.floats(0, 0.5))
def test_every_payment_is_made_once_at_its_step(ends, steps, jumps_per_step):
    bins, funding = schedule.survival_bins(ends, 10), np.array(sorted(steps), np.int64)
    rates = np.arange(1, len(funding) + 1) * 1e-5
    found = schedule.build(ends, bins, funding, rates, jumps_per_step)
    due = funding <= ends[-1]
    paid = found.payments >= 0
    np.testing.assert_array_equal(np.cumsum(found.segments.steps)[paid], funding[due])
    np.testing.assert_array_equal(found.payments[paid], np.arange(due.sum()))
    np.testing.assert_array_equal(found.segments.funding_rate[paid], rates[due].astype(np.float32))
    assert not found.segments.funding_rate[~paid].any()


def test_types_are_those_that_the_loop_reads():
    segments = schedule.build(array(4), array(2, 4), array(), 0.0).segments
    assert [field.dtype for field in segments] == [np.int32, np.float32, np.int32, np.int32]


@given(STEPS, st.integers(1, 60), st.integers(1, 500), st.floats(0, 0.5))
def test_invariants(ends, points, every, jumps_per_step):
    bins = schedule.survival_bins(ends, points)
    funding = np.arange(every, ends[-1] + every + 1, every)
    found = schedule.build(ends, bins, funding, 2e-4, jumps_per_step)
    steps, rate, of_bin, of_horizon = found.segments
    stops = np.cumsum(steps)
    assert np.all(steps >= 1)
    assert stops[-1] == ends[-1]
    assert set(bins) | set(ends) <= set(stops)
    np.testing.assert_array_equal(stops[rate != 0], funding[funding <= ends[-1]])
    starts = stops - steps
    for stop, names in ((bins, of_bin), (ends, of_horizon)):  # each segment lies within one bin and one horizon
        assert np.all(stops <= stop[names])
        assert np.all(starts >= np.concatenate([[0], stop])[names])
    np.testing.assert_array_equal(bins[found.horizon_bins], ends)


@pytest.mark.parametrize("jumps_per_step", [0.0, 1e-4, 2e-3, 0.0124])
def test_jumps_of_a_segment_fit_into_the_slots(jumps_per_step):
    """More jumps than slots are rarer than 3e-8 in a segment; a jump that is no new extreme needs no slot."""
    found = schedule.build(array(96, 672), array(48, 96, 672), array(32, 64, 96), 1e-4, jumps_per_step)
    most = found.segments.steps.max() * jumps_per_step
    assert stats.poisson.sf(schedule.GAP_SLOTS, most) < 3e-8
    if jumps_per_step == 0:
        assert len(found.segments.steps) == 5


def test_steps_with_many_jumps_make_segments_of_one():
    assert set(schedule.build(array(50), array(50), array(), 0.0, 0.9).segments.steps) == {1}
