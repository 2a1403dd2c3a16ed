"""The venue block of a study: a block for each condition, and how deep its order book is."""

from typing import Literal

import numpy as np
from pydantic import Field

from stresslab.accounts.close_out import CloseOut, CloseOutNumbers
from stresslab.config.fields import Level, Part
from stresslab.config.venue_kinds import (
    BandBlock,
    BasisBlock,
    Condition,
    DefaultBlock,
    HaltBlock,
    LatencyBlock,
    OutageBlock,
    OwnBookBlock,
    StaleOracleBlock,
)
from stresslab.config.waterfall_kind import WaterfallBlock
from stresslab.models.base import Positive

_COEFFICIENTS = {"linear": 0.005, "square_root": 1.0}  # see `accounts.close_out`


class Depth(Part):
    """The order book that market and forced orders meet, beside the fixed slippage; it thins out in a storm."""

    impact: Literal["linear", "square_root"] = "linear"
    depth: Positive = Field(description="quote currency: linear within 1 % of the mid, square_root of a day; calm")
    coefficient: Positive | None = Field(default=None, description="linear: 0.005; square_root: 1")
    power: float | None = Field(
        default=None, ge=0, le=10, description="depth falls as (variance over calm)^-power; linear: 0.5, square_root: 0"
    )
    floor: Level = Field(default=0.02, description="the least share of the calm depth")
    most: Level = Field(default=0.5, description="the largest loss, fraction of the price")

    @property
    def form(self) -> CloseOut:
        """What is compiled of it."""
        return CloseOut(self.impact, self._falls > 0)

    @property
    def _falls(self) -> float:
        """The square root has the volatility in it already."""
        usual = 0.5 if self.impact == "linear" else 0.0
        return usual if self.power is None else self.power

    def numbers(self, calm_variance: float, quote: np.ndarray) -> CloseOutNumbers:
        """Of legs whose size 1 has the quote notional `quote` at as_of, (book,)."""
        coefficient = _COEFFICIENTS[self.impact] if self.coefficient is None else self.coefficient
        same = np.ones_like(quote)
        return CloseOutNumbers(
            coefficient * same,
            self.depth / quote,
            self.most * same,
            calm_variance * same,
            self._falls * same,
            self.floor * same,
        )


class Venue(Part):
    """Conditions that hold for every book of a study: what is not written does not occur."""

    calm_volatility: Positive | None = Field(
        default=None,
        le=100,
        description="at which rates and depth are as written; the model's at as_of without",
    )
    outage: OutageBlock | None = None
    stale_oracle: StaleOracleBlock | None = None
    halt: HaltBlock | None = None
    band: BandBlock | None = None
    basis: BasisBlock | None = None
    latency: LatencyBlock | None = None
    default: DefaultBlock | None = None
    own_book: OwnBookBlock | None = None
    waterfall: WaterfallBlock | None = None
    depth: Depth | None = None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Those that are written, in the order of the fields."""
        return tuple(block for _, block in self if isinstance(block, Condition))
