"""What a rulebook requires of a position: the maintenance margin, and the closing fee where it belongs to it.

Prices are in quote currency and money in settlement currency. `quantity` is in base currency for a linear contract, in
quote currency (USD) for an inverse one, in contracts for a quanto. `margin` is what backs the position now, without its
PnL since entry: its isolated margin, or the wallet of a cross account, whose other positions come as their PnL and
maintenance margin (`other_pnl`, `other_maintenance`; `account.others` gives both for a list). Everything is elementwise
over arrays.

The requirement has the shape, price and tier of `requirement`, and the closing fee where `include_close_fee` says so:

    on_notional          f N, at the price (at entry where the requirement is frozen there)
    at_bankruptcy        f q x_entry (1 - s / L), s the sign of `heading`: a constant, also of a cross account (Bybit)
    on_entry_and_margin  f N_entry (1 + 1 / L): a constant (BitMEX)

L is `leverage_set`, the leverage that the venue shows for the position. An isolated position without it is taken at
the leverage of its margin: at_bankruptcy then at the price where the margin pays just the fee. `closing_fee` is that
fee where the venue itself shows it. `funding_rate` is the current rate as a cost to this side; where the requirement
has it (`with_funding`) it adds to the maintenance rate if it is above 0.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stresslab.errors import require
from stresslab.venues import margin as _margin
from stresslab.venues.answers.demand import Leg
from stresslab.venues.answers.size import SizeAnswers
from stresslab.venues.inputs import FloatArray, finite, not_negative, positive, refuse_where, shapes_in_words


class RequirementAnswers(SizeAnswers):
    """Maintenance margin of positions under these rules, and the part of it that the price does not move."""

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
        self,
        side: Any,
        entry_price: ArrayLike,
        quantity: ArrayLike,
        margin: ArrayLike,
        leverage_set: ArrayLike | None,
        funding_rate: ArrayLike,
        closing_fee: ArrayLike | None = None,
    ) -> FloatArray:
        """What of a position's requirement the price does not move."""
        part: FloatArray = np.zeros(())
        is_frozen = self.requirement.basis == "entry"
        if self.closing_fee_is_fixed or is_frozen:
            venue = {"leverage_set": leverage_set, "closing_fee": closing_fee}
            part = part + self.close_fee(side, entry_price, quantity, margin, entry_price, **venue)
        return part + self.frozen_margin(quantity, entry_price, funding_rate) if is_frozen else part


def leverage(given: ArrayLike) -> FloatArray:
    """A leverage set, at least 1."""
    found = positive("leverage_set", given)
    refuse_where(found < 1, found, "must be at least 1", "leverage_set")
    return found


def require_leverage(given: ArrayLike | None, key: str = "leverage_set") -> None:
    """InputError where a fixed closing fee is asked for without the leverage that decides it."""
    rule = "the closing fee in the requirement depends on the leverage set, which the venue shows for each position"
    require(given is not None, rule, key=key, got=None, hint=f"Give {key}")


def _fee_at_bankruptcy(fee: FloatArray, slope: FloatArray, intercept: FloatArray) -> FloatArray:
    """Fee x, at the x where equity pays just that; 0 where no x above 0 does. `fee` is per unit of x."""
    return fee * np.maximum(intercept / (fee - slope), 0.0)
