"""Recorded prices that a model plays or draws from: log prices of each bar relative to the close before it.

    a row is (open, high, low, close), or (close,) where nothing else is known; x = log(price / close of the bar before)

A model holds a history as one value: immutable, equal and hashed by its digest. In YAML it is written as the file that
it comes from, with the part that is used, or, where it is short, by its numbers:

    history: {file: BTCUSDT_1h.csv, from: 2022-01-01T00:00:00Z, to: 2024-01-01T00:00:00Z, sha256: ...}
    history: {bar: 1h, returns: [0.01, -0.02, 0.005]}
    history: {bar: 1h, bars: [[0.0, 0.02, -0.01, 0.01], [0.001, 0.002, -0.03, -0.02]]}
"""

import hashlib
from typing import Any, NamedTuple

import numpy as np
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from stresslab.errors import InputError, require
from stresslab.units import format_duration, parse_duration, years

OPEN, HIGH, LOW, CLOSE = range(4)
KEYS = ("bar", "returns", "bars", "stamps", "file", "from", "to", "sha256")


class History(NamedTuple):
    """Bars in the order of time. `stamps` has one more entry than there are rows: the bar before the first is where
    they start from.
    """

    rows: np.ndarray  # float64 (bar, 4) or (bar, 1), read-only
    stamps: np.ndarray  # int64 opens, seconds since 1970, read-only
    seconds: int  # of a bar
    digest: str
    file: str = ""
    sha256: str = ""  # of the file

    @classmethod
    def of(cls, rows: Any, seconds: int, stamps: Any = None, file: str = "", sha256: str = "") -> "History":
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
        return cls(table, opens, seconds, digest, file, sha256)

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
        if self.file:
            return {"file": self.file, "from": int(self.stamps[0]), "to": int(self.stamps[-1]), "sha256": self.sha256}
        found: dict[str, Any] = {"bar": format_duration(self.seconds)}
        found |= {"bars": self.rows.tolist()} if self.has_range else {"returns": self.close.tolist()}
        plain = bool((self.stamps == self.seconds * np.arange(len(self.stamps))).all())
        return found | ({} if plain else {"stamps": self.stamps.tolist()})

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(cls.written)
        return core_schema.no_info_plain_validator_function(_read, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "object", "properties": {key: {} for key in KEYS}, "additionalProperties": False}


def _read(value: Any) -> History:
    """A History as it is, or from its numbers."""
    if isinstance(value, History):
        return value
    require(isinstance(value, dict), "must be a mapping: {file: ...} or {bar: 1h, returns: [...]}")
    unknown = [key for key in value if key not in KEYS]
    require(not unknown, f"there is no such key; known: {', '.join(KEYS)}", key=", ".join(map(str, unknown)))
    if "file" in value:
        raise InputError("a file of prices is read where the model's file is", key="file", got=value["file"])
    require("bar" in value, 'the length of a bar is missing, such as "1h"', key="bar")
    given = [key for key in ("returns", "bars") if key in value]
    require(len(given) == 1, "give either returns or bars", got=given)
    try:
        return History.of(value[given[0]], parse_duration(value["bar"]), value.get("stamps"))
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("must be numbers", key=given[0]) from error
