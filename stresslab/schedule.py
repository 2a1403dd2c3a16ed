"""The clock of a path: when the loop over steps stops to look up.

A path runs in segments of whole steps. A segment ends where a survival bin ends, where funding is paid, at a horizon,
or where so many jumps could have happened that their gaps would no longer fit into the ladder's slots. Where several
payments fall into one step, segments of no steps follow it, one for each further payment. Steps are counted from as_of.
"""

from typing import Any, NamedTuple

import numpy as np

GAP_SLOTS = 4
_JUMPS_PER_SEGMENT = (
    0.08  # more than 4 jumps: 2.5e-8; all of them new extremes, which is what a slot is for: below 1e-9
)


class Segments(NamedTuple):
    """One row for each segment: what the compiled loop reads. NumPy on the host, JAX in the loop, all of length
    n_segments.
    """

    steps: Any  # int32, steps in the segment: 0 for a further payment at the end of the one before
    funding_rate: Any  # float32, rate paid at its end, 0 where none is
    bin: Any  # int32, the survival bin it lies in
    horizon: Any  # int32, the first horizon that it does not lie after


class Schedule(NamedTuple):
    """Segments, the steps at which survival bins and horizons end, and the payments made at the segments' ends."""

    segments: Segments
    bin_ends: np.ndarray  # int64 steps
    horizon_ends: np.ndarray  # int64 steps
    payments: np.ndarray  # int64, for each segment the number of the payment at its end, -1 where none is made

    @property
    def horizon_bins(self) -> np.ndarray:
        """For each horizon the index of the survival bin that ends with it."""
        return np.searchsorted(self.bin_ends, self.horizon_ends)


def survival_bins(horizon_ends: np.ndarray, points: int) -> np.ndarray:
    """Ends of about `points` survival bins in steps: spread evenly between neighbouring horizons, horizons included."""
    starts = np.concatenate([[0], horizon_ends[:-1]])
    each = max(1, points // len(horizon_ends))
    spans = [np.linspace(start, end, each + 1)[1:] for start, end in zip(starts, horizon_ends, strict=True)]
    return np.setdiff1d(np.rint(np.concatenate(spans)).astype(np.int64), [0])  # fewer where there are fewer steps


def build(
    horizon_ends: np.ndarray,
    bin_ends: np.ndarray,
    funding_steps: np.ndarray,
    funding_rate: float | np.ndarray,
    jumps_per_step: float = 0.0,
) -> Schedule:
    """Schedule for horizons, bins and funding times, all given as steps (funding is paid at the end of its step).

    The funding rate is one number, or one for each time. Funding times rise; those that are equal are paid one after
    another.
    """
    last = int(horizon_ends[-1])
    rates = np.broadcast_to(np.asarray(funding_rate, float), funding_steps.shape)[funding_steps <= last]
    funding_steps = funding_steps[funding_steps <= last]
    stops = np.unique(np.concatenate([bin_ends, horizon_ends, funding_steps]))
    longest = max(1, int(min(last, _JUMPS_PER_SEGMENT / jumps_per_step))) if jumps_per_step > 0 else last
    stops = _subdivide(stops, longest)
    further = funding_steps[1:][np.diff(funding_steps) == 0]
    stops = np.sort(np.concatenate([stops, further]))
    of_its_step = np.arange(len(funding_steps)) - np.searchsorted(funding_steps, funding_steps)
    paid_at = np.searchsorted(stops, funding_steps) + of_its_step
    paid, payments = np.zeros(len(stops), np.float32), np.full(len(stops), -1)
    paid[paid_at], payments[paid_at] = rates, np.arange(len(funding_steps))
    segments = Segments(
        steps=np.diff(stops, prepend=0).astype(np.int32),
        funding_rate=paid,
        bin=np.searchsorted(bin_ends, stops).astype(np.int32),
        horizon=np.searchsorted(horizon_ends, stops).astype(np.int32),
    )
    return Schedule(segments, bin_ends, horizon_ends, payments)


def _subdivide(stops: np.ndarray, longest: int) -> np.ndarray:
    """The same stops with more between them, so that no gap is longer than `longest` steps."""
    starts = np.concatenate([[0], stops[:-1]])
    return np.unique(
        np.concatenate([np.append(np.arange(a, b, longest)[1:], b) for a, b in zip(starts, stops, strict=True)])
    )
