"""What becomes of one synthetic position on synthetic paths: every variable of one cell."""

from typing import Any

import numpy as np
from scipy.stats import beta, norm

SIGMA = {"gbm": 0.45, "merton": 0.5, "heston": 0.58}
SPOT, COLLATERAL, MAINTENANCE, FEE, FUNDING = 84_250.0, 100_000.0, 0.004, 5e-4, 1e-4
HOURS = {"1D": 24, "7D": 168, "30D": 720}
CAUSES = ["diffusion", "gap", "funding"]
LEVELS = [0.95, 0.99]
EDGES = np.linspace(-1.0, 1.0, 401)


def position(coords: dict[str, Any], spec: dict[str, Any]) -> dict[str, float]:
    side = 1.0 if coords.get("side", spec["book"]["side"]) == "long" else -1.0
    leverage = float(coords.get("leverage", spec["book"].get("leverage", 10)))
    sigma = SIGMA[coords.get("model", spec["market"]["model"])] if coords.get("model", "gbm") in SIGMA else 0.5
    for dim, value in coords.items():
        if dim not in ("model", "side", "leverage") and isinstance(value, int | float):
            sigma *= 1 + 0.15 * np.log1p(abs(value))
    return {"side": side, "leverage": leverage, "sigma": sigma}


def outcome(book: dict[str, float], spec: dict[str, Any], days: np.ndarray, n_paths: int):
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
