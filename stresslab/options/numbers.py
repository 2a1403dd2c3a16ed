"""A book of options as the numbers of the compiled loop: its tables, and where each step lies between their slices."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from stresslab import device
from stresslab.errors import require
from stresslab.options.book import OptionBook
from stresslab.options.margin import PortfolioMargin
from stresslab.options.marks import Options, at_step, value
from stresslab.options.smile import ImpliedVolatility
from stresslab.options.surface import Grid, build

DEFAULT_GRID = Grid()
_OF_TABLES = ("price", "volatility", "row", "weight")
_NEVER = np.iinfo(np.int32).max  # a step that does not come


def options(
    book: OptionBook,
    implied: ImpliedVolatility,
    rule: PortfolioMargin,
    dt: float,
    n_steps: int,
    variance: float,
    volatilities: tuple[float, float],
    grid: Grid = DEFAULT_GRID,
    sold: float = 0.075,
) -> tuple[Options, float]:
    """One book for a loop of `n_steps` steps of `dt` years, and its gross size: the units that are held of it.

    Strikes relative to the spot; an expiry within the loop falls on the end of a step. `variance` is the model's at
    as_of; `volatilities` bound its square root along the paths: two equal ones say that it never moves. `sold` is the
    rate of an option sold that stands alone, without portfolio margin (Deribit: 7.5 %).
    """
    device.prepare()
    gross = float(np.abs(book.quantity).sum())
    require(gross > 0, "something is held of the options", key="quantity", got=book.quantity.tolist())
    expiry, steps = _on_steps(book.expiry, dt, n_steps)
    unit = book._replace(quantity=book.quantity / gross, expiry=expiry)
    found = build(unit, implied, rule, n_steps * dt, volatilities, grid, sold)
    row, weight = _place(found.times, np.arange(n_steps + 1) * dt, dt)
    made = Options(
        columns=found.tables,
        price=_axis(found.log_price),
        volatility=_axis(found.log_volatility),
        row=row,
        weight=weight,
        table=np.zeros((), np.int32),
        start=np.zeros(()),
        quantity=unit.quantity,
        strike=unit.strike,
        call=unit.call,
        expiry=steps,
    )
    of_loop = Options(*(_single(one)[None] for one in made))
    here, now = jnp.zeros((1, 1), jnp.float32), jnp.full((1, 1), variance, jnp.float32)
    start = value(at_step(jax.tree.map(jnp.asarray, of_loop), jnp.zeros((), jnp.int32)), here, now)
    return of_loop._replace(start=np.asarray(start)[:, 0]), gross


def stack(books: Sequence[Options]) -> Options:
    """Several books as rows. Tables that are the same array are kept once; slices and options that one has less than
    another are filled up with ones that do nothing.
    """
    tables = list({id(one.columns): one for one in books}.values())
    places = [next(n for n, kept in enumerate(tables) if kept.columns is one.columns) for one in books]
    n_slices, n_options = max(one.columns.shape[1] for one in tables), max(one.strike.shape[1] for one in books)

    def slices(columns: np.ndarray) -> np.ndarray:
        more = n_slices - columns.shape[1]
        return np.pad(columns, ((0, 0), (0, more), (0, 0), (0, 0), (0, 0)), mode="edge") if more else columns

    def rows(name: str, filler: float) -> np.ndarray:
        each = [getattr(one, name) for one in books]
        return np.concatenate(
            [np.pad(one, ((0, 0), (0, n_options - one.shape[1])), constant_values=filler) for one in each]
        )

    of_tables = {name: np.concatenate([getattr(one, name) for one in tables]) for name in _OF_TABLES}
    return Options(
        columns=np.concatenate([slices(one.columns) for one in tables]),
        **of_tables,
        table=np.array(places, np.int32),
        start=np.concatenate([one.start for one in books]),
        quantity=rows("quantity", 0.0),
        strike=rows("strike", 1.0),
        call=rows("call", False),
        expiry=rows("expiry", _NEVER),
    )


def _on_steps(expiry: np.ndarray, dt: float, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Expiries within the loop moved onto the end of their step by less than a millionth of one, and their steps."""
    steps = np.rint(expiry / dt)
    inside = steps <= n_steps
    off = np.where(inside, np.abs(expiry - steps * dt), 0.0)
    require(bool((off < 1e-6 * dt).all()), "an expiry lies at the end of a step", key="expiry", got=expiry.tolist())
    return np.where(inside, steps * dt, expiry), np.where(inside, steps, _NEVER).astype(np.int32)


def _place(slices: np.ndarray, times: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """The slice before each time, and the weight of the one after it; at an expiry what is left when it is paid."""
    row = np.searchsorted(slices, times + 1e-6 * dt, "right") - 1
    row = np.clip(row, 0, len(slices) - 2)
    width = slices[row + 1] - slices[row]
    weight = np.clip((times - slices[row]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    return row.astype(np.int32), np.where(weight > 1 - 1e-6, 1.0, weight)


def _axis(nodes: np.ndarray) -> np.ndarray:
    return np.array([nodes[0], nodes[1] - nodes[0] if len(nodes) > 1 else 1.0])


def _single(leaf: np.ndarray) -> np.ndarray:
    return leaf.astype(np.float32) if leaf.dtype == np.float64 else leaf
