"""What two rulebooks have different, field by field."""

from typing import Any, NamedTuple

from stresslab.venues.rulebook import Rulebook

WORDS = ("id", "source", "confidence", "assumptions", "unverified")  # prose: different in any two
MISSING = "-"


class Difference(NamedTuple):
    """One field: its path, and its value in each of the two ("-" where it does not exist)."""

    key: str
    left: str
    right: str


def differences(left: Rulebook, right: Rulebook) -> tuple[Difference, ...]:
    """Fields in the order of the file; ids and prose are left out."""
    one, other = _leaves(left), _leaves(right)
    keys = [*one, *(key for key in other if key not in one)]
    found = (Difference(key, one.get(key, MISSING), other.get(key, MISSING)) for key in keys)
    return tuple(difference for difference in found if difference.left != difference.right)


def _leaves(book: Rulebook) -> dict[str, str]:
    found: dict[str, str] = {}
    _collect(book.model_dump(mode="json", exclude=set(WORDS)), "", found)
    return found


def _collect(node: Any, path: str, found: dict[str, str]) -> None:
    if isinstance(node, dict):
        for key, inner in node.items():
            _collect(inner, f"{path}.{key}".removeprefix("."), found)
    elif isinstance(node, list) and any(isinstance(inner, dict) for inner in node):
        for place, inner in enumerate(node):
            _collect(inner, f"{path}[{place}]", found)
    else:
        found[path] = _text(node)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(inner) for inner in value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.12g}" if isinstance(value, float) else str(value)
