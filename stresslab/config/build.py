"""From a validated book to the numbers of the compiled loop: the only door from host values to device arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stresslab.books.linear import LONG, SHORT, Positions
from stresslab.config.schema import Study
from stresslab.errors import NotAllowed
from stresslab.units import BASIS_POINT
from stresslab.venues import Rulebook

SIDES = {"long": LONG, "short": SHORT}


@dataclass(frozen=True)
class BookFacts:
    """One book in money: what the report says of it before any path is drawn. Quote currency, units of the asset."""

    side: str
    rulebook: Rulebook
    spot: float
    entry: float
    quantity: float
    notional: float  # at entry
    leverage: float
    margin: float  # isolated margin at as_of, after an entry fee that is charged to it
    equity: float  # margin and unrealised PnL before fees: what can be lost
    entry_fee: float
    outside_fee: float
    slippage: float  # fraction
    liquidation_price: float
    bankruptcy_price: float
    form: None = None  # a plain book is not for the general engine

    @property
    def scale(self) -> float:
        """Notional at spot: what the loop's money is relative to."""
        return self.quantity * self.spot


def book_facts(cell: Study) -> BookFacts:
    """The book of one cell; NotAllowed where its rulebook refuses it."""
    book, spot, rulebook = cell.book, cell.market.spot, cell.rulebook()
    assert book.side is not None  # of one position
    in_flight = book.entry_price is not None
    entry = book.entry_price if book.entry_price is not None else spot
    quantity, collateral = _size(book.leverage, book.collateral, book.quantity, entry)
    notional, pnl = quantity * entry, SIDES[book.side] * quantity * (spot - entry)
    before_fee = book.margin if book.margin is not None else collateral
    if book.margin_with_pnl is not None:
        before_fee = book.margin_with_pnl - pnl
    leverage = book.leverage if book.leverage is not None else notional / (collateral or before_fee + pnl)
    # of a position in flight only its size is judged: the leverage was judged when it was opened
    try:
        rulebook.check_allowed(quantity * spot, 1e-9 if in_flight else leverage, quantity=quantity)
    except NotAllowed as refusal:
        raise refusal.at(key="book") from None
    entry_fee = 0.0 if in_flight else rulebook.fees.taker * notional
    outside_fee = entry_fee if rulebook.fees.entry_charged_to == "wallet" else 0.0
    margin = before_fee - (entry_fee - outside_fee)
    facts = BookFacts(
        side=book.side,
        rulebook=rulebook,
        spot=spot,
        entry=entry,
        quantity=quantity,
        notional=notional,
        leverage=leverage,
        margin=margin,
        equity=before_fee + pnl,
        entry_fee=entry_fee,
        outside_fee=outside_fee,
        slippage=BASIS_POINT * (rulebook.close_out.slippage_bps if book.slippage_bps is None else book.slippage_bps),
        liquidation_price=float(rulebook.liquidation_price(book.side, entry, quantity, margin)),
        bankruptcy_price=float(rulebook.bankruptcy_price(book.side, entry, quantity, margin)),
    )
    _require_open(facts)
    return facts


def _size(
    leverage: float | None, collateral: float | None, quantity: float | None, entry: float
) -> tuple[float, float]:
    """Quantity and collateral from any two of the three; with quantity alone, of a position in flight, the collateral
    is not known and is 0.
    """
    if quantity is None:
        assert leverage is not None and collateral is not None  # the schema gives exactly two
        return leverage * collateral / entry, collateral
    if collateral is None:
        return quantity, quantity * entry / leverage if leverage is not None else 0.0
    return quantity, collateral


def _require_open(facts: BookFacts) -> None:
    """NotAllowed for a position that its venue would liquidate at once."""
    # a position in flight may stand on its unrealised PnL alone; one that is opened needs margin left after its fee
    eaten = facts.entry_fee > 0 and facts.margin <= 0
    if eaten or facts.rulebook.is_liquidated(facts.side, facts.entry, facts.quantity, facts.margin, facts.spot):
        raise NotAllowed(
            f"is at or below its maintenance margin at spot {facts.spot:g} already: it would be liquidated at once",
            key="book",
            got=f"{facts.side} {facts.quantity:g} at {facts.entry:g} with margin {facts.margin:g}",
            hint="Give it more margin, or less leverage",
        )


def positions(books: Sequence[BookFacts]) -> Positions:
    """Books of one side in the units of the loop. Tiers that no price between a third and three times matters for are
    left out.
    """
    scale = np.array([book.scale for book in books])
    rates, amounts = _tier_windows(books)
    fees = [book.rulebook.fees.taker for book in books]
    kept = [float(book.rulebook.liquidation.residual == "customer") for book in books]
    return Positions(
        entry=np.array([book.entry / book.spot for book in books]),
        margin=np.array([book.margin for book in books]) / scale,
        equity=np.array([book.equity for book in books]) / scale,
        entry_fee=np.array([book.entry_fee for book in books]) / scale,
        outside_fee=np.array([book.outside_fee for book in books]) / scale,
        mmr=rates,
        cum=amounts / scale[:, None],
        slippage=np.array([book.slippage for book in books]),
        exit_fee=np.array(fees),
        liquidation_fee=np.array([book.rulebook.liquidation.fee for book in books]),
        residual_kept=np.array(kept),
    )


def _tier_windows(books: Sequence[BookFacts]) -> tuple[np.ndarray, np.ndarray]:
    """Maintenance rates and amounts, shape (book, tier); shorter windows repeat their last tier."""
    windows = []
    for book in books:
        table = book.rulebook.requirement.table
        lowest, highest = tier_reach(book)
        first = int(np.searchsorted(table.cap, lowest * book.scale))
        last = int(np.searchsorted(table.cap, highest * book.scale)) + 1
        first = min(first, len(table.mmr) - 1)
        windows.append((table.mmr[first:last], table.cum[first:last]))
    longest = max(len(rates) for rates, _ in windows)
    pad = [
        (np.pad(rates, (0, longest - len(rates)), "edge"), np.pad(cum, (0, longest - len(cum)), "edge"))
        for rates, cum in windows
    ]
    return np.array([rates for rates, _ in pad]), np.array([cum for _, cum in pad])


def tier_reach(book: BookFacts) -> tuple[float, float]:
    """Prices relative to spot between which the static ladder's tiers are complete: funding may move the trigger so
    far.
    """
    trigger = book.liquidation_price / book.spot
    return min(trigger, 1.0) / 3, max(trigger, 1.0) * 3
