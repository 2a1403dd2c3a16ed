"""Who is deleveraged first: the score of each venue, the highest first.

    Binance      max(0, U) / max(1, WB) * MM / (WB + U)                  0 where WB + U <= 0
    BitMEX       r * l if r > 0, else r / l      r = (V - V0) / |V0|, l = |V| / (V - Vb)
    Bybit, OKX   r * l if r > 0, else r / l      return on entry value and leverage (OKX: 1 / margin ratio)
    Hyperliquid  mark / entry * notional / account value
    dYdX         none: accounts in pseudo-random order

U unrealised PnL, WB wallet balance, MM maintenance margin; V, V0, Vb the position's value at mark, entry and
bankruptcy, signed so that V - V0 is its PnL. Sources: Binance faq 360033525471 and dev.binance.vision/t/17801;
BitMEX support 18589621443357; Hyperliquid docs, auto-deleveraging; dydxprotocol/v4-chain. Bybit and OKX say
"leveraged return"; that losses are divided, as at BitMEX, is OKX's "inverse" (seen in part only).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, direction, finite, not_negative, positive, refuse_where, whole
from stresslab.venues.margin import Kind, heading, notional


def leverage_pnl(unrealised: ArrayLike, wallet: ArrayLike, maintenance: ArrayLike) -> FloatArray:
    """Binance: profit as a fraction of the wallet times the margin ratio."""
    profit, balance = finite("unrealised", unrealised), finite("wallet", wallet)
    equity = balance + profit
    ratio = np.where(equity > 0, not_negative("maintenance", maintenance) / np.where(equity > 0, equity, 1.0), 0.0)
    return np.maximum(profit, 0.0) / np.maximum(balance, 1.0) * ratio


def leveraged_return(return_on_entry: ArrayLike, leverage: ArrayLike) -> FloatArray:
    """Bybit, OKX: profit (a fraction of the entry value) times leverage; a loss divided by it."""
    gain, times = finite("return_on_entry", return_on_entry), positive("leverage", leverage)
    return np.where(gain > 0, gain * times, gain / times)[()]


def pnl_times_leverage(mark_value: ArrayLike, entry_value: ArrayLike, bankruptcy_value: ArrayLike) -> FloatArray:
    """BitMEX: the same with its effective leverage, from the signed values of `position_value`."""
    now, entry = finite("mark_value", mark_value), finite("entry_value", entry_value)
    margin = now - finite("bankruptcy_value", bankruptcy_value)
    refuse_where(entry == 0, entry, "must not be 0", "entry_value")
    refuse_where(margin <= 0, margin, "mark_value must be above it: the position is bankrupt", "bankruptcy_value")
    return leveraged_return((now - entry) / np.abs(entry), np.abs(now) / margin)


def position_value(side: Any, quantity: ArrayLike, price: ArrayLike, contract: Kind = "linear") -> FloatArray:
    """Signed so that a difference of two values is the PnL: s q P, or -s Q / P in coin for an inverse contract."""
    return heading(side, contract) * notional(quantity, price, contract)


def mark_leverage(
    mark: ArrayLike, entry: ArrayLike, notional: ArrayLike, account_value: ArrayLike, side: Any = "long"
) -> FloatArray:
    """Hyperliquid: mark / entry * notional / account value.

    The document has no sign for shorts, which would be ranked by their loss: theirs is taken as entry / mark (not
    verified).
    """
    moved = (positive("mark", mark) / positive("entry", entry)) ** direction(side)
    return moved * not_negative("notional", notional) / positive("account_value", account_value)


def random_score(seed: int, n_accounts: int) -> FloatArray:
    """No ranking (dYdX): a pseudo-random order, the same for the same seed."""
    return np.random.default_rng(whole("seed", seed)).random(whole("n_accounts", n_accounts))
