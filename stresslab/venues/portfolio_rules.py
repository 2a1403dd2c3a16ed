"""Portfolio margin by scenarios: the largest loss over price moves and volatility moves, and charges on top (Deribit).

    volatility up    max(vol (1 + vol_up (30 / days)^p), lowest_shocked_vol)
    volatility down  max(vol (1 - vol_down (30 / days)^p), 0)

with p = power_short up to 30 days and power_long beyond. Moves of the price go from -price_move to +price_move in
`price_steps` steps on each side. In the extended moves only `extended_share` of the PnL counts.
"""

from typing import Annotated

from pydantic import Field

from stresslab.venues.base import Fraction, NotNegative, Positive, Section


class Portfolio(Section):
    """The scenario matrix and its charges; fractions."""

    price_move: Fraction
    price_steps: Annotated[int, Field(ge=1)] = Field(description="on each side of no move")
    vol_up: NotNegative = Field(description="relative rise of implied volatility at 30 days")
    vol_down: Fraction = Field(description="relative fall at 30 days")
    power_short: NotNegative = Field(description="power of 30 / days up to 30 days")
    power_long: NotNegative = Field(description="power of 30 / days beyond")
    lowest_shocked_vol: NotNegative = Field(description="floor of the raised volatility, annual")
    extended_moves: Annotated[tuple[Annotated[float, Field(gt=-1)], ...], Field(strict=False)]
    extended_share: NotNegative = Field(description="share of the PnL that counts in an extended move")
    short_option_charge: NotNegative = Field(description="coin for each net short option at a strike")
    offsetting_futures_charge: Fraction = Field(description="of the underlying value of futures that offset each other")
    initial_factor: Positive = Field(description="initial margin as a multiple of maintenance margin")
