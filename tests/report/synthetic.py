"""A dataset as a run returns it, for any swept dimensions: geometric Brownian paths and hand-made rules, in NumPy.

Everything in it is consistent (hits, survival, losses and causes come from the same paths), so that a page made from
it reads like a real one. Leverage, side and model change the outcome; any other swept number scales volatility.
"""

import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from report.market import CAUSES, COLLATERAL, EDGES, FUNDING, HOURS, LEVELS, SPOT, outcome, position

Coords = dict[str, Any]
MARKET_DIMS = {"model", "sigma", "step", "volatility_scale"}


def study(
    sweep: dict[str, list[Any]], horizons: list[str], limits: list[dict[str, Any]], **changes: Any
) -> dict[str, Any]:
    """A resolved study; `changes` replace top-level keys."""
    base: dict[str, Any] = {
        "study": "btc-perp-nightly",
        "as_of": "2026-11-21T00:00:00Z",
        "seed": 20260101,
        "market": {"asset": "BTC", "spot": SPOT, "model": "heston", "step": "15min", "horizons": horizons},
        "models": {
            "gbm": {"kind": "gbm", "sigma": 0.45, "mu": 0.0},
            "merton": {"kind": "merton", "sigma": 0.5, "jump_intensity": 12.0, "jump_mean": -0.01, "jump_std": 0.04},
            "heston": {"kind": "heston", "v0": 0.31, "kappa": 3.0, "theta": 0.34, "xi": 1.2, "rho": -0.3, "mu": 0.0},
        },
        "funding": {"kind": "constant", "rate": FUNDING, "interval": "8h"},
        "book": {
            "rulebook": "binance_usdm/BTCUSDT",
            "margin_mode": "isolated",
            "side": "long",
            "collateral": COLLATERAL,
            "leverage": 10,
        },
        "sweep": sweep,
        "sampling": {"paths": 16384, "block": 16384, "antithetic": False, "streams": "shared"},
        "outputs": {"events": ["liquidation", "bankruptcy", "loss_50"], "ruin": "liquidation", "loss_levels": LEVELS},
        "limits": limits,
    }
    return base | changes


def dataset(
    sweep: dict[str, list[Any]] | None = None,
    horizons: tuple[str, ...] = ("1D", "7D", "30D"),
    limits: list[dict[str, Any]] | None = None,
    status: Callable[[Coords], tuple[str, str]] = lambda coords: ("ok", ""),
    n_paths: int = 16384,
    **changes: Any,
) -> xr.Dataset:
    """The dataset of a study with this sweep (dotted paths as in the YAML); `status` is a cell's status and reason."""
    sweep = sweep or {}
    spec = study(sweep, list(horizons), limits or [], **changes)
    axes = {path.rsplit(".", 1)[-1]: values for path, values in sweep.items()}
    days = np.unique(np.concatenate([np.linspace(0, HOURS[horizons[-1]] / 24, 48), [HOURS[h] / 24 for h in horizons]]))
    cells = [
        _cell(dict(zip(axes, values, strict=True)), spec, days, n_paths, status)
        for values in itertools.product(*axes.values())
    ]
    shape = tuple(len(values) for values in axes.values())
    variables = {}
    for name, (dims, first, attrs) in cells[0].items():
        stacked = np.stack([cell[name][1] for cell in cells]).reshape((*shape, *np.shape(first)))
        variables[name] = ((*axes, *dims), stacked, attrs)
    ds = xr.Dataset(variables, coords={**axes, **_coords(horizons, spec, days)}, attrs=_attrs(spec, list(axes)))
    for name in ("n_paths", "effective_sample_size", "stopped_by"):  # they live on the dimensions of the market alone
        ds[name] = ds[name].isel({dim: 0 for dim in axes if dim not in MARKET_DIMS}, drop=True)
    return ds


def provenance() -> dict[str, Any]:
    return {
        "started": "2026-11-21T00:05:12Z",
        "finished": "2026-11-21T00:07:40Z",
        "seconds": 148.2,
        "device": "cpu: 2 cores, AVX-512",
        "workers": 2,
        "versions": {"stresslab": "0.1.0", "jax": "0.10.2", "python": "3.11.7"},
        "run": "btc-perp-nightly-20261121-000512",
    }


def nightly(**changes: Any) -> xr.Dataset:
    """The usual study: three models, both sides, six leverages, two of them not allowed, four limits."""

    def status(coords: Coords) -> tuple[str, str]:
        if coords["leverage"] >= 100:
            return "not_allowed", "notional 10,000,000 USDT allows at most 50x on binance_usdm/BTCUSDT"
        if coords["leverage"] == 50 and coords["model"] == "merton":
            return "target_not_met", "relative half width 0.061 after 4,194,304 paths; asked for 0.05"
        return "ok", ""

    limits = [  # one of each: pass, undecided, breach, undecided that counts as a breach
        {"name": "liq-1D", "event": "liquidation", "horizon": "1D", "where": {"leverage": 10}, "max": 0.02},
        {
            "name": "liq-7D-long",
            "event": "liquidation",
            "horizon": "7D",
            "where": {"leverage": 5, "side": "long"},
            "max": 0.006,
        },
        {"name": "liq-30D", "event": "liquidation", "horizon": "30D", "where": {"leverage": 3}, "max": 0.03},
        {
            "name": "half-gone",
            "event": "loss_50",
            "horizon": "7D",
            "where": {"leverage": 3},
            "max": 0.023,
            "undecided": "breach",
        },
    ]
    sweep = {
        "market.model": ["gbm", "merton", "heston"],
        "book.side": ["long", "short"],
        "book.leverage": [3, 5, 10, 20, 50, 100],
    }
    return dataset(sweep, limits=limits, status=status, **changes)


def _coords(horizons: tuple[str, ...], spec: dict[str, Any], days: np.ndarray) -> dict[str, Any]:
    lower, upper = np.append(-np.inf, EDGES), np.append(EDGES, 1.0)
    return {
        "horizon": list(horizons),
        "event": spec["outputs"]["events"],
        "cause": CAUSES,
        "loss_level": LEVELS,
        "survival_time": ("survival_time", days, {"units": "days"}),
        "loss_bin": np.arange(lower.size),
        "loss_lower": ("loss_bin", lower, {"units": "1"}),
        "loss_upper": ("loss_bin", upper, {"units": "1"}),
    }


def _attrs(spec: dict[str, Any], dims: list[str]) -> dict[str, Any]:
    return {
        "study": json.dumps(spec),
        "study_name": spec["study"],
        "study_hash": "sha256:6c1f0a5d2b7e",
        "seed": spec["seed"],
        "as_of": spec["as_of"],
        "swept": json.dumps(dims),
        "ruin_event": "liquidation",
        "rulebook_hashes": json.dumps({"binance_usdm/BTCUSDT": "sha256:aa01"}),
        "model_hashes": json.dumps({"heston": "sha256:bb02"}),
        "assumptions": json.dumps({"binance_usdm/BTCUSDT": ["Mark = last = index.", "The tiers are of 2024."]}),
        "versions": json.dumps({"stresslab": "0.1.0", "jax": "0.10.2"}),
        "conventions": "Clopper-Pearson intervals, 95 %; year of 365 days; pnl net of fees and funding",
    }


def _cell(coords: Coords, spec: dict[str, Any], days: np.ndarray, n_paths: int, status: Callable[..., tuple[str, str]]):
    """All variables of one cell: name -> (own dimensions, values, attributes)."""
    state, reason = status(coords)
    book = position(coords, spec)
    values = outcome(book, spec, days, n_paths)
    if state not in ("ok", "target_not_met"):
        values = {
            name: (
                dims,
                np.zeros_like(data) if np.asarray(data).dtype.kind == "i" else np.full_like(data, np.nan),
                attrs,
            )
            for name, (dims, data, attrs) in values.items()
        }
    units = {"units": "1"}
    return values | {
        "status": ((), np.array(state, dtype="U16"), units | {"long_name": "status of the cell"}),
        "status_reason": ((), np.array(reason, dtype="U120"), units | {"long_name": "why"}),
        "n_paths": ((), np.array(n_paths), units | {"long_name": "paths"}),
        "effective_sample_size": ((), np.array(float(n_paths)), units | {"long_name": "effective sample size"}),
        "stopped_by": ((), np.array("paths", dtype="U16"), units | {"long_name": "what ended the sampling"}),
    }
