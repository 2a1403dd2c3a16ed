"""Liquidation and bankruptcy prices against bisection, a scan over tiers, and Binance's own example."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab import venues
from stresslab.errors import InputError
from stresslab.venues import margin as m
from stresslab.venues.tiers import TierTable

NAMES = ("binance_usdm/BTCUSDT", "binance_usdm/ETHUSDT")
TABLES = {name: venues.load(name).requirement.table for name in NAMES}
SIGN = {"long": 1, "short": -1}


def excess(side, entry, quantity, margin, tiers, price):
    """Equity minus requirement in plain Python, the tier looked up by its bounds (the last one has no end)."""
    notional = quantity * price
    tier = next((i for i, cap in enumerate(tiers.cap) if notional <= cap), len(tiers.cap) - 1)
    return margin + SIGN[side] * quantity * (price - entry) - (notional * tiers.mmr[tier] - tiers.cum[tier])


def bisect(side, entry, quantity, margin, tiers):
    """The price where the excess changes sign; 0.0 if a long's never does."""
    alive, dead = (1e3 * entry, 0.0) if side == "long" else (0.0, 1e3 * entry)
    if excess(side, entry, quantity, margin, tiers, dead) > 0:
        return 0.0
    for _ in range(200):
        middle = 0.5 * (alive + dead)
        if excess(side, entry, quantity, margin, tiers, middle) > 0:
            alive = middle
        else:
            dead = middle
    return dead


def scan(side, entry, quantity, margin, tiers):
    """The tier (an index) that holds the notional at the price it gives, from the lowest up."""
    for tier in range(len(tiers.cap)):
        price = m.liquidation_price(side, entry, quantity, margin, mmr=tiers.mmr[tier], cum=tiers.cum[tier])
        last = tier == len(tiers.cap) - 1
        if tiers.floor[tier] < quantity * price <= tiers.cap[tier] or (last and quantity * price > tiers.floor[tier]):
            return tier, float(price)
    return None, 0.0


positions = st.tuples(
    st.sampled_from(["long", "short"]),
    st.floats(-3, 6).map(lambda x: 10.0**x),  # entry price
    st.floats(1, 9.25).map(lambda x: 10.0**x),  # notional at entry, through all tiers
    st.floats(-0.2, 2.3).map(lambda x: 10.0**x),  # leverage, 0.6 to 200: allowed or not
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(name=st.sampled_from(NAMES), position=positions)
def test_price_is_the_root_of_equity_minus_requirement(name, position):
    side, entry, notional, leverage = position
    book = (side, entry, notional / entry, notional / leverage)
    price = m.tiered_liquidation_price(*book, TABLES[name])
    # the root is conditioned by 1 / (1 - mmr) <= 2 and by entry / price, which a long near leverage 1 makes large
    assert price == pytest.approx(bisect(*book, TABLES[name]), rel=1e-12, abs=1e-12 * entry)
    assert price == pytest.approx(scan(*book, TABLES[name])[1], rel=1e-12, abs=1e-12 * entry)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(name=st.sampled_from(NAMES), position=positions, more=st.floats(1.001, 3))
def test_more_margin_is_a_farther_price(name, position, more):
    side, entry, notional, leverage = position
    quantity, margin = notional / entry, notional / leverage
    near, far = m.tiered_liquidation_price(side, entry, quantity, np.array([margin, more * margin]), TABLES[name])
    assert far < near or far == near == 0 if side == "long" else far > near


@settings(max_examples=200, deadline=None, derandomize=True)
@given(name=st.sampled_from(NAMES), position=positions)
def test_predicate_and_price_agree_on_both_sides_of_the_price(name, position):
    side, entry, notional, leverage = position
    book = (side, entry, notional / entry, notional / leverage)
    price = m.tiered_liquidation_price(*book, TABLES[name])
    step = 1e-9 * (entry + price)
    beyond, before = price - SIGN[side] * step, price + SIGN[side] * step
    assert not m.is_liquidated(*book, before, TABLES[name])
    assert beyond <= 0 or m.is_liquidated(*book, beyond, TABLES[name])
    bankrupt = m.bankruptcy_price(*book)
    assert SIGN[side] * (price - bankrupt) >= 0  # bankruptcy comes after liquidation


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", ["long", "short"])
def test_every_tier_is_found_at_the_trigger_price_and_on_its_cap(name, side):
    """Margins made so that the trigger is at a chosen notional: the middle of each tier, and exactly its cap."""
    tiers, price, entry = TABLES[name], 90.0, 100.0
    for notional in np.concatenate([0.5 * (tiers.floor + tiers.cap), tiers.cap]):
        quantity = notional / price
        margin = tiers.maintenance(notional) - SIGN[side] * quantity * (price - entry)
        assert m.tiered_liquidation_price(side, entry, quantity, margin, tiers) == pytest.approx(price, rel=1e-12)


def test_arrays_equal_a_loop_over_scalars():
    rng = np.random.default_rng(1)
    side = rng.choice(["long", "short"], size=(3, 4))
    entry, quantity, margin = rng.uniform(1, 100, size=(3, 3, 4)) * np.array([1, 1e4, 1e4])[:, None, None]
    tiers = TABLES[NAMES[0]]
    together = m.tiered_liquidation_price(side, entry, quantity, margin, tiers)
    assert together.shape == (3, 4) and together.dtype == np.float64
    for index in np.ndindex(3, 4):
        alone = m.tiered_liquidation_price(side[index], entry[index], quantity[index], margin[index], tiers)
        assert together[index] == alone
    across = m.tiered_liquidation_price("long", 100.0, [1.0, 2.0], [[50.0], [60.0]], tiers)  # broadcast
    assert across.shape == (2, 2)


# Binance's published example of 2021, and the tiers of that year (their maintenance amounts are the example's).
ETH_2021 = [
    (1e4, 0.005),
    (1e5, 0.0065),
    (5e5, 0.01),
    (1e6, 0.02),
    (2e6, 0.05),
    (5e6, 0.10),
    (1e7, 0.125),
    (2e7, 0.15),
    (5e9, 0.25),
]
BTC_2021 = [(5e4, 0.004), (2.5e5, 0.005), (1e6, 0.01), (1e7, 0.025), (2e7, 0.05), (5e7, 0.10), (1e8, 0.125)]
WALLET = 1_535_443.01
ETH = ("long", 1456.84, 3683.979, WALLET)
BTC = ("long", 32481.98, 109.488, WALLET)
ETH_MARK, BTC_MARK = 1335.18, 31967.27


def from_caps(rows):
    cap, mmr = (np.array(column) for column in zip(*rows, strict=True))
    floor = np.concatenate([[0.0], cap[:-1]])
    cum = np.cumsum(floor * np.diff(mmr, prepend=0.0))
    return TierTable(floor, cap, mmr, 2 * mmr, 0.5 / mmr, cum)


def test_binance_example_isolated():
    """1,114.78 and 18,778.73, published to the cent."""
    assert m.liquidation_price(*ETH, mmr=0.10, cum=135_365) == pytest.approx(1114.78, abs=0.005)
    assert m.liquidation_price(*BTC, mmr=0.025, cum=16_300) == pytest.approx(18778.73, abs=0.005)


def test_binance_example_takes_the_tier_at_the_trigger_price():
    """The ETH position is worth 5.37 million at entry (tier 7) and 4.11 million at its trigger (tier 6)."""
    tiers = from_caps(ETH_2021)
    assert tiers.at(1456.84 * 3683.979).number == 7
    assert m.tiered_liquidation_price(*ETH, tiers) == pytest.approx(1114.78, abs=0.005)
    assert scan(*ETH, tiers)[0] == 5
    tier_at_entry = m.liquidation_price(*ETH, mmr=tiers.mmr[6], cum=tiers.cum[6])
    assert abs(tier_at_entry - 1114.78) > 5  # the trap would be seen
    assert m.tiered_liquidation_price(*BTC, from_caps(BTC_2021)) == pytest.approx(18778.73, abs=0.005)


def test_binance_example_cross():
    """Each position with the other's PnL and requirement: 1,153.26 and 26,316.89, published to the cent."""
    eth_tiers, btc_tiers = from_caps(ETH_2021), from_caps(BTC_2021)
    eth_pnl, btc_pnl = 3683.979 * (ETH_MARK - 1456.84), 109.488 * (BTC_MARK - 32481.98)
    eth_needs = m.requirement(3683.979, ETH_MARK, eth_tiers)
    btc_needs = m.requirement(109.488, BTC_MARK, btc_tiers)
    assert (eth_needs, btc_needs) == pytest.approx((356_512.508, 71_200.81144), rel=1e-8)
    eth = m.tiered_liquidation_price(*ETH, eth_tiers, other_pnl=btc_pnl, other_maintenance=btc_needs)
    btc = m.tiered_liquidation_price(*BTC, btc_tiers, other_pnl=eth_pnl, other_maintenance=eth_needs)
    assert eth == pytest.approx(1153.26, abs=0.005)
    assert btc == pytest.approx(26316.89, abs=0.005)


def test_a_close_fee_is_part_of_the_requirement():
    tiers = TABLES[NAMES[0]]
    with_fee = m.tiered_liquidation_price("long", 100.0, 1e5, 1e6, tiers, close_fee=5e-4)
    left = m.equity("long", 100.0, 1e5, 1e6, with_fee)
    assert left == pytest.approx(m.requirement(1e5, with_fee, tiers, close_fee=5e-4), rel=1e-10)
    assert with_fee > m.tiered_liquidation_price("long", 100.0, 1e5, 1e6, tiers)


def test_a_long_that_cannot_be_liquidated_has_price_zero():
    """Margin at or above the entry notional: no price above 0 brings equity down to the requirement."""
    tiers = TABLES[NAMES[0]]
    assert m.tiered_liquidation_price("long", 100.0, 1.0, 100.0, tiers) == 0.0
    assert m.tiered_liquidation_price("long", 100.0, 1.0, 250.0, tiers) == 0.0
    assert m.bankruptcy_price("long", 100.0, 1.0, 250.0) == 0.0
    assert m.tiered_liquidation_price("short", 100.0, 1.0, 250.0, tiers) == pytest.approx(350 / 1.004)
    assert m.bankruptcy_price("short", 100.0, 1.0, 250.0) == 350.0


@pytest.mark.parametrize("side, beyond", [("long", 100.0 - 0.3 + 0.4), ("short", 100.0 + 0.3 - 0.4)])
def test_a_position_below_its_requirement_has_its_price_beyond_entry(side, beyond):
    """Margin 0.3 where 0.4 is required (0.4 % of 100): the price lies where a long would have to rise to."""
    tiers = TABLES[NAMES[0]]
    price = m.tiered_liquidation_price(side, 100.0, 1.0, 0.3, tiers)
    assert price == pytest.approx(beyond, abs=1e-3)
    assert m.is_liquidated(side, 100.0, 1.0, 0.3, 100.0, tiers)
    assert not m.is_liquidated(side, 100.0, 1.0, 0.5, 100.0, tiers)


def test_equity_at_the_requirement_is_liquidated():
    """0.25 and 100 are exact in binary: equity is exactly the requirement."""
    tiers = TierTable(*(np.array([x]) for x in (0.0, 1e6, 0.25, 0.5, 2.0, 0.0)))
    assert m.is_liquidated("long", 100.0, 1.0, 25.0, 100.0, tiers)
    assert not m.is_liquidated("long", 100.0, 1.0, np.nextafter(25.0, 26.0), 100.0, tiers)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"side": "Long"}, 'side = \'Long\': must be "long" or "short"'),
        ({"side": ["long", "buy"]}, 'side = \'buy\': must be "long" or "short"'),
        ({"side": 1}, 'side = 1: must be "long" or "short"'),
        ({"entry_price": 0.0}, "entry_price = 0.0: must be above 0"),
        ({"entry_price": [1.0, np.inf]}, "entry_price = inf: must be finite"),
        ({"quantity": -1.0}, "quantity = -1.0: must be above 0"),
        ({"margin": np.nan}, "margin = nan: must be finite"),
        ({"margin": None}, "margin = None: must be a number, or an array of numbers"),
        ({"mmr": 1.0}, "mmr = 1.0: mmr + close_fee must be at least 0 and below 1"),
        ({"mmr": -0.1}, "mmr = -0.1: mmr + close_fee must be at least 0 and below 1"),
        ({"cum": "0"}, "cum = '0': must be a number, or an array of numbers"),
    ],
)
def test_senseless_input_is_refused_by_name(change, message):
    arguments = {"side": "long", "entry_price": 10.0, "quantity": 1.0, "margin": 2.0, "mmr": 0.01} | change
    with pytest.raises(InputError, match="^" + re.escape(message) + "$"):
        m.liquidation_price(**arguments)
