"""Rulebooks by name (the ones that come with stresslab) or from a file of one's own, and their editions.

A file holds the newest edition in full. Its list `earlier` holds the older ones, the newest of them first: each gives
valid_from, last_seen, source and confidence, and the keys that differ from the newest edition.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stresslab.errors import InputError, require
from stresslab.files.validation import field_names, nearest, validation_error
from stresslab.files.yaml_reader import read_yaml
from stresslab.shipped import config_root
from stresslab.venues.editions import History, check_order, in_force, named
from stresslab.venues.rulebook import Rulebook
from stresslab.venues.schema.base import moment

SUFFIXES = (".yaml", ".yml")
EARLIER = "earlier"
OWN = ("valid_from", "last_seen", "source", "confidence")  # keys that every edition gives itself
NOT_OWN = {"id": "its id is that of the file", "as_of": "valid_from and last_seen say when it holds"}
FORMER_IDS = {  # ids under which editions came with stresslab before
    "binance_usdm_2021/BTCUSDT": "binance_usdm/BTCUSDT@2021",
    "binance_usdm_2021/ETHUSDT": "binance_usdm/ETHUSDT@2021",
}
TAGS = ("kind", "shape")
CLOSE = 0.9  # likeness of symbols from which on a misspelling is likelier than another contract
IMPORTED = ("binance_usdm", "binance_coinm", "bybit", "okx", "gate", "kucoin", "kraken", "hyperliquid")  # tier files


def available() -> tuple[str, ...]:
    """The ids of the rulebooks that come with stresslab, sorted."""
    folder = config_root() / "venues"
    return tuple(sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/*.yaml")))


def load(name: str | Path, relative_to: Path | None = None, at: datetime | None = None) -> Rulebook:
    """The rulebook with this id ("binance_usdm/BTCUSDT"), or the one in a file ending in .yaml or .yml.

    Its edition in force at the end of the year, month or day that follows an @ ("binance_usdm/BTCUSDT@2025-08-19"), or
    the one in force at the moment `at`; without either the newest. A file's path that is not absolute is taken from the
    folder `relative_to` (the working directory if None). InputError for an unknown id, with the nearest ones; for a
    date before the first edition; and for a file that is not there or breaks a rule, with key, value and rule.
    """
    editions = history(name, relative_to)
    if at is None:
        return editions[-1]
    when = moment(at) if isinstance(at, date) else at
    hint = "Give a datetime, such as datetime(2025, 10, 10, 21, tzinfo=UTC)"
    require(isinstance(when, datetime), "must be a time", key="at", got=at, hint=hint)
    return in_force(editions, when)


def history(name: str | Path, relative_to: Path | None = None) -> History:
    """All editions of a rulebook, the oldest first; the one that a date after an @ names alone."""
    text, period = split_name(name)
    if text.endswith(SUFFIXES):
        found = _read((relative_to or Path()) / text)
    elif text in available():
        found = _read(config_root() / "venues" / f"{text}.yaml")
    else:
        raise InputError(
            "there is no such rulebook (a path to a file ends in .yaml or .yml)",
            got=text,
            hint=_hint(text, relative_to),
        )
    if period is None:
        return found
    try:
        return (named(found, period),)
    except InputError as error:
        raise InputError(error.rule, got=str(name), hint=error.hint) from None


def split_name(name: str | Path) -> tuple[str, str | None]:
    """A rulebook's id or path, and the date after its @: None without one. A file's name may hold an @ itself."""
    whole = FORMER_IDS.get(str(name), str(name))
    text, at, period = whole.rpartition("@")
    return (text, period) if at and "/" not in period and not period.endswith(SUFFIXES) else (whole, None)


def names_edition(name: str | Path) -> bool:
    """Whether a date after an @ says which edition is meant."""
    return split_name(name)[1] is not None


def written_id(name: str, rulebook: Rulebook) -> str:
    """What to call a rulebook that was written so: its id, and id@edition where an edition is named, however its date
    is written.
    """
    return f"{rulebook.id}@{rulebook.edition}" if names_edition(name) else rulebook.id


def variant(rulebook: Rulebook, changes: Mapping[str, Any]) -> Rulebook:
    """The rulebook with other numbers: `changes` is merged in, {"fees": {"taker": 0.0004}}; a list replaces a list.

    A section that names another `kind` or `shape` is taken whole. InputError for what breaks a rule.
    """
    require(isinstance(rulebook, Rulebook), "must be a Rulebook", key="rulebook", got=rulebook)
    require(isinstance(changes, Mapping), "must be a mapping of keys to values", key="changes", got=changes)
    data = _merged(rulebook.model_dump(), changes)
    try:
        return Rulebook.model_validate(data)
    except ValidationError as error:
        raise validation_error(error, "", field_names(Rulebook), data) from None


def _merged(old: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in changes.items():
        merged[key] = _merged(old[key], value) if _is_part(old.get(key), value) else value
    return merged


def _is_part(before: Any, value: Any) -> bool:
    both = isinstance(before, Mapping) and isinstance(value, Mapping)
    return both and all(value.get(tag, before.get(tag)) == before.get(tag) for tag in TAGS)


def _hint(text: str, relative_to: Path | None) -> str:
    """All of a venue that was named alone; a file of that name; the same contract by another spelling; the import."""
    known = available()
    venue, _, symbol = text.partition("/")
    there = [name for name in known if name.split("/")[0] == venue]
    if there and not symbol:
        return f"Known there: {', '.join(there)}"
    if symbol and ((relative_to or Path()) / f"{text}.yaml").is_file():
        return f"There is a file of that name: write {text}.yaml"
    same = [name for name in there if _spelling(name) == _spelling(text)]
    if same:
        return f"Did you mean {' or '.join(repr(name) for name in same)}?"
    if symbol and venue in IMPORTED:
        close = [name for name in there if SequenceMatcher(None, name.partition("/")[2], symbol).ratio() > CLOSE]
        meant = f"Did you mean {' or '.join(repr(name) for name in close)}? Else " if close else ""
        return f"{meant}`stresslab venues import FILE --venue {venue}` makes it from the venue's tier file"
    return nearest(text, known) or "`stresslab venues` lists them"


def _spelling(name: str) -> str:
    """The symbol of an id without what venues write around it: PF_XBTUSD, BTC-USD-SWAP and btcusd are BTCUSD."""
    symbol = name.partition("/")[2].upper().replace("XBT", "BTC")
    bare = re.sub(r"^(PF|PI)_|(_PERP|-SWAP|-PERPETUAL|-PERP)$", "", symbol)
    return re.sub(r"(?<=USD|SDT|SDC)M$", "", re.sub("[-_/:]", "", bare))


def _read(path: Path) -> History:
    data = read_yaml(path)
    given = data.pop(EARLIER, None) if isinstance(data, dict) else None
    rule = "must be a list of editions: a mapping each"
    good = given is None or (isinstance(given, list) and all(isinstance(one, dict) for one in given))
    require(good, rule, key=EARLIER, got=given, file=str(path))
    newest = _edition(data, path, "")
    found = [newest]
    shared = {name: value for name, value in data.items() if name != "as_of"}
    for place, changes in enumerate(given or ()):
        key = f"{EARLIER}[{place}]"
        missing = [name for name in OWN if name not in changes]
        rule = "every edition gives it: this key is required and is missing"
        hint = f"Give {', '.join(OWN)}, and what differs from the newest edition"
        require(not missing, rule, key=f"{key}.{missing[0] if missing else ''}", file=str(path), hint=hint)
        taken = next((name for name in NOT_OWN if name in changes), "")
        rule = f"an older edition does not give it: {NOT_OWN.get(taken)}"
        got = changes.get(taken)
        require(not taken, rule, key=f"{key}.{taken}", got=got, file=str(path), hint=f"Remove {taken}")
        found.insert(0, _edition(_merged(shared, changes), path, key))
    try:
        check_order(found)
    except InputError as error:
        raise error.at(file=str(path)) from None
    return tuple(found)


def _edition(data: Any, path: Path, key: str) -> Rulebook:
    """One edition of a file; its refusal names the place of the edition."""
    try:
        return Rulebook.model_validate(data)
    except ValidationError as error:
        refusal = validation_error(error, str(path), field_names(Rulebook), data)
        raise refusal.at(key=key) if key else refusal from None
