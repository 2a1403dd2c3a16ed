"""Rulebooks of a tier file, written on the command line."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from stresslab.errors import InputError, require, several
from stresslab.files.writing import write
from stresslab.venues import load
from stresslab.venues.difference import differences
from stresslab.venues.importing import Imported, imported
from stresslab.venues.rulebook import Rulebook

_OUT = Console(highlight=False, soft_wrap=True)
_ERR = Console(stderr=True, highlight=False, soft_wrap=True)
PROSE = ("id", "valid_from", "last_seen", "source", "confidence", "assumptions", "unverified")
SHOWN = 20  # contracts of which no rulebook is made, and rulebooks that would change
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def import_rulebooks(
    file: Path,
    venue: str,
    as_of: str | None,
    source: str,
    instruments: Path | None,
    folder: Path,
    replace: bool,
    skip_bad: bool,
) -> None:
    """Write VENUE/SYMBOL.yaml under `folder` for every contract of the file.

    Nothing is written where a contract of the file is damaged, or where a rulebook that is there would change. The
    contracts of which no rulebook can be made are named at the end.
    """
    found = imported(file, venue, _moment(as_of), source, instruments)
    if found.faults and not (skip_bad and found.books):
        raise _faults(found)
    if not found.books:
        raise several(list(found.unsuited.values()))
    place = folder / venue
    targets = {place / f"{symbol}.yaml": book for symbol, book in found.books.items()}
    changed = _changed(targets)
    if not replace:
        _refuse_changes(changed)
    same = {path for path, keys in changed.items() if not keys}
    for path, book in targets.items():
        if path not in same:
            write(path, _as_yaml(book, file.name))
    said = _counted(len(targets) - len(same))
    _say(f"{said} written to {place}; name one by its path, such as {next(iter(targets))}")
    if same:
        _say(f"{len(same)} were there already and are the same")
    _print_skipped({**found.unsuited, **found.faults})


def _faults(found: Imported) -> InputError:
    """All damage of the file as one refusal, with the option that leaves those contracts out."""
    problem = several(list(found.faults.values()))
    way = f"--skip-bad leaves them out and writes the other {len(found.books)}" if found.books else ""
    hint = ". ".join(part for part in (problem.hint.rstrip("."), way) if part)
    return InputError(problem.rule, key=problem.key, got=problem.got, hint=hint, file=problem.file)


def _changed(targets: dict[Path, Rulebook]) -> dict[Path, list[str]]:
    """What would change in the rulebooks that are there, by file: nothing, or the keys; a file that is no rulebook."""
    found = {}
    for path, book in targets.items():
        if path.exists():
            try:
                there = load(path.absolute())
            except InputError:
                found[path] = ["a file that is no rulebook"]
                continue
            found[path] = [one.key for one in differences(there, book)]
    return found


def _refuse_changes(changed: dict[Path, list[str]]) -> None:
    would = {path: keys for path, keys in changed.items() if keys}
    if not would:
        return
    path, keys = next(iter(would.items()))
    shown = ", ".join(keys[:5]) + (", ..." if len(keys) > 5 else "")
    more = f"; and {_counted(len(would) - 1)} more" if len(would) > 1 else ""
    rule = f"is there already, and would change in {len(keys)} fields ({shown}){more}"
    raise InputError(rule, key=str(path), hint="--replace writes over them; or write to another folder with -o")


def _print_skipped(skipped: dict[str, InputError]) -> None:
    """Which contracts are left out: the first of them in full, of many a count by reason."""
    for name, problem in list(skipped.items())[:SHOWN]:
        way = f". {problem.hint}" if problem.hint else ""
        _ERR.print(f"skipped {name}: {problem.rule}{way}", markup=False)
    others = Counter(problem.rule for problem in list(skipped.values())[SHOWN:])
    for rule, count in others.most_common(SHOWN):
        _ERR.print(f"skipped {count} more: {rule}", markup=False)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "Write for example 2026-09-29"
        raise InputError("is no date in ISO 8601", key="--as-of", got=text, hint=hint) from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    hint = "Give the day on which the venue showed these tiers"
    require(found <= datetime.now(UTC), "lies in the future", key="--as-of", got=text, hint=hint)
    return found


def _as_yaml(book: Rulebook, name: str) -> str:
    """Sentences one to a line, as they are read; figures as in the rulebooks that come with stresslab."""
    data = book.model_dump(mode="json")
    prose = {key: data.pop(key) for key in PROSE}
    parts = (_dumped(prose, flow=False), _dumped(data, flow=None))
    return f"# Imported from {' '.join(name.split())}.\n{''.join(parts)}"


def _dumped(data: dict[str, Any], flow: bool | None) -> str:
    dumped: str = yaml.dump(
        data, Dumper=_DUMPER, sort_keys=False, width=116, allow_unicode=True, default_flow_style=flow
    )
    return dumped


def _counted(count: int) -> str:
    return "1 rulebook" if count == 1 else f"{count:,} rulebooks"


def _say(text: str) -> None:
    _OUT.print(text, markup=False)
