"""Rulebooks of a tier file, written on the command line."""

from datetime import UTC, datetime
from pathlib import Path

import yaml
from rich.console import Console

from stresslab.errors import InputError, require, several
from stresslab.files.writing import write
from stresslab.venues import load
from stresslab.venues.difference import differences
from stresslab.venues.importing import imported
from stresslab.venues.rulebook import Rulebook

_OUT = Console(highlight=False, soft_wrap=True)
_ERR = Console(stderr=True, highlight=False, soft_wrap=True)
SHOWN = 20  # contracts of which no rulebook is made


def import_rulebooks(
    file: Path, venue: str, as_of: str | None, source: str, folder: Path, replace: bool, skip_bad: bool
) -> None:
    """Write VENUE/SYMBOL.yaml under `folder` for every contract of the file; nothing where one cannot be made."""
    found = imported(file, venue, _moment(as_of), source)
    if found.refused and not (skip_bad and found.books):
        raise several([_with_way_out(one, bool(found.books)) for one in found.refused.values()])
    targets = {folder / f"{name}.yaml": book for name, book in found.books.items()}
    if not replace:
        _refuse_changes(targets)
    for path, book in targets.items():
        write(path, _as_yaml(book, file.name))
    place = folder / venue
    _say(f"{len(targets)} rulebooks of {venue} in {place}; name one by its path, such as {next(iter(targets))}")
    for name, problem in list(found.refused.items())[:SHOWN]:
        _ERR.print(f"skipped {name}: {problem}", markup=False)
    if len(found.refused) > SHOWN:
        _ERR.print(f"skipped {len(found.refused) - SHOWN} more", markup=False)


def _with_way_out(problem: InputError, others: bool) -> InputError:
    """The refusal of one contract, with the option that leaves it out."""
    way = "--skip-bad leaves it out and writes the others" if others else ""
    hint = ". ".join(part for part in (problem.hint, way) if part)
    return InputError(problem.rule, key=problem.key, got=problem.got, hint=hint, file=problem.file)


def _refuse_changes(targets: dict[Path, Rulebook]) -> None:
    for path, book in targets.items():
        if path.exists():
            changed = [one.key for one in differences(load(path), book) if one.key not in ("valid_from", "last_seen")]
            rule = f"is there already, and would change in {len(changed)} fields"
            require(not changed, rule, key=str(path), hint="--replace writes over it")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "Write for example 2026-09-29"
        raise InputError("is a date in ISO 8601", key="--as-of", got=text, hint=hint) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _as_yaml(book: Rulebook, name: str) -> str:
    data = book.model_dump(mode="json")
    return f"# Imported from {name}.\n" + yaml.safe_dump(data, sort_keys=False, width=116, allow_unicode=True)


def _say(text: str) -> None:
    _OUT.print(text, markup=False)
