"""A model file's text: how numbers and times are written, and a covariance that stays one when it is rounded.

A covariance rounded entry by entry may lose its positive definiteness. Its correlations are therefore drawn towards 0
by as little (1e-4 to begin with) as makes the rounded matrix positive semidefinite again.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import yaml

from stresslab.errors import InputError

COVARIANCE_DIGITS = 4  # significant ones
SHRINKS = (0.0, 1e-4, 1e-3, 1e-2)


def text(content: Mapping[str, Any]) -> str:
    """A model file's content as YAML."""
    return yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def rounded_covariance(matrix: np.ndarray) -> np.ndarray:
    """The matrix to `COVARIANCE_DIGITS` significant digits, positive semidefinite."""
    deviations = np.sqrt(np.diag(matrix))
    scale = np.outer(deviations, deviations)
    scale[scale == 0] = 1.0
    correlations = matrix / scale
    own = np.diag(np.diag(correlations))
    for shrink in SHRINKS:
        drawn = (shrink * own + (1 - shrink) * correlations) * scale
        found = np.array([[rounded(float(value), COVARIANCE_DIGITS) for value in row] for row in drawn])
        if np.linalg.eigvalsh(found / scale).min() >= 0:
            return found
    lowest = float(np.linalg.eigvalsh(correlations).min())
    raise InputError("the covariance of the parameters is not positive semidefinite", key="covariance", got=lowest)


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
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=">" if len(value) > 80 else None)


def _write_row(dumper: yaml.SafeDumper, value: Sequence[Any]) -> yaml.SequenceNode:
    row = all(isinstance(item, int | float) or (isinstance(item, str) and " " not in item) for item in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=row or isinstance(value, tuple))


_Dumper.add_representer(datetime, _write_time)
_Dumper.add_representer(str, _write_text)
_Dumper.add_representer(tuple, _write_row)
_Dumper.add_representer(list, _write_row)
