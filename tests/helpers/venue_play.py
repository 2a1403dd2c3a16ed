"""The engine's own step on paths written down, with the words that the venue's conditions draw, in float64.

Spot, the size of every leg and the scale are 1 in most tests, so that cash flows can be written out by hand.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from stresslab.accounts import state
from stresslab.accounts.contracts import gain
from stresslab.accounts.engine import Engine
from stresslab.accounts.form import (
    AccountForm,
    AccountNumbers,
    BookForm,
    BookNumbers,
    CollateralNumbers,
    LegNumbers,
)
from stresslab.accounts.point import leg_price
from stresslab.accounts.scene import now
from stresslab.books.outcome import CAUSES, NEVER
from stresslab.scan import Gap, Reach, Track

NO = np.uint32(2**32 - 1)  # a word with which nothing arrives
AT_ONCE = np.uint32(0)  # one with which something arrives as the step begins


class Step(NamedTuple):
    """Pieces in time order: a price is drifted to, a list of one is jumped to; tuples hold a price for each asset."""

    pieces: tuple[Any, ...]
    words: tuple[Any, ...] = ()
    rate: float = 0.0  # of the funding at its end
    variance: float = 1.0  # where it begins


class Parties(NamedTuple):
    """Who has what, of one book on one path."""

    trader: float
    venue: float
    fund: float
    others: float


def leg(size: float = 1.0, **given: Any) -> LegNumbers:
    """A position entered at 1: maintenance 5 %, fee 0.1 %, liquidation fee 1 %, no slippage."""
    plain = dict(entry=1.0, mmr=[0.05], cum=[0.0], cap=[1e30], fee=0.001, liquidation_fee=0.01, slippage=0.0)
    numbers = {name: np.array([value]) for name, value in (plain | {"size": size} | given).items()}
    return LegNumbers(**numbers)


def account(balance: float, *legs: LegNumbers, collaterals: tuple[tuple[float, float], ...] = ()) -> AccountNumbers:
    """Collaterals are (amount, weight); the customer keeps what a liquidation leaves."""
    held = tuple(CollateralNumbers(np.array([amount]), np.array([weight])) for amount, weight in collaterals)
    return AccountNumbers(np.array([balance]), legs, np.ones(1), collaterals=held)


def book(*accounts: AccountNumbers, reserve: float = 0.0, **given: Any) -> BookNumbers:
    """Wealth at as_of is all that is there."""
    worth = sum(one.balance + sum(c.amount for c in one.collaterals) for one in accounts) + reserve
    return BookNumbers(accounts, worth, np.zeros(1), np.zeros(1), np.array([reserve]), **given)


def follow(
    form: BookForm, numbers: BookNumbers, steps: list[Step], n_assets: int = 1, levels: tuple[float, ...] = ()
) -> list[state.Books]:
    """The books after each step, on one path."""
    found = []
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        given = jax.tree.map(lambda leaf: jnp.asarray(leaf), numbers)
        price = jnp.ones((n_assets, 1))
        books = state.start(form, given, len(levels), price, steps[0].variance * price)
        for number, step in enumerate(steps):
            engine = Engine(form, given, jnp.array(levels, float), jnp.eye(n_assets), jnp.int32(number))
            books = books._replace(variance=step.variance * price)
            pieces, before = [], books.price
            for piece in step.pieces:
                end = _prices(piece[0] if isinstance(piece, list) else piece)
                pieces.append(Gap(jnp.log(end)) if isinstance(piece, list) else _straight(before, end))
                before = end
            words = tuple(jnp.full((1, 1), word, jnp.uint32) for word in step.words)
            books = engine.step(books, Track(tuple(pieces), step.variance * price, words))
            books = engine.pay_funding(books, jnp.asarray(step.rate)) if step.rate else books
            found.append(books)
    return found


def _prices(given: Any) -> Any:
    return jnp.asarray(np.atleast_1d(np.asarray(given, float))[:, None])


def _straight(before: Any, end: Any) -> Reach:
    low, high = jnp.minimum(before, end), jnp.maximum(before, end)
    return Reach(jnp.log(low), jnp.log(high), jnp.log(end), jnp.zeros_like(end), jnp.zeros_like(end))


def parties(form: BookForm, numbers: BookNumbers, books: state.Books) -> Parties:
    """Everybody's money; what is owed on open positions counts."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        point, ledger = now(books), books.ledger
        worth = state.wealth(form, numbers, books, point)
        owed = sum(
            size * gain(leg.contract, leg_price(leg, own, point))
            for one, numbers_of, holding in zip(form.accounts, numbers.accounts, books.accounts, strict=True)
            for leg, own, size in zip(one.legs, numbers_of.legs, holding.sizes, strict=True)
        )
        row = (worth, ledger.fees, ledger.fund, ledger.others - owed)
        return Parties(*(float(np.asarray(value)[0, 0]) for value in row))


def event(code: Any) -> tuple[int, str] | None:
    """Step and cause of a code."""
    found = int(np.asarray(code)[0, 0])
    return None if found == NEVER else (found // len(CAUSES), CAUSES[found % len(CAUSES)])


def one_account(*conditions: Any, policies: tuple[Any, ...] = (), **given: Any) -> BookForm:
    """The form of a book with one account."""
    return BookForm((AccountForm(**given),), policies, conditions)
