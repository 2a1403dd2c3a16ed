"""Instants in a column: ISO 8601 with its zone, numbers since 1970, or dates in a format that is told or said.

A number counts seconds, milli-, micro- or nanoseconds: every number of these years has one unit by its size, row by
row. A text with an offset is the instant that it names; one without a zone is refused unless it is said to be UTC.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from stresslab.errors import InputError, require
from stresslab.files.layout import Layout

UNITS = (  # name, least number read in the unit, microseconds
    ("seconds", 1e8, 1_000_000.0),
    ("milliseconds", 1e11, 1000.0),
    ("microseconds", 1e14, 1.0),
    ("nanoseconds", 1e17, 1e-3),
)
DATES_HINT = "Where they are dates, give their format, such as %Y%m%d%H%M"
FIRST_YEAR, LAST_YEAR = 1970, 2200
SECOND = 1_000_000  # microseconds
# an offset follows a time of day: the last field of 13-02-2024 or of 2024-03-01 14-30 is none
_ZONE = re.compile(r"(Z|UTC|GMT)$|(?:T\d{4}(?:\d\d)?|:\d\d)(?:[.,]\d+)? ?([+-]\d\d:?(?:\d\d)?)$", re.IGNORECASE)
_DIGITS = re.compile(
    r"(?:19[7-9]\d|2[01]\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?"
)
# formats of no doubt, beside ISO 8601; those of day and month in digits are told from the whole column
_FORMATS = (
    *("%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%Y.%m.%d"),
    *("%Y-%m-%d %I-%p", "%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M %p", "%Y%m%d %H:%M:%S"),
    *("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%Y", "%Y%m%d"),
    *("%Y%m%d%H%M", "%Y%m%d%H%M%S"),
)
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(.*)")


class Instants(NamedTuple):
    """Microseconds since 1970, UTC, and how they were read."""

    microseconds: np.ndarray  # int64
    read_as: str  # for the `data:` line
    has_zone: bool  # whether the file itself says which instants they are


def instants(column: pd.Series, file: str, layout: Layout) -> Instants:
    """The instant of every row; refusals bear the column's name and the row."""
    key = str(column.name)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        found = Instants(_microseconds(column.dt.tz_convert("UTC")), f"zone {column.dt.tz}", True)
    elif pd.api.types.is_datetime64_any_dtype(column):
        rule = "the time zone of the stamps is not given"
        require(layout.utc, rule, file=file, key=key, got=_first(column, [0]), hint=_zone_hint(layout))
        found = Instants(_microseconds(column.dt.tz_localize("UTC")), f"UTC as said by {_utc_option(layout)}", False)
    else:
        empty = column.astype(str).str.strip().str.lower().isin(["", "nan", "nat", "none", "null"])
        _require_all(column.isna() | empty, column, "a stamp is missing", file)
        numbers = pd.to_numeric(column, errors="coerce")
        if layout.dates or bool(numbers.isna().any()) or _are_dates_in_digits(numbers):
            found = _texts(column.astype(str).str.strip(), file, layout)
        else:
            found = _epochs(column, numbers, file)
    missing = pd.Series(found.microseconds == np.iinfo(np.int64).min)
    _require_all(missing, column, "a stamp is missing", file)
    years = found.microseconds.astype("datetime64[us]").astype("datetime64[Y]").astype(int) + 1970
    rule = f"stamps must lie in the years {FIRST_YEAR} to {LAST_YEAR}"
    hint = f"Numbers count seconds, milli-, micro- or nanoseconds since 1970. {DATES_HINT}"
    _require_all((years < FIRST_YEAR) | (years > LAST_YEAR), column, rule, file, hint)
    return found


def whole_seconds(column: pd.Series, found: Instants, file: str) -> np.ndarray:
    """Seconds since 1970, int64; InputError for fractions of a second."""
    rule, hint = "stamps must be whole seconds", "The stamp of a bar is the instant at which it opens"
    _require_all(found.microseconds % SECOND != 0, column, rule, file, hint)
    return found.microseconds // SECOND


def row_of(column: pd.Series, place: int) -> str:
    """Where a value stands in its file."""
    return f"row {column.index[place]}"


def _require_all(bad: "pd.Series | np.ndarray", column: pd.Series, rule: str, file: str, hint: str = "") -> None:
    places = np.flatnonzero(np.asarray(bad))
    if places.size:
        raise InputError(rule, file=file, key=str(column.name), got=_first(column, places), hint=hint)


def _first(column: pd.Series, places: "np.ndarray | list[int]") -> str:
    """What a refusal shows of the first of these rows."""
    return f"{column.iloc[int(places[0])]} ({row_of(column, int(places[0]))})"


def _microseconds(column: pd.Series) -> np.ndarray:
    return column.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)


def _are_dates_in_digits(numbers: pd.Series) -> bool:
    """Whether all numbers look like 20240301, or like 202403011530 with its time of day.

    Milliseconds of so many digits would be of 1976.
    """
    if numbers.dtype.kind in "iu" and 1.97e11 < numbers.min() and numbers.max() < 2.2002e13:
        return bool(numbers.astype(str).str.fullmatch(_DIGITS).all())
    values = numbers.to_numpy(float, na_value=np.nan)
    values = np.where(np.isfinite(values), values, 0.0)
    return bool(np.all((values >= 19_700_101) & (values <= 22_001_231) & (values % 100 <= 31) & (values % 1 == 0)))


def _epochs(column: pd.Series, numbers: pd.Series, file: str) -> Instants:
    values = numbers.to_numpy(float)
    rule = "a stamp that is a number counts seconds, milli-, micro- or nanoseconds since 1970"
    hint = f"Those of the years 1973 to {LAST_YEAR} have 9 or 10, 12 or 13, 15 or 16, 18 or 19 digits. {DATES_HINT}"
    _require_all(~np.isfinite(values) | (values < UNITS[0][1]) | (values > 9.2e18), column, rule, file, hint)
    unit = np.searchsorted([least for _, least, _ in UNITS], values, side="right") - 1
    factors = np.array([factor for _, _, factor in UNITS])[unit]
    whole = numbers.dtype.kind in "iu"
    exact = numbers.to_numpy(np.int64) if whole else values
    found = np.where(factors >= 1, exact * factors.astype(np.int64), exact // 1000 if whole else values / 1000)
    if not whole:
        found = np.round(found)
    names = [UNITS[place][0] for place in dict.fromkeys(unit.tolist())]
    change = int(np.flatnonzero(unit != unit[0])[0]) if len(names) > 1 else 0
    read_as = f"{' and '.join(names)} since 1970" + (f", changing at {row_of(column, change)}" if change else "")
    return Instants(found.astype(np.int64), read_as, True)


def _texts(text: pd.Series, file: str, layout: Layout) -> Instants:
    key = str(text.name)
    zones = _zones(text)
    zoned = zones.notna().to_numpy(bool)
    if zoned.any() and not zoned.all():
        odd = np.flatnonzero(~zoned)
        wordy = odd[~text.iloc[odd].str.contains(r"\d").to_numpy(bool)]
        if wordy.size:
            hint = f"Remove the row if it is no record: {wordy.size} such rows"
            raise InputError("is no date and time", file=file, key=key, got=_first(text, wordy), hint=hint)
        rule = "some stamps have a time zone and others have none"
        raise InputError(rule, file=file, key=key, got=_first(text, odd), hint="Write 2024-12-31T23:00:00Z in all rows")
    parse, read_as = _parser(text, file, layout)
    parsed = parse(text)
    rule = f"is no date and time ({layout.dates or 'ISO 8601'})"
    _require_all(
        parsed.isna(), text, rule, file, f"Write 2024-12-31T23:00:00Z, or give {layout.option('dates', 'FORMAT')}"
    )
    if not zoned.all():
        rule = "the time zone of the stamps is not given"
        require(layout.utc, rule, file=file, key=key, got=_first(text, [0]), hint=_zone_hint(layout))
        return Instants(_microseconds(parsed), f"{read_as}, UTC as said by {_utc_option(layout)}", False)
    named = zones.str.upper().unique()
    shown = "UTC" if set(named) <= {"Z", "+00:00", "+0000", "+00", "UTC", "GMT"} else f"offsets {', '.join(named[:3])}"
    return Instants(_microseconds(parsed), f"{read_as}, {shown}", True)


def _zones(text: pd.Series) -> pd.Series:
    """The zone that ends each text, missing where there is none."""
    parts = text.str.extract(_ZONE)
    return parts[0].fillna(parts[1])


def _parser(text: pd.Series, file: str, layout: Layout) -> tuple[Callable[[pd.Series], pd.Series], str]:
    """How the texts become instants, and the name of it."""

    def by(given: str) -> Callable[[pd.Series], pd.Series]:
        return lambda column: pd.to_datetime(column, utc=True, format=given, errors="coerce")

    if layout.dates:
        return by(layout.dates), f"dates as {layout.dates}"
    iso = pd.to_datetime(
        text.str.replace(r" ?(UTC|GMT)$", "Z", regex=True, case=False), utc=True, format="ISO8601", errors="coerce"
    )
    # 2024-03-01 14-30 is half past two, which pandas would take for an hour with an offset
    iso = iso.mask(_zones(text).isna() & text.str.contains(r"[T ].*[+-]"))
    if iso.notna().mean() > 0.5 and text.iloc[0][:4].isdecimal() and text.iloc[0][4:5] == "-":
        return lambda column: iso, "ISO 8601"
    slashed = text.str.extract(_SLASHED)
    if slashed[0].notna().all():
        return _slashed(slashed, text, file, layout)
    for given in _FORMATS:
        if pd.to_datetime(text.head(50), utc=True, format=given, errors="coerce").notna().mean() > 0.5:
            return by(given), f"dates as {given}"
    return lambda column: iso, "ISO 8601"


def _slashed(
    parts: pd.DataFrame, text: pd.Series, file: str, layout: Layout
) -> tuple[Callable[[pd.Series], pd.Series], str]:
    """Day and month in digits: which is which is told where one of them passes 12 anywhere in the column."""
    first, second = parts[0].astype(int), parts[2].astype(int)
    day_first, month_first = bool((first > 12).any()), bool((second > 12).any())
    if day_first == month_first:
        rule = "the order of day and month cannot be told" if not day_first else "the order of day and month changes"
        day, month = (
            layout.option("dates", f"'{one}'") for one in (_format(parts, "%d", "%m"), _format(parts, "%m", "%d"))
        )
        hint = f"Give {day} or {month}"
        raise InputError(rule, file=file, key=str(text.name), got=_first(text, [0]), hint=hint)
    name = "day/month/year" if day_first else "month/day/year"
    if parts[4].str.contains(r"[AaPp][Mm]").any():
        given = _format(parts, *(("%d", "%m") if day_first else ("%m", "%d")))
        return lambda column: pd.to_datetime(column, utc=True, format=given, errors="coerce"), f"dates as {name}"
    day, month = (first, second) if day_first else (second, first)
    iso = parts[3] + "-" + month.map("{:02d}".format) + "-" + day.map("{:02d}".format) + parts[4].str.rstrip()
    iso = iso.str.replace(r"^(\S{10}),? +", r"\1T", regex=True).str.replace(r" ?(UTC|GMT)$", "Z", regex=True)
    return lambda column: pd.to_datetime(iso, utc=True, format="ISO8601", errors="coerce"), f"dates as {name}"


def _format(parts: pd.DataFrame, first: str, second: str) -> str:
    """The format of dates such as the first one, with its signs and its time of day."""
    sign, tail = parts[1].iloc[0], parts[4].iloc[0]
    half = re.search(r"[AaPp][Mm]", tail) is not None
    tail = re.sub(r"[AaPp][Mm]", "%p", tail)
    tail = re.sub(r"(?<=:\d\d) ?[+-]\d\d:?\d\d", lambda found: found[0][: found[0].count(" ")] + "%z", tail)
    tail = re.sub(r"(:\d\d)\.\d+", r"\1.%f", tail)
    tail = re.sub(r":\d\d:\d\d", ":%M:%S", tail)
    tail = re.sub(r":\d\d", ":%M", tail)
    return f"{first}{sign}{second}{sign}%Y" + re.sub(r"\d{1,2}(?=[:-])", "%I" if half else "%H", tail)


def _utc_option(layout: Layout) -> str:
    return layout.option("utc").removesuffix(": true")


def _zone_hint(layout: Layout) -> str:
    return f"Write 2024-12-31T23:00:00Z, or give {layout.option('utc')} if the stamps are UTC"
