"""Calibrating a model and bringing its state forward, from files to files: what the commands of these names do."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from stresslab.assets import same_asset
from stresslab.calibrate import CHAIN_FITS, FILTERS, FITS, Bars, Fit, Returns, log_returns, read_bars, read_chain
from stresslab.calibrate.covariances import rounded_covariance
from stresslab.calibrate.fit import cannot_be_fitted
from stresslab.calibrate.model_yaml import flow, rounded, text, utc
from stresslab.config.fields import NAME, instant_text
from stresslab.config.model_files import ModelFile, read_model_file
from stresslab.errors import InputError, require
from stresslab.files.bars import MANY_MISSING
from stresslab.files.layout import AS_FOUND, Layout
from stresslab.files.validation import nearest, validation_error
from stresslab.files.yaml_reader import read_yaml
from stresslab.models import MODELS, Parameters
from stresslab.models.unconstrained import bounds, number
from stresslab.units import format_duration, parse_duration

KNOWS_HOLES = ("gbm",)  # fits whose likelihood knows how much time has passed between two rows
PRICE_KINDS = ("spot", "last", "mark")
LIBRARIES = ("stresslab", "numpy", "scipy", "jax", "arch")
DIGITS = 5


OnData = Callable[[Sequence[str]], None]


def _unheard(lines: Sequence[str]) -> None:
    """Nobody is told what the data are."""


@dataclass(frozen=True)
class Calibrated:
    """A fit, what is to be said of its data, and the model file's content."""

    fit: Fit
    data: list[str]
    content: dict[str, Any]
    returns: Returns | None = None  # what was fitted, of prices

    @property
    def yaml(self) -> str:
        """The model's file as text."""
        return text(self.content)


@dataclass(frozen=True)
class Told:
    """What the caller says of the data and of the fit; kept in the file where it is given."""

    source: str = ""  # where the data are from
    asset: str = ""  # whose prices they are
    price_kind: str = ""  # one of PRICE_KINDS
    accept_doubtful: bool = False  # a doubtful fit is written, with its doubts

    def __post_init__(self) -> None:
        rule = f"the kind of price is one of {', '.join(PRICE_KINDS)}"
        require(not self.price_kind or self.price_kind in PRICE_KINDS, rule, key="--prices-are", got=self.price_kind)
        rule = "an asset is a name of at most 64 letters, digits, - and _, such as BTC"
        require(not self.asset or NAME.fullmatch(self.asset) is not None, rule, key="--asset", got=self.asset)


NOTHING_TOLD = Told()


def from_prices(
    kind: str,
    prices: Sequence[Path],
    output: Path,
    told: Told = NOTHING_TOLD,
    layout: Layout = AS_FOUND,
    on_data: OnData = _unheard,
) -> Calibrated:
    """Fit a model to the bars of a file, or of several that are joined in time.

    `on_data` hears what the files hold before the fit begins: a reader sees it though the fit may be refused.
    InputError for a doubtful fit that `told` does not accept.
    """
    _require_kind(kind, FITS, CHAIN_FITS, "from prices", "give --options")
    bars = read_bars(prices, layout)
    on_data(bars.words())
    returns = log_returns(bars)
    try:
        fit = FITS[kind](returns)
    except InputError as error:
        raise error.at(file=error.file or bars.file) from None
    told = replace(told, source=told.source or _names(bars))
    return _calibrated(_with_holes(fit, bars), bars.words(), told, bars.file, output, returns)


def from_chain(
    kind: str,
    options: Path,
    output: Path,
    currency: str = "",
    unit: str = "",
    expiry: str = "",
    at: int | None = None,
    told: Told = NOTHING_TOLD,
    layout: Layout = AS_FOUND,
    on_data: OnData = _unheard,
) -> Calibrated:
    """Fit a model to the quotes of an option chain. InputError for a doubtful fit that `told` does not accept."""
    _require_kind(kind, CHAIN_FITS, FITS, "from an option chain", "give prices, without --options")
    chain = read_chain(options, currency, unit, expiry, at, layout)
    words = [f"{chain.observations} quotes of {len(chain.expiries)} expiries at {utc(chain.end):%Y-%m-%d %H:%M} UTC"]
    words += chain.notes
    words += [f"dropped: {count} quotes, {reason}" for reason, count in chain.dropped.items()]
    rule = f"the chain's underlying is {chain.underlying}"
    same = not (told.asset and chain.underlying) or same_asset(told.asset, chain.underlying)
    require(same, rule, file=str(options), key="--asset", got=told.asset, hint="Leave --asset out")
    asset = told.asset or (chain.underlying if NAME.fullmatch(chain.underlying) else "")
    words += [f"the asset is {asset}, the chain's underlying"] if asset and not told.asset else []
    on_data(words)
    try:
        fit = CHAIN_FITS[kind](chain)
    except InputError as error:
        raise error.at(file=error.file or str(options)) from None
    return _calibrated(fit, words, replace(told, source=told.source or options.name, asset=asset), str(options), output)


def _with_holes(fit: Fit, bars: Bars) -> Fit:
    """The fit with a warning where it rests on single bars of which many are missing."""
    if fit.kind in KNOWS_HOLES or bars.missing_share <= MANY_MISSING:
        return fit
    missing = f"{bars.missing_share:.0%} of the bars are missing: this fit uses returns of single bars and may be off"
    return replace(fit, warnings=(*fit.warnings, missing))


def _names(bars: Bars) -> str:
    return ", ".join(Path(file).name for file in bars.files)


def _require_kind(kind: str, table: Mapping[str, Any], other: Mapping[str, Any], how: str, instead: str) -> None:
    if kind in table:
        return
    if kind in other:
        raise InputError(f"cannot be fitted {how}", key="--model", got=kind, hint=f"For this model {instead}")
    rule = "is a model without a calibration" if kind in MODELS else "there is no such model"
    close = "" if kind in MODELS else nearest(kind, table)
    raise InputError(rule, key="--model", got=kind, hint=close or f"Can be fitted {how}: {', '.join(table)}")


def _calibrated(
    fit: Fit, data: list[str], told: Told, file: str, output: Path, returns: Returns | None = None
) -> Calibrated:
    if not told.accept_doubtful:
        _require_sure(fit, file)
    try:
        content = fit.document(told.source, versions())
    except InputError as error:
        raise cannot_be_fitted(fit.kind, error).at(file=str(file)) from None
    _say_whose(content["fitted"], told)
    _move_history(content, Path(), output.parent)
    return Calibrated(fit, data, content, returns)


def _require_sure(fit: Fit, file: str) -> None:
    hint = "Give other data, choose another model, or write the file with its doubts by --accept-doubtful"
    rule = f"the fit is doubtful: {'; '.join(fit.doubts)}"
    require(not fit.doubts, rule, file=file, key="--model", got=fit.kind, hint=hint)


def _say_whose(fitted: dict[str, Any], told: Told) -> None:
    """Asset and kind of price, beside the source."""
    rest = {name: fitted.pop(name) for name in list(fitted)[list(fitted).index("source") + 1 :]}
    fitted |= {name: value for name in ("asset", "price_kind") if (value := getattr(told, name))}
    fitted |= rest


def _move_history(content: Mapping[str, Any], old: Path, new: Path) -> None:
    """The file of a recorded history is named from the folder of the model's file."""
    history = content["parameters"].get("history")
    if isinstance(history, dict) and "file" in history:
        files = history["file"] if isinstance(history["file"], list) else [history["file"]]
        moved = [os.path.relpath((old / file).absolute(), new.absolute()) for file in files]
        history["file"] = moved if isinstance(history["file"], list) else moved[0]


def versions() -> dict[str, str]:
    """Of the libraries that a fit rests on."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


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
    on_data: OnData = _unheard,
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
    kept: dict[str, Any] = {"as_of": end, "state": before, "source": _names(bars), "sha256": bars.sha256}
    written["filtered"] = kept | {
        "bar": format_duration(bars.seconds),
        "bars": len(bars.stamps),
        "versions": versions(),
    }
    _require_valid(written, parameters, model)
    _move_history(written, model.parent, output.parent)
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
