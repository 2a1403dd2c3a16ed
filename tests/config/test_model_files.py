"""Models that lie in files: where they are looked for, how old they may be, and what is said when one is wrong."""

from pathlib import Path
from typing import Any

import pytest

from stresslab.config import load_study, study_from_dict
from stresslab.errors import InputError
from stresslab.shipped import config_root

WRONG = [
    ("kind: heston", "kind: hestn", ["btc_heston.yaml: kind = 'hestn'", "Did you mean 'heston'"]),
    ("kappa: 3.0", "kapa: 3.0", ["btc_heston.yaml: parameters.kapa", "Did you mean 'kappa'"]),
    ("kappa: 3.0, ", "", ["btc_heston.yaml: parameters.kappa", "required and is missing"]),
    ("kappa: 3.0", "kappa: -3.0", ["btc_heston.yaml: parameters.kappa = -3.0", "greater than 0"]),
    ("kappa: 3.0", "kappa: 3_0", ["btc_heston.yaml: parameters.kappa = '3_0'", "write it without quotes, 30"]),
    ("fitted:", "fited:", ["btc_heston.yaml: fited", "Did you mean 'fitted'"]),
    ("kind: heston\n", "", ["btc_heston.yaml: kind", "required and is missing"]),
    ("2026-11-20T00:00:00Z", "yesterday", ["btc_heston.yaml: fitted.as_of = 'yesterday'", "date and time"]),
]


def edit(study_file: Path, old: str, new: str) -> None:
    path = study_file.parent.parent / "models" / "btc_heston.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize("old, new, parts", WRONG)
def test_a_wrong_model_file_is_named_with_its_key_and_the_study(
    study_file: Path, old: str, new: str, parts: list[str]
) -> None:
    edit(study_file, old, new)
    with pytest.raises(InputError) as caught:
        load_study(study_file)
    text = str(caught.value)
    assert all(part in text for part in parts), text
    assert f"{study_file} names this file at models.heston.file" in text


def test_a_value_that_is_set_hides_the_one_in_the_file(study_file: Path) -> None:
    edit(study_file, "v0: 0.28, ", "")
    assert load_study(study_file).models["heston"].v0 == 0.31  # type: ignore[attr-defined]


def test_a_missing_file_is_looked_for_in_two_places(study_file: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_study(study_file, ["models.heston.file=models/btc_hestn.yaml"])
    text = str(caught.value)
    assert "models.heston.file = 'models/btc_hestn.yaml': there is no such model file" in text
    assert str(study_file.parent / "models") in text and str(config_root() / "models") in text


def test_a_file_that_is_not_beside_the_study_is_taken_from_the_shipped_ones(
    study_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "shipped" / "models"
    shipped.mkdir(parents=True)
    (shipped / "fitted.yaml").write_text("kind: gbm\nparameters: {sigma: 0.6}\n")
    monkeypatch.setattr("stresslab.config.model_files.config_root", lambda: shipped.parent)
    study = load_study(study_file, ["models.gbm={file: models/fitted.yaml}"])
    assert study.models["gbm"].sigma == 0.6  # type: ignore[attr-defined]
    assert study.sources["models/fitted.yaml"] == study.fits["gbm"].sha256


SHIPPED = sorted((config_root() / "models").glob("*.yaml"))


@pytest.mark.parametrize("path", [path for path in SHIPPED if "history:" not in path.read_text()], ids=lambda p: p.stem)
def test_every_shipped_model_file_is_read_and_dated(data: dict[str, Any], path: Path) -> None:
    data["models"] = {"gbm": {"file": str(path), "max_age": "3650D"}}
    data["market"]["model"] = "gbm"
    data["sweep"], data["limits"] = {"book.leverage": [10]}, []
    study = study_from_dict(data)
    kind = path.stem.partition("_")[2].removesuffix("_options")
    assert study.model.kind == kind and study.fits["gbm"].as_of is not None


def test_age_is_counted_from_the_end_of_the_data(study_file: Path) -> None:
    load_study(study_file, ["as_of=2026-11-28T00:00:00Z"])  # exactly 8 days
    with pytest.raises(InputError, match=r"end at 2026-11-20T00:00:00Z, 8.0 days before as_of 2026-11-28T00:00:01Z"):
        load_study(study_file, ["as_of=2026-11-28T00:00:01Z"])
    load_study(study_file, ["as_of=2027-11-28T00:00:00Z", "models.heston.max_age=null"])


def test_max_age_needs_a_date_to_count_from(study_file: Path) -> None:
    edit(study_file, "fitted: {as_of: 2026-11-20T00:00:00Z, ", "fitted: {")
    with pytest.raises(InputError, match=r"models.heston.max_age = '8D': .* has no fitted.as_of"):
        load_study(study_file)


def test_a_name_that_no_file_system_takes_is_a_missing_file(study_file: Path) -> None:
    with pytest.raises(InputError, match="no such model file"):
        load_study(study_file, {"models.heston.file": "ü" * 180})
