"""What the venue does on a path, beside the prices: told step by step, lived through by a book."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from helpers.account_twin.path import Prices

if TYPE_CHECKING:
    from helpers.account_twin.book import Book


class Told(NamedTuple):
    """From the beginning of a step until the next one begins; of the first asset."""

    paused: bool = False  # nothing is traded
    stale: bool = False  # the index that marks are made of stands still
    mark: float = 1.0  # over index
    last: float = 1.0
    fails: bool = False
    recovery: float = 0.0


@dataclass(frozen=True)
class Venue:
    """As an account sees it."""

    paused: bool = False
    mark: float = 1.0
    held: float | None = None

    def marked(self, prices: Prices) -> Prices:
        """What equity and requirement are counted at."""
        index = prices[0] if self.held is None else self.held
        return (index * self.mark, *prices[1:])


CALM = Venue()


def live(book: "Book", events: Iterable[NamedTuple]) -> "Book":
    """All that happens, the venue's doings among it."""
    slippage = {id(p): p.slippage for account in book.accounts for p in account.positions}
    for event in events:
        if isinstance(event, Told):
            _hold(book, event, slippage)
        else:
            book.follow([event])
    return book


def _hold(book: "Book", told: Told, slippage: dict[int, float]) -> None:
    (before, *_) = [account.venue for account in book.accounts]
    held = (before.held or book.prices[0]) if told.stale else None
    for account in book.accounts:
        account.venue = Venue(told.paused, told.mark, held)
        for p in account.positions:
            # a last price beside the index is slippage of either sign
            p.slippage = p.side * (1 - told.last * (1 - p.side * slippage[id(p)]))
    if told.fails:
        _fail(book, told.recovery)
    if before.paused and not told.paused:
        book.test("halt")
    if before.held is not None and held is None:
        book.test("gap")


def _fail(book: "Book", recovery: float) -> None:
    """Everything becomes a claim in cash; a part of it comes back."""
    book.note("default", "venue_default")
    for account in book.accounts:
        marks = account.venue.marked(book.prices)
        for p in account.positions:
            book.realise(account, p, p.size, p.price(marks, book.step))
        if account.wallet < 0:
            book.shortfall -= account.wallet
            book.pay(account, "fund", account.wallet)
            book.note("bankruptcy", "venue_default")
        book.pay(account, "others", (1 - recovery) * account.wallet)
    lost = (1 - recovery) * max(book.reserve, 0.0)
    book.reserve -= lost
    book.cash["others"] += lost
    book.note_losses(book.worth(), "venue_default")
