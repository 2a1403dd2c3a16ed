"""A table from a file of any of the usual kinds: delimited text, JSON, Parquet, Feather; compressed or not."""

import codecs
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow

from stresslab.errors import InputError, require
from stresslab.files.contents import as_file, is_binary_table, read_contents
from stresslab.files.extra_rows import without_empty_rows, without_extra_column, without_repeated_header
from stresslab.files.json_table import read_json
from stresslab.files.layout import Layout
from stresslab.files.text_table import read_text
from stresslab.files.two_level_header import one_level

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class Table(NamedTuple):
    """Columns as they are in the file; those of text files are text. The index counts the rows of the file from 1."""

    frame: pd.DataFrame
    has_names: bool  # whether the file names its columns
    notes: list[str]  # what was taken for what, for the `data:` lines
    file: str
    sha256: str  # of the file


def read_table(path: Path, layout: Layout, what: str = "table") -> Table:
    """The table of a file; `layout.columns` name its columns where they are given. InputError with the file."""
    file = str(path)
    data, sha256 = read_contents(path, what)
    require(len(data) > 0, f"the {what} cannot be read: the file is empty", file=file)
    read = (
        _binary(data, layout, file, what) if is_binary_table(data) else _text(_decoded(data, file, what), layout, file)
    )
    frame, names, notes = read
    if layout.columns:
        rule = f"the file has {frame.shape[1]} columns: name them all, in their order"
        hint = "A column that is not used may have any name"
        right = len(layout.columns) == frame.shape[1]
        require(right, rule, file=file, key="--columns", got=",".join(layout.columns), hint=hint)
        frame.columns, names = list(layout.columns), True
    require(len(frame) > 0, "the file has no rows", file=file)
    return Table(frame, names, notes, file, sha256)


def _text(text: str, layout: Layout, file: str) -> tuple[pd.DataFrame, bool, list[str]]:
    if text.lstrip()[:1] in ("[", "{"):
        frame = read_json(text, file)
        return frame, not isinstance(frame.columns, pd.RangeIndex), []
    found = read_text(text, file)
    frame, notes = without_empty_rows(found.frame), found.notes
    if not found.header:
        return frame, False, notes
    if len(found.header) > 1:
        frame, said = one_level(frame, found.header, layout.symbol, file)
        return frame, True, [*notes, said]
    names = found.header[0]
    frame = without_extra_column(frame, names, notes)
    rule = f"the header line has {len(names)} fields, and the rows have {frame.shape[1]}"
    require(len(names) == frame.shape[1], rule, file=file, got=names, hint="Mend the header line, or remove it")
    frame = without_repeated_header(frame, names, file, notes)
    frame.columns = pd.Index(names)
    return frame, True, notes


def _decoded(data: bytes, file: str, what: str) -> str:
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        rule = f"the {what} cannot be read: byte {error.start} is not {encoding.removesuffix('-sig').upper()} text"
        hint = "Save it as UTF-8 if it is text in another encoding, or fetch it again if it is torn"
        raise InputError(rule, file=file, hint=hint) from None
    zero = text.find("\0")
    rule = f"the {what} cannot be read: character {zero} is a zero byte"
    require(zero < 0, rule, file=file, hint="Save it as UTF-8 if it is UTF-16, or fetch it again if it is torn")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _binary(data: bytes, layout: Layout, file: str, what: str) -> tuple[pd.DataFrame, bool, list[str]]:
    """A data frame that a library wrote; its index is a column like the others, named or not."""
    try:
        read = pd.read_parquet if data.startswith(b"PAR1") else pd.read_feather
        frame = read(as_file(data))
    except (OSError, ValueError, KeyError, NotImplementedError, pyarrow.ArrowException) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        hint = "Is the file torn? Fetch it again"
        raise InputError(f"the {what} cannot be read: {why}", file=file, hint=hint) from None
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    frame.index, notes = pd.RangeIndex(1, len(frame) + 1), []
    if isinstance(frame.columns, pd.MultiIndex):
        levels = [[str(part) for part in frame.columns.get_level_values(n)] for n in range(frame.columns.nlevels)]
        index = [levels[0][0], *[""] * (len(levels[0]) - 1)]
        frame.columns = pd.RangeIndex(frame.shape[1])
        frame, said = one_level(frame, [*levels, index], layout.symbol, file)
        notes.append(said)
    frame.columns = [str(name) for name in frame.columns]
    return frame, True, notes
