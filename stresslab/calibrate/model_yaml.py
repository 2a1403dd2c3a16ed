"""A model file's text: how numbers, rows of them and times are written."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import yaml

from stresslab.files.yaml_reader import reads_as_text


def text(content: Mapping[str, Any]) -> str:
    """A model file's content as YAML."""
    return yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def flow(rows: np.ndarray) -> list[tuple[float, ...]]:
    """A matrix as it is written: one row a line."""
    return [tuple(float(value) for value in row) for row in rows]


def rounded(value: Any, digits: int) -> Any:
    """A number to so many significant digits; inside tuples too. Whole numbers, text and histories stay."""
    if type(value) is tuple:
        return tuple(rounded(item, digits) for item in value)
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def utc(seconds: int) -> datetime:
    """Seconds since 1970 as a date."""
    return datetime.fromtimestamp(seconds, UTC)


class _Dumper(yaml.SafeDumper):
    """Writes times as 2025-01-01T00:00:00Z, long text folded, rows of numbers and of names on one line; floats keep a
    dot (1.0e-04) in any case.
    """

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _write_time(dumper: yaml.SafeDumper, value: datetime) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", value.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _write_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = ">" if len(value) > 80 else None if reads_as_text(value) else "'"  # 1e5 is text to the dumper, YAML 1.1
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _write_row(dumper: yaml.SafeDumper, value: Sequence[Any]) -> yaml.SequenceNode:
    row = all(isinstance(item, int | float) or (isinstance(item, str) and " " not in item) for item in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=row or isinstance(value, tuple))


_Dumper.add_representer(datetime, _write_time)
_Dumper.add_representer(str, _write_text)
_Dumper.add_representer(tuple, _write_row)
_Dumper.add_representer(list, _write_row)
