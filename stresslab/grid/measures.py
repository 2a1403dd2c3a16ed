"""What is measured of a ladder beside its probabilities: times, survival, money and tails, the book axis in front."""

import numpy as np

from stresslab.condense import GENERAL_MONEY
from stresslab.estimate import blocks, intervals
from stresslab.estimate.tails import QUANTUM, tail_risk
from stresslab.grid.ladder import Ladder
from stresslab.grid.plan import Plan
from stresslab.grid.totals import Totals
from stresslab.units import SECONDS

Cells = dict[str, np.ndarray]
_MEANS = {
    "pnl": "mean_pnl",
    "fees": "mean_fees",
    "funding": "mean_funding",
    "shortfall": "shortfall_mean",
    "fund": "mean_insurance",
}


def time_median(plan: Plan, ladder: Ladder, totals: Totals) -> np.ndarray:
    """Median time of the event given that it came by the horizon, days, linear within its survival bin."""
    ends = survival_days(plan)
    by_bin = totals.summary["event_count"].sum(axis=-1)
    cumulative = np.concatenate([np.zeros_like(by_bin[..., :1]), np.cumsum(by_bin, axis=-1)], axis=-1).astype(float)
    medians = np.full((*by_bin.shape[:2], len(ladder.horizon_bins)), np.nan)
    for at in np.ndindex(*by_bin.shape[:2]):
        for horizon, last in enumerate(ladder.horizon_bins):
            total = cumulative[at][last + 1]
            if total > 0:
                after = int(np.searchsorted(cumulative[at], total / 2))
                before, here = cumulative[at][after - 1], cumulative[at][after]
                share = (total / 2 - before) / (here - before)
                medians[at][horizon] = ends[after - 1] + share * (ends[after] - ends[after - 1])
    return medians


def survival(totals: Totals, ruin: int, antithetic: bool) -> Cells:
    """P(no ruin yet). Pairs are not counted at every time: there the interval takes pairs for single draws
    (conservative).
    """
    hits = np.cumsum(totals.summary["event_count"][:, ruin].sum(axis=-1), axis=-1)
    hits = np.concatenate([np.zeros_like(hits[:, :1]), hits], axis=1)
    units = totals.n_paths // 2 if antithetic else totals.n_paths
    if totals.one_path:
        lower, upper = intervals.clopper_pearson(hits // totals.n_paths, 1)
    elif totals.drawn:
        lower, upper = _drawn_survival(hits, totals, ruin, units)
    else:
        lower, upper = intervals.clopper_pearson(hits * units / totals.n_paths, units)
    lower[:, 0] = upper[:, 0] = 0.0  # at time 0 nothing is left to chance
    return {"survival": 1 - hits / totals.n_paths, "survival_lower": 1 - upper, "survival_upper": 1 - lower}


def _drawn_survival(hits: np.ndarray, totals: Totals, ruin: int, units: int) -> tuple[np.ndarray, np.ndarray]:
    """The interval of ruin up to each time, both errors in it."""
    squares = totals.summary["hits_squared"][:, ruin]
    squares = np.concatenate([np.zeros_like(squares[:, :1]), squares], axis=1).astype(float)
    per_block = totals.n_paths // totals.n_blocks
    errors = blocks.of_counts(hits.astype(float), squares, totals.n_blocks, per_block)
    found = blocks.estimate(hits / totals.n_paths, errors, totals.n_blocks, units)
    return found.lower, found.upper


def money(ladder: Ladder, totals: Totals, antithetic: bool) -> Cells:
    """Means of PnL, fees, funding, shortfall and what the insurance fund gains, with standard errors."""
    n = totals.n_paths // 2 if antithetic else totals.n_paths
    values: Cells = {}
    for row, (first, second) in enumerate(totals.summary["sums"]):
        name = _MEANS[GENERAL_MONEY[row]]  # a plain book's end before the fund
        mean = first / n
        error = np.sqrt(np.maximum(second / n - mean**2, 0.0) / n)
        if totals.drawn:
            each = n // totals.n_blocks
            squares = totals.summary["sums_squared"][row] / each**2
            error = blocks.of_sums(first / each, squares, second / each, totals.n_blocks, each).total
        values[name] = mean * ladder.scale[:, None]
        values[f"{name}_se"] = error * ladder.scale[:, None]
    return values


def tails(plan: Plan, ladder: Ladder, totals: Totals) -> Cells:
    """Value at risk and expected shortfall, in money and as a fraction of equity."""
    count, quanta = totals.summary["loss_count"], totals.summary["loss_quanta"] * QUANTUM
    units = totals.n_paths / 2 if plan.study.sampling.antithetic else totals.n_paths
    risks = [tail_risk(count, quanta, level, units) for level in plan.study.outputs.loss_levels]
    equity = np.array([plan.books[cell].equity for cell in ladder.cells])  # type: ignore[union-attr]
    values: Cells = {}
    for name in ("value_at_risk", "expected_shortfall"):
        for suffix in ("", "_se"):
            fraction = np.stack([getattr(risk, name + suffix) for risk in risks], axis=-1)
            values[f"{name}{suffix}"] = fraction * equity[:, None, None]
            values[f"{name}_fraction{suffix}"] = fraction
    return values


def survival_days(plan: Plan) -> np.ndarray:
    """Time 0 and the ends of the survival bins."""
    return np.concatenate([[0.0], plan.bin_seconds / SECONDS["D"]])
