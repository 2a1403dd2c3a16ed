"""Every figure of a shipped rulebook that was collected, against ../shared/venues/venue_rules.json."""

import json

import pytest

from stresslab import venues
from stresslab.options.margin import PortfolioMargin

# rulebook: its rule in the collection
MARGINAL = {
    "binance_usdm/BTCUSDT": "binance_usdm/BTCUSDT",
    "binance_usdm/ETHUSDT": "binance_usdm/ETHUSDT",
    "binance_usdm_2021/BTCUSDT": "binance_usdm_2021/BTCUSDT",
    "binance_usdm_2021/ETHUSDT": "binance_usdm_2021/ETHUSDT",
    "bybit/BTCUSDT": "bybit/BTCUSDT",
    "hyperliquid/BTC": "hyperliquid/BTC",
    "hyperliquid/ETH": "hyperliquid/ETH",
    "hyperliquid/SOL": "hyperliquid/SOL",
    "dydx_v4/BTC-USD": "dydx_v4/BTC-USD",
    "dydx_v4/ETH-USD": "dydx_v4/ETH-USD",
    "dydx_v4/SOL-USD": "dydx_v4/SOL-USD (Mid-Cap)",
    "gate/BTC_USDT": "gate/BTCUSDT-illustration",
    "gmx_v2/BTC-USD": "gmx_v2/BTC",
    "gmx_v2/ETH-USD": "gmx_v2/ETH",
}
KRAKEN = {
    "kraken/PI_XBTUSD": "kraken_inverse/BTC",
    "kraken/PI_ETHUSD": "kraken_inverse/ETH",
    "kraken/PF_XBTUSD": "kraken_multi/ClassA",
}
FLAT = {
    "okx/ETH-USDT-SWAP": "okx/ETHUSDT-2021",
}
AFFINE = ("deribit/BTC-PERPETUAL", "deribit/ETH-PERPETUAL", "deribit/BTC_USDC-PERPETUAL")


OLDER = {  # the editions that were collected; later ones are in tiers_2026.json
    "binance_usdm/BTCUSDT": "2024",
    "binance_usdm/ETHUSDT": "2024",
    "bybit/BTCUSDT": "2025",
    "gate/BTC_USDT": "2025",
    "kraken/PI_XBTUSD": "2024",
    "kraken/PF_XBTUSD": "2024",
    "okx/ETH-USDT-SWAP": "2021",
}


def book(name):
    return venues.load(f"{name}@{OLDER[name]}" if name in OLDER else name)


@pytest.fixture(scope="module")
def collected(shared):
    rules = json.loads((shared / "venues" / "venue_rules.json").read_text())
    return {rule["id"]: rule for rule in rules["rules"]}, rules["venue_parameters"]


@pytest.mark.parametrize("name", MARGINAL)
def test_marginal_tiers(collected, name):
    rule = collected[0][MARGINAL[name]]
    tiers = [tier.model_dump() for tier in book(name).requirement.tiers]
    assert len(tiers) == len(rule["tiers"])
    for tier, wanted in zip(tiers, rule["tiers"], strict=True):
        assert {key: tier[key] for key, value in wanted.items() if value is not None} == {
            key: value for key, value in wanted.items() if value is not None
        }
        assert wanted["cap"] == tier["cap"]
    assert book(name).contract.settle == rule["margin_ccy"] or name.startswith("gmx")


@pytest.mark.parametrize("name", FLAT | KRAKEN)
def test_tiers_without_amounts(collected, name):
    """Kraken's are marginal: the amounts follow from the rates (checked when the table is built)."""
    rule = collected[0][(FLAT | KRAKEN)[name]]
    assert book(name).requirement.shape == ("flat" if name in FLAT else "marginal")
    tiers = book(name).requirement.tiers
    last = rule.get("max_position")
    assert [(tier.cap, tier.mmr, tier.imr) for tier in tiers] == [
        (wanted["cap"] or last, wanted["mmr"], wanted["imr"]) for wanted in rule["tiers"]
    ]
    table = book(name).requirement.table  # venues round 1 / imr: 17 for 16.67, 6.7, 3.33
    leverages = [wanted["max_leverage"] for wanted in rule["tiers"]]
    assert table.max_leverage[: len(leverages)] == pytest.approx(leverages, rel=0.021)


def test_tiers_that_go_on(collected):
    okx, bitmex = venues.load("okx/ETH-USDT-SWAP@2021"), venues.load("bitmex/XBTUSD")
    assert okx.requirement.open_ended is not None and bitmex.requirement.open_ended is not None
    steps = collected[0]["okx/ETHUSDT-2021"]["open_ended"]
    assert okx.requirement.open_ended.model_dump(exclude_none=True) == {
        "step": steps["step_contracts"],
        "mmr_step": steps["mmr_step"],
        "imr_step": steps["imr_step"],
    }
    rule = collected[0]["bitmex/XBTUSD"]
    first = bitmex.requirement.tiers[0]
    assert (first.cap, first.imr, first.mmr) == tuple(
        rule["steps"][key] for key in ("base_limit_xbt", "base_imr", "base_mmr")
    )
    assert bitmex.requirement.open_ended.step == rule["steps"]["step_xbt"]
    assert (bitmex.fees.maker, bitmex.fees.taker) == (rule["fees"]["maker"], rule["fees"]["taker"])
    # bitmex.com/app/riskLimitsExamples: 200, 350, 500, 650 XBT
    tiers = bitmex.tier([200.0, 350.0, 500.0, 650.0])
    assert tiers.mmr == pytest.approx([0.005, 0.01, 0.015, 0.02])
    assert tiers.imr == pytest.approx([0.01, 0.015, 0.02, 0.025])


@pytest.mark.parametrize("name", AFFINE)
def test_affine_rates(collected, name):
    rule, wanted = collected[0][name], book(name).requirement
    assert {key: getattr(wanted, key) for key in rule["affine"]} == rule["affine"]
    if rule["liquidation_fee"] is not None:
        assert book(name).liquidation.fee == rule["liquidation_fee"]


def test_parameters_of_venues(collected):
    rules, parameters = collected
    dydx, sol = venues.load("dydx_v4/BTC-USD"), venues.load("dydx_v4/SOL-USD")
    given = parameters["dydx_v4"]["liquidation"]
    assert dydx.requirement.oi_scaling is None and rules["dydx_v4/BTC-USD"]["oi_upper_cap"] == 0
    scaling, wanted = sol.requirement.oi_scaling, rules["dydx_v4/SOL-USD (Mid-Cap)"]
    assert scaling is not None and dydx.liquidation.caps is not None
    assert (scaling.lower, scaling.upper) == (wanted["oi_lower_cap"], wanted["oi_upper_cap"])
    assert dydx.liquidation.fee == given["max_fee"]
    assert dydx.liquidation.caps.model_dump() == {
        "min_notional": given["min_notional_per_block"],
        "max_portion": given["max_portion_per_block"],
        "max_notional": given["max_notional_per_subaccount_block"],
        "max_insurance_loss": given["max_insurance_loss_per_subaccount_block"],
    }
    bybit = venues.load("bybit/BTCUSDT@2025")
    assert bybit.fees.taker == parameters["bybit"]["fees"]["taker"]
    assert bybit.funding.cap.value == parameters["bybit"]["funding"]["cap_example"]["BTCUSDT"]
    band = parameters["bybit"]["price_band"]["BTCUSDT"]
    assert (bybit.band.x, bybit.band.y) == (band["X"], band["Y"])
    band = parameters["okx"]["price_band"]["btc_eth_2022"]
    okx = venues.load("okx/BTC-USDT-SWAP@2021").band
    assert (okx.x, okx.y, okx.z) == (band["X"], band["Y"], band["Z"])
    hyperliquid = venues.load("hyperliquid/BTC")
    assert hyperliquid.fees.maker == parameters["hyperliquid"]["fees"]["maker"]
    assert hyperliquid.funding.cap.value == parameters["hyperliquid"]["funding"]["cap_per_hour"]
    gmx, wanted = venues.load("gmx_v2/ETH-USD"), rules["gmx_v2/ETH"]
    assert gmx.liquidation.fee == wanted["fees"]["liquidation_fee"]
    assert gmx.fees.taker == wanted["fees"]["position_fee_negative_impact"]
    assert gmx.loss.adl is not None
    assert (gmx.loss.adl.trigger.above, gmx.loss.adl.trigger.stop) == (
        wanted["adl"]["adl_at"],
        wanted["adl"]["stop_at"],
    )
    matrix, wanted = venues.load("deribit/BTC-OPTIONS").requirement.portfolio, parameters["deribit"]["portfolio_margin"]
    assert matrix is not None
    assert matrix.price_range == wanted["price_move"] and 2 * matrix.buckets_count + 1 == wanted["price_buckets"]
    assert list(matrix.extended_moves) == wanted["extended_moves"]


@pytest.mark.parametrize("name", [name for name in venues.available() if book(name).requirement.portfolio])
def test_portfolio_figures_are_those_of_the_options_rule(name):
    """`stresslab.options.margin` holds Deribit's worked response for BTC: rulebook and rule have the same keys."""
    matrix = book(name).requirement.portfolio
    assert matrix is not None
    assert PortfolioMargin(**matrix.model_dump()) == PortfolioMargin()


def test_coin_margined_tiers_give_binances_amounts():
    """11.605 at 300 BTC of notional, and 0.56, 1.81, 11.81 of the table of 2020 (bounds 10, 20, 30, 50 BTC)."""
    book = venues.load("binance_coinm/BTCUSD_PERP")
    assert book.tier(300.0).cum == pytest.approx(11.605) and book.tier(300.0).mmr == 0.125
    tiers, before, cum = [], 0.0, 0.0
    for floor, cap, mmr in zip(
        (0, 10, 20, 30, 50, 100, 200),
        (10, 20, 30, 50, 100, 200, 400),
        (0.004, 0.005, 0.01, 0.025, 0.05, 0.1, 0.125),
        strict=True,
    ):
        cum += floor * (mmr - before)
        before = mmr
        tiers.append({"floor": floor, "cap": cap, "mmr": mmr, "imr": 2 * mmr, "max_leverage": 0.5 / mmr, "cum": cum})
    old = venues.variant(book, {"requirement": {"tiers": tiers}})
    assert old.tier([40.0, 60.0, 300.0]).cum == pytest.approx([0.56, 1.81, 11.81])
