"""What a task hands back, and what the dataset makes of it, against the plain NumPy arithmetic on every single
path.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import xarray as xr
from helpers.engine import Paths, per_path
from helpers.studies import BLOCK, COLLATERAL, TWO_MARKETS, small

from stresslab.books.outcome import BASE_CAUSES, CAUSES
from stresslab.estimate import tails
from stresslab.execution import run_plan
from stresslab.grid.block import run_blocks
from stresslab.grid.plan import Plan, make_plan
from stresslab.grid.serial import Serial

BLOCKS = 4
N = BLOCKS * BLOCK
WIDTH = len(CAUSES)  # of a bin in the codes
LEVELS = (0.95, 0.99)
SUM_ROUNDING = 2e-7  # relative, of float32 sums of 64 numbers; what follows is float64


class Seen(NamedTuple):
    plan: Plan
    pairs: bool
    paths: list[Paths]  # of each ladder: one for each market cell
    ds: xr.Dataset


@pytest.fixture(scope="module", params=[False, True], ids=["independent", "antithetic"])
def seen(request, tmp_path_factory) -> Seen:
    changes: dict[str, Any] = {"sampling": {"paths": N, "antithetic": request.param}}
    plan = make_plan(small(tmp_path_factory.mktemp("block"), TWO_MARKETS | changes))
    paths = [per_path(ladder, N) for ladder in plan.ladders]
    return Seen(plan, request.param, paths, run_plan(plan, Serial()))


def codes(paths: Paths) -> np.ndarray:
    """(event, book, path) in the order of the study's events."""
    return np.stack([paths.liquidation, paths.bankruptcy, *paths.loss])


def by_cell(seen: Seen, name: str, market: int) -> np.ndarray:
    """A variable's values for the books of a ladder, in the ladder's order: longs, then shorts, as swept."""
    values = seen.ds[name].isel(sigma=market).values
    return values.reshape(-1, *values.shape[2:])


def test_counts_are_those_of_the_paths(seen):
    for number, ladder in enumerate(seen.plan.ladders):
        summary = run_blocks(ladder, 0, BLOCKS, BLOCK)
        code = codes(seen.paths[number])
        for at in np.ndindex(code.shape[:2]):
            counted = np.bincount(code[at][code[at] >= 0], minlength=WIDTH * ladder.n_bins)
            np.testing.assert_array_equal(summary["event_count"][at[1], at[0]], counted.reshape(-1, WIDTH))
        assert summary["gaps_lost"] == 0


def test_pairs_with_two_hits(seen):
    for number, ladder in enumerate(seen.plan.ladders):
        found = run_blocks(ladder, 0, BLOCKS, BLOCK)["both_hit"]
        code = codes(seen.paths[number])[..., None]
        hit = (code >= 0) & (code < WIDTH * (ladder.horizon_bins + 1))
        both = (hit[:, :, 0::2] & hit[:, :, 1::2]).sum(axis=2)
        np.testing.assert_array_equal(found, np.moveaxis(both, 0, 1) if seen.pairs else np.zeros_like(found))


def test_any_cut_of_the_blocks_adds_up(seen):
    """Counts exactly, sums block by block."""
    ladder = seen.plan.ladders[0]
    whole = run_blocks(ladder, 0, BLOCKS, BLOCK)
    parts = [run_blocks(ladder, first, blocks, BLOCK) for first, blocks in ((0, 1), (1, 2), (3, 1))]
    for name, values in whole.items():
        if name == "sums":
            np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), values)
        else:
            np.testing.assert_array_equal(sum(part[name] for part in parts), values)


def test_losses_lie_in_their_bins(seen):
    for number, ladder in enumerate(seen.plan.ladders):
        summary = run_blocks(ladder, 0, BLOCKS, BLOCK)
        equity = COLLATERAL / ladder.scale[:, None]
        for horizon in range(2):
            loss = -seen.paths[number].pnl[horizon].astype(float) / equity
            for book in range(len(loss)):
                count = summary["loss_count"][book, horizon]
                assert count.sum() == N
                edges = np.concatenate([[-np.inf], tails.EDGES[:-1], [1 - 1e-6, np.inf]])
                moved = np.histogram(loss[book], edges)[0] - count
                assert np.abs(moved).sum() <= 4  # on an edge to rounding
                total = summary["loss_quanta"][book, horizon].sum() * tails.QUANTUM
                assert total == pytest.approx(loss[book].sum(), abs=1e-6 * N)


def test_means_and_their_errors(seen):
    """Of independent paths, or of the means of pairs."""
    names = {"pnl": "mean_pnl", "fees": "mean_fees", "funding": "mean_funding", "shortfall": "shortfall_mean"}
    for market, ladder in enumerate(seen.plan.ladders):
        for field, name in names.items():
            units = getattr(seen.paths[market], field).astype(float) * ladder.scale[:, None]
            if seen.pairs:
                units = (units[..., 0::2] + units[..., 1::2]) / 2
            error = units.std(axis=-1) / np.sqrt(units.shape[-1])
            size = np.abs(units).mean(axis=-1).max()
            np.testing.assert_allclose(by_cell(seen, name, market), units.mean(axis=-1).T, atol=SUM_ROUNDING * size)
            # a spread of less than 5e-4 of the mean is lost in the rounding of the squares
            noise = 5e-4 * size / np.sqrt(units.shape[-1])
            np.testing.assert_allclose(by_cell(seen, f"{name}_se", market), error.T, rtol=1e-4, atol=noise)


def test_probabilities_are_shares_of_the_paths(seen):
    for market, ladder in enumerate(seen.plan.ladders):
        code = codes(seen.paths[market])
        for horizon, last in enumerate(ladder.horizon_bins):
            hit = (code >= 0) & (code < WIDTH * (last + 1))
            found = by_cell(seen, "probability", market)[:, horizon]
            np.testing.assert_allclose(found, hit.mean(axis=-1).T, rtol=1e-12)
            for cause in range(len(BASE_CAUSES)):
                share = (hit & (code % WIDTH == cause)).mean(axis=-1).T
                np.testing.assert_allclose(by_cell(seen, "probability_by_cause", market)[:, horizon, :, cause], share)


def test_value_at_risk_and_expected_shortfall(seen):
    """Against the sorted losses: both to a bin, which is 0.5 % of the equity."""
    width = 1 / tails.BINS_PER_UNIT
    for market, ladder in enumerate(seen.plan.ladders):
        equity = COLLATERAL / ladder.scale[:, None]
        for horizon in range(2):
            loss = np.sort(-seen.paths[market].pnl[horizon].astype(float) / equity, axis=-1)
            for number, level in enumerate(LEVELS):
                tail = loss[:, int(np.ceil(level * N)) :]
                exact = loss[:, int(np.ceil(level * N)) - 1]
                at = (slice(None), horizon, number)
                quantile = by_cell(seen, "value_at_risk_fraction", market)[at]
                shortfall = by_cell(seen, "expected_shortfall_fraction", market)[at]
                assert np.abs(quantile - exact).max() <= width
                assert np.abs(shortfall - tail.mean(axis=-1)).max() <= width
                np.testing.assert_allclose(by_cell(seen, "value_at_risk", market)[at], quantile * COLLATERAL)
                np.testing.assert_allclose(by_cell(seen, "expected_shortfall", market)[at], shortfall * COLLATERAL)


def test_time_of_the_median_loss(seen):
    """To a survival bin, which is all that the paths' codes tell."""
    days = seen.ds.survival_time.values
    for market in range(2):
        code = codes(seen.paths[market])
        found = by_cell(seen, "time_median", market)
        for event, book in np.ndindex(code.shape[:2]):
            bins = np.sort(code[event, book][code[event, book] >= 0] // WIDTH)
            if bins.size < 10:
                continue
            middle = bins[(bins.size - 1) // 2], bins[bins.size // 2]
            assert days[middle[0]] <= found[book, -1, event] <= days[middle[1] + 1]


def test_survival_is_read_off_the_codes(seen):
    for market in range(2):
        code = seen.paths[market].liquidation
        alive = [((code < 0) | (code >= WIDTH * bins)).mean(axis=-1) for bins in range(len(seen.ds.survival_time))]
        np.testing.assert_allclose(by_cell(seen, "survival", market), np.array(alive).T, rtol=1e-12)


def test_the_ruin_event_can_be_another(tmp_path: Path):
    """`ruin` is an alias: of losing half, where the study says so; events in any order."""
    outputs = {"events": ["loss_80", "loss_50", "liquidation", "loss_20", "bankruptcy"], "ruin": "loss_50"}
    changes = TWO_MARKETS | {"sampling": {"paths": N}, "outputs": outputs}
    other = run_plan(make_plan(small(tmp_path, changes)), Serial())
    first = run_plan(make_plan(small(tmp_path, TWO_MARKETS | {"sampling": {"paths": N}})), Serial())
    xr.testing.assert_equal(other.hits.sel(event=first.event), first.hits)
    np.testing.assert_array_equal(other.ruin_probability, first.probability.sel(event="loss_50"))
    np.testing.assert_allclose(1 - other.survival[..., -1], other.ruin_probability[..., -1])
    assert other.attrs["ruin_event"] == "loss_50"
