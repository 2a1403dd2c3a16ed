"""`--set KEY=VALUE`: values in YAML, paths of the study, and refusals that name both."""

from pathlib import Path
from typing import Any

import pytest

from stresslab.config import load_study
from stresslab.config.overrides import apply_overrides
from stresslab.errors import InputError


def test_values_are_yaml_and_land_where_the_path_says(study_file: Path) -> None:
    study = load_study(study_file, [
        "market.spot=91000", "market.horizons=[1D, 7D]", "models.heston.v0=0.4", "models.gbm.sigma=0.6",
        "as_of=2026-11-22T00:00:00Z", "sampling.target=null", "sampling.antithetic=true", "limits.0.max=0.5",
        "sweep.book.leverage=[5, 10]", "book.slippage_bps=3",
    ])  # fmt: skip
    assert study.market.spot == 91_000.0 and study.market.horizons == ("1D", "7D")
    assert study.models["heston"].v0 == 0.4 and study.models["gbm"].sigma == 0.6  # type: ignore[attr-defined]
    assert study.as_of.day == 22 and study.sampling.target is None and study.sampling.antithetic
    assert study.limits[0].max == 0.5 and study.sweep["book.leverage"] == (5.0, 10.0) and study.book.slippage_bps == 3.0


def test_a_mapping_does_the_same(study_file: Path) -> None:
    assert load_study(study_file, {"market.spot": "91000"}).market.spot == 91_000.0
    assert load_study(study_file, {"market.spot": 91_000}).hash == load_study(study_file, ["market.spot=91000"]).hash
    assert load_study(study_file, "market.spot=91000").market.spot == 91_000.0


def test_a_block_that_is_not_written_is_made(data: dict[str, Any]) -> None:
    del data["sampling"]
    assert apply_overrides(data, ["sampling.target.event=liquidation"])["sampling"] == {
        "target": {"event": "liquidation"}
    }
    assert "sampling" not in data


@pytest.mark.parametrize("text, parts", [
    ("market.spt=1", ["--set market.spt", "a study has no such path", "Did you mean 'market.spot'"]),
    ("leverage=5", ["--set leverage", "a study has no such path", "'book.leverage'"]),
    ("models.hestn.v0=1", ["--set models.hestn.v0", "'models.heston.v0'"]),
    ("models.gbm.m=1", ["--set models.gbm.m", "Did you mean 'models.gbm.mu' or 'models.gbm'?"]),
    ("models.gbm.v0=1", ["models.gbm.v0", "there is no such key", "kind, mu, sigma"]),
    ("limits.1.max=0.1", ["--set limits.1.max", "'limits.0.max'"]),
    ("market.spot", ["--set", "= 'market.spot'", "write KEY=VALUE"]),
    ("=3", ["--set", "= '=3'", "write KEY=VALUE"]),
    ("market.spot=[1", ["--set market.spot", "= '[1'", "not valid YAML"]),
    ("market.spot=84_250", ["= '84_250'", "write it without quotes, 84250"]),
    ("sampling.paths=065536", ["--set sampling.paths", "= '065536'", "without leading zeros"]),
    ("seed=1:30", ["seed", "= '1:30'", "whole number"]),
    ("funding.rate='1e-4'", ["funding.rate", "= '1e-4'", "without quotes, 1e-4"]),
    ("book.leverage=5", ["--set book.leverage", "is swept", "--set sweep.book.leverage=[..]"]),
    ("sweep.book.leverge=[5]", ["sweep.book.leverge", "Did you mean 'leverage'"]),
])  # fmt: skip
def test_what_cannot_be_set(study_file: Path, text: str, parts: list[str]) -> None:
    if not parts:
        assert load_study(study_file, [text]).market.spot == 84_250.0
        return
    with pytest.raises(InputError) as caught:
        load_study(study_file, [text])
    assert all(part in str(caught.value) for part in [str(study_file), *parts]), str(caught.value)


def test_a_parameter_that_is_swept_cannot_be_set_through_the_file_either(study_file: Path) -> None:
    sweep = "sweep.models.heston.v0=[0.2, 0.4]"
    for path in ("models.heston.v0", "models.heston.set.v0"):
        with pytest.raises(InputError, match="is swept"):
            load_study(study_file, [sweep, f"{path}=0.3"])


@pytest.mark.parametrize("overrides", [[3], [None], {3: "4"}])
def test_overrides_must_be_text(study_file: Path, overrides: Any) -> None:
    with pytest.raises(InputError, match="--set"):
        load_study(study_file, overrides)


@pytest.mark.parametrize("damaged, path", [
    ({"market": [1]}, "market.spot"), ({"market": 3}, "market.spot"), ({"sampling": [1]}, "sampling.target.event"),
    ({"models": {"a": {"file": "x", "set": 3}}}, "models.a.v0"), ({"sweep": 3}, "sweep.book.side"),
])  # fmt: skip
def test_a_study_that_holds_no_mapping_there(damaged: dict[str, Any], path: str) -> None:
    with pytest.raises(InputError, match="the parent of this key is not a mapping in the study"):
        apply_overrides(damaged, [f"{path}=1"])
