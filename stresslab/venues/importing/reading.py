"""A tier file as rulebooks: every contract read by the layout of the file, each refused on its own."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from stresslab.errors import InputError, require
from stresslab.files.contents import read_contents
from stresslab.venues.importing.books import book_of, check_day
from stresslab.venues.importing.envelope import opened, time_of
from stresslab.venues.importing.formats import contracts_in, layout_of
from stresslab.venues.importing.instruments import Instrument, check_known, instruments_in
from stresslab.venues.importing.lender import lender_of, lenders
from stresslab.venues.importing.naming import check_venue
from stresslab.venues.importing.tables import Read, TierTable, Unsuited
from stresslab.venues.rulebook import Rulebook

HASH_SHOWN = 12  # characters of the SHA-256 in a rulebook's source


class Imported(NamedTuple):
    """What a tier file holds, by the symbols of its contracts."""

    books: dict[str, Rulebook]
    unsuited: dict[str, InputError]  # contracts of which no rulebook can be made, though the file is sound
    faults: dict[str, InputError]  # damage, each with key and row


def imported(
    path: Path, venue: str, seen: datetime | None = None, source: str = "", instruments: Path | None = None
) -> Imported:
    """Rulebooks of every contract in a tier file of `venue`, in force from the day `seen` on.

    The day may be in the file. `source` says where the file is from. InputError, with the file, where it cannot be
    read, has no known layout or that of another venue, or where the day is not known.
    """
    check_venue(venue)
    file = str(path)
    found, sha256 = _json(path, "tier file")
    try:
        content, rest = _parts(found)
        day = check_day(seen, time_of(found))
        reads = list(contracts_in(content, venue))
        listed = _listed([content, *rest], venue)
    except InputError as problem:
        raise problem.at(file=file) from None
    if instruments is not None:
        listed |= _from_list(instruments, venue)
    said = f"{source.rstrip('.')}. " if source else ""
    said += f"Tiers: {path.name}, SHA-256 {sha256[:HASH_SHOWN]}, of {day:%Y-%m-%d}"
    return _imported(reads, listed, venue, day, said, path)


def _imported(
    reads: Sequence[tuple[str, Read]],
    listed: Mapping[str, Instrument],
    venue: str,
    day: datetime,
    source: str,
    path: Path,
) -> Imported:
    known = lenders(venue, day)
    found = Imported({}, {}, {})
    names = [name for name, _ in reads]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    for name, read in reads:
        try:
            require(name not in twice, "stands twice in the file", key="symbol", got=name)
            table = read()
            more = listed.get(table.contract.symbol)
            _check_traded(table, more)
            like = lender_of(table.contract, venue, known)
            book = book_of(table, venue, like, day, source, path.name, more)
            rule = f"is the same contract as another one of the file, {table.contract.symbol}"
            require(table.contract.symbol not in found.books, rule, key="symbol", got=name)
            found.books[table.contract.symbol] = book
        except Unsuited as problem:
            found.unsuited[name] = problem.at(file=str(path))
        except InputError as problem:
            found.faults[name] = problem.at(file=str(path))
    return found


def _check_traded(table: TierTable, more: Instrument | None) -> None:
    if more is not None and more.state is not None:
        rule = f"is not traded, by the list of contracts: {more.state}"
        raise Unsuited(rule, key="symbol", got=table.contract.symbol)


def _json(path: Path, what: str) -> tuple[Any, str]:
    data, sha256 = read_contents(path, what)
    hint = "Is the file torn? Fetch it again"
    try:
        return json.loads(data, object_pairs_hook=_mapping), sha256
    except InputError as problem:
        raise problem.at(file=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid JSON: {error}", file=str(path), hint=hint) from None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping; InputError for a key that stands in it twice, of which JSON readers keep one in silence."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError("stands twice in one mapping of the file", key=twice)
    return found


def _parts(found: Any) -> tuple[Any, list[Any]]:
    """The tiers of a file, and what stands beside them where it is a mapping of several answers."""
    content = opened(found)
    if layout_of(content) is not None or not isinstance(found, dict):
        return content, []
    parts = {name: opened(part) for name, part in found.items() if isinstance(part, dict | list)}
    tiers = [name for name, part in parts.items() if layout_of(part) is not None]
    if len(tiers) != 1:
        return content, []
    return parts[tiers[0]], [part for name, part in parts.items() if name != tiers[0]]


def _listed(contents: Sequence[Any], venue: str) -> dict[str, Instrument]:
    found: dict[str, Instrument] = {}
    for content in contents:
        found |= instruments_in(content, venue)
    return found


def _from_list(path: Path, venue: str) -> dict[str, Instrument]:
    found, _ = _json(path, "list of contracts")
    try:
        listed = instruments_in(opened(found), venue)
        check_known(listed)
    except InputError as problem:
        raise problem.at(file=str(path)) from None
    return listed
