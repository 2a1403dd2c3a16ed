"""Small studies whose parameters are drawn: model files with a covariance, on the common clock and rulebook."""

import copy
from pathlib import Path
from typing import Any

import yaml
from helpers.studies import BLOCK, MODELS, small

from stresslab.config.schema import Study

SPREAD = 0.2  # of log sigma
VARIANCES = {
    "gbm": {"sigma": (SPREAD * 1.2) ** 2},
    "heston": {"v0": 0.04, "kappa": 2.0, "theta": 0.02, "xi": 0.2, "rho": 0.02},
    "merton": {"sigma": 0.003, "jump_intensity": 2000.0, "jump_std": 1e-4},
}


def model_file(folder: Path, kind: str, variances: dict[str, float] | None = None, **parameters: Any) -> str:
    """The model of the common studies as a file with independent errors; its name."""
    held = VARIANCES[kind] if variances is None else variances
    names = list(held)
    matrix = [[held[name] if name == other else 0.0 for other in names] for name in names]
    given = {name: value for name, value in MODELS[kind].items() if name != "kind"} | parameters
    fitted = {"covariance": {"names": names, "matrix": matrix}}
    (folder / f"{kind}.yaml").write_text(yaml.safe_dump({"kind": kind, "parameters": given, "fitted": fitted}))
    return f"{kind}.yaml"


def drawn(
    folder: Path, changes: dict[str, Any] | None = None, kinds: tuple[str, ...] = ("gbm",), blocks: int = 16
) -> Study:
    """The common study with drawn parameters; `kinds` are read from files, and swept where there are several."""
    changes = copy.deepcopy(changes or {})
    models = {kind: {"file": model_file(folder, kind)} for kind in kinds}
    sampling = {"paths": blocks * BLOCK, "block": BLOCK, "parameters": "drawn"} | changes.pop("sampling", {})
    sweep: dict[str, Any] = {"market.model": list(kinds)} if len(kinds) > 1 else {}
    sweep |= changes.pop("sweep", {"book.side": ["long", "short"], "book.leverage": [5.0, 12.0]})
    base = {"models": models, "market": {"model": kinds[0]}, "sampling": sampling, "sweep": sweep}
    return small(folder, base | changes)
