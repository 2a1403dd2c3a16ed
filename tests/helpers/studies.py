"""Small studies on a rulebook of our own. They share clock, tiers and number of books, and so the compiled loops."""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from stresslab.config import study_from_dict
from stresslab.config.schema import Study

BLOCK = 1024
SPOT, COLLATERAL = 50_000.0, 10_000.0
# On both sides of the tiers' caps: 2 to 6 times is tier 1 at entry, 25.5 times leaves tier 3 before it is liquidated.
LEVERAGES = [2.0, 3.0, 5.0, 6.0, 12.0, 20.0, 25.5, 50.0]
TIERS = ((60_000.0, 0.005, 0.01), (250_000.0, 0.01, 0.02), (1e9, 0.0175, 0.02))  # cap, mmr, imr
MODELS: dict[str, dict[str, Any]] = {
    "gbm": {"kind": "gbm", "sigma": 1.2},
    "merton": {"kind": "merton", "sigma": 0.6, "jump_intensity": 400.0, "jump_mean": -0.01, "jump_std": 0.04},
    "heston": {"kind": "heston", "v0": 1.2, "kappa": 6.0, "theta": 1.0, "xi": 3.0, "rho": -0.5},
}
COMMON: dict[str, Any] = {
    "study": "small",
    "as_of": "2025-01-01T00:00:00Z",
    "seed": 20260101,
    "market": {"asset": "BTC", "spot": SPOT, "model": "gbm", "step": "1h", "horizons": ["1D", "3D"]},
    "models": MODELS,
    "funding": {"kind": "constant", "rate": 1e-3, "interval": "8h"},
    "book": {"rulebook": "venue.yaml", "collateral": COLLATERAL},
    "sweep": {"book.side": ["long", "short"], "book.leverage": LEVERAGES},
    "sampling": {"paths": 2 * BLOCK, "block": BLOCK},
    "outputs": {"events": ["liquidation", "bankruptcy", "loss_20", "loss_50", "loss_80"], "survival_points": 8},
}
# Few books in two market cells: what the tests of the grid share.
TWO_MARKETS: dict[str, Any] = {
    "sweep": {"models.gbm.sigma": [0.9, 1.2], "book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}
}


def rulebook(
    *,
    name: str = "test/VENUE",
    tiers: tuple[tuple[float, float, float], ...] = TIERS,
    taker: float = 0.0005,
    entry_charged_to: str = "wallet",
    liquidation_fee: float = 0.005,
    residual: str = "customer",
    slippage_bps: float = 10.0,
    modes: Sequence[str] = ("isolated",),
    contract: dict[str, Any] | None = None,
    tier_unit: str = "quote",
) -> dict[str, Any]:
    """A rulebook as its YAML file holds it; tiers are (cap, mmr, imr)."""
    rows, floor, cum, before = [], 0.0, 0.0, 0.0
    for cap, mmr, imr in tiers:
        cum += floor * (mmr - before)
        rows.append({"floor": floor, "cap": cap, "mmr": mmr, "imr": imr, "max_leverage": 1 / imr, "cum": cum})
        floor, before = cap, mmr
    return {
        "id": name,
        "as_of": "2025-01-01",
        "source": "made up",
        "confidence": "none",
        "assumptions": ["a venue of the tests"],
        "unverified": [],
        "contract": {
            "kind": "linear",
            "base": "BTC",
            "settle": "USDT",
            "face": 1.0,
            "dated": False,
            "tick": None,
            "price_round": "none",
        }
        | (contract or {}),
        "collateral": {
            "modes": list(modes),
            "assets": [{"currency": "USDT", "haircut": 0.0, "price_source": "index"}],
        },
        "requirement": {
            "basis": "mark",
            "shape": "marginal",
            "tier_unit": tier_unit,
            "tier_at": "trigger_price",
            "include_close_fee": "none",
            "compare": "le",
            "netting": "none",
            "rounded_up_to": None,
            "oi_scaling": None,
            "portfolio": None,
            "tiers": rows,
        },
        "mark": {"kind": "equals_index"},
        "liquidation": {
            "ladder": [{"stage": "full"}],
            "fee": liquidation_fee,
            "fee_base": "liquidated_notional",
            "residual": residual,
            "backstop_at": None,
            "caps": None,
            "limit_price": None,
            "fee_ramp": None,
            "insurance_fee": None,
            "pace": None,
        },
        "loss": {"then": "none", "adl": None, "fund": {"initial": None, "scope": "this venue"}},
        "fees": {"maker": 0.0, "taker": taker, "entry_charged_to": entry_charged_to},
        "funding": {
            "interval": "8h",
            "rate_over": "8h",
            "interest": None,
            "damp": None,
            "cap": {"kind": "none"},
            "sample_weights": "equal",
            "charged_to": "margin",
            "notional_at": "mark",
        },
        "band": {"kind": "none"},
        "close_out": {"slippage_bps": slippage_bps},
    }


def small(folder: Path, changes: dict[str, Any] | None = None, **rules: Any) -> Study:
    """The common study with `changes` merged in (None takes a key out, a new sweep replaces the old one)."""
    return study_from_dict(small_dict(folder, changes, **rules), base=folder)


def small_dict(folder: Path, changes: dict[str, Any] | None = None, **rules: Any) -> dict[str, Any]:
    """The same as a dictionary; its rulebook file is written into `folder`."""
    write_rulebook(folder / "venue.yaml", **rules)
    return _merged(copy.deepcopy(COMMON), changes or {})


def write_rulebook(path: Path, **rules: Any) -> None:
    path.write_text(yaml.safe_dump(rulebook(**rules), sort_keys=False).replace("'2025-01-01'", "2025-01-01"))


def _merged(into: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    for key, value in changes.items():
        if value is None:
            into.pop(key)
        elif isinstance(value, dict) and isinstance(into.get(key), dict) and key not in ("sweep", "models"):
            _merged(into[key], value)
        else:
            into[key] = value
    return into
