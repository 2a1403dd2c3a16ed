"""A table in delimited text, whatever stands around it.

Lines on top (an address, comments, `sep=;`) are passed over. The delimiter is the one that divides all lines alike. A
first line without a number is the header; two or three of them are the header of a data frame with a column index of
two levels, as yfinance gives it. All fields stay text; rows keep their number in the file.
"""

import csv
import io
import re
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute
import pyarrow.csv

from stresslab.errors import InputError, abridged, require

DELIMITERS = "\t;|,"
SAMPLE = 60  # lines that delimiter and header are told from
MOST_ON_TOP = 20
_NUMBER = re.compile(r"[-+]?[$€£]?\d[\d,._]*(?:[eE][-+]?\d+)?\s*[%KMBkmb]?|[-+]?(?:inf|nan)", re.IGNORECASE)
_STAMP = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}.*")


class TextTable(NamedTuple):
    """Fields as text. The index of `frame` is the row in the file, counted from 1."""

    frame: pd.DataFrame  # columns named by the header, or 0, 1, 2, ... where there is none
    header: list[list[str]]  # the lines of the header
    notes: list[str]  # what was passed over


def read_text(text: str, file: str) -> TextTable:
    """The table in a text; InputError with the row where the rows are not alike."""
    lines = text.split("\n", MOST_ON_TOP + SAMPLE)[: MOST_ON_TOP + SAMPLE]
    delimiter = _delimiter(lines, file)
    top = _lines_on_top(lines, delimiter)
    said = [line.strip() for line in lines[:top] if line.strip()]
    notes = [f"{len(said)} line{'s' * (len(said) > 1)} on top passed over: {abridged(said[0], 60)!r}"] if said else []
    try:
        sample = _fields([line for line in lines[top:] if line.strip()], delimiter)
    except csv.Error as error:
        raise InputError(f"the rows cannot be divided into fields: {error}", file=file) from None
    header = _header(sample)
    if not header and top and _is_header_in_comment(lines[top - 1], sample, delimiter):
        header, notes = _fields([lines[top - 1].lstrip("#/ ")], delimiter), notes[1:]
        body = top
    else:
        numbered = not header and bool(sample) and sample[0] == [str(place) for place in range(len(sample[0]))]
        notes += ["the header line, which numbers the columns, is passed over"] if numbered else []
        body = _line_after(lines, top, len(header) + numbered)
    if delimiter not in ",":
        name = {"\t": "tab", ";": "semicolon", "|": "bar"}[delimiter]
        notes.append(f"fields are divided by {name}s")
    frame = _body(text, body, delimiter, len(sample[-1]) if sample else 1, file)
    require(len(frame) > 0, "the file has no rows", file=file)
    return TextTable(frame, header, notes)


def _delimiter(lines: list[str], file: str) -> str:
    """The character that divides most of the lines into the same number of fields, of which there are two or more."""
    full = [line for line in lines if line.strip()][-SAMPLE:]
    for delimiter in DELIMITERS:
        counts = np.array([line.count(delimiter) for line in full])
        if counts.size and np.median(counts) > 0 and np.mean(np.abs(counts - np.median(counts)) < 1) >= 0.8:
            return delimiter
    counts = np.array([line.count(",") for line in full])
    hint = "Give a table whose fields are divided by commas, semicolons, tabs or bars"
    got = abridged(full[0].strip(), 60) if full else "an empty file"
    require(counts.size > 0 and bool(np.median(counts) > 0), "no table is to be seen", file=file, got=got, hint=hint)
    return ","


def _lines_on_top(lines: list[str], delimiter: str) -> int:
    """How many lines stand before the table: blank ones, comments, and lines without a delimiter or a number."""
    for place, line in enumerate(lines[:MOST_ON_TOP]):
        bare = line.strip().strip('"')
        comment = bare.startswith(("#", "//", "http://", "https://")) or bare.lower().startswith("sep=")
        if bare and not comment and (delimiter in line or _NUMBER.fullmatch(bare)):
            return place
    return 0


def _fields(lines: list[str], delimiter: str) -> list[list[str]]:
    return [[field.strip() for field in row] for row in csv.reader(lines, delimiter=delimiter)]


def _header(sample: list[list[str]]) -> list[list[str]]:
    """The leading lines without a number or a date, at most three."""
    found: list[list[str]] = []
    for row in sample[:3]:
        if any(_NUMBER.fullmatch(field) or _STAMP.fullmatch(field) for field in row):
            break
        found.append(row)
    return found if len(found) < len(sample) else found[:1]


def _is_header_in_comment(line: str, sample: list[list[str]], delimiter: str) -> bool:
    return line.lstrip().startswith("#") and bool(sample) and line.count(delimiter) == len(sample[0]) - 1


def _line_after(lines: list[str], top: int, n_header: int) -> int:
    """The line that follows the header: blank lines count as lines of the file."""
    place, left = top, n_header
    while left and place < len(lines):
        left -= bool(lines[place].strip())
        place += 1
    return place


def _body(text: str, first: int, delimiter: str, width: int, file: str) -> pd.DataFrame:
    """The rows from line `first` on; its index counts the lines of the file from 1."""
    start = 0
    for _ in range(first):
        start = text.find("\n", start) + 1
    body = text[start:].rstrip("\n\r\t ".replace(delimiter, ""))  # a row may end with empty fields
    if not body:
        return pd.DataFrame()
    numbers = None
    if re.search(r"\n[ \t]*\n", body):
        lines = body.split("\n")
        kept = [place for place, line in enumerate(lines) if line.strip()]
        body, numbers = "\n".join(lines[place] for place in kept), np.array(kept) + first + 1
    wrong: list[tuple[int, str]] = []

    def refuse(row: pyarrow.csv.InvalidRow) -> str:
        wrong.append((row.number or 1, row.text))
        return "skip"

    names = [str(place) for place in range(width)]
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(body.encode()),
            read_options=pyarrow.csv.ReadOptions(column_names=names, use_threads=False, block_size=2**24),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, invalid_row_handler=refuse),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pyarrow.string() for name in names}, strings_can_be_null=False
            ),
        )
    except pyarrow.ArrowInvalid as error:
        raise InputError(f"the rows cannot be divided into fields: {error}", file=file) from None
    rows = np.arange(len(table) + len(wrong)) + first + 1 if numbers is None else numbers
    if wrong:
        row, line = wrong[0]
        got = abridged(line.strip(), 60)
        rule = f"row {int(rows[min(row, len(rows)) - 1])} does not have the {width} fields of the others"
        raise InputError(rule, file=file, got=got, hint=f"{len(wrong)} such rows: is the file torn? Fetch it again")
    trimmed = [pyarrow.compute.utf8_trim_whitespace(column) for column in table.columns]
    frame = pyarrow.table(trimmed, names=names).to_pandas()
    frame.columns, frame.index = range(width), rows[: len(frame)]
    if not text.endswith("\n"):
        _require_whole_end(frame[width - 1], file)
    return frame


def _require_whole_end(last: pd.Series, file: str) -> None:
    """InputError where the last line, which has no line break, ends in a shorter field than all others."""
    lengths = last.str.len().to_numpy()
    torn = len(lengths) > 1 and 0 < lengths[-1] < lengths[:-1].min()
    rule = f"the last row, {last.index[-1]}, has no line break and a shorter last field than all others: is it torn?"
    hint = "Fetch the file again, or end it with a line break if it is whole"
    require(not torn, rule, file=file, got=last.iloc[-1], hint=hint)
