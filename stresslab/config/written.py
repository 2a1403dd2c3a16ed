"""The options of a cell's book: all on the market's asset, in one account, valued by the study's smile."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stresslab.config.market_model import market_model
from stresslab.config.option_legs import OptionsHeld
from stresslab.config.schema import Study
from stresslab.errors import InputError, require
from stresslab.options import greeks, margin
from stresslab.options.black import value as black_value
from stresslab.options.book import option_book
from stresslab.options.smile import ImpliedVolatility
from stresslab.units import YEAR_SECONDS
from stresslab.venues import Rulebook
from stresslab.venues.schema.requirement import ShortOption


@dataclass(frozen=True)
class Written:
    """Options held and sold, at as_of."""

    rulebook: Rulebook
    row: int  # of the market's assets
    held: OptionsHeld
    implied: ImpliedVolatility
    variance: float  # of the model

    @cached_property
    def volatility(self) -> np.ndarray:
        """Implied, of each option."""
        book = self.held.book
        return self.implied.volatility(0.0, self.variance, book.strike / self.held.spot, book.expiry)

    @cached_property
    def worth(self) -> float:
        """Value, settlement currency."""
        return float(self.greeks().value)

    def greeks(self, future: float = 0.0) -> greeks.Greeks:
        """At as_of, with a future beside them (see `options.greeks`)."""
        spot = np.array(self.held.spot)
        return greeks.of_book(self.held.book, self.implied, self.held.spot, spot, np.array(self.variance), 0.0, future)

    def portfolio(self, future: float) -> margin.Requirement:
        """Of the account as a portfolio; `future` is held beside them, in units of the underlying."""
        return margin.requirement(self.held.rule, self.held.book, self.held.spot, self.volatility, 0.0, future)

    @property
    def sold(self) -> float:
        """Maintenance margin of each option sold by itself, settlement currency."""
        book, spot = self.held.book, self.held.spot
        each = black_value(spot, book.strike, self.volatility, book.expiry, book.call)
        total = float(np.sum(np.maximum(-book.quantity, 0.0) * (self.held.sold * spot + each)))
        return total / spot if book.settle == "coin" else total


def written(cell: Study) -> Written | None:
    """None where the book has no options; InputError where the engine cannot run them."""
    chosen = [(place, one) for place, one in enumerate(cell.book.positions or ()) if one.option is not None]
    if not chosen:
        return None
    rulebooks = {one.rulebook or cell.book.rulebook for _, one in chosen}
    require(len(rulebooks) == 1, "options of one account are of one rulebook", key="book.positions", file=cell.file)
    rulebook = cell.rulebook(rulebooks.pop())
    contract = rulebook.contract
    if contract.kind != "option":
        raise InputError(
            f"{rulebook.id} is not of options", key=f"book.positions[{chosen[0][0]}].option", file=cell.file
        )
    for place, one in chosen:
        other = one.asset not in (None, cell.market.asset)
        rule = f"options are on market.asset, {cell.market.asset}"
        require(not other, rule, key=f"book.positions[{place}].asset", got=one.asset, file=cell.file)
    book = option_book(
        [(1 if one.side == "long" else -1) * (one.quantity or 0.0) for _, one in chosen],
        [one.strike for _, one in chosen],
        [_years(cell, place) for place, _ in chosen],
        [one.option == "call" for _, one in chosen],
        "coin" if contract.premium_in == "coin" else "quote",
    )
    wanted = rulebook.requirement
    sold = wanted.maintenance if isinstance(wanted, ShortOption) else 0.0
    held = OptionsHeld(book, cell.market.spot, rule_of(rulebook), sold)
    variance = float(np.asarray(market_model(cell).init(1).variance).flat[0])
    row = cell.asset_names.index(cell.market.asset)
    return Written(rulebook, row, held, cell.implied or ImpliedVolatility(), variance)


def alone(rulebook: Rulebook, spot: float, future: float) -> margin.Requirement:
    """Portfolio margin of futures on an asset without options, `future` in units of the underlying."""
    nothing = option_book([0.0], [spot], [1.0], [True], "quote" if rulebook.contract.kind == "linear" else "coin")
    return margin.requirement(rule_of(rulebook), nothing, spot, np.array([1.0]), 0.0, future)


def rule_of(rulebook: Rulebook) -> margin.PortfolioMargin:
    """The scenarios of the portfolio mode; the usual ones where a rulebook has none, which are then not used."""
    given = rulebook.requirement.portfolio
    return margin.PortfolioMargin() if given is None else margin.PortfolioMargin(**given.model_dump())


def _years(cell: Study, place: int) -> float:
    """To expiry; one within the last horizon falls on the end of a step."""
    assert cell.book.positions is not None
    expiry = cell.book.positions[place].expiry
    assert expiry is not None  # the schema asks for it
    seconds, step = (expiry - cell.as_of).total_seconds(), cell.market.step_seconds
    key = f"book.positions[{place}].expiry"
    require(seconds > 0, "must come after as_of", key=key, got=str(expiry), file=cell.file)
    if seconds <= cell.market.horizon_seconds[-1]:
        seconds = math.ceil(seconds / step) * step
    return seconds / YEAR_SECONDS
