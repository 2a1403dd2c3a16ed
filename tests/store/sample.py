"""A small dataset of the shape that a run returns, and its provenance; what a child process needs to import them."""

import json
import os
import sys

import numpy as np
import xarray as xr

# A child finds what this process finds, and says what a user sees: no log filter, no warning filter of ours.
QUIET = ("ICECHUNK_LOG", "PYTHONWARNINGS")
CHILD = {name: value for name, value in os.environ.items() if name not in QUIET} | {
    "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)
}


def make_dataset(**attrs) -> xr.Dataset:
    rng = np.random.default_rng(7)
    probability = rng.random((2, 3, 2, 2))
    probability[1, 2] = np.nan
    probability[0, 0, 0] = [-0.0, 5e-324]
    cells, by_event = ("model", "leverage"), ("model", "leverage", "horizon", "event")
    one = {"units": "1", "long_name": "a probability"}
    status = np.array([["ok", "ok", "ok"], ["ok", "target_not_met", "not_allowed"]])
    return xr.Dataset(
        {
            "probability": (by_event, probability, one),
            "hits": (by_event, rng.integers(0, 2**62, probability.shape), {"units": "1", "long_name": "paths"}),
            "time_median": (by_event, probability * 3, {"units": "days", "long_name": "median time"}),
            "mean_pnl": (by_event[:3], rng.normal(size=(2, 3, 2)), {"units": "USDT", "long_name": "PnL"}),
            "probability_by_cause": ((*by_event, "cause"), rng.random((2, 3, 2, 2, 3)), one),
            "value_at_risk": (
                (*by_event[:3], "loss_level"),
                rng.random((2, 3, 2, 2)),
                {"units": "USDT", "long_name": "VaR"},
            ),
            "survival": ((*cells, "survival_time"), rng.random((2, 3, 4)), one),
            "loss_count": ((*by_event[:3], "loss_bin"), rng.integers(0, 99, (2, 3, 2, 3)), one),
            "status": (cells, status, {"units": "1", "long_name": "what became of the cell"}),
            "n_paths": (("model",), np.array([65536, 131072]), {"units": "1", "long_name": "paths"}),
            "converged": (("model",), np.array([True, False]), {"units": "1", "long_name": "target met"}),
        },
        coords={
            "model": ["gbm", "heston"],
            "leverage": [3, 5, 10],
            "horizon": ["1D", "7D"],
            "event": ["liquidation", "bankruptcy"],
            "cause": ["diffusion", "gap", "funding"],
            "loss_level": [0.95, 0.99],
            "survival_time": ("survival_time", [0.0, 0.5, 1.0, 7.0], {"units": "days", "long_name": "time"}),
            "loss_bin": [0, 1, 2],
            "loss_lower": ("loss_bin", [-np.inf, 0.0, 1.0]),
            "loss_upper": ("loss_bin", [0.0, 1.0, 1.0]),
        },
        attrs={
            "study": json.dumps({"study": "btc-perp-nightly", "note": "é"}, ensure_ascii=False),
            "study_name": "btc-perp-nightly",
            "study_hash": "1a2b3c4d5e6f",
            "seed": 2**32 - 1,
            "as_of": "2026-11-21T00:00:00Z",
            "swept": json.dumps(["model", "leverage"]),
            "relative": 0.1,
        }
        | attrs,
    )


def make_provenance(**values) -> dict:
    times = {"started": "2026-11-21T00:00:05Z", "finished": "2026-11-21T00:00:17Z", "seconds": 12.3}
    return times | {"device": "cpu", "workers": 2, "versions": {"jax": "0.10.2", "numpy": "2.4"}} | values
