"""Columns of numbers as people write them: 60123.45, 60,123.45, 60.123,45, $60,123, 12.5K, 0.01%.

Which character precedes the fraction is one decision for a whole table. It is refused where the table allows both:
60,123 is sixty thousand or sixty.
"""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from stresslab.errors import InputError
from stresslab.files.layout import Layout

_POINT = re.compile(r"\d{1,3}(,\d{3})+\.\d*|\d{1,3}(,\d{3}){2,}")  # 60,123.45 and 1,060,123
_COMMA = re.compile(r"\d{1,3}(\.\d{3})+,\d*|\d+,(\d{1,2}|\d{4,})|0,\d+|\d{4,},\d+|\d{1,3}(\.\d{3}){2,}")
_EITHER = re.compile(r"\d{1,3},\d{3}")
_GROUPED = re.compile(r"[1-9]\d{0,2}(\.\d{3})*")
_PLAIN = {  # a sign of thousands stands before three digits, or the number is none
    "point": re.compile(r"[-+]?(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?([eE][-+]?\d+)?"),
    "comma": re.compile(r"[-+]?(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?([eE][-+]?\d+)?"),
}
FACTORS = {"k": 1e3, "m": 1e6, "b": 1e9, "%": 1e-2}
_SIGNS = str.maketrans("", "", "$€£ \u00a0\u202f'_")


def decimal_of(columns: Iterable[pd.Series], file: str, layout: Layout, others: Iterable[pd.Series] = ()) -> str:
    """Whether a point or a comma precedes the fraction in the table; InputError where that cannot be told.

    Numbers in the `others` decide where those in `columns` allow both.
    """
    if layout.decimal:
        return layout.decimal
    columns = [column for column in columns if not pd.api.types.is_numeric_dtype(column)]
    point, comma, either = _evidence(columns)
    if not point and not comma and (either or _may_be_thousands(columns)):
        point, comma, _ = _evidence(column for column in others if _is_of_numbers(column))
    if (point and comma) or (either and not point and not comma):
        got = f"{either[0]} (row {either[1]})" if either else "both"
        rule = "a comma is read as the sign of thousands or of the fraction, and both are possible"
        hint = f"Give {layout.option('decimal', 'point')} or {layout.option('decimal', 'comma')}"
        raise InputError(rule, file=file, got=got, hint=hint)
    return "comma" if comma else "point"


def _evidence(columns: Iterable[pd.Series]) -> tuple[bool, bool, tuple[str, object] | None]:
    """Whether numbers have a point, and a comma, before the fraction; and the first number that may have either."""
    either: tuple[str, object] | None = None
    point = comma = False
    for column in columns:
        text = column.astype(str)
        for row, value in text[text.str.contains(",", regex=False)].items():
            bare = _bare(value)
            point, comma = point or bool(_POINT.fullmatch(bare)), comma or bool(_COMMA.fullmatch(bare))
            if _EITHER.fullmatch(bare) and either is None:
                either = (value, row)
    return point, comma, either


def _bare(value: str) -> str:
    return value.translate(_SIGNS).lstrip("+-").rstrip("%KMBkmb")


def _may_be_thousands(columns: list[pd.Series]) -> bool:
    """Whether every number with a point has three digits behind it: 60.123 may be sixty thousand."""

    def may_be(texts: pd.Series) -> bool:
        return all(_GROUPED.fullmatch(_bare(str(value))) for value in texts)

    return bool(columns) and all(may_be(column.head(50)) for column in columns) and all(map(may_be, columns))


def _is_of_numbers(column: pd.Series) -> bool:
    sample = [_bare(str(value)) for value in column.head(50)]
    return all(re.fullmatch(r"[\d.,]*", one) for one in sample)


def numbers(column: pd.Series, decimal: str = "point") -> np.ndarray:
    """float64, NaN where there is no number. Percentages become fractions, 12.5K becomes 12,500."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(float, na_value=np.nan)
    values = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan, copy=True)
    if decimal == "comma":
        values = np.full(len(column), np.nan)  # 60.123 is a number, and another one
    odd = np.flatnonzero(np.isnan(values))
    for place in odd:
        values[place] = number(str(column.iloc[place]), decimal)
    return values


def number(text: str, decimal: str = "point") -> float:
    """The number that a text is; NaN where it is none."""
    bare = text.strip().translate(_SIGNS)
    factor = FACTORS.get(bare[-1:].lower(), 1.0)
    bare = bare[:-1] if factor != 1.0 else bare
    if not _PLAIN[decimal].fullmatch(bare):
        return np.nan
    bare = bare.replace(".", "").replace(",", ".") if decimal == "comma" else bare.replace(",", "")
    try:
        return float(bare) * factor
    except ValueError:
        return np.nan
