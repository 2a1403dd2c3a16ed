"""Books that their first event ends: it is noted in the loop over steps, and settled when the money is asked for.

Of one account with one leg that is closed as a whole, by liquidation or by a level that a policy watches, nothing
happens before that but funding, and nothing after it. So the loop carries when, by whom and at what price; the rules of
trade and close-out are applied at the horizons (`settling`), by the same functions as in `engine` and with the same
result. It is several times as fast.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import funding, levels, pieces, trigger
from stresslab.accounts.acting import look
from stresslab.accounts.conditions import Effect
from stresslab.accounts.contracts import price_of
from stresslab.accounts.form import BookForm
from stresslab.accounts.levels import Met
from stresslab.accounts.scene import Scene, now
from stresslab.accounts.scene import first as first_of
from stresslab.accounts.state import Books
from stresslab.accounts.trigger import Breach, Piece
from stresslab.books.outcome import DIFFUSION, FUNDING, GAP
from stresslab.scan import Gap, Reach, Track

CALM = Effect()
OPEN = np.int32(0)
_CLOSER = np.int32(24)  # bits of an event below its closer


def suits(form: BookForm) -> bool:
    """Whether books are such."""
    (account, *others) = form.accounts
    return (
        not others
        and not form.conditions
        and not account.stages
        and trigger.has_closed_form(account)
        and not account.legs[0].close_out
        and all(policy.closes_once for policy in form.policies)
    )


class Noted(NamedTuple):
    """What the loop carries, (book, path) or as said.

    Each array is made of the new values of those before it: XLA reads those, but works out anew what is in none.
    """

    event: Array  # int32: OPEN, else 1 + code, and above the bits of `_CLOSER` who closed: 0 the venue, else a level
    at: Array  # price of the event, 0 before
    loss: Array  # codes, (fraction, book, path)
    policies: tuple[Any, ...]
    price: Array  # (asset, path), where the last piece ended
    variance: Array  # per year

    @property
    def closer(self) -> Array:
        """Who closed what is not open."""
        return self.event >> _CLOSER

    @property
    def code(self) -> Array:
        """The code of the event."""
        return (self.event & np.int32((1 << _CLOSER) - 1)) - np.int32(1)


def begin(books: Books) -> Noted:
    """Nothing has happened."""
    nothing = jnp.zeros_like(books.reserve)
    event = jnp.full(nothing.shape, OPEN)
    return Noted(event, nothing, books.codes.loss, books.policies, books.price, books.variance)


def asset_of(form: BookForm) -> int:
    """The asset of the only leg."""
    return form.accounts[0].legs[0].asset


class Watcher(NamedTuple):
    """Watches the pieces of each step for all books of one form, which stand as they did at the last horizon."""

    scene: Scene
    books: Books  # but for the funding paid since, of those that are open

    def step(self, noted: Noted, track: Track) -> Noted:
        """One step."""
        for piece in track.pieces:
            noted = self._diffuse(noted, piece) if isinstance(piece, Reach) else self._jump(noted, piece)
        return noted._replace(variance=track.variance)

    def pay_funding(self, noted: Noted, rate: Array) -> tuple[Books, Noted]:
        """Those that are open pay, then are tested again."""
        (holding,) = self.books.accounts
        sizes = tuple(jnp.where(noted.event == OPEN, size, np.float32(0)) for size in holding.sizes)
        standing = self.books._replace(accounts=(holding._replace(sizes=sizes),), price=noted.price)
        paid = funding.pay(self.scene, standing, rate, CALM)
        (after,) = paid.accounts
        books = self.books._replace(accounts=(after._replace(sizes=holding.sizes),), ledger=paid.ledger)
        return books, self._replace(books=books)._test(noted, noted.price, [], FUNDING)

    def now(self, noted: Noted) -> Books:
        """The books with what the loop carries, as if nothing had been closed."""
        codes = self.books.codes._replace(loss=noted.loss)
        return self.books._replace(codes=codes, policies=noted.policies, price=noted.price, variance=noted.variance)

    def _diffuse(self, noted: Noted, reach: Reach) -> Noted:
        books, asset = self.now(noted), asset_of(self.scene.form)
        piece = pieces.of_reach(self.scene, books, reach)
        found = levels.find(self.scene, books, piece, CALM, jumped=False)
        breach = trigger.in_piece(*self.scene.account(0), books.accounts[0], piece)
        worst = jnp.where(self._is_long, piece.low[asset], piece.high[asset])
        noted = self._note(noted, found, breach, worst, DIFFUSION)
        return self._look(noted, jnp.concatenate(piece.end), found, piece)

    def _jump(self, noted: Noted, gap: Gap) -> Noted:
        books, price = self.now(noted), jnp.exp(gap.end)
        piece = pieces.after_jump(self.scene, books, price)
        found = levels.find(self.scene, books, piece, CALM, jumped=True)
        return self._look(self._test(noted, price, found, GAP), price, found, piece)

    def _look(self, noted: Noted, price: Array, found: list[Met], piece: Piece) -> Noted:
        """The policies see what happened, as if all was open: of what is closed they decide nothing more."""
        books = self.now(noted)._replace(price=price)
        glances = levels.glances(self.scene, books, found, piece)
        return noted._replace(price=price, policies=look(self.scene, books, glances).policies)

    def _test(self, noted: Noted, price: Array, found: list[Met], cause: int) -> Noted:
        """All books at one price."""
        books = self.now(noted)._replace(price=price)
        breach = trigger.at_point(*self.scene.account(0), books.accounts[0], now(books))
        return self._note(noted, found, breach, now(books).prices[asset_of(self.scene.form)], cause)

    def _note(self, noted: Noted, found: list[Met], breach: Breach, worst: Array, cause: int) -> Noted:
        """The first of the levels that was filled, else the breach; and the losses on the way there."""
        first = np.int32(1) + self.scene.event(cause)
        event = jnp.where(breach.hit, first, OPEN)
        for closer, one in reversed(list(enumerate(found, start=1))):
            event = jnp.where(one.filled, first + (np.int32(closer) << _CLOSER), event)
        event = jnp.where(noted.event == OPEN, event, noted.event)
        after, at = noted._replace(event=event), breach.at[asset_of(self.scene.form)]
        for closer, one in enumerate(found, start=1):
            at = jnp.where(after.closer == np.int32(closer), one.at, at)
        at = jnp.where((event != OPEN) & (noted.at == np.float32(0)), at, noted.at)
        is_away = (event != OPEN) & (after.closer > np.int32(0))
        deepest, long, level = jnp.where(event == OPEN, worst, at)[None], self._is_long[None], self._loss_price
        lost = ~is_away[None] & jnp.where(long, deepest <= level, deepest >= level)
        return after._replace(at=at, loss=first_of(noted.loss, lost, self.scene.event(cause)))

    @property
    def _is_long(self) -> Array:
        return self.books.accounts[0].sizes[0] > np.float32(0)

    @property
    def _loss_price(self) -> Array:
        """The price at which wealth comes down to each loss level, (fraction, book, path)."""
        scene, (holding,) = self.scene, self.books.accounts
        (size,), contract = holding.sizes, scene.form.accounts[0].legs[0].contract
        floor = (np.float32(1) - scene.fractions[:, None, None]) * scene.numbers.equity[None, :, None]
        made = (floor - (holding.balance + self.books.reserve)[None]) / jnp.where(
            size == np.float32(0), np.float32(1), size
        )[None]
        return jnp.where(size[None] == np.float32(0), np.float32(np.nan), price_of(contract, made))
