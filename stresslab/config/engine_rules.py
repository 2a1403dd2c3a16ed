"""Where the rulebooks of one account must agree."""

from collections.abc import Callable, Sequence
from typing import Any

from stresslab.errors import InputError
from stresslab.venues import Rulebook


def check_agree(rulebooks: Sequence[Rulebook], file: str) -> None:
    """InputError unless the rulebooks of one account say the same of the account as a whole."""
    first = rulebooks[0]
    for other in rulebooks[1:]:
        for part, of in _SHARED.items():
            if of(other) != of(first):
                rule = f"positions of one account share rules, and {part} of {other.id} is not that of {first.id}"
                raise InputError(rule, key="book.positions", file=file, hint=_separation_hint(rulebooks))


def _separation_hint(rulebooks: Sequence[Rulebook]) -> str:
    """The next move for positions that cannot share an account."""
    if all("isolated" in rules.collateral.modes for rules in rulebooks):
        return "Write margin_mode: isolated, and a collateral in each position in place of the book's"
    return "Write one study for each of the two"


_SHARED: dict[str, Callable[[Rulebook], Any]] = {
    "the venue": lambda rules: rules.id.split("/")[0],
    "liquidation.ladder": lambda rules: rules.liquidation.ladder,
    "liquidation.residual": lambda rules: rules.liquidation.residual == "customer",
    "requirement.compare": lambda rules: rules.requirement.compare,
    "requirement.netting": lambda rules: rules.requirement.netting,
}
