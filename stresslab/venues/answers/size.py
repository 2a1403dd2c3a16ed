"""What a rulebook answers about a size: its tier, the margins of a notional, and what the venue does not allow to open.

The notional is in settlement currency: q P for a linear contract, Q / P for an inverse one, contracts x multiplier x P
for a quanto. `size` is in the unit that tiers are counted in (`requirement.tier_unit`); where that is the notional
itself, the notional is the size.
"""

import math
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from stresslab.errors import InputError, NotAllowed, require
from stresslab.venues import margin as _margin
from stresslab.venues.answers.demand import fixed_size, initial_rate, maintenance_rate, size_moves
from stresslab.venues.inputs import FloatArray, finite, not_negative, positive
from stresslab.venues.rounding import open_interest_rate, rounded_margins, rounded_up
from stresslab.venues.schema.contract import Inverse, Quanto
from stresslab.venues.schema.requirement import Flat, Marginal
from stresslab.venues.schema.rules import Rules
from stresslab.venues.tiers import TierAt

# A position sized to stand exactly on a cap comes back from quantity * price a rounding above it: it is on the cap.
CAP_ROUNDING = 1e-12


class SizeAnswers(Rules):
    """Tiers and margins of a notional under these rules."""

    def notional(self, quantity: ArrayLike, price: ArrayLike) -> FloatArray:
        """The position's value in settlement currency; quantity in the contract's own unit (see `schema.contract`)."""
        return _margin.notional(self._exposure(quantity), price, self._kind)

    def quantity(self, contracts: ArrayLike) -> FloatArray:
        """The quantity of a number of contracts: contracts x face; a quanto is counted in contracts."""
        count = positive("contracts", contracts)
        if isinstance(self.contract, Quanto):
            return count
        face = self.contract.face
        hint = "Give the quantity in base currency, or contract.face in a variant of the rulebook"
        require(face is not None, f"{self.id} does not say the size of a contract", key="contract.face", hint=hint)
        return count * np.float64(face)

    def size(self, quantity: ArrayLike, price: ArrayLike) -> FloatArray:
        """The size in the unit that tiers are counted in."""
        return self.notional(quantity, price) if size_moves(self) else fixed_size(self, positive("quantity", quantity))

    def tier(self, size: ArrayLike) -> TierAt:
        """The tier that holds each size, (floor, cap]. NotAllowed above the last cap. Source: `source`."""
        return self.requirement.table.at(size)

    def maintenance_margin(self, notional: ArrayLike, size: ArrayLike | None = None) -> FloatArray:
        """Of a notional, without the fee to close. NotAllowed above the last cap. Source: `source`."""
        value = not_negative("notional", notional)
        asked = self._size_of(value, size)
        if isinstance(self.requirement, Marginal | Flat):
            self.tier(asked)  # refuses what is above the last cap
        return self._maintenance(value, asked)

    def initial_margin(
        self,
        notional: ArrayLike,
        leverage: ArrayLike | None = None,
        size: ArrayLike | None = None,
        open_interest: ArrayLike | None = None,
    ) -> FloatArray:
        """Margin to open: notional / leverage, or the least that the venue takes where no leverage is given.

        `open_interest` is the market's, in quote currency: where the venue scales with it (dYdX v4), the least rate is
        base + (1 - base) (open interest - lower) / (upper - lower), cut off to millionths. NotAllowed as in
        `check_allowed`. Source: Binance FAQ, as in `tiers`; dYdX v4 perpetual.go.
        """
        value = not_negative("notional", notional)
        rate = self._least_rate(self._size_of(value, size))
        if self.requirement.oi_scaling is not None and open_interest is not None:
            bounds = self.requirement.oi_scaling
            rate = open_interest_rate(rate, open_interest, bounds.lower, bounds.upper)
        if leverage is not None:
            self.check_allowed(notional, leverage, size)
            rate = np.maximum(rate, 1 / finite("leverage", leverage))
        unit = self.requirement.rounded_up_to
        return value * rate if unit is None else rounded_up(value * rate, unit)

    def max_leverage(self, size: ArrayLike) -> FloatArray:
        """The largest leverage at this size. NotAllowed above the last cap. Source: `source`."""
        return 1 / initial_rate(self, not_negative("size", size))

    def in_mode(self, mode: str) -> Self:
        """The rulebook as it holds for accounts of a margin mode: the requirement of cross ones may be its own."""
        if mode != "cross" or self.cross_requirement is None:
            return self
        return self.model_copy(update={"requirement": self.cross_requirement, "cross_requirement": None})

    def check_allowed(
        self,
        notional: ArrayLike,
        leverage: ArrayLike,
        size: ArrayLike | None = None,
        quantity: ArrayLike | None = None,
    ) -> None:
        """NotAllowed, with the figures, for the first position that the venue would not open.

        That is: a size above the last tier or the largest position, a leverage that is not above 0, or one above the
        largest at that size.
        """
        largest = self.requirement.max_quantity
        if quantity is not None and largest is not None:
            held = positive("quantity", quantity)
            if np.any(held > largest * (1 + CAP_ROUNDING)):
                rule = f"{self.id} allows at most {_amount(largest)} in one position"
                raise NotAllowed(rule, key="quantity", got=float(held.max()), hint="Make the position smaller")
        value = positive("notional", notional)
        asked, times = np.broadcast_arrays(self._size_of(value, size), finite("leverage", leverage))
        most, highest = 1 / self._least_rate(asked), self._highest()
        bad = (asked * (1 - CAP_ROUNDING) > highest) | (times <= 0) | (times > most * (1 + CAP_ROUNDING))
        if bad.any():
            raise self._refusal(float(asked[bad][0]), float(times[bad][0]), float(most[bad][0]))

    def _refusal(self, size: float, leverage: float, most: float) -> NotAllowed:
        unit, highest = self._unit(), self._highest()
        key = "notional" if size_moves(self) else "size"
        most = _down(most)
        if size > highest:
            rule = f"{self.id} allows at most {_amount(highest)} {unit}"
            return NotAllowed(rule, key=key, got=size, hint="Make the position smaller")
        rule = f"at a {key} of {_amount(size)} {unit} {self.id} allows a leverage above 0 and at most {most:g}"
        change = "Lower" if leverage > 0 else "Raise"
        hint = f"{change} the leverage to at most {most:g}"
        if leverage > 0 and isinstance(self.requirement, Marginal | Flat):
            table = self.requirement.table
            enough = table.cap[table.max_leverage >= leverage]
            hint += f", or the {key} to at most {_amount(enough[-1])} {unit}" if enough.size else ""
        return NotAllowed(rule, key="leverage", got=leverage, hint=hint)

    def _highest(self) -> float:
        has_tiers = isinstance(self.requirement, Marginal | Flat)
        return self.requirement.table.highest if has_tiers else float("inf")

    def _unit(self) -> str:
        names = {"quote": "USD", "contracts": "contracts"}
        return self.contract.settle if size_moves(self) else names.get(self.requirement.tier_unit, self.contract.base)

    def _least_rate(self, size: FloatArray) -> FloatArray:
        """Of sizes on a cap but for a rounding, and of too large ones the last tier's."""
        return initial_rate(self, np.minimum(size * (1 - CAP_ROUNDING), self._highest()))

    def _maintenance(self, notional: FloatArray, size: FloatArray) -> FloatArray:
        rate = maintenance_rate(self, size)
        unit = self.requirement.rounded_up_to
        if unit is None:
            return notional * rate
        least = initial_rate(self, np.minimum(size, self._highest()))
        return rounded_margins(notional, least, rate / least, unit)[1]

    def _size_of(self, notional: FloatArray, size: ArrayLike | None) -> FloatArray:
        if size is not None:
            return not_negative("size", size)
        if size_moves(self):
            return notional
        raise InputError(
            f"tiers of {self.id} are counted in {self.requirement.tier_unit}: the notional alone says no margin",
            key="size",
            hint="Give size=book.size(quantity, price)",
        )

    def _exposure(self, quantity: ArrayLike) -> FloatArray:
        """What makes the notional with the coordinate of the price."""
        given = positive("quantity", quantity)
        return given * self.contract.multiplier if isinstance(self.contract, Quanto) else given

    @property
    def _kind(self) -> _margin.Kind:
        return "inverse" if isinstance(self.contract, Inverse) else "linear"


def _down(value: float) -> float:
    """Round down to the six digits of a message, so that the suggested value is accepted."""
    nearest = float(f"{value:g}")
    if nearest <= value * (1 + CAP_ROUNDING):
        return nearest
    return float(f"{value - 10.0 ** (math.floor(math.log10(value)) - 5):g}")


def _amount(value: float) -> str:
    """12000000.0 as 12,000,000; cents are kept where there are any."""
    return f"{value:,.2f}".removesuffix(".00")
