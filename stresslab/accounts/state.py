"""What a book carries along a path; arrays are (book, path) unless said otherwise, money relative to the book's scale.

Cash is conserved: balances + reserve + fees + fund + others = wealth at as_of, whatever happens. An open position is
worth its size times its gain to the trader and as much less to the others.
"""

import functools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.contracts import gain
from stresslab.accounts.form import AccountForm, AccountNumbers, BookForm, BookNumbers
from stresslab.accounts.point import Point, leg_price
from stresslab.accounts.requirement import of_account
from stresslab.books.outcome import NEVER


class Holding(NamedTuple):
    """One account."""

    balance: Array  # equity if every price were that of as_of
    sizes: tuple[Array, ...]  # signed, one for each leg
    collaterals: tuple[Array, ...] = ()  # amounts, in worth at as_of
    stages: tuple[Any, ...] = ()  # what the stages of its liquidation remember


class Ledger(NamedTuple):
    """Cash that left the accounts since as_of (negative: came in), by who has it; and two sums for the report."""

    fees: Array  # the venue
    fund: Array  # the insurance fund: residuals less the shortfalls that it covered
    others: Array  # counterparties: trades, funding, deleveraging and socialised losses
    funding: Array  # of this, funding received
    shortfall: Array  # what equity fell below zero by at close-outs
    socialised: Any = ()  # others' losses that were paid, where the venue shares them


class Codes(NamedTuple):
    """When and why each event came first, or NEVER: see `books.outcome.code`."""

    liquidation: Array
    bankruptcy: Array
    deleveraged: Array
    default: Array  # of the venue
    loss: Array  # (fraction, book, path)
    price: Any = ()  # at which the first liquidation came, of the account's first leg; where the form records it


class Books(NamedTuple):
    """The books of one form on the paths of a scan."""

    accounts: tuple[Holding, ...]
    reserve: Array
    ledger: Ledger
    codes: Codes
    policies: tuple[Any, ...]
    conditions: tuple[Any, ...]  # of the venue, mostly of shape (1, path)
    price: Array  # (asset, path), relative to spot, where the last piece ended
    variance: Array  # per year, as the model gives it
    step: Array  # int32, steps since as_of
    missed: Any = ()  # bool, one for each account: a stop waits for the end of an outage; where there are any


def start(form: BookForm, numbers: BookNumbers, n_fractions: int, price: Array, variance: Any) -> Books:
    """All books as they stand at as_of; `price` is one, (asset, path)."""
    n_books, n_paths = numbers.equity.shape[0], price.shape[1]
    nothing = jnp.zeros((n_books, n_paths), price.dtype)
    never = jnp.full((n_books, n_paths), NEVER)
    holdings = tuple(
        Holding(
            balance=nothing + own.balance[:, None],
            sizes=tuple(nothing + leg.size[:, None] for leg in own.legs),
            collaterals=tuple(nothing + one.amount[:, None] for one in own.collaterals),
            stages=tuple(
                stage.start(number, nothing) for stage, number in zip(account.stages, own.stages, strict=True)
            ),
        )
        for account, own in zip(form.accounts, numbers.accounts, strict=True)
    )
    fees = nothing + numbers.entry_fee[:, None]
    return Books(
        accounts=holdings,
        reserve=nothing + numbers.reserve[:, None] - numbers.outside_fee[:, None],
        ledger=Ledger(fees, nothing, nothing, nothing, nothing, nothing if _shares_losses(form) else ()),
        codes=Codes(
            never,
            never,
            never,
            never,
            jnp.full((n_fractions, n_books, n_paths), NEVER),
            nothing if form.recorded else (),
        ),
        policies=tuple(policy.start(own, nothing) for policy, own in zip(form.policies, numbers.policies, strict=True)),
        conditions=tuple(one.start(own, price) for one, own in zip(form.conditions, numbers.conditions, strict=True)),
        price=price,
        variance=jnp.asarray(variance),
        step=jnp.zeros((), jnp.int32),
        missed=tuple(never != NEVER for _ in form.accounts) if form.can_miss_stops else (),
    )


def _shares_losses(form: BookForm) -> bool:
    return any(getattr(condition, "shares_losses", False) for condition in form.conditions)


def cash_value(form: AccountForm, numbers: AccountNumbers, holding: Holding, point: Point) -> Array:
    """Balance and what the legs have gained, without collaterals."""
    gained = [
        size * gain(leg.contract, leg_price(leg, own, point))
        for leg, own, size in zip(form.legs, numbers.legs, holding.sizes, strict=True)
    ]
    return functools.reduce(jnp.add, gained, holding.balance)


def collateral_value(form: AccountForm, numbers: AccountNumbers, holding: Holding, point: Point, margin: bool) -> Array:
    """What the collaterals are worth: as margin after haircuts, or in full."""
    worth = [
        amount * point.prices[asset] * (own.weight[:, None] if margin else np.float32(1))
        for asset, own, amount in zip(form.collaterals, numbers.collaterals, holding.collaterals, strict=True)
    ]
    return functools.reduce(jnp.add, worth, jnp.zeros_like(holding.balance))


def equity(form: AccountForm, numbers: AccountNumbers, holding: Holding, point: Point) -> Array:
    """What stands against the requirement: cash value, and collaterals after haircuts."""
    cash = cash_value(form, numbers, holding, point)
    return cash + collateral_value(form, numbers, holding, point, margin=True) if form.collaterals else cash


def excess(form: AccountForm, numbers: AccountNumbers, holding: Holding, point: Point) -> Array:
    """Equity less requirement: an account with positions is liquidated where it is not above 0."""
    required = of_account(form, numbers, holding.sizes, point)
    return equity(form, numbers, holding, point) - required


def is_open(holding: Holding) -> Array:
    """Whether there is a position left."""
    return functools.reduce(jnp.logical_or, [size != np.float32(0) for size in holding.sizes])


def wealth(form: BookForm, numbers: BookNumbers, books: Books, point: Point) -> Array:
    """All accounts at this point, collaterals in full, and the reserve; net of the fees that were paid outside."""
    worth = books.reserve
    for account, own, holding in zip(form.accounts, numbers.accounts, books.accounts, strict=True):
        worth = worth + cash_value(account, own, holding, point)
        if account.collaterals:
            worth = worth + collateral_value(account, own, holding, point, margin=False)
    return worth
