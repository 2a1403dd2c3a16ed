"""What a rulebook answers about a position: what it requires, and the prices at which it is liquidated and bankrupt.

Prices are in quote currency and money in settlement currency. `quantity` is in base currency for a linear contract, in
quote currency (USD) for an inverse one, in contracts for a quanto. `margin` is what backs the position now, without its
PnL since entry: its isolated margin, or the wallet of a cross account, whose other positions come as their PnL and
maintenance margin (`other_pnl`, `other_maintenance`; `account.others` gives both for a list). Everything is elementwise
over arrays.

    equity = margin + other_pnl + PnL       liquidated where equity <= (or <) requirement + other_maintenance

The requirement has the shape, price and tier of `requirement`, and the closing fee where `include_close_fee` says so:

    on_notional          f N, at the price (at entry where the requirement is frozen there)
    at_bankruptcy        f q x_entry (1 - s / L), s the sign of `heading`: a constant, also of a cross account (Bybit)
    on_entry_and_margin  f N_entry (1 + 1 / L): a constant (BitMEX)

L is `leverage_set`, the leverage that the venue shows for the position. An isolated position without it is taken at
the leverage of its margin: at_bankruptcy then at the price where the margin pays just the fee. `closing_fee` is that
fee where the venue itself shows it. `funding_rate` is the current rate as a cost to this side; where the requirement
has it (`with_funding`) it adds to the maintenance rate if it is above 0.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import require
from stresslab.venues import margin as _margin
from stresslab.venues.answers.demand import Leg, Lines, combined, jumps, lines
from stresslab.venues.answers.size import SizeAnswers
from stresslab.venues.inputs import FloatArray, finite, not_negative, positive, refuse_where, shapes_in_words
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
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        margin: ArrayLike,
        price: ArrayLike,
        *,
        leverage_set: ArrayLike | None = None,
        funding_rate: ArrayLike = 0.0,
        closing_fee: ArrayLike | None = None,
    ) -> FloatArray:
        """Maintenance margin of the position at `price`, with the closing fee where it belongs to it."""
        if self.requirement.basis == "entry":
            wanted = self.frozen_margin(quantity, entry_price, funding_rate)
        else:
            wanted = self._maintenance(self.notional(quantity, price), self.size(quantity, price))
        fee = self.close_fee(
            side, entry_price, quantity, margin, price, leverage_set=leverage_set, closing_fee=closing_fee
        )
        return wanted + fee

    @shapes_in_words
    def margin_to_open(self, side: Any, entry_price: ArrayLike, quantity: ArrayLike, leverage: ArrayLike) -> FloatArray:
        """What an isolated position at this leverage gets: notional / leverage, and the closing fee where it is fixed.

        Bybit keeps f q P (1 - s / leverage) (inverse: f Q / P (1 + s / leverage)), BitMEX f N (1 + 1 / leverage).
        """
        notional, size = self.notional(quantity, entry_price), self.size(quantity, entry_price)
        margin = self.initial_margin(notional, leverage, size)
        if not self.closing_fee_is_fixed:
            return margin
        return margin + self.close_fee(side, entry_price, quantity, margin, entry_price, leverage_set=leverage)

    @shapes_in_words
    def close_fee(
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        margin: ArrayLike,
        price: ArrayLike,
        *,
        leverage_set: ArrayLike | None = None,
        closing_fee: ArrayLike | None = None,
    ) -> FloatArray:
        """The closing fee that the requirement includes, settlement currency; 0 where it has none."""
        included = self.requirement.include_close_fee
        if included == "none":
            return np.zeros(())
        if closing_fee is not None:
            return not_negative("closing_fee", closing_fee)
        if included == "on_notional":
            at = entry_price if self.requirement.basis == "entry" else price
            return self.closing_fee_rate * self.notional(quantity, at)
        return self._fixed_fee(self._leg(side, entry_price, quantity), finite("margin", margin), leverage_set)

    @shapes_in_words
    def frozen_margin(self, quantity: ArrayLike, entry_price: ArrayLike, funding_rate: ArrayLike = 0.0) -> FloatArray:
        """The maintenance margin of the notional at entry, without the closing fee: N_entry (mmr + adverse funding)."""
        value = self.notional(quantity, entry_price)
        wanted = self._maintenance(value, self.size(quantity, entry_price))
        if not self.requirement.with_funding:
            return wanted
        return wanted + value * np.maximum(finite("funding_rate", funding_rate), 0.0)

    @property
    def closing_fee_rate(self) -> float:
        """The rate of the closing fee in the requirement: the contract's, or the account's taker fee."""
        own = self.requirement.close_fee_rate
        return self.fees.taker if own is None else own

    @property
    def closing_fee_is_fixed(self) -> bool:
        """Whether the closing fee in the requirement is a constant, which `leverage_set` decides."""
        return self.requirement.include_close_fee in ("at_bankruptcy", "on_entry_and_margin")

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
        leverage_set: ArrayLike | None = None,
        funding_rate: ArrayLike = 0.0,
        closing_fee: ArrayLike | None = None,
    ) -> FloatArray:
        """The price of `requirement.basis` at which the position is liquidated, before further funding.

        0.0 for a long, and infinity for an inverse short, that is never liquidated. A position that is below its
        requirement already gets a price beyond its entry: `is_liquidated` at today's price tells. Where tiers are flat
        and counted in the notional, the requirement jumps at their caps, and a position may trigger at several prices:
        this is the first one on the way from `price_now` (the entry if None). On the tick, as `price_round` says.
        """
        leg = self._leg(side, entry_price, quantity)
        backing = finite("margin", margin) + finite("other_pnl", other_pnl)
        constant = finite("other_maintenance", other_maintenance)
        if self.closing_fee_is_fixed or self.requirement.basis == "entry":
            constant = constant + self.close_fee(
                side, entry_price, quantity, backing, entry_price, leverage_set=leverage_set, closing_fee=closing_fee
            )
        if self.requirement.basis == "entry":
            constant = constant + self.frozen_margin(quantity, entry_price, funding_rate)
        if jumps(self):
            now = self.notional(quantity, entry_price if price_now is None else price_now)
            x = self._first_jump(leg, backing, constant, now)
        else:
            slope, intercept, demand = self._balance([leg], [self.size(quantity, entry_price)], backing)
            x = adverse_end(leg.sign > 0, safe_interval(slope, intercept - constant, *demand[:3]))
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
        long_leverage_set: ArrayLike | None = None,
        short_leverage_set: ArrayLike | None = None,
        funding_rate: ArrayLike = 0.0,
    ) -> Hedged:
        """Hedge mode: a long and a short leg of this contract on one balance, in one formula.

        Both legs are required (or the larger one, where `netting` says so), so that a price far on either side
        liquidates; lower >= upper where none is safe. `funding_rate` is the cost to the long leg.
        """
        require(not jumps(self), "flat tiers counted in the notional jump: ask is_liquidated", key="requirement.shape")
        if self.closing_fee_is_fixed:
            require_leverage(long_leverage_set, "long_leverage_set")
            require_leverage(short_leverage_set, "short_leverage_set")
        given = (
            ("long", long_entry, long_quantity, long_leverage_set, 1.0),
            ("short", short_entry, short_quantity, short_leverage_set, -1.0),
        )
        legs = [self._leg(side, entry, quantity) for side, entry, quantity, _, _ in given]
        sizes = [self.size(quantity, entry) for _, entry, quantity, _, _ in given]
        fixed = [
            self._fixed_part(side, entry, quantity, leverage, sign * finite("funding_rate", funding_rate))
            for side, entry, quantity, leverage, sign in given
        ]
        backing = finite("margin", margin) + finite("other_pnl", other_pnl)
        slope, intercept, demand = self._balance(legs, sizes, backing, fixed)
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
        leverage_set: ArrayLike | None = None,
        closing_fee: ArrayLike | None = None,
    ) -> FloatArray:
        """The price at which equity is used up; 0.0 for a long, infinity for an inverse short, that none bankrupts.

        Where the closing fee is fixed, equity at this price pays just that fee: the margin is taken to hold it.
        """
        given = side, entry_price, self._exposure(quantity)
        backing = finite("margin", margin) + finite("other_pnl", other_pnl)
        if not self.closing_fee_is_fixed:
            return _margin.bankruptcy_price(*given, backing, contract=self._kind)
        fee = self.close_fee(
            side, entry_price, quantity, backing, entry_price, leverage_set=leverage_set, closing_fee=closing_fee
        )
        return _margin.bankruptcy_price(*given, backing - fee, contract=self._kind)

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
        leverage_set: ArrayLike | None = None,
        funding_rate: ArrayLike = 0.0,
        closing_fee: ArrayLike | None = None,
    ) -> NDArray[np.bool_]:
        """Whether equity is at or below (or below, as `compare` says) the requirement at `mark_price`."""
        left = self.equity(side, entry_price, quantity, margin, mark_price, other_pnl=other_pnl)
        backing = finite("margin", margin) + finite("other_pnl", other_pnl)
        venue: dict[str, Any] = {"leverage_set": leverage_set, "funding_rate": funding_rate, "closing_fee": closing_fee}
        wanted = self.required(side, entry_price, quantity, backing, mark_price, **venue)
        wanted = wanted + finite("other_maintenance", other_maintenance)
        return left < wanted if self.requirement.compare == "lt" else left <= wanted

    def _on_tick(self, price: FloatArray, side: Any) -> FloatArray:
        tick, how = self.contract.tick, self.contract.price_round
        return price if tick is None or how == "none" else on_tick(price, tick, how, side)

    def _leg(self, side: Any, entry_price: ArrayLike, quantity: ArrayLike) -> Leg:
        entry = _margin.coordinate(positive("entry_price", entry_price), self._kind)
        return Leg(_margin.heading(side, self._kind), self._exposure(quantity), entry)

    def _fixed_fee(self, leg: Leg, margin: FloatArray, leverage_set: ArrayLike | None) -> FloatArray:
        """The closing fee that the price does not move."""
        rate, value = self.closing_fee_rate, leg.quantity * leg.entry
        if self.requirement.include_close_fee == "on_entry_and_margin":
            inverse = 1 / leverage(leverage_set) if leverage_set is not None else np.maximum(margin, 0.0) / value
            return rate * value * (1 + inverse)
        if leverage_set is not None:
            return rate * value * (1 - leg.sign / leverage(leverage_set))
        slope = leg.sign * leg.quantity
        return _fee_at_bankruptcy(rate * leg.quantity, slope, margin - slope * leg.entry)

    def _fixed_part(
        self, side: Any, entry: ArrayLike, quantity: ArrayLike, leverage_set: ArrayLike | None, rate: FloatArray
    ) -> FloatArray:
        """What of a leg's requirement the price does not move; `rate` is the cost of funding to it."""
        frozen = self.requirement.basis == "entry"
        fee: FloatArray = np.zeros(())
        if self.closing_fee_is_fixed or frozen:
            fee = self.close_fee(side, entry, quantity, 0.0, entry, leverage_set=leverage_set)
        return fee + self.frozen_margin(quantity, entry, rate) if frozen else fee

    def _balance(
        self,
        legs: Sequence[Leg],
        sizes: Sequence[FloatArray],
        backing: FloatArray,
        fixed: Sequence[FloatArray] = (),
    ) -> Balance:
        """Slope and intercept of equity, and the lines of the requirement with the `fixed` part of each leg."""
        slope = _total([leg.sign * leg.quantity for leg in legs])
        intercept = backing - _total([leg.sign * leg.quantity * leg.entry for leg in legs])
        moves = self.requirement.include_close_fee == "on_notional" and self.requirement.basis != "entry"
        fee = self.closing_fee_rate if moves else 0.0
        parts = []
        for place, (leg, size) in enumerate(zip(legs, sizes, strict=True)):
            own = lines(self, leg, size)
            constant = fixed[place] if fixed else own.constant
            parts.append(own._replace(rate=own.rate + fee * leg.quantity[..., None], constant=constant))
        return Balance(slope, intercept, combined(parts, larger_only=self.requirement.netting == "max_leg"))

    def _first_jump(self, leg: Leg, backing: FloatArray, constant: FloatArray, now: FloatArray) -> FloatArray:
        """The trigger on the way from the notional `now`, through flat tiers counted in the notional."""
        intercept = backing - leg.sign * leg.quantity * leg.entry
        table, fee = self.requirement.table, 0.0
        if self.requirement.include_close_fee == "on_notional":
            fee = self.closing_fee_rate
        tiers = FlatTiers(table.floor, table.cap, table.mmr + fee)
        return first_on_the_way(leg.sign > 0, leg.quantity, now, intercept - constant, tiers)


def leverage(given: ArrayLike) -> FloatArray:
    """A leverage set, at least 1."""
    found = positive("leverage_set", given)
    refuse_where(found < 1, found, "must be at least 1", "leverage_set")
    return found


def require_leverage(given: ArrayLike | None, key: str = "leverage_set") -> None:
    """InputError where a fixed closing fee is asked for without the leverage that decides it."""
    rule = "the closing fee in the requirement depends on the leverage set, which the venue shows for each position"
    require(given is not None, rule, key=key, got=None, hint=f"Give {key}")


def _total(parts: Sequence[FloatArray]) -> FloatArray:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _fee_at_bankruptcy(fee: FloatArray, slope: FloatArray, intercept: FloatArray) -> FloatArray:
    """Fee x, at the x where equity pays just that; 0 where no x above 0 does. `fee` is per unit of x."""
    return fee * np.maximum(intercept / (fee - slope), 0.0)
