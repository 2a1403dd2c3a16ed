"""Books of the twin as forms and numbers of the engine, and the engine run on written-down paths, in float64."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from helpers.account_twin.account import Account, Collateral
from helpers.account_twin.book import Book, Money
from helpers.account_twin.path import Begin, Clock, Drift, End, Funding, Jump, Mark
from helpers.account_twin.position import Position

from stresslab.accounts import state
from stresslab.accounts.engine import Engine
from stresslab.accounts.form import (
    AccountForm,
    AccountNumbers,
    BookForm,
    BookNumbers,
    CollateralNumbers,
    Leg,
    LegNumbers,
)
from stresslab.accounts.scene import now
from stresslab.scan import Gap, Reach, Track
from stresslab.venues.margin_kernel import Rates, with_fee


class Script(NamedTuple):
    """Paths, written down. Each step: to a corner and on to an end, a jump, a second straight line."""

    prices: np.ndarray  # (step, 4, asset, path), natural; the corner only where books hold one asset
    rates: np.ndarray  # (step,): funding at its end, 0 for none
    bins: np.ndarray  # (step,): survival bin


class Played(NamedTuple):
    """Of all books on all paths, in the engine's units."""

    codes: state.Codes
    money: Money  # (step, book, path)
    cash: np.ndarray  # all there is, (step, book, path)
    end: state.Books


def form_of(book: Book) -> BookForm:
    return BookForm(tuple(map(_account_form, book.accounts)), tuple(policy.form for policy in book.policies))


def _account_form(account: Account) -> AccountForm:
    return AccountForm(
        legs=tuple(
            Leg(
                p.asset,
                p.contract,
                p.demand.shape,
                p.demand.by,
                p.demand.basis,
                p.demand.close_fee == "at_bankruptcy",
                dated=p.expiry is not None,
            )
            for p in account.positions
        ),
        collaterals=tuple(one.asset for one in account.collaterals),
        netting=account.netting,
        stages=tuple(stage.form for stage in account.stages),
        strict=account.strict,
    )


def numbers_of(books: list[Book]) -> BookNumbers:
    """A row for each; all of one form, still as they were opened."""
    return jax.tree.map(lambda *rows: np.stack(rows), *(_row(book) for book in books))


def _row(book: Book) -> BookNumbers:
    scale = book.scale
    return BookNumbers(
        accounts=tuple(_account_row(account, book) for account in book.accounts),
        equity=np.array(book.at_start / scale),
        outside_fee=np.array(book.outside_fee / scale),
        entry_fee=np.array(book.entry_fee / scale),
        reserve=np.array((book.reserve + book.outside_fee) / scale),
        policies=tuple(policy.numbers(book.spots[0]) for policy in book.policies),
    )


def _account_row(account: Account, book: Book) -> AccountNumbers:
    # what the account would be worth if every contract traded at the spot of its asset
    balance = account.wallet + sum(p.profit(book.spots[p.asset]) for p in account.positions)
    return AccountNumbers(
        balance=np.array(balance / book.scale),
        legs=tuple(_leg_row(p, book) for p in account.positions),
        residual_kept=np.array(float(account.residual_to_customer)),
        stages=tuple(stage.numbers(book.scale) for stage in account.stages),
        collaterals=tuple(_collateral_row(one, book) for one in account.collaterals),
    )


def _collateral_row(one: Collateral, book: Book) -> CollateralNumbers:
    return CollateralNumbers(np.array(one.amount * book.spots[one.asset] / book.scale), np.array(1 - one.haircut))


def unit(p: Position, book: Book) -> float:
    """One unit of size in the engine's."""
    spot = book.spots[p.asset]
    return (1 / spot if p.contract == "inverse" else p.multiplier * spot) / book.scale


def _leg_row(p: Position, book: Book) -> LegNumbers:
    demand, one = p.demand, unit(p, book)
    rates, caps = np.array([tier.mmr for tier in demand.tiers]), np.array([tier.cap for tier in demand.tiers])
    amounts = np.concatenate([[0.0], np.cumsum(caps[:-1] * np.diff(rates))]) / book.scale
    measure = 1 / book.scale if demand.by == "notional" else one
    if demand.shape in ("affine", "sqrt"):
        rates = np.array([demand.base])
        amounts = np.array([demand.growth / (measure if demand.shape == "affine" else np.sqrt(measure))])
        caps = np.array([0.8 if demand.shape == "sqrt" else 1e30 / measure])
        measure = 1.0 if demand.shape == "sqrt" else measure
    if demand.close_fee == "on_notional":
        rates, amounts, caps = with_fee(demand.shape, Rates(rates, amounts, caps), np.array(p.taker))
    return LegNumbers(
        size=np.array(p.size * one),
        entry=np.array(p.entry / book.spots[p.asset]),
        mmr=rates,
        cum=amounts,
        cap=np.minimum(caps * measure, 1e30),
        fee=np.array(p.taker),
        liquidation_fee=np.array(p.liquidation_fee),
        slippage=np.array(p.slippage),
        fixed=np.array(p.taker * p.notional(p.bankrupt_at) / abs(p.size * one) / book.scale)
        if demand.close_fee == "at_bankruptcy"
        else (),
        basis=np.array(p.log_basis) if p.expiry is not None else (),
        expiry=np.array(p.expiry, float) if p.expiry is not None else (),
    )


def events(script: Script, path: int) -> list[NamedTuple]:
    """One path of a script as the twin takes it; a mark after every step."""
    found: list[NamedTuple] = []
    for prices, rate, number in zip(script.prices[..., path].tolist(), script.rates, script.bins, strict=True):
        corner, first, jumped, second = map(tuple, prices)
        found += [Clock(int(number)), Begin(), Drift((corner, first)), Jump(jumped), Drift((second,)), End()]
        if rate:
            found.append(Funding(float(rate)))
        found.append(Mark())
    return found


def play(form: BookForm, numbers: BookNumbers, script: Script, spots: tuple[float, ...], levels: Any) -> Played:
    """The engine's own step on every path, in float64."""
    logs = np.log(script.prices / np.array(spots)[:, None])
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        given = (numbers, np.array(levels, float), logs, script.rates, script.bins.astype(np.int32))
        return jax.tree.map(np.asarray, _play(form, *jax.tree.map(jnp.asarray, given)))


@functools.partial(jax.jit, static_argnums=0)
def _play(form: BookForm, numbers: BookNumbers, levels: Any, logs: Any, rates: Any, bins: Any) -> Played:
    n_assets, n_paths = logs.shape[2:]
    calm = jnp.zeros((n_assets, n_paths))
    books = state.start(form, numbers, levels.shape[0], jnp.ones((n_assets, n_paths)), calm)

    def step(carry: Any, row: Any) -> Any:
        books, before = carry
        (corner, first, jumped, second), rate, number = row
        engine = Engine(form, numbers, levels, jnp.eye(n_assets), number)
        pieces = _straight(before, corner, first), Gap(jumped), _straight(jumped, jumped, second)
        books = engine.step(books, Track(pieces, calm))
        books = jax.lax.cond(rate != 0, lambda b: engine.pay_funding(b, rate), lambda b: b, books)
        return (books, second), seen_by_all(form, numbers, books)

    (books, _), (money, cash) = jax.lax.scan(step, (books, jnp.zeros((n_assets, n_paths))), (logs, rates, bins))
    return Played(books.codes, money._replace(others=money.others - _others_at_start(form, numbers)[None]), cash, books)


def _straight(before: Any, corner: Any, end: Any) -> Reach:
    low, high = (extreme(extreme(before, corner), end) for extreme in (jnp.minimum, jnp.maximum))
    return Reach(low, high, end, jnp.zeros(()), jnp.zeros_like(end))


def seen_by_all(form: BookForm, numbers: BookNumbers, books: state.Books) -> tuple[Money, Any]:
    """Everybody's money now (of the others also what they had at as_of), and all cash there is."""
    ledger, point = books.ledger, now(books)
    worth = state.wealth(form, numbers, books, point)
    balances = sum(holding.balance for holding in books.accounts)
    unrealised = -balances
    for account, own, holding in zip(form.accounts, numbers.accounts, books.accounts, strict=True):
        unrealised = unrealised + state.cash_value(account, own, holding, point)
    money = Money(
        worth - numbers.equity[:, None],
        ledger.fees,
        ledger.funding,
        ledger.shortfall,
        ledger.fund,
        ledger.others - unrealised,
    )
    return money, balances + books.reserve + ledger.fees + ledger.fund + ledger.others


def _others_at_start(form: BookForm, numbers: BookNumbers) -> Any:
    one = jnp.ones((1 + max(max(account.assets) for account in form.accounts), 1))
    books = state.start(form, numbers, 0, one, one)
    return seen_by_all(form, numbers, books)[0].others
