"""Books of the general engine on gaps that are written down, one a step, with the venue's conditions; float64."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from stresslab.accounts import state
from stresslab.accounts.engine import Engine
from stresslab.accounts.form import AccountNumbers, BookForm, BookNumbers, LegNumbers
from stresslab.scan import Gap, Track


class Walked(NamedTuple):
    """At the end; cash is all there is, (book, path)."""

    books: state.Books
    cash: np.ndarray


def leg(sizes: list[float], mmr: float = 0.01, **given: Any) -> LegNumbers:
    """A row for each size, bought or sold at 1, one tier, no fees."""
    rows = np.array(sizes, float)
    plain = {"fee": 0 * rows, "liquidation_fee": 0 * rows, "slippage": 0 * rows} | given
    tiers = np.ones((len(rows), 1))
    return LegNumbers(rows, np.ones_like(rows), mmr * tiers, 0 * tiers, 1e30 * tiers, **plain)


def books(*accounts: AccountNumbers, conditions: tuple[Any, ...]) -> BookNumbers:
    """All that these accounts have is theirs to lose."""
    equity = sum(account.balance for account in accounts)
    nothing = np.zeros_like(equity)
    return BookNumbers(accounts, equity, nothing, nothing, nothing, (), conditions)


def walk(form: BookForm, numbers: BookNumbers, log_prices: np.ndarray, variance: float = 0.0, seed: int = 1) -> Walked:
    """`log_prices` (step, path) of one asset: each step gaps to its price; all steps in survival bins of their own."""
    n_words = sum(condition.words for condition in form.conditions)
    words = np.random.default_rng(seed).integers(0, 2**32, (*log_prices.shape, n_words), dtype=np.uint32)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        as_arrays = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), numbers)
        found = _walk(form, as_arrays, jnp.asarray(log_prices), jnp.asarray(words), jnp.float64(variance))
        return jax.tree.map(np.asarray, found)


@functools.partial(jax.jit, static_argnums=0)
def _walk(form: BookForm, numbers: BookNumbers, log_prices: Any, words: Any, variance: Any) -> Walked:
    price = jnp.ones((1, log_prices.shape[1]))
    start = state.start(form, numbers, 0, price, variance * price)

    def step(held: Any, row: Any) -> Any:
        to, drawn, number = row
        engine = Engine(form, numbers, jnp.zeros(0), jnp.eye(1), number)
        track = Track((Gap(to[None]),), variance * price, tuple(drawn[:, word][None] for word in range(drawn.shape[1])))
        return engine.step(held, track), ()

    rows = log_prices, words, jnp.arange(log_prices.shape[0], dtype=jnp.int32)
    end, _ = jax.lax.scan(step, start, rows)
    ledger = end.ledger
    cash = sum(holding.balance for holding in end.accounts) + end.reserve + ledger.fees + ledger.fund + ledger.others
    return Walked(end, cash)
