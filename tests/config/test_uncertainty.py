"""A model file's covariance or draws, the sampling that uses them, and the age of the state beside that of the fit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from stresslab.config import load_study, study_from_dict
from stresslab.config.uncertainty import Covariance, Draws
from stresslab.errors import InputError

COVARIANCE = "covariance: {names: [kappa, rho], matrix: [[0.5, 0.01], [0.01, 0.02]]}"
SAMPLING = "sampling: {paths: 262144, target: {event: liquidation, relative: 0.05, max_paths: 4194304}}"
DRAWN = SAMPLING.replace("paths: 262144", "parameters: drawn, paths: 262144")


def with_file(study_file: Path, fitted: str, tail: str = "") -> None:
    path = study_file.parent.parent / "models" / "btc_heston.yaml"
    text = path.read_text().replace(
        "source: made up}", f"source: made up, {fitted}}}" if fitted else "source: made up}"
    )
    path.write_text(text + tail)


def drawn(study_file: Path, sampling: str = DRAWN) -> Any:
    """The study with the heston model alone, its parameters drawn."""
    text = study_file.read_text().replace(SAMPLING, sampling).replace("[gbm, heston]", "[heston]")
    study_file.write_text(text)
    return load_study(study_file)


def test_a_covariance_is_read_and_drawn_from(study_file: Path) -> None:
    with_file(study_file, COVARIANCE)
    study = drawn(study_file)
    fit = study.fits["heston"]
    assert fit.uncertainty == Covariance(names=("kappa", "rho"), matrix=((0.5, 0.01), (0.01, 0.02)))
    assert fit.put == ("v0",) and study.sampling.parameters == "drawn"


def test_draws_are_read_too(study_file: Path) -> None:
    rows = [[3.0 + 0.1 * k, -0.4] for k in range(25)]
    with_file(study_file, f"draws: {{names: [kappa, rho], values: {rows}}}")
    found = drawn(study_file).fits["heston"].uncertainty
    assert isinstance(found, Draws) and len(found.values) == 25


WRONG = [
    ("names: [kappa, rho]", "names: [kappa, roh]", "fitted.covariance.names = 'roh': is no number among"),
    ("names: [kappa, rho]", "names: [kappa, kappa]", "fitted.covariance.names.*given twice"),
    ("names: [kappa, rho]", "names: [kappa]", "fitted.covariance.matrix: .*a row and a column for each name"),
    ("[0.01, 0.02]", "[0.03, 0.02]", "fitted.covariance.matrix: must be symmetric"),
    ("[[0.5, 0.01], [0.01, 0.02]]", "[[0.5, 0.2], [0.2, 0.02]]", "fitted.covariance.matrix = .*positive semidefinite"),
    ("[[0.5, 0.01], [0.01, 0.02]]", "[[0.5, a], [0.01, 0.02]]", "fitted.covariance.matrix: .*finite numbers"),
    ("matrix", "matrx", "fitted.covariance.matrx"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_a_wrong_covariance_is_refused_whether_it_is_used_or_not(
    study_file: Path, old: str, new: str, message: str
) -> None:
    with_file(study_file, COVARIANCE.replace(old, new))
    with pytest.raises(InputError, match=message) as caught:
        load_study(study_file)
    assert "btc_heston.yaml" in str(caught.value)


def test_too_few_draws_are_refused(study_file: Path) -> None:
    with_file(study_file, "draws: {names: [kappa], values: [[3.0], [3.1]]}")
    with pytest.raises(InputError, match="fitted.draws.values = 2: must be at least 20 rows"):
        load_study(study_file)


def test_drawing_needs_a_covariance(study_file: Path) -> None:
    with pytest.raises(InputError, match="sampling.parameters = 'drawn'.*read from .*btc_heston.yaml, which has none"):
        drawn(study_file)
    text = study_file.read_text().replace("[heston]", "[gbm]").replace("model: heston", "model: gbm")
    study_file.write_text(text)
    with pytest.raises(InputError, match="the model 'gbm' is written in the study.*write parameters: fixed"):
        load_study(study_file)


def test_every_swept_model_needs_one(study_file: Path) -> None:
    with_file(study_file, COVARIANCE)
    study_file.write_text(study_file.read_text().replace(SAMPLING, DRAWN))
    with pytest.raises(InputError, match="drawn parameters need a covariance, and the model 'gbm'"):
        load_study(study_file)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (
            "{parameters: drawn, paths: 65536, block: 16384}",
            "block = 16384: .*at least 16 blocks.*Write block: 4096",
        ),
        ("{parameters: drawn, paths: 2097152, block: 256}", "at most 4096 blocks; there may be 8192"),
        ("{parameters: guessed}", "sampling.parameters = 'guessed'"),
    ],
)
def test_how_many_blocks_there_must_be(study_file: Path, sampling: str, message: str) -> None:
    with_file(study_file, COVARIANCE)
    with pytest.raises(InputError, match=message):
        drawn(study_file, f"sampling: {sampling}")


def test_fixed_parameters_leave_no_trace(data: dict[str, Any]) -> None:
    """The hash and the resolved study are those of a study that does not speak of them."""
    plain = study_from_dict(data)
    data["sampling"]["parameters"] = "fixed"
    assert study_from_dict(data).hash == plain.hash
    assert "parameters" not in plain.resolved()["sampling"] and "uncertainty" not in plain.resolved()


def test_what_the_draws_depend_on_is_in_the_hash(study_file: Path) -> None:
    with_file(study_file, COVARIANCE)
    before = drawn(study_file)
    path = study_file.parent.parent / "models" / "btc_heston.yaml"
    path.write_text(path.read_text().replace("[0.5, 0.01]", "[0.6, 0.01]"))
    after = load_study(study_file)
    assert before.models == after.models and before.hash != after.hash


def test_the_state_has_an_age_of_its_own(study_file: Path, refusal: Callable[[str, str], str]) -> None:
    """max_age looks at the fit (2026-11-20), max_state_age at the filtered state; as_of is 2026-11-21."""
    with_file(study_file, "", "filtered: {as_of: 2026-11-10T00:00:00Z}\n")
    text = refusal("max_age: 8D", "max_age: 8D, max_state_age: 2D")
    assert text.startswith("models.heston.max_state_age = '2D': the state in ../models/btc_heston.yaml ends at")
    assert "2026-11-10T00:00:00Z, 11.0 days before" in text and "Run stresslab filter" in text
    path = study_file.parent.parent / "models" / "btc_heston.yaml"
    path.write_text(path.read_text().replace("2026-11-10", "2026-11-20"))
    load_study(study_file)


def test_without_a_filter_the_state_is_as_old_as_the_fit(study_file: Path, refusal: Callable[[str, str], str]) -> None:
    assert "the state in" in refusal("max_age: 8D", "max_state_age: 1h")


def test_a_filtered_state_needs_a_date(study_file: Path) -> None:
    with_file(study_file, "", "filtered: {source: somewhere}\n")
    with pytest.raises(InputError, match="btc_heston.yaml: filtered.as_of: this key is required"):
        load_study(study_file)


def test_shipped_files_hold_covariances_that_can_be_read() -> None:
    folder = Path(__file__).parents[2] / "configs" / "models"
    held = [path for path in folder.glob("*.yaml") if "covariance" in yaml.safe_load(path.read_text())["fitted"]]
    assert len(held) >= 6
    for path in held:
        Covariance.model_validate(
            {key: tuple(value) for key, value in yaml.safe_load(path.read_text())["fitted"]["covariance"].items()}
        )
