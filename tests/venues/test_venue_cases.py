"""Figures from venues, and from other people's tests of them, by their id in ../shared/venues/cases.json."""

import json
from datetime import UTC, datetime, time

import numpy as np
import pytest

from stresslab import venues
from stresslab.venues import funding, margin
from stresslab.venues.tiers import TierTable

BINANCE_ISOLATED = [f"ISO-{n:03}" for n in range(1, 9)]
GATE_AND_OKX = [f"ISO-{n:03}" for n in range(9, 17)]
BYBIT_AT_ENTRY = [f"ISO-{n:03}" for n in range(17, 25)]
PAYMENTS = [f"FND-{n:03}" for n in range(1, 10)]
SUMS = ["FND-010", "FND-011", "FND-012"]
LOOKUPS = ["TIR-001", "TIR-002"]
# dYdX rounds up at 1e-6, which is no part of this package: only the cases that it does not reach
REQUIREMENTS = ["DYM-001", "DYM-002", "DYM-004", "DYM-005", "DYM-006", "DRF-020"]


@pytest.fixture(scope="module")
def cases(shared):
    return {case["id"]: case for case in json.loads((shared / "venues" / "cases.json").read_text())["cases"]}


def expect(value, case, name):
    assert value == pytest.approx(case["expected"][name], rel=case["rel_tol"])


def position(case):
    given = case["inputs"]
    return given["side"], given["entry"], given["qty"], given["isolated_margin"]


def test_no_binance_case_is_left_out(cases):
    known = {*BINANCE_ISOLATED, *SUMS, *LOOKUPS}
    assert {name for name, case in cases.items() if case["venue"].startswith("binance")} == known


@pytest.mark.parametrize("name", BINANCE_ISOLATED)
def test_liquidation_price_with_a_maintenance_amount(cases, name):
    case = cases[name]
    given = case["inputs"]
    price = margin.liquidation_price(*position(case), mmr=given["mmr"], cum=given["cum"])
    expect(price, case, "liquidation_price")


@pytest.mark.parametrize("name", GATE_AND_OKX)
def test_liquidation_price_with_a_close_fee(cases, name):
    case = cases[name]
    given = case["inputs"]
    price = margin.liquidation_price(*position(case), mmr=given["mmr"], close_fee=given["taker_fee"])
    expect(price, case, "liquidation_price")


@pytest.mark.parametrize("name", BYBIT_AT_ENTRY)
def test_liquidation_price_with_the_requirement_frozen_at_entry(cases, name):
    """A constant requirement is what `other_maintenance` is."""
    case = cases[name]
    given = case["inputs"]
    frozen = given["mmr"] * given["qty"] * given["entry"]
    expect(margin.liquidation_price(*position(case), mmr=0.0, other_maintenance=frozen), case, "liquidation_price")


@pytest.mark.parametrize("name", ["DYD-001", "DYD-002"])
def test_liquidation_price_of_dydx_accounts(cases, name):
    """Equity now at the price now: the entry may be taken to be now."""
    case = cases[name]
    given = case["inputs"]
    others = sum(abs(o["size"]) * o["price"] * o["mmf"] for o in given.get("other_positions", []))
    book = ("short", given["price"], -given["size"], given["equity"])
    price = margin.liquidation_price(*book, mmr=given["mmf"], other_maintenance=others)
    expect(price, case, "liquidation_price")
    if "equity_at_liquidation" in case["expected"]:
        expect(margin.equity(*book, price), case, "equity_at_liquidation")


def drift_position(given):
    return "long", -given["quote_position_after_fees"] / given["size"], given["size"], given["collateral"]


def test_liquidation_price_on_drift(cases):
    case = cases["DRF-018"]
    price = margin.liquidation_price(*drift_position(case["inputs"]), mmr=case["inputs"]["mmr"])
    expect(price, case, "liquidation_price")


def test_equity_below_zero_on_drift(cases):
    case = cases["DRF-019"]
    left = margin.equity(*drift_position(case["inputs"]), case["inputs"]["liquidated_at_oracle"])
    expect(left, case, "bankrupt_quote")


def test_bankruptcy_price_and_equity_after_a_jump(cases):
    case = cases["DYD-003"]
    loser = case["inputs"]["B"]
    book = ("short", loser["entry"], -loser["size"], loser["deposit"])
    expect(margin.bankruptcy_price(*book), case, "B_bankruptcy_price")
    expect(margin.equity(*book, case["inputs"]["price_jump_to"]), case, "B_equity")


def test_requirement_and_equity_at_the_oracle_and_the_fill(cases):
    case = cases["DYD-004"]
    given = case["inputs"]
    book = ("long", given["entry"], given["size"], given["deposit"])
    expect(one_tier(given["mmf"]).maintenance(given["size"] * given["entry"]), case, "mm_at_entry")
    expect(margin.equity(*book, given["oracle"]), case, "equity_at_oracle")
    expect(-margin.equity(*book, given["fill"]), case, "insurance_pays")


def one_tier(mmr, imr=1.0):
    return TierTable(*(np.array([x]) for x in (0.0, 1e9, mmr, imr, 1 / imr, 0.0)))


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_requirement_of_one_rate(cases, name):
    case = cases[name]
    given = case["inputs"]
    notional = abs(given["size"]) * given.get("oracle_price", given.get("price"))
    rate = given["mmr"] if "mmr" in given else given["imf"] * given["maintenance_fraction"]
    expect(one_tier(rate, given.get("imf", 1.0)).maintenance(notional), case, "maintenance_margin")


@pytest.mark.parametrize("name", LOOKUPS)
def test_tier_lookup(cases, name):
    case = cases[name]
    floor, cap, mmr, cum = (np.array(x) for x in zip(*case["inputs"]["tiers_floor_cap_mmr_cum"], strict=True))
    found = TierTable(floor, cap, mmr, 2 * mmr, 0.5 / mmr, cum).at(case["inputs"]["notional"])
    expect(found.mmr, case, "mmr")
    expect(found.cum, case, "cum")


@pytest.mark.parametrize("name", PAYMENTS)
def test_funding_payment(cases, name):
    case = cases[name]
    given = case["inputs"]
    book = venues.load("binance_usdm/BTCUSDT")
    expect(book.funding_payment(given["side"], given["qty"], given["mark"], given["rate"]), case, "received")
    if given.get("time_in_ratio") is not None:  # Kraken accrues: the rate of the time that has passed
        rate = given["rate"] * given["time_in_ratio"]
        received = book.funding_payment(given["side"], given["qty"], given["mark"], rate)
        expect(received, case, "received_time_prorated")


def unix(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize("name", SUMS)
def test_funding_sum(cases, name):
    case = cases[name]
    given = case["inputs"]
    day = datetime.fromisoformat(given["open"]).date()
    times = [datetime.combine(day, time.fromisoformat(event["t"]), UTC).timestamp() for event in given["events"]]
    received = funding.funding_sum(
        given["side"],
        given["qty"],
        unix(given["open"]),
        unix(given["close"]),
        times,
        [event["mark"] for event in given["events"]],
        [event["rate"] for event in given["events"]],
    )
    expect(received, case, "received")


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_shipped_figures_are_the_collected_ones(shared, symbol):
    rules = json.loads((shared / "venues" / "venue_rules.json").read_text())["rules"]
    collected = next(rule for rule in rules if rule["id"] == f"binance_usdm/{symbol}")
    book = venues.load(f"binance_usdm/{symbol}")
    assert [tier.model_dump() for tier in book.requirement.tiers] == collected["tiers"]
    assert book.as_of.isoformat() == collected["as_of"]
    assert (book.contract.kind, book.contract.settle) == (collected["contract"], collected["margin_ccy"])
    assert collected["tier_scheme"] == "marginal_cum" and collected["tier_unit"] == "quote_notional_at_mark"
    assert collected["source"].split("@ ")[1] in book.source
