"""A rulebook's answers about markets, liquidations and losses: each section of the schema reaches its rule."""

import numpy as np
import pytest

from stresslab import venues
from stresslab.errors import InputError
from stresslab.venues import averages, bands, deleveraging_rank, funding_rate, partial
from stresslab.venues import mark as marks

BINANCE = venues.load("binance_usdm/BTCUSDT@2024")
PERPETUALS = [100.0, 101.0, 102.0, 99.0, 98.0]


def variant(**sections):
    return venues.variant(BINANCE, sections)


COMPUTED = {"update": None, "max_age": "60s"}
FROM_BOOK = {**COMPUTED, "window": "150s", "smoothing": "ema", "clamp_to_index": None}
EXACT = {"dated": False, "tick": None, "price_round": "none"}
INVERSE = {"kind": "inverse", "base": "BTC", "settle": "BTC", "face": 100.0, **EXACT}
QUANTO = {"kind": "quanto", "base": "ETH", "settle": "BTC", "multiplier": 1e-6, **EXACT}
COIN_TIERS = {**BINANCE.requirement.model_dump(), "tier_unit": "coin"}


def test_the_mark_of_every_kind():
    assert variant(mark={"kind": "equals_index"}).mark_price(100.0) == 100.0
    assert variant(mark={"kind": "oracle", **COMPUTED}).mark_price(100.0) == 100.0
    fair = variant(mark={"kind": "fair_funding", **COMPUTED})
    assert fair.mark_price(100.0, rate=0.01, time_to_funding=4 * 3600) == pytest.approx(100.5)
    ema = variant(mark={"kind": "index_plus_ema", **FROM_BOOK, "clamp_to_index": 0.01})
    np.testing.assert_allclose(ema.mark_price(100.0, average_basis=[0.5, 2.0]), [100.5, 101.0])
    three = variant(mark={"kind": "median_of_three", "first": "index_and_funding", **FROM_BOOK})
    got = three.mark_price(100.0, average_basis=0.5, last=103.0, rate=0.01, time_to_funding=8 * 3600)
    assert got == pytest.approx(101.0)
    others = variant(mark={"kind": "median_of_three", "first": "other_venues", **FROM_BOOK})
    got = others.mark_price(100.0, average_basis=0.5, last=103.0, perpetuals=PERPETUALS)
    assert got == marks.oracle_mark(100.0, 0.5, 103.0, PERPETUALS) == 100.5
    with pytest.raises(InputError, match="rate = None: is needed under this rulebook"):
        fair.mark_price(100.0, time_to_funding=1.0)


def test_the_average_basis_is_over_the_marks_window():
    ema = variant(mark={"kind": "index_plus_ema", **FROM_BOOK})
    samples, elapsed = [1.0, 2.0, 3.0], [3.0, 3.0, 3.0]
    assert ema.average_basis(samples, elapsed) == averages.exponential_average(samples, elapsed, 150.0)
    mean = variant(mark={"kind": "index_plus_ema", **FROM_BOOK, "window": "6s", "smoothing": "mean"})
    assert mean.average_basis(samples, elapsed) == 2.5
    with pytest.raises(InputError, match="a mark without an average"):
        variant(mark={"kind": "equals_index"}).average_basis(samples, elapsed)


def test_a_mark_is_stale_beyond_its_age_and_never_without_one():
    np.testing.assert_array_equal(variant(mark={"kind": "oracle", **COMPUTED}).is_stale([59.0, 61.0]), [False, True])
    assert not variant(mark={"kind": "equals_index"}).is_stale(1e9)


def test_funding_rates_of_four_venues_from_one_section():
    """Binance at 8 h; Hyperliquid an eighth each hour; Deribit's dead band; Drift's offset and clamp."""
    premiums = [0.002, 0.002]
    eight = {"rate_over": "8h", "interest": 1e-4, "damp": 5e-4, "cap": {"kind": "none"}, "sample_weights": "equal"}
    assert variant(funding=eight).funding_rate(premiums) == pytest.approx(0.0015)
    cap = {"kind": "absolute", "value": 0.04, "over": "1h"}
    hourly = variant(funding={**eight, "interval": "1h", "cap": cap})
    assert hourly.funding_rate(premiums) == pytest.approx(0.0015 / 8)
    assert hourly.funding_rate([0.5]) == 0.04
    deribit = variant(funding={**eight, "interval": "continuous", "interest": 0.0, "damp": 0.00025})
    assert deribit.funding_rate(premiums) == pytest.approx(funding_rate.dead_band_rate(0.002))
    assert deribit.funding_accrued("short", 2.0, 100.0, 0.002, 4 * 3600) == pytest.approx(0.2)
    daily = {"kind": "fraction_of_oracle", "value": 1 / 33, "over": "1D"}
    drift = variant(
        funding={**eight, "interval": "1h", "rate_over": "1D", "interest": 2e-4, "damp": None, "cap": daily}
    )
    assert drift.funding_rate([0.01]) == pytest.approx(0.0102 / 24)
    assert drift.funding_rate([0.5]) == pytest.approx(1 / 33 / 24)
    plain = variant(funding={**eight, "interest": None, "damp": None, "sample_weights": "linear"})
    assert plain.funding_rate([0.0, 0.003]) == pytest.approx(0.002)


def test_caps_by_margin_rates_take_those_of_the_smallest_position():
    cap = {"kind": "times_mmr", "value": 0.75, "over": "8h"}
    assert variant(funding={"cap": cap}).funding_cap() == pytest.approx(0.75 * 0.004)
    cap = {"kind": "times_imr_minus_mmr", "value": 6.0, "over": "8h"}
    assert variant(funding={"cap": cap, "interval": "1h"}).funding_cap() == pytest.approx(6 * 0.004 / 8)
    assert variant(funding={"cap": {"kind": "none"}}).funding_cap() is None


def test_funding_is_paid_in_the_currency_of_the_contract():
    assert BINANCE.funding_payment("long", 2.0, 50_000.0, 1e-4) == pytest.approx(-10.0)
    assert variant(contract=INVERSE, requirement=COIN_TIERS).funding_payment("long", 1e5, 5e4, 1e-4) == pytest.approx(
        -2e-4
    )
    assert variant(contract=QUANTO, requirement=COIN_TIERS).funding_payment("short", 1e3, 2e3, 1e-4) == pytest.approx(
        2e-4
    )


def test_the_band_of_every_kind():
    assert variant(band={"kind": "none"}).price_band() is None
    around = variant(band={"kind": "around_mark", "up": 0.05, "down": 0.04, "action": "expire"})
    assert around.price_band(mark_price=100.0) == (pytest.approx(96.0), pytest.approx(105.0))
    okx = {"x": 0.03, "y": 0.02, "z": 0.05, "premium_window": "2min", "action": "reject"}
    okx = variant(band={"kind": "index_premium", **okx})
    assert okx.price_band(index=100.0, premium=1.0) == bands.index_band(100.0, 1.0, 0.02, 0.05)
    assert okx.price_band(index=100.0, just_listed=True) == (pytest.approx(97.0), pytest.approx(103.0))
    bybit = {"x": 0.01, "y": 0.02, "alpha": 1.0, "premium_window": "30s", "action": "reject"}
    bybit = variant(band={"kind": "mark_premium", **bybit})
    assert bybit.price_band(mark_price=100.0, index=100.5) == bands.mark_band(100.0, 100.5, 0.0, 0.01, 0.02)
    cme = variant(band={"kind": "last_settle", "limits": [0.07, 0.13, 0.2], "pause": "2min", "action": "pause"})
    assert cme.price_band(settlement=100.0) == (pytest.approx(80.0), pytest.approx(120.0))
    with pytest.raises(InputError, match="mark_price = None: is needed under this rulebook"):
        around.price_band(index=100.0)


LONG = ("long", 100.0, 10_000.0, 100_000.0)  # 10x, a notional of a million: 0.65 % - 950 at 90


def ladder(*stages, **keys):
    return variant(liquidation={"ladder": stages, **keys})


def test_what_is_safe_is_not_closed_and_a_full_ladder_closes_all():
    full = ladder({"stage": "cancel_orders"}, {"stage": "full"})
    price = full.liquidation_price(*LONG)
    np.testing.assert_allclose(full.liquidation_size(*LONG, [price * 1.0001, price, 50.0]), [0.0, 10_000.0, 10_000.0])


def test_the_ladder_goes_down_the_tiers():
    steps = ladder({"stage": "reduce_tiers", "tiers": 2, "from_tier": 3})
    passing = ladder({"stage": "cancel_orders"}, {"stage": "to_passing_tier"})
    mark = 90.5
    assert not steps.is_liquidated(*LONG, mark)
    mark = float(steps.liquidation_price(*LONG)) * (1 - 1e-6)  # equity just under the 4,920 of a notional of 905,000
    left = 10_000.0 - np.array([book.liquidation_size(*LONG, mark) for book in (steps, passing)])
    np.testing.assert_allclose(left * mark, [50_000.0, 600_000.0])
    deep = 90.02  # equity 200: not even the first tier's 0.4 % of the whole, but the cap of 50,000 would do
    assert steps.liquidation_size(*LONG, deep) == 10_000.0
    assert passing.liquidation_size(*LONG, deep) == 10_000.0  # 50,000 asks for 200, which is met and not exceeded


def test_the_ladder_covers_the_shortage_exactly():
    cover = ladder({"stage": "cover_shortage", "buffer": 0.0}, fee=0.002)
    mark = 90.3
    closed = cover.liquidation_size(*LONG, mark)
    assert 0 < closed < 10_000.0
    after = ("long", 100.0, 10_000.0 - closed, 100_000.0 - closed * (100.0 - mark) - 0.002 * closed * mark)
    assert cover.equity(*after, mark) == pytest.approx(float(cover.required(*after, mark)), rel=1e-9)
    rounds = ladder({"stage": "incremental", "fraction": 0.01, "every": "1s"}, fee=0.002)
    assert rounds.liquidation_size(*LONG, mark) == pytest.approx(100.0)
    dear = ladder({"stage": "cover_shortage", "buffer": 0.0}, fee=0.0125)
    assert dear.liquidation_size(*LONG, mark) == 10_000.0  # the fee takes more than closing frees


def test_a_fraction_then_the_rest():
    stage = {"stage": "fraction", "fraction": 0.2, "above_notional": 1e5, "cooldown": "30s"}
    book = ladder(stage, backstop_at=0.66)
    np.testing.assert_allclose(book.liquidation_size(*LONG, 90.3, since_first=[np.nan, 10.0, 31.0]), [2e3, 0.0, 1e4])
    np.testing.assert_array_equal(book.goes_to_backstop([65.0, 67.0], 100.0), [True, False])
    assert not BINANCE.goes_to_backstop(-1.0, 100.0)


def test_fees_shares_and_bounds_where_a_venue_has_them_and_where_not():
    drift = ladder(
        {"stage": "full"},
        fee=0.02,
        fee_ramp={"per_slot": 1e-6, "grace_slots": 1500, "max_fee": 0.05},
        insurance_fee={"max_fee": 0.05, "share": 0.95},
        pace={"initial_share": 0.1, "duration_slots": 150, "at_once_below": 50.0},
    )
    np.testing.assert_allclose(drift.liquidator_fee_rate([10, 10_000]), [0.02, 0.03])
    assert drift.insurance_fee_rate(20.0, 10.0, 100.0, 0.05) == pytest.approx(0.95 * (0.05 - 0.02 - 0.02))
    assert drift.liquidation_share(100.0, 30) == pytest.approx(0.3)
    plain = ladder({"stage": "full"}, fee_ramp=None, insurance_fee=None, pace=None, caps=None, limit_price=None)
    np.testing.assert_allclose(plain.liquidator_fee_rate([10, 10_000]), BINANCE.liquidation.fee)
    assert (plain.insurance_fee_rate(20.0, 10.0, 100.0, 0.05), plain.liquidation_share(100.0)) == (0.0, 1.0)
    assert plain.block_bounds(500.0) == (500.0, 500.0)
    with pytest.raises(InputError, match="has no limit price of liquidations"):
        plain.fillable_price(1.0, 100.0, 0.05, 1.0, 5.0)
    caps = {"min_notional": 1e3, "max_portion": 0.1, "max_notional": 1e5, "max_insurance_loss": 1e6}
    dydx = ladder(
        {"stage": "full"}, caps=caps, limit_price={"spread_to_maintenance": 1.5, "bankruptcy_adjustment": 1.0}
    )
    assert dydx.block_bounds(5e4) == partial.block_bounds(5e4, 1e3, 0.1, 1e5)
    assert dydx.fillable_price(0.1, 50_000.0, 0.012, 0.0, 60.0) == pytest.approx(49_100.0)


def test_a_close_out_by_the_rulebooks_fee_and_residual():
    kept = ladder({"stage": "full"}, fee=0.0125, residual="customer").settle([100.0, -5.0], 1_000.0)
    np.testing.assert_allclose(kept.to_trader, [87.5, 0.0])
    np.testing.assert_allclose(kept.to_fund, [0.0, -5.0])
    assert BINANCE.liquidation_fee(1e5) == 1250.0 and BINANCE.liquidation_fee(1e5, left=30.0) == 30.0
    assert BINANCE.insurance_fund_change("long", 2.0, 90.0, 89.0) == -2.0
    inverse = variant(contract=INVERSE, requirement=COIN_TIERS)
    assert inverse.insurance_fund_change("long", 1e5, 5e4, 4e4) == pytest.approx(-0.5)
    assert BINANCE.use_fund(3.0, 5.0) == (3.0, 2.0)


def adl(rank, trigger=None, price="bankruptcy"):
    trigger = trigger or {"kind": "fund_empty"}
    return variant(loss={"then": "adl", "adl": {"rank": rank, "trigger": trigger, "price": price}})


WINNERS = (["long", "short", "long"], [100.0, 130.0, 100.0], [1.0, 2.0, 5.0], [60.0, 40.0, 500.0], 120.0)


def test_scores_of_every_rank():
    """Profits of 20, 20 and 100 on values of 100, 260 and 500, equity 60, 40, 500, values now 120, 240, 600."""
    leveraged = np.array([0.2 * 120 / 60, 20 / 260 * 240 / 40, 0.2 * 600 / 500])
    np.testing.assert_allclose(adl("pnl_times_leverage").deleveraging_scores(*WINNERS), leveraged)
    np.testing.assert_allclose(adl("leveraged_return").deleveraging_scores(*WINNERS), leveraged)
    binance = adl("leverage_pnl").deleveraging_scores(*WINNERS, maintenance=6.0)
    np.testing.assert_allclose(binance, [20 / 40 * 6 / 60, 20 / 20 * 6 / 40, 100 / 400 * 6 / 500])
    fluid = adl("mark_leverage").deleveraging_scores(*WINNERS)
    np.testing.assert_allclose(fluid, [1.2 * 2, 130 / 120 * 6, 1.2 * 1.2])
    np.testing.assert_allclose(adl("profit").deleveraging_scores(*WINNERS), [20.0, 20.0, 100.0])
    random = adl("random").deleveraging_scores(*WINNERS, seed=3)
    np.testing.assert_array_equal(random, deleveraging_rank.random_score(3, 3))
    np.testing.assert_array_equal(adl("profit").deleveraging_order([20.0, 20.0, 100.0]), [2, 0, 1])


def test_every_trigger_reads_its_own_input():
    assert adl("random").deleveraging_on(fund=0.0) and not adl("random").deleveraging_on(fund=1.0)
    drawdown = {"kind": "drawdown", "drawdown": 0.3, "window": "8h", "stop": 0.25}
    bybit = adl("leveraged_return", drawdown)
    assert [bool(bybit.deleveraging_on(fund=1.0, drawdown=0.27, was_on=was)) for was in (False, True)] == [False, True]
    unstopped = adl("leveraged_return", {**drawdown, "stop": None})
    assert not unstopped.deleveraging_on(fund=1.0, drawdown=0.27, was_on=True)
    assert adl("random", {"kind": "equity_negative"}).deleveraging_on(equity=-1.0)
    pool = adl("profit", {"kind": "pool_pnl", "above": 0.85, "stop": 0.77}, "oracle")
    assert pool.deleveraging_on(pool_pnl_factor=0.8, was_on=True)
    assert pool.deleveraging_price(bankruptcy=90.0, mark=95.0, oracle=96.0) == 96.0


def test_losses_are_shared_where_a_venue_does_that_and_refused_elsewhere():
    deribit = variant(loss={"then": "socialise", "adl": None})
    np.testing.assert_allclose(deribit.socialised_loss(5.0, [10.0, -1.0, 30.0], 1.0), [1.25, 0.0, 3.75])
    drift = variant(loss={"then": "pro_rata_funding", "adl": None})
    np.testing.assert_allclose(drift.socialised_loss(5.0, 0.0, [1.0, -4.0]), [1.0, 4.0])
    with pytest.raises(InputError, match="does not share losses"):
        BINANCE.socialised_loss(1.0, [1.0], [1.0])
    with pytest.raises(InputError, match="does not deleverage"):
        drift.deleveraging_on(fund=0.0)


@pytest.mark.parametrize("name", venues.available())
def test_every_shipped_rulebook_answers(name):
    """Finite and of the right sign, whatever its kinds; options have neither funding nor a ladder of positions."""
    book = venues.load(name)
    settled = book.settle([100.0, -5.0], 1_000.0)
    np.testing.assert_allclose(settled.fee + settled.to_trader + settled.to_fund, [100.0, -5.0])
    if book.contract.kind == "option":
        return
    rate = book.funding_rate(np.full(8, 0.5))
    cap = book.funding_cap()
    assert 0 < rate and (cap is None or rate <= cap * (1 + 1e-12))
    assert book.funding_payment("long", 1.0, 100.0, rate) < 0
    band = book.price_band(mark_price=100.0, index=100.0, settlement=100.0)
    assert band is None or 0 < band.low < 100 < band.high
    if book.loss.adl is not None:
        scores = book.deleveraging_scores("long", 80.0, [1.0, 2.0], [30.0, 90.0], 100.0, maintenance=0.5)
        assert np.all(np.isfinite(scores)) and sorted(book.deleveraging_order(scores)) == [0, 1]
        assert book.deleveraging_on(fund=-1.0, equity=-1.0, drawdown=0.99, pool_pnl_factor=0.99)


@pytest.mark.parametrize("name", [name for name in venues.available() if "OPTIONS" not in name])
def test_every_shipped_ladder_closes_something_at_the_trigger_and_nothing_before(name):
    book = venues.load(name)
    contract = book.contract
    entry = 50_000.0 if contract.base == "BTC" else 2_000.0
    quantity = {"linear": 1.0, "inverse": entry, "quanto": 100.0}[contract.kind]
    margin = 0.1 * book.notional(quantity, entry)
    position = ("long", entry, quantity, margin)
    trigger = float(book.liquidation_price(*position))
    before, after = trigger * 1.001, trigger * 0.999
    assert book.liquidation_size(*position, before) == 0.0
    assert 0.0 < book.liquidation_size(*position, after) <= quantity
