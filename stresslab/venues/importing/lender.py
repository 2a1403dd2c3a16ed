"""The shipped rulebook that lends an imported one the rules that are in no tier file."""

from collections.abc import Sequence
from datetime import datetime

from stresslab.venues.catalogue import available, history
from stresslab.venues.editions import in_force
from stresslab.venues.importing.tables import Contract, Unsuited
from stresslab.venues.rulebook import Rulebook


def lenders(venue: str, seen: datetime) -> tuple[Rulebook, ...]:
    """The venue's shipped rulebooks of perpetuals with tiers, in their editions of that day."""
    books = (in_force(history(name), seen) for name in available() if name.split("/")[0] == venue)
    shapes = ("marginal", "flat")
    return tuple(one for one in books if not getattr(one.contract, "dated", False) and one.requirement.shape in shapes)


def lender_of(contract: Contract, venue: str, books: Sequence[Rulebook]) -> Rulebook:
    """The one of the contract itself; else of the same kind, rather of the same currency, rather of BTC."""
    kind = "inverse" if contract.inverse else "linear"
    alike = [book for book in books if book.contract.kind == kind]
    if not alike:
        rule = f"stresslab has no rulebook of a contract of the kind {kind} at {venue}, to take the other rules from"
        raise Unsuited(rule, key="symbol", got=contract.symbol)
    own = f"{venue}/{contract.symbol}"
    return min(
        alike,
        key=lambda book: (
            book.id != own,
            book.contract.settle != contract.settle,
            book.contract.base != "BTC",
            book.id,
        ),
    )
