"""Rows and columns of a delimited text that hold nothing of the table.

Files that are put behind each other bring their header lines; spreadsheets write rows of delimiters alone; some
programs end each row with a delimiter, or begin it with its number and leave that column out of the header line.
"""

import pandas as pd

from stresslab.errors import InputError, abridged


def without_empty_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that have a field which is not empty."""
    empty = frame[frame.iloc[:, 0] == ""]
    empty = empty[(empty == "").all(axis=1)]
    return frame.drop(index=empty.index) if len(empty) else frame


def without_extra_column(frame: pd.DataFrame, names: list[str], notes: list[str]) -> pd.DataFrame:
    """The columns that `names` are of, where the rows have one more that is empty or counts them."""
    if frame.shape[1] != len(names) + 1:
        return frame
    if (frame.iloc[:, -1] == "").all():
        notes.append("each row ends with a delimiter")
        return frame.iloc[:, :-1]
    numbers = pd.to_numeric(frame.iloc[:, 0], errors="coerce")
    if (numbers.diff().iloc[1:] == 1).all() and numbers.iloc[0] in (0, 1):
        notes.append("the first column, which has no name, counts the rows: passed over")
        return frame.iloc[:, 1:]
    return frame


def without_repeated_header(frame: pd.DataFrame, names: list[str], file: str, notes: list[str]) -> pd.DataFrame:
    """The rows that do not repeat the header line; InputError where one names the columns in another order."""
    place = next((place for place, name in enumerate(names) if name), 0)  # an index may have no name
    again = frame[frame.iloc[:, place] == names[place]]
    if again.empty or not names[place]:
        return frame
    other = again[(again != names).any(axis=1)]
    if len(other):
        rule = f"row {other.index[0]} is a header line with other names than the first one"
        hint = "Split the file before it and name the parts: several files are joined"
        raise InputError(rule, file=file, got=abridged(",".join(other.iloc[0]), 60), hint=hint)
    lines = "1 header line is" if len(again) == 1 else f"{len(again)} header lines are"
    notes.append(f"{lines} repeated among the rows, first in row {again.index[0]}")
    return frame.drop(index=again.index)
