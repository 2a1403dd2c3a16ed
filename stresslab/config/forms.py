"""From books in money to the numbers of the general account engine: float64 rows, relative to each book's scale."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stresslab.accounts.form import AccountForm, AccountNumbers, BookForm, BookNumbers, CollateralNumbers, LegNumbers
from stresslab.config import liquidation_stages, option_rows
from stresslab.config.build import BookFacts
from stresslab.config.clock import calm_variance, clock
from stresslab.config.general_book import GeneralBook
from stresslab.config.held import Account, Held
from stresslab.config.leg_forms import ENDLESS, WIDEST, fixed, leg_form, rates
from stresslab.config.schema import Study
from stresslab.units import YEAR_SECONDS
from stresslab.venues.margin_kernel import Rates

_NEVER = 2**31 - 1  # a step that does not come


def as_general(book: BookFacts | GeneralBook) -> GeneralBook:
    """The same book for the general engine, which can evaluate any."""
    if isinstance(book, GeneralBook):
        return book
    leg = Held(
        rulebook=book.rulebook,
        side=book.side,
        row=0,
        spot=book.spot,
        price=book.spot,
        entry=book.entry,
        quantity=book.quantity,
        is_new=book.entry_fee > 0,
        slippage=book.slippage,
    )
    inside = book.entry_fee - book.outside_fee
    account = Account((leg,), book.margin + inside, inside)
    return GeneralBook((account,), 0.0, BookForm((AccountForm((leg_form(leg),)),)))


def form(book: GeneralBook, dt: float) -> BookForm:
    """What is compiled of a book in a market cell with this step, in years: with the conditions of the venue."""
    cell = book.cell
    if cell is None or cell.venue is None:
        return book.form
    at = clock(cell, dt * YEAR_SECONDS)
    return book.form._replace(conditions=tuple(block.form(at) for block in cell.venue.conditions))


def numbers(books: Sequence[BookFacts | GeneralBook], dt: float, all_tiers: bool = False) -> BookNumbers:
    """The rows of books of one form; `dt` is the step in years.

    With `all_tiers` no tier is left out: funding may move a trigger anywhere.
    """
    held = [as_general(book) for book in books]
    scale = np.array([book.scale for book in held])
    reaches = [(0.0, math.inf) if all_tiers else _reach(book) for book in held]
    accounts = tuple(
        _account(held, [book.accounts[number] for book in held], scale, dt, reaches)
        for number in range(len(held[0].accounts))
    )
    return BookNumbers(
        accounts=accounts,
        equity=_row(book.equity for book in held) / scale,
        outside_fee=_row(book.outside_fee for book in held) / scale,
        entry_fee=_row(book.entry_fee for book in held) / scale,
        reserve=_row(book.reserve for book in held) / scale,
        policies=_policies(held, dt * YEAR_SECONDS),
        conditions=_conditions(held[0].cell, dt),
    )


def _policies(books: list[GeneralBook], step: float) -> tuple[Any, ...]:
    """Rows of every policy's numbers; whole numbers are steps."""
    found = []
    for place in range(len(books[0].policies)):
        rows = [book.policies[place].numbers(book.standing(book.policies[place], step)) for book in books]
        found.append(type(rows[0])(*(_column(column) for column in zip(*rows, strict=True))))
    return tuple(found)


def _conditions(cell: Study | None, dt: float) -> tuple[Any, ...]:
    """Numbers of the venue's conditions, the same for all books of a market cell."""
    if cell is None or cell.venue is None:
        return ()
    at = clock(cell, dt * YEAR_SECONDS)
    return tuple(block.numbers(at) for block in cell.venue.conditions)


def _column(values: Sequence[float | int]) -> np.ndarray:
    return np.array(values, np.int32 if all(isinstance(value, int) for value in values) else np.float64)


def _account(
    books: list[GeneralBook], held: list[Account], scale: np.ndarray, dt: float, reaches: list[tuple[float, float]]
) -> AccountNumbers:
    # a balance is the equity if every price were the spot of its index: a future's basis is in its gain
    balance = _row(one.margin + sum(leg.pnl_at_index for leg in one.legs) + one.options_worth for one in held)
    kept = _row(float(one.rulebook.liquidation.residual == "customer") for one in held)
    legs = tuple(
        _leg(books, [one.legs[place] for one in held], scale, dt, reaches) for place in range(len(held[0].legs))
    )
    collaterals = tuple(
        CollateralNumbers(
            amount=_row(one.collaterals[place].worth for one in held) / scale,
            weight=_row(1 - one.collaterals[place].haircut for one in held),
        )
        for place in range(len(held[0].collaterals))
    )
    stages, cell = _stages(books, held, dt), books[0].cell
    if cell is not None and held[0].options is not None:
        legs = (*legs, option_rows.leg(cell, held, scale, dt))
    is_portfolio = cell is not None and cell.book.margin_mode == "portfolio"
    portfolio = option_rows.portfolio(held, scale) if is_portfolio else ()
    return AccountNumbers(balance / scale, legs, kept, stages, collaterals, portfolio)


def _stages(books: list[GeneralBook], held: list[Account], dt: float) -> tuple[Any, ...]:
    """Rows of the numbers of every stage; a stage without any has the empty tuple."""
    if not liquidation_stages.forms(held[0].rulebook):
        return ()
    rows = [
        liquidation_stages.numbers(one.rulebook, book.quote(one.rulebook, one.spot), dt)
        for book, one in zip(books, held, strict=True)
    ]
    return tuple(
        type(stage[0])(*(np.array(column) for column in zip(*stage, strict=True))) if stage[0] else ()
        for stage in zip(*rows, strict=True)
    )


def _leg(
    books: list[GeneralBook], held: list[Held], scale: np.ndarray, dt: float, reaches: list[tuple[float, float]]
) -> LegNumbers:
    table = _padded([rates(leg, float(unit), *reach) for reach, leg, unit in zip(reaches, held, scale, strict=True)])
    plain = LegNumbers(
        size=_row(leg.unit for leg in held) / scale,
        entry=_row(leg.entry / leg.spot for leg in held),
        mmr=table.mmr,
        cum=table.cum,
        cap=table.cap,
        fee=_row(leg.rulebook.fees.taker for leg in held),
        liquidation_fee=_row(leg.rulebook.liquidation.fee for leg in held),
        slippage=_row(leg.slippage for leg in held),
    )
    cell = books[0].cell
    plain = plain._replace(funding_cap=_funding_cap(cell, held))
    if leg_form(held[0]).fixed:
        plain = plain._replace(fixed=_row(fixed(leg) for leg in held))
    if cell is not None and cell.venue is not None and cell.venue.depth is not None:
        quote = _row(book.quote(leg.rulebook, leg.spot) for book, leg in zip(books, held, strict=True))
        plain = plain._replace(close_out=cell.venue.depth.numbers(calm_variance(cell), quote))
    if held[0].seconds is None:
        return plain
    seconds = [leg.seconds or 0.0 for leg in held]
    steps = np.ceil(np.array(seconds) / YEAR_SECONDS / dt - 1e-9)
    return plain._replace(basis=_row(leg.basis * dt for leg in held), expiry=np.minimum(steps, _NEVER).astype(np.int32))


def _funding_cap(cell: Study | None, held: list[Held]) -> Any:
    """The largest rate of one of the study's payments; nothing where no rulebook has a cap."""
    caps = [leg.rulebook.funding_cap() for leg in held]
    if cell is None or cell.funding is None or all(cap is None for cap in caps):
        return ()
    seconds = cell.funding.interval_seconds
    intervals = [leg.rulebook.funding.rate_seconds for leg in held]
    return _row(
        ENDLESS if cap is None else float(cap) * seconds / own for cap, own in zip(caps, intervals, strict=True)
    )


def _reach(book: GeneralBook) -> tuple[float, float]:
    """Notionals, relative to the present one, between which a book's tiers are complete: funding may move the trigger
    so far. A book that may shrink keeps those below, one that may grow those above.
    """
    if not book.legs:
        return 0.0, math.inf  # options have no tiers
    trigger = book.liquidation_price / book.legs[0].spot
    inverse = book.legs[0].rulebook.contract.kind == "inverse"
    keeps_size = all(policy.closes_whole for policy in book.policies) and not any(
        account.stages for account in book.form.accounts
    )
    if not math.isfinite(trigger) or trigger <= 0 or not keeps_size:
        return 0.0, math.inf if any(policy.grows for policy in book.policies) else WIDEST
    times = 1 / trigger if inverse else trigger
    return min(times, 1.0) / 3, max(times, 1.0) * 3


def _padded(tables: Sequence[Rates]) -> Rates:
    """Rows of (book, tier); shorter tables repeat their last tier, which is never reached again."""
    longest = max(len(table.mmr) for table in tables)

    def rows(columns: Sequence[np.ndarray], after: Callable[[np.ndarray], float]) -> np.ndarray:
        return np.array([np.pad(one, (0, longest - len(one)), constant_values=after(one)) for one in columns])

    mmr, cum, cap = zip(*tables, strict=True)
    return Rates(
        rows(mmr, lambda one: float(one[-1])), rows(cum, lambda one: float(one[-1])), rows(cap, lambda _: ENDLESS)
    )


def _row(values: object) -> np.ndarray:
    return np.array(list(values), np.float64)  # type: ignore[call-overload]
