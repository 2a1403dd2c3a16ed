"""A hint never leads to the next refusal: whoever writes what it says has a study that can be planned.

Each case is a study that is refused, the words of the hint, and what is written for them. The last test collects the
hints in the source: one that names something to write has a case here.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import pytest
from helpers.hints import hints

from stresslab import venues
from stresslab.config import study_from_dict
from stresslab.errors import InputError
from stresslab.grid.plan import make_plan

Fix = Callable[[dict[str, Any]], Any]
BINANCE, DERIBIT, KRAKEN = "binance_usdm/BTCUSDT", "deribit/BTC-PERPETUAL", "kraken/PF_XBTUSD"
GMX, ETHER = "gmx_v2/BTC-USD", "binance_usdm/ETHUSDT"
BASE: dict[str, Any] = {
    "study": "hint",
    "as_of": "2025-01-01T00:00:00Z",
    "seed": 1,
    "market": {"asset": "BTC", "spot": 93_576.0, "model": "gbm", "step": "1h", "horizons": ["1D"]},
    "models": {"gbm": {"kind": "gbm", "sigma": 0.55}},
    "funding": {"kind": "constant", "rate": 1e-4, "interval": "8h"},
    "sampling": {"paths": 1024, "block": 1024},
}
JOINT: dict[str, Any] = {
    "market": BASE["market"] | {"model": "both", "spots": {"ETH": 3_337.78}},
    "models": BASE["models"]
    | {
        "other": {"kind": "gbm", "sigma": 0.7},
        "both": {"kind": "joint", "assets": {"BTC": "gbm", "ETH": "other"}, "correlation": 0.8},
    },
}
ONE: dict[str, Any] = {"rulebook": BINANCE, "side": "long", "collateral": 10_000.0, "leverage": 10.0}
LONG: dict[str, Any] = {"side": "long", "quantity": 1.0}
SHORT: dict[str, Any] = {"side": "short", "quantity": 0.5}
CROSS: dict[str, Any] = {"rulebook": BINANCE, "margin_mode": "cross", "collateral": 50_000.0}
FLYING: dict[str, Any] = {"rulebook": BINANCE, **LONG, "entry_price": 90_000.0}
REVERTING = {"kind": "mean_reverting", "speed": 50.0, "mean": 1e-4, "volatility": 0.01}
TOP_UP = {"kind": "margin_top_up", "trigger": 1.5, "target": 2.0}
LIMIT = {"kind": "stop_loss", "distance": 0.05, "limit": 0.01}
OWN_BOOK = {"own_book": {"asset": "SOL", "slope": 0.1, "most": 0.3}}
WATERFALL = {"open_interest": 1e9, "volume": 1e9}


class Case(NamedTuple):
    hint: str
    book: dict[str, Any]
    fix: Fix
    rest: dict[str, Any] = {}


def put(*places: str, **values: Any) -> Fix:
    """Write values in a part of the study, under the keys `places`; None takes a key away."""

    def fix(data: dict[str, Any]) -> None:
        part = data
        for place in places:
            part = part.setdefault(place, {}) if isinstance(part, dict) else part[int(place)]
        for key, value in values.items():
            part.pop(key, None)
            if value is not None:
                part[key] = value

    return fix


def both(*fixes: Fix) -> Fix:
    return lambda data: [fix(data) for fix in fixes]


CASES = [
    Case(
        "Write margin_mode: isolated",
        ONE | {"rulebook": GMX, "margin_mode": "cross"},
        put("book", margin_mode="isolated"),
    ),
    Case(
        "Write margin_mode: cross",
        {"rulebook": DERIBIT, "side": "long", "collateral": 1.0, "leverage": 2.0},
        put("book", margin_mode="cross"),
    ),
    Case(
        "Write margin_mode: isolated, and a collateral in each position in place of the book's",
        CROSS | {"positions": [LONG, SHORT], "margin_mode": "portfolio"},
        both(
            put("book", margin_mode="isolated", collateral=None),
            put("book", "positions", "0", collateral=30_000.0),
            put("book", "positions", "1", collateral=20_000.0),
        ),
    ),
    Case(
        "Write margin_mode: cross, and one collateral of the book in place of each position's",
        {"rulebook": DERIBIT, "positions": [{"side": "long", "quantity": 9e4, "collateral": 1.0}]},
        both(put("book", margin_mode="cross", collateral=1.0), put("book", "positions", "0", collateral=None)),
    ),
    Case(
        "Write margin_mode: isolated, and a collateral in each position",
        CROSS | {"positions": [LONG, SHORT | {"rulebook": KRAKEN}]},
        both(
            put("book", margin_mode="isolated", collateral=None),
            put("book", "positions", "0", collateral=30_000.0),
            put("book", "positions", "1", collateral=20_000.0),
        ),
    ),
    Case(
        "Write one study for each of the two",
        CROSS | {"positions": [LONG, SHORT | {"rulebook": "deribit/BTC_USDC-PERPETUAL"}]},
        put("book", positions=[LONG]),
    ),
    Case(
        "The model has BTC",
        CROSS | {"positions": [LONG | {"asset": "SOL", "stand_in": True}]},
        put("book", "positions", "0", asset="BTC"),
    ),
    Case(
        "Write market.spots: {ETH: ...}",
        CROSS | {"positions": [LONG, SHORT | {"rulebook": ETHER, "asset": "ETH"}]},
        put("market", spots={"ETH": 3_337.78}),
        JOINT | {"market": BASE["market"] | {"model": "both"}},
    ),
    Case(
        "For a position that is opened now give collateral",
        {"rulebook": BINANCE, **LONG, "margin": 9_000.0},
        put("book", margin=None, collateral=9_000.0),
    ),
    Case(
        "For a position that is opened now give collateral",
        {"rulebook": BINANCE, **LONG, "margin_with_pnl": 9_000.0},
        put("book", margin_with_pnl=None, collateral=9_000.0),
    ),
    Case(
        "Leave out one of margin_with_pnl and margin",
        FLYING | {"margin": 9_000.0, "margin_with_pnl": 9_000.0},
        put("book", margin=None),
    ),
    Case(
        "Give quantity or notional",
        {
            "rulebook": BINANCE,
            "positions": [{"side": "long", "leverage": 5.0, "entry_price": 9e4, "margin_with_pnl": 9e3}],
        },
        put("book", "positions", "0", leverage=None, quantity=0.5),
    ),
    Case(
        "Write collateral under each position",
        {"rulebook": BINANCE, "positions": [LONG], "collateral": 20_000.0},
        both(put("book", collateral=None), put("book", "positions", "0", collateral=20_000.0)),
    ),
    Case(
        "Give one of collateral, margin_with_pnl, collaterals",
        {"rulebook": BINANCE, "positions": [LONG]},
        put("book", "positions", "0", collateral=20_000.0),
    ),
    Case(
        "Write book.collateral, book.collaterals or both",
        {"rulebook": KRAKEN, "margin_mode": "cross", "positions": [LONG]},
        put("book", collaterals=[{"asset": "BTC", "amount": 0.5}]),
    ),
    Case(
        "Write slippage_bps under positions",
        CROSS | {"positions": [LONG], "slippage_bps": 5.0},
        both(put("book", slippage_bps=None), put("book", "positions", "0", slippage_bps=5.0)),
    ),
    Case(
        "Write it as collateral under positions",
        {"rulebook": BINANCE, "positions": [LONG | {"entry_price": 9e4}], "margin": 9_000.0},
        both(put("book", margin=None), put("book", "positions", "0", collateral=9_000.0)),
    ),
    Case(
        "It takes BTC; or give a haircut",
        {"rulebook": GMX, **LONG, "collaterals": [{"asset": "ETH", "amount": 0.5}]},
        put("book", "collaterals", "0", asset="BTC"),
    ),
    Case(
        "Give a haircut of your own",
        {"rulebook": BINANCE, **LONG, "collaterals": [{"asset": "BTC", "amount": 0.5}]},
        put("book", "collaterals", "0", haircut=0.1),
    ),
    Case(
        "Write it as book.collateral",
        {"rulebook": GMX, **LONG, "collaterals": [{"asset": "USDC", "amount": 20_000.0}]},
        put("book", collaterals=None, collateral=20_000.0),
    ),
    Case(
        "Write funding: {kind: constant, rate: ..., interval: ...}",
        CROSS | {"positions": [LONG]},
        put(funding={"kind": "constant", "rate": 1e-4, "interval": "8h"}),
        JOINT | {"funding": REVERTING | {"rate": 1e-4}},
    ),
    Case(
        "Write basis: {kind: constant, basis: ...}",
        CROSS | {"positions": [LONG]},
        put(basis={"kind": "constant", "basis": 0.001}),
        JOINT | {"basis": REVERTING},
    ),
    Case("Write book.reserve", ONE | {"policies": [TOP_UP]}, put("book", reserve=5_000.0)),
    Case(
        "Give distance or price",
        {"rulebook": GMX, **LONG, "collaterals": [{"asset": "BTC", "amount": 0.5}]}
        | {"policies": [{"kind": "stop_loss", "of_margin": 0.5}]},
        put("book", "policies", "0", of_margin=None, distance=0.05),
    ),
    Case("Write order: limit", ONE | {"policies": [LIMIT]}, put("book", "policies", "0", order="limit")),
    Case("The model has ETH", ONE, put("venue", "own_book", asset="ETH"), JOINT | {"venue": OWN_BOOK}),
    Case(
        "Use a joint model with the collateral as an asset",
        ONE,
        both(put(**JOINT), put("venue", "own_book", asset="ETH")),
        {"venue": OWN_BOOK},
    ),
    Case("Write it", ONE, put("venue", "waterfall", fund=1e8), {"venue": {"waterfall": WATERFALL}}),
    Case(
        "Write the position under book.positions, with its expiry",
        {"rulebook": "kraken/FF_XBTUSD_261225", **LONG, "collateral": 20_000.0},
        put(
            "book",
            side=None,
            quantity=None,
            collateral=None,
            positions=[LONG | {"collateral": 20_000.0, "expiry": "2026-12-25T08:00:00Z"}],
        ),
    ),
    Case(
        "Write BTC as the asset and give its price (market.spot)",
        ONE,
        put("market", asset="BTC", spot=93_576.0),
        {"market": BASE["market"] | {"asset": "1000BTC", "spot": 93_576_000.0}},
    ),
]


def planned(data: dict[str, Any]) -> None:
    """What `check` does."""
    make_plan(study_from_dict(deepcopy(data)))


def of(case: Case) -> dict[str, Any]:
    return deepcopy(BASE | case.rest | {"book": case.book})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.hint[:50])
def test_what_a_hint_says_can_be_written(case: Case) -> None:
    assert case.hint in said(case)
    data = of(case)
    case.fix(data)
    planned(data)


def said(case: Case) -> str:
    """The hint of its refusal."""
    with pytest.raises(InputError) as refused:
        planned(of(case))
    return refused.value.hint


@pytest.mark.parametrize("name", venues.available())
def test_the_leverage_that_a_refusal_names_is_allowed(name: str) -> None:
    """Rounded as it is shown: at sizes over the whole table the figure of the hint is not refused."""
    rules = venues.load(name)
    if rules.contract.kind == "option":
        pytest.skip("an option has no leverage")
    for notional in (1.0, 7e3, 3.3e5, 4.1e6, 1.7e7):
        size = rules.size(notional / 9e4 if rules.contract.kind == "linear" else notional * 9e4, 9e4)
        try:
            rules.check_allowed(notional, 1e4, size)
        except InputError as refused:
            found = re.search(r"leverage to at most ([\d.e+]+)", refused.hint)
            if found:
                rules.check_allowed(notional, float(found[1].rstrip(".")), size)


CHECKED = (
    "account_checks engine_rules general_book build held holdings parts policy_kinds waterfall_kind venue_kinds clock"
).split()
# hints that leave the figure to the reader, or ask another question
OPEN = (
    "Give it more collateral, or make the positions smaller",
    "Give it more margin, or less leverage",
    "Put its level on the other side of the price, or remove it",
    "Ask it for margins and prices instead",
    "Write [1D, 7D]",  # the horizons in order: tests/config/test_refusals.py
    "Write one",  # no model that is shipped is without a volatility at as_of
)


def test_every_hint_has_its_case() -> None:
    known = [*map(said, CASES), *OPEN]
    collected = [(module, pattern) for module in CHECKED for pattern in hints(module)]
    assert len(collected) > 20
    for module, pattern in collected:
        assert any(re.search(pattern, hint) for hint in known), f"{module}: no case here for the hint {pattern}"
