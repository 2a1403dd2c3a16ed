"""Reading a study: the design's example, what it resolves to, and that its hash knows nothing of the machine."""

import json
import pickle
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from stresslab.config import load_study, study_from_dict, study_schema
from stresslab.errors import InputError
from stresslab.models import GBM, Heston
from stresslab.shipped import config_root


def test_the_example_of_the_design(study_file: Path) -> None:
    study = load_study(study_file)
    assert study.as_of == datetime(2026, 11, 21, tzinfo=UTC)
    assert study.models["gbm"] == GBM(sigma=0.52)
    assert study.model == Heston(
        v0=0.31, kappa=3.0, theta=0.5, xi=1.2, rho=-0.4
    )  # v0 from `set`, the rest from the file
    assert study.market.step_seconds == 900 and study.market.horizon_seconds == (86_400, 604_800, 2_592_000)
    assert study.funding is not None and study.funding.interval_seconds == 28_800
    assert study.sampling.block == 16_384 and study.sampling.streams == "shared"
    assert study.outputs.ruin == "liquidation"
    assert study.limits[0].where == {"leverage": 10.0} and study.limits[0].undecided == "breach"
    assert study.rulebook().id == study.rulebook("binance_usdm/BTCUSDT").id == "binance_usdm/BTCUSDT"
    assert set(study.sources) == {"../models/btc_heston.yaml", "binance_usdm/BTCUSDT"}
    assert all(len(digest) == 64 for digest in study.sources.values())


def test_every_shipped_study_loads() -> None:
    """A study of recorded minutes asks for its file, and says where the file would lie."""
    asked = []
    for path in sorted((config_root() / "studies").glob("*.yaml")):
        try:
            assert load_study(path).study
        except InputError as refusal:
            assert "there is no such file of prices" in refusal.rule
            asked.append(path.stem)
    assert asked == ["crash_2021_05_19"]


def test_the_resolved_study_is_json_and_holds_the_numbers(study_file: Path) -> None:
    whole = load_study(study_file).resolved()
    assert json.loads(json.dumps(whole, allow_nan=False)) == json.loads(json.dumps(whole))
    assert whole["models"]["heston"]["v0"] == 0.31 and whole["models"]["heston"]["kappa"] == 3.0
    assert list(whole["sweep"]) == ["market.model", "book.side", "book.leverage"]
    assert str(study_file.parent.parent) not in json.dumps(whole)


def test_the_hash_is_the_same_wherever_the_study_lies(study_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(study_file.parent, other / "studies")
    shutil.copytree(study_file.parent.parent / "models", other / "models")
    assert load_study(study_file).hash == load_study(other / "studies" / "nightly.yaml").hash


def test_the_hash_does_not_depend_on_spelling(data: dict[str, Any]) -> None:
    study = study_from_dict(data)
    data["market"]["step"], data["market"]["spot"] = "900s", 84250
    data["market"]["horizons"][0] = "24h"
    data["models"] = dict(reversed(data["models"].items()))
    data["outputs"]["ruin"] = "liquidation"  # the default, written out
    assert study_from_dict(data).hash == study.hash


@pytest.mark.parametrize("path, value", [
    ("seed", "7"), ("market.spot", "1.0"), ("models.gbm.sigma", "0.6"), ("sampling.paths", "524288"),
    ("as_of", "2026-11-21T08:00:00Z"), ("funding.rate", "2.0e-4"), ("outputs.loss_levels", "[0.9]"),
    ("sweep.book.leverage", "[3, 10]"), ("study", "other"),
])  # fmt: skip
def test_the_hash_changes_with_what_it_holds(study_file: Path, path: str, value: str) -> None:
    assert load_study(study_file, [f"{path}={value}"]).hash != load_study(study_file).hash


def test_the_order_of_the_sweep_is_part_of_the_hash(data: dict[str, Any]) -> None:
    study = study_from_dict(data)
    data["sweep"] = dict(reversed(data["sweep"].items()))
    assert study_from_dict(data).hash != study.hash


def test_a_study_survives_pickling(study_file: Path) -> None:
    study = load_study(study_file)
    again = pickle.loads(pickle.dumps(study))
    assert again == study and again.hash == study.hash


def test_what_is_not_given_has_its_default(data: dict[str, Any]) -> None:
    for key in ("funding", "sweep", "sampling", "outputs", "limits"):
        del data[key]
    study = study_from_dict(data)
    assert study.funding is None and study.sweep == {} and study.limits == ()
    assert study.sampling.paths == 65_536 and study.outputs.events == ("liquidation", "bankruptcy", "loss_50")


def test_python_users_may_pass_models_and_instants(data: dict[str, Any]) -> None:
    data["models"]["gbm"] = GBM(sigma=0.52)
    data["as_of"] = "2026-11-21T01:00:00+01:00"
    study = study_from_dict(data)
    assert study.models["gbm"] == GBM(sigma=0.52) and study.as_of == datetime(2026, 11, 21, tzinfo=UTC)


def test_the_dictionary_passed_in_is_left_as_it_was(data: dict[str, Any]) -> None:
    before = repr(data)
    study_from_dict(data)
    assert repr(data) == before


def test_a_position_in_flight_needs_no_margin(data: dict[str, Any]) -> None:
    data["book"]["entry_price"] = 80_000
    assert study_from_dict(data).book.entry_price == 80_000.0
    data["book"]["margin"] = 90_000
    assert study_from_dict(data).book.margin == 90_000.0


def test_a_rulebook_of_ones_own_is_known_by_its_id(study_file: Path) -> None:
    rules = yaml.safe_load((config_root() / "venues" / "binance_usdm" / "BTCUSDT.yaml").read_text())
    rules["id"] = "binance_usdm/BTC-STRICT"
    rules["liquidation"]["fee"] = 0.05
    own = study_file.parent / "strict.yaml"
    own.write_text(yaml.safe_dump(rules))
    study = load_study(study_file, ["sweep={book.rulebook: [binance_usdm/BTCUSDT, strict.yaml]}", "limits=[]"])
    assert study.sweep == {"book.rulebook": ("binance_usdm/BTCUSDT", "binance_usdm/BTC-STRICT")}
    assert study.rulebook("binance_usdm/BTC-STRICT").liquidation.fee == 0.05
    where = "limits=[{name: a, event: liquidation, horizon: 1D, where: {rulebook: strict.yaml}, max: 0.1}]"
    limited = load_study(study_file, ["sweep={book.rulebook: [binance_usdm/BTCUSDT, strict.yaml]}", where])
    assert limited.limits[0].where == {"rulebook": "binance_usdm/BTC-STRICT"}
    with pytest.raises(InputError, match="is no rulebook of this study"):
        study.rulebook("binance_usdm/BTC-STRIKT")

    own.write_text(yaml.safe_dump({**rules, "id": "binance_usdm/BTCUSDT"}))
    with pytest.raises(InputError, match=r"strict.yaml.*has the id binance_usdm/BTCUSDT.*Change the id"):
        load_study(study_file, ["sweep={book.rulebook: [binance_usdm/BTCUSDT, strict.yaml]}", "limits=[]"])
    with pytest.raises(
        InputError, match=r"absent.yaml: there is no such file.*nightly.yaml names this file at book.rulebook"
    ):
        load_study(study_file, ["book.rulebook=absent.yaml"])


@pytest.mark.parametrize("text, parts", [
    ("", ["the file must hold a mapping", "it holds nothing"]),
    ("# only a comment\n", ["it holds nothing"]),
    ("- study\n- market\n", ["the file must hold a mapping", "list"]),
    ("study: a\nmarket: {asset: BTC\nbook: 3\n", ["not valid YAML", "line 3"]),
    ("study: a\nseed: 1\nseed: 2\n", ["'seed' is written twice", "line 3"]),
    ("study: a\n", ["this key is required and is missing"]),
])  # fmt: skip
def test_a_file_that_is_no_study(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_study(path)
    assert all(part in str(caught.value) for part in [str(path), *parts]), str(caught.value)


def test_a_file_that_is_not_there(study_file: Path) -> None:
    with pytest.raises(InputError, match=r"nightl.yaml: there is no such file.*Did you mean 'nightly.yaml'"):
        load_study(study_file.with_name("nightl.yaml"))


@pytest.mark.parametrize("data", [None, 3, [], "study", {1: 2}, {}])
def test_a_dictionary_that_is_no_study(data: Any) -> None:
    with pytest.raises(InputError, match="^study: "):
        study_from_dict(data)


def test_the_refusal_of_a_python_study_names_it(data: dict[str, Any], refusal: Callable[[str, str], str]) -> None:
    data["market"]["spot"] = "84250"
    with pytest.raises(InputError, match=r"^nightly: market.spot = '84250'"):
        study_from_dict(data, file="nightly")


def test_the_schema_is_json_and_knows_models_and_files() -> None:
    schema = json.loads(json.dumps(study_schema()))
    assert {"study", "as_of", "market", "models", "book", "sweep", "limits"} <= set(schema["properties"])
    assert {"GBM", "Heston", "ModelRef", "Book"} <= set(schema["$defs"])
