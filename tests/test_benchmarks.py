"""The benchmarks run at a tiny size, so that none rots; their baselines are right. Nothing here is timed."""

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from helpers.patience import PATIENCE
from scipy import integrate

from stresslab import first_passage
from stresslab.models import GBM

ROOT = Path(__file__).resolve().parents[1]
NAMES = (
    "gbm_ladder",
    "heston_ladder",
    "ladder_width",
    "accounts",
    "general_accounts",
    "option_book",
    "model_speed",
    "garch",
    "memory",
    "cli_help",
)
LOUD = 5.0  # standard errors: the seeds are fixed, so this is a question of right or wrong, not of luck


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmarks are not part of the package: they are found beside it."""
    monkeypatch.syspath_prepend(ROOT)
    return import_module("benchmarks.harness")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All benchmarks in one process of their own: they set JAX up as a user's process would."""
    folder = tmp_path_factory.mktemp("results")
    command = [sys.executable, "-m", "benchmarks", "--tiny", "--results", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    (path,) = folder.iterdir()
    assert "target" in done.stdout and str(path) in done.stdout
    return json.loads(path.read_text())["benchmarks"]


@pytest.mark.parametrize("name", NAMES)
def test_each_benchmark_runs(results: dict[str, Any], name: str) -> None:
    if name == "heston_ladder":
        pytest.importorskip("QuantLib", reason="its only baseline is QuantLib")
    found = results[name]
    assert found["machine"]["versions"]["jax"] and found["machine"]["cores"] >= 1
    assert found["figures"], f"{name} gave no figure: {found['notes']}"
    for figure in found["figures"]:
        assert figure["min"] <= figure["median"] <= figure["max"] and np.isfinite(figure["values"]).all()
    for timing in found["timings"]:
        assert len(timing["seconds"]) == 2 and min(timing["seconds"]) > 0


def test_every_simulation_agrees_with_the_truth(results: dict[str, Any]) -> None:
    """GBM ladders against the closed form, NumPy's accounts against stresslab's; 4,096 and 1,024 paths, fixed seeds."""
    deviations = {
        timing["name"]: timing["largest_deviation_se"]
        for name in ("gbm_ladder", "accounts")
        for timing in results[name]["timings"]
        if timing["largest_deviation_se"] is not None
    }
    assert {"stresslab"} < set(deviations) and any(name.startswith("NumPy") for name in deviations)
    assert all(deviation < LOUD for deviation in deviations.values()), deviations


@pytest.mark.parametrize(("package", "word"), [("numba", "Numba"), ("QuantLib", "QuantLib")])
def test_baselines_are_there_where_their_package_is(results: dict[str, Any], package: str, word: str) -> None:
    named = any(word in timing["name"] for timing in results["gbm_ladder"]["timings"])
    assert named == (find_spec(package) is not None)


def test_an_absent_package_leaves_its_baseline_out(
    harness: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "benchmarks.numba_gbm", raising=False)
    assert import_module("benchmarks.optional").baseline("numba_gbm", "numba") is None
    assert "numba is not installed" in capsys.readouterr().out


def test_ratios_are_taken_round_by_round(harness: ModuleType) -> None:
    ours = harness.Timing(harness.Case("ours", lambda: None, work=10.0), seconds=[1.0, 2.0, 1.0])
    theirs = harness.Timing(harness.Case("theirs", lambda: None, work=1.0), seconds=[1.0, 2.0, 3.0])
    faster = harness._figure(harness.Comparison("ours", "theirs", 10.0), ours, theirs)
    assert faster.values == pytest.approx([10.0, 10.0, 30.0]) and faster.median == 10.0 and faster.reached
    cost = harness._figure(harness.Comparison("ours", "theirs", 0.05, at_most=True), ours, theirs)
    assert cost.values == pytest.approx([0.1, 0.1, 1 / 30]) and cost.reached is False


@pytest.fixture(scope="module")
def numba_sample() -> tuple[GBM, float, np.ndarray, np.ndarray]:
    """Log prices after a day and their minima: 262,144 paths of 24 steps, seed 7."""
    pytest.importorskip("numba", reason="needs numba, of the bench extra")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        numba_gbm = import_module("benchmarks.numba_gbm")
    gbm, span = GBM(sigma=0.6), 1 / 365
    drift, deviation, variance = gbm.coefficients(span / 24)
    ends, lows = numba_gbm.minima(False, 7, 2**18, 1024, np.array([24]), drift, deviation, np.float32(2) * variance)
    assert numba_gbm.vector_bits() >= 256 or os.uname().machine != "x86_64", "the inner loop was not vectorised"
    return gbm, span, ends.astype(float), lows[0].astype(float)


def test_numba_on_our_random_numbers_passes_the_same_barriers(numba_sample: Any) -> None:
    """A loop written by hand: its logarithm rounds in another way, so one path in ten thousand may differ."""
    numba_gbm = sys.modules["benchmarks.numba_gbm"]
    gbm, n_paths, levels = GBM(sigma=0.6), 2**14, [0.95, 0.97, 0.99]
    drift, deviation, variance = gbm.coefficients(1 / 365 / 24)
    given = np.array([24, 144]), drift, deviation, np.float32(2) * variance
    _, lows = numba_gbm.minima(True, 3, n_paths, 512, *given)
    looped = np.array([[(row <= np.float32(np.log(level))).sum() for row in lows] for level in levels])
    ours = first_passage(gbm, barriers=levels, horizons=["1D", "7D"], step="1h", n_paths=n_paths, seed=3)
    assert looped.min() > 100 and np.abs(ours["hits"].to_numpy() - looped).max() <= n_paths / 10_000
    _, other = numba_gbm.minima(True, 4, n_paths, 512, *given)
    assert abs((other[0] <= np.log(0.99)).sum() - looped[2, 0]) > 1, "another seed must not give the same hits"


@pytest.mark.parametrize(("wrong", "agrees"), [(1.0, True), (1.02, False)])
def test_numba_draws_the_right_law(
    numba_sample: tuple[GBM, float, np.ndarray, np.ndarray], wrong: float, agrees: bool
) -> None:
    """Mean and standard deviation of end and minimum; with a volatility that is off by 2 % they must not fit."""
    gbm, span, ends, lows = numba_sample
    deviations = []
    for sample, (mean, second) in ((ends, _end_moments(gbm, span, wrong)), (lows, _low_moments(gbm, span, wrong))):
        for power, expected in ((1, mean), (2, second)):
            values = sample**power
            deviations.append(abs(values.mean() - expected) / (values.std() / np.sqrt(len(values))))
    assert (max(deviations) < LOUD) == agrees, deviations


def _end_moments(gbm: GBM, span: float, wrong: float) -> tuple[float, float]:
    variance = (gbm.sigma * wrong) ** 2 * span
    return -variance / 2, variance + variance**2 / 4


def _low_moments(gbm: GBM, span: float, wrong: float) -> tuple[float, float]:
    """E[m] = -integral of P(m <= -a) da, E[m^2] = 2 integral of a P(m <= -a) da, from the first-passage law."""
    off = GBM(sigma=gbm.sigma * wrong)

    def passed(a: float) -> float:
        return off.first_passage_probability(float(np.exp(-a)), span)

    mean, _ = integrate.quad(passed, 1e-12, 1)
    second, _ = integrate.quad(lambda a: 2 * a * passed(a), 1e-12, 1)
    return -mean, second
