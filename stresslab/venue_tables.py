"""Rulebooks on the command line: the list of them, one of them, and what two have different.

Apart from `terminal`, which imports the engine: these answer at once.
"""

import sys
from collections.abc import Sequence

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stresslab.venues import Rulebook, available, history
from stresslab.venues.difference import WORDS, differences

CONFIDENCE_SHOWN = 60  # characters
_OUT = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 240)


def print_venues() -> None:
    """Each rulebook that comes with stresslab: its contract, editions and date, and how well it is known."""
    dates = ("editions", "newest", "seen until")
    table = Table("id", "contract", "settles in", "margin", *dates, "not verified", "confidence")
    for name in available():
        editions = history(name)
        book = editions[-1]
        dated = ", dated" if getattr(book.contract, "dated", False) else ""
        table.add_row(
            book.id,
            book.contract.kind + dated,
            book.contract.settle,
            ", ".join(book.collateral.modes),
            str(len(editions)),
            book.edition,
            str(book.as_of),
            str(len(book.warnings)),
            escape(_short(book.confidence)),
        )
    _OUT.print(table)


def print_difference(left: Rulebook, right: Rulebook) -> None:
    """A row for each field that differs."""
    found = differences(left, right)
    table = Table("field", *(f"{book.id}@{book.edition}" for book in (left, right)))
    for difference in found:
        table.add_row(*(escape(text) for text in difference))
    if found:
        _OUT.print(table)
    _say(f"{len(found)} fields differ; not compared: {', '.join(WORDS)}")


def print_rulebook(book: Rulebook, others: Sequence[Rulebook]) -> None:
    """All of it as YAML, then its hash, what was not verified, and the other editions."""
    _say(yaml.safe_dump(book.model_dump(mode="json"), sort_keys=False, width=120, allow_unicode=True))
    _say(f"hash {book.hash}")
    for line in book.warnings:
        _say(f"not verified: {line}")
    for one in others:
        _say(f"another edition: {one.id}@{one.edition}, last seen on {one.as_of}")


def _say(text: str) -> None:
    _OUT.print(text, markup=False)


def _short(text: str) -> str:
    first = text.split(";")[0]
    return first if len(first) <= CONFIDENCE_SHOWN else first[: CONFIDENCE_SHOWN - 3].rstrip() + "..."
