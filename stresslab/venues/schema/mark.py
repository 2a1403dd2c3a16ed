"""The price that triggers: how a mark is made from index, book and funding, and how old it may be."""

from typing import Annotated, Literal

from pydantic import Field

from stresslab.venues.schema.base import Duration, Fraction, Section


class EqualsIndex(Section):
    """mark = last = index: an assumption until a study simulates them apart."""

    kind: Literal["equals_index"]


class _Computed(Section):
    update: Duration | None = Field(description="time between two values; null: continuous, or not known")
    max_age: Duration | None = Field(description="older than this it is stale and triggers nothing; null: not known")


class _FromBook(_Computed):
    window: Duration = Field(description="of the average of (mid - index)")
    smoothing: Literal["mean", "ema"] = Field(description="plain mean over the window, or exponential with that time")
    clamp_to_index: Fraction | None = Field(description="largest relative distance from the index; null: none known")


class MedianOfThree(_FromBook):
    """median(P1, index + average of (mid - index), last): Binance, Bybit, Hyperliquid.

    P1 = index (1 + last funding rate x time to funding / interval), or the median of other venues' mids.
    """

    kind: Literal["median_of_three"]
    first: Literal["index_and_funding", "other_venues"] = Field(description="what P1 is")


class IndexPlusEma(_FromBook):
    """index + average of (market - index): Deribit, dated futures of Bybit."""

    kind: Literal["index_plus_ema"]


class Oracle(_Computed):
    """The oracle price itself: dYdX, Drift, GMX."""

    kind: Literal["oracle"]


class FairFunding(_Computed):
    """index (1 + funding rate x time to funding / interval): BitMEX."""

    kind: Literal["fair_funding"]


Mark = Annotated[EqualsIndex | MedianOfThree | IndexPlusEma | Oracle | FairFunding, Field(discriminator="kind")]
