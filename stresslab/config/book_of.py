"""Which evaluation a cell's book asks for: the static ladder where it can, else the general account engine."""

from stresslab.config.build import BookFacts, book_facts
from stresslab.config.fields import EVENTS
from stresslab.config.general_book import GeneralBook, general_book
from stresslab.config.schema import Study

_GENERAL_EVENTS = EVENTS[2:]  # no plain book is ever deleveraged, nor its venue in default


def book_of(cell: Study) -> BookFacts | GeneralBook:
    """The book of one cell; NotAllowed where a rulebook refuses it."""
    return book_facts(cell) if is_plain(cell) else general_book(cell)


def is_plain(cell: Study) -> bool:
    """One isolated linear position that is closed whole and left alone, at a venue where nothing fails."""
    book = cell.book
    alone = book.reserve is None and book.collaterals is None
    is_one = book.positions is None and book.margin_mode == "isolated" and alone
    asked = any(event in _GENERAL_EVENTS for event in cell.outputs.events)
    calm = not cell.book_policies and cell.venue is None and not asked
    return is_one and calm and not cell.rulebook().needs
