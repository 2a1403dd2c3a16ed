"""The example study of the design, written to a folder as a user would have it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stresslab.config import load_study
from stresslab.errors import InputError

STUDY = """\
study: btc-perp-nightly
as_of: 2026-11-21T00:00:00Z       # path time 0, UTC: fixes the funding clock
seed: 20260101                    # the same every night, so that nights are paired
market: {asset: BTC, spot: 84250.0, model: heston, step: 15min, horizons: [1D, 7D, 30D]}
models:
  gbm: {kind: gbm, sigma: 0.52}
  heston: {file: ../models/btc_heston.yaml, max_age: 8D, set: {v0: 0.31}}
funding: {kind: constant, rate: 1.0e-4, interval: 8h}     # positive: longs pay; on mark notional
book: {rulebook: binance_usdm/BTCUSDT, margin_mode: isolated, side: long, collateral: 100000, leverage: 20}
sweep: {market.model: [gbm, heston], book.side: [long, short], book.leverage: [3, 5, 10, 20, 50, 100]}
sampling: {paths: 262144, target: {event: liquidation, relative: 0.05, max_paths: 4194304}}
outputs: {events: [liquidation, bankruptcy, loss_50], loss_levels: [0.95, 0.99]}
limits:
  - {name: liq-1D, event: liquidation, horizon: 1D, where: {leverage: 10}, max: 0.02, undecided: breach}
"""
HESTON = """\
kind: heston
parameters: {v0: 0.28, kappa: 3.0, theta: 0.5, xi: 1.2, rho: -0.4}
fitted: {as_of: 2026-11-20T00:00:00Z, bar: 1h, bars: 40000, source: made up}
"""


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    """The study in studies/, and the model file that it names in models/ beside it."""
    for folder, name, text in (("studies", "nightly.yaml", STUDY), ("models", "btc_heston.yaml", HESTON)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text)
    return tmp_path / "studies" / "nightly.yaml"


@pytest.fixture
def data() -> dict[str, Any]:
    """The same study as a dictionary, with every number in it: no file is needed."""
    raw = yaml.safe_load(STUDY)
    heston = yaml.safe_load(HESTON)
    raw["models"]["heston"] = {"kind": "heston", **heston["parameters"]}
    return raw


@pytest.fixture
def refusal(study_file: Path) -> Callable[[str, str], str]:
    """What is said when `old` is replaced by `new` in the study's text."""

    def refused(old: str, new: str) -> str:
        assert old in STUDY
        study_file.write_text(STUDY.replace(old, new))
        with pytest.raises(InputError) as caught:
            load_study(study_file)
        assert str(caught.value).startswith(f"{study_file}: ")
        return str(caught.value).removeprefix(f"{study_file}: ")

    return refused
