"""What must not turn round, on the same written-down paths: margin, leverage, haircut, slippage; and nothing recovers.

Every step is a survival bin of its own, so that a code tells the step. Float64; rungs of a ladder differ in one number.
"""

import copy
from collections.abc import Callable

import numpy as np
import pytest
from accounts.drawn_books import KINDS
from accounts.drawn_paths import N_STEPS, wild
from helpers.account_engine import Played, form_of, numbers_of, play
from helpers.account_twin.book import Book

from stresslab.books.outcome import CAUSES

N_BASES, N_PATHS = 10, 40
RUNGS = np.linspace(0.0, 1.0, 6)
Change = Callable[[Book, float], None]


def ladder(kind: str, change: Change, seed: int) -> Played:
    """Rows are (base book, rung)."""
    rng = np.random.default_rng(seed)
    books = []
    for _ in range(N_BASES):
        base = KINDS[kind](rng)
        for rung in RUNGS:
            book = copy.deepcopy(base)
            change(book, rung)
            books.append(reopened(book))
    script = wild(N_PATHS, seed, len(books[0].spots))._replace(bins=np.arange(N_STEPS))
    return play(form_of(books[0]), numbers_of(books), script, books[0].spots, books[0].loss_levels)


def reopened(book: Book) -> Book:
    """The same book once more, its worth at as_of counted anew."""
    return Book(
        book.accounts, book.spots, book.reserve + book.outside_fee, book.entry_fee, book.outside_fee, book.loss_levels
    )


def step_of(codes: np.ndarray) -> np.ndarray:
    """(base, rung, path); never is after everything."""
    steps = np.where(codes >= 0, codes // len(CAUSES), N_STEPS)
    return steps.reshape(N_BASES, len(RUNGS), N_PATHS)


def more_margin(book: Book, rung: float) -> None:
    for account in book.accounts:
        account.wallet += 60 * rung


def more_coins(book: Book, rung: float) -> None:
    for account in book.accounts:
        for one in account.collaterals:
            one.amount += rung


def more_leverage(book: Book, rung: float) -> None:
    """A larger position on the same margin, opened at spot."""
    for account in book.accounts:
        account.wallet += sum(p.profit(book.spots[p.asset]) for p in account.positions)
        for p in account.positions:
            p.entry = book.spots[p.asset]
            p.size *= 1 + 0.5 * rung


def more_haircut(book: Book, rung: float) -> None:
    for account in book.accounts:
        for one in account.collaterals:
            one.haircut += 0.5 * rung


def more_slippage(book: Book, rung: float) -> None:
    for account in book.accounts:
        for p in account.positions:
            p.slippage = 0.02 * rung


MARGIN = [
    "linear",
    "inverse",
    "quanto, flat by size",
    "linear, flat by notional",
    "two assets netted",
    "inverse future",
]


@pytest.mark.parametrize("kind", MARGIN)
def test_more_margin_never_hastens_liquidation(kind):
    later = np.diff(step_of(ladder(kind, more_margin, seed=3).codes.liquidation), axis=1)
    assert later.min() == 0
    assert (later > 0).sum() >= 20  # and it does help


def test_more_collateral_never_hastens_liquidation():
    later = np.diff(step_of(ladder("coin-backed", more_coins, seed=4).codes.liquidation), axis=1)
    assert later.min() == 0
    assert (later > 0).sum() >= 20


@pytest.mark.parametrize("kind", ["linear", "inverse", "quanto, flat by size", "root by notional"])
def test_more_leverage_is_never_liquidated_later(kind):
    earlier = np.diff(step_of(ladder(kind, more_leverage, seed=5).codes.liquidation), axis=1)
    assert earlier.max() == 0
    assert (earlier < 0).sum() >= 20


@pytest.mark.parametrize("kind", ["coin-backed", "mixed with collateral"])
def test_a_higher_haircut_is_never_liquidated_later(kind):
    earlier = np.diff(step_of(ladder(kind, more_haircut, seed=6).codes.liquidation), axis=1)
    assert earlier.max() == 0
    assert (earlier < 0).sum() >= 20


@pytest.mark.parametrize("kind", ["linear", "inverse"])
def test_more_slippage_never_lessens_a_shortfall(kind):
    played = ladder(kind, more_slippage, seed=7)
    grown = np.diff(played.money.shortfall[-1].reshape(N_BASES, len(RUNGS), N_PATHS), axis=1)
    assert grown.min() >= 0
    assert (grown > 0).sum() >= 20


@pytest.mark.parametrize("kind", ["linear", "inverse", "two assets netted", "future and perpetual"])
def test_nothing_recovers(kind):
    """From the step after its liquidation on a book stays where it was left, for every party."""
    played = ladder(kind, more_margin, seed=8)
    closed = played.codes.liquidation // len(CAUSES)  # -1 // n is never a step
    is_over = (played.codes.liquidation >= 0) & (np.arange(N_STEPS)[:, None, None] > closed)
    assert is_over.mean() > 0.01
    for name, part in played.money._asdict().items():
        moved = np.abs(np.diff(part, axis=0))[is_over[1:]]
        assert moved.max() < 1e-12, name
    assert (np.diff(played.money.shortfall, axis=0) >= 0).all()
    assert all((size[(played.codes.liquidation >= 0)] == 0).all() for a in played.end.accounts for size in a.sizes)
    bankrupt = played.codes.bankruptcy >= 0
    assert (played.codes.liquidation[bankrupt] == played.codes.bankruptcy[bankrupt]).all()
    assert ((played.money.shortfall[-1] > 0) == bankrupt).all()
