"""A cell of a study as an account of the ledger, and the engine's codes in the ledger's words."""

from collections.abc import Iterable
from typing import NamedTuple

from helpers.ledger import Account, Event, Jump, Move, Rules, Tier

from stresslab.books.outcome import CAUSES
from stresslab.config.schema import Study


def rules_of(cell: Study) -> Rules:
    """The rulebook of a cell, field by field."""
    book = cell.rulebook()
    slippage = book.close_out.slippage_bps if cell.book.slippage_bps is None else cell.book.slippage_bps
    return Rules(
        tiers=tuple(Tier(tier.cap, tier.mmr, tier.cum) for tier in book.requirement.tiers),
        taker=book.fees.taker,
        entry_fee_from_margin=book.fees.entry_charged_to == "margin",
        liquidation_fee=book.liquidation.fee,
        residual_to_customer=book.liquidation.residual == "customer",
        slippage=slippage / 10_000,
    )


def open_account(cell: Study, rules: Rules | None = None) -> Account:
    """The position of a cell that is opened at as_of with collateral and leverage."""
    side = {"long": 1, "short": -1}[cell.book.side]
    spot, quantity = cell.market.spot, cell.book.collateral * cell.book.leverage / cell.market.spot
    levels = tuple(int(event[5:]) / 100 for event in cell.outputs.events if event.startswith("loss_"))
    return Account(rules or rules_of(cell), side, spot, spot, quantity, cell.book.collateral, levels)


def shifted(events: list[NamedTuple], by: float) -> list[NamedTuple]:
    """The same path with all its prices a little higher or lower."""
    return [
        type(event)(*(price * (1 + by) for price in event)) if isinstance(event, Move | Jump) else event
        for event in events
    ]


def live(cell: Study, events: Iterable[NamedTuple], rules: Rules | None = None) -> Account:
    """What becomes of a cell's position."""
    return open_account(cell, rules).follow(events)


def decoded(code: int) -> Event | None:
    """A code of the engine as an event of the ledger."""
    return Event(int(code) // len(CAUSES), CAUSES[int(code) % len(CAUSES)]) if code >= 0 else None
