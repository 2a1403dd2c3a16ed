"""Cross accounts: other positions, and a long and a short leg of one contract on one balance."""

import math
import re

import numpy as np
import pytest
from helpers import naive_margin as naive
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab import venues
from stresslab.errors import InputError
from stresslab.venues import margin

LOAD = {name: venues.load(name) for name in venues.available()}
NETTED = venues.variant(
    venues.load("binance_usdm/BTCUSDT@2024"), {"requirement": {"netting": "max_leg"}}
)  # marginal, and only the larger leg is required
FLAT_BY_NOTIONAL = venues.variant(
    venues.load("binance_usdm/BTCUSDT@2024"),
    {"requirement": venues.load("okx/ETH-USDT-SWAP@2021").requirement.model_dump() | {"tier_unit": "quote"}},
)
HEDGED = {
    name: (book, naive.data_of(book))
    for name, book in {
        **{
            name: LOAD[name]
            for name in (
                "binance_usdm/BTCUSDT",
                "binance_coinm/BTCUSD_PERP",
                "okx/ETH-USDT-SWAP",
                "deribit/BTC-PERPETUAL",
                "deribit/BTC_USDC-PERPETUAL",
                "drift_v2/BTC-PERP",
            )
        },
        "netted": NETTED,
    }.items()
}
WALLET = 1_535_443.01
ETH, BTC = ("long", 1456.84, 3683.979), ("long", 32481.98, 109.488)
ETH_MARK, BTC_MARK = 1335.18, 31967.27


def test_binance_example_of_two_positions():
    """1,153.26 and 26,316.89, published to the cent (tables of 2021)."""
    eth, btc = venues.load("binance_usdm_2021/ETHUSDT"), venues.load("binance_usdm_2021/BTCUSDT")
    beside_eth = venues.others([venues.Position(btc, *BTC, BTC_MARK)])
    beside_btc = venues.others([venues.Position(eth, *ETH, ETH_MARK)])
    assert beside_eth.other_maintenance == pytest.approx(71_200.81144, rel=1e-8)
    assert beside_btc.other_maintenance == pytest.approx(356_512.508, rel=1e-8)
    assert eth.liquidation_price(*ETH, WALLET, **beside_eth._asdict()) == pytest.approx(1153.26, abs=0.005)
    assert btc.liquidation_price(*BTC, WALLET, **beside_btc._asdict()) == pytest.approx(26316.89, abs=0.005)
    assert eth.liquidation_price(*ETH, WALLET) == pytest.approx(1114.78, abs=0.005)
    assert btc.liquidation_price(*BTC, WALLET) == pytest.approx(18778.73, abs=0.005)


def test_others_are_summed_and_netted_by_underlying():
    kraken, linear = venues.load("kraken/PF_XBTUSD@2024"), venues.load("binance_usdm/BTCUSDT@2024")
    long = venues.Position(kraken, "long", 40_000.0, 10.0, 41_000.0)
    short = venues.Position(kraken, "short", 42_000.0, 4.0, 41_000.0)
    pnl, needs = venues.others([long, short])
    assert pnl == pytest.approx(10 * 1_000 + 4 * 1_000)
    assert needs == pytest.approx(0.01 * 410_000)  # the larger side alone
    both = venues.others([long, short, venues.Position(linear, "short", 40_000.0, 1.0, 41_000.0)])
    assert both.other_maintenance == pytest.approx(0.01 * 410_000 + 0.004 * 41_000)
    assert venues.others([]) == (0.0, 0.0)
    several = venues.others([long._replace(price=np.array([40_000.0, 41_000.0]))])
    assert several.other_pnl.tolist() == [0.0, 10_000.0]


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(HEDGED)),
    money=st.tuples(st.floats(3, 6.5), st.floats(3, 6.5)),
    entries=st.tuples(st.floats(0.8, 1.25), st.floats(0.8, 1.25)),
    leverage=st.floats(1, 40),
)
def test_a_hedged_account_is_safe_between_its_two_prices(name, money, entries, leverage):
    book, rules = HEDGED[name]
    inverse = book.contract.kind == "inverse"
    long, short = (10**x if inverse else 10**x / 40_000 for x in money)
    at_long, at_short = (40_000 * x for x in entries)
    wallet = float(book.notional(long + short, 40_000.0)) / leverage
    lower, upper = book.hedged_liquidation_prices(at_long, long, at_short, short, wallet)

    def left(price):
        profit = naive.pnl(rules, "long", long, at_long, price) + naive.pnl(rules, "short", short, at_short, price)
        legs = [free_of_fee(rules, quantity, price) for quantity in (long, short)]
        wanted = max(legs) if rules["requirement"]["netting"] == "max_leg" else sum(legs)
        fee = rules["fees"]["taker"] if rules["requirement"]["include_close_fee"] == "on_notional" else 0.0
        return wallet + profit - wanted - fee * naive.notional(rules, long + short, price)

    way = np.geomspace(400.0, 4e6, 60)
    safe = np.array([left(price) > 0 for price in way])
    inside = (way > lower) & (way < upper)
    unsure = (np.abs(way - lower) < 1e-6 * way) | (np.abs(way - upper) < 1e-6 * way)
    np.testing.assert_array_equal(safe[~unsure], inside[~unsure])


def free_of_fee(rules, quantity, price):
    mmr, cum = naive.rate(rules["requirement"], naive.size(rules, quantity, price))
    value = naive.notional(rules, quantity, price)
    return value * mmr - cum * value / naive.size(rules, quantity, price)


@pytest.mark.parametrize("name", ["binance_usdm/BTCUSDT", "binance_coinm/BTCUSD_PERP"])
def test_binances_hedge_formula_with_the_tiers_at_the_price(name):
    """The one-price formula with rates and amounts of the tiers that hold the legs at the rulebook's price."""
    book = LOAD[name]
    contract = "inverse" if book.contract.kind == "inverse" else "linear"
    unit = 40_000.0 if contract == "inverse" else 1.0
    legs, wallet = (41_000.0, 30 * unit, 39_000.0, 10 * unit), float(book.notional(3 * unit, 40_000.0))
    price = book.hedged_liquidation_prices(*legs, wallet, other_pnl=-0.1, other_maintenance=0.2).lower
    long, short = (book.tier(book.size(quantity, price)) for quantity in (legs[1], legs[3]))
    rates = {"long_mmr": long.mmr, "short_mmr": short.mmr, "long_cum": long.cum, "short_cum": short.cum}
    rest = {"other_pnl": -0.1, "other_maintenance": 0.2}
    formula = margin.hedged_liquidation_price(*legs, wallet, **rates, **rest, contract=contract)
    assert 30_000 < price < 40_000
    assert formula == pytest.approx(price, rel=1e-12)
    rich = margin.hedged_liquidation_price(*legs, 1e9, long_mmr=0.01, short_mmr=0.01, contract=contract)
    assert rich == 0.0 if contract == "linear" else rich < 1e-2  # "--"


def test_one_leg_alone_has_the_price_of_a_single_position():
    """A second leg of next to nothing does not matter."""
    for name, (book, _) in HEDGED.items():
        quantity = 4e4 if book.contract.kind == "inverse" else 1.0
        wallet = 0.1 * float(book.notional(quantity, 40_000.0))
        lower, _ = book.hedged_liquidation_prices(40_000.0, quantity, 40_000.0, 1e-9 * quantity, wallet)
        _, upper = book.hedged_liquidation_prices(40_000.0, 1e-9 * quantity, 40_000.0, quantity, wallet)
        assert lower == pytest.approx(book.liquidation_price("long", 40_000.0, quantity, wallet), rel=1e-6), name
        assert upper == pytest.approx(book.liquidation_price("short", 40_000.0, quantity, wallet), rel=1e-6), name


def test_a_fully_hedged_account_is_liquidated_far_above_only():
    """Equal legs cannot lose; what is required grows with the price until the margin is short."""
    book = venues.load("binance_usdm/BTCUSDT@2024")
    lower, upper = book.hedged_liquidation_prices(40_000.0, 1.0, 40_000.0, 1.0, 4_000.0)
    assert lower == 0.0
    assert 2 * book.maintenance_margin(upper) == pytest.approx(4_000.0)
    nothing = book.hedged_liquidation_prices(40_000.0, 1.0, 40_000.0, 1.0, -1.0)
    assert nothing.lower >= nothing.upper


@pytest.mark.parametrize(
    "book, words",
    [
        (FLAT_BY_NOTIONAL, "flat tiers counted in the notional jump: ask is_liquidated"),
        (
            LOAD["bybit/BTCUSDT"],
            "long_leverage_set = None: the closing fee in the requirement depends on the leverage set",
        ),
    ],
)
def test_what_has_no_closed_form_is_refused_in_words(book, words):
    with pytest.raises(InputError, match=re.escape(words)):
        book.hedged_liquidation_prices(1.0, 1.0, 1.0, 1.0, 1.0)


def test_other_positions_move_the_price_by_what_they_add():
    book = LOAD["hyperliquid/ETH"]
    plain = book.liquidation_price("long", 3_000.0, 10.0, 6_000.0)
    assert book.liquidation_price("long", 3_000.0, 10.0, 5_000.0, other_pnl=1_500.0, other_maintenance=500.0) == plain
    near = math.nextafter(float(plain), 0)
    assert book.is_liquidated("long", 3_000.0, 10.0, 5_000.0, near - 1e-6, other_pnl=1_500.0, other_maintenance=500.0)
    assert not book.is_liquidated("long", 3_000.0, 10.0, 6_000.0, plain + 1e-6)
