"""Portfolio margin by scenarios: the numbers of the matrix of price and volatility moves, and of its charges (Deribit).

The rule that they go into, with its equations, is `stresslab.options.margin`; the names are Deribit's (its API,
private/simulate) and those of that rule.
"""

from typing import Annotated

from pydantic import Field

from stresslab.venues.schema.base import Fraction, NotNegative, Positive, Section


class Portfolio(Section):
    """The scenario matrix and its charges; fractions."""

    price_range: Fraction = Field(description="largest standard move of the price")
    buckets_count: Annotated[int, Field(ge=1)] = Field(description="standard moves on each side of no move")
    volatility_range_up: NotNegative = Field(description="relative rise of a volatility at 30 days")
    volatility_range_down: NotNegative = Field(description="relative fall of a volatility at 30 days")
    short_term_vega_power: NotNegative = Field(description="of 30 / days, below 30 days")
    long_term_vega_power: NotNegative = Field(description="of 30 / days, from 30 days on")
    min_volatility_for_shock_up: NotNegative = Field(description="the raised volatility is at least this, annual")
    shortest_days: Positive = Field(description="least days in 30 / days")
    extended_moves: Annotated[tuple[Annotated[float, Field(gt=-1)], ...], Field(strict=False)]
    extended_table_factor: NotNegative = Field(description="of the PnL of the extended moves")
    extended_dampener: NotNegative = Field(description="quote currency; makes the losses of extended moves smaller")
    annualised_move_risk: NotNegative = Field(description="1/year, of the roll shock")
    min_annualised_move: NotNegative = Field(description="least roll shock, of the delta's value")
    short_option: NotNegative = Field(description="of the underlying, charged per option sold net at a strike")
    mm_factor: Annotated[float, Field(gt=0, le=1)] = Field(description="maintenance over initial margin")
