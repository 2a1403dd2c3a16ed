"""Hand-made paths through the general engine, one for each of its rules, with the ledger of every party written out.

Spots 100 and 20. Unless a case says otherwise: 10 units of the first asset at 100 with 100 in the wallet, maintenance
2 %, taker fee 0.1 %, liquidation fee 0.5 %, what is left goes to the customer, no slippage. So a long is liquidated at
900 / 9.8 = 91.836735. A step is (corner, end, jump, end) in prices; every step is a survival bin of its own.
"""

import math
from typing import Any, NamedTuple

from helpers.account_twin.account import Account, Collateral
from helpers.account_twin.book import Book, Event, Money
from helpers.account_twin.position import Demand, Position, Tier

SPOTS = (100.0, 20.0)
STILL = (100, 100, 100, 100)


class Case(NamedTuple):
    name: str
    accounts: list[Account]
    steps: list[tuple[float, ...]]  # of the first asset
    wanted: Money  # at the end: pnl, fees, funding, shortfall, fund, others
    liquidation: Event | None = None
    bankruptcy: Event | None = None
    other_asset: list[tuple[float, ...]] | None = None
    rate: float = 0.0  # of funding, after every step
    tolerance: float = 1e-5  # figures have six decimals

    @property
    def book(self) -> Book:
        return Book(self.accounts, SPOTS if self.other_asset else SPOTS[:1], scale=1000.0)


def rates(*tiers: tuple[float, float], **more: Any) -> Demand:
    return Demand(tiers=tuple(Tier(cap, rate) for cap, rate in tiers), **more)


TWO = rates((math.inf, 0.02))


def leg(size: float = 10.0, demand: Demand = TWO, asset: int = 0, contract: str = "linear", **more: Any) -> Position:
    more.setdefault("entry", SPOTS[asset])
    return Position(asset, contract, size, demand=demand, taker=0.001, liquidation_fee=0.005, **more)


def held(wallet: float, *legs: Position, **more: Any) -> Account:
    return Account(wallet, list(legs) or [leg()], **more)


def to(end: float, jump: float | None = None) -> tuple[float, ...]:
    """A straight way to a price and, if it is said, a jump."""
    after = end if jump is None else jump
    return (end, end, after, after)


GOLD = {"log_basis": math.log(1.01) / 2, "expiry": 2, "entry": 101.0}  # 1 % over the index, two steps to go

CASES = [
    Case(
        # 1 coin behind 10: (1 + 10) P = 1020. Notional 10.784314, lost 0.784314, left 0.215686 = 2 %; fees 0.6 %
        "inverse long",
        [held(1.0, leg(1000.0, contract="inverse"))],
        [to(90)],
        Money(-0.849020, 0.064706, 0, 0, 0, 0.784314),
        Event(0, "diffusion"),
    ),
    Case(
        # at 150 a short of 1000 has lost 10 - 6.666667
        "inverse short, through a gap",
        [held(1.0, leg(-1000.0, contract="inverse"))],
        [to(100, 150)],
        Money(-1, 0, 0, 2.333333, -2.333333, 3.333333),
        Event(0, "gap"),
        Event(0, "gap"),
    ),
    Case(
        # who holds the coin that he is short of loses no more than it
        "inverse short, covered",
        [held(10.0, leg(-1000.0, contract="inverse"))],
        [to(100, 1e6)],
        Money(-9.999, 0, 0, 0, 0, 9.999),
    ),
    Case(
        # 0.001 coin for each unit of price and contract: the levels of the linear one, money a thousandth; left for the
        # fund 0.018367 - 0.005510
        "quanto, residual to the fund",
        [held(0.1, leg(contract="quanto", multiplier=0.001), residual_to_customer=False)],
        [to(90)],
        Money(-0.1, 0.005510, 0, 0, 0.012857, 0.081633),
        Event(0, "diffusion"),
    ),
    Case(
        # settled at 103 when step 3 begins, on its way to 90; no funding
        "a future expires",
        [held(100.0, leg(**GOLD))],
        [STILL, to(103), to(90)],
        Money(20, 0, 0, 0, 0, -20),
        rate=0.01,
    ),
    Case(
        # a future at 910 / 9.8 = 92.857143 is the index at 91.937765 in step 1: 92 is above it. In step 2 it is
        # 92 sqrt(1.01) = 92.458855 at once: lost 85.411451, fees 5.547531
        "a future's level comes down with its basis",
        [held(100.0, leg(**GOLD))],
        [to(92), to(92)],
        Money(-90.958982, 5.547531, 0, 0, 0, 85.411451),
        Event(1, "diffusion"),
    ),
    Case(
        # 100 + 10 (P - 100) = 0.02 (10 P + 1000) at 93.877551; fees 0.6 % of 938.775510 + 1000
        "cross margin of two assets, one falls",
        [held(100.0, leg(), leg(-50.0, asset=1))],
        [to(90)],
        Money(-72.857143, 11.632653, 0, 0, 0, 61.224490),
        Event(0, "diffusion"),
        other_asset=[to(20)],
        tolerance=2e-3,  # two secants on a way of 10 %
    ),
    Case(
        # lost 50 and 40; fees of 11.94 are capped by the 10 that are left
        "cross margin of two assets, both against it",
        [held(100.0, leg(), leg(-50.0, asset=1))],
        [to(100, 95)],
        Money(-100, 10, 0, 0, 0, 90),
        Event(0, "gap"),
        other_asset=[to(20, 20.8)],
    ),
    Case(
        # 50 + 4 (P - 100) = 0.02 * 10 P, the larger side, at 92.105263; fees 0.6 % of 16 P
        "netted sides of one asset",
        [held(50.0, leg(10.0), leg(-6.0), netting="max_leg")],
        [to(90)],
        Money(-40.421053, 8.842105, 0, 0, 0, 31.578947),
        Event(0, "diffusion"),
    ),
    Case(
        # without netting: 0.02 * 16 P, at 95.108696
        "both sides of one asset",
        [held(50.0, leg(10.0), leg(-6.0))],
        [to(90)],
        Money(-28.695652, 9.130435, 0, 0, 0, 19.565217),
        Event(0, "diffusion"),
    ),
    Case(
        # 1000 - 8.65 P = 0.2 P at 112.994350. To pay: 129.943503 and fees of 6.779661, 1.344444 coins at 90 % of P;
        # 0.155556 are left, 18.666667 at 120. The others' cash: gain less the price of the coins
        "a short backed by the coin, sold after a haircut",
        [held(0.0, leg(-10.0), collaterals=[Collateral(0, 1.5, 0.1)])],
        [to(120)],
        Money(-131.333333, 6.779661, 0, 0, 0, -6.779661),
        Event(0, "diffusion"),
    ),
    Case(
        # 10 units at 1.5 count 14.25, less than 20. The fee of 6 is paid by 4.210526 units at 1.425
        "a collateral that loses its peg",
        [held(0.0, leg(), collaterals=[Collateral(1, 10.0, 0.05)])],
        [STILL],
        Money(-191.315789, 6, 0, 0, 0, -6),
        Event(0, "collateral"),
        other_asset=[to(20, 1.5)],
    ),
    Case(
        # 3 % of all ten units: 900 / 9.7 = 92.783505
        "flat tiers by size",
        [held(100.0, leg(demand=rates((8, 0.01), (math.inf, 0.03), shape="flat", by="size")))],
        [to(90)],
        Money(-77.731959, 5.567010, 0, 0, 0, 72.164948),
        Event(0, "diffusion"),
    ),
    Case(
        # at 105 the notional passes 1050 and the rate goes from 1 to 6 %: 50 are less than 63
        "flat tiers by notional: a cliff",
        [held(100.0, leg(-10.0, rates((1050, 0.01), (math.inf, 0.06), shape="flat")))],
        [to(110)],
        Money(-56.3, 6.3, 0, 0, 0, 50),
        Event(0, "diffusion"),
        tolerance=0.02,  # found by halving the way, 14 times
    ),
    Case(
        # 1.0 % at no size and 0.2 % a unit: as 3 %
        "a rate that grows with size",
        [held(100.0, leg(demand=Demand("affine", base=0.01, growth=0.002, by="size")))],
        [to(90)],
        Money(-77.731959, 5.567010, 0, 0, 0, 72.164948),
        Event(0, "diffusion"),
    ),
    Case(
        # max(2 %, 1.6 % + 0.5 % sqrt(10)) = 3.181139 %: 900 / 9.681886 = 92.957094
        "a rate that grows with the root of size",
        [held(100.0, leg(demand=Demand("sqrt", base=0.02, growth=0.005, by="size")))],
        [to(90)],
        Money(-76.006483, 5.577426, 0, 0, 0, 70.429058),
        Event(0, "diffusion"),
    ),
    Case(
        # 1 % of 500 and 5 % of the rest, N: 100 + 10 (P - 100) = 0.05 N - 20, at 880 / 9.5 = 92.631579
        "marginal tiers",
        [held(100.0, leg(demand=rates((500, 0.01), (math.inf, 0.05))))],
        [to(90)],
        Money(-79.242105, 5.557895, 0, 0, 0, 73.684211),
        Event(0, "diffusion"),
    ),
    Case(
        # 20, whatever the price: at 92
        "a requirement frozen at entry",
        [held(100.0, leg(demand=rates((math.inf, 0.02), basis="entry")))],
        [to(90)],
        Money(-85.52, 5.52, 0, 0, 0, 80),
        Event(0, "diffusion"),
    ),
    Case(
        # 2.1 %: 900 / 9.79 = 91.930541
        "the fee to close on the notional",
        [held(100.0, leg(demand=rates((math.inf, 0.02), close_fee="on_notional")))],
        [to(90)],
        Money(-86.210419, 5.515832, 0, 0, 0, 80.694586),
        Event(0, "diffusion"),
    ),
    Case(
        # bankrupt at 90: 0.9 more, 900.9 / 9.8 = 91.928571
        "the fee to close at the bankruptcy price",
        [held(100.0, leg(demand=rates((math.inf, 0.02), close_fee="at_bankruptcy")))],
        [to(90)],
        Money(-86.23, 5.515714, 0, 0, 0, 80.714286),
        Event(0, "diffusion"),
    ),
    Case(
        # 20 against 18.4; 9.2 of funding are paid at 92 and 10.8 are too few
        "closed by funding",
        [held(100.0)],
        [to(92)],
        Money(-94.72, 5.52, -9.2, 0, 0, 89.2),
        Event(0, "funding"),
        rate=0.01,
    ),
    Case(
        # a short of 1000 receives 1 % of 1000 / 80 and of 1000 / 125 coins; it has made 1000 (1/125 - 1/100)
        "inverse funding",
        [held(5.0, leg(-1000.0, contract="inverse"))],
        [to(80), to(125)],
        Money(-1.795, 0, 0.205, 0, 0, 1.795),
        rate=0.01,
    ),
    Case(
        # the long is closed on the way down, the short is what it was when the price is back
        "a hedge in an account of its own",
        [held(100.0), held(100.0, leg(-10.0))],
        [(90, 100, 100, 100)],
        Money(-87.142857, 5.510204, 0, 0, 0, 81.632653),
        Event(0, "diffusion"),
    ),
    Case(
        # filled at 91 * 0.98 = 89.18
        "slippage makes the shortfall",
        [held(100.0, leg(slippage=0.02))],
        [to(100, 91)],
        Money(-100, 0, 0, 8.2, -8.2, 108.2),
        Event(0, "gap"),
        Event(0, "gap"),
    ),
    Case(
        # bought back at 108 * 1.01 = 109.08; 9.2 left, 6.5448 of fees, the fund keeps the rest
        "slippage of a short, residual to the fund",
        [held(100.0, leg(-10.0, slippage=0.01), residual_to_customer=False)],
        [to(100, 108)],
        Money(-100, 6.5448, 0, 0, 2.6552, 90.8),
        Event(0, "gap"),
    ),
]
