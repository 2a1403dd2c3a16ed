"""Stops beyond the liquidation price: figures by hand, the words, and that the next move named does make them act."""

import re
from typing import Any

import pytest

from stresslab.config import study_from_dict
from stresslab.config.late_stops import late_stops
from stresslab.execution import run_plan
from stresslab.grid.plan import Plan, make_plan
from stresslab.grid.serial import Serial

SPOT = 90_000.0
BINANCE, INVERSE = "binance_usdm/BTCUSDT", "binance_coinm/BTCUSD_PERP"
LONG: dict[str, Any] = {"rulebook": BINANCE, "side": "long", "collateral": 9_000.0, "quantity": 1.0}
SHORT = LONG | {"side": "short"}
# 10 times 90,000 in the second tier, mmr 0.5 %, 50 off: (90,000 - 9,000 - 50) / 0.995 and (99,000 + 50) / 1.005
LOW, HIGH = 80_950 / 0.995, 99_050 / 1.005


def planned(book: dict[str, Any], held: Any, **rest: Any) -> Plan:
    return make_plan(
        study_from_dict(
            {
                "study": "late",
                "as_of": "2025-01-01T00:00:00Z",
                "seed": 1,
                "market": {"asset": "BTC", "spot": SPOT, "model": "gbm", "step": "1h", "horizons": ["7D"]},
                "models": {"gbm": {"kind": "gbm", "sigma": 0.6}},
                "book": book | {"policies": held},
                "sampling": {"paths": 2048, "block": 2048},
            }
            | rest
        )
    )


def doubt(book: dict[str, Any], *policies: dict[str, Any], **rest: Any) -> str | None:
    (found,) = planned(book, list(policies), **rest).books
    said = [f"{one.key}: {one.rule}. {one.hint}." for one in late_stops(found)]  # type: ignore[arg-type]
    return " ".join(said) or None


def stop(**fields: Any) -> dict[str, Any]:
    return {"kind": "stop_loss", **fields}


def test_the_sentence_of_a_stop_loss() -> None:
    assert doubt(LONG, stop(distance=0.1)) == (
        "book.policies[0]: the stop-loss of position 0 (long on binance_usdm/BTCUSDT) acts at 81,000.00, beyond the "
        "liquidation price of 81,356.78: the position is liquidated before it can act. Set distance below 0.096, or "
        "lower the leverage."
    )


def test_the_sentence_of_a_trailing_stop() -> None:
    """81,000 now; the level follows a rise, and lies above the liquidation price from 81,356.78 / 0.9 on."""
    said = doubt(LONG, {"kind": "trailing_stop", "distance": 0.1})
    assert said is not None
    assert "the trailing stop of position 0 (long on binance_usdm/BTCUSDT) stands at 81,000.00" in said
    assert "it cannot act before the liquidation until the price has risen to 90,396.43. Set distance below" in said


LATE = [
    (LONG, {"distance": 0.1}, "below 0.096"),
    (LONG, {"price": 81_356.0}, f"Set price above {LOW:,.2f}"),
    (SHORT, {"distance": 0.1}, "Set distance below 0.095"),
    (SHORT, {"price": 98_558.0}, f"Set price below {HIGH:,.2f}"),
    (LONG, {"of_margin": 0.97}, "Set of_margin below 0.96"),  # 8,643.22 of 9,000
    (LONG | {"margin_mode": "cross"}, {"of_margin": 0.99}, "Set of_margin below 0.9"),
    (LONG | {"rulebook": INVERSE, "collateral": 0.1, "quantity": 90_000.0}, {"of_margin": 0.98}, "of_margin below 0.9"),
    (
        {
            "rulebook": "gmx_v2/BTC-USD",
            "side": "long",
            "leverage": 10.0,
            "collaterals": [{"asset": "BTC", "amount": 0.1}],
        },
        {"distance": 0.09},
        "Set distance below 0.08",
    ),
]


@pytest.mark.parametrize("book, fields, move", LATE)
def test_a_late_stop_is_found_and_its_next_move_is_right(
    book: dict[str, Any], fields: dict[str, Any], move: str
) -> None:
    """What is named, a ten-thousandth on the safe side of it, is no longer late; a thousandth beyond it is."""
    said = doubt(book, stop(**fields))
    assert said is not None and move in said, said
    found = re.search(r"Set (\w+) (below|above) ([\d.,]+\d)", said)
    assert found is not None
    name, limit = found[1], float(found[3].replace(",", ""))
    inside = -1 if found[2] == "below" else 1
    assert doubt(book, stop(**{name: limit * (1 + 1e-4 * inside)})) is None
    assert doubt(book, stop(**{name: limit * (1 - 2e-3 * inside)})) is not None


IN_TIME = [
    (LONG, [stop(distance=0.09)]),
    (SHORT, [stop(distance=0.09)]),
    (LONG, [{"kind": "trailing_stop", "distance": 0.05}]),
    (LONG, [{"kind": "take_profit", "distance": 0.5}]),
    (LONG | {"leverage": 1.0, "collateral": None}, [stop(distance=0.99)]),  # no price liquidates it
    # another policy moves the liquidation price
    (LONG | {"reserve": 5_000.0}, [stop(distance=0.1), {"kind": "margin_top_up", "trigger": 1.5, "target": 2.0}]),
    (LONG, []),
]


@pytest.mark.parametrize("book, policies", IN_TIME)
def test_of_others_nothing_is_said(book: dict[str, Any], policies: list[dict[str, Any]]) -> None:
    assert doubt({key: value for key, value in book.items() if value is not None}, *policies) is None


def test_each_late_stop_has_its_sentence() -> None:
    """Two isolated accounts: the price is that of each."""
    positions = [{"side": side, "quantity": 1.0, "collateral": 9_000.0} for side in ("long", "short")]
    book = {"rulebook": BINANCE, "positions": positions}
    said = doubt(book, stop(distance=0.1), stop(distance=0.1, position=1), stop(distance=0.05, position=1))
    assert said is not None
    assert said.count("lower the leverage.") == 2
    assert "[0]" in said and "position 1 (short on" in said and "[2]" not in said


def test_a_named_set_is_called_by_its_name() -> None:
    (found,) = planned(LONG, "tight", policies={"tight": [stop(distance=0.1)]}).books
    assert late_stops(found)[0].key == "policies.tight[0]"  # type: ignore[arg-type]


def test_a_late_stop_changes_nothing_and_the_named_one_does() -> None:
    """2,048 paths, seed 1: liquidations with a stop at 10 % are those without; at 9 % there are none by diffusion."""
    held = ([], [stop(distance=0.1)], [stop(distance=0.09)])
    without, late, early = (run_plan(planned(LONG, one), Serial())["ruin_probability"].item() for one in held)
    assert without == late > 0.05
    assert early == 0
