"""What a calibration hands on: parameters with their standard errors, where they are from, and their YAML file."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml
from pydantic import ValidationError

from stresslab.calibrate.prices import Returns
from stresslab.errors import require
from stresslab.models import MODELS
from stresslab.units import format_duration
from stresslab.yaml_reader import validation_error

DIGITS, ERROR_DIGITS = 5, 3  # significant ones in the file: parameters and log-likelihoods, standard errors


@dataclass(frozen=True)
class Fit:
    """Parameters of a model from prices. Time stamps are seconds since 1970; `as_of` is the close of the last bar."""

    kind: str
    parameters: dict[str, float]
    standard_errors: dict[str, float]
    method: str
    first: int
    last: int
    as_of: int
    bar: str
    bars: int
    log_likelihood: float | None = None

    def document(self, source: str) -> dict[str, Any]:
        """The content of the model's file, rounded; InputError where the model refuses the parameters."""
        parameters = {name: _rounded(value, DIGITS) for name, value in self.parameters.items()}
        try:
            MODELS[self.kind](kind=self.kind, **parameters)
        except ValidationError as error:
            raise validation_error(error, "").at(key=f"fitted {self.kind}") from error
        fitted: dict[str, Any] = {name: _utc(getattr(self, name)) for name in ("as_of", "first", "last")}
        fitted |= {"bar": self.bar, "bars": self.bars, "source": source, "method": self.method}
        fitted["standard_errors"] = {
            name: _rounded(value, ERROR_DIGITS) for name, value in self.standard_errors.items()
        }
        if self.log_likelihood is not None:
            fitted["log_likelihood"] = round(self.log_likelihood, 2)
        return {"kind": self.kind, "parameters": parameters, "fitted": fitted}

    def yaml(self, source: str) -> str:
        """The model's file as text."""
        return yaml.dump(self.document(source), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def make_fit(
    kind: str,
    returns: Returns,
    parameters: dict[str, float],
    standard_errors: dict[str, float],
    method: str,
    log_likelihood: float | None = None,
) -> Fit:
    """A Fit with the dates and bars of its returns; every parameter must have a standard error."""
    require(parameters.keys() == standard_errors.keys(), "a parameter lacks its standard error", got=standard_errors)
    return Fit(
        kind=kind,
        parameters={name: float(value) for name, value in parameters.items()},
        standard_errors={name: float(value) for name, value in standard_errors.items()},
        method=method,
        first=returns.first,
        last=returns.last,
        as_of=returns.end,
        bar=format_duration(returns.seconds),
        bars=returns.bars,
        log_likelihood=log_likelihood,
    )


class _Dumper(yaml.SafeDumper):
    """Writes times as 2025-01-01T00:00:00Z and long text folded; floats keep a dot (1.0e-04) in any case."""


def _write_time(dumper: yaml.SafeDumper, value: datetime) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", value.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _write_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=">" if len(value) > 80 else None)


_Dumper.add_representer(datetime, _write_time)
_Dumper.add_representer(str, _write_text)


def _rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
