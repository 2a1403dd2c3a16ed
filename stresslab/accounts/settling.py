"""Events that were noted, settled: trades and close-outs at the prices noted, and the codes that they leave."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import levels, pieces
from stresslab.accounts.closing import Standing
from stresslab.accounts.first_event import CALM, OPEN, Noted, Watcher, asset_of, begin
from stresslab.accounts.levels import Met
from stresslab.accounts.liquidation import liquidate
from stresslab.accounts.point import spread_out
from stresslab.accounts.scene import Scene, first, now, with_account
from stresslab.accounts.state import Books, Codes, wealth
from stresslab.books.outcome import NEVER


def settle(watcher: Watcher, noted: Noted) -> tuple[Books, Noted]:
    """The books after all that was noted, and a clean sheet."""
    scene, before = watcher.scene, watcher.now(noted)
    closer = jnp.where(noted.event == OPEN, np.int32(-1), noted.closer)
    books = _close_at_levels(scene, before, noted, closer)
    books = _liquidate(scene, books, noted.at, closer == np.int32(0))
    books = books._replace(codes=_codes(scene, before, books, noted, closer))
    return books, begin(books)


def _close_at_levels(scene: Scene, books: Books, noted: Noted, closer: Array) -> Books:
    piece, nothing = pieces.after_jump(scene, books, books.price), scene.event(0)
    for number, level in enumerate(levels.watched(scene, books), start=1):
        hit = closer == np.int32(number)
        level = level._replace(
            share=jnp.ones_like(level.share)
        )  # the policy went on looking after it had closed the leg
        books = levels.close(scene, books, Met(level, hit, hit, hit, noted.at), piece, CALM, nothing)
    return books


def _liquidate(scene: Scene, books: Books, at: Array, hit: Array) -> Books:
    point, asset = now(books), asset_of(scene.form)
    there = jnp.where(hit, at, point.prices[asset])
    prices = spread_out((*point.prices[:asset], there, *point.prices[asset + 1 :]), hit)
    point = point._replace(prices=prices)
    closed = liquidate(Standing(*scene.account(0), books.accounts[0], point, point, CALM), books.ledger, hit)
    return with_account(books, 0, closed.holding)._replace(ledger=closed.ledger)


def _codes(scene: Scene, before: Books, after: Books, noted: Noted, closer: Array) -> Codes:
    """Liquidation, bankruptcy, and the losses that the closing itself made."""
    codes = before.codes
    event = noted.code
    is_liquidated = closer == np.int32(0)
    short = after.ledger.shortfall > before.ledger.shortfall
    floor = (np.float32(1) - scene.fractions[:, None, None]) * scene.numbers.equity[None, :, None]
    lost = (closer >= np.int32(0))[None] & (wealth(scene.form, scene.numbers, after, now(after))[None] <= floor)
    if scene.form.recorded:
        is_first = is_liquidated & (codes.liquidation == NEVER)
        codes = codes._replace(price=jnp.where(is_first, noted.at, codes.price))
    return codes._replace(
        liquidation=first(codes.liquidation, is_liquidated, event),
        bankruptcy=first(codes.bankruptcy, short, event),
        loss=first(codes.loss, lost, jnp.broadcast_to(event[None], codes.loss.shape)),
    )
