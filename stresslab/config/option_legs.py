"""Options of one account in the numbers of the engine: one leg, its tables, the rule of portfolio margin.

Tables hang on the options, not on how many are held: a sweep over sizes, equities or policies makes them once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from stresslab.accounts.contracts import Contract
from stresslab.accounts.form import LegNumbers
from stresslab.errors import require
from stresslab.models.base import Parameters
from stresslab.options import marks
from stresslab.options.book import OptionBook, Settle
from stresslab.options.margin import PortfolioMargin
from stresslab.options.numbers import options, stack
from stresslab.options.smile import ImpliedVolatility

REACH = 5.0  # times the volatility at as_of, up and down: how far tables reach where the model's variance moves
ROOM = 2.0  # GiB
SOLD = 0.075  # of an option that stands alone; doc.tslab.pro, Deribit margin


@dataclass(frozen=True)
class OptionsHeld:
    """The options of one account: strikes in money, quantities in units of the underlying, expiries in years."""

    book: OptionBook
    spot: float
    rule: PortfolioMargin = PortfolioMargin()
    sold: float = SOLD

    @property
    def contract(self) -> Contract:
        """Of the leg."""
        return "inverse_option" if self.book.settle == "coin" else "option"

    @property
    def unit(self) -> float:
        """Gross quantity at spot in the currency of settlement: what fees are a rate of, and the leg's size."""
        return float(np.abs(self.book.quantity).sum()) * (1.0 if self.book.settle == "coin" else self.spot)


def leg_numbers(
    held: Sequence[OptionsHeld],
    scale: np.ndarray,
    implied: ImpliedVolatility,
    model: Parameters,
    dt: float,
    n_steps: int,
    fee: np.ndarray,
    liquidation_fee: np.ndarray,
    slippage: np.ndarray,
) -> LegNumbers:
    """Rows of the option leg of several books; rates are fractions of the gross quantity traded at spot.

    `scale` is each book's, in the currency of settlement; `dt` years a step. Entry price and tiers mean nothing here.
    """
    tables: list[marks.Options] = []
    for one in held:
        tables.append(_tables(_key(one, implied, model, dt, n_steps)))
        _check_room(tables)
    nothing = np.zeros(len(held))
    return LegNumbers(
        size=np.array([one.unit for one in held]) / scale,
        entry=nothing + 1,
        mmr=nothing[:, None],
        cum=nothing[:, None],
        cap=nothing[:, None],
        fee=fee,
        liquidation_fee=liquidation_fee,
        slippage=slippage,
        options=stack(tables),
    )


def _check_room(tables: list[marks.Options]) -> None:
    """InputError where the books of a ladder hold so many different options that their tables fill the memory."""
    different = {id(one.columns): one.columns.nbytes for one in tables}
    room = sum(different.values()) / 2**30
    rule = (
        f"{len(different)} books of different options need tables of {room:.1f} GiB together, at most {ROOM:g} are made"
    )
    hint = "Sweep fewer sizes of single options at once, or take a model whose variance does not move"
    require(room <= ROOM, rule, key="sweep", hint=hint)


def portfolio_numbers(held: Sequence[OptionsHeld], scale: np.ndarray) -> marks.Rule:
    """Rows of the rule of portfolio margin."""
    rows = []
    for one, own in zip(held, scale, strict=True):
        coin = one.book.settle == "coin"
        rows.append(marks.loop_rule(one.rule, coin, float(own) * (one.spot if coin else 1.0)))
    return marks.Rule(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def premium(held: OptionsHeld, implied: ImpliedVolatility, model: Parameters, dt: float, n_steps: int) -> float:
    """What the options are worth at as_of, in the currency of settlement."""
    return float(_tables(_key(held, implied, model, dt, n_steps)).start[0]) * held.unit


class _Key(NamedTuple):
    """Everything that the tables depend on, hashable."""

    share: tuple[float, ...]
    strike: tuple[float, ...]
    expiry: tuple[float, ...]
    call: tuple[bool, ...]
    settle: Settle
    implied: ImpliedVolatility
    rule: PortfolioMargin
    sold: float
    dt: float
    n_steps: int
    variance: float
    volatilities: tuple[float, float]


def _key(held: OptionsHeld, implied: ImpliedVolatility, model: Parameters, dt: float, n_steps: int) -> _Key:
    variance = float(np.asarray(model.init(1).variance).ravel()[0])
    sigma = float(np.sqrt(variance))
    share = np.round(held.book.quantity / np.abs(held.book.quantity).sum(), 12)
    reach = REACH if model.dynamics.has_variance else 1.0
    return _Key(
        share=tuple(share.tolist()),
        strike=tuple((held.book.strike / held.spot).tolist()),
        expiry=tuple(held.book.expiry.tolist()),
        call=tuple(held.book.call.tolist()),
        settle=held.book.settle,
        implied=implied,
        rule=held.rule.model_copy(update={"extended_dampener": 0.0}),  # is not in the tables
        sold=held.sold,
        dt=dt,
        n_steps=n_steps,
        variance=variance,
        volatilities=(sigma / reach, sigma * reach),
    )


@lru_cache(maxsize=4)
def _tables(key: _Key) -> marks.Options:
    strike, expiry = np.array(key.strike), np.array(key.expiry)
    book = OptionBook(np.array(key.share), strike, expiry, np.array(key.call), key.settle)
    made, _ = options(book, key.implied, key.rule, key.dt, key.n_steps, key.variance, key.volatilities, sold=key.sold)
    return made
