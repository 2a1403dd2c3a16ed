"""What a rulebook answers, what it does not allow, and that its hash follows its content."""

import copy
import json
import pickle
import re

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from stresslab import venues
from stresslab.errors import InputError, NotAllowed
from stresslab.shipped import config_root

BTC = venues.load("binance_usdm/BTCUSDT@2024")
DATA = BTC.model_dump(mode="json")


def test_margins_of_a_notional():
    assert BTC.maintenance_margin(84_250.0) == pytest.approx(84_250 * 0.005 - 50)
    assert BTC.initial_margin(84_250.0, 10) == pytest.approx(8_425)
    np.testing.assert_array_equal(BTC.max_leverage([5e4, 5e4 + 0.01, 1e7, 1.8e9]), [125, 100, 50, 1])
    np.testing.assert_array_equal(BTC.tier([1.0, 1e7]).number, [1, 4])
    np.testing.assert_allclose(BTC.maintenance_margin([5e4, 6e5]), [200, 2950])  # continuous at the caps
    assert BTC.liquidation_fee(1e6) == pytest.approx(12_500)


def test_prices_of_a_position():
    """One BTC at 84,250 with 10x: margin 8,425; the trigger is in tier 2, (50,000, 600,000]."""
    liquidation = BTC.liquidation_price("long", 84_250.0, 1.0, 8_425.0)
    assert liquidation == pytest.approx((84_250 - 8_425 - 50) / (1 - 0.005), rel=1e-12)
    assert BTC.bankruptcy_price("long", 84_250.0, 1.0, 8_425.0) == 75_825.0
    short = BTC.liquidation_price("short", 84_250.0, 1.0, 8_425.0)
    assert short == pytest.approx((84_250 + 8_425 + 50) / (1 + 0.005), rel=1e-12)
    assert BTC.bankruptcy_price("short", 84_250.0, 1.0, 8_425.0) == 92_675.0
    assert BTC.is_liquidated("long", 84_250.0, 1.0, 8_425.0, [liquidation - 0.01, liquidation + 0.01]).tolist() == [
        True,
        False,
    ]


def test_answers_are_elementwise():
    side = np.array(["long", "short"])
    prices = BTC.liquidation_price(side, 100.0, [[10.0], [1e6]], margin=[[100.0], [1e7]])
    assert prices.shape == (2, 2)
    assert prices[0, 0] == BTC.liquidation_price("long", 100.0, 10.0, margin=100.0)
    assert prices[1, 1] == BTC.liquidation_price("short", 100.0, 1e6, margin=1e7)
    np.testing.assert_allclose(BTC.funding_payment(side, 2.0, 100.0, 1e-3), [-0.2, 0.2])
    np.testing.assert_allclose(BTC.liquidation_fee([0.0, 1e4]), [0.0, 125.0])


@pytest.mark.parametrize(
    "notional, leverage",
    [
        (5e4, 125),
        (5e4, 0.5),
        (1.8e9, 1),
        ([1e4, 1e7], [125, 50]),
        (3e6 * (1 + 1e-15), 75),
        (np.nextafter(6e5, 1e9), 100),
    ],
)
def test_what_the_venue_allows_is_allowed(notional, leverage):
    """Caps included, and a cap that was missed by a rounding."""
    assert BTC.check_allowed(notional, leverage) is None


@pytest.mark.parametrize(
    "notional, leverage, message",
    [
        (
            1e7,
            100,
            "leverage = 100.0: at a notional of 10,000,000 USDT binance_usdm/BTCUSDT allows a leverage above 0 and "
            "at most 50. Lower the leverage to at most 50, or the notional to at most 600,000 USDT",
        ),
        (
            50_000.01,
            101,
            "leverage = 101.0: at a notional of 50,000.01 USDT binance_usdm/BTCUSDT allows a leverage above 0 and "
            "at most 100. Lower the leverage to at most 100, or the notional to at most 50,000 USDT",
        ),
        (
            1e6,
            200,
            "leverage = 200.0: at a notional of 1,000,000 USDT binance_usdm/BTCUSDT allows a leverage above 0 and "
            "at most 75. Lower the leverage to at most 75",
        ),
        (
            1e6,
            0,
            "leverage = 0.0: at a notional of 1,000,000 USDT binance_usdm/BTCUSDT allows a leverage above 0 and "
            "at most 75. Raise the leverage to at most 75",
        ),
        (
            2e9,
            1,
            "notional = 2000000000.0: binance_usdm/BTCUSDT allows at most 1,800,000,000 USDT. "
            "Make the position smaller",
        ),
        (
            [1e4, 1e7, 2e9],
            [100, 60, 1],
            "leverage = 60.0: at a notional of 10,000,000 USDT binance_usdm/BTCUSDT allows a leverage above 0 and "
            "at most 50. Lower the leverage to at most 50, or the notional to at most 3,000,000 USDT",
        ),
    ],
)
@pytest.mark.parametrize("ask", ["check_allowed", "initial_margin"])
def test_what_the_venue_does_not_allow_is_refused_with_the_figures(ask, notional, leverage, message):
    with pytest.raises(NotAllowed) as refusal:
        getattr(BTC, ask)(notional, leverage)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: BTC.check_allowed(0.0, 10), "notional = 0.0: must be above 0"),
        (lambda: BTC.check_allowed(1e4, np.nan), "leverage = nan: must be finite"),
        (lambda: BTC.check_allowed(1e4, np.inf), "leverage = inf: must be finite"),
        (lambda: BTC.liquidation_fee(-1.0), "notional = -1.0: must not be negative"),
        (lambda: BTC.liquidation_price("flat", 1.0, 1.0, 1.0), 'side = \'flat\': must be "long" or "short"'),
        (lambda: BTC.bankruptcy_price("long", 1.0, 0.0, 1.0), "quantity = 0.0: must be above 0"),
        (lambda: BTC.is_liquidated("long", 1.0, 1.0, 1.0, np.nan), "price = nan: must be finite"),
    ],
)
def test_senseless_questions_are_refused(call, message):
    with pytest.raises(InputError, match="^" + re.escape(message) + "$") as refusal:
        call()
    assert not isinstance(refusal.value, NotAllowed)


@pytest.mark.parametrize("ask", ["tier", "maintenance_margin", "max_leverage"])
def test_a_notional_above_the_last_tier_is_not_allowed(ask):
    with pytest.raises(NotAllowed, match="notional = 1800000001.0: must be at most 1,800,000,000"):
        getattr(BTC, ask)(1_800_000_001.0)


def leaves(node, path=()):
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if items is None:
        yield path, node
    else:
        for key, inner in items:
            yield from leaves(inner, (*path, key))


def changed(path, value):
    data = copy.deepcopy(DATA)
    node = data
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return data


def test_the_hash_is_of_the_content():
    assert re.fullmatch("[0-9a-f]{64}", BTC.hash)
    assert venues.Rulebook.model_validate(dict(reversed(DATA.items()))).hash == BTC.hash
    assert venues.load("binance_usdm/ETHUSDT@2024").hash != BTC.hash
    as_floats = changed(("requirement", "tiers", 0, "cap"), 50_000.0)  # 50000 in the file
    assert venues.Rulebook.model_validate(as_floats).hash == BTC.hash
    assert BTC.model_copy(update={"confidence": "low"}).hash != BTC.hash


@pytest.mark.parametrize(
    "path, value",
    [
        (("assumptions", 0), "another"),
        (("liquidation", "fee"), 0.015),
        (("liquidation", "residual"), "customer"),
        (("fees", "maker"), -0.0001),
        (("fees", "entry_charged_to"), "margin"),
        (("funding", "interval"), "4h"),
        (("close_out", "slippage_bps"), 0),
        (("source",), "elsewhere"),
    ],
)
def test_every_change_changes_the_hash(path, value):
    assert venues.Rulebook.model_validate(changed(path, value)).hash != BTC.hash


def test_a_rulebook_is_a_value():
    assert pickle.loads(pickle.dumps(BTC)) == BTC == venues.Rulebook.model_validate(DATA)
    assert hash(BTC) == hash(venues.load("binance_usdm/BTCUSDT@2024"))
    json.dumps(venues.Rulebook.model_json_schema())
    assert BTC.funding.interval_seconds == 8 * 3600
    with pytest.raises(ValidationError, match="frozen"):
        BTC.fees.taker = 0.0


# every shape, kind, stage and optional part of the schema that is shipped
SHAPES = [
    "binance_usdm/BTCUSDT",
    "bitmex/XBTUSD",
    "bybit/BTCUSDT",
    "deribit/BTC-OPTIONS",
    "drift_v2/BTC-PERP",
    "dydx_v4/SOL-USD",
    "gmx_v2/BTC-USD",
    "hyperliquid/ETH",
    "okx/ETH-USDT-SWAP",
]


# keys that came later: a file that was written before means what it meant
LATER = ("close_fee_rate", "with_funding", "max_quantity", "last_cap", "imr_limit", "mmr_limit")


@pytest.mark.parametrize("name", SHAPES)
def test_every_figure_is_needed(name):
    """No key may be left out: a default would be a rule that nobody wrote down."""
    whole = yaml.safe_load((config_root() / "venues" / f"{name}.yaml").read_text())
    whole.pop("earlier", None)
    for path, _ in leaves(whole):
        if not isinstance(path[-1], int) and path[-1] not in LATER:
            data = copy.deepcopy(whole)
            node = data
            for key in path[:-1]:
                node = node[key]
            del node[path[-1]]
            with pytest.raises(ValidationError, match="Field required|Unable to extract tag"):
                venues.Rulebook.model_validate(data)
