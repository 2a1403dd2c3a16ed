"""Greeks of books that hold options: at as_of, and at quantiles of the price at each horizon, of the book of as_of.

Futures count with their delta (an inverse one with its gamma too). Prices and variances at the quantiles are those of
pilot paths: the quantile of the price, and the median variance of the paths that end nearest to it.
"""

from typing import Any

import numpy as np

from stresslab.config.general_book import GeneralBook
from stresslab.config.written import Written
from stresslab.grid.market import MarketCell
from stresslab.grid.plan import Plan
from stresslab.options.greeks import LONG_NAMES, QUANTILES, along_quantiles, units
from stresslab.paths import simulate
from stresslab.units import YEAR_SECONDS

PILOT = 2048  # paths
_NEAREST = 51  # of them, around a quantile
_AT = "option_price_quantile"
PRICE = f"quantile of the price at the horizon, of {PILOT:,} pilot paths"


def variables(plan: Plan, dims: tuple[str, ...], sizes: tuple[int, ...]) -> dict[str, Any]:
    """Dataset variables; none where no book holds options. Cells without options hold NaN."""
    held = {cell: written for cell in range(len(plan.cells)) if (written := _written(plan.books[cell])) is not None}
    if not held:
        return {}
    shape = (len(plan.cells), len(plan.study.market.horizons), len(QUANTILES))
    start = {name: np.full(len(plan.cells), np.nan) for name in LONG_NAMES}
    along = {name: np.full(shape, np.nan) for name in (*LONG_NAMES, _AT)}
    for market in plan.markets:
        cells = [cell for cell in market.cells if cell in held]
        if cells:
            prices, variances = _pilot(market)
        for cell in cells:
            _fill(start, along, cell, held[cell], plan.books[cell], market, prices, variances)
    words = units("quote currency", plan.study.market.asset, _is_coin(held))._asdict()
    found: dict[str, Any] = {}
    for name, text in LONG_NAMES.items():
        about = {"units": words[name], "long_name": f"{text}, at as_of"}
        found[f"option_{name}"] = (dims, start[name].reshape(sizes), about)
        about = {"units": words[name], "long_name": f"{text}, at a quantile of the price, of the book of as_of"}
        full = (*dims, "horizon", "price_quantile"), along[name].reshape((*sizes, *shape[1:]))
        found[f"option_{name}_along"] = (*full, about)
    price = along[_AT].reshape((*sizes, *shape[1:]))
    found[_AT] = ((*dims, "horizon", "price_quantile"), price, {"units": "quote currency", "long_name": PRICE})
    found["price_quantile"] = ("price_quantile", list(QUANTILES), {"units": "1", "long_name": "share of paths below"})
    return found


def _fill(
    start: dict[str, np.ndarray],
    along: dict[str, np.ndarray],
    cell: int,
    written: Written,
    book: Any,
    market: MarketCell,
    prices: np.ndarray,
    variances: np.ndarray,
) -> None:
    future = _future(book, written)
    for name, value in written.greeks(future)._asdict().items():
        start[name][cell] = value
    horizons = np.array(market.study.market.horizon_seconds) / YEAR_SECONDS
    own, spot = written.held.book, written.held.spot
    found = along_quantiles(own, written.implied, spot, horizons, prices, variances, future)
    for name, values in found._asdict().items():
        along[name][cell] = values
    along[_AT][cell] = prices


def _pilot(market: MarketCell) -> tuple[np.ndarray, np.ndarray]:
    """Prices and variances at the quantiles, (horizon, quantile) each."""
    settings = market.study.market
    paths = simulate(
        market.models[0],
        n_paths=PILOT,
        horizon=settings.horizons[-1],
        step=settings.step,
        seed=market.study.seed,
        spot=settings.spot,
    )
    prices, variances = [], []
    for end in settings.horizon_seconds:
        there = paths.isel(time=end // settings.step_seconds)
        price, variance = (there[name].values.reshape(-1).astype(float) for name in ("price", "variance"))
        order = np.argsort(price)
        prices.append(np.quantile(price, QUANTILES))
        ranks = [int(q * (PILOT - 1)) for q in QUANTILES]
        near = [order[max(rank - _NEAREST // 2, 0) : rank + _NEAREST // 2 + 1] for rank in ranks]
        variances.append([np.median(variance[chosen]) for chosen in near])
    return np.array(prices), np.array(variances)


def _written(book: Any) -> Written | None:
    if not isinstance(book, GeneralBook):
        return None
    return next((account.options for account in book.accounts if account.options is not None), None)


def _future(book: GeneralBook, written: Written) -> float:
    """Beside the options on their asset: units of the underlying, or the quote notional of inverse contracts."""
    legs = [leg for leg in book.legs if leg.row == written.row]
    coin = written.held.book.settle == "coin"
    return sum(leg.unit * leg.spot if coin else leg.in_units for leg in legs)


def _is_coin(held: dict[int, Written]) -> bool:
    return next(iter(held.values())).held.book.settle == "coin"
