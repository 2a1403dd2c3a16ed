"""Worked examples of venues on chains, beyond ../shared/venues/cases.json: as test_more_cases.py."""

import pytest
from helpers.worked import Example, examples, names

HYPERLIQUID = (
    "freqtrade tests/exchange/test_hyperliquid.py: live positions; rates 1 / (2 largest leverage) of their day"
)
DYDX = "dydxprotocol/v4-chain: x/perpetuals liquidity_tier_test.go, lib_test.go; x/clob keeper/liquidations_test.go"
DRIFT = "drift-labs/protocol-v2 programs/drift/src/math: {liquidation,funding,margin}/tests.rs"
GMX = "gmx-io/gmx-synthetics config and tests; aave.com/help/borrowing/liquidations"
RULES = "by hand from the formulas collected"

# largest leverage, side, entry, size, margin, the venue's price
LIVE = [
    (50, "long", 2458.5, 0.015, 36.864593, 0.86915825),
    (50, "long", 63287.0, 0.00039, 24.673292, 22.37166537),
    (20, "long", 146.82, 0.16, 23.482979, 0.05269872),
    (20, "long", 145.83, 0.33, 24.045107, 74.83696193),
    (50, "long", 2459.5, 0.0199, 24.454895, 1243.0411908),
    (50, "long", 62739.0, 0.00077, 24.137992, 31708.03843631),
    (20, "long", 0.11586, 437.0, 25.29769, 0.05945697),
    (50, "short", 2642.8, 0.019, 25.091876, 3924.18322043),
    (20, "short", 155.89, 0.32, 24.924941, 228.07847866),
    (20, "short", 0.14333, 351.0, 25.136807, 0.20970228),
    (50, "short", 68595.0, 0.00069, 23.64871, 101849.99354283),
    (50, "short", 65536.0, 0.00099, 21.604172, 86493.46174617),
    (20, "long", 173.06, 0.6, 20.735658, 142.05186667),
    (50, "long", 2545.5, 0.0329, 20.909894, 1929.23322895),
    (50, "short", 67400.0, 0.00031, 20.887308, 133443.97317151),
    (50, "short", 2552.0, 0.0327, 20.833393, 3157.53150453),
    (50, "long", 66930.0, 0.0015, 20.043862, 54108.51043771),
    (50, "long", 67033.0, 0.00121, 20.251817, 50804.00091827),
    (50, "long", 2521.9, 0.0237, 19.902091, 1699.14071943),
    (50, "short", 68139.0, 0.00145, 19.72573, 80933.61590987),
    (20, "short", 178.29, 0.11, 19.605036, 347.82205322),
    (20, "long", 176.23, 0.33, 19.364946, 120.56240404),
    (20, "short", 173.08, 0.33, 19.01881, 225.08561715),
    (50, "short", 68240.0, 0.00105, 17.887922, 84431.79820839),
    (50, "short", 2518.4, 0.007, 17.62263, 4986.05799151),
    (50, "long", 2533.2, 0.0347, 17.555195, 2047.7642302),
    (20, "long", 0.13284, 360.0, 15.943218, 0.09082388),
    (20, "short", 163.11, 0.48, 15.650731, 190.94213618),
    (50, "long", 67141.0, 0.00067, 14.979079, 45236.52992613),
    (10, "long", 250.0, 0.5, 25.0, 210.5263157894737),
    (10, "short", 190.0, 0.5, 9.5, 199.04761904761904),
    (10, "long", 350.0, 1.0, 50.0, 315.7894736842105),
]
ONE, TENTH = "1, 50_000, 0.1", "0.1, 50_000, 0.1"  # size, oracle price, maintenance fraction
TWO = "[{0}0.004, {1}0.1], [50_000, 3_000]"  # BTC and ETH: sizes and prices

TABLES = {
    DYDX: [
        ("rounding.maintenance_ppm([1_000_000, 0, 0, 1_000_000], [1_000_000, 1_000_000, 0, 0])", [1_000_000, 0, 0, 0]),
        ("funding_onchain.funding_clamp_ppm(6_000_000, 0, 1_000_000)", 0),
        ("funding_onchain.funding_clamp_ppm(0, 1_000_000, 1_000_000)", 0),
        ("funding_onchain.funding_clamp_ppm(4_294_967_295, 1_000_000, 0)", 4_294_967_295),
        ("rounding.rounded_margins([0.5, 1e-6, 0.123456], [0.2, 0.1, 0.567243], 1)[0]", [0.1, 1e-6, 0.07003]),
        ("rounding.open_interest_rate(0.2, [0, 1.5, 1.234567, 1, 2, 2.5], 1, 2)", [0.2, 0.6, 0.387653, 0.2, 1, 1]),
        ("rounding.open_interest_rate(0.2, 1_500_000, 0, 0)", 0.2),  # an upper bound of 0 is none
        (
            "rounding.rounded_margins(0.5, rounding.open_interest_rate(0.2, 28_123_456.789123, 25e6, 60e6), 1)[0]",
            0.135697,
        ),
        ("rounding.rounded_margins(38.885, 0.0002, 0.5)", [0.007777, 0.003889]),
        ("rounding.rounded_margins(3_696e5, 0.01, 0.5)", [3_696_000, 1_848_000]),
        ("rounding.rounded_margins(38_885, 2e-6, 0.5)", [0.07777, 0.038885]),
        ("rounding.rounded_margins([38.885, 0], [0, 0.0001], 1)[0]", [0, 0]),
        ("rounding.rounded_margins(12_345_678_912.3, 0.2, 0.5)", [2_469_135_782.46, 1_234_567_891.23]),
        (
            "rounding.rounded_margins((2**64 - 1) * 10 * (2**64 - 1) / 1e6, 0.0001, 1)[0]",
            340_282_366_920_938_463_426_481_119_284_349_109 / 1e6,
        ),
        ("funding_onchain.funding_settlement(4_000_000_000, 4_000_000_000, 1_000_000)", 0),
        ("funding_onchain.funding_settlement(-123_456_789_123, -100_000_000_000, 1_000_000)", 23_456_789_123_000_000),
        ("funding_onchain.funding_settlement(-123_456_789_123, -100_000_000_000, -1_000_000)", -23_456_789_123_000_000),
        ("funding_onchain.funding_settlement(0, 100, [10_000_000, -5_000_000])", [1_000_000_000, -500_000_000]),
        ("funding_onchain.funding_settlement(100, -100, -30_000)", 6_000_000),
        ("0.1 * cross_account.bankruptcy_price(" + TENTH + ", [499, 0, -100], 500)", [4_501, 5_000, 5_100]),
        ("0.1 * cross_account.bankruptcy_price(-" + TENTH + ", [499, 0, -100], 500)", [5_499, 5_000, 4_900]),
        ("0.05 * cross_account.bankruptcy_price(" + TENTH + ", 0, 500)", 2_500),
        ("cross_account.bankruptcy_price(" + ONE + ", 50_001, 5_000)", -1),  # cannot be liquidated at a loss
        (
            "rounding.rounded_up(0.00021347 * cross_account.bankruptcy_price(" + ONE + ", 49_987, 5_000), 1e-6)",
            0.002776,
        ),
        (f"cross_account.account_value(-490, {TWO.format('', '')})", 10),
        (f"cross_account.account_maintenance({TWO.format('', '')}, 0.1)", 50),
        ("0.1 * cross_account.bankruptcy_price(0.1, 3_000, 0.1, 10, 50)", 294),
        (f"cross_account.account_value(510, {TWO.format('-', '-')})", 10),
        ("0.1 * cross_account.bankruptcy_price(-0.1, 3_000, 0.1, 10, 50)", 306),
        (f"cross_account.account_value(110, {TWO.format('', '-')})", 10),
        ("cross_account.account_value([1, -1], [], [])", [1, -1]),
        ("cross_account.account_maintenance([], [], [])", 0),
        ("cross_account.is_liquidatable([1, -1], 0)", [False, False]),
        ("cross_account.is_liquidatable([1_000, 500, 499], 500)", [False, False, True]),
        ("liquidation_fees.fee_to_fund('short', [1, 0.25], 50_000, 50_499, 0.005)", [250, 62.5]),
        ("liquidation_fees.fee_to_fund('short', 0.25, 50_498, 50_499, 0.005)", 0.25),
        ("liquidation_fees.fee_to_fund('short', 1, 50_500, 50_499, 0.005)", -1),
        ("funding_rate.impact_notional([0.05, 0.02, 0.2])", [10_000, 25_000, 2_500]),
        ("partial.block_bounds(500, 1_000, 0.1)", [500, 500]),
        ("partial.block_bounds(5e6, 1_000, 0.1, 1e5, 4e4).largest", 6e4),
    ],
    DRIFT: [
        ("socialised.loss_per_base(100, 7, -4)", 9.09091, 2e-7),
        ("funding_onchain.drift_hourly_funding(32.481415, 32.546442, 1, offset=0)", -0.002709458, 2e-7),
        (
            "funding_onchain.drift_hourly_funding(19_882.611415, 17_673.432368, 17_673.432368 / 33, offset=0)",
            22.314939833,
            1e-7,
        ),
        ("(0.512295081967 + funding_onchain.capped_to_pool(1, 0.5 - 0.25)) / 24.590163934", 0.024222164, 3e-6),
        ("liquidation_fees.insurance_fee_rate(20, 10, [0, 100], 0.05, 0.01, 0.05)", [0, 0.019]),
        ("liquidation_fees.insurance_fee_rate(20, 10, 100, 0.05, 0.01, 0.05, quote_price=[0, 1])", [0, 0.019]),
        ("partial.size_to_cover(10, 100, 0.1, 0.01, 0.01, [1, 0.99])", [1.25, 0.1 / (0.99 * 0.09 - 0.01)]),
        ("22_050 * 6.1475409835 * size_rates.sqrt_rate(0.1, 0.001, 6.1475409835)", 13_555.327867, 1e-9),
        ("21_050 * 6.1475409835 * size_rates.sqrt_rate(0.1, 0.001, 6.1475409835)", 12_940.573769, 1e-9),
        ("size_rates.sqrt_rate(1.1, [0, 0.00001, 0.01, 0.1], 1_000)", [1.1, 1.1, 1.1962, 4.0422], 3e-5),
        ("size_rates.sqrt_rate(0, 0.1, 1_000)", 3.1622, 3e-5),
        ("size_rates.asset_weight(0.9, [0, 0.00001, 0.01, 0.1], 1_000)", [0.9, 0.9, 0.8357, 0.2642], 4e-4),
        ("size_rates.asset_weight(0.75, 0.1, 100_000)", 0.0337, 2e-2),
        (
            "size_rates.asset_weight(1, 0.001, [22_699.050905, 24_282.786896, 2_428_278.6896])",
            [0.9559, 0.9516, 0.4299],
            2e-4,
        ),
        ("size_rates.fill_rate(0.15, 0.75)", 0.45),
        ("partial.largest_share([49.99, 1_000, 1_000, 1_000], 0.1, [0, 0, 75, 200], 150)", [1, 0.1, 0.6, 1]),
        ("liquidation_fees.ramped_fee(0.02, 0.05, [1_499, 1_500, 30_000, 40_000])", [0.02, 0.0215, 0.05, 0.05]),
    ],
    GMX: [
        ("lending.health_factor([10_000], [0.8], 6_000)", 1.333, 3e-4),
        ("lending.close_factor([1.2, 0.99, 0.94])", [0, 0.5, 1]),
        ("volatile_collateral.is_liquidatable([1_999.99, 2_000], 200_000)", [True, False]),
        ("volatile_collateral.is_liquidatable([999, 1_000], 200_000, 0.005)", [True, False]),
        ("volatile_collateral.remaining_collateral(1, 5_000, 0, 450_000, impact=-9_000, impact_floor=0.01)", 500),
        ("volatile_collateral.remaining_collateral(1, 5_000, 0, 450_000, impact=9_000, fees=10)", 4_990),
        ("deleveraging_trigger.deleveraging_on([0.85, 0.8], [False, True], 0.85, 0.77)", [True, True]),
        ("deleveraging_trigger.excess_beyond(0.87, 0.77, 1e6)", 1e5),
    ],
    "api.hyperliquid.xyz clearinghouseState, two printed answers": [
        ("margin.liquidation_price('long', 100.02765 / 0.0335, 0.0335, 4.967826, mmr=0.01)", 2866.26936529, 1e-7),
        ("margin.liquidation_price('long', 10.0296 / 0.0004, 0.0004, 0.491266, mmr=0.025)", 24_457.2666, 1e-7),
    ],
    RULES: [
        # Hyperliquid of 2023: P - s (account value - 1 % of all notional) / q
        ("margin.liquidation_price('short', 2_000, 5, 1_500, mmr=0, other_maintenance=100)", 2_000 + 1_400 / 5),
        (
            "margin.liquidation_price_from_available(['long', 'short'], 100, 2, 10, 0.02)",
            [100 - 5 / 0.98, 100 + 5 / 1.02],
        ),
        ("hyper.maintenance_margin([1e8, 2e8])", [1_250_000, 3_125_000]),
        ("[hyper.tier(1.5e8).max_leverage, hyper.tier(1.6e8).max_leverage]", [40, 20]),
        ("funding_rate.funding_rate([0.0008, 0.0003], interval_hours=1, cap=0.04)", [0.0003 / 8, 0.0001 / 8]),
        ("deleveraging_rank.mark_leverage(120, 100, 6_000, 1_000)", 7.2),
        ("partial.goes_to_backstop([66, 67], 100)", [True, False]),
        ("partial.fraction_to_close([3, 3, 3], 50_000, [float('nan'), 10, 31])", [0.6, 0, 3]),
        ("averages.exponential_update(0, 0, 2, 3, 150)", [6, 3]),
        ("averages.weighted_median([100, 101, 102, 103, 104], [3, 2, 2, 1, 1])", 101),
        ("mark.oracle_mark(100, 1, 102, [104] * 5)", 102),
    ],
}
ROWS = examples(TABLES) + [  # a long of leverage 1 has what is left of two nearly equal numbers
    Example(
        HYPERLIQUID,
        f"margin.liquidation_price({side!r}, {entry}, {size}, {backing}, mmr={1 / (2 * most)})",
        price,
        1e-4 if price < entry / 100 else 1e-7,
    )
    for most, side, entry, size, backing, price in LIVE
]


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
