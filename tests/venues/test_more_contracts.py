"""Rulebooks of more coins than two: a figure of each by hand, and a study on each."""

from typing import Any

import pytest
from helpers.spots import SPOTS

from stresslab import venues
from stresslab.config import study_from_dict
from stresslab.errors import InputError
from stresslab.execution import run_plan
from stresslab.grid.plan import make_plan
from stresslab.grid.serial import Serial

# rulebook: quantity, price, the requirement with the closing fee at ten times leverage, and the largest leverage
BY_HAND = {
    "binance_usdm/SOLUSDT": (10_000, 200.0, 2_000_000 * 0.02 - 11_475, 25),
    "binance_usdm/XRPUSDT": (50_000, 2.0, 100_000 * 0.01 - 360, 50),
    "binance_usdm/DOGEUSDT": (1_000_000, 0.2, 200_000 * 0.0125 - 655, 40),
    "binance_usdm/BNBUSDT": (500, 600.0, 300_000 * 0.01 - 810, 40),
    "binance_usdm/BTCUSDC": (10, 100_000.0, 1_000_000 * 0.01 - 2_550, 50),
    "binance_usdm/ETHUSDC": (200, 3_000.0, 600_000 * 0.0065 - 800, 75),
    "hyperliquid/BNB": (10_000, 600.0, 6_000_000 * 0.1 - 150_000, 5),
    "hyperliquid/XRP": (1_000_000, 2.0, 2_000_000 * 0.025, 20),
    "hyperliquid/DOGE": (150_000_000, 0.2, 30_000_000 * 0.1 - 1_000_000, 5),
    "kraken/PF_DOGEUSD": (15_000_000, 0.2, 3_000_000 * 0.02 - 20_000, 25),
    "kraken/PF_ETHUSD": (1_000, 3_000.0, 3_000_000 * 0.02 - 20_000, 25),
    "kraken/PF_SHIBUSD": (800_000_000, 2e-5, 16_000 * 0.025, 20),
    "kraken/FF_XBTUSD_261225": (50, 100_000.0, 5_000_000 * 0.02 - 20_000, 25),
    "bybit/ETHUSDT": (100, 3_000.0, 300_000 * 0.005 + 0.00055 * 300_000 * 0.9, 100),
    "bybit/ADAUSDT": (200_000, 0.5, 100_000 * 0.0075 + 0.00055 * 100_000 * 0.9, 75),
    # 20,000,000 USD are 200 BTC; the closing fee is at 100,000 / 1.1
    "bybit/BTCUSD": (20_000_000, 100_000.0, 200 * 0.01 - 0.75 + 0.00055 * 20_000_000 * 1.1 / 100_000, 1 / 0.015),
    "okx/ADA-USDT-SWAP": (300_000, 0.5, 150_000 * (0.015 + 0.0005), 40),  # 3,000 contracts
    "okx/BTC-USD-SWAP": (300_000, 100_000.0, 3 * (0.005 + 0.0005), 1 / 0.015),  # 3,000 contracts
}


@pytest.mark.parametrize("name", BY_HAND)
def test_requirement_and_leverage_by_hand(name: str) -> None:
    quantity, price, wanted, leverage = BY_HAND[name]
    book = venues.load(name)
    margin = float(book.notional(quantity, price)) / 10
    got = float(book.required("long", price, quantity, margin, price, leverage_set=10))
    assert got == pytest.approx(wanted, rel=1e-9)
    assert float(book.max_leverage(book.size(quantity, price))) == pytest.approx(leverage, rel=1e-6)


def test_an_inverse_liquidation_price_at_bybit_by_hand() -> None:
    """1 BTC behind 1,000,000 USD from 100,000: 11 - 1e6 / P = 0.005 1e6 / P + 0.00055 1e6 x 1.1 / 1e5."""
    got = float(venues.load("bybit/BTCUSD").liquidation_price("long", 100_000, 1_000_000, 1, leverage_set=10))
    assert got == pytest.approx(1_005_000 / (11 - 0.00605), rel=1e-9)


def test_what_is_above_the_recorded_tiers_is_refused() -> None:
    for name, quantity, price in (("bybit/ADAUSDT", 500_000, 0.5), ("okx/ADA-USDT-SWAP", 460_000, 0.5)):
        book = venues.load(name)
        with pytest.raises(InputError, match="at most"):
            book.check_allowed(book.notional(quantity, price), 2, size=book.size(quantity, price))


def study(name: str) -> dict[str, Any]:
    rules = venues.load(name)
    asset = rules.contract.base
    market = {"asset": asset, "spot": SPOTS[asset], "model": "gbm", "step": "1h", "horizons": ["1D"]}
    book: dict[str, Any] = {"rulebook": name, "margin_mode": "isolated"}
    amount = 1_000.0 if rules.contract.kind == "linear" else 0.01
    if getattr(rules.contract, "dated", False):
        quantity = 8 * amount / SPOTS[asset]
        book["positions"] = [
            {"side": "long", "quantity": quantity, "collateral": amount, "expiry": "2026-12-25T08:00:00Z"}
        ]
    else:
        book |= {"side": "long", "collateral": amount, "leverage": 8.0}
    return {
        "study": "more",
        "as_of": "2026-09-26T00:00:00Z",
        "seed": 1,
        "market": market,
        "models": {"gbm": {"kind": "gbm", "sigma": 1.5}},
        "book": book,
        "sampling": {"paths": 256, "block": 256},
    }


@pytest.mark.parametrize("name", ["kraken/FF_XBTUSD_261225", "kraken/PF_SHIBUSD", "bybit/BTCUSD", "okx/ADA-USDT-SWAP"])
def test_a_study_runs(name: str) -> None:
    found = run_plan(make_plan(study_from_dict(study(name))), Serial())
    assert (found["status"] == "ok").all() and float(found["ruin_probability"].max()) > 0


@pytest.mark.parametrize("name", BY_HAND)
def test_a_study_is_planned(name: str) -> None:
    (book,) = make_plan(study_from_dict(study(name))).books
    assert not isinstance(book, InputError)


def test_a_dated_future_without_its_expiry_is_told_where_it_goes() -> None:
    given = study("kraken/FF_XBTUSD_261225")
    del given["book"]["positions"][0]["expiry"]
    with pytest.raises(InputError, match="is a dated future. Write the position under book.positions, with its expiry"):
        make_plan(study_from_dict(given))
