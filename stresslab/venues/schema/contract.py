"""What is traded and what backs it: the contract, and the collateral with its haircuts.

PnL in the settlement currency, s = +1 long and -1 short, `quantity` in the unit that each kind names:

    linear   s q (P - entry)            q in base currency
    inverse  s Q (1 / entry - 1 / P)    Q in quote currency (USD)
    quanto   s c m (P - entry)          c contracts, m the multiplier: coin for each point of price
    option   s q (premium - paid)       q in base currency
"""

from typing import Annotated, Literal

from pydantic import Field

from stresslab.venues.schema.base import Fraction, NotEmpty, Positive, Section, Text

Mode = Literal["isolated", "cross", "portfolio"]


class _Contract(Section):
    base: Text = Field(description="the underlying, such as BTC")
    settle: Text = Field(description="currency of margin, PnL and fees")
    tick: Positive | None = Field(description="smallest step of the price; null: not known")
    price_round: Literal["none", "up", "down", "earlier"] = Field(
        description="how liquidation prices are rounded to the tick; earlier: up for a long, down for a short"
    )


class Linear(_Contract):
    """PnL in quote currency, linear in the price."""

    kind: Literal["linear"]
    face: Positive | None = Field(description="base currency in one contract; null: not known")
    dated: bool = Field(description="true: it expires, and has a basis to the index")


class Inverse(_Contract):
    """Coin-margined: a fixed number of dollars, settled in the coin."""

    kind: Literal["inverse"]
    face: Positive = Field(description="quote currency (USD) in one contract")
    dated: bool = Field(description="true: it expires, and has a basis to the index")


class Quanto(_Contract):
    """PnL linear in the price, at a fixed rate in another coin."""

    kind: Literal["quanto"]
    multiplier: Positive = Field(description="settlement coin for each point of price and contract")
    dated: bool = Field(description="true: it expires, and has a basis to the index")


class Option(_Contract):
    """A European option."""

    kind: Literal["option"]
    face: Positive = Field(description="base currency in one contract")
    style: Literal["european"]
    premium_in: Literal["coin", "quote"] = Field(description="coin: premium and payoff are divided by the price")


Contract = Annotated[Linear | Inverse | Quanto | Option, Field(discriminator="kind")]


class Asset(Section):
    """One currency that may back positions."""

    currency: Text
    haircut: Fraction = Field(description="not counted, as a fraction of its value")
    price_source: Literal["index", "venue_book"] = Field(description="what its value is read from")


class Collateral(Section):
    """What backs positions, and how."""

    modes: Annotated[tuple[Mode, ...], Field(strict=False), NotEmpty] = Field(
        description="isolated: a loss is capped at the position's margin; cross: one balance backs all; portfolio"
    )
    assets: Annotated[tuple[Asset, ...], Field(strict=False), NotEmpty]
