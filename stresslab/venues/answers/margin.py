"""What a rulebook answers about the prices of a position: where it is liquidated and bankrupt, and what is left.

    equity = margin + other_pnl + PnL       liquidated where equity <= (or <) requirement + other_maintenance

The requirement, and what the arguments mean, is in `position_requirement`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import require
from stresslab.venues import margin as _margin
from stresslab.venues.answers.demand import Leg, Lines, combined, jumps, lines
from stresslab.venues.answers.position_requirement import RequirementAnswers, require_leverage
from stresslab.venues.inputs import FloatArray, finite, shapes_in_words
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


class MarginAnswers(RequirementAnswers):
    """Liquidation and bankruptcy price of positions under these rules."""

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
        constant = finite("other_maintenance", other_maintenance) + self._fixed_part(
            side, entry_price, quantity, backing, leverage_set, funding_rate, closing_fee
        )
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
            self._fixed_part(side, entry, quantity, 0.0, leverage, sign * finite("funding_rate", funding_rate))
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


def _total(parts: Sequence[FloatArray]) -> FloatArray:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
