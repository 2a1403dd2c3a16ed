"""The holder's own trades, and what follows if they leave an account without position and below zero."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import bounds, orders
from stresslab.accounts.conditions import Effect
from stresslab.accounts.scene import Scene, first, now, with_account
from stresslab.accounts.state import Books, is_open


def trade(
    scene: Scene,
    books: Books,
    account: int,
    leg: int,
    change: Array,
    price: Array,
    effect: Effect,
    event: Array,
    at_price: bool = False,
    worst: Any = (),
) -> Books:
    """Change a leg at a price of that leg, with slippage but where `at_price`, never worse than `worst`; and the fee.

    The fund pays for an account that is closed below zero: a loss is capped at what backs the account.
    """
    form, own = scene.form.accounts[account].legs[leg], scene.numbers.accounts[account].legs[leg]
    fill = price if at_price else orders.fill_price(form, own, change, price, now(books), effect)
    if not isinstance(worst, tuple):
        fill = jnp.where(change < np.float32(0), jnp.maximum(fill, worst), jnp.minimum(fill, worst))
    if effect.bounds:
        part = bounds.share(effect, form.asset, change, price, fill)
        change, fill = part * change, price + part * (fill - price)
    holding, ledger = orders.trade(form, leg, books.accounts[account], books.ledger, change, fill)
    holding, ledger = orders.charge(holding, ledger, orders.trading_fee(form, own, change, fill))
    is_closed = ~is_open(holding) & (change != np.float32(0))
    if scene.form.accounts[account].collaterals:
        holding, ledger = orders.sell_collateral(*scene.account(account), holding, ledger, is_closed, now(books))
    below = jnp.where(is_closed, jnp.maximum(-holding.balance, np.float32(0)), np.float32(0))
    holding, ledger = orders.cover(holding, ledger, below, effect)
    bankruptcy = first(books.codes.bankruptcy, below > np.float32(0), event)
    books = with_account(books, account, holding)
    return books._replace(ledger=ledger, codes=books.codes._replace(bankruptcy=bankruptcy))
