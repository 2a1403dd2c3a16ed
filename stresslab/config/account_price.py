"""Liquidation and bankruptcy price of an account: by the rulebook, or for a position backed by its own underlying.

For a position backed by its own underlying, such as a BTC long on BTC collateral:

    equity(P) = cash + s q (P - entry) + w P        w: the units of the asset that back it, after haircuts

liquidated where equity(P) meets the requirement at P, bankrupt where it is zero. Both are found by Brent's method, from
the price now against the position. Source: GMX v2, contracts/position/PositionUtils.sol (collateral at its price, plus
PnL, against a share of the size).
"""

import math
from collections.abc import Callable
from typing import Literal

from scipy.optimize import brentq

from stresslab.config.held import Account
from stresslab.venues.answers.demand import jumps

Price = Literal["liquidation_price", "bankruptcy_price"]

_LOWEST, _HIGHEST = 1e-9, 1e6  # times the price now: beyond them nothing liquidates the position


def account_price(account: Account, name: Price) -> float:
    """Price for one position whose requirement depends on its own price alone (quote currency).

    NaN for several positions, options and dated futures, and where `_backed_price` has none.
    """
    if len(account.legs) != 1 or account.options is not None or account.legs[0].seconds is not None:
        return math.nan
    if account.collaterals:
        return _backed_price(account, name)
    (leg,) = account.legs
    given = leg.side, leg.entry, leg.quantity, account.margin
    if name == "bankruptcy_price":
        return float(leg.rulebook.bankruptcy_price(*given, leverage_set=leg.leverage_set))
    return float(leg.rulebook.liquidation_price(*given, **leg.at_venue))


def _backed_price(account: Account, name: Price) -> float:
    """Quote currency; 0 for a long that no price liquidates, infinite for a short.

    NaN where the price alone does not decide: collateral of another asset, or a requirement that jumps.
    """
    (leg,) = account.legs
    if any(asset.row != leg.row for asset in account.collaterals) or jumps(leg.rulebook):
        return math.nan
    units = sum(asset.counted for asset in account.collaterals) / leg.spot

    def excess(price: float) -> float:
        given = leg.side, leg.entry, leg.quantity, account.margin + units * price
        equity = float(leg.rulebook.equity(*given, price))
        if name == "bankruptcy_price":
            return equity
        return equity - float(leg.rulebook.required(*given, price, **leg.at_venue))

    return _crossing(excess, leg.price, leg.side)


def _crossing(excess: Callable[[float], float], now: float, side: str) -> float:
    far = now * (_LOWEST if side == "long" else _HIGHEST)
    if excess(far) > 0:
        return 0.0 if side == "long" else math.inf
    return float(brentq(excess, far, now, xtol=1e-9 * now))
