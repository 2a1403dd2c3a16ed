"""The book in words: positions, policies and the venue of books that are not plain."""

import json
from typing import Any

import xarray as xr

from stresslab.report.held import held

PLAIN = {"rulebook": "a/B", "margin_mode": "isolated", "side": "long", "collateral": 100.0, "leverage": 5.0}
MARKET = {"asset": "BTC", "spot": 100.0}


def dataset(book: dict[str, Any], **rest: Any) -> xr.Dataset:
    return xr.Dataset(attrs={"study": json.dumps({"book": book, "market": MARKET, **rest}), "swept": "[]"})


def test_a_plain_book_has_no_section() -> None:
    assert held(dataset(PLAIN)) is None


def test_positions_and_what_backs_them() -> None:
    positions = [
        {"side": "long", "leverage": 5.0},
        {"side": "short", "asset": "ETH", "rulebook": "a/C", "notional": 60_000.0, "entry_price": 3_000.0},
    ]
    collaterals = [{"asset": "ETH", "amount": 2.5, "haircut": 0.1}]
    book = {"rulebook": "a/B", "margin_mode": "cross", "collateral": 2e4, "reserve": 50.0}
    found = held(dataset(book | {"positions": positions, "collaterals": collaterals}))
    assert found is not None and found.positions == [
        "Long BTC on a/B, 5 times its collateral",
        "Short ETH on a/C, notional 60,000, opened at 3,000",
        "Margin: cross, on one balance",
        "Cash behind it: 20,000",
        "Collateral: 2.5 ETH, haircut 10\u202f%",
        "Reserve beside it: 50",
    ]


def test_policies_by_the_name_of_their_set() -> None:
    stop = {"kind": "stop_loss", "distance": 0.05, "share": 0.5, "order": "market", "latency": "1min", "position": 1}
    top_up = {"kind": "margin_top_up", "trigger": 1.5, "target": 2.0, "position": 0}
    found = held(dataset(PLAIN, policies={"both": [stop, top_up]}))
    assert found is not None and found.policies == [
        (
            "both",
            [
                "Stop-loss 5\u202f% from entry: 50\u202f% by market order on mark, 1min late (position 1)",
                "Top-up from the reserve when equity is below 1.5 times the maintenance margin, back to 2 times "
                "(position 0)",
            ],
        )
    ]


def test_an_unknown_policy_is_told_plainly() -> None:
    found = held(dataset(PLAIN | {"policies": [{"kind": "new_thing", "size": 3}]}))
    assert found is not None and found.policies == [("", ["new thing: size 3"])]


def test_the_venue() -> None:
    found = held(dataset(PLAIN, venue={"calm_volatility": 0.5, "outage": {"per_year": 12.0, "lasts": "30min"}}))
    assert found is not None and found.venue == [
        "calm volatility: 0.5",
        "Outage: the holder cannot act: 12 times a year in a calm market, lasts 30min",
    ]
