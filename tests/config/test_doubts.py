"""Doubts about a study: each kind on both sides of its threshold, what is stored, and whose asset it is."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.studies import small, small_dict

from stresslab.config import doubts as doubts_module
from stresslab.config import study_from_dict
from stresslab.config.doubts import Doubt, future
from stresslab.errors import InputError
from stresslab.execution import run
from stresslab.grid.plan import make_plan

ONE: dict[str, Any] = {"sweep": {"book.leverage": [5.0]}, "book": {"side": "long"}}
AS_OF = datetime(2025, 1, 1, tzinfo=UTC)


def study(folder: Path, **changes: Any):
    return small(folder, ONE | changes)


def names(folder: Path, **changes: Any) -> list[str]:
    return [doubt.name for doubt in make_plan(study(folder, **changes)).doubts]


def model_file(folder: Path, **fitted: Any) -> dict[str, Any]:
    """A study whose model is read from a file with this content of `fitted`."""
    given = {"as_of": AS_OF} | fitted
    content = {"kind": "heston", "parameters": {"v0": 0.3, "kappa": 6.0, "theta": 0.5, "xi": 2.0, "rho": -0.4}}
    (folder / "model.yaml").write_text(yaml.safe_dump(content | {"fitted": given}))
    return {"models": {"gbm": {"file": "model.yaml"}}}


def test_a_plain_study_has_no_doubts(tmp_path: Path) -> None:
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ({"kind": "gbm", "sigma": 2.99}, []),
        ({"kind": "gbm", "sigma": 60.0}, ["volatility"]),
        ({"kind": "gbm", "sigma": 0.009}, ["volatility"]),
        ({"kind": "heston", "v0": 50.0, "kappa": 5.0, "theta": 0.5, "xi": 1.0, "rho": 0.0}, ["volatility"]),
        ({"kind": "heston", "v0": 0.5, "kappa": 5.0, "theta": 36.0, "xi": 1.0, "rho": 0.0}, ["volatility"]),
    ],
)
def test_volatilities(model: dict[str, Any], found: list[str], tmp_path: Path) -> None:
    assert names(tmp_path, models={"gbm": model}) == found


def test_a_model_that_no_cell_uses_is_not_doubted(tmp_path: Path) -> None:
    assert names(tmp_path, models={"gbm": {"kind": "gbm", "sigma": 0.6}, "x": {"kind": "gbm", "sigma": 60.0}}) == []


def test_swept_values_are_doubted_once(tmp_path: Path) -> None:
    sweep = {"models.gbm.sigma": [0.5, 4.0, 5.0], "book.leverage": [2.0, 3.0]}
    found = make_plan(study(tmp_path, sweep=sweep)).doubts
    assert [doubt.got for doubt in found] == ["400 % a year"]


@pytest.mark.parametrize(("factor", "count"), [(10.0, 0), (100.0, 1)])
def test_a_shock_beyond_any_crash(factor: float, count: int, tmp_path: Path) -> None:
    shocks = {"x": [{"kind": "volatility", "factor": factor}, {"kind": "volatility", "factor": 50.0, "asset": "ETH"}]}
    changes = {"models": {"gbm": {"kind": "gbm", "sigma": 0.6}}, "shocks": shocks, "market": {"shock": "x"}}
    found = make_plan(study(tmp_path, **changes)).doubts
    assert len(found) == count and all("under the shock x" in doubt.rule for doubt in found)


@pytest.mark.parametrize(
    ("funding", "count"),
    [
        ({"kind": "constant", "rate": 0.003}, 0),
        ({"kind": "constant", "rate": 0.01}, 1),
        ({"kind": "constant", "rate": -0.01}, 1),
        ({"kind": "mean_reverting", "rate": 1e-4, "mean": 0.01, "speed": 50.0, "volatility": 0.001}, 1),
    ],
)
def test_funding(funding: dict[str, Any], count: int, tmp_path: Path) -> None:
    assert names(tmp_path, funding=funding | {"interval": "8h"}) == ["funding"] * count


@pytest.mark.parametrize(("rate", "count"), [(0.0029, 0), (0.0031, 1)])
def test_recorded_funding(rate: float, count: int, tmp_path: Path) -> None:
    """The ninth of nine payments."""
    stamps = [AS_OF + timedelta(hours=8 * place) for place in range(12)]
    rows = [f"{stamp:%Y-%m-%dT%H:%M:%SZ},{rate if place == 9 else 1e-4}" for place, stamp in enumerate(stamps)]
    (tmp_path / "rates.csv").write_text("\n".join(["timestamp,funding_rate", *rows]) + "\n")
    funding = {"kind": "replay", "file": "rates.csv", "interval": "8h"}
    replayed = study_from_dict(small_dict(tmp_path, ONE) | {"funding": funding}, base=tmp_path)
    assert [doubt.name for doubt in make_plan(replayed).doubts] == ["funding"] * count


@pytest.mark.parametrize(("days", "found"), [(8, []), (9, ["old_state"])])
def test_the_state_of_a_model_ages(days: int, found: list[str], tmp_path: Path) -> None:
    assert names(tmp_path, **model_file(tmp_path, as_of=AS_OF - timedelta(days=days))) == found


def test_a_study_may_say_how_old_a_state_may_be(tmp_path: Path) -> None:
    changes = model_file(tmp_path, as_of=AS_OF - timedelta(days=30))
    changes["models"]["gbm"]["max_state_age"] = "40D"
    assert names(tmp_path, **changes) == []


@pytest.mark.parametrize(
    ("fitted", "said"),
    [
        ({"doubts": ["kappa sits on its bound"], "warnings": ["a remark"]}, ["kappa sits on its bound"]),
        ({"doubts": [], "warnings": ["a remark"]}, []),
        ({"warnings": ["of a file of before", "and another"]}, ["of a file of before; and another"]),
        ({"warnings": "people write what they like"}, ["people write what they like"]),
    ],
)
def test_the_doubts_of_a_model_file_are_repeated(fitted: dict[str, Any], said: list[str], tmp_path: Path) -> None:
    found = make_plan(study(tmp_path, **model_file(tmp_path, **fitted))).doubts
    assert [doubt.rule for doubt in found] == [f"the fit in this file is doubtful: {text}" for text in said]


def test_a_night_that_has_not_come_is_told_from_the_time_given() -> None:
    assert list(future(AS_OF, AS_OF)) == []
    (found,) = future(AS_OF, AS_OF - timedelta(seconds=1))
    assert found.text.startswith(
        "as_of = '2025-01-01T00:00:00Z': the date lies in the future: it is 2024-12-31T23:59:59Z"
    )


def test_doubts_are_stored_and_strict_refuses(tmp_path: Path) -> None:
    doubtful = study(tmp_path, models={"gbm": {"kind": "gbm", "sigma": 4.0}})
    with pytest.raises(InputError, match="models.gbm = '400 % a year': the volatility at as_of is above 300 % a year"):
        run(doubtful, strict=True)
    stored = json.loads(run(doubtful).attrs["warnings"])
    assert stored == [doubt.text for doubt in make_plan(doubtful).doubts] and len(stored) == 1
    assert json.loads(run(study(tmp_path), strict=True).attrs["warnings"]) == []


def test_a_further_doubt_about_books_is_one_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked of every allowed book, 5x and 12x but not 60x; of swept values the first is named."""
    asked: list[float] = []

    def leveraged(cell: Any, book: Any) -> list[Doubt]:
        asked.append(book.leverage)
        return [Doubt("high", "book.leverage", cell.book.leverage, f"{book.leverage:g}x", "Lower it")]

    monkeypatch.setattr(doubts_module, "OF_BOOKS", (leveraged,))
    plan = make_plan(study(tmp_path, sweep={"book.leverage": [5.0, 12.0, 60.0]}))
    assert [doubt.rule for doubt in plan.doubts] == ["5x"] and asked == [5.0, 12.0]


@pytest.mark.parametrize(
    ("asset", "base", "is_refused"), [("BTC", "BTC", False), ("XBT", "BTC", False), ("ETH", "BTC", True)]
)
def test_the_asset_is_that_of_the_contract(asset: str, base: str, is_refused: bool, tmp_path: Path) -> None:
    given = {**ONE, "market": {"asset": asset}}
    mixed = small(tmp_path, given, contract={"base": base})
    if not is_refused:
        assert make_plan(mixed).ladders
        return
    with pytest.raises(InputError, match="the asset is ETH, and the underlying of the contract is BTC.*stand_in: true"):
        make_plan(mixed)
    said = small(tmp_path, given | {"book": {"side": "long", "stand_in": True}}, contract={"base": base})
    assert make_plan(said).ladders


@pytest.mark.parametrize("stand_in", [False, True])
@pytest.mark.parametrize(
    ("asset", "base", "words"),
    [
        (
            "PEPE",
            "1000PEPE",
            "the price of the contract is that of 1000PEPE, 1000 times the price of PEPE.*1000PEPE as",
        ),
        ("1000PEPE", "PEPE", "the price of the contract is that of PEPE, 1/1000 of the price of 1000PEPE"),
        ("SHIB", "kSHIB", "Write kSHIB as the asset and give its price"),
        ("1000PEPE", "1000PEPE", ""),
        ("1000SHIB", "kSHIB", ""),
    ],
)
def test_a_contract_on_a_multiple_has_the_price_of_the_multiple(
    asset: str, base: str, words: str, stand_in: bool, tmp_path: Path
) -> None:
    """A factor of 1000 between the prices is never passed over: a stand-in stands in for rules, not for a price."""
    given = {**ONE, "market": {"asset": asset}, "book": {"side": "long", "stand_in": stand_in}}
    mixed = small(tmp_path, given, contract={"base": base})
    if not words:
        assert make_plan(mixed).ladders
        return
    with pytest.raises(InputError, match=words):
        make_plan(mixed)


def test_a_law_of_the_price_level_keeps_to_the_multiple_of_its_fit(tmp_path: Path) -> None:
    """SABR's alpha is in price^(1 - beta): that of PEPE is not that of 1000PEPE. A law of log prices is the same."""
    sabr = {"alpha": 0.5, "beta": 0.5, "rho": -0.3, "nu": 0.8}
    given = {**ONE, "market": {"asset": "1000PEPE"}}
    for fitted, level in (("1000PEPE", True), ("PEPE", False), ("PEPE", True)):
        model = {"kind": "sabr", "parameters": sabr} if level else {"kind": "gbm", "parameters": {"sigma": 0.8}}
        path = tmp_path / "fit.yaml"
        path.write_text(yaml.safe_dump({**model, "fitted": {"as_of": AS_OF, "asset": fitted}}))
        mixed = small(tmp_path, {**given, "models": {"gbm": {"file": str(path)}}}, contract={"base": "1000PEPE"})
        if not (level and fitted == "PEPE"):
            assert make_plan(mixed).ladders
            continue
        with pytest.raises(InputError, match="depends on the level of the price, which was that of PEPE"):
            make_plan(mixed)


def test_the_asset_is_that_of_the_model_file(tmp_path: Path) -> None:
    changes = model_file(tmp_path, asset="ETH")
    with pytest.raises(InputError, match="fitted to ETH, and the study's asset is BTC.*stand_in_for: BTC"):
        make_plan(study(tmp_path, **changes))
    changes["models"]["gbm"]["stand_in_for"] = "SOL"
    with pytest.raises(InputError, match="fitted to ETH"):
        make_plan(study(tmp_path, **changes))
    changes["models"]["gbm"]["stand_in_for"] = "XBT"
    assert make_plan(study(tmp_path, **changes)).ladders
    assert make_plan(study(tmp_path, **model_file(tmp_path, asset="XBT"))).ladders
