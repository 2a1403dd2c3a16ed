"""Partial liquidation by amount: a fraction, what covers the shortage, a share of it, bounds of one block, a backstop.

    fraction   above a bound on the notional, x of the position, the rest after a cooldown          Hyperliquid
    cover      d = shortage / (P quote (ratio - liquidator fee) - P insurance fee)                  Drift, Binance
    share      initial + slots / duration, all at once under a small shortage                       Drift
    rounds     x of the position again and again until the requirement is met                       Deribit
    block      at least min(minimum, N), at most max(that, portion N), within the account's cap      dYdX

Shortage = requirement - equity, in the currency of the notional. Closing d at the mark frees P d ratio of requirement
and costs P d fees of equity: the formula of `cover` leaves equity = requirement. Sources: Hyperliquid docs,
liquidations; drift-labs/protocol-v2 programs/drift/src/math/liquidation.rs; Deribit support 25944769313309;
dydxprotocol/v4-chain protocol/testing/genesis.sh.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.venues.inputs import FloatArray, finite, not_negative, numeric, positive, refuse_where, shapes_in_words


class Bounds(NamedTuple):
    """The smallest and the largest amount, quote currency."""

    smallest: FloatArray
    largest: FloatArray


def fraction_to_close(
    quantity: ArrayLike,
    price: ArrayLike,
    since_first: ArrayLike = np.nan,
    *,
    fraction: ArrayLike = 0.2,
    above_notional: ArrayLike = 100_000.0,
    cooldown: ArrayLike = 30.0,
) -> FloatArray:
    """Base currency closed now; `since_first` is the time since the first order, NaN before it.

    First the fraction, nothing in the cooldown, then all; a position that is not above the bound is closed at once.
    (An announcement of Hyperliquid's says that orders inside the cooldown take the whole position: cooldown = 0.)
    """
    held, since = positive("quantity", quantity), numeric("since_first", since_first)
    small = held * positive("price", price) <= not_negative("above_notional", above_notional)
    later = np.where(since < not_negative("cooldown", cooldown), 0.0, held)
    first = held * not_negative("fraction", fraction)
    return np.where(small, held, np.where(np.isnan(since), first, later))[()]


def size_to_cover(
    margin_shortage: ArrayLike,
    price: ArrayLike,
    margin_ratio: ArrayLike,
    liquidator_fee: ArrayLike = 0.0,
    insurance_fee: ArrayLike = 0.0,
    quote_price: ArrayLike = 1.0,
) -> FloatArray:
    """Base currency to close so that equity is the requirement again; infinite where fees eat what is freed.

    The price of the quote token (not 1 if it is off its peg) is in all but the insurance fee, as in Drift's code.
    """
    net = not_negative("margin_ratio", margin_ratio) - not_negative("liquidator_fee", liquidator_fee)
    freed = positive("quote_price", quote_price) * net - not_negative("insurance_fee", insurance_fee)
    short = not_negative("margin_shortage", margin_shortage) / positive("price", price)
    return np.where(freed > 0, short / np.where(freed > 0, freed, 1.0), np.inf)[()]


@shapes_in_words
def size_to_cover_tiers(
    equity: ArrayLike,
    notional: ArrayLike,
    mmr: ArrayLike,
    cum: ArrayLike = 0.0,
    fee: ArrayLike = 0.0,
) -> FloatArray:
    """Notional to close so that equity is the requirement again, through marginal tiers (their own last axis).

    The requirement is the largest of the tiers' lines N mmr - cum, so what covers it covers each of them. Infinite
    where a line above the equity frees no more than the fee takes; 0 where nothing is short.
    """
    left, size = (finite(key, x)[..., None] for key, x in (("equity", equity), ("notional", notional)))
    rate, cost = not_negative("mmr", mmr), not_negative("fee", fee)[..., None]
    short = size * rate - finite("cum", cum) - left
    freed = rate - cost
    enough = np.where(freed > 0, short / np.where(freed > 0, freed, 1.0), np.inf)
    return np.where(short > 0, enough, 0.0).max(axis=-1)


def largest_share(
    margin_shortage: ArrayLike,
    initial_share: ArrayLike,
    slots_elapsed: ArrayLike = 0.0,
    duration_slots: ArrayLike = 150.0,
    margin_freed: ArrayLike = 0.0,
    at_once_below: ArrayLike = 50.0,
) -> FloatArray:
    """The share of the shortage that may be covered now: initial + slots / duration, of the whole since the start.

    `margin_freed` is what earlier rounds freed: it counts against the share. All where the shortage is under $50.
    """
    short, freed = not_negative("margin_shortage", margin_shortage), not_negative("margin_freed", margin_freed)
    ramp = not_negative("slots_elapsed", slots_elapsed) / positive("duration_slots", duration_slots)
    share = np.minimum(not_negative("initial_share", initial_share) + ramp, 1.0)
    allowed = np.maximum((short + freed) * share - freed, 0.0) / np.where(short > 0, short, 1.0)
    return np.where(short < not_negative("at_once_below", at_once_below), 1.0, allowed)[()]


def round_to_close(quantity: ArrayLike, fraction: ArrayLike, needed: ArrayLike) -> FloatArray:
    """One round: a fraction of what is held, or `needed` (as of `size_to_cover`) where that is less."""
    held, share = positive("quantity", quantity), positive("fraction", fraction)
    refuse_where(share > 1, share, "must be at most 1", "fraction")
    enough = numeric("needed", needed)
    refuse_where(np.isnan(enough), enough, "must be a number", "needed")
    return np.minimum(held * share, np.maximum(enough, 0.0))


def block_bounds(
    position_notional: ArrayLike,
    min_notional: ArrayLike = 1_000.0,
    max_portion: ArrayLike = 0.1,
    max_notional: ArrayLike | None = None,
    already: ArrayLike = 0.0,
) -> Bounds:
    """Smallest and largest notional of one order, quote currency; `already` was liquidated in this block.

    The account's cap `max_notional` (genesis: 100,000) less `already` is the most in any case, and where it is less
    than the smallest amount there is no order: both are 0 then.
    """
    notional = positive("position_notional", position_notional)
    smallest = np.minimum(not_negative("min_notional", min_notional), notional)
    largest = np.maximum(smallest, not_negative("max_portion", max_portion) * notional)
    if max_notional is None:
        return Bounds(smallest, largest)
    room = positive("max_notional", max_notional) - not_negative("already", already)
    closed = room < smallest
    return Bounds(np.where(closed, 0.0, smallest)[()], np.where(closed, 0.0, np.minimum(largest, room))[()])


def within_insurance_loss(
    notional: ArrayLike, loss: ArrayLike, max_loss: ArrayLike = 1e6, already: ArrayLike = 0.0
) -> FloatArray:
    """The part of an order whose loss to the fund stays within what one account may cost it in a block (dYdX)."""
    size, cost = not_negative("notional", notional), not_negative("loss", loss)
    room = np.maximum(not_negative("max_loss", max_loss) - not_negative("already", already), 0.0)
    return size * np.where(cost > room, room / np.where(cost > room, cost, 1.0), 1.0)


def goes_to_backstop(equity: ArrayLike, requirement: ArrayLike, share: ArrayLike = 2 / 3) -> NDArray[np.bool_]:
    """Whether equity is below that share of the requirement: a vault takes position and margin (Hyperliquid)."""
    return finite("equity", equity) < not_negative("share", share) * not_negative("requirement", requirement)
