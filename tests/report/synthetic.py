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
from scipy.stats import beta, norm

SIGMA = {"gbm": 0.45, "merton": 0.5, "heston": 0.58}
SPOT, COLLATERAL, MAINTENANCE, FEE, FUNDING = 84_250.0, 100_000.0, 0.004, 5e-4, 1e-4
HOURS = {"1D": 24, "7D": 168, "30D": 720}
CAUSES = ["diffusion", "gap", "funding"]
LEVELS = [0.95, 0.99]
EDGES = np.linspace(-1.0, 1.0, 401)
UNITS = {"probability": "1", "time": "days", "money": "USDT", "count": "1"}
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
        "versions": json.dumps({"stresslab": "0.1.0", "jax": "0.10.2"}),
        "conventions": "Clopper-Pearson intervals, 95 %; year of 365 days; pnl net of fees and funding",
    }


def _cell(coords: Coords, spec: dict[str, Any], days: np.ndarray, n_paths: int, status: Callable[..., tuple[str, str]]):
    """All variables of one cell: name -> (own dimensions, values, attributes)."""
    state, reason = status(coords)
    book = _book(coords, spec)
    values = _outcome(book, spec, days, n_paths)
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


def _book(coords: Coords, spec: dict[str, Any]) -> dict[str, float]:
    side = 1.0 if coords.get("side", spec["book"]["side"]) == "long" else -1.0
    leverage = float(coords.get("leverage", spec["book"].get("leverage", 10)))
    sigma = SIGMA[coords.get("model", spec["market"]["model"])] if coords.get("model", "gbm") in SIGMA else 0.5
    for dim, value in coords.items():
        if dim not in ("model", "side", "leverage") and isinstance(value, int | float):
            sigma *= 1 + 0.15 * np.log1p(abs(value))
    return {"side": side, "leverage": leverage, "sigma": sigma}


def _outcome(book: dict[str, float], spec: dict[str, Any], days: np.ndarray, n_paths: int):
    side, leverage, notional = book["side"], book["leverage"], book["leverage"] * COLLATERAL
    hours = [HOURS[horizon] for horizon in spec["market"]["horizons"]]
    ratio = _paths(book["sigma"], n_paths, hours[-1])
    steps = np.arange(ratio.shape[1]) * 4.0  # hours
    paid = side * FUNDING * np.floor(steps / 8)
    equity = 1 + leverage * (side * (ratio - 1) - paid) - leverage * FEE
    ruined = equity <= leverage * MAINTENANCE * ratio
    first = np.where(ruined.any(axis=1), ruined.argmax(axis=1), 10**6)
    fill = equity[np.arange(n_paths), np.minimum(first, ratio.shape[1] - 1)]
    cause = np.random.default_rng(3).choice(3, n_paths, p=[0.86, 0.1, 0.04])
    losses, hits, medians, causes, cash = [], [], [], [], []
    for hour in hours:
        dead = first <= hour / 4
        wealth = np.where(dead, np.maximum(fill - leverage * FEE, 0.0), equity[:, int(hour / 4)])
        loss = np.minimum(1 - wealth, 1.0)
        happened = [
            dead if event == "liquidation" else dead & (fill < 0) if event == "bankruptcy" else loss >= 0.5
            for event in spec["outputs"]["events"]
        ]
        hits.append([int(event.sum()) for event in happened])
        medians.append(
            [float(np.median(first[event & dead]) * 4 / 24) if (event & dead).any() else np.nan for event in happened]
        )
        causes.append([[(event & (cause == k)).mean() for k in range(3)] for event in happened])
        losses.append(loss)
        funding = -side * FUNDING * (np.minimum(first * 4, hour) // 8) * notional
        cash.append(
            [
                -loss * COLLATERAL,
                np.full(n_paths, -2 * FEE * notional),
                funding,
                np.maximum(-fill, 0) * dead * COLLATERAL,
            ]
        )
    alive = (first[:, None] > days[None, :] * 6).mean(axis=0)
    return _variables(book, np.array(hits), np.array(medians), np.array(causes), losses, np.array(cash), alive, n_paths)


def _paths(sigma: float, n_paths: int, hours: int) -> np.ndarray:
    steps = int(hours / 4)
    noise = np.random.default_rng(7).standard_normal((n_paths, steps), dtype=np.float32)  # the same for every cell
    variance = sigma**2 * 4 / 8760
    log_price = np.cumsum(np.sqrt(variance) * noise - variance / 2, axis=1)
    return np.exp(np.concatenate([np.zeros((n_paths, 1), np.float32), log_price], axis=1))


def _exact(hits: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    lower = np.where(hits > 0, beta.ppf(0.025, hits, n - hits + 1), 0.0)
    return lower, np.where(hits < n, beta.ppf(0.975, hits + 1, n - hits), 1.0)


def _variables(book, hits, medians, causes, losses, cash, alive, n):
    side, leverage = book["side"], book["leverage"]
    p, (lower, upper) = hits / n, _exact(hits, n)
    events, horizon = ("horizon", "event"), ("horizon",)
    percent, usdt = {"units": "1"}, {"units": "USDT"}
    alive_lower, alive_upper = _exact(np.round(alive * n), n)
    counts = [np.histogram(loss, np.append(np.append(-1e9, EDGES[:-1]), [0.99999, 1.1]))[0] for loss in losses]
    out = {
        "probability": (events, p, percent | {"long_name": "probability of the event by the horizon"}),
        "lower": (events, lower, percent | {"long_name": "lower end of the 95 % interval"}),
        "upper": (events, upper, percent | {"long_name": "upper end of the 95 % interval"}),
        "standard_error": (events, np.sqrt(p * (1 - p) / n), percent | {"long_name": "standard error"}),
        "hits": (events, hits, percent | {"long_name": "paths with the event"}),
        "time_median": (events, medians, {"units": "days", "long_name": "median time of the event, given it"}),
        "ruin_probability": (horizon, p[:, 0], percent | {"long_name": "probability of ruin"}),
        "ruin_lower": (horizon, lower[:, 0], percent | {"long_name": "lower end"}),
        "ruin_upper": (horizon, upper[:, 0], percent | {"long_name": "upper end"}),
        "probability_by_cause": ((*events, "cause"), causes, percent | {"long_name": "probability by cause"}),
        "survival": (("survival_time",), alive, percent | {"long_name": "probability of no ruin so far"}),
        "survival_lower": (("survival_time",), alive_lower, percent | {"long_name": "lower end"}),
        "survival_upper": (("survival_time",), alive_upper, percent | {"long_name": "upper end"}),
        "loss_count": (("horizon", "loss_bin"), np.array(counts), percent | {"long_name": "paths by loss"}),
        "notional": ((), np.array(leverage * COLLATERAL), usdt | {"long_name": "notional at entry"}),
        "quantity": ((), np.array(leverage * COLLATERAL / SPOT), {"units": "BTC", "long_name": "size"}),
        "liquidation_price": (
            (),
            np.array(SPOT * (1 - side * (1 / leverage - MAINTENANCE))),
            usdt | {"long_name": "liquidation"},
        ),
        "bankruptcy_price": ((), np.array(SPOT * (1 - side / leverage)), usdt | {"long_name": "bankruptcy price"}),
    }
    for name, sample in zip(
        ("mean_pnl", "mean_fees", "mean_funding", "shortfall_mean"), np.swapaxes(cash, 0, 1), strict=True
    ):
        out[name] = (horizon, sample.mean(axis=1), usdt | {"long_name": name.replace("_", " ")})
        out[f"{name}_se"] = (
            horizon,
            sample.std(axis=1) / np.sqrt(n),
            usdt | {"long_name": f"standard error of {name}"},
        )
    return out | _tails(losses, n)


def _tails(losses: list[np.ndarray], n: int):
    dims, usdt = ("horizon", "loss_level"), {"units": "USDT"}
    value = np.array([[np.quantile(loss, level) for level in LEVELS] for loss in losses])
    mean = np.array([[loss[loss >= np.quantile(loss, level)].mean() for level in LEVELS] for loss in losses])
    spread = np.array(
        [[loss.std() * norm.pdf(1.6) * 3 / np.sqrt(n * (1 - level)) for level in LEVELS] for loss in losses]
    )
    out = {}
    for name, fraction in (("value_at_risk", value), ("expected_shortfall", mean)):
        out[name] = (dims, fraction * COLLATERAL, usdt | {"long_name": name.replace("_", " ")})
        out[f"{name}_se"] = (dims, spread * COLLATERAL, usdt | {"long_name": f"standard error of {name}"})
        out[f"{name}_fraction"] = (dims, fraction, {"units": "1", "long_name": f"{name} over collateral"})
        out[f"{name}_fraction_se"] = (
            dims,
            spread,
            {"units": "1", "long_name": f"standard error of {name} over collateral"},
        )
    return out
