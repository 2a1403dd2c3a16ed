"""The figures of a recorded position by the public answers of a rulebook.

A venue that charges its closing fee on the notional shows the maintenance margin without it (OKX, KuCoin), one whose
fee is fixed shows it with the fee (Bybit, BitMEX). Margins of an open position are on the mark notional, or at entry
where the requirement is frozen there. The rest of a cross account is counted at its marks; a long and a short of one
contract move together and have one liquidation price.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stresslab.files.position_row import Row
from stresslab.venues.account import Position, others
from stresslab.venues.recorded_rules import Rules, highest_size
from stresslab.venues.rulebook import Rulebook

_PRICE = "its mark price"
_BACKING = {"isolated": "its margin or margin_with_pnl", "cross": "the account's wallet (without PnL)"}


class Missing(Exception):
    """Something that a figure needs is not recorded: its words."""


@dataclass(frozen=True)
class Beside:
    """Another position of the same cross account."""

    row: Row
    rules: Rules | None  # None where its symbol has no rulebook


@dataclass(frozen=True)
class Asked:
    """A position as the answers take it."""

    row: Row
    rules: Rules
    beside: Sequence[Beside] = ()

    @property
    def book(self) -> Rulebook:
        """The rulebook of the position."""
        return self.rules.book

    @property
    def entry(self) -> float:
        """The entry price, or the mark where the figure does not depend on it."""
        return _given(self.row.entry_price or self.row.mark_price, "its entry price")

    @property
    def mark(self) -> float:
        """The mark price."""
        return _given(self.row.mark_price, _PRICE)

    @property
    def position(self) -> tuple[str, float, float]:
        """Side, entry price and quantity."""
        if self.row.side is None and self.row.closing_fee is None and self.book.closing_fee_is_fixed:
            raise Missing("its side")
        return self.row.side or "long", self.entry, self.row.amount

    @property
    def sided(self) -> tuple[str, float, float]:
        """The same for a figure that counts PnL."""
        if self.row.side is None:
            raise Missing("its side")
        return self.row.side, _given(self.row.entry_price, "its entry price"), self.row.amount

    @property
    def fee_at_venue(self) -> dict[str, Any]:
        """What the venue says of the closing fee."""
        return {"leverage_set": self.row.leverage_set, "closing_fee": self.row.closing_fee}

    @property
    def at_venue(self) -> dict[str, Any]:
        """The same with the funding rate."""
        return self.fee_at_venue | {"funding_rate": self.row.funding_rate}

    @property
    def margin(self) -> float:
        """Without the PnL since entry: the position's own, or the wallet."""
        row = self.row
        if row.margin_mode != "isolated":
            return self._wallet()
        if row.margin is not None:
            return row.margin
        with_pnl = _given(row.margin_with_pnl, _BACKING["isolated"])
        return with_pnl - float(self.book.equity(*self.sided, 0.0, self.mark))

    def _wallet(self) -> float:
        """Given once or in every row of the account."""
        given = {one.wallet for one in (self.row, *(other.row for other in self.beside)) if one.wallet is not None}
        if len(given) > 1:
            raise Missing(f"one wallet of the account: its rows say {' and '.join(map(str, sorted(given)))}")
        return _given(next(iter(given), None), _BACKING["cross"])

    @property
    def fee_margin(self) -> float:
        """The margin where a fixed closing fee is taken from it, for want of the leverage set."""
        if not self.book.closing_fee_is_fixed or self.row.leverage_set or self.row.closing_fee is not None:
            return 0.0
        if self.row.margin_mode != "isolated":
            raise Missing("leverage_set, which decides its closing fee")
        return self.margin

    @property
    def counted(self) -> Sequence[Beside]:
        """The rest of the account, where the row does not say itself what it adds."""
        told = self.row.other_pnl is not None or self.row.other_maintenance is not None
        return () if told else self.beside

    def opposite(self) -> "Asked | None":
        """The other leg of hedge mode."""
        same = [one for one in self.counted if _contract(one) == _contract(self)]
        if any(one.row.side == self.row.side for one in same) or len(same) > 1:
            raise Missing("one row for each side of its contract")
        if not same or same[0].rules is None:
            return None
        if same[0].rules.book.requirement != self.book.requirement:
            raise Missing(f"one tier and one fee level for both sides of its contract: {same[0].row.name} has others")
        return Asked(same[0].row, same[0].rules)

    def others(self, without_hedge: bool = False) -> dict[str, Any]:
        """PnL and maintenance of the rest of the account, and the deduction of the record's own tier."""
        pnl, maintenance = self.row.other_pnl or 0.0, (self.row.other_maintenance or 0.0) - self.rules.deduction
        positions = []
        for one in self.counted:
            if without_hedge and _contract(one) == _contract(self):
                continue
            if one.rules is None:
                raise Missing(f"a rulebook of {one.row.symbol or one.row.name} in its account")
            asked = Asked(one.row, one.rules)
            if self._currency != asked._currency:
                raise Missing(f"PnL and requirement of {one.row.name} in its own currency")
            asked.fee_margin  # noqa: B018 (raises)
            venue = one.row.leverage_set, one.row.funding_rate
            positions.append(Position(asked.book, *asked.sided, asked.mark, *venue))
            maintenance -= one.rules.deduction
        found = others(positions)
        pnl, maintenance = pnl + float(found.other_pnl), maintenance + float(found.other_maintenance)
        return {"other_pnl": pnl, "other_maintenance": maintenance}

    @property
    def _currency(self) -> str:
        """Of settlement; of a coin-margined contract its symbol, since a stand-in's coin is another one."""
        linear = self.book.contract.kind == "linear"
        return self.book.contract.settle if linear else str(_contract(self))

    @property
    def weighed_at(self) -> float:
        """The price of the notional that margins are on."""
        return self.entry if self.book.requirement.basis == "entry" else self.mark

    def check_size(self) -> None:
        """Missing where the position is larger than the table."""
        size, most = float(self.book.size(self.row.amount, self.weighed_at)), highest_size(self.book)
        if size > most:
            raise Missing(f"a tier of its size ({size:.10g}): the rulebook's table ends at {most:.10g}")


def answer(figure: str, asked: Asked) -> float:
    """One figure of a position; Missing where the record lacks what it needs."""
    return float(_ANSWERS[figure](asked))


def _maintenance(asked: Asked) -> float:
    book, fee = asked.book, 0.0
    asked.check_size()
    wanted = float(book.required(*asked.position, asked.fee_margin, asked.mark, **asked.at_venue))
    if book.requirement.include_close_fee == "on_notional" and book.requirement.basis == "mark":
        fee = float(book.close_fee(*asked.position, 0.0, asked.mark, **asked.fee_at_venue))
    return wanted - fee - asked.rules.deduction


def _initial(asked: Asked) -> float:
    book, row = asked.book, asked.row
    asked.check_size()
    value = float(book.notional(row.amount, asked.weighed_at))
    if row.leverage_set is None:
        return float(book.initial_margin(value, size=book.size(row.amount, asked.weighed_at)))
    margin = value / row.leverage_set
    if book.requirement.include_close_fee != "at_bankruptcy":
        return margin
    return margin + float(book.close_fee(*asked.position, 0.0, asked.weighed_at, **asked.fee_at_venue))


def _liquidation_price(asked: Asked) -> float:
    is_cross = asked.row.margin_mode != "isolated"
    other = asked.opposite() if is_cross else None
    if other is not None:
        return _hedged(asked, other)
    asked.fee_margin  # noqa: B018 (raises)
    given = asked.others() | asked.at_venue
    return float(asked.book.liquidation_price(*asked.sided, asked.margin, **given))


def _hedged(asked: Asked, other: Asked) -> float:
    """The price that both legs share: below for more longs, above for more shorts."""
    legs = {asked.row.side: Asked(asked.row, asked.rules), other.row.side: other}
    long, short = legs["long"].sided, legs["short"].sided
    given = asked.others(without_hedge=True)
    given["other_maintenance"] -= other.rules.deduction
    given |= {f"{side}_leverage_set": legs[side].row.leverage_set for side in ("long", "short")}
    for leg in legs.values():
        leg.fee_margin  # noqa: B018 (raises)
    funding = legs["long"].row.funding_rate
    found = asked.book.hedged_liquidation_prices(*long[1:], *short[1:], asked.margin, funding_rate=funding, **given)
    return float(found.lower if long[2] >= short[2] else found.upper)


def _bankruptcy_price(asked: Asked) -> float:
    if asked.row.margin_mode != "isolated" and asked.opposite() is not None:
        raise Missing("one position of its contract: a long and a short have no bankruptcy price of their own")
    asked.fee_margin  # noqa: B018 (raises)
    pnl = asked.others()["other_pnl"]
    return float(asked.book.bankruptcy_price(*asked.sided, asked.margin, other_pnl=pnl, **asked.fee_at_venue))


def _margin_ratio(asked: Asked) -> float:
    asked.check_size()
    pnl, maintenance = asked.others()["other_pnl"], asked.others()["other_maintenance"]
    left = float(asked.book.equity(*asked.sided, asked.margin, asked.mark, other_pnl=pnl))
    wanted = float(asked.book.required(*asked.sided, asked.fee_margin, asked.mark, **asked.at_venue))
    return left / (wanted + maintenance)


_ANSWERS: Mapping[str, Callable[[Asked], float]] = {
    "maintenance_margin": _maintenance,
    "initial_margin": _initial,
    "liquidation_price": _liquidation_price,
    "bankruptcy_price": _bankruptcy_price,
    "margin_ratio": _margin_ratio,
}


def _contract(one: Beside | Asked) -> tuple[str | None, str | None]:
    """What is the same for two rows of one contract, however they spell it."""
    if one.rules is not None and one.rules.is_own:
        return one.rules.book.id, None
    return one.row.venue, one.row.symbol


def _given(value: float | None, words: str) -> float:
    if value is None:
        raise Missing(words)
    return value
