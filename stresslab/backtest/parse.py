"""Words of the command line as values, each refusal naming its option."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from stresslab.backtest.clock import Spans
from stresslab.backtest.levels import DatedRules, check_positions, flat_levels, rulebook_levels
from stresslab.errors import InputError, require
from stresslab.units import parse_duration
from stresslab.venues import history, names_edition

DEFAULT_MMR = 0.004  # the first tier of BTCUSDT and ETHUSDT at Binance, configs/venues/binance_usdm
DATA_SUFFIXES = (".nc", ".zarr")


def parse_names(text: str) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def parse_leverages(text: str) -> tuple[float, ...]:
    """Rising numbers between commas; 10x is read as 10."""
    try:
        return tuple(sorted(float(name.removesuffix("x")) for name in parse_names(text)))
    except ValueError as error:
        raise InputError("leverages are numbers between commas", key="--leverage", got=text) from error


def parse_spans(horizon: str, every: str, window: str, refit: str) -> Spans:
    """Durations in seconds."""
    found = {}
    for name, text in {"horizon": horizon, "every": every, "window": window, "refit": refit}.items():
        try:
            found[name] = parse_duration(text)
        except InputError as error:
            raise error.at(key=f"--{name}") from error
    return Spans(**found)


def parse_date(text: str | None, key: str) -> int | None:
    """Seconds since 1970 of a date, or of a time in UTC, in ISO 8601; None stays."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("is a date in ISO 8601", key=key, got=text, hint="Write for example 2021-01-01") from error
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return int(found.timestamp())


def parse_holes(text: str) -> bool:
    """Whether a missing bar means that nothing was traded."""
    rule = "must be unknown or untraded"
    require(text in ("unknown", "untraded"), rule, key="--holes", got=text)
    return text == "untraded"


def liquidation_levels(
    sides: tuple[str, ...], leverages: tuple[float, ...], mmr: float | None, rulebook: str | None, notional: float
) -> tuple[np.ndarray | None, str, DatedRules | None]:
    """Log distances (side, leverage), in words where they are from, and the rulebook whose editions give them by date.

    An edition that is named by an @ gives them for all dates.
    """
    require(mmr is None or rulebook is None, "give --mmr or --rulebook, not both", key="--mmr", got=mmr)
    if rulebook is None:
        rate = DEFAULT_MMR if mmr is None else mmr
        return flat_levels(sides, leverages, rate), f"maintenance margin of {100 * rate:g} % of the notional", None
    editions = history(rulebook)
    rules = editions[-1]
    size = f"position of {notional:,.0f} {rules.contract.settle}"
    if names_edition(rulebook):
        levels = rulebook_levels(sides, leverages, rules, notional)
        return levels, f"{rules.id}@{rules.edition}, {size}", None
    check_positions(sides, leverages, notional)
    return None, f"{rules.id}, the edition in force at each date, {size}", DatedRules(editions, notional)


def check_data_file(path: Path | None) -> None:
    """InputError unless the suffix is one that a dataset can be written to, and the folder is there."""
    if path is not None:
        good = path.suffix.lower() in DATA_SUFFIXES
        require(good, f"the suffix is one of {', '.join(DATA_SUFFIXES)}", key="--data", got=str(path))
        require(path.absolute().parent.is_dir(), "there is no such folder", key="--data", got=str(path))
