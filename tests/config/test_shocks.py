"""Shocks in a study: by list or by file, swept, refused where they make no sense."""

import json

import pytest
import yaml
from helpers.studies import small, small_dict

from stresslab.config import expand, load_study, study_from_dict
from stresslab.config.market_model import market_model
from stresslab.config.shocks import read_shock
from stresslab.errors import InputError
from stresslab.grid.plan import make_plan
from stresslab.models import GBM
from stresslab.passage import first_passage
from stresslab.shipped import config_root
from stresslab.shocks import EFFECTS, Gap, Shocked, Uniform
from stresslab.shocks import shocked as shocks_on

CRASH = [
    {"kind": "gap", "at": "6h", "fraction": -0.1},
    {"kind": "volatility", "at": {"within": "1D"}, "factor": 3, "half_life": "8h"},
    {"kind": "funding", "at": {"rate": 2.0}, "rate": -0.002},
]
FILES = sorted((config_root() / "shocks").glob("*.yaml"))


def shocked(tmp_path, effects=CRASH, **changes):
    shock = {"shocks": {"crash": effects}, "market": {"shock": "crash"}}
    return small(tmp_path, {**shock, **changes})


def test_a_list_of_effects(tmp_path):
    study = shocked(tmp_path)
    assert [effect.kind for effect in study.effects] == ["gap", "volatility", "funding"]
    model = market_model(study)
    assert isinstance(model, Shocked)
    assert [effect.kind for effect in model.effects] == ["gap", "volatility"], (
        "a funding spike is no business of prices"
    )
    assert study.effects[1].at == Uniform(within="1D")


def test_a_file_is_read_and_hashed(tmp_path):
    (tmp_path / "crash.yaml").write_text(yaml.safe_dump({"event": "x", "source": "y", "effects": CRASH}))
    by_file = small(tmp_path, {"shocks": {"crash": {"file": "crash.yaml"}}, "market": {"shock": "crash"}})
    assert by_file.effects == shocked(tmp_path).effects
    assert by_file.hash == shocked(tmp_path).hash, "what counts is what is in the file"
    assert by_file.sources["crash.yaml"]
    other = [{**CRASH[0], "fraction": -0.2}, *CRASH[1:]]
    assert shocked(tmp_path, other).hash != by_file.hash
    assert json.loads(json.dumps(by_file.resolved()))["shocks"]["crash"][0]["fraction"] == -0.1


def test_without_shocks_a_study_is_what_it_was(tmp_path):
    study = small(tmp_path)
    assert "shocks" not in study.resolved()
    assert "shock" not in study.resolved()["market"]
    assert market_model(study) == study.model


def test_a_sweep_of_shocks_makes_market_cells(tmp_path):
    sweep = {"market.shock": ["none", "crash"], "book.leverage": [3.0, 5.0], "book.side": ["long"]}
    study = small(tmp_path, {"shocks": {"crash": CRASH}, "sweep": sweep})
    cells = expand(study)
    assert [cell.coords["shock"] for cell in cells] == ["none", "none", "crash", "crash"]
    assert cells[0].study.effects == ()
    plan = make_plan(study)
    assert [market.coords for market in plan.markets] == [{"shock": "none"}, {"shock": "crash"}]
    assert plan.ladders[0].shape != plan.ladders[1].shape


def test_effects_of_other_assets_pass_by(tmp_path):
    both = [{"kind": "gap", "asset": asset, "fraction": size} for asset, size in (("BTC", -0.1), ("ETH", -0.2))]
    assert market_model(shocked(tmp_path, both)).effects == (Gap(asset="BTC", fraction=-0.1),)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_crashes(tmp_path, path):
    """Each says what happened and where its figures are from, and strikes BTC and ETH downwards."""
    crash = read_shock(path)
    assert len(crash.source) > 40
    gaps = {effect.asset: effect.fraction for effect in crash.effects if effect.kind == "gap"}
    assert set(gaps) == {"BTC", "ETH"}
    assert all(-0.5 < size < 0 for size in gaps.values())
    for asset in gaps:
        changes = {"shocks": {"crash": {"file": f"shocks/{path.name}"}}, "market": {"shock": "crash", "asset": asset}}
        assert market_model(small(tmp_path, changes)).effects


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_crashes_run(path):
    """Struck into a quiet day, 4,096 paths: a barrier half way down the gap is touched by all, to be exact by 99 %."""
    crash = read_shock(path)
    gap = next(effect.fraction for effect in crash.effects if effect.kind == "gap" and effect.asset == "ETH")
    model = shocks_on(GBM(sigma=0.05), crash.effects, "ETH")
    found = first_passage(model, barriers=[1 + gap / 2], horizons=["1D"], step="1h", n_paths=4096, seed=1)
    assert float(found.probability[0, 0]) > 0.99


def test_the_study_of_the_crashes():
    plan = make_plan(load_study(config_root() / "studies" / "crashes.yaml"))
    assert [market.coords["shock"] for market in plan.markets] == [
        "none", "covid", "may-2021", "luna", "ftx", "carry", "tariffs",
    ]  # fmt: skip


def test_six_crashes_are_shipped():
    assert [path.stem for path in FILES] == ["2020-03", "2021-05", "2022-05", "2022-11", "2024-08", "2025-10"]


REFUSED = [
    ([{"kind": "gapp", "fraction": -0.1}], "shocks.crash[0].kind", ["= 'gapp'", "'gap'"]),
    ([{"kind": "gap", "fractoin": -0.1}], "shocks.crash[0].fractoin", ["no such key", "fraction"]),
    ([{"kind": "gap"}], "shocks.crash[0]", ["exactly one of fraction and log_size"]),
    ([{"kind": "gap", "fraction": -1.0}], "shocks.crash[0].fraction", ["greater than -1"]),
    ([{"kind": "gap", "fraction": -0.1, "at": "6 hours"}], "shocks.crash[0].at", ["= '6 hours'", "duration"]),
    ([{"kind": "gap", "fraction": -0.1, "at": {"between": "1D"}}], "shocks.crash[0].at", ["{within: 7D}"]),
    ([{"kind": "gap", "fraction": -0.1, "at": "90min"}], "shocks.crash[0].at", ["= '90min'", "steps of 1h"]),
    ([{"kind": "gap", "fraction": -0.1, "at": "3D"}], "shocks.crash[0].at", ["not before the last horizon, 3D"]),
    ([{"kind": "gap", "fraction": -0.1, "asset": "ETH"}], "shocks.crash.gap", ["= 'ETH'", "nothing about BTC"]),
    ([{"kind": "jump_intensity", "factor": 3.0}], "shocks.crash.effects", ["a gbm model has no jumps"]),
    ([{"kind": "correlation", "stress": 0.5, "asset": "BTC"}], "shocks.crash[0].asset", ["leave asset out"]),
    ([], "shocks.crash", ["must not be empty"]),
]


@pytest.mark.parametrize("effects, key, parts", REFUSED)
def test_a_refusal_says_where_what_and_how(tmp_path, effects, key, parts):
    with pytest.raises(InputError) as refusal:
        study_from_dict(small_dict(tmp_path, {"shocks": {"crash": effects}, "market": {"shock": "crash"}}), tmp_path)
    text = str(refusal.value)
    assert text.startswith((f"study: {key}: ", f"study: {key} = ")), text
    assert all(part in text for part in parts), text


def test_names_of_shocks(tmp_path):
    with pytest.raises(InputError, match="market.shock.*is no name under shocks.*'crash'"):
        small(tmp_path, {"shocks": {"crash": CRASH}, "market": {"shock": "crahs"}})
    with pytest.raises(InputError, match="shocks.none.*there is no shock"):
        small(tmp_path, {"shocks": {"none": CRASH}})
    with pytest.raises(InputError, match=r"shocks.crash.file.*there is no such shock file"):
        small(tmp_path, {"shocks": {"crash": {"file": "nothing.yaml"}}})
    with pytest.raises(InputError, match="this study has no funding"):
        shocked(tmp_path, funding=None)


def test_every_effect_has_an_example_here():
    kinds = {effect["kind"] for effects, *_ in REFUSED for effect in effects} | {effect["kind"] for effect in CRASH}
    assert set(EFFECTS) <= kinds
