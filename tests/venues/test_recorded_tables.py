"""Tables as venues returned them, against ../shared/venues/tiers_2026.json and by hand; and what is not verified."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stresslab import venues
from stresslab.errors import NotAllowed
from stresslab.venues import Rulebook

COLUMNS = {  # of a table here: the names that the record may have for it
    "floor": ("notional_from", "contracts_from"),
    "cap": ("notional_to", "contracts_to"),
    "mmr": ("mmr",),
    "cum": ("deduction",),
    "imr": ("imr",),
    "max_leverage": ("max_leverage",),
}
ROUNDED = {"imr": 0.011, "max_leverage": 0.06}  # the venues round one of the two: 0.0066 for 1 / 150, 75 for 71.4
EVERY_EDITION = [one for name in venues.available() for one in venues.history(name)]


@pytest.fixture(scope="module")
def recorded(shared: Path) -> dict[str, dict[str, Any]]:
    tables = json.loads((shared / "venues" / "tiers_2026.json").read_text())["tiers"]
    return {table["id"]: table for table in tables}


def test_every_recorded_table_is_that_of_its_rulebook(recorded: dict[str, dict[str, Any]]) -> None:
    wrong = [
        f"{name}, row {place}: {key} {getattr(found, key)[place]} for {wanted}"
        for name, table in recorded.items()
        if table["tiers"]
        for found in [venues.load(name.removesuffix(" isolated")).requirement.table]
        for place, row in enumerate(table["tiers"])
        for key, wanted in _columns(row)
        if not np.isclose(getattr(found, key)[place], wanted, rtol=ROUNDED.get(key, 1e-6), atol=0)
    ]
    assert wrong == []


def _columns(row: dict[str, Any]) -> list[tuple[str, float]]:
    """What is recorded of a tier; a cap that is recorded as none is no end."""
    found = []
    for key, names in COLUMNS.items():
        name = next((name for name in names if name in row), None)
        if name is not None and (row[name] is not None or key == "cap"):
            found.append((key, np.inf if row[name] is None else row[name]))
    return found


def test_every_recorded_table_was_seen_while_its_edition_held(recorded: dict[str, dict[str, Any]]) -> None:
    for name, table in recorded.items():
        book = venues.load(re.sub(" (isolated|cross)$", "", name))
        assert f"{book.valid_from:%Y-%m-%d}" <= table["as_of"] <= f"{book.last_seen:%Y-%m-%d}", name


def test_tables_end_where_the_record_ends(recorded: dict[str, dict[str, Any]]) -> None:
    """No tier is made up above those recorded: OKX's BTC goes on by recorded steps, BitMEX's by its risk steps."""
    for name, table in recorded.items():
        if not table["tiers"] or isinstance(table["open_ended"], dict):
            continue
        assert len(venues.load(name.removesuffix(" isolated")).requirement.table.cap) == len(table["tiers"]), name
    steps, okx = recorded["okx/BTC-USDT-SWAP"]["open_ended"], venues.load("okx/BTC-USDT-SWAP").requirement.table
    last = (okx.cap[-1], okx.mmr[-1], okx.max_leverage[-1])
    assert last == (steps["last_bound_contracts"], steps["last_mmr"], steps["last_max_leverage"])


def test_the_largest_position_is_the_recorded_one(recorded: dict[str, dict[str, Any]]) -> None:
    bounds = {name: table["max_position"] for name, table in recorded.items() if table.get("max_position")}
    assert len(bounds) == 6
    for name, text in bounds.items():
        assert venues.load(name).requirement.max_quantity == float(text.split()[0].replace(",", "")), name


# requirement (without the closing fee) and largest leverage of a notional at 50,000, by hand from the venues' tables
BY_HAND = [
    ("bybit/BTCUSDT", 250_000, 250_000 * 0.0033, 150),
    ("bybit/BTCUSDT", 1_000_000, 1_000_000 * 0.005 - 510, 100),
    ("bybit/BTCUSDT", 10_000_000, 10_000_000 * 0.013 - 46_510, 45),
    ("bybit/BTCUSDT@2025", 1_000_000, 1_000_000 * 0.005, 100),
    ("okx/BTC-USDT-SWAP", 500_000, 500_000 * 0.004, 100),  # 1,000 contracts of 0.01 BTC
    ("okx/BTC-USDT-SWAP", 2_500_000, 2_500_000 * 0.005, 1 / 0.015),
    ("okx/BTC-USDT-SWAP", 10_000_000, 10_000_000 * 0.0075, 50),
    ("okx/BTC-USDT-SWAP", 50_000_000, 50_000_000 * 0.0275, 25),  # 100,000: the fourth step after 0.75 %
    ("okx/BTC-USDT-SWAP@2021", 5_000_000, 5_000_000 * 0.01, 1 / 0.015),
    ("gate/BTC_USDT", 500_000, 500_000 * 0.003, 200),
    ("gate/BTC_USDT", 1_200_000, 1_200_000 * 0.004 - 750, 125),
    ("gate/BTC_USDT", 3_000_000, 3_000_000 * 0.005 - 2_500, 100),
    ("gate/BTC_USDT@2025", 1_200_000, 1_200_000 * 0.02 - 10_835, 25),
    ("kraken/PF_XBTUSD", 1_000_000, 5_000, 100),
    ("kraken/PF_XBTUSD", 10_000_000, 5_000 + 20_000 + 140_000, 25),
    ("kraken/PF_XBTUSD@2024", 10_000_000, 10_000_000 * 0.05 - 145_000, 10),
    ("kucoin/XBTUSDTM", 100_000, 400, 125),
    ("kucoin/XBTUSDTM", 2_500_000, 2_500_000 * 0.017, 1 / 0.034),
]


@pytest.mark.parametrize("name, notional, wanted, leverage", BY_HAND)
def test_requirements_by_hand(name: str, notional: float, wanted: float, leverage: float) -> None:
    book = venues.load(name)
    size = float(book.size(notional / 50_000, 50_000.0))
    assert float(book.maintenance_margin(float(notional), size=size)) == pytest.approx(wanted, rel=1e-12)
    assert float(book.max_leverage(size)) == pytest.approx(leverage, rel=1e-6)


@pytest.mark.parametrize(
    "name, size", [("gate/BTC_USDT", 3_000_001.0), ("okx/ETH-USDT-SWAP", 5_001.0), ("okx/BTC-USDT-SWAP", 1_940_001.0)]
)
def test_a_position_above_the_known_tiers_is_refused(name: str, size: float) -> None:
    with pytest.raises(NotAllowed):
        venues.load(name).max_leverage(size)


def test_the_rate_of_kucoins_cross_account() -> None:
    """(1 + q / m) / (2 L0): 0.0040000133 at 0.001 BTC and 0.00416136 at 12.102 BTC, 0.0054623236 at 380.03 ETH."""
    btc, eth = (venues.load(f"kucoin/{name}").in_mode("cross") for name in ("XBTUSDTM", "ETHUSDTM"))
    assert float(btc.maintenance_margin(1.0, size=0.001)) == pytest.approx(0.0040000133, abs=5e-11)
    assert float(btc.maintenance_margin(1.0, size=12.102)) == pytest.approx(0.00416136, abs=5e-12)
    assert float(eth.maintenance_margin(1.0, size=380.03)) == pytest.approx(0.0054623236, rel=1e-7)
    assert float(btc.maintenance_margin(1.0, size=30_000.0)) == 0.3  # the limit: without it 0.404


# largest rate of one payment, its time in hours, and the rate of a premium of 0.16 %
FUNDING = [
    ("okx/BTC-USDT-SWAP", 0.00375, 8, 0.0016 - 0.0005),
    ("bybit/BTCUSDT", 0.00375, 8, 0.0016 - 0.0005),
    ("gate/BTC_USDT", 0.003, 8, 0.0016 - 0.0005),
    ("kraken/PF_XBTUSD", 0.04, 8, 0.0016),  # 0.5 % and 0.02 % an hour: coefficient 8
    ("kraken/PI_XBTUSD@2026-04", 0.06, 24, 0.0016),  # 0.25 % and 0.16 % / 24 an hour
    ("kraken/PF_ETHUSD", 0.06, 24, 0.0016),
]


@pytest.mark.parametrize("name, cap, hours, rate", FUNDING)
def test_funding_as_recorded(name: str, cap: float, hours: int, rate: float) -> None:
    book = venues.load(name)
    assert book.funding.rate_seconds == hours * 3600
    assert float(book.funding_cap()) == pytest.approx(cap)
    assert float(book.funding_rate([0.0016] * 4)) == pytest.approx(rate)
    assert float(book.funding_rate([-1.0] * 4)) == pytest.approx(-cap)


def test_the_closing_fee_of_the_contract_is_apart_from_the_accounts() -> None:
    """Gate: 1,000 USDT of a contract at the rate of 0.3 % requires 3 + 0.75, whatever the account pays."""
    gate = venues.load("gate/BTC_USDT")
    assert (gate.requirement.close_fee_rate, gate.fees.taker) == (0.00075, 0.0005)
    assert float(gate.required("long", 50_000.0, 0.02, 100.0, 50_000.0)) == pytest.approx(3.75)


@pytest.mark.parametrize("book", EVERY_EDITION, ids=lambda book: f"{book.id}@{book.edition}")
def test_what_is_not_verified_is_said_once_and_briefly(book: Rulebook) -> None:
    lines = book.unverified
    assert len(set(lines)) == len(lines) > 0
    assert all(len(line) <= 110 and "\n" not in line and not line.endswith(".") for line in lines)
    doubt = re.compile(r"stand-in|not (?:been )?(?:read|found|verified|known)|no figure|not a figure")
    assert [line for line in book.assumptions if doubt.search(line)] == []


def _worded(book: Rulebook) -> tuple[Any, ...]:
    """The rules that the assumptions put into words and figures."""
    need = book.requirement
    terms = (need.basis, need.include_close_fee, need.close_fee_rate, need.with_funding)
    return *terms, book.band, book.collateral, book.fees


def test_an_edition_of_other_rules_has_assumptions_of_its_own() -> None:
    """Those of the newest edition would say of KuCoin in 2024 that it requires margin at the mark."""
    others = []
    for name in venues.available():
        *older, newest = venues.history(name)
        others += [one for one in older if _worded(one) != _worded(newest) and one.assumptions == newest.assumptions]
    assert [f"{one.id}@{one.edition}" for one in others] == []


@pytest.mark.parametrize("book", EVERY_EDITION, ids=lambda book: f"{book.id}@{book.edition}")
def test_a_requirement_at_entry_is_said_to_be_so(book: Rulebook) -> None:
    said = re.search(r"\bentry (?:value|notional)\b|\bsize at entry\b", "\n".join(book.assumptions), re.IGNORECASE)
    assert bool(said) == (book.requirement.basis == "entry")
