"""The plan: pure arithmetic, as tables."""

import pickle

import jax
import numpy as np
import pytest
from helpers.studies import BLOCK, COLLATERAL, TWO_MARKETS, small

from stresslab.config.build import BookFacts
from stresslab.errors import InputError, NotAllowed
from stresslab.execution import run
from stresslab.grid import plan as planning
from stresslab.grid.plan import Task, check_runnable, make_plan


def test_cells_that_differ_only_in_the_book_share_a_market(tmp_path):
    plan = make_plan(small(tmp_path, TWO_MARKETS))
    assert len(plan.cells) == 8 and len(plan.markets) == len(plan.ladders) == 2
    assert [market.coords for market in plan.markets] == [{"sigma": 0.9}, {"sigma": 1.2}]
    assert [market.cells for market in plan.markets] == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert [ladder.shape.sides for ladder in plan.ladders] == [(1, -1), (1, -1)]


def test_the_order_of_a_sweep_does_not_mix_markets(tmp_path):
    """Market dimensions inside book dimensions: cells of one market lie apart."""
    sweep = {"book.leverage": [5.0, 12.0], "models.gbm.sigma": [0.9, 1.2], "book.side": ["short", "long"]}
    plan = make_plan(small(tmp_path, {"sweep": sweep}))
    assert [market.cells for market in plan.markets] == [(0, 1, 4, 5), (2, 3, 6, 7)]
    assert [ladder.cells for ladder in plan.ladders] == [(1, 5, 0, 4), (3, 7, 2, 6)]  # longs first
    for ladder in plan.ladders:
        assert [plan.books[cell].side for cell in ladder.cells] == ["long", "long", "short", "short"]


def test_many_books_are_cut_into_ladders(tmp_path):
    """75 longs and 75 shorts: 64 + 64 + 22, sides mixed in the second alone."""
    leverages = [2.0 + 0.1 * number for number in range(75)]
    sweep = {"book.side": ["long", "short"], "book.leverage": leverages}
    plan = make_plan(small(tmp_path, {"sweep": sweep}))
    assert [len(ladder.cells) for ladder in plan.ladders] == [64, 64, 22]
    assert [ladder.shape.sides for ladder in plan.ladders] == [(1,), (1, -1), (-1,)]
    assert plan.markets[0].ladders == (0, 1, 2)
    assert sorted(cell for ladder in plan.ladders for cell in ladder.cells) == list(range(150))


@pytest.mark.parametrize(
    "path_steps, first, last, cut",
    [
        (72 * BLOCK * 4, 0, 8, [(0, 4), (4, 4)]),
        (72 * BLOCK * 3, 0, 8, [(0, 3), (3, 3), (6, 2)]),  # the last one is what is left
        (72 * BLOCK * 3, 2, 4, [(2, 2)]),  # from where the market cell stands
        (1, 0, 2, [(0, 1), (1, 1)]),  # a block is never cut
        (2**40, 0, 8, [(0, 8)]),
        (2**40, 3, 3, []),
    ],
)
def test_tasks_are_ranges_of_blocks(tmp_path, monkeypatch, path_steps, first, last, cut):
    monkeypatch.setattr(planning, "TASK_PATH_STEPS", path_steps)
    plan = make_plan(small(tmp_path))
    assert plan.tasks(0, first, last) == [Task(0, start, blocks) for start, blocks in cut]


def test_names_of_tasks_are_keys_that_sort(tmp_path):
    assert Task(3, 16, 4).name == "ladder-000003-blocks-00000016-000004"


@pytest.mark.parametrize(
    "rate, interval, horizon, chosen",
    [
        (1e-4, "8h", "30D", "static"),
        (5e-3, "8h", "3D", "static"),  # 9 payments: 4.5 %
        (2.7e-2, "8h", "3D", "static"),  # 24.3 %
        (-2.7e-2, "8h", "3D", "static"),
        (2.8e-2, "8h", "3D", "general"),  # 25.2 %: a trigger could leave the tiers that the ladder knows
        (-2.8e-2, "8h", "3D", "general"),
        (1e-3, "1h", "30D", "general"),
    ],
)
def test_heavy_funding_takes_the_general_engine(tmp_path, rate, interval, horizon, chosen):
    changes = {"funding": {"rate": rate, "interval": interval}, "market": {"horizons": [horizon]}}
    assert make_plan(small(tmp_path, changes)).ladders[0].evaluation == chosen


@pytest.mark.parametrize("rate, rows", [(2.7e-2, 1), (2.8e-2, 3)])
def test_heavy_funding_is_given_every_tier(tmp_path, rate, rows):
    """20,000 in the first of three tiers, which ends at 60,000: a trigger that may move anywhere needs the others."""
    changes = {
        "funding": {"rate": rate, "interval": "8h"},
        "market": {"horizons": ["3D"]},
        "book": {"collateral": 5_000.0},
        "sweep": {"book.side": ["long"], "book.leverage": [1.5]},
    }
    (ladder,) = make_plan(small(tmp_path, changes), "general").ladders
    assert ladder.arguments.numbers.accounts[0].legs[0].mmr.shape == (1, rows)


@pytest.mark.parametrize("rows, chosen", [(64, "static"), (65, "general")])
def test_a_long_table_of_tiers_takes_the_general_engine(tmp_path, rows, chosen):
    tiers = tuple((5e4 * (row + 1), 0.004 + 1e-4 * row, 0.02 + 1e-4 * row) for row in range(rows - 1))
    study = small(tmp_path, tiers=(*tiers, (1e9, 0.02, 0.04)))
    assert make_plan(study).ladders[0].evaluation == chosen


@pytest.mark.parametrize(
    "as_of, interval, step, ends",
    [
        ("2025-01-01T00:00:00Z", "8h", "1h", [8, 16, 24]),  # a payment at as_of is past
        ("2025-01-01T07:00:00Z", "8h", "1h", [1, 9, 17]),
        ("2025-01-01T07:30:00Z", "8h", "1h", [1, 9, 17]),  # in the middle of a step: at its end
        ("2025-01-01T09:00:00+01:00", "8h", "1h", [8, 16, 24]),  # UTC counts
        ("2025-01-01T00:00:00Z", "8h", "30min", [16, 32, 48]),
        ("2025-01-01T00:00:01Z", "12h", "1h", [12, 24]),
    ],
)
def test_when_funding_is_paid(tmp_path, as_of, interval, step, ends):
    changes = {"as_of": as_of, "funding": {"interval": interval}, "market": {"step": step, "horizons": ["1D"]}}
    segments = make_plan(small(tmp_path, changes)).markets[0].schedule.segments
    stops = np.cumsum(segments.steps)
    np.testing.assert_array_equal(stops[segments.funding_rate != 0], ends)


def test_steps_are_cut_where_the_model_asks(tmp_path):
    """400 jumps a year in an hour: 0.046 of one, so four steps of the scheme; bins and payments stay where they
    are.
    """
    market = make_plan(small(tmp_path, {"market": {"model": "merton"}})).markets[0]
    assert market.n_steps == 4 * 72 and market.dt == pytest.approx(1 / 8760 / 4)
    plain = make_plan(small(tmp_path)).markets[0]
    np.testing.assert_array_equal(market.schedule.bin_ends, 4 * plain.schedule.bin_ends)
    np.testing.assert_array_equal(market.schedule.horizon_ends, [4 * 24, 4 * 72])


def test_independent_streams_hang_on_the_cells_own_coordinates(tmp_path):
    """Whatever stands beside a cell, in whatever order, its stream is the same; shared streams are stream 0."""

    def streams(sigmas, how):
        changes = {"sweep": {"models.gbm.sigma": sigmas, "book.side": ["long", "short"]}, "sampling": {"streams": how}}
        plan = make_plan(small(tmp_path, changes | {"book": {"leverage": 5.0}}))
        return {market.coords["sigma"]: plan.ladders[market.ladders[0]].arguments.key for market in plan.markets}

    shared = streams([0.9, 1.2], "shared")
    assert {int(key.stream) for key in shared.values()} == {0}
    one, other = streams([0.9, 1.2], "independent"), streams([1.2, 0.4, 0.9, 2.0], "independent")
    assert len({int(key.stream) for key in other.values()}) == 4
    assert {sigma: other[sigma] for sigma in one} == one
    assert {int(key.seed) for key in other.values()} == {20260101}


def test_a_ladder_travels(tmp_path):
    """NumPy only, in single precision, and the same after pickling."""
    ladder = make_plan(small(tmp_path)).ladders[0]
    again = pickle.loads(pickle.dumps(ladder))
    for left, right in zip(jax.tree.leaves(ladder.arguments), jax.tree.leaves(again.arguments), strict=True):
        assert isinstance(left, np.ndarray | np.generic) and left.dtype in (np.float32, np.int32, np.uint32)
        assert left.tobytes() == right.tobytes() and left.shape == right.shape
    assert again.shape == ladder.shape
    assert len(pickle.dumps(ladder)) < 50_000


SWEPT_STEP = {
    "market": {"horizons": ["1D"]},
    "book": {"leverage": 12.0, "side": "long"},
    "outputs": {"survival_points": 5},
}


def test_a_swept_step_keeps_the_survival_times(tmp_path):
    """5 times in a day cannot be hit by steps of one and of two hours alike: times are whole steps of both."""
    plan = make_plan(small(tmp_path, SWEPT_STEP | {"sweep": {"market.step": ["1h", "2h"]}}))
    hours = [market.schedule.bin_ends * market.dt * 8760 for market in plan.markets]
    np.testing.assert_allclose(hours[0], hours[1])
    np.testing.assert_allclose(plan.bin_seconds / 3600, hours[0])
    assert not (plan.bin_seconds % 7200).any()


@pytest.mark.slow
def test_survival_with_a_swept_step_is_that_of_the_step_alone(tmp_path):
    both = run(small(tmp_path, SWEPT_STEP | {"sweep": {"market.step": ["1h", "2h"]}}))
    alone = run(small(tmp_path, SWEPT_STEP | {"sweep": {"market.step": ["2h"]}}))
    np.testing.assert_array_equal(both.survival_time, alone.survival_time)
    np.testing.assert_array_equal(both.survival.sel(step="2h"), alone.survival.sel(step="2h"))


def test_a_refused_book_is_kept_in_a_sweep(tmp_path):
    """60 times at a notional of 600,000 is not for sale."""
    sweep = {"book.side": ["long", "short"], "book.leverage": [5.0, 60.0]}
    plan = make_plan(small(tmp_path, {"sweep": sweep}))
    assert [isinstance(book, BookFacts) for book in plan.books] == [True, False, True, False]
    assert plan.ladders[0].cells == (0, 2)
    check_runnable(plan)


def test_a_refused_book_alone_is_an_error(tmp_path):
    study = small(tmp_path, {"book": {"side": "long", "leverage": 60.0}, "sweep": None})
    with pytest.raises(NotAllowed, match=r"^study: book.*leverage = 60.0: .*at most 50\. Lower the leverage"):
        make_plan(study)


def test_a_sweep_in_which_nothing_is_allowed(tmp_path):
    plan = make_plan(small(tmp_path, {"sweep": {"book.side": ["long", "short"], "book.leverage": [60.0, 70.0]}}))
    assert plan.ladders == [] and plan.markets[0].ladders == ()
    with pytest.raises(InputError, match="no cell of the sweep is allowed .*leverage = 60.0"):
        check_runnable(plan)


def test_how_much_work_it_is(tmp_path):
    sampling = {"paths": 4 * BLOCK, "target": {"event": "loss_50", "absolute": 0.01, "max_paths": 32 * BLOCK}}
    plan = make_plan(small(tmp_path, TWO_MARKETS | {"sampling": sampling}))
    assert (plan.blocks, plan.most_blocks) == (4, 32)
    assert plan.path_steps(plan.blocks) == 2 * 72 * 4 * BLOCK
    assert plan.books[0].scale == pytest.approx(5 * COLLATERAL)
