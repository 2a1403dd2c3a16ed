"""Worked examples beyond ../shared/venues/cases.json: figures that venues and other people's tests print.

Exchanges here, chains in test_more_cases_onchain.py. A row is a public call, the figure, and the tolerance where a page
rounds. Each table has its source; rows of RULES are the formulas of the collection worked by hand.
"""

import pytest
from helpers.worked import examples, names

FREQTRADE = "freqtrade tests/exchange/test_binance.py, the example of Binance's FAQ b3c689c1f50a44cabb3a84e663b81d93"
COINM = "Binance FAQ ceccfcfb4e3a45e3b48b0b1bb1a8ae46; dev.binance.vision/t/6292"
BYBIT = "Bybit help: liquidation price (USDT, inverse), bankruptcy price, order cost, deleveraging, funding"
KRAKEN = "support.kraken.com 360022835671, 15579128794772, 4844463246100"
KUCOIN = "kucoin.com/support 27619032569113, 19130776858521, 26686139092889"
PHEMEX = "phemex.com/help-center: liq-price-for-USDTM, liquidation-price"
DERIBIT = "support.deribit.com 25944738177565, 25944756807069, 31424939178397; doc.tslab.pro (options)"
BITMEX = (
    "bitmex.com/app/perpetualContractsGuideExamples, riskLimitsExamples, isolatedMarginExamples; support 18589621443357"
)
OTHERS = (
    "help.mcs.io 360041008371; support.toobit.com 14253344654105; support.bit.com 360051992953; support.flipster.io"
)
GATE = "gatenode.pro/post/status/3870211"
OKX = "okx.com/help-center/6974388462605; amorrr.com/4501 and 14966; open-lib.com/11556 (margin ratio)"
RULES = "by hand from the formulas collected"

BTC, ETH = '"long", 32_481.98, 109.488', '"long", 1_456.84, 3_683.979'
BTC_OTHERS = f"venues.others([venues.Position(btc21, {BTC}, 31_967.27)])"
ETH_OTHERS = f"venues.others([venues.Position(eth21, {ETH}, 1_335.18)])"

TABLES = {
    FREQTRADE: [
        (f"margin.liquidation_price({ETH}, 1_535_443.01, mmr=0.1, cum=135_365)", 1114.78, 5e-6),
        (f"margin.liquidation_price({BTC}, 1_535_443.01, mmr=0.025, cum=16_300)", 18_778.73, 3e-7),
        (f"eth21.liquidation_price({ETH}, 1_535_443.01)", 1114.78, 5e-6),
        (f"btc21.liquidation_price({BTC}, 1_535_443.01)", 18_778.73, 3e-7),
        (BTC_OTHERS, [-56_354.57, 71_200.81144], 1e-7),
        (ETH_OTHERS, [-448_192.89, 356_512.508], 1e-7),
        (f"eth21.liquidation_price({ETH}, 1_535_443.01, **{BTC_OTHERS}._asdict())", 1153.26, 5e-6),
        (f"btc21.liquidation_price({BTC}, 1_535_443.01, **{ETH_OTHERS}._asdict())", 26_316.89, 3e-7),
        ("eth21.tier(1_114.78 * 3_683.979).cum", 135_365),  # the tier at the price ...
        ("eth21.tier(1_456.84 * 3_683.979).mmr", 0.125),  # ... is not the one at entry
    ],
    "dev.binance.vision/t/17801": [("deleveraging_rank.leverage_pnl(40.2, 4.27, 0.1342 * 44.47)", 1.26, 3e-3)],
    COINM: [
        ("perp.liquidation_price('long', 45_000, 1e7, 101)", 33_599.40, 1e-6),
        (
            "margin.liquidation_price('long', 45_000, 1e7, 101, mmr=0.125, cum=11.605, contract=inverse)",
            33_599.40,
            1e-6,
        ),
        ("perp.maintenance_margin(perp.notional(perp.quantity(100), 25_000))", 0.0016),
        ("perp.notional(perp.quantity(100), 25_000)", 0.4),
        ("[perp.tier(300).mmr, perp.tier(300).cum]", [0.125, 11.605]),
    ],
    BYBIT: [
        ("margin.liquidation_price('long', 20_000, 1, 400, mmr=0, other_maintenance=100)", 19_700),
        ("margin.liquidation_price('long', 10_000, 1, 200, mmr=0, other_maintenance=50)", 9_850),
        ("margin.liquidation_price('short', 8_000, 1, 200, mmr=0, other_maintenance=40)", 8_160),
        ("margin.bankruptcy_price('long', 8_000, 1e4, 0.5, close_fee=0.00075, contract=inverse)", 5_718.57, 1e-6),
        (
            "rounding.rounded_up(margin.liquidation_price('long', 8_000, 1e4, 0.5, mmr=0, "
            "other_maintenance=1.25 * 0.005 + 7.5 / 5_718.57, contract=inverse), 0.5)",
            5_739.50,
        ),
        (
            "margin.liquidation_price('short', 50_000, 6e4, 0.12, mmr=0, other_maintenance=0.006, contract=inverse)",
            6e4 / (1.2 - 0.12 + 0.006),
        ),
        ("margin.bankruptcy_price('long', 7_890.08, 5e3, 100 / 7_890.08, contract=inverse)", 7_735.372549),
        ("rounding.rounded_up(7_735.372549, 0.5)", 7_735.5),
        (
            "rounding.rounded_up(margin.liquidation_price('long', 7_890.08, 5e3, 100 / 7_890.08, mmr=0, "
            "other_maintenance=25 / 7_890.08, contract=inverse), 0.5)",
            7_773.5,
        ),
        ("margin.bankruptcy_price('long', 500, 100, 1_000, other_pnl=100)", 489),
        ("bybit.initial_margin(50_000, 10)", 5_000),
        ("margin.notional(1, margin.bankruptcy_price('long', 50_000, 1, 5_000)) * 0.00055", 24.75),
        ("bybit.margin_to_open('long', 50_000, 1, 10)", 5_024.75),
        ("margin.notional(1e4, margin.bankruptcy_price('long', 2e3, 1e4, 0.2, contract=inverse), inverse)", 5.2),
        ("bybit.maintenance_margin([2e6, 2.6e6])", [1e4, 2.6e6 * 0.0056 - 1_200]),
        ("funding_rate.mean_premium([0.001] * 479 + [0.0034], 'linear')", 0.001 + 0.0024 * 480 / 115_440),
    ],
    KRAKEN: [
        ("coin.liquidation_price('long', 8_000, 1_000, 0.01)", 7_481, 1e-4),
        ("coin.bankruptcy_price('long', 8_000, 1_000, 0.01)", 7_407, 1e-4),
        ("coin.notional(1_000, 8_000)", 0.125),
        ("coin.initial_margin(0.125, size=1_000)", 0.0025),
        ("coin.maintenance_margin(0.125, 1_000)", 0.00125),
        ("coin.maintenance_margin(20, 1e6)", 0.3),  # 1 % of the first 500,000 contracts, 2 % of the next
        ("multi.maintenance_margin(1.5e6)", 2e4),
        ("coin.settle(0.0005, 0.13)", [0, 0.0005, 0, 0]),  # the customer keeps what is left
        ("counted_collateral.multi_collateral_equity([1e4, 1], [1, 5e4], [0, 0.02], -2_000)", 57_000),
    ],
    KUCOIN: [
        ("margin.bankruptcy_price('short', 28_000, 5 * 0.001, 1.4)", 28_280),
        ("margin.bankruptcy_price('long', 28_000, 1, 1 / 28_000 / 50, contract=inverse)", 27_450, 4e-5),
        ("margin.bankruptcy_price('long', 40_000, 1, 1_000)", 39_000),
        ("margin.liquidation_price('long', 40_000, 1, 1_000, mmr=0, other_maintenance=160)", 39_160),
        ("close_out.insurance_fund_change('long', 1, 39_000, [39_100, 38_850])", [100, -150]),
        ("close_out.use_fund(1_000, 150)", [150, 0]),
    ],
    PHEMEX: [
        ("margin.liquidation_price('long', 0.4, 500, 40.096, mmr=0.01, close_fee=0.0006)", 0.3232, 2e-4),
        ("40 + 0.0006 * margin.notional(500, margin.bankruptcy_price('long', 0.4, 500, 40))", 40.096),
        ("margin.liquidation_price('long', 100, 10, 100, mmr=0, other_maintenance=10)", 91),
        ("margin.liquidation_price('short', 100, 10, 100, mmr=0, other_maintenance=10)", 109),
        ("margin.liquidation_price('long', 100, 1e3, 1, mmr=0, other_maintenance=0.1, contract=inverse)", 1e3 / 10.9),
        ("margin.liquidation_price('short', 100, 1e3, 1, mmr=0, other_maintenance=0.1, contract=inverse)", 1e3 / 9.1),
    ],
    OTHERS: [
        (
            "margin.liquidation_price('long', 2e3, 1, 5e-5, mmr=0, other_maintenance=2.5e-6, contract=inverse)",
            1826.48,
            3e-6,
        ),
        (
            "margin.liquidation_price('short', 2e3, 1, 5e-5, mmr=0, other_maintenance=2.5e-6, contract=inverse)",
            2209.94,
            3e-6,
        ),
        ("150 / margin.equity('long', 1_500, 10, 300, 1_483)", 1.1538, 5e-5),
        ("funding_rate.dead_band_rate(0.0012, band=0.0005)", 0.0007),
        ("margin.equity('long', 30_000, 0.1, 300, [36_000, 28_000, 26_000])", [900, 100, -100]),
        ("margin.equity('long', 30_000, 0.1, 300, [28_000, 26_000]) <= 30", [False, True]),
    ],
    GATE: [
        (
            "margin.liquidation_price('long', 50_000, 0.2, 1e3, mmr=0.005, close_fee=0.00075)",
            (5e4 - 5e3) / (1 - 0.00575),
        ),
        ("margin.liquidation_price('short', 50_000, 0.2, 1e3, mmr=0.005, close_fee=0.00075)", 55e3 / 1.00575),
        (
            "margin.liquidation_price('long', 5e4, 1e4, 0.02, mmr=0.005, close_fee=0.00075, contract=inverse)",
            1e4 * 5e4 * 1.00575 / (1e4 + 0.02 * 5e4),
        ),
        (
            "margin.liquidation_price('short', 5e4, 1e4, 0.02, mmr=0.005, close_fee=0.00075, contract=inverse)",
            1e4 * 5e4 * (1 - 0.00575) / (1e4 - 0.02 * 5e4),
        ),
    ],
    OKX: [
        ("bands.index_band(1e4, 150, 0.01, 0.02)", [1e4, 10_200]),  # swaps of 2020: 1 % and 2 %
        ("bands.index_band(1e4, -150, 0.01, 0.02)", [9_800, 1e4]),
        ("bands.index_band(100, 0, [0.02, 0.04, 0.06], [0.05, 0.08, 0.15]).high", [102, 104, 106]),
        ("bands.index_band(100, 20, [0.02, 0.04, 0.06], [0.05, 0.08, 0.2]).high", [105, 108, 120]),
        ("bands.index_band(100, -3, 0.04, 0.03)", [97, 101]),  # Z is 3 % in the last half hour of weekly futures
        ("bands.around(100, 0.02)", [98, 102]),
        ("okx.margin_ratio('long', 2_000, 100, 1_000, 1_995)", 500 / (199_500 * (0.004 + 0.0005))),
        ("okx.tier([3_000, 3_001, 6_001]).mmr", [0.004, 0.005, 0.01]),
        (
            "tier_reduction.reduce_by_tiers([12_500, 24_500, 2_000], [3e3, 6e3, 12e3, 24e3, 36e3])",
            [6_500, 12_500, 2_000],
        ),
        ("tier_reduction.reduce_by_tiers(12_500, [3e3, 6e3, 12e3, 24e3], covers_first_tier=False)", 12_500),
        ("socialised.shares_by_profit(50, [100, 300, -80])", [12.5, 37.5, 0]),
        ("deleveraging_trigger.fund_drawdown(70, 100)", 0.3),
    ],
    DERIBIT: [
        ("usdc_btc.initial_margin(2.5e6, size=25)", 53_125),
        ("usdc_btc.initial_margin(35e6, size=350)", 1_312_500),
        ("usdc_btc.maintenance_margin(2.5e6, 25)", 28_125),
        ("usdc_btc.maintenance_margin(35e6, 350)", 350 * 0.0275 * 1e5),
        ("25 * 200 * size_rates.affine_rate([0.04, 0.02], 5e-6, 25)", [200.625, 100.625]),  # SOL_USDC
        ("6_000 * 200 * size_rates.affine_rate([0.04, 0.02], 5e-6, 6_000)", [84_000, 60_000]),
        ("inverse_btc.initial_margin([25, 350])", [0.53125, 13.125]),
        ("inverse_btc.maintenance_margin([25, 350])", [0.28125, 9.625]),
        ("funding_rate.dead_band_rate([0.0001, -0.0001, 0.00025, 0.001, -0.001])", [0, 0, 0, 0.00075, -0.00075]),
        ("funding_rate.dead_band_rate([0.02, -0.02], cap=0.005)", [0.005, -0.005]),
        ("funding_rate.accrued_rate(0.00075, 60, 28_800)", 0.00075 / 480),
        ("inverse_btc.funding_accrued('long', 10_000, 10_010, 0.00075, 60)", -10_000 / 10_010 * 0.00075 / 480),
        ("options.option_margin('short', 'call', 1e4, 1e4, 0.05)", [0.2, 0.125]),
        ("options.option_margin('short', 'call', 12e3, 1e4, 0.01)", [0.11, 0.085]),
        ("options.option_margin('short', 'put', 1e4, 1e4, 1.5)", [1.65, 1.6125]),
        ("options.option_margin('long', 'put', 1e4, 1e4, 1.5)", [0, 0]),
    ],
    BITMEX: [
        ("margin.notional(15_000, 750, inverse)", 20),
        ("margin.liquidation_price('long', 1_000, 20, 10_000, mmr=0, other_maintenance=200)", 510),
        ("margin.bankruptcy_price('long', 1_000, 20, 10_000)", 500),
        ("funding.funding_payment('long', 15_000, 750, (0.01 - 0.0025) / 3, inverse)", -0.05),
        ("margin.equity('long', 750, 15_000, 0, 800, contract=inverse)", 1.25),
        ("margin.equity('long', 750, 15_000, -0.05, 800, contract=inverse)", 1.2),
        ("[xbt.tier(201).mmr, xbt.tier(201).imr]", [0.01, 0.015]),
        ("deleveraging_rank.pnl_times_leverage(-1.0, -1.25, -1.5)", 0.2 * 2),  # long of 100,000 at 80,000, mark 100,000
        ("deleveraging_rank.pnl_times_leverage(-1.25, -1.0, -1.5)", -0.25 / 5),  # a loss is divided by the leverage
        ("mark.fair_price(10_000, 0.0003, 6, 8)", 10_002.25),
    ],
    RULES: [
        ("deleveraging_rank.leverage_pnl([500, 0.3, -50], [1_000, 0.5, 40], [75, 0.1, 10])", [0.025, 0.0375, 0]),
        ("funding_rate.funding_rate([0.001, -0.0003], interval_hours=4)", [0.00025, 0.00005]),
        ("funding_rate.clamp(0.01, funding_rate.rate_cap('times_mmr', 0.75, mmr=0.004))", 0.003),
        ("funding_rate.clamp(funding_rate.funding_rate([0.02, -0.02]), 0.00375)", [0.00375, -0.00375]),
        ("mark.median_of_three(mark.fair_price(50_000, 0.0001, 4, 8), 50_010, 49_990)", 50_002.5),
        ("averages.index_price([[100, 100.5, 99.5, 106], [100, 102, 120, 90]])", [100, 101]),
        ("close_out.close_out(300, 20_000, 0.0125, 'insurance')", [250, 0, 50, 0]),
        ("close_out.close_out(-300, 20_000, 0.0125, 'insurance')", [0, 0, -300, 300]),
        ("bands.around(0.5, 0.15)", [0.425, 0.575]),
        ("deleveraging_trigger.pnl_drawdown(-40, 20, 200)", 0.3),
        ("deleveraging_trigger.deleveraging_on([0.3, 0.26], False, 0.3, 0.25)", [True, False]),
        ("deleveraging_trigger.deleveraging_on([0.25, 0.249], True, 0.3, 0.25)", [True, False]),
        ("deleveraging_trigger.deleveraging_on(0, False, 0.3, 0.25, fund=0)", True),
        ("mark.dated_future_mark(40_000, [0.005, 0.015])", 40_400),
        ("mark.basis_price(100, [101, 103], [100, 100])", 102),
        ("bands.session_band(10_000)", [8_000, 12_000]),
        ("bands.session_level([10_699, 10_700, 8_700, 12_000], 10_000)", [0, 1, 2, 3]),
    ],
}
ROWS = examples(TABLES)


@pytest.fixture(scope="module")
def known():
    return names()


@pytest.mark.parametrize("example", ROWS, ids=lambda example: example.call[:60])
def test_the_figure_of_the_source(known, example):
    assert example.holds(known), (example.source, eval(example.call, dict(known)), example.wanted)


def test_a_moved_figure_is_seen(known):
    """Every figure off by ten tolerances, and every truth turned, fails."""
    assert [example.call for example in ROWS if example.holds(known, moved=10)] == []


def test_there_are_enough():
    assert len(ROWS) > 100
