"""Books and paths that are meant to break the engine: all stays finite, and as the twin has it."""

import copy
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from accounts.comparing import compare
from helpers.account_engine import Script, form_of, numbers_of, play
from helpers.account_twin.account import Account, Collateral
from helpers.account_twin.book import Book
from helpers.account_twin.position import Demand, Position, Tier

from stresslab.accounts.state import Holding
from stresslab.accounts.trigger import Piece, in_piece

TWO_PERCENT = Demand(tiers=(Tier(math.inf, 0.02),))
SPOTS = (100.0, 20.0)


def leg(size: float, asset: int = 0, contract: str = "linear", demand: Demand = TWO_PERCENT, **more: float) -> Position:
    return Position(asset, contract, size, SPOTS[asset], demand, taker=0.001, liquidation_fee=0.005, **more)


def holding(wallet: float, *positions: Position, **more: object) -> Account:
    return Account(wallet, list(positions), **more)


def book(
    *accounts: Account, assets: int = 1, scale: float = 1000.0, levels: tuple = (0.5, 0.95), **more: float
) -> Book:
    return Book(list(accounts), SPOTS[:assets], loss_levels=levels, scale=scale, **more)


def script(*steps: tuple, rate: float = 0.01, assets: int = 1) -> Script:
    """Steps of (corner, end, jump, end), factors on the spots; the other assets move half as far, the other way."""
    factors = np.array(steps, float)[:, :, None, None]
    prices = np.concatenate([100.0 * factors, 20.0 * factors**-0.5][:assets], axis=2)
    n = len(steps)
    return Script(prices, np.where(np.arange(n) % 2, rate, 0.0), np.arange(n))


DOWN = script((1, 0.99, 0.99, 0.97), (0.97, 0.97, 0.97, 0.9), (0.9, 0.88, 0.95, 0.96), (0.96, 0.96, 0.96, 0.96))
UP = script((1, 1.01, 1.01, 1.04), (1.04, 1.04, 1.04, 1.12), (1.12, 1.15, 1.05, 1.02), (1.02, 1.02, 1.02, 1.02))
CRASH = script((1, 1, 1e-5, 1e-5), (1e-5, 2e-5, 2e-5, 1e-5))
ROCKET = script((1, 1, 1e4, 1e4), (1e4, 9e3, 1e4, 1e4))
STILL = script((1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 1))
PATHS = {"down": DOWN, "up": UP, "crash": CRASH, "rocket": ROCKET, "still": STILL}


def every_finite(opened: Book, path: Script) -> None:
    played = play(form_of(opened), numbers_of([opened]), path, opened.spots, opened.loss_levels)
    assert all(np.isfinite(part).all() for part in played.money)
    assert np.isfinite(played.cash).all()


def same(opened: Book, path: Script, tolerance: float = 1e-9) -> None:
    found = compare([opened], path, tolerance)
    assert found.pairs_that_differ == [], found
    assert found.leak < 1e-12


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_jumps_through_everything(path):
    """Every contract and side, 25 times."""
    for contract, size in (("linear", 10.0), ("inverse", 1e5), ("quanto", 10.0)):
        for side in (1, -1):
            same(book(holding(40.0, leg(side * size, contract=contract))), path)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_nothing_held(path):
    """A position of size zero is never liquidated, alone or beside another."""
    same(book(holding(100.0, leg(0.0))), path)
    same(book(holding(100.0, leg(0.0), leg(10.0))), path)
    same(book(holding(100.0, leg(-10.0)), holding(0.0, leg(0.0))), path)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_both_sides_of_one_asset(path):
    """Long and short of the same size: only what they require can end them."""
    for netting in ("none", "max_leg"):
        same(book(holding(41.0, leg(10.0), leg(-10.0), netting=netting)), path)
        same(book(holding(15.0, leg(10.0), leg(-10.0), netting=netting)), path)


@pytest.mark.parametrize("wallet", [-5.0, 0.0, 1.0, 19.0])
def test_in_breach_from_the_start(wallet):
    """Closed at once, at the first price; below zero it is bankrupt at once."""
    for contract, size in (("linear", 10.0), ("linear", -10.0), ("inverse", 1e5)):
        opened = book(holding(wallet, leg(size, contract=contract)), levels=())
        same(opened, STILL)
        codes = play(form_of(opened), numbers_of([opened]), STILL, SPOTS[:1], ()).codes
        assert codes.liquidation[0, 0] == 0
        assert (codes.bankruptcy[0, 0] == 0) == (wallet < 0)


@pytest.mark.parametrize("strict", [False, True])
def test_equity_exactly_at_the_requirement(strict):
    """A 64th of 1024 and a margin of 16, all exact in binary: <= closes, < does not."""
    rate = Demand(tiers=(Tier(math.inf, 1 / 64),))
    for positions in ([Position(0, "linear", 10.24, 100.0, rate)], [Position(0, "inverse", 102400.0, 100.0, rate)]):
        opened = Book([Account(16.0, positions, strict=strict)], SPOTS[:1], scale=1024.0)
        quiet = STILL._replace(rates=np.zeros(4))
        found = play(form_of(opened), numbers_of([opened]), quiet, SPOTS[:1], ()).codes.liquidation[0, 0]
        assert (found >= 0) == (not strict)


@pytest.mark.parametrize("scale", [1e-9, 1e12])
def test_huge_and_tiny(scale):
    """The same book in other units of money: the same story."""
    for path in (DOWN, UP):
        small = book(holding(80.0 * scale, leg(10.0 * scale)), scale=1000.0 * scale)
        same(small, path, tolerance=1e-9 * max(scale, 1.0))


@pytest.mark.parametrize("path", [*PATHS.values()], ids=PATHS)
@pytest.mark.parametrize("wallet", [100.0, 1e5, 1e9])
def test_cross_accounts_far_from_liquidation(path, wallet):
    """Prices at a breach that does not come are not asked for: nothing infinite in them may reach the money."""
    two = Script(np.concatenate([path.prices, 20 * (path.prices / 100) ** -0.5], axis=2), path.rates, path.bins)
    for sizes in ((10.0, 50.0), (-10.0, -50.0), (10.0, -50.0), (1e-9, 1e-9)):
        legs = [leg(sizes[0]), leg(sizes[1], 1, "inverse" if wallet > 1e5 else "linear")]
        every_finite(book(holding(wallet, *legs), assets=2), two)


@pytest.mark.parametrize(
    "wallet, sizes", [(1e5, (10.0, 50.0)), (1e5, (-10.0, -50.0)), (2e3, (1e-3, -1e-3)), (1e8, (0, 0))]
)
def test_prices_at_a_breach_are_finite_without_one(wallet, sizes):
    """In float32, with noise, far from liquidation or without any risk: 0 times them goes into the ledger."""
    opened = book(holding(wallet, leg(sizes[0]), leg(sizes[1], 1)), assets=2)
    form, (numbers,) = form_of(opened).accounts[0], jax.tree.map(np.float32, numbers_of([opened])).accounts
    one = jnp.ones((1, 8), jnp.float32)
    held = Holding(one * numbers.balance[:, None], tuple(one * one_leg.size[:, None] for one_leg in numbers.legs))
    near = tuple(one * np.float32(factor) for factor in (0.99, 1.01, 0.995))
    low, high, end = ((price, price) for price in near)
    draws = jnp.linspace(0.01, 20.0, 16, dtype=jnp.float32).reshape(2, 8)
    noise, related = (one * np.float32(0.01),) * 2, jnp.eye(2, dtype=jnp.float32)
    piece = Piece((one, one), low, high, end, noise, draws, related, draws, jnp.zeros((), jnp.int32))
    found = in_piece(form, numbers, held, piece)
    assert not found.hit.any()
    assert all((np.isfinite(price) & (price > 0)).all() for price in found.at)


def test_worthless_and_overlapping_collateral():
    """A haircut of all, and the same coin twice."""
    coins = [Collateral(0, 1.0, 1.0), Collateral(0, 0.5, 0.1), Collateral(0, 0.5, 0.3)]
    for path in (DOWN, UP, CRASH, ROCKET):
        for size in (10.0, -10.0):
            same(book(holding(30.0, leg(size), collaterals=copy.deepcopy(coins))), path, 1e-5)


def test_a_bad_number_is_not_swallowed():
    """What is not a number ends as not a number in the money, not as a book that lives."""
    opened = book(holding(80.0, leg(10.0)), levels=())
    numbers = numbers_of([opened])
    poisoned = numbers._replace(reserve=numbers.reserve * math.nan)
    assert np.isnan(play(form_of(opened), poisoned, DOWN, SPOTS[:1], ()).money.pnl).all()
    prices = DOWN.prices.copy()
    prices[1] = math.nan
    found = play(form_of(opened), numbers, DOWN._replace(prices=prices), SPOTS[:1], ())
    assert np.isnan(found.money.pnl[1:]).all()
