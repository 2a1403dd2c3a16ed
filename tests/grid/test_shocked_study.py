"""A study that sweeps shocks, with funding and basis of their own, from the file to the dataset."""

import json

import numpy as np
import pytest
from helpers.studies import small_dict

from stresslab.config import study_from_dict
from stresslab.execution import run

CRASH = [
    {"kind": "gap", "at": {"within": "1D"}, "asset": "BTC", "fraction": -0.1},
    {"kind": "volatility", "at": {"within": "1D"}, "asset": "BTC", "factor": 2.0, "half_life": "8h"},
    {"kind": "funding", "at": {"within": "1D"}, "asset": "BTC", "rate": 5e-3, "half_life": "8h"},
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shocked")
    sweep = {"market.shock": ["none", "crash"], "book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}
    given = small_dict(folder, {"shocks": {"crash": CRASH}, "sweep": sweep})
    given["funding"] = {
        "kind": "mean_reverting", "rate": 1e-4, "mean": 1e-4, "half_life": "1D", "volatility": 0.01,
    }  # fmt: skip
    return run(study_from_dict(given, folder))


def test_shock_is_a_dimension_of_the_market(dataset):
    assert list(dataset.shock.values) == ["none", "crash"]
    assert dataset.n_paths.dims == ("shock",)
    assert np.all(dataset.status == "ok")


def test_the_crash_hurts_longs(dataset):
    """10 % down on every path within a day: a 12x long is gone on most, by the gap; without the shock on few."""
    at = dataset.ruin_probability.sel(horizon="1D", side="long", leverage=12.0)
    assert float(at.sel(shock="crash")) > 0.8 > 0.3 > float(at.sel(shock="none"))
    causes = dataset.probability_by_cause.sel(horizon="1D", side="long", leverage=12.0, event="liquidation")
    assert float(causes.sel(shock="crash", cause="gap")) > 0.6
    assert float(causes.sel(shock="none", cause="gap")) == 0


def test_funding_is_paid_on_the_spike(dataset):
    """Of a short that is hardly ever closed: it receives the spike, 0.5 % halved every 8 hours, after the crash."""
    received = dataset.mean_funding.sel(horizon="3D", side="short", leverage=5.0) / dataset.notional.sel(
        side="short", leverage=5.0
    )
    assert float(received.sel(shock="crash") - received.sel(shock="none")) > 0.003


def test_the_study_is_in_the_dataset(dataset):
    study = json.loads(dataset.attrs["study"])
    assert [effect["kind"] for effect in study["shocks"]["crash"]] == ["gap", "volatility", "funding"]
    assert study["funding"]["kind"] == "mean_reverting"
