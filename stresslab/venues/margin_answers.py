"""What a rulebook answers about margin: requirements, tiers, liquidation and bankruptcy prices.

Prices and money are in quote currency, quantities in base currency, rates and leverage are plain numbers.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import NotAllowed
from stresslab.venues import funding as _funding
from stresslab.venues import margin as _margin
from stresslab.venues.inputs import FloatArray, finite, positive, refuse_where
from stresslab.venues.rules import Rules
from stresslab.venues.tiers import TierAt

# A position sized to stand exactly on a cap comes back from quantity * price a rounding above it: it is on the cap.
CAP_ROUNDING = 1e-12


class MarginAnswers(Rules):
    """Margins and prices of positions under these rules."""

    def tier(self, notional: ArrayLike) -> TierAt:
        """The tier that holds each notional, (floor, cap]. NotAllowed above the last cap. Source: `source`."""
        return self.requirement.table.at(notional)

    def maintenance_margin(self, notional: ArrayLike) -> FloatArray:
        """The notional's tier: notional * mmr - cum. NotAllowed above the last cap. Source: `source`."""
        return self.requirement.table.maintenance(notional)

    def initial_margin(self, notional: ArrayLike, leverage: ArrayLike) -> FloatArray:
        """Margin to open: notional / leverage. NotAllowed as in `check_allowed`. Source: Binance FAQ, as in `tiers`."""
        self.check_allowed(notional, leverage)
        return np.asarray(notional, dtype=np.float64) / np.asarray(leverage, dtype=np.float64)

    def max_leverage(self, notional: ArrayLike) -> FloatArray:
        """The largest leverage at this notional. NotAllowed above the last cap. Source: `source`."""
        return self.tier(notional).max_leverage

    def liquidation_price(
        self, side: Any, entry_price: ArrayLike, quantity: ArrayLike, margin: ArrayLike
    ) -> FloatArray:
        """The mark price at which an isolated position is liquidated, before further funding.

        0.0 for a long that is never liquidated. A position that is below its requirement already gets a price beyond
        its entry: `is_liquidated` at today's price tells. Source: `stresslab.venues.margin`.
        """
        return _margin.tiered_liquidation_price(side, entry_price, quantity, margin, self.requirement.table)

    def bankruptcy_price(self, side: Any, entry_price: ArrayLike, quantity: ArrayLike, margin: ArrayLike) -> FloatArray:
        """The price at which the isolated margin is used up; 0.0 for a long that no price bankrupts."""
        return _margin.bankruptcy_price(side, entry_price, quantity, margin)

    def is_liquidated(
        self, side: Any, entry_price: ArrayLike, quantity: ArrayLike, margin: ArrayLike, mark_price: ArrayLike
    ) -> NDArray[np.bool_]:
        """Whether equity <= requirement at `mark_price`."""
        return _margin.is_liquidated(side, entry_price, quantity, margin, mark_price, self.requirement.table)

    def funding_payment(self, side: Any, quantity: ArrayLike, mark_price: ArrayLike, rate: ArrayLike) -> FloatArray:
        """Quote currency received (negative: paid) at one payment of `rate` per interval; longs pay a positive rate."""
        return _funding.funding_payment(side, quantity, mark_price, rate)

    def liquidation_fee(self, notional: ArrayLike) -> FloatArray:
        """The fee on a liquidated notional (at the fill), quote currency, before it is capped by what is left."""
        liquidated = finite("notional", notional)
        refuse_where(liquidated < 0, liquidated, "must not be negative", "notional")
        return self.liquidation.fee * liquidated

    def check_allowed(self, notional: ArrayLike, leverage: ArrayLike) -> None:
        """NotAllowed, with the figures, for the first position that the venue would not open.

        That is: a notional above the last tier, a leverage that is not above 0, or one above the tier's largest.
        """
        asked, times = np.broadcast_arrays(positive("notional", notional), finite("leverage", leverage))
        table, size = self.requirement.table, asked * (1 - CAP_ROUNDING)
        most = table.at(np.minimum(size, table.highest)).max_leverage
        bad = (size > table.highest) | (times <= 0) | (times > most)
        if bad.any():
            raise self._refusal(float(asked[bad][0]), float(times[bad][0]), float(most[bad][0]))

    def _refusal(self, notional: float, leverage: float, most: float) -> NotAllowed:
        table, money = self.requirement.table, self.contract.settle
        if notional > table.highest:
            rule = f"{self.id} allows at most {_amount(table.highest)} {money}"
            return NotAllowed(rule, key="notional", got=notional, hint="Make the position smaller")
        rule = f"at a notional of {_amount(notional)} {money} {self.id} allows a leverage above 0 and at most {most:g}"
        enough = table.cap[table.max_leverage >= leverage]
        change = "Lower" if leverage > 0 else "Raise"
        hint = f"{change} the leverage to at most {most:g}"
        if leverage > 0 and enough.size:
            hint += f", or the notional to at most {_amount(enough[-1])} {money}"
        return NotAllowed(rule, key="leverage", got=leverage, hint=hint)


def _amount(value: float) -> str:
    """12000000.0 as 12,000,000; cents are kept where there are any."""
    return f"{value:,.2f}".removesuffix(".00")
