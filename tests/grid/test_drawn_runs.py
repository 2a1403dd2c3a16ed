"""Runs with drawn parameters: block by block the runs of the drawn models, the same bytes whoever does the work, and
errors that agree with closed forms.
"""

import json
from typing import Any

import numpy as np
import pytest
import xarray as xr
from helpers.closed_forms import DAY, touch_probability
from helpers.drawn import SPREAD, VARIANCES, drawn, model_file
from helpers.executors import Shuffled
from helpers.fingerprint import fingerprint
from helpers.studies import BLOCK, SPOT, small
from scipy.special import ndtri

from stresslab import scan
from stresslab.config.names import DATASET_NAMES
from stresslab.estimate import blocks
from stresslab.execution import run, run_plan
from stresslab.grid import cluster
from stresslab.grid import plan as planning
from stresslab.grid.block import run_blocks
from stresslab.grid.plan import Plan, make_plan
from stresslab.grid.serial import Serial

NEW = ("parameter_standard_error", "monte_carlo_standard_error")
EVENT = {"event": "liquidation", "horizon": "3D"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("drawn")


@pytest.fixture(scope="module")
def found(folder) -> xr.Dataset:
    """64 blocks of 1,024 paths of a GBM whose sigma is lognormal about 1.2."""
    return run(drawn(folder, blocks=64))


def test_each_block_is_that_of_its_model(folder, found):
    """The hits are the sum of one-block runs of the drawn models, path numbers included."""
    plan = make_plan(drawn(folder, blocks=16))
    total: Any = 0
    for block, model in enumerate(plan.markets[0].models[:3]):
        own = {"models": {"gbm": {"kind": "gbm", "sigma": model.sigma}}, "sampling": {"paths": 3 * BLOCK}}
        fixed = make_plan(
            small(folder, own | {"sweep": {"book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}})
        )
        total = total + counted(fixed, block)
    mine = sum(counted(plan, block) for block in range(3))
    np.testing.assert_array_equal(mine, total)
    assert mine.sum() > 1000


def counted(plan: Plan, number: int) -> np.ndarray:
    return run_blocks(plan.ladders[0], number, 1, BLOCK)["event_count"]


def test_no_block_is_compiled_anew(folder):
    scan.traces.clear()
    run(drawn(folder, {"seed": 77}, blocks=24))
    assert sum(scan.traces.values()) <= 1
    run(drawn(folder, {"seed": 78}, blocks=16))
    assert sum(scan.traces.values()) <= 1


def touched(folder: Any, spread: float) -> np.ndarray:
    """P(liquidation within three days) of the long at 12 times, for quantiles of sigma: the ladder without funding."""
    price = run(drawn(folder, {"funding": None}, blocks=16)).liquidation_price.sel(side="long", leverage=12.0)
    grid = (np.arange(40) + 0.5) / 40
    sigmas = 1.2 * np.exp(spread * ndtri(grid))
    return np.array([touch_probability(float(price) / SPOT, sigma, 3 * DAY) for sigma in sigmas])


def test_errors_and_interval_against_the_closed_form(folder):
    """128 blocks of 1,024 paths, seed 20260101, no funding: the mean over sigma, its deviation (relative standard error
    1 / sqrt(2 * 128) = 6 %, more for the skewness), and the quantiles of p(sigma) inside the interval."""
    ds = run(drawn(folder, {"funding": None}, blocks=128)).sel(EVENT | {"side": "long", "leverage": 12.0})
    law = touched(folder, SPREAD)
    mean, deviation = law.mean(), law.std()
    assert abs(float(ds.probability) - mean) < 4 * float(ds.monte_carlo_standard_error)
    assert float(ds.monte_carlo_standard_error) == pytest.approx(deviation / np.sqrt(128), rel=0.25)
    assert float(ds.parameter_standard_error) == pytest.approx(deviation, rel=0.25)
    total = np.hypot(ds.parameter_standard_error, ds.monte_carlo_standard_error)
    assert float(ds.standard_error) == pytest.approx(float(total), rel=1e-12)
    inside = (law > float(ds.lower)) & (law < float(ds.upper))
    assert 0.9 <= inside.mean() <= 0.99
    # the twin: a sigma half as sure has another deviation and other quantiles
    wide = touched(folder, 2 * SPREAD)
    assert wide.std() > 1.5 * float(ds.parameter_standard_error)
    assert ((wide > float(ds.lower)) & (wide < float(ds.upper))).mean() < 0.85


def test_dataset_has_both_errors_and_says_what_was_drawn(found):
    for name in NEW:
        assert name in found and name in DATASET_NAMES
        assert found[name].dims == found.probability.dims and found[name].attrs["units"] == "1"
        assert np.isfinite(found[name]).all()
    assert json.loads(found.attrs["drawn_parameters"]) == {"gbm": ["sigma"]}
    assert "own parameters" in found.attrs["conventions"]
    assert json.loads(found.attrs["study"])["uncertainty"]["gbm"]["uncertainty"]["names"] == ["sigma"]
    assert (found.lower <= found.probability).all() and (found.probability <= found.upper).all()


def test_survival_and_money_carry_the_uncertainty_too(folder, found):
    plain = run(
        small(
            folder,
            {
                "sampling": {"paths": 64 * BLOCK},
                "sweep": {"book.side": ["long", "short"], "book.leverage": [5.0, 12.0]},
            },
        )
    )
    assert set(NEW).isdisjoint(plain) and "drawn_parameters" not in plain.attrs
    for name in ("survival_upper", "survival_lower"):
        assert float((abs(found[name] - found.survival)).max()) > 5 * float((abs(plain[name] - plain.survival)).max())
    ruin = found.sel(event="liquidation")
    np.testing.assert_allclose(
        1 - found.survival_lower.isel(survival_time=-1), ruin.upper.sel(horizon="3D"), rtol=1e-12
    )
    # a mean of the money: fees at close-out follow the probability of one
    assert (
        found.mean_fees_se.sel(horizon="3D", leverage=12.0) > 2 * plain.mean_fees_se.sel(horizon="3D", leverage=12.0)
    ).all()


@pytest.mark.parametrize("antithetic", [False, True])
def test_summaries_give_the_errors_of_the_naive_sum(folder, antithetic):
    """From the probabilities of each block by themselves."""
    study = drawn(folder, {"sampling": {"antithetic": antithetic}}, blocks=16)
    plan = make_plan(study)
    ds = run_plan(plan, Serial()).sel(EVENT)
    counts = np.array([counted(plan, block)[:, 0].sum(axis=(1, 2)) for block in range(16)])
    between = (counts / BLOCK).var(axis=0, ddof=1).reshape(2, 2)
    found = blocks.Errors(ds.monte_carlo_standard_error.values, ds.parameter_standard_error.values)
    within = between - found.parameter**2
    inside = found.parameter > 0
    np.testing.assert_allclose(found.monte_carlo[inside] ** 2, between[inside] / 16, rtol=1e-9)
    p = counts.mean(axis=0).reshape(2, 2) / BLOCK
    ratio = within[inside] / (p * (1 - p) / BLOCK)[inside]
    assert ((0.3 < ratio) & (ratio < 1.1)).all()  # of pairs less; of single paths less by the spread of p itself


def test_a_target_asks_for_the_monte_carlo_error(folder):
    """A relative target that the parameters alone would break is met by more blocks."""
    target = {"event": "liquidation", "relative": 0.04, "max_paths": 256 * BLOCK, "horizon": "3D"}
    ds = run(
        drawn(
            folder,
            {"sampling": {"target": target}, "sweep": {"book.leverage": [12.0]}, "book": {"side": "long"}},
            blocks=16,
        )
    )
    assert ds.stopped_by == "target" and 16 * BLOCK < int(ds.n_paths) < 256 * BLOCK
    one = ds.sel(EVENT).squeeze()
    assert 1.96 * float(one.monte_carlo_standard_error) <= 0.04 * float(one.probability)
    assert float(one.upper - one.lower) / 2 > 0.04 * float(one.probability)


@pytest.mark.parametrize("other", ["heston", pytest.param("merton", marks=pytest.mark.slow)])
def test_several_models_are_drawn_each_for_itself(folder, other):
    ds = run(drawn(folder, kinds=("gbm", other), blocks=16))
    assert json.loads(ds.attrs["drawn_parameters"]) == {"gbm": ["sigma"], other: list(VARIANCES[other])}
    assert (ds.parameter_standard_error.sel(EVENT | {"leverage": 12.0}) > 0).all()


def test_a_shock_is_put_on_every_drawn_model(folder):
    """A gap of 20 % now liquidates the long at 12 times, whatever sigma is drawn."""
    shocks = {"shocks": {"crash": [{"kind": "gap", "fraction": -0.2, "at": "now"}]}}
    ds = run(
        drawn(
            folder,
            shocks | {"sweep": {"market.shock": ["none", "crash"], "book.leverage": [12.0]}, "book": {"side": "long"}},
        )
    )
    found = ds.sel(EVENT | {"leverage": 12.0})
    assert float(found.probability.sel(shock="crash")) == 1.0 and float(found.probability.sel(shock="none")) < 0.6
    assert float(found.parameter_standard_error.sel(shock="crash")) == 0.0


def test_a_joint_model_draws_each_of_its_models(folder):
    models = {"pair": {"kind": "joint", "assets": {"BTC": "gbm", "ETH": "heston"}, "correlation": 0.6}}
    models |= {kind: {"file": model_file(folder, kind)} for kind in ("gbm", "heston")}
    one = {"sweep": {"book.leverage": [12.0]}, "book": {"side": "long"}}
    ds = run(drawn(folder, one | {"models": models, "market": {"model": "pair"}}))
    assert json.loads(ds.attrs["drawn_parameters"]) == {kind: list(VARIANCES[kind]) for kind in ("gbm", "heston")}
    alone = run(drawn(folder, one))
    found, other = (each.sel(EVENT | {"leverage": 12.0}) for each in (ds, alone))
    # the same sigmas block by block, other normals: equal to the sampling error of both
    apart = float(found.probability - other.probability)
    n = int(ds.n_paths)
    assert abs(apart) < 5 * np.sqrt(2 * 0.25 / n)
    assert float(found.parameter_standard_error) == pytest.approx(float(other.parameter_standard_error), rel=0.4)


@pytest.fixture
def one_block_tasks(monkeypatch) -> None:
    monkeypatch.setattr(planning, "TASK_PATH_STEPS", 1)


@pytest.mark.parametrize("seed", range(2))
def test_any_order_gives_the_same_bytes(folder, seed, one_block_tasks):
    study = drawn(folder, kinds=("gbm", "heston"), blocks=16)
    whole = fingerprint(run(study))
    executor = Shuffled(seed)
    assert fingerprint(run(study, executor)) == whole
    assert executor.order != sorted(executor.order)


def test_any_partition_gives_the_same_bytes(folder, found, monkeypatch):
    monkeypatch.setattr(planning, "TASK_PATH_STEPS", 5 * BLOCK * 72)
    plan = make_plan(drawn(folder, blocks=64))
    assert {task.blocks for task in plan.tasks(0, 0, 64)} == {5, 4}
    assert fingerprint(run_plan(plan, Serial())) == fingerprint(found)


@pytest.mark.slow
def test_two_workers_give_the_same_bytes(folder, one_block_tasks):
    study = drawn(folder, kinds=("gbm", "heston"), blocks=16)
    with cluster.local(2) as workers:
        assert fingerprint(run(study, workers)) == fingerprint(run(study))
