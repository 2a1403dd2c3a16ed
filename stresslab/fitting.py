"""Calibrating a model from files to a file: what `stresslab calibrate` does."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from stresslab.assets import same_asset
from stresslab.calibrate import CHAIN_FITS, FITS, Bars, Fit, Returns, log_returns, read_bars, read_chain
from stresslab.calibrate.fit import cannot_be_fitted
from stresslab.calibrate.model_yaml import text, utc
from stresslab.config.fields import NAME
from stresslab.errors import InputError, require
from stresslab.files.bars import MANY_MISSING
from stresslab.files.layout import AS_FOUND, Layout
from stresslab.files.validation import nearest
from stresslab.models import MODELS

HANDLES_MISSING_BARS = ("gbm",)  # fits whose likelihood uses the time between two rows
PRICE_KINDS = ("spot", "last", "mark")
LIBRARIES = ("stresslab", "numpy", "scipy", "jax", "arch")
DIGITS = 5


OnData = Callable[[Sequence[str]], None]


def ignore(lines: Sequence[str]) -> None:
    """Discard the description of the data."""


@dataclass(frozen=True)
class Calibrated:
    """A fit, the description of its data, and the content of the model file."""

    fit: Fit
    data: list[str]
    content: dict[str, Any]
    returns: Returns | None = None  # the returns that were fitted; None for an option chain

    @property
    def yaml(self) -> str:
        """The model's file as text."""
        return text(self.content)


@dataclass(frozen=True)
class FitSettings:
    """Provenance of the data, and whether a doubtful fit is accepted; fields that are given are kept in the file."""

    source: str = ""  # name of the data source
    asset: str = ""  # asset of the prices
    price_kind: str = ""  # one of PRICE_KINDS
    accept_doubtful: bool = False  # a doubtful fit is written, with its doubts

    def __post_init__(self) -> None:
        rule = f"the kind of price is one of {', '.join(PRICE_KINDS)}"
        require(not self.price_kind or self.price_kind in PRICE_KINDS, rule, key="--prices-are", got=self.price_kind)
        rule = "an asset is a name of at most 64 letters, digits, - and _, such as BTC"
        require(not self.asset or NAME.fullmatch(self.asset) is not None, rule, key="--asset", got=self.asset)


DEFAULT_SETTINGS = FitSettings()


def from_prices(
    kind: str,
    prices: Sequence[Path],
    output: Path,
    settings: FitSettings = DEFAULT_SETTINGS,
    layout: Layout = AS_FOUND,
    on_data: OnData = ignore,
) -> Calibrated:
    """Fit a model to the bars of a file, or of several that are joined in time.

    `on_data` receives the description of the files before the fit begins, so that it is printed even if the fit is
    refused.
    InputError for a doubtful fit that `settings` does not accept.
    """
    _require_kind(kind, FITS, CHAIN_FITS, "from prices", "give --options")
    bars = read_bars(prices, layout)
    on_data(bars.words())
    returns = log_returns(bars)
    try:
        fit = FITS[kind](returns)
    except InputError as error:
        raise error.at(file=error.file or bars.file) from None
    settings = replace(settings, source=settings.source or file_names(bars))
    return _calibrated(_warn_of_missing_bars(fit, bars), bars.words(), settings, bars.file, output, returns)


def from_chain(
    kind: str,
    options: Path,
    output: Path,
    currency: str = "",
    unit: str = "",
    expiry: str = "",
    at: int | None = None,
    settings: FitSettings = DEFAULT_SETTINGS,
    layout: Layout = AS_FOUND,
    on_data: OnData = ignore,
) -> Calibrated:
    """Fit a model to the quotes of an option chain. InputError for a doubtful fit that `settings` does not accept."""
    _require_kind(kind, CHAIN_FITS, FITS, "from an option chain", "give prices, without --options")
    chain = read_chain(options, currency, unit, expiry, at, layout)
    words = [f"{chain.observations} quotes of {len(chain.expiries)} expiries at {utc(chain.end):%Y-%m-%d %H:%M} UTC"]
    words += chain.notes
    words += [f"dropped: {count} quotes, {reason}" for reason, count in chain.dropped.items()]
    rule = f"the chain's underlying is {chain.underlying}"
    same = not (settings.asset and chain.underlying) or same_asset(settings.asset, chain.underlying)
    require(same, rule, file=str(options), key="--asset", got=settings.asset, hint="Leave --asset out")
    asset = settings.asset or (chain.underlying if NAME.fullmatch(chain.underlying) else "")
    words += [f"the asset is {asset}, the chain's underlying"] if asset and not settings.asset else []
    on_data(words)
    try:
        fit = CHAIN_FITS[kind](chain)
    except InputError as error:
        raise error.at(file=error.file or str(options)) from None
    return _calibrated(
        fit, words, replace(settings, source=settings.source or options.name, asset=asset), str(options), output
    )


def _warn_of_missing_bars(fit: Fit, bars: Bars) -> Fit:
    """Add a warning to a fit of single-bar returns where many bars are missing."""
    if fit.kind in HANDLES_MISSING_BARS or bars.missing_share <= MANY_MISSING:
        return fit
    missing = f"{bars.missing_share:.0%} of the bars are missing: this fit uses single-bar returns and may be biased"
    return replace(fit, warnings=(*fit.warnings, missing))


def file_names(bars: Bars) -> str:
    """The names of the files that the bars come from, without their folders."""
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
    fit: Fit, data: list[str], settings: FitSettings, file: str, output: Path, returns: Returns | None = None
) -> Calibrated:
    if not settings.accept_doubtful:
        _refuse_doubtful(fit, file)
    try:
        content = fit.document(settings.source, versions())
    except InputError as error:
        raise cannot_be_fitted(fit.kind, error).at(file=str(file)) from None
    _add_provenance(content["fitted"], settings)
    move_history(content, Path(), output.parent)
    return Calibrated(fit, data, content, returns)


def _refuse_doubtful(fit: Fit, file: str) -> None:
    hint = "Give other data, choose another model, or write the file with its doubts: --accept-doubtful"
    rule = f"the fit is doubtful: {'; '.join(fit.doubts)}"
    require(not fit.doubts, rule, file=file, key="--model", got=fit.kind, hint=hint)


def _add_provenance(fitted: dict[str, Any], settings: FitSettings) -> None:
    """Write the asset and the kind of price after the source."""
    rest = {name: fitted.pop(name) for name in list(fitted)[list(fitted).index("source") + 1 :]}
    fitted |= {name: value for name in ("asset", "price_kind") if (value := getattr(settings, name))}
    fitted |= rest


def move_history(content: Mapping[str, Any], old: Path, new: Path) -> None:
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
