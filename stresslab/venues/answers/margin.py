"""What a rulebook answers about a position: what it requires, and the prices at which it is liquidated and bankrupt.

Prices are in quote currency and money in settlement currency. `quantity` is in base currency for a linear contract, in
quote currency (USD) for an inverse one, in contracts for a quanto. `margin` is what backs the position now, without its
PnL since entry: its isolated margin, or the wallet of a cross account, whose other positions come as their PnL and
maintenance margin (`other_pnl`, `other_maintenance`; `account.others` gives both for a list). Everything is elementwise
over arrays.

    equity = margin + other_pnl + PnL       liquidated where equity <= (or <) requirement + other_maintenance

The requirement has the shape, price and tier of `requirement`, and the fee to close where `include_close_fee` says so:
on the notional at the trigger, or at the bankruptcy price (the price at which the margin pays just that fee).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import require
from stresslab.venues import margin as _margin
from stresslab.venues.answers.demand import Leg, Lines, combined, jumps, lines
from stresslab.venues.answers.size import SizeAnswers
from stresslab.venues.inputs import FloatArray, finite, positive, shapes_in_words
from stresslab.venues.rounding import on_tick
from stresslab.venues.trigger import FlatTiers, adverse_end, first_on_the_way, safe_interval


class Hedged(NamedTuple):
    """The prices between which an account with a long and a short leg is safe."""

    lower: FloatArray  # 0.0 where no fall liquidates it
    upper: FloatArray  # infinite where no rise does


class Balance(NamedTuple):
    """equity(x) = slope x + intercept, and what is required of it."""

    slope: FloatArray
    intercept: FloatArray
    demand: Lines


class MarginAnswers(SizeAnswers):
    """Requirement, liquidation and bankruptcy price of positions under these rules."""

    @shapes_in_words
    def required(
        self, side: Any, entry_price: ArrayLike, quantity: ArrayLike, margin: ArrayLike, price: ArrayLike
    ) -> FloatArray:
        """Maintenance margin of the position at `price`, with the fee to close where it belongs to it."""
        at = entry_price if self.requirement.basis == "entry" else price
        wanted = self._maintenance(self.notional(quantity, at), self.size(quantity, at))
        return wanted + self.close_fee(side, entry_price, quantity, margin, at)

    @shapes_in_words
    def margin_to_open(self, side: Any, entry_price: ArrayLike, quantity: ArrayLike, leverage: ArrayLike) -> FloatArray:
        """What an isolated position at this leverage gets: notional / leverage, and the fee to close where it is kept.

        Bybit keeps the fee at the bankruptcy price, f q P (1 - s / leverage) (inverse: f Q / P (1 + s / leverage)).
        """
        notional, size = self.notional(quantity, entry_price), self.size(quantity, entry_price)
        margin = self.initial_margin(notional, leverage, size)
        if self.requirement.include_close_fee != "at_bankruptcy":
            return margin
        return margin + self.fees.taker * (notional - _margin.heading(side, self._kind) * margin)

    @shapes_in_words
    def close_fee(
        self, side: Any, entry_price: ArrayLike, quantity: ArrayLike, margin: ArrayLike, price: ArrayLike
    ) -> FloatArray:
        """The fee to close that the requirement includes: 0, of the notional at `price`, or at the bankruptcy price."""
        if self.requirement.include_close_fee == "none":
            return np.zeros(())
        if self.requirement.include_close_fee == "on_notional":
            return self.fees.taker * self.notional(quantity, price)
        leg = self._leg(side, entry_price, quantity)
        slope = leg.sign * leg.quantity
        return _fee_at_bankruptcy(self.fees.taker * leg.quantity, slope, finite("margin", margin) - slope * leg.entry)

    @shapes_in_words
    def liquidation_price(
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        margin: ArrayLike,
        *,
        other_pnl: ArrayLike = 0.0,
        other_maintenance: ArrayLike = 0.0,
        price_now: ArrayLike | None = None,
    ) -> FloatArray:
        """The price of `requirement.basis` at which the position is liquidated, before further funding.

        0.0 for a long, and infinity for an inverse short, that is never liquidated. A position that is below its
        requirement already gets a price beyond its entry: `is_liquidated` at today's price tells. Where tiers are flat
        and counted in the notional, the requirement jumps at their caps, and a position may trigger at several prices:
        this is the first one on the way from `price_now` (the entry if None). On the tick, as `price_round` says.
        """
        leg = self._leg(side, entry_price, quantity)
        backing = finite("margin", margin) + finite("other_pnl", other_pnl)
        if jumps(self):
            now = self.notional(quantity, entry_price if price_now is None else price_now)
            x = self._first_jump(leg, backing, finite("other_maintenance", other_maintenance), now)
        else:
            slope, intercept, demand = self._balance([leg], [self.size(quantity, entry_price)], backing)
            free = intercept - demand.constant - finite("other_maintenance", other_maintenance)
            x = adverse_end(leg.sign > 0, safe_interval(slope, free, *demand[:3]))
        return self._on_tick(_margin.price_at(x, self._kind), side)[()]

    @shapes_in_words
    def hedged_liquidation_prices(
        self,
        long_entry: ArrayLike,
        long_quantity: ArrayLike,
        short_entry: ArrayLike,
        short_quantity: ArrayLike,
        margin: ArrayLike,
        *,
        other_pnl: ArrayLike = 0.0,
        other_maintenance: ArrayLike = 0.0,
    ) -> Hedged:
        """Hedge mode: a long and a short leg of this contract on one balance, in one formula.

        Both legs are required (or the larger one, where `netting` says so), so that a price far on either side
        liquidates; lower >= upper where none is safe.
        """
        require(not jumps(self), "flat tiers counted in the notional jump: ask is_liquidated", key="requirement.shape")
        require(
            self.requirement.include_close_fee != "at_bankruptcy",
            "the fee at the bankruptcy price is one position's: two legs on one balance have no price of their own",
            key="requirement.include_close_fee",
            hint="Ask a variant without it, with the fees of the legs as other_maintenance",
        )
        legs = [self._leg("long", long_entry, long_quantity), self._leg("short", short_entry, short_quantity)]
        sizes = [self.size(long_quantity, long_entry), self.size(short_quantity, short_entry)]
        backing = finite("margin", margin) + finite("other_pnl", other_pnl)
        slope, intercept, demand = self._balance(legs, sizes, backing)
        free = intercept - demand.constant - finite("other_maintenance", other_maintenance)
        low, high = safe_interval(slope, free, *demand[:3])
        ends = [_margin.price_at(np.maximum(x, 0.0), self._kind)[()] for x in (low, high)]
        return Hedged(*(ends if self._kind == "linear" else reversed(ends)))

    @shapes_in_words
    def bankruptcy_price(
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        margin: ArrayLike,
        *,
        other_pnl: ArrayLike = 0.0,
    ) -> FloatArray:
        """The price at which equity is used up; 0.0 for a long, infinity for an inverse short, that none bankrupts.

        Where the fee to close is part of the requirement at the bankruptcy price, equity there pays just that fee.
        """
        fee = self.fees.taker if self.requirement.include_close_fee == "at_bankruptcy" else 0.0
        return _margin.bankruptcy_price(
            side, entry_price, self._exposure(quantity), margin, other_pnl, close_fee=fee, contract=self._kind
        )

    @shapes_in_words
    def equity(
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        margin: ArrayLike,
        price: ArrayLike,
        *,
        other_pnl: ArrayLike = 0.0,
    ) -> FloatArray:
        """What is left of the margin at `price`, settlement currency."""
        exposure = self._exposure(quantity)
        return _margin.equity(side, entry_price, exposure, margin, price, other_pnl, contract=self._kind)

    @shapes_in_words
    def is_liquidated(
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        margin: ArrayLike,
        mark_price: ArrayLike,
        *,
        other_pnl: ArrayLike = 0.0,
        other_maintenance: ArrayLike = 0.0,
    ) -> NDArray[np.bool_]:
        """Whether equity is at or below (or below, as `compare` says) the requirement at `mark_price`."""
        left = self.equity(side, entry_price, quantity, margin, mark_price, other_pnl=other_pnl)
        backing = finite("margin", margin) + finite("other_pnl", other_pnl)
        wanted = self.required(side, entry_price, quantity, backing, mark_price)
        wanted = wanted + finite("other_maintenance", other_maintenance)
        return left < wanted if self.requirement.compare == "lt" else left <= wanted

    def _on_tick(self, price: FloatArray, side: Any) -> FloatArray:
        tick, how = self.contract.tick, self.contract.price_round
        return price if tick is None or how == "none" else on_tick(price, tick, how, side)

    def _leg(self, side: Any, entry_price: ArrayLike, quantity: ArrayLike) -> Leg:
        entry = _margin.coordinate(positive("entry_price", entry_price), self._kind)
        return Leg(_margin.heading(side, self._kind), self._exposure(quantity), entry)

    def _balance(self, legs: Sequence[Leg], sizes: Sequence[FloatArray], backing: FloatArray) -> Balance:
        """Slope and intercept of equity, and the lines of the requirement with its fee to close."""
        slope = _total([leg.sign * leg.quantity for leg in legs])
        intercept = backing - _total([leg.sign * leg.quantity * leg.entry for leg in legs])
        parts = [lines(self, leg, size) for leg, size in zip(legs, sizes, strict=True)]
        demand = combined(parts, larger_only=self.requirement.netting == "max_leg")
        fee, gross = self.fees.taker, _total([leg.quantity for leg in legs])
        rate, constant = demand.rate, demand.constant
        if self.requirement.include_close_fee == "at_bankruptcy":
            constant = constant + _fee_at_bankruptcy(fee * gross, slope, intercept)
        elif self.requirement.include_close_fee == "on_notional" and self.requirement.basis == "entry":
            constant = constant + fee * _total([leg.quantity * leg.entry for leg in legs])
        elif self.requirement.include_close_fee == "on_notional":
            rate = rate + fee * gross[..., None]
        return Balance(slope, intercept, demand._replace(rate=rate, constant=constant))

    def _first_jump(self, leg: Leg, backing: FloatArray, other_maintenance: FloatArray, now: FloatArray) -> FloatArray:
        """The trigger on the way from the notional `now`, through flat tiers counted in the notional."""
        intercept = backing - leg.sign * leg.quantity * leg.entry
        table, fee, constant = self.requirement.table, 0.0, other_maintenance
        if self.requirement.include_close_fee == "on_notional":
            fee = self.fees.taker
        elif self.requirement.include_close_fee == "at_bankruptcy":
            slope = leg.sign * leg.quantity
            constant = constant + _fee_at_bankruptcy(self.fees.taker * leg.quantity, slope, intercept)
        tiers = FlatTiers(table.floor, table.cap, table.mmr + fee)
        return first_on_the_way(leg.sign > 0, leg.quantity, now, intercept - constant, tiers)


def _total(parts: Sequence[FloatArray]) -> FloatArray:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _fee_at_bankruptcy(fee: FloatArray, slope: FloatArray, intercept: FloatArray) -> FloatArray:
    """Fee x, at the x where equity pays just that; 0 where no x above 0 does. `fee` is per unit of x."""
    return fee * np.maximum(intercept / (fee - slope), 0.0)
