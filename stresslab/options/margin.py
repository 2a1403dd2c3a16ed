"""Portfolio margin on one underlying: the worst loss over shifted prices and volatilities, plus contingencies.

    standard   moves -range .. range in 2 n + 1 equal steps; volatility down, same, up
    extended   far moves with volatility up: PnL x factor range / |move|, at the price of the outermost standard move,
               then less severe by at most (|move| / range - 1) x dampener
    roll shock |net delta of an expiry| x price x max(exp(rate tau) - 1, least); a perpetual has tau = 0
    initial    max(0, -worst PnL) + roll shock + charge per option sold net;  maintenance = initial x mm_factor

    up = max(sigma (1 + u (30 / days)^p), floor_up),  down = sigma max(1 - d (30 / days)^p, 0),  p by days < 30 or not

Field names and defaults are those of Deribit's BTC parameters in the worked response of
docs.deribit.com/api-reference/account-management/private-simulate (2024-06-17): its scenario vectors, roll shock and
maintenance margin come out of these formulas. Not in a published example: volatility shifts (formula from
docs.oreome.com), the extended moves of options (they follow from its futures), the roll shock of options' deltas.
Not simulated: its delta shock (0 below 20 million USD of delta) and the offset between currencies.

The option keeps its own volatility when the price shifts. A future or perpetual is given as its size in units of the
underlying at the current mark, q: it earns q S move in quote, or q move / (1 + move) in coin. NumPy float64.
"""

from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from stresslab.options import black
from stresslab.options.book import OptionBook

Fraction = Annotated[float, Field(gt=0, lt=1)]
NonNegative = Annotated[float, Field(ge=0)]
Move = Annotated[float, Field(gt=-1)]
Moves = Annotated[tuple[Move, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]

DOWN, SAME, UP = range(3)
DAYS = 365.0


class PortfolioMargin(BaseModel):
    """The rule's numbers; frozen, strict."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    price_range: Fraction = Field(default=0.16, description="largest standard move of the price")
    buckets_count: Annotated[int, Field(ge=1)] = Field(default=4, description="standard moves on each side of no move")
    volatility_range_up: NonNegative = Field(default=0.5, description="relative rise of a volatility at 30 days")
    volatility_range_down: NonNegative = Field(default=0.25, description="relative fall of a volatility at 30 days")
    short_term_vega_power: NonNegative = Field(default=0.3, description="of 30 / days, below 30 days")
    long_term_vega_power: NonNegative = Field(default=0.13, description="of 30 / days, from 30 days on")
    min_volatility_for_shock_up: NonNegative = Field(default=0.5, description="the raised volatility is at least this")
    shortest_days: Annotated[float, Field(gt=0)] = Field(default=1.0, description="least days; an assumption")
    extended_moves: Moves = Field(default=(-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0), description="far moves")
    extended_table_factor: NonNegative = Field(default=1.0, description="of the PnL of the extended moves")
    extended_dampener: NonNegative = Field(default=100_000.0, description="quote currency, see above")
    annualised_move_risk: NonNegative = Field(default=0.075, description="1/year, of the roll shock")
    min_annualised_move: NonNegative = Field(default=0.01, description="least roll shock, of the delta's value")
    short_option: NonNegative = Field(default=0.0, description="of the underlying, per option sold net at a strike")
    mm_factor: Annotated[float, Field(gt=0, le=1)] = Field(default=0.8, description="maintenance over initial margin")

    @property
    def standard_moves(self) -> np.ndarray:
        """From the lowest to the highest, no move in the middle."""
        return self.price_range * np.arange(-self.buckets_count, self.buckets_count + 1) / self.buckets_count

    def relative_to(self, price: float) -> "PortfolioMargin":
        """The same rule where prices are counted in units of `price`."""
        return self.model_copy(update={"extended_dampener": self.extended_dampener / price})

    def shifted(self, sigma: Any, tau: Any) -> np.ndarray:
        """Volatilities down, same and up, in front of the axes of `sigma`."""
        ratio = 30.0 / np.maximum(np.asarray(tau, float) * DAYS, self.shortest_days)
        shift = ratio ** np.where(ratio > 1, self.short_term_vega_power, self.long_term_vega_power)
        down = sigma * np.maximum(1 - self.volatility_range_down * shift, 0.0)
        up = np.maximum(sigma * (1 + self.volatility_range_up * shift), self.min_volatility_for_shock_up)
        return np.stack(np.broadcast_arrays(down, sigma, up))

    def roll_shock(self, tau: float) -> float:
        """Of the value of an expiry's net delta."""
        return max(float(np.expm1(self.annualised_move_risk * tau)), self.min_annualised_move)

    def damped(self, pnl: Any, move: Any, price: Any, coin: bool) -> np.ndarray:
        """PnL of an extended move as the requirement counts it, in the currency of settlement; gains count nothing."""
        depth = np.abs(move) / self.price_range
        edge = 1 + np.sign(move) * self.price_range  # the outermost standard move: where the PnL is valued
        scaled = self.extended_table_factor / depth * pnl * ((1 + move) / edge if coin else 1.0)
        relief = np.maximum(depth - 1, 0) * self.extended_dampener / (price * edge if coin else 1.0)
        return np.minimum(scaled + relief, 0.0)


class Requirement(NamedTuple):
    """In the currency of settlement."""

    worst: np.ndarray  # largest loss of the scenarios, at least 0
    contingency: np.ndarray
    initial: np.ndarray
    maintenance: np.ndarray


def requirement(
    rule: PortfolioMargin, book: OptionBook, price: Any, sigma: Any, t: float, future: Any = 0.0
) -> Requirement:
    """What a book with a perpetual of size `future` needs: the whole scenario matrix, written out.

    `sigma` has the options as its last axis; `price` and `future` have its shape without it.
    """
    price, future = np.asarray(price, float), np.asarray(future, float)
    coin = book.settle == "coin"
    tau = np.maximum(book.expiry - t, 0.0)
    before = book.value(price, sigma, t)
    shifted = rule.shifted(sigma, tau)

    def pnl(move: float, volatility: np.ndarray) -> np.ndarray:
        after = price * (1 + move)
        of_future = future * price * move / (after if coin else 1.0)
        return np.asarray(book.value(after, volatility, t) - before + of_future)

    scenarios = [pnl(move, volatility) for move in rule.standard_moves for volatility in shifted]
    scenarios += [rule.damped(pnl(move, shifted[UP]), move, price, coin) for move in rule.extended_moves]
    worst = np.maximum(-np.min(scenarios, axis=0), 0.0)
    charge = contingency(rule, book, price, sigma, t) + rule.roll_shock(0.0) * np.abs(future) * _unit(price, coin)
    initial = worst + charge
    return Requirement(worst, charge, initial, rule.mm_factor * initial)


def contingency(rule: PortfolioMargin, book: OptionBook, price: Any, sigma: Any, t: float) -> np.ndarray:
    """Roll shock of the options and the charge for those sold, in the currency of settlement."""
    price = np.asarray(price, float)
    delta = black.greeks(price[..., None], book.strike, sigma, np.maximum(book.expiry - t, 0.0), book.call).delta
    charge = np.full(price.shape, rule.short_option * book.short_per_strike(t))
    for expiry in book.expiries[book.expiries >= t]:
        net = np.where(book.expiry == expiry, delta, 0.0) @ book.quantity
        charge = charge + np.abs(net) * rule.roll_shock(expiry - t)
    return charge * _unit(price, book.settle == "coin")


def _unit(price: np.ndarray, coin: bool) -> Any:
    """Value of a unit of the underlying in the currency of settlement."""
    return 1.0 if coin else price
