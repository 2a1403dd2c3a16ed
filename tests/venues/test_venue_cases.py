"""Every case of ../shared/venues/cases.json (figures of venues, and of other people's tests) by public calls.

`ANSWERS` is the table from a case's `kind` to the function that answers it: a dictionary with the case's expected
names. A kind without an answer, an expected figure without a value and a case left out are failures.
"""

import json
from datetime import UTC, datetime, time

import numpy as np
import pytest

from stresslab import venues
from stresslab.venues import (
    close_out,
    cross_account,
    deleveraging,
    funding,
    funding_onchain,
    funding_rate,
    lending,
    liquidation_fees,
    margin,
    partial,
    rounding,
    volatile_collateral,
)
from stresslab.venues.tiers import TierTable

N_CASES = 120


@pytest.fixture(scope="module")
def cases(shared):
    return json.loads((shared / "venues" / "cases.json").read_text())["cases"]


def side_of(size):
    return "long" if size > 0 else "short"


def one_tier(mmr, imr=1.0):
    return TierTable(*(np.array([x]) for x in (0.0, np.inf, mmr, imr, 1 / imr, 0.0)))


def liquidation_price(case, given):
    if case["id"].startswith("DYD"):
        return dydx_liquidation_price(given)
    if case["id"].startswith("DRF"):
        book = drift_position(given)
        return {"liquidation_price": margin.liquidation_price(*book, mmr=given["mmr"])}
    book = (given["side"], given["entry"], given["qty"], given["isolated_margin"])
    if case["venue"] == "bybit":  # the requirement of the entry notional, whatever the price
        frozen = given["mmr"] * given["qty"] * given["entry"]
        return {"liquidation_price": margin.liquidation_price(*book, mmr=0.0, other_maintenance=frozen)}
    rates = {"mmr": given["mmr"], "cum": given.get("cum", 0.0), "close_fee": given.get("taker_fee", 0.0)}
    return {"liquidation_price": margin.liquidation_price(*book, **rates)}


def dydx_liquidation_price(given):
    """Equity now at the price now: the entry may be taken to be now."""
    others = given.get("other_positions", [])
    values = [[other[key] for other in others] for key in ("size", "price", "mmf")]
    maintenance = cross_account.account_maintenance(*values) if others else 0.0
    book = (side_of(given["size"]), given["price"], abs(given["size"]), given["equity"])
    price = margin.liquidation_price(*book, mmr=given["mmf"], other_maintenance=maintenance)
    return {
        "liquidation_price": price,
        "equity_at_liquidation": margin.equity(*book, price),
        "other_mmr": maintenance,
    }


def drift_position(given):
    return "long", -given["quote_position_after_fees"] / given["size"], given["size"], given["collateral"]


def fillable_price(case, given):
    sizes, prices, mmf = ([each[key] for each in given["positions"]] for key in ("size", "oracle_price", "mmf"))
    value = cross_account.account_value(given["quote_balance"], sizes, prices)
    maintenance = cross_account.account_maintenance(sizes, prices, mmf)
    closed = (each[given["close_index"]] for each in (sizes, prices, mmf))
    spread = given["spread_to_mm_ratio"]
    price = cross_account.fillable_price(*closed, value, maintenance, given["bankruptcy_adjustment"], spread)
    return {"fillable_price": price}


def margin_requirement(case, given):
    if "spot_borrow_quote" in given:
        borrow = (given["spot_borrow_quote"], given["initial_liability_weight"])
        return {
            "margin_requirement": lending.borrow_requirement(*borrow),
            "margin_requirement_plus_buffer": lending.borrow_requirement(*borrow, given["liquidation_buffer"]),
        }
    if "mmr" in given:
        notional = margin.notional(given["size"], given["price"])
        return {"maintenance_margin": one_tier(given["mmr"]).maintenance(notional)}
    return dydx_margins(given, given["imf"], given["imf"])


def dydx_margins(given, base_imf, imf):
    """The maintenance margin is a fraction of the initial one at the base rate."""
    notional = margin.notional(abs(given["size"]), given["oracle_price"])
    initial, _ = rounding.rounded_margins(notional, imf, given["maintenance_fraction"])
    _, maintenance = rounding.rounded_margins(notional, base_imf, given["maintenance_fraction"])
    return {"initial_margin": initial, "maintenance_margin": maintenance}


def open_interest_scaled_margin(case, given):
    interest = margin.notional(given["open_interest_base"], given["oracle_price"])
    bounds = (given["oi_lower_cap"], given["oi_upper_cap"])
    return dydx_margins(given, given["base_imf"], rounding.open_interest_rate(given["base_imf"], interest, *bounds))


def rate_margin(case, given):
    """nautilus_trader: a rate of the notional, over the leverage in its `leveraged` model."""
    leverage = given["leverage"] if given["model"] == "leveraged" else 1.0
    amount = margin.notional(given["qty"], given["price"], given["contract"]) * given["rate"] / leverage
    return dict.fromkeys(case["expected"], amount)


def maintenance_fraction_ppm(case, given):
    return {"mmf_ppm": rounding.maintenance_ppm(given["imf_ppm"], given["maintenance_fraction_ppm"])}


def funding_clamp_ppm(case, given):
    names = ("clamp_factor_ppm", "imf_ppm", "maintenance_fraction_ppm")
    return {"max_abs_funding_8h_ppm": funding_onchain.funding_clamp_ppm(*(given[name] for name in names))}


def funding_settlement(case, given):
    names = ("funding_index_now", "funding_index_at_last_settle", "size_quantums")
    return {"net_settlement_ppm": funding_onchain.funding_settlement(*(given[name] for name in names))}


def block_bounds(case, given):
    bounds = partial.block_bounds(given["position_notional"], given["min_notional"], given["max_portion"])
    return {"min_liquidatable": bounds.smallest, "max_liquidatable": bounds.largest}


def size_to_cover(case, given):
    names = ("margin_shortage", "oracle_price", "margin_ratio", "liquidator_fee", "insurance_fee", "quote_price")
    return {"base_to_close": partial.size_to_cover(*(given[name] for name in names))}


def largest_share(case, given):
    pace = {"duration_slots": given["liquidation_duration_slots"]}
    return {"pct": partial.largest_share(given["margin_shortage"], given["initial_pct"], **pace)}


def insurance_fee_rate(case, given):
    names = ("margin_shortage", "base", "oracle_price", "margin_ratio", "liquidator_fee", "max_if_fee")
    return {"if_fee": liquidation_fees.insurance_fee_rate(*(given[name] for name in names))}


def liquidation_fee_ramp(case, given):
    names = ("base_fee", "max_fee", "slots_since_user_active", "grace_slots")
    return {"liquidation_fee": liquidation_fees.ramped_fee(*(given[name] for name in names))}


def drift_funding(case, given):
    """Drift's test hands its clamp a gap of exactly 1 that has the offset of oracle / 5000 already: offset 0."""
    assert given["funding_period_s"] == 3600
    reach = given["clamp_fraction"] * given["oracle_twap"]
    rate = funding_onchain.drift_hourly_funding(given["mark_twap"], given["oracle_twap"], reach, offset=0.0)
    return {"funding_per_hour_quote": rate}


def max_price_divergence(case, given):
    return {"max_price_divergence": funding_onchain.max_price_divergence(given["oracle_twap"], given["contract_tier"])}


def bad_debt(case, given):
    sold = margin.notional(given["size"], given["liquidated_at_oracle"]) * (1 - given["liquidator_fee"])
    names = ("collateral", "quote_position_after_fees", "size", "liquidated_at_oracle", "liquidator_fee")
    left = close_out.bad_debt(*(given[name] for name in names))
    at_price = margin.equity(*drift_position(given), given["liquidated_at_oracle"])
    assert left == pytest.approx(at_price, rel=1e-9)
    return {"liquidation_quote": sold, "bankrupt_quote": left}


def two_sided_deleveraging(case, given):
    """A loser beyond bankruptcy is closed against a winner, at the loser's bankruptcy price."""
    winner, loser = ((side_of(g["size"]), g["entry"], abs(g["size"]), g["deposit"]) for g in (given["A"], given["B"]))
    now, bankrupt = given["price_jump_to"], margin.bankruptcy_price(*loser)
    price = deleveraging.deleveraging_price("bankruptcy", bankruptcy=bankrupt, mark=now, oracle=now)
    amount = deleveraging.deleveraged_amounts([1.0], [winner[2]], loser[2])[0]
    return {
        "B_equity": margin.equity(*loser, now),
        "B_bankruptcy_price": bankrupt,
        "A_profit_if_not_deleveraged": margin.equity(*winner, now) - winner[3],
        "A_profit": margin.equity("long", winner[1], amount, 0.0, price),
        "B_loss": loser[3] - margin.equity(*loser, price),
    }


def insurance_use(case, given):
    book = ("long", given["entry"], given["size"], given["deposit"])
    at_fill = close_out.close_out(margin.equity(*book, given["fill"]), 0.0, 0.0, "customer")
    return {
        "mm_at_entry": one_tier(given["mmf"]).maintenance(margin.notional(given["size"], given["entry"])),
        "pnl_at_oracle": margin.equity(*book, given["oracle"]) - given["deposit"],
        "equity_at_oracle": margin.equity(*book, given["oracle"]),
        # the spread of a liquidation order from a worthless account, as a fraction of the oracle
        "max_spread": 1 - cross_account.fillable_price(1, 1, given["mmf"], 0, 1, 1, given["spread_to_mm_ratio"]),
        "pnl_at_fill": margin.equity(*book, given["fill"]) - given["deposit"],
        "insurance_pays": close_out.use_fund(1e6, at_fill.shortfall).paid,
    }


def tier_lookup(case, given):
    floor, cap, mmr, cum = (np.array(x) for x in zip(*given["tiers_floor_cap_mmr_cum"], strict=True))
    found = TierTable(floor, cap, mmr, 2 * mmr, 0.5 / mmr, cum).at(given["notional"])
    return {"mmr": found.mmr, "cum": found.cum}


def funding_payment(case, given):
    position = (given["side"], given["qty"], given["mark"])
    received = venues.load("binance_usdm/BTCUSDT@2024").funding_payment(*position, given["rate"])
    if given.get("time_in_ratio") is None:
        return {"received": received, "received_time_prorated": None}
    accrued = funding_rate.accrued_rate(given["rate"], given["time_in_ratio"], 1.0)
    return {"received": received, "received_time_prorated": funding.funding_payment(*position, accrued)}


def funding_sum(case, given):
    day = datetime.fromisoformat(given["open"]).date()
    times = [datetime.combine(day, time.fromisoformat(each["t"]), UTC).timestamp() for each in given["events"]]
    held = (datetime.fromisoformat(given[end]).replace(tzinfo=UTC).timestamp() for end in ("open", "close"))
    prices, rates = ([each[key] for each in given["events"]] for key in ("mark", "rate"))
    return {"received": funding.funding_sum(given["side"], given["qty"], *held, times, prices, rates)}


def gmx_pnl(given):
    return volatile_collateral.token_pnl(*(given[n] for n in ("side", "size_tokens", "size_usd", "index_price")))


def liquidation_trigger(case, given):
    if given.get("contract") == "inverse":  # the figures are far from any requirement: one of nothing decides
        position = (given["side"], given["entry"], given["contracts_usd"], given["balance_btc"])
        return {"liquidated": margin.equity(*position, given["mark"], contract="inverse") <= 0}
    backing = (given["collateral_token_amount"], given["collateral_price"])
    left = volatile_collateral.remaining_collateral(
        *backing, gmx_pnl(given), given["size_usd"], fees=given["fees_and_impact"]
    )
    due = volatile_collateral.is_liquidatable(left, given["size_usd"], given["min_collateral_factor"])
    return {"liquidatable": due}


def returned_collateral(case, given):
    pnl, backing = gmx_pnl(given), (given["collateral_token_amount"], given["collateral_price"])
    return {"pnl_usd": pnl, "returned_collateral_tokens": volatile_collateral.returned_collateral(*backing, pnl)}


ANSWERS = {
    "bad_debt": bad_debt,
    "deleveraging": two_sided_deleveraging,
    "funding_clamp_ppm": funding_clamp_ppm,
    "funding_max_divergence": max_price_divergence,
    "funding_payment": funding_payment,
    "funding_rate": drift_funding,
    "funding_settlement": funding_settlement,
    "funding_sum_8h": funding_sum,
    "insurance_fee_rate": insurance_fee_rate,
    "insurance_use": insurance_use,
    "liquidation_fee_ramp": liquidation_fee_ramp,
    "liquidation_limit_price": fillable_price,
    "liquidation_price": liquidation_price,
    "liquidation_trigger": liquidation_trigger,
    "maintenance_fraction_ppm": maintenance_fraction_ppm,
    "margin": rate_margin,
    "margin_requirement": margin_requirement,
    "open_interest_scaled_margin": open_interest_scaled_margin,
    "partial_liquidation_bounds": block_bounds,
    "partial_liquidation_pct": largest_share,
    "partial_liquidation_size": size_to_cover,
    "returned_collateral": returned_collateral,
    "tier_lookup": tier_lookup,
}


def misses(case, answered):
    """The expected figures that the answer does not have, or not within the case's tolerance."""
    return {
        name: (answered.get(name, "no answer"), wanted)
        for name, wanted in case["expected"].items()
        if name not in answered or not matches(answered[name], wanted, case["rel_tol"])
    }


def matches(value, wanted, tolerance):
    if wanted is None or isinstance(wanted, bool):
        return value is None if wanted is None else bool(value) is wanted
    return value == pytest.approx(wanted, rel=tolerance, abs=0.0)


def test_every_case_is_answered_within_its_tolerance(cases):
    assert len(cases) == N_CASES and len({case["id"] for case in cases}) == N_CASES
    assert {case["kind"] for case in cases} == set(ANSWERS)
    wrong = {case["id"]: misses(case, ANSWERS[case["kind"]](case, case["inputs"])) for case in cases}
    assert {name: figures for name, figures in wrong.items() if figures} == {}


def test_a_wrong_figure_would_be_seen(cases):
    """Every number off by ten times its tolerance (a truth value turned round) fails, in each of the cases."""
    for case in cases:
        answered = ANSWERS[case["kind"]](case, case["inputs"])
        for name, wanted in case["expected"].items():
            if wanted is None:
                continue
            off = not wanted if isinstance(wanted, bool) else wanted * (1 + 10 * case["rel_tol"]) or 1.0
            assert misses({**case, "expected": {name: off}}, answered), (case["id"], name)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_shipped_figures_are_the_collected_ones(shared, symbol):
    rules = json.loads((shared / "venues" / "venue_rules.json").read_text())["rules"]
    collected = next(rule for rule in rules if rule["id"] == f"binance_usdm/{symbol}")
    book = venues.load(f"binance_usdm/{symbol}@2024")
    assert [tier.model_dump() for tier in book.requirement.tiers] == collected["tiers"]
    assert book.valid_from.date().isoformat() <= collected["as_of"] <= book.as_of.isoformat()
    assert (book.contract.kind, book.contract.settle) == (collected["contract"], collected["margin_ccy"])
    assert collected["tier_scheme"] == "marginal_cum" and collected["tier_unit"] == "quote_notional_at_mark"
    assert collected["source"].split("@ ")[1] in book.source
