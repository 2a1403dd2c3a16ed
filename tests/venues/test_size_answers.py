"""Tiers, margins and leverage of a size: units, open interest, rounding, and what is refused."""

import re

import numpy as np
import pytest

from stresslab import venues
from stresslab.errors import InputError, NotAllowed
from stresslab.venues import rounding

OLDER = {  # whose tables the figures are of
    "bybit/BTCUSDT": "2025",
    "gate/BTC_USDT": "2025",
    "kraken/PI_XBTUSD": "2024",
    "okx/BTC-USDT-SWAP": "2021",
    "okx/ETH-USDT-SWAP": "2021",
    "binance_usdm/BTCUSDT": "2024",
    "binance_usdm/ETHUSDT": "2024",
}
LOAD = {name: venues.load(f"{name}@{OLDER[name]}" if name in OLDER else name) for name in venues.available()}
DYDX = LOAD["dydx_v4/SOL-USD"]


def one_rate(book, initial, maintenance, **requirement):
    tier = {"floor": 0, "cap": None, "mmr": maintenance, "imr": initial, "max_leverage": 1 / initial, "cum": 0}
    return venues.variant(book, {"requirement": {"tiers": [tier], **requirement}})


@pytest.mark.parametrize(
    "name, quantity, price, notional, size",
    [
        ("binance_usdm/BTCUSDT", 2.0, 50_000.0, 100_000.0, 100_000.0),  # USDT, counted in USDT
        ("binance_coinm/BTCUSD_PERP", 1e6, 50_000.0, 20.0, 20.0),  # BTC, counted in BTC
        ("okx/ETH-USDT-SWAP", 30.0, 2_000.0, 60_000.0, 300.0),  # contracts of 0.1 ETH
        ("kraken/PI_XBTUSD", 1e6, 50_000.0, 20.0, 1e6),  # contracts of 1 USD
        ("deribit/BTC-PERPETUAL", 1e6, 50_000.0, 20.0, 20.0),  # BTC
        ("deribit/BTC_USDC-PERPETUAL", 2.0, 50_000.0, 100_000.0, 2.0),  # BTC, USDC of notional
        ("kucoin/XBTUSDM", 1e5, 50_000.0, 2.0, 1e5),  # USD
        ("drift_v2/BTC-PERP", 2.0, 50_000.0, 100_000.0, 2.0),
    ],
)
def test_notional_and_size(name, quantity, price, notional, size):
    book = LOAD[name]
    assert book.notional(quantity, price) == notional
    assert book.size(quantity, price) == size
    assert np.shape(book.size([quantity, quantity], [[price], [price]])) in {(2,), (2, 2)}


def test_quantity_of_contracts():
    assert LOAD["okx/BTC-USDT-SWAP"].quantity(100) == pytest.approx(1.0)
    assert LOAD["binance_coinm/BTCUSD_PERP"].quantity(3) == 300.0
    with pytest.raises(InputError, match="contracts = 0.0: must be above 0"):
        LOAD["bitmex/XBTUSD"].quantity(0)


@pytest.mark.parametrize(
    "name, notional, size, maintenance, initial",
    [
        ("deribit/BTC-PERPETUAL", 100.0, None, 100 * (0.01 + 100 * 5e-5), 100 * (0.02 + 100 * 5e-5)),
        ("deribit/BTC_USDC-PERPETUAL", 1e6, 20.0, 1e6 * 0.011, 1e6 * 0.021),
        ("drift_v2/SOL-PERP", 1e5, 1e6, 1e5 * (0.8 * 0.05 + 0.1), 1e5 * (0.8 * 0.1 + 0.1)),
        ("drift_v2/SOL-PERP", 1e5, 100.0, 1e5 * 0.05, 1e5 * 0.1),
        ("kraken/PI_XBTUSD", 20.0, 1e6, 20 * 0.015, 20 * 0.04),  # 1 % of one half, 2 % of the other
        ("kraken/PI_XBTUSD", 20.0, 1.5e6, 20 * (0.01 + 0.02 + 0.03) / 3, 20 * 0.06),
        ("okx/ETH-USDT-SWAP", 20.0, 6_000.0, 20 * 0.005, 20 * 0.01),  # a cap belongs to the tier below
        ("okx/ETH-USDT-SWAP", 20.0, 6_001.0, 20 * 0.01, 20 * 0.015),
        ("bitmex/XBTUSD", 201.0, None, 201 * 0.01, 201 * 0.015),
        ("hyperliquid/BTC", 2e8, None, 2e8 * 0.025 - 1_875_000, 2e8 * 0.05),
        ("gate/BTC_USDT", 1.2e6, None, 1.2e6 * 0.02 - 10_835, 1.2e6 * 0.04),
        ("bybit/BTCUSDT", 3e6, None, 3e6 * 0.0063 - 3_020, 3e6 / 80),
    ],
)
def test_margins_of_every_shape(name, notional, size, maintenance, initial):
    book = LOAD[name]
    assert book.maintenance_margin(notional, size) == pytest.approx(maintenance, rel=1e-12)
    assert book.initial_margin(notional, size=size) == pytest.approx(initial, rel=1e-12)
    assert book.max_leverage(notional if size is None else size) == pytest.approx(notional / initial, rel=1e-12)


def test_a_leverage_may_be_lower_than_the_largest_and_not_higher():
    book = LOAD["okx/ETH-USDT-SWAP"]
    assert book.initial_margin(1e5, 10, size=3_000) == pytest.approx(1e4)
    with pytest.raises(NotAllowed) as refusal:
        book.initial_margin(1e5, 110, size=3_001)
    assert str(refusal.value) == (
        "leverage = 110.0: at a size of 3,001 contracts okx/ETH-USDT-SWAP allows a leverage above 0 and at most "
        "100. Lower the leverage to at most 100, or the size to at most 3,000 contracts"
    )
    with pytest.raises(NotAllowed, match=re.escape("kucoin/XBTUSDM allows at most 1,000,000 USD")):
        LOAD["kucoin/XBTUSDM"].check_allowed(30.0, 5, size=1.1e6)
    with pytest.raises(NotAllowed, match=re.escape("at a size of 100 BTC deribit/BTC_USDC-PERPETUAL allows")):
        LOAD["deribit/BTC_USDC-PERPETUAL"].check_allowed(5e6, 45, size=100.0)


@pytest.mark.parametrize(
    "open_interest, initial",
    [
        (408.163265 * 36_750, 264.599559),
        (1_000.0 * 36_750, 441.0),
        (200.0 * 36_750, 88.2),
        (None, 88.2),
    ],
)
def test_open_interest_raises_the_initial_rate_only(open_interest, initial):
    """dYdX v4's own figures: 0.012 at 36,750, base rate 20 %, from 10 to 20 million; maintenance stays 44.1."""
    book = one_rate(DYDX, 0.2, 0.1, oi_scaling={"lower": 10e6, "upper": 20e6})
    assert book.initial_margin(0.012 * 36_750, open_interest=open_interest) == pytest.approx(initial, rel=1e-9)
    assert book.maintenance_margin(0.012 * 36_750) == pytest.approx(44.1, rel=1e-9)


def test_margins_are_rounded_up_in_two_steps():
    """dYdX v4: the initial margin is rounded up, and its maintenance fraction again."""
    book = one_rate(DYDX, 0.05, 0.03)
    value = 0.074523 * 123_456
    assert book.initial_margin(value) == pytest.approx(460.015575, rel=1e-12)
    assert book.maintenance_margin(value) == pytest.approx(276.009345, rel=1e-12)
    # 2.1e-6 becomes 3e-6, and 0.4 of that, 1.2e-6, becomes 2e-6: at once, 0.84e-6 would become 1e-6
    initial, maintenance = rounding.rounded_margins(2.1e-5, 0.1, 0.4)
    assert (initial, maintenance) == (pytest.approx(3e-6), pytest.approx(2e-6))


def test_whole_numbers_stay_whole():
    """0.1 * 3 is a rounding above 0.3: it is no fourth part."""
    assert rounding.rounded_up(0.1 * 3, 0.1) == pytest.approx(0.3)
    assert rounding.rounded_down(0.3, 0.1) == pytest.approx(0.3)  # 0.3 / 0.1 is a rounding below 3
    assert rounding.rounded_up(0.3001, 0.1) == pytest.approx(0.4)
    assert rounding.rounded_up([1e9 + 1e-6, 5.0], 1e-6) == pytest.approx([1e9 + 1e-6, 5.0], rel=1e-15)
    assert rounding.rounded_up(7.0, 1.0) == 7.0 and rounding.rounded_down(7.9999, 1.0) == 7.0


@pytest.mark.parametrize("initial, fraction, expected", [(150_000, 800_000, 120_000), (637_239, 289_284, 184_343)])
def test_maintenance_in_millionths(initial, fraction, expected):
    assert rounding.maintenance_ppm(initial, fraction) == expected


def test_standard_margin_of_options():
    """Deribit, BTC at 50,000: a call at 60,000 is 20 % out of the money, a put at 40,000 too; one at 45,000 is 10 %."""
    book = LOAD["deribit/BTC-OPTIONS"]
    short = book.option_margin("short", ["call", "put", "call", "put"], [60e3, 40e3, 50e3, 45e3], 50e3, 0.02, 3.0)
    assert short.initial == pytest.approx(3 * np.array([0.12, 0.12, 0.17, 0.12]))
    assert short.maintenance == pytest.approx(3 * np.array([0.095] * 4))
    assert book.option_margin("long", "call", 60e3, 50e3, 0.02) == (0.0, 0.0)
    contract = {"premium_in": "quote"}
    quoted = venues.variant(book, {"contract": contract}).option_margin("short", "put", 40e3, 50e3, 1_000.0)
    assert quoted == (pytest.approx(6_000.0), pytest.approx(4_750.0))
    deep = book.option_margin("short", "put", 150e3, 50e3, 2.0)  # the premium is above the underlying: 7.5 % of it
    assert deep == (pytest.approx(2.15), pytest.approx(2.15))
    with pytest.raises(InputError, match='right = \'Call\': must be "call" or "put"'):
        book.option_margin("short", "Call", 1.0, 1.0, 0.1)
    with pytest.raises(InputError, match="is no rulebook of options"):
        DYDX.option_margin("short", "call", 1.0, 1.0, 0.1)
