"""Liquidation and bankruptcy prices of every shipped rulebook, and of made-up ones, against plain Python."""

import copy
import math
import re

import numpy as np
import pytest
from helpers import naive_margin as naive
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stresslab import venues
from stresslab.errors import InputError, NotAllowed

LOAD = {name: venues.load(name) for name in venues.available()}
FUTURES = {name: book for name, book in LOAD.items() if book.contract.kind != "option"}
BYBIT, KRAKEN = venues.load("bybit/BTCUSDT@2025"), venues.load("kraken/PI_XBTUSD@2024")
DERIBIT, OKX = LOAD["deribit/BTC-PERPETUAL"], venues.load("okx/ETH-USDT-SWAP@2021")
LINEAR, COIN = venues.load("binance_usdm/BTCUSDT@2024"), LOAD["binance_coinm/BTCUSD_PERP"]


def made_up():
    """Shapes and contracts that no shipped rulebook has together."""
    quanto = {
        "kind": "quanto",
        "base": "ETH",
        "settle": "BTC",
        "multiplier": 1e-6,
        "dated": False,
        "tick": None,
        "price_round": "none",
    }
    flat = OKX.requirement.model_dump()
    at_entry = {"basis": "entry", "tier_at": "entry"}
    return {
        "quanto, contracts": venues.variant(OKX, {"contract": quanto}),
        "quanto, coin": venues.variant(COIN, {"contract": quanto}),
        "flat, quote, fee at bankruptcy": venues.variant(
            LINEAR, {"requirement": flat | {"tier_unit": "quote", "include_close_fee": "at_bankruptcy"}}
        ),
        "marginal, contracts": venues.variant(LINEAR, {"requirement": {"tier_unit": "contracts"}}),
        "inverse at entry, with fee": venues.variant(
            COIN, {"requirement": {**at_entry, "include_close_fee": "on_notional"}}
        ),
        "inverse, fee at bankruptcy": venues.variant(COIN, {"requirement": {"include_close_fee": "at_bankruptcy"}}),
        "inverse affine, with fee": venues.variant(DERIBIT, {"requirement": {"include_close_fee": "on_notional"}}),
    }


def exact(book):
    """Without the tick, which would round the prices."""
    return venues.variant(book, {"contract": {"tick": None}})


BOOKS = {name: (exact(book), naive.data_of(book)) for name, book in (FUTURES | made_up()).items()}


def sized(book, money):
    """Quantity of a position of about so many dollars at 40,000, in the contract's own unit."""
    if book.contract.kind == "quanto":
        return max(1.0, money / 1000)
    return money if book.contract.kind == "inverse" else money / 40_000


@st.composite
def positions(draw):
    """A rulebook, and a position that stands on the safe side of its requirement at entry."""
    name = draw(st.sampled_from(sorted(BOOKS)))
    book, rules = BOOKS[name]
    side = draw(st.sampled_from(["long", "short"]))
    quantity = sized(book, 10 ** draw(st.floats(1.5, 8)))
    entry = 40_000 * 10 ** draw(st.floats(-0.3, 0.3))
    margin = float(book.notional(quantity, entry)) * 10 ** draw(st.floats(-2, 0.1))
    highest = book.requirement.table.highest if hasattr(book.requirement, "tiers") else math.inf
    assume(book.size(quantity, entry) < 0.9 * highest)
    assume(not naive.is_liquidated(rules, side, entry, quantity, 0.999 * margin, entry))
    return name, side, entry, quantity, margin


@settings(max_examples=300, deadline=None, derandomize=True)
@given(positions())
def test_the_price_is_where_the_trigger_first_holds(position):
    """Safe on the whole way from the entry to the price, liquidated beyond it; the predicate is plain Python's."""
    name, side, entry, quantity, margin = position
    book, rules = BOOKS[name]
    price = float(book.liquidation_price(side, entry, quantity, margin))
    away = -1 if side == "long" else 1
    assert math.copysign(1, price - entry) == away or price == entry

    def liquidated(at):
        return naive.is_liquidated(rules, side, entry, quantity, margin, at)

    unit = book.requirement.rounded_up_to or 0.0
    slack = 1e-9 + 2 * unit / max(float(book.notional(quantity, price)), 1e-12) if 0 < price < math.inf else 0.0
    if price == 0 or price > 1e9 * entry:  # a short that its coin covers but for a rounding
        last = entry * 1e-6 if side == "long" else entry * 1e6
        way = np.geomspace(entry, last, 60)
    else:
        way = np.geomspace(entry, price * (1 - away * (1e-7 + slack)), 60)
        beyond = price * (1 + away * (1e-7 + slack))
        assert liquidated(beyond), (price, beyond)
    assert not any(liquidated(at) for at in way)


@pytest.mark.parametrize("name", sorted(BOOKS))
def test_a_rate_or_fee_off_by_a_hundredth_would_be_seen(name):
    """The twin with rates and fee 1 % higher liquidates before the price, with them 1 % lower not at it."""
    book, rules = BOOKS[name]
    quantity = sized(book, 30_000.0)
    margin = 0.1 * float(book.notional(quantity, 40_000.0))
    price = float(book.liquidation_price("long", 40_000.0, quantity, margin))
    for factor, expected in ((1.01, True), (0.99, False)):
        wrong = copy.deepcopy(rules)
        wrong["fees"]["taker"] *= factor
        requirement = wrong["requirement"]
        for key in ("mmr0", "mmr_per_base", "base_maintenance", "size_factor"):
            if key in requirement:
                requirement[key] *= factor
        for tier in requirement.get("tiers", ()):
            tier["mmr"] *= factor
            tier["cum"] = tier.get("cum", 0.0) * factor
        at = price * (1 + 1e-7) if expected else price * (1 - 1e-7)
        assert naive.is_liquidated(wrong, "long", 40_000.0, quantity, margin, at) == expected


@settings(max_examples=200, deadline=None, derandomize=True)
@given(positions(), st.floats(0.3, 3))
def test_requirement_and_trigger_are_plain_pythons(position, ratio):
    name, side, entry, quantity, margin = position
    book, rules = BOOKS[name]
    price = entry * ratio
    wanted = naive.required(rules, side, entry, quantity, margin, price)
    assert book.required(side, entry, quantity, margin, price) == pytest.approx(wanted, rel=1e-9, abs=2e-6)
    left = margin + naive.pnl(rules, side, quantity, entry, price)
    assert book.equity(side, entry, quantity, margin, price) == pytest.approx(left, rel=1e-9, abs=1e-9 * margin)
    if abs(left - wanted) > 1e-6 * (margin + 1):
        expected = naive.is_liquidated(rules, side, entry, quantity, margin, price)
        assert book.is_liquidated(side, entry, quantity, margin, price) == expected


@settings(max_examples=100, deadline=None, derandomize=True)
@given(positions(), st.floats(1.001, 2))
def test_more_margin_never_hastens_liquidation(position, more):
    name, side, entry, quantity, margin = position
    book, _ = BOOKS[name]
    near, far = book.liquidation_price(side, entry, quantity, np.array([margin, more * margin]))
    assert far <= near if side == "long" else far >= near


@settings(max_examples=100, deadline=None, derandomize=True)
@given(positions())
def test_bankruptcy_comes_after_liquidation(position):
    name, side, entry, quantity, margin = position
    book, rules = BOOKS[name]
    price = float(book.bankruptcy_price(side, entry, quantity, margin))
    fee = book.fees.taker if book.requirement.include_close_fee == "at_bankruptcy" else 0.0
    if 0 < price < math.inf:
        left = margin + naive.pnl(rules, side, quantity, entry, price)
        assert left == pytest.approx(fee * naive.notional(rules, quantity, price), abs=1e-9 * margin)
    liquidation = float(book.liquidation_price(side, entry, quantity, margin))
    price, liquidation = min(price, 1e12), min(liquidation, 1e12)
    near = 1e-9 * (liquidation + entry)  # where the margin is the notional, both are 0 to rounding
    assert price <= liquidation + near if side == "long" else price >= liquidation - near


@pytest.mark.parametrize("name", sorted(FUTURES))
def test_answers_are_elementwise(name):
    book, _ = BOOKS[name]
    side, entry = np.array(["long", "short"]), np.array([[40_000.0], [41_000.0], [39_000.0]])
    quantity = sized(book, 50_000.0)
    margin = 0.2 * book.notional(quantity, 40_000.0)
    prices = book.liquidation_price(side, entry, quantity, margin)
    assert prices.shape == (3, 2) and prices.dtype == np.float64
    assert prices[2, 1] == book.liquidation_price("short", 39_000.0, quantity, margin)
    assert book.bankruptcy_price(side, entry, quantity, margin).shape == (3, 2)
    assert book.is_liquidated(side, entry, quantity, margin, prices * 1.001).shape == (3, 2)
    assert book.required(side, entry, quantity, margin, entry).dtype == np.float64


def flat_by_notional(tiers):
    plain = {"include_close_fee": "none", "compare": "lt", "tier_unit": "quote", "open_ended": None, "tiers": tiers}
    return venues.variant(LINEAR, {"requirement": OKX.requirement.model_dump() | plain})


def test_a_flat_tier_may_trigger_exactly_at_a_cap():
    """10 BTC short at 40,000 with 300,000: at 50,000 (500,000 USD) the rate goes from 1 % to 40 % of 500,000."""
    tiers = [{"cap": 500_000, "mmr": 0.01, "imr": 0.02}, {"cap": 5_000_000, "mmr": 0.4, "imr": 0.8}]
    book = flat_by_notional(tiers)
    price = book.liquidation_price("short", 40_000.0, 10.0, 290_000.0)
    assert price == 50_000.0  # equity 190,000: enough for 5,000, not for 200,000
    assert not book.is_liquidated("short", 40_000.0, 10.0, 290_000.0, 50_000.0)
    assert book.is_liquidated("short", 40_000.0, 10.0, 290_000.0, 50_000.01)


def test_the_first_trigger_on_the_way_depends_on_where_the_price_is():
    """A long that is safe below a cap is not safe above it: from above the trigger is met first, from below another."""
    tiers = [{"cap": 500_000, "mmr": 0.01, "imr": 0.02}, {"cap": 5_000_000, "mmr": 0.4, "imr": 0.8}]
    book = flat_by_notional(tiers)
    position = ("long", 50_000.0, 10.0, 50_000.0)
    assert book.liquidation_price(*position) == pytest.approx(450_000 / 9.9)  # within the lower tier
    high = book.liquidation_price(*position, price_now=90_000.0)
    assert high == pytest.approx(450_000 / 6)  # equity 10 P - 450,000 meets 4 P at 75,000
    assert book.is_liquidated(*position, 74_999.0) and not book.is_liquidated(*position, 75_001.0)


def test_hand_worked_examples():
    """VENUES.md: Kraken, Bybit before and after 2024, dYdX, Hyperliquid, KuCoin, Binance's calculator for COIN-M."""
    assert math.floor(KRAKEN.liquidation_price("long", 8_000.0, 1_000.0, 0.01)) == 7481
    assert math.floor(KRAKEN.bankruptcy_price("long", 8_000.0, 1_000.0, 0.01)) == 7407
    at_entry = {"basis": "entry", "tier_at": "entry", "include_close_fee": "none"}
    assert venues.variant(BYBIT, {"requirement": at_entry}).liquidation_price("long", 20_000.0, 1.0, 400.0) == 19_700.0
    price = COIN.liquidation_price("long", 45_000.0, 100_000 * 100.0, 101.0)
    assert price == pytest.approx(33_599.40, rel=1e-6)
    assert COIN.tier(1e7 / price).cum == pytest.approx(11.605)
    kucoin = LOAD["kucoin/XBTUSDM"], LOAD["kucoin/XBTUSDTM"]
    assert kucoin[0].bankruptcy_price("long", 50_000.0, 1e5, 2.0 / 20) == pytest.approx(50_000 / (1 + 1 / 20))
    assert kucoin[1].bankruptcy_price("short", 50_000.0, 2.0, 5_000.0) == pytest.approx(50_000 * (1 + 1 / 20))


def test_dydx_examples():
    """3,174.60 isolated and 3,380.95 with 1,000 STRK at 1.75 beside it, at a maintenance rate of 5 % and 10 %."""
    tier = {"floor": 0, "cap": None, "mmr": 0.05, "imr": 0.1, "max_leverage": 10, "cum": 0}
    book = venues.variant(LOAD["dydx_v4/ETH-USD"], {"requirement": {"tiers": [tier]}})
    alone = book.liquidation_price("short", 3_000.0, 3.0, 1_000.0)
    assert alone == pytest.approx(3_174.60, abs=0.005)
    tier = {"floor": 0, "cap": None, "mmr": 0.1, "imr": 0.2, "max_leverage": 5, "cum": 0}
    strk = venues.variant(book, {"requirement": {"tiers": [tier]}})
    rest = venues.others([venues.Position(strk, "long", 1.75, 1_000.0, 1.75)])
    assert rest == (0.0, pytest.approx(175.0))
    cross = book.liquidation_price("short", 3_000.0, 1.5, 1_000.0, **rest._asdict())
    assert cross == pytest.approx(3_380.95, abs=0.005)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.sampled_from(["long", "short"]),
    st.floats(0.5, 20),
    st.floats(2, 20),
    st.floats(0.9, 1.1),
)
def test_hyperliquid_formula(side, quantity, leverage, moved):
    """P - s margin_available / q / (1 - l s), with what is available at any price now (freqtrade, 197 positions)."""
    book, entry, s = LOAD["hyperliquid/BTC"], 100_000.0, naive.SIGN[side]
    margin, now = entry * quantity / leverage, entry * (1 + s * abs(moved - 1))
    available = margin + s * quantity * (now - entry) - 0.0125 * quantity * now
    expected = now - s * available / quantity / (1 - 0.0125 * s)
    assert book.liquidation_price(side, entry, quantity, margin) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(["long", "short"]), st.floats(1, 6).map(lambda x: 10**x), st.floats(2, 50), st.floats(0, 0.5))
def test_bybit_inverse_formula_with_extra_margin(side, size, leverage, extra):
    """2026-05-27: size (1 +- mmr) / (size / EP +- size / EP / L +- extra / (1 +- f)), the margin with its fee."""
    contract = COIN.contract.model_dump()
    book = venues.variant(BYBIT, {"contract": contract, "requirement": {"tier_unit": "coin"}})
    entry, s, f, mmr = 40_000.0, naive.SIGN[side], book.fees.taker, 0.005
    value = size / entry
    fee = f * value * (1 + s / leverage)  # to close at the bankruptcy price entry / (1 + s / L)
    added = extra * value / leverage
    price = book.liquidation_price(side, entry, size, value / leverage + fee + added)
    expected = size * (1 + s * mmr) / (value + s * value / leverage + s * added / (1 + s * f))
    assert price == pytest.approx(expected, rel=1e-12)
    assert book.bankruptcy_price(side, entry, size, value / leverage + fee) == pytest.approx(
        entry / (1 + s / leverage), rel=1e-12
    )


def test_bybit_inverse_cross_of_2020():
    """10,000 contracts at 8,000 on 0.5 BTC: bankruptcy 5,718.57, liquidation 5,739.50 (up to the tick of 0.5)."""
    contract = COIN.contract.model_dump() | {"tick": 0.5, "price_round": "earlier"}
    tier = {"floor": 0, "cap": None, "mmr": 0.005, "imr": 0.01, "max_leverage": 100, "cum": 0}
    requirement = {"basis": "entry", "tier_at": "entry", "tier_unit": "coin", "tiers": [tier]}
    changes = {"contract": contract, "requirement": requirement, "fees": {"taker": 0.00075}}
    book = venues.variant(BYBIT, changes)
    position = ("long", 8_000.0, 10_000.0, 0.5)
    assert book.bankruptcy_price(*position) == pytest.approx(5_718.57, abs=0.005)
    assert book.liquidation_price(*position) == 5_739.50
    assert exact(book).liquidation_price(*position) == pytest.approx(5_739.08, abs=0.005)


def test_margin_to_open_keeps_bybits_fee():
    """20,000 at 50x: 400, and 0.055 % of the bankruptcy price 19,600; the bankruptcy price comes back from it."""
    margin = BYBIT.margin_to_open("long", 20_000.0, 1.0, 50)
    assert margin == pytest.approx(400 + 0.00055 * 19_600)
    assert BYBIT.bankruptcy_price("long", 20_000.0, 1.0, margin) == pytest.approx(19_600)
    assert BYBIT.margin_to_open("short", 20_000.0, 1.0, 50) == pytest.approx(400 + 0.00055 * 20_400)
    assert KRAKEN.margin_to_open("long", 8_000.0, 1_000.0, 12.5) == pytest.approx(0.01)
    with pytest.raises(NotAllowed, match="Lower the leverage to at most 100"):
        BYBIT.margin_to_open("long", 20_000.0, 1.0, 101)


@pytest.mark.parametrize(
    "how, side, expected",
    [("up", "long", 7481.5), ("down", "long", 7481.0), ("earlier", "long", 7481.5), ("none", "long", 7481.481481481)]
    + [("up", "short", 8609.0), ("down", "short", 8608.5), ("earlier", "short", 8608.5)],
)
def test_prices_on_the_tick(how, side, expected):
    book = venues.variant(KRAKEN, {"contract": {"tick": 0.5, "price_round": how}})
    assert book.liquidation_price(side, 8_000.0, 1_000.0, 0.01) == pytest.approx(expected)
    never = venues.variant(COIN, {"contract": {"tick": 0.5, "price_round": how}})
    assert never.liquidation_price("short", 40_000.0, 1_000.0, 1.0) == math.inf  # more coin than it can lose


def test_le_and_lt_differ_where_equity_is_the_requirement():
    tier = {"floor": 0, "cap": None, "mmr": 0.25, "imr": 0.5, "max_leverage": 2, "cum": 0}
    for compare, expected in (("le", True), ("lt", False)):
        book = venues.variant(LINEAR, {"requirement": {"compare": compare, "tiers": [tier]}})
        assert book.is_liquidated("long", 100.0, 1.0, 25.0, 100.0) == expected


def test_options_have_no_liquidation_price_of_their_own():
    with pytest.raises(InputError, match=re.escape("follows from its premium and strike. Ask option_margin")):
        LOAD["deribit/BTC-OPTIONS"].liquidation_price("long", 1.0, 1.0, 1.0)


def test_the_notional_alone_says_nothing_where_tiers_count_another_size():
    with pytest.raises(InputError, match=re.escape("the notional alone says no margin. Give size=book.size(")):
        KRAKEN.maintenance_margin(0.1)
    assert KRAKEN.maintenance_margin(100.0, size=4e6) == pytest.approx(100 * (4e6 * 0.05 - 75_000) / 4e6)
    with pytest.raises(NotAllowed, match=re.escape("at most 75,000,000, the cap of the venue's last tier")):
        KRAKEN.maintenance_margin(100.0, size=8e7)
