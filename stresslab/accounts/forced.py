"""Forced liquidations: every account in breach, its codes, and the losses that the close-out itself made."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import losses
from stresslab.accounts.conditions import Effect
from stresslab.accounts.liquidation import liquidate
from stresslab.accounts.point import Point
from stresslab.accounts.scene import Scene, first, with_account
from stresslab.accounts.state import Books, wealth
from stresslab.accounts.trigger import Breach


def carry_out(scene: Scene, books: Books, breaches: list[Breach], point: Point, effect: Effect, event: Array) -> Books:
    """Liquidate what is hit, unless trading is halted; prices of what is not hit are those of `point`."""
    codes, prices, any_hit = books.codes, point.prices, jnp.zeros((), bool)
    for number, breach in enumerate(breaches):
        hit = breach.hit & effect.can_liquidate
        at = point._replace(prices=breach.at)
        closed = liquidate(*scene.account(number), books.accounts[number], books.ledger, hit, at, effect.slippage)
        books = with_account(books, number, closed.holding)._replace(ledger=closed.ledger)
        codes = codes._replace(
            liquidation=first(codes.liquidation, hit, event),
            bankruptcy=first(codes.bankruptcy, closed.shortfall > np.float32(0), event),
        )
        prices = tuple(jnp.where(hit, own, before) for own, before in zip(breach.at, prices, strict=True))
        any_hit = any_hit | hit
    left = wealth(scene.form, scene.numbers, books, point._replace(prices=prices))
    return losses.mark(scene, books._replace(codes=codes), jnp.where(any_hit, left, np.float32(np.inf)), event)
