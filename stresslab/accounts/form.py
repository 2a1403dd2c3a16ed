"""What a book is made of: its form, which is compiled, and its numbers, which are arguments.

A book holds one or more accounts (an isolated position and its hedge are two), an account one or more legs. Books of
one form are evaluated together, a row of numbers for each. Units of one book: prices of an asset relative to its spot
at as_of; money in the book's settlement currency relative to the book's `scale`.
"""

from typing import Any, Literal, NamedTuple

from stresslab.accounts.contracts import Contract
from stresslab.books.outcome import OUTAGE

Shape = Literal["marginal", "flat", "affine", "sqrt"]


class Leg(NamedTuple):
    """The form of one position."""

    asset: int = 0  # row of the market's assets
    contract: Contract = "linear"
    shape: Shape = "marginal"  # of the requirement
    tier_of: Literal["notional", "size"] = "notional"  # what the rate grows with
    basis: Literal["mark", "entry"] = "mark"  # the price of the notional that the requirement is of
    fixed: bool = False  # whether there is a part of it beside, for each unit of size
    dated: bool = False  # a future with a basis, settled at the index when it expires
    funding: Literal["index", "mark", "none"] = "index"  # the price of the notional that pays
    close_out: Any = ()  # `close_out.CloseOut`: impact of market and forced orders; without it slippage is fixed


class AccountForm(NamedTuple):
    """The form of one account: positions that share one margin."""

    legs: tuple[Leg, ...] = (Leg(),)
    collaterals: tuple[int, ...] = ()  # assets that back it beside the balance
    netting: Literal["none", "max_leg", "portfolio"] = "none"  # portfolio: see `portfolio`
    stages: tuple[Any, ...] = ()  # of forced liquidation before the close-out of all, see `liquidation`
    strict: bool = False  # liquidated where equity < requirement; else where equity <= requirement

    @property
    def assets(self) -> tuple[int, ...]:
        """The assets that its value depends on."""
        return tuple(sorted({leg.asset for leg in self.legs} | set(self.collaterals)))


class BookForm(NamedTuple):
    """All that is compiled of a book."""

    accounts: tuple[AccountForm, ...] = (AccountForm(),)
    policies: tuple[Any, ...] = ()  # see `policies`
    conditions: tuple[Any, ...] = ()  # of the venue, see `conditions`
    recorded: bool = False  # whether the price of the first liquidation is kept

    @property
    def can_miss_stops(self) -> bool:
        """Whether a level may be reached while the holder cannot act: see `causes`."""
        return bool(self.policies) and any(OUTAGE in condition.causes for condition in self.conditions)


class LegNumbers(NamedTuple):
    """Float32 of shape (book,), or as said. A tier table that is not needed has one row."""

    size: Any  # signed: money made by a rise of the price by its spot (linear), at first order (inverse)
    entry: Any  # entry price
    mmr: Any  # (book, tier), of `margin_kernel.Table`, as cum and cap; with a closing fee on the notional
    cum: Any
    cap: Any  # sizes in the units of `tier_of`
    fee: Any  # taker rate on the notional traded
    liquidation_fee: Any  # rate on the notional liquidated
    slippage: Any  # fraction of the price lost in a forced or market order
    fixed: Any = ()  # of the requirement, for each unit of size
    basis: Any = ()  # dated: log of future over index, per step to expiry
    expiry: Any = ()  # dated: step at whose end it is settled
    funding_cap: Any = ()  # the largest rate of a payment, either way; without one there is none
    close_out: Any = ()  # `close_out.CloseOutNumbers`
    options: Any = ()  # of a leg that is a book of options: `options.marks.Options`; entry and tiers mean nothing


class CollateralNumbers(NamedTuple):
    """An asset that backs an account, (book,)."""

    amount: Any  # worth at as_of without haircut
    weight: Any  # 1 - haircut: what of its price counts as margin, and is got for it when the venue sells it


class AccountNumbers(NamedTuple):
    """Of one account."""

    balance: Any  # (book,): equity at as_of without collaterals, what entry fees took already gone
    legs: tuple[LegNumbers, ...]
    residual_kept: Any  # (book,): 1 where the customer keeps what is left after a liquidation
    stages: tuple[Any, ...] = ()
    collaterals: tuple[CollateralNumbers, ...] = ()
    portfolio: Any = ()  # of portfolio margin: `options.marks.Rule`


class BookNumbers(NamedTuple):
    """Of the books of one form."""

    accounts: tuple[AccountNumbers, ...]
    equity: Any  # (book,): wealth at as_of before fees: what can be lost
    outside_fee: Any  # (book,): entry fees that were not paid out of an account
    entry_fee: Any  # (book,): entry fees, wherever they were charged
    reserve: Any  # (book,): cash beside the accounts
    policies: tuple[Any, ...] = ()
    conditions: tuple[Any, ...] = ()
