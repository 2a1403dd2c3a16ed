"""What a sweep expands to: order, coordinates, and cells that are studies of their own."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stresslab.config import dims, expand, is_market_path, load_study, study_from_dict
from stresslab.config import sweep as sweeping
from stresslab.config.paths import sweepable
from stresslab.errors import InputError

RULEBOOKS = ["binance_usdm/BTCUSDT", "binance_usdm/ETHUSDT"]


def test_cells_come_in_row_major_order_of_the_sweep(study_file: Path) -> None:
    study = load_study(study_file)
    assert dims(study) == {"model": "market.model", "side": "book.side", "leverage": "book.leverage"}
    cells = expand(study)
    expected = itertools.product(["gbm", "heston"], ["long", "short"], [3.0, 5.0, 10.0, 20.0, 50.0, 100.0])
    assert [tuple(cell.coords.values()) for cell in cells] == list(expected)
    assert [cell.index for cell in cells] == list(range(24))
    assert all(list(cell.coords) == ["model", "side", "leverage"] for cell in cells)


def test_each_cell_is_what_the_study_says_without_a_sweep(data: dict[str, Any]) -> None:
    cells = expand(study_from_dict(data))
    data["limits"], sweep = [], data.pop("sweep")
    for cell, (model, side, leverage) in zip(cells, itertools.product(*sweep.values()), strict=True):
        data["market"]["model"], data["book"]["side"], data["book"]["leverage"] = model, side, leverage
        alone = study_from_dict(data)
        assert cell.study == alone and cell.study.hash == alone.hash


def test_a_study_without_a_sweep_is_one_cell(data: dict[str, Any]) -> None:
    del data["sweep"], data["limits"]
    study = study_from_dict(data)
    (cell,) = expand(study)
    assert cell.index == 0 and cell.coords == {} and cell.study == study


def test_a_swept_field_need_not_be_written_in_its_block(data: dict[str, Any]) -> None:
    with_base = [cell.study for cell in expand(study_from_dict(data))]
    del data["book"]["leverage"], data["book"]["side"], data["market"]["model"]
    assert [cell.study for cell in expand(study_from_dict(data))] == with_base


def test_parameters_of_one_swept_model_cross_with_the_others(data: dict[str, Any]) -> None:
    data["sweep"] = {"market.model": ["gbm", "heston"], "models.heston.v0": [0.2, 0.4]}
    data["limits"] = []
    cells = expand(study_from_dict(data))
    assert [(cell.coords["model"], cell.study.models["heston"].v0) for cell in cells] == [  # type: ignore[attr-defined]
        ("gbm", 0.2), ("gbm", 0.4), ("heston", 0.2), ("heston", 0.4),
    ]  # fmt: skip


@pytest.mark.parametrize("path, values, coords", [
    ("as_of", ["2026-11-21T00:00:00Z", "2026-11-21T09:00:00+01:00"], ["2026-11-21T00:00:00Z", "2026-11-21T08:00:00Z"]),
    ("market.step", ["60min", "2h"], ["1h", "2h"]),
    ("market.spot", [1, 2.5], [1.0, 2.5]),
    ("models.heston.rho", [-0.5, 0], [-0.5, 0.0]),
    ("funding.rate", [-1.0e-4, 0], [-1.0e-4, 0.0]),
    ("funding.interval", ["4h", "8h"], ["4h", "8h"]),
    ("book.rulebook", RULEBOOKS, RULEBOOKS),
    ("book.collateral", [1, 10], [1.0, 10.0]),
    ("book.entry_price", [80_000, 90_000], [80_000.0, 90_000.0]),
    ("book.slippage_bps", [0, 25], [0.0, 25.0]),
])  # fmt: skip
def test_every_kind_of_field_can_be_swept(
    data: dict[str, Any], path: str, values: list[Any], coords: list[Any]
) -> None:
    data["sweep"], data["limits"] = {path: values}, []
    study = study_from_dict(data)
    name = path.rpartition(".")[2]
    assert [cell.coords[name] for cell in expand(study)] == coords
    assert all(type(cell.coords[name]) is type(coords[0]) for cell in expand(study))
    assert all(cell.coords[name] in study.sweep[path] for cell in expand(study))


def test_limits_are_spelled_as_the_sweep_is(data: dict[str, Any]) -> None:
    data["sweep"] = {"market.step": ["60min", "2h"], "as_of": ["2026-11-21T00:00:00Z"]}
    limit = {"name": "a", "event": "liquidation", "horizon": "24h", "max": 0.1}
    data["limits"] = [limit | {"where": {"step": "3600s", "as_of": "2026-11-21T01:00:00+01:00"}}]
    (resolved,) = study_from_dict(data).limits
    assert resolved.where == {"step": "1h", "as_of": "2026-11-21T00:00:00Z"} and resolved.horizon == "1D"


def test_a_combination_that_cannot_be_is_named(data: dict[str, Any]) -> None:
    data["funding"] = {"kind": "mean_reverting", "rate": 0.0, "mean": 0.0, "half_life": "1D", "volatility": 0.01}
    data["sweep"], data["limits"] = {"funding.floor": [-0.01, 0.001], "funding.cap": [0.01, 0.005]}, []
    assert len(expand(study_from_dict(data))) == 4
    data["sweep"] = {
        "funding.floor": [-0.01, 0.001, 0.006],
        "funding.cap": [0.01, 0.005],
    }  # each fits the first of the other
    study = study_from_dict(data, file="nightly")
    with pytest.raises(
        InputError, match=r"nightly: funding.floor = 0.006: .*funding.floor = 0.006, funding.cap = 0.005"
    ):
        expand(study)


def test_a_step_and_an_interval_may_be_swept_together(data: dict[str, Any]) -> None:
    """Neither has to divide the other."""
    data["sweep"], data["limits"] = {"market.step": ["1h", "3h", "1D"], "funding.interval": ["8h", "2h"]}, []
    assert len(expand(study_from_dict(data))) == 6


def test_which_paths_belong_to_the_market(data: dict[str, Any]) -> None:
    paths = sweepable(study_from_dict(data))
    assert {path for path in paths if not is_market_path(path)} == {path for path in paths if path.startswith("book.")}
    assert is_market_path("as_of") and is_market_path("models.gbm.sigma") and is_market_path("funding.rate")


def test_every_path_that_is_offered_can_be_swept(data: dict[str, Any]) -> None:
    del data["sweep"], data["limits"]
    data["book"]["entry_price"] = 80_000
    special = {"as_of": "2026-11-21T00:00:00Z", "market.model": "gbm", "market.step": "1h", "funding.interval": "8h"}
    special |= {
        "book.rulebook": RULEBOOKS[0],
        "book.side": "long",
        "book.margin_mode": "cross",
        "book.leverage_set": 20,
    }
    for path in sweepable(study_from_dict(data)):
        if path != "book.quantity":  # a third size here, and the name of a result
            sweep = {"market.model": ["gbm", "heston"]} | {path: [special.get(path, 0.5)]}
            assert len(expand(study_from_dict(data | {"sweep": sweep}))) == (1 if path == "market.model" else 2)


def test_ten_thousand_cells_are_not_validated_one_by_one(data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every distinct market and every distinct book once: 200 validations for 10,000 cells."""
    data["limits"] = []
    data["sweep"] = {"market.spot": list(range(1, 101)), "book.leverage": list(range(1, 101))}
    study, calls = study_from_dict(data), Counter[str]()

    def counted(name: str) -> Any:
        real = getattr(sweeping, name)

        def call(*given: Any) -> Any:
            calls[name] += 1
            return real(*given)

        return call

    for name in ("changed", "check_market", "check_policies"):
        monkeypatch.setattr(sweeping, name, counted(name))
    assert len(expand(study)) == 10_000
    assert calls == {"changed": 200, "check_market": 200, "check_policies": 200}
