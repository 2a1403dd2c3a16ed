"""Recorded prices that a model plays or draws from: log prices of each bar relative to the close before it.

    a row is (open, high, low, close), or (close,) where nothing else is known; x = log(price / close of the bar before)

A model holds a history as one value: immutable, equal and hashed by its digest. In YAML it is written as the file that
it comes from, with the part that is used (opens of the bar that it starts from, and of the last), or by its numbers:

    history: {file: BTCUSDT_1h.csv, from: 2022-01-01T00:00:00Z, to: 2024-01-01T00:00:00Z, sha256: ...}
    history: {file: [BTC_2022.csv, BTC_2023.csv], read: {utc: true}, sha256: ...}
    history: {bar: 1h, returns: [0.01, -0.02, 0.005]}
    history: {bar: 1h, bars: [[0.0, 0.02, -0.01, 0.01], [0.001, 0.002, -0.03, -0.02]]}

A file is looked for beside the file that names it: its folder is `base` in pydantic's context, else the current one.
"""

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from stresslab.errors import InputError, require
from stresslab.files.bars import COLUMNS, Bars
from stresslab.files.layout import AS_FOUND, Layout
from stresslab.files.price_file import read_bars
from stresslab.units import format_duration, parse_duration, years

OPEN, HIGH, LOW, CLOSE = range(4)
KEYS = ("bar", "returns", "bars", "stamps", "file", "from", "to", "sha256", "read")
LONGEST_SHOWN = 64  # bars; of a longer history the digest stands in what a run keeps of its study


class History(NamedTuple):
    """Bars in the order of time. `stamps` has one more entry than there are rows: the bar before the first is where
    they start from.
    """

    rows: np.ndarray  # float64 (bar, 4) or (bar, 1), read-only
    stamps: np.ndarray  # int64 opens, seconds since 1970, read-only
    seconds: int  # of a bar
    digest: str
    files: tuple[str, ...] = ()
    sha256: str = ""  # of the files
    layout: Layout = AS_FOUND  # layout options of the files

    @classmethod
    def of(
        cls,
        rows: Any,
        seconds: int,
        stamps: Any = None,
        files: tuple[str, ...] = (),
        sha256: str = "",
        layout: Layout = AS_FOUND,
    ) -> "History":
        """From log prices relative to the close before; without `stamps` the bars follow each other from 1970 on."""
        table = np.array(rows, float)
        table = table[:, None] if table.ndim == 1 else table
        rule = "a history is a list of log returns, or of (open, high, low, close) in log relative to the close before"
        require(table.ndim == 2 and table.shape[1] in (1, 4) and len(table) > 0, rule, key="history", got=table.shape)
        require(bool(np.isfinite(table).all()), "log prices must be finite", key="history")
        if table.shape[1] == 4:
            enclosed = (table[:, LOW] <= table.min(axis=1)) & (table[:, HIGH] >= table.max(axis=1))
            require(bool(enclosed.all()), "low and high must enclose open and close", key="history")
        opens = seconds * np.arange(len(table) + 1) if stamps is None else np.array(stamps, np.int64)
        rule = "stamps rise by whole bars: one for each bar, and that of the bar before the first"
        widths = np.diff(opens)
        good = len(widths) == len(table) and bool((widths > 0).all() and (widths % seconds == 0).all())
        require(good, rule, key="history.stamps", got=len(opens))
        table.flags.writeable = opens.flags.writeable = False
        digest = hashlib.sha256(table.tobytes() + opens.astype(np.int64).tobytes() + str(seconds).encode()).hexdigest()
        return cls(table, opens, seconds, digest, files, sha256, layout)

    @classmethod
    def of_bars(cls, bars: Bars, files: tuple[str, ...] = ()) -> "History":
        """All bars but the first, whose close they start from; `files` are the names to write for theirs."""
        logs = np.log(bars.prices)
        close = COLUMNS.index("close")
        rows = logs[1:] - logs[:-1, close : close + 1]
        chosen = rows[:, close] if bars.close_only else rows
        names = files or bars.files or ((bars.file,) if bars.file else ())
        return cls.of(chosen, bars.seconds, bars.stamps, names, bars.sha256, bars.layout)

    @property
    def close(self) -> np.ndarray:
        """Log returns from close to close."""
        return self.rows[:, -1]

    @property
    def has_range(self) -> bool:
        """Whether open, high and low are known."""
        return self.rows.shape[1] == 4

    @property
    def dt(self) -> float:
        """A bar in years."""
        return years(self.seconds)

    def without_gaps(self) -> "History":
        """The rows that span one bar: what bootstraps draw from, the others being moves over an unknown time."""
        whole = np.diff(self.stamps) == self.seconds
        return self if whole.all() else History.of(self.rows[whole], self.seconds)

    def variances(self) -> np.ndarray:
        """Of each bar: Parkinson's range estimate, or the squared return where only closes are known.

        (log high / low)^2 / (4 log 2): Parkinson (1980), "The extreme value method for estimating the variance of the
        rate of return".
        """
        if not self.has_range:
            return self.close**2
        return (self.rows[:, HIGH] - self.rows[:, LOW]) ** 2 / (4 * np.log(2))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self.digest == other.digest

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"History({len(self.rows)} bars of {format_duration(self.seconds)}, {self.digest[:12]})"

    def written(self) -> dict[str, Any]:
        """What stands for it in a file: where it is read from, or its numbers."""
        if self.files:
            first, last = _text(self.stamps[0]), _text(self.stamps[-1])
            name = self.files[0] if len(self.files) == 1 else list(self.files)
            found: dict[str, Any] = {"file": name, "from": first, "to": last, "sha256": self.sha256}
            return found | ({"read": self.layout.said} if self.layout.said else {})
        found = {"bar": format_duration(self.seconds)}
        found |= {"bars": self.rows.tolist()} if self.has_range else {"returns": self.close.tolist()}
        plain = bool((self.stamps == self.seconds * np.arange(len(self.stamps))).all())
        return found | ({} if plain else {"stamps": self.stamps.tolist()})

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(cls.written)
        return core_schema.with_info_plain_validator_function(_read, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "object", "properties": {key: {} for key in KEYS}, "additionalProperties": False}


def condensed(model: BaseModel) -> dict[str, Any]:
    """A model as JSON-able values in which a long history is its digest, dates and number of bars."""
    found = model.model_dump(mode="json")
    for name, value in model:
        if isinstance(value, History) and (value.files or len(value.rows) > LONGEST_SHOWN):
            dates = {"from": _text(value.stamps[0]), "to": _text(value.stamps[-1])}
            bar = format_duration(value.seconds)
            found[name] = {"bar": bar, "bars": len(value.rows), **dates, "digest": value.digest}
        elif isinstance(value, BaseModel):
            found[name] = condensed(value)
        elif isinstance(value, dict) and any(isinstance(one, BaseModel) for one in value.values()):
            found[name] = {key: condensed(one) for key, one in value.items()}
    return found


def _read(value: Any, info: ValidationInfo) -> History:
    """A History as it is, from its file, or from its numbers."""
    if isinstance(value, History):
        return value
    require(isinstance(value, dict), "must be a mapping: {file: ...} or {bar: 1h, returns: [...]}")
    unknown = [key for key in value if key not in KEYS]
    require(not unknown, f"there is no such key; known: {', '.join(KEYS)}", key=", ".join(map(str, unknown)))
    if "file" in value:
        return _from_file(value, Path((info.context or {}).get("base", ".")))
    require("bar" in value, 'the length of a bar is missing, such as "1h"', key="bar")
    given = [key for key in ("returns", "bars") if key in value]
    require(len(given) == 1, "give either returns or bars", got=given)
    try:
        return History.of(value[given[0]], parse_duration(value["bar"]), value.get("stamps"))
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("must be numbers", key=given[0]) from error


def _from_file(value: dict[str, Any], base: Path) -> History:
    written = value["file"]
    files = tuple(written) if isinstance(written, list) else (written,)
    named = bool(files) and all(isinstance(file, str) and file for file in files)
    require(named, "must be the name of a file of prices, or a list of names", key="file", got=written)
    rule = "a file is read with from, to, sha256 and read only"
    require(value.keys() <= {"file", "from", "to", "sha256", "read"}, rule, got=list(value))
    for file in files:
        hint = f"Looked for {base / file}: put the prices there, or set history"
        require((base / file).is_file(), "there is no such file of prices", key="file", got=file, hint=hint)
    bars = read_bars([base / file for file in files], _layout(value.get("read", {})))
    hint = "The file has changed since: fit again, or put back the file that was used"
    same = value.get("sha256", bars.sha256) == bars.sha256
    require(same, "the file is not the one that was used", key="sha256", got=bars.sha256, hint=hint)
    first, last = (None if value.get(key) is None else _seconds(value[key], key) for key in ("from", "to"))
    kept = np.ones(len(bars.stamps), bool)
    kept &= True if first is None else bars.stamps >= first
    kept &= True if last is None else bars.stamps <= last
    require(int(kept.sum()) >= 2, "there are not two bars between from and to", key="from", got=value.get("from"))
    return History.of_bars(replace(bars, stamps=bars.stamps[kept], prices=bars.prices[kept]), files)


def _layout(given: Any) -> Layout:
    """The layout options of the prices in a model file."""
    known = [field.name for field in fields(Layout) if field.name != "prefix"]
    rule = f"must be a mapping of {', '.join(known)}"
    require(isinstance(given, dict) and given.keys() <= set(known), rule, key="read", got=given)
    values: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in given.items()}
    return Layout(**values)


def _seconds(value: Any, key: str) -> int:
    rule, hint = "must be a date and time with its zone", "Write 2022-01-01T00:00:00Z"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InputError(rule, key=key, got=value, hint=hint) from None
    require(isinstance(value, datetime) and value.tzinfo is not None, rule, key=key, got=value, hint=hint)
    return int(value.timestamp())


def _text(seconds: Any) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
