"""What a close-out leaves to whom: fee, residual or shortfall, and what the insurance fund pays.

    equity    = margin + PnL at the fill
    shortfall = max(0, -equity)                     before any fee
    fee       = min(rate * notional, max(0, equity))
    residual  = max(0, equity) - fee                to the customer, or to the fund (or the backstop's vault)

so that fee + to_trader + to_fund = equity: money is conserved. Where the fund takes the position over at the
bankruptcy price and sells it at the fill, its change is s q (fill - bankruptcy), the same number before the fee.
Settlement currency throughout. Sources: Binance's liquidation protocol, Kraken's equity protection (the customer
keeps the residual), dYdX contract-loss-mechanism, drift-labs/protocol-v2 tests/liquidatePerp.ts.
"""

from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, choice, finite, flags, not_negative, positive
from stresslab.venues.liquidation_fees import clearance_fee
from stresslab.venues.margin import Kind, coordinate, heading

Residual = Literal["customer", "insurance", "backstop"]


class CloseOut(NamedTuple):
    """Who gets what; arrays, settlement currency. `to_fund` is the residual, or less the shortfall."""

    fee: FloatArray
    to_trader: FloatArray
    to_fund: FloatArray
    shortfall: FloatArray


class FundUse(NamedTuple):
    """What the fund pays of a shortfall, and what is left to deleveraging or to be shared."""

    paid: FloatArray
    uncovered: FloatArray


def close_out(
    equity: ArrayLike, notional: ArrayLike, fee_rate: ArrayLike, residual: Residual, taken_over: Any = False
) -> CloseOut:
    """The split of what is left after the fill; `notional` is the liquidated one, at the fill.

    Where a backstop has taken the account over (`taken_over`), the residual is its, whoever keeps it elsewhere.
    """
    choice("residual", residual, get_args(Residual))
    left = finite("equity", equity)
    fee = clearance_fee(notional, fee_rate, left)
    rest, shortfall = np.maximum(left, 0.0) - fee, np.maximum(-left, 0.0)
    kept = flags("taken_over", taken_over) | (residual != "customer")
    to_trader = np.where(kept, 0.0, rest)[()]
    return CloseOut(fee, to_trader, rest - to_trader - shortfall, shortfall)


def insurance_fund_change(
    side: Any,
    quantity: ArrayLike,
    bankruptcy_price: ArrayLike,
    fill_price: ArrayLike,
    contract: Kind = "linear",
) -> FloatArray:
    """What a fund gains that takes a position at bankruptcy and closes it at the fill; negative: it pays.

    Inverse: `quantity` in USD, the answer in coin, s Q (1 / bankruptcy - 1 / fill).
    """
    moved = coordinate(positive("fill_price", fill_price), contract) - coordinate(bankruptcy_price, contract)
    return heading(side, contract) * positive("quantity", quantity) * moved


def use_fund(fund: ArrayLike, shortfall: ArrayLike) -> FundUse:
    """The fund pays as far as it reaches."""
    loss = not_negative("shortfall", shortfall)
    paid = np.minimum(np.maximum(finite("fund", fund), 0.0), loss)
    return FundUse(paid, loss - paid)


def bad_debt(
    collateral: ArrayLike,
    quote_position: ArrayLike,
    size: ArrayLike,
    price: ArrayLike,
    liquidator_fee: ArrayLike = 0.0,
) -> FloatArray:
    """Drift's quote balance after all of a position is sold at the oracle less the fee; negative is bad debt.

    `quote_position` is what the position cost, negative for a long; `size` is signed.
    """
    held = finite("size", size)
    discount = 1 - np.sign(held) * not_negative("liquidator_fee", liquidator_fee)
    sold = held * positive("price", price) * discount
    return finite("collateral", collateral) + finite("quote_position", quote_position) + sold
