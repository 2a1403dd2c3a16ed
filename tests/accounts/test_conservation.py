"""Money is conserved, to the rounding of float64, whatever meets in one book: policies, stages and a venue in trouble.

Hypothesis draws the seed of eight random books and of 32 noisy paths (diffusions with bridges, jumps in a tenth of the
steps, funding) for each of three forms; an example is one call of a program that is compiled once for each form.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from accounts.drawn_books import SPOTS, a_fraction, account, alone, book, cover, demand, position, staged
from helpers.account_engine import form_of, numbers_of, seen_by_all
from helpers.account_twin.account import Collateral
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stresslab.accounts import state
from stresslab.accounts.conditions import Basis, Halt, Outage, PriceBand, StaleOracle, VenueDefault
from stresslab.accounts.conditions import basis as law
from stresslab.accounts.conditions.halt import HaltNumbers
from stresslab.accounts.conditions.hazard import Hazard
from stresslab.accounts.conditions.price_band import BandNumbers
from stresslab.accounts.conditions.spells import SpellNumbers
from stresslab.accounts.conditions.venue_default import DefaultNumbers
from stresslab.accounts.engine import Engine
from stresslab.accounts.form import BookForm
from stresslab.accounts.policies.constant_leverage import ConstantLeverage, ConstantLeverageNumbers
from stresslab.accounts.policies.deleverage import Deleverage, DeleverageNumbers
from stresslab.accounts.policies.margin_top_up import MarginTopUp, MarginTopUpNumbers
from stresslab.accounts.policies.re_entry import ReEntry, ReEntryNumbers
from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers
from stresslab.accounts.policies.take_profit import TakeProfit, TakeProfitNumbers
from stresslab.numerics import bridge_extremes
from stresslab.scan import Gap, Reach, Track

N_BOOKS, N_PATHS, N_STEPS = 8, 32, 24
DEVIATION = 0.02  # of a step


def spell(steps: float) -> SpellNumbers:
    return SpellNumbers(Hazard(np.array(0.1), np.array(0.5), np.array(1.0)), np.array(steps))


FAILURE = (VenueDefault(), DefaultNumbers(Hazard(np.array(0.02), np.array(0.0), np.array(1.0)), np.array(0.4)))
TROUBLE = (
    (Outage(), spell(3.0)),
    (StaleOracle("fixed"), spell(2.5)),
    (Halt(steps=3), HaltNumbers(np.array([0.06]), np.array([2.0]))),
    FAILURE,
    (PriceBand(in_part=True), BandNumbers(np.array(0.02), np.array(0.02))),
    (Basis("average"), law.numbers(1e-4, 2.0, speed=500.0, volatility=0.6, pull=0.1, clamp=0.01)),
)


def whole(steps: int) -> np.ndarray:
    return np.full(N_BOOKS, steps, np.int32)


def every(value: float) -> np.ndarray:
    return np.full(N_BOOKS, value)


def managed(rng: np.random.Generator) -> tuple[list, tuple, tuple]:
    """A stop and a profit to be taken, a reserve that tops up and enters again; all of a venue's troubles."""
    books = [alone("linear")(rng) for _ in range(N_BOOKS)]
    for one in books:
        one.reserve += 100.0
        one.at_start += 100.0
    policies = (
        (StopLoss(order="limit"), StopLossNumbers(every(0.04), every(1), every(1), every(0.002), whole(1))),
        (TakeProfit(), TakeProfitNumbers(every(0.05), every(1), every(1))),
        (MarginTopUp(), MarginTopUpNumbers(every(1.5), every(2.5), whole(2))),
        (ReEntry(), ReEntryNumbers(every(-1), every(8), every(0.2), whole(1))),
    )
    return books, policies, TROUBLE


def in_stages(rng: np.random.Generator) -> tuple[list, tuple, tuple]:
    """Cross margin with two collaterals, closed by stages, deleveraged by its holder."""

    def draw(rng: np.random.Generator) -> Any:
        held = position(rng, 0, "linear", demand(rng)), position(rng, 1, "inverse", demand(rng))
        coins = [Collateral(asset, 1000 / SPOTS[asset] * rng.uniform(0, 0.1), 0.2) for asset in (0, 1)]
        return book(rng, account(rng, *held, margin=0.05, collaterals=coins), assets=2)

    books = [staged(draw, a_fraction, cover)(rng) for _ in range(N_BOOKS)]
    return books, ((Deleverage(), DeleverageNumbers(every(1.5), every(2.0))),), (FAILURE,)


def side_by_side(rng: np.random.Generator) -> tuple[list, tuple, tuple]:
    """A position and its hedge in accounts of their own, the hedge kept at a leverage."""

    def draw(rng: np.random.Generator) -> Any:
        one = account(rng, position(rng, 0, "quanto", demand(rng), side=1.0))
        return book(rng, one, account(rng, position(rng, 0, "linear", demand(rng), side=-1.0)), reserve=50.0)

    policies = ((ConstantLeverage(1), ConstantLeverageNumbers(every(8), whole(3), every(0.1))),)
    return [draw(rng) for _ in range(N_BOOKS)], policies, (TROUBLE[2], TROUBLE[4], FAILURE)


class Noise(NamedTuple):
    """Of each step: moves and draws, (step, ...)."""

    moves: np.ndarray  # (step, 2, asset, path): a diffusion, a jump
    draws: np.ndarray  # (step, asset, path): exponentials
    words: np.ndarray  # (step, word, 1, path)
    rates: np.ndarray


def noise(rng: np.random.Generator, assets: int, n_words: int) -> Noise:
    moves = DEVIATION * rng.standard_normal((N_STEPS, 2, assets, N_PATHS))
    moves[:, 1] = np.where(rng.random((N_STEPS, assets, N_PATHS)) < 0.1, 3 * moves[:, 1], 0.0)
    words = rng.integers(0, 2**32, (N_STEPS, n_words, 1, N_PATHS), dtype=np.uint32)
    rates = np.where(np.arange(N_STEPS) % 4 == 3, rng.uniform(-3e-3, 3e-3, N_STEPS), 0.0)
    return Noise(moves, rng.standard_exponential((N_STEPS, assets, N_PATHS)), words, rates)


@functools.partial(jax.jit, static_argnums=0)
def wander(form: BookForm, numbers: Any, given: Noise) -> Any:
    """Everybody's money after every step."""
    n_assets = given.moves.shape[2]
    variance, still = jnp.full((n_assets, N_PATHS), 1.0), jnp.zeros((n_assets, N_PATHS))
    books = state.start(form, numbers, 1, jnp.ones_like(still), variance)

    def diffusion(at: Any, move: Any, draw: Any) -> Reach:
        spread = jnp.full(at.shape, DEVIATION**2)
        return Reach(*bridge_extremes(at, at + move, spread, draw), at + move, spread, draw)

    def step(carry: Any, row: Any) -> Any:
        books, at = carry
        engine = Engine(form, numbers, jnp.array([0.5]), jnp.eye(n_assets), jnp.zeros((), jnp.int32))
        first = diffusion(at, row.moves[0], row.draws)
        gap = Gap(first.end + row.moves[1])
        books = engine.step(books, Track((first, gap), variance, tuple(row.words)))
        books = jax.lax.cond(row.rates != 0, lambda b: engine.pay_funding(b, row.rates), lambda b: b, books)
        return (books, gap.end), (*seen_by_all(form, numbers, books), books.codes)

    _, found = jax.lax.scan(step, (books, still), given)
    return found


@pytest.mark.parametrize(
    "kind", [*(pytest.param(one, marks=pytest.mark.slow) for one in (managed, in_stages)), side_by_side]
)
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_money_is_conserved(kind, seed):
    rng = np.random.default_rng(seed)
    books, policies, conditions = kind(rng)
    form = form_of(books[0])._replace(
        policies=tuple(one for one, _ in policies), conditions=tuple(one for one, _ in conditions)
    )
    numbers = numbers_of(books)._replace(
        policies=tuple(own for _, own in policies), conditions=tuple(own for _, own in conditions)
    )
    n_words = sum(one.words for one in form.conditions)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        given = jax.tree.map(jnp.asarray, (numbers, noise(rng, len(books[0].spots), n_words)))
        money, cash, codes = jax.tree.map(np.asarray, wander(form, *given))
    largest = max(1.0, np.abs(cash[0]).max())
    assert all(np.isfinite(part).all() for part in money)
    assert np.abs(cash - cash[0]).max() < 1e-12 * largest  # balances, reserve, venue, fund, others
    if kind is not in_stages:  # coins that the others have bought are no cash
        sums = money.pnl + money.fees + money.fund + money.others
        assert np.abs(sums - sums[0]).max() < 1e-12 * largest
    for code in (codes.liquidation, codes.bankruptcy, codes.default):
        assert (code[1:] == np.where(code[:-1] >= 0, code[:-1], code[1:])).all()  # noted once
    assert (np.diff(money.shortfall, axis=0) >= 0).all()
    assert (codes.liquidation[-1] >= 0).any()
