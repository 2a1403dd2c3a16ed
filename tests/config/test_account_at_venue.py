"""What an account says of itself to its venue: the leverage set, its fee level; and the warnings where it does not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stresslab.config import study_from_dict
from stresslab.config.general_book import GeneralBook
from stresslab.errors import InputError
from stresslab.grid.plan import Plan, make_plan

AS_OF = datetime(2026, 9, 25, 12, tzinfo=UTC)


def plan_of(book: dict[str, Any], base: Path | str = ".", **changes: Any) -> Plan:
    data: dict[str, Any] = {
        "study": "at_venue",
        "as_of": AS_OF.isoformat(),
        "seed": 1,
        "market": {"asset": "BTC", "spot": 60_000.0, "model": "gbm", "step": "1h", "horizons": ["1D"]},
        "models": {"gbm": {"kind": "gbm", "sigma": 0.5}},
        "book": book,
        "sampling": {"paths": 256, "block": 256},
    }
    return make_plan(study_from_dict(data | changes, base=base))


def only(plan: Plan) -> GeneralBook:
    (book,) = plan.books
    assert isinstance(book, GeneralBook)
    return book


SHORT = {"rulebook": "bybit/BTCUSDT", "margin_mode": "cross", "side": "short", "collateral": 20_000, "quantity": 1}


@pytest.mark.parametrize("leverage", [5, 20])
def test_the_fee_in_bybits_requirement_is_that_of_the_leverage_set(leverage: float) -> None:
    """A short of 1 BTC on 20,000 less the entry fee of 33: P = (79,967 - 0.00055 x 60,000 (1 + 1 / L)) / 1.0033."""
    plan = plan_of(SHORT | {"leverage_set": leverage})
    fee = 0.00055 * 60_000 * (1 + 1 / leverage)
    assert only(plan).liquidation_price == pytest.approx((80_000 - 33 - fee) / 1.0033, rel=1e-12)
    assert "leverage_set" not in [doubt.name for doubt in plan.doubts]


def test_without_a_leverage_set_the_one_that_is_taken_is_said() -> None:
    """60,000 over 20,000."""
    plan = plan_of(SHORT)
    assert only(plan).legs[0].leverage_set == pytest.approx(3.0)
    (doubt,) = [doubt for doubt in plan.doubts if doubt.name == "leverage_set"]
    assert "it is taken as notional over collateral, 3" in doubt.text and "Give book.leverage_set" in doubt.text


def test_each_position_of_an_account_has_a_leverage_set() -> None:
    position = {"side": "short", "quantity": 1, "leverage_set": 10}
    book = {"rulebook": "bybit/BTCUSDT", "margin_mode": "cross", "collateral": 20_000}
    assert only(plan_of(book | {"positions": [position]})).legs[0].leverage_set == 10
    with pytest.raises(InputError, match="leverage_set = 10.*belongs to one position"):
        plan_of(book | {"positions": [position], "leverage_set": 10})


@pytest.mark.parametrize("value", [0.5, -1, float("nan"), "ten", 1e6])
def test_a_senseless_leverage_set_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="book.leverage_set"):
        plan_of(SHORT | {"leverage_set": value})


def test_the_accounts_own_fee_is_paid_and_required() -> None:
    """OKX: the taker fee is paid on 60,000 at entry, and is in the requirement on the notional at the trigger."""
    book = {"rulebook": "okx/BTC-USDT-SWAP", "side": "long", "collateral": 6_000, "leverage": 10}
    for fees, taker in (({}, 0.0005), ({"fees": {"taker": 0.0002}}, 0.0002)):
        found = only(plan_of(book | fees))
        assert found.entry_fee == pytest.approx(60_000 * taker)
        assert found.liquidation_price == pytest.approx((60_000 - 6_000) / (1 - 0.004 - taker), rel=1e-12)


@pytest.mark.parametrize("fees", [{"taker": -0.1}, {"taker": 1}, {"taker": "none"}, {"takr": 0.1}, 0.1])
def test_a_senseless_fee_is_refused(fees: Any) -> None:
    with pytest.raises(InputError, match="book.fees"):
        plan_of(SHORT | {"fees": fees})


XBTUSD = {"rulebook": "bitmex/XBTUSD", "side": "long", "collateral": 0.1, "leverage": 5, "leverage_set": 5}


@pytest.mark.parametrize(("rate", "adverse"), [(3e-4, 3e-4), (-3e-4, 0.0)])
def test_adverse_funding_is_in_bitmexs_requirement(rate: float, adverse: float) -> None:
    """0.5 BTC at entry on 0.1 (the wallet pays the fee): 0.5 (0.005 + adverse) and 0.075 % of 0.6 are required."""
    plan = plan_of(XBTUSD, funding={"kind": "constant", "rate": rate, "interval": "8h"})
    left = 0.1 - 0.5 * (0.005 + adverse) - 0.00075 * 0.6
    assert only(plan).liquidation_price == pytest.approx(30_000 / (0.5 + left), rel=1e-12)


def test_replayed_rates_are_not_in_the_requirement_and_this_is_said(tmp_path: Path) -> None:
    stamps = [AS_OF.replace(hour=8) + timedelta(hours=8 * place) for place in range(8)]
    rows = [f"{stamp:%Y-%m-%dT%H:%M:%SZ},0.0001" for stamp in stamps]
    (tmp_path / "rates.csv").write_text("\n".join(["timestamp,funding_rate", *rows]) + "\n")
    plan = plan_of(XBTUSD, tmp_path, funding={"kind": "replay", "file": "rates.csv", "interval": "8h"})
    (doubt,) = [doubt for doubt in plan.doubts if doubt.name == "frozen_funding"]
    assert "the requirement of bitmex/XBTUSD contains the current funding rate, taken as 0" in doubt.text
