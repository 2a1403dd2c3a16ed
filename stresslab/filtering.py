"""Bringing the state of a model file to the end of a price file: what `stresslab filter` does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from stresslab.calibrate import FILTERS, log_returns, read_bars
from stresslab.calibrate.covariances import rounded_covariance
from stresslab.calibrate.model_yaml import flow, rounded, text, utc
from stresslab.config.fields import instant_text
from stresslab.config.model_files import ModelFile, read_model_file
from stresslab.errors import InputError, require
from stresslab.files.layout import AS_FOUND, Layout
from stresslab.files.validation import validation_error
from stresslab.files.yaml_reader import read_yaml
from stresslab.fitting import DIGITS, OnData, file_names, ignore, move_history, versions
from stresslab.models import Parameters
from stresslab.models.unconstrained import bounds, number
from stresslab.units import format_duration, parse_duration


@dataclass(frozen=True)
class Filtered:
    """A model file whose state was brought to the end of the prices."""

    content: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    data: list[str]
    as_of: str

    @property
    def yaml(self) -> str:
        """The model's file as text."""
        return text(self.content)


def filter_file(
    model: Path,
    prices: Sequence[Path],
    output: Path,
    layout: Layout = AS_FOUND,
    on_data: OnData = ignore,
) -> Filtered:
    """The model file with the state at the end of the prices, all else left as it was fitted."""
    parameters, content = read_model_file(model)
    if parameters.kind not in FILTERS:
        hint = f"Those with a state: {', '.join(FILTERS)}"
        raise InputError(
            "this model has no state to bring forward", file=str(model), key="kind", got=parameters.kind, hint=hint
        )
    bars = read_bars(prices, layout)
    on_data(bars.words())
    returns = log_returns(bars)
    _check_bar(parameters, returns.seconds, bars.file)
    _check_end(content, returns.end, model, bars.file)
    try:
        state = FILTERS[parameters.kind](parameters, returns)
    except InputError as error:
        raise error.at(file=error.file or bars.file) from None
    state = {name: rounded(value, DIGITS) for name, value in state.items()}
    written = read_yaml(model)
    before = {name: written["parameters"].get(name) for name in state}
    _scale_errors(written, type(parameters), state)
    written["parameters"] |= state
    end = utc(returns.end)
    kept: dict[str, Any] = {"as_of": end, "state": before, "source": file_names(bars), "sha256": bars.sha256}
    written["filtered"] = kept | {
        "bar": format_duration(bars.seconds),
        "bars": len(bars.stamps),
        "versions": versions(),
    }
    _require_valid(written, parameters, model)
    move_history(written, model.parent, output.parent)
    return Filtered(written, before, state, bars.words(), instant_text(end))


def _check_bar(parameters: Parameters, seconds: int, prices: str) -> None:
    own = getattr(parameters, "bar", None)
    if isinstance(own, str):
        rule = f"bars must have the length of the model's, {own}"
        right = parse_duration(own) == seconds
        require(right, rule, file=prices, key="bar", got=format_duration(seconds), hint=f"Give bars of {own}")


def _check_end(content: ModelFile, end: int, model: Path, prices: str) -> None:
    fitted = content.fitted.as_of if content.fitted else None
    known = content.filtered.as_of if content.filtered else fitted
    if known is not None:
        rule = f"the prices must not end before the state that {model.name} has already, {instant_text(known)}"
        late = known.timestamp() <= end
        require(late, rule, file=prices, got=instant_text(utc(end)), hint="Give prices that reach further")


def _scale_errors(written: dict[str, Any], kind: type[Parameters], state: Mapping[str, Any]) -> None:
    """Errors of the state move with it: they stay as they are in the space without bounds."""
    fitted = written.get("fitted") or {}
    names = list((fitted.get("covariance") or fitted.get("draws") or {}).get("names", ()))
    moved = {name: _ends(written, kind, name, state) for name in names if name.split(".")[0] in state}
    factors = np.array([_slope_ratio(kind, name, *moved[name]) if name in moved else 1.0 for name in names])
    if "covariance" in fitted:
        matrix = np.array(fitted["covariance"]["matrix"], float) * np.outer(factors, factors)
        fitted["covariance"]["matrix"] = flow(rounded_covariance(matrix))
    if "draws" in fitted:
        rows = np.array(fitted["draws"]["values"], float)
        for place, name in enumerate(names):
            if name in moved:
                limits, (old, new) = bounds(kind, name), moved[name]
                shift = limits.free(new) - limits.free(old)
                rows[:, place] = [limits.bound(limits.free(value) + shift) for value in rows[:, place]]
        fitted["draws"]["values"] = [rounded(row, DIGITS) for row in flow(rows)]
    errors = fitted.get("standard_errors") or {}
    errors |= {name: rounded(errors[name] * factors[names.index(name)], 3) for name in moved if name in errors}


def _ends(
    written: Mapping[str, Any], kind: type[Parameters], name: str, state: Mapping[str, Any]
) -> tuple[float, float]:
    return number(written["parameters"], name), number(state, name)


def _slope_ratio(kind: type[Parameters], name: str, old: float, new: float) -> float:
    limits = bounds(kind, name)
    return limits.slope(old) / limits.slope(new) if limits.inside(old) and limits.inside(new) else 1.0


def _require_valid(written: Mapping[str, Any], parameters: Parameters, model: Path) -> None:
    state = {name: written["parameters"][name] for name in written["filtered"]["state"]}
    try:
        type(parameters).model_validate({**dict(parameters), **state})
    except ValidationError as error:
        raise validation_error(error, str(model)).at(key="filtered state") from None
