"""The holder's own trades, and what follows if they leave an account without position and below zero."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import orders
from stresslab.accounts.conditions import Effect
from stresslab.accounts.scene import Scene, first, with_account
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
    at_price: Any = np.False_,
) -> Books:
    """Change a leg at a price of that leg, with slippage but where `at_price`, and the taker fee.

    The fund pays for an account that is closed below zero: a loss is capped at what backs the account.
    """
    form, own = scene.form.accounts[account].legs[leg], scene.numbers.accounts[account].legs[leg]
    market = orders.fill_price(own, change, price, effect.slippage)
    fill = jnp.where(at_price, price, market)
    holding, ledger = orders.trade(form, leg, books.accounts[account], books.ledger, change, fill)
    holding, ledger = orders.charge(holding, ledger, orders.trading_fee(form, own, change, fill))
    below = jnp.where(~is_open(holding) & (change != np.float32(0)), jnp.maximum(-holding.balance, 0), np.float32(0))
    holding = holding._replace(balance=holding.balance + below)
    ledger = ledger._replace(fund=ledger.fund - below, shortfall=ledger.shortfall + below)
    bankruptcy = first(books.codes.bankruptcy, below > np.float32(0), event)
    books = with_account(books, account, holding)
    return books._replace(ledger=ledger, codes=books.codes._replace(bankruptcy=bankruptcy))
