"""Policies that act by the clock: their orders and transfers carried out, if the venue is up."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stresslab.accounts import quotes
from stresslab.accounts.conditions import Effect
from stresslab.accounts.point import leg_price
from stresslab.accounts.policies.base import Glance, Order, Transfer
from stresslab.accounts.scene import Scene, if_any, now, with_account, with_policy
from stresslab.accounts.state import Books
from stresslab.accounts.trading import trade
from stresslab.books.outcome import DIFFUSION


def act(scene: Scene, books: Books, effect: Effect) -> Books:
    """All policies, in their order: each sees what the one before it did; then all look at what was done."""
    for number, (policy, own) in enumerate(zip(scene.form.policies, scene.numbers.policies, strict=True)):
        before = books.policies[number]
        memory, wanted = policy.act(own, before, scene.form, scene.numbers, books)
        books = with_policy(books, number, _where(effect.can_act, memory, before))
        for one in wanted:
            books = (_order if isinstance(one, Order) else _transfer)(scene, books, one, effect)
    point = now(books)
    return look(scene, books, [Glance(point.prices, point.prices) for _ in scene.form.policies])


def look(scene: Scene, books: Books, glances: list[Glance]) -> Books:
    """All policies see what happened."""
    policies = zip(scene.form.policies, scene.numbers.policies, glances, strict=True)
    for number, (policy, own, glance) in enumerate(policies):
        memory = policy.seen(own, books.policies[number], scene.form, scene.numbers, books, glance)
        books = with_policy(books, number, memory)
    return books


def _order(scene: Scene, books: Books, order: Order, effect: Effect) -> Books:
    form, own = (
        scene.form.accounts[order.account].legs[order.leg],
        scene.numbers.accounts[order.account].legs[order.leg],
    )
    change = jnp.where(effect.can_act, order.change, np.float32(0))
    point = now(books)
    price = leg_price(form, own, point._replace(prices=quotes.last(effect, point.prices)))
    event = scene.event(DIFFUSION)
    return if_any(
        change != np.float32(0),
        lambda before: trade(scene, before, order.account, order.leg, change, price, effect, event),
        books,
    )


def _transfer(scene: Scene, books: Books, transfer: Transfer, effect: Effect) -> Books:
    amount = jnp.minimum(transfer.amount, jnp.maximum(books.reserve, np.float32(0)))
    amount = jnp.where(effect.can_act, amount, np.float32(0))
    holding = books.accounts[transfer.account]
    books = with_account(books, transfer.account, holding._replace(balance=holding.balance + amount))
    return books._replace(reserve=books.reserve - amount)


def _where(chosen: Any, after: Any, before: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(chosen, a, b), after, before)
