"""Hand-made paths and their ledgers, written out.

Spot 100. An hour is a step in which something happens and five still ones of ten minutes. Funding of 1 % is paid after
hours 2, 4 and 6; horizons are 4h and 6h; survival bins are hours until 4h, half hours after it.

Unless a case says otherwise: 10 units, margin 100 (ten times), maintenance 2 %, taker 0.1 % (entry fee 1, from the
wallet), liquidation fee 0.5 %, what is left goes to the customer, no slippage. So a long is liquidated at
(100 - 10) / 0.98 = 91.836735.
"""

from pathlib import Path
from typing import Any, NamedTuple

from helpers.ledger import Event, Money
from helpers.scripted import Step
from helpers.studies import small

from stresslab.config.schema import Study
from stresslab.grid.market import MarketCell
from stresslab.grid.plan import make_plan

LOSS_LEVELS = (0.5, 0.8, 0.95)
FLAT = ((1e9, 0.02, 0.02),)
RULES: dict[str, Any] = {"tiers": FLAT, "taker": 0.001, "liquidation_fee": 0.005, "slippage_bps": 0.0}
HOURS, STEPS_PER_HOUR = 6, 6


class Case(NamedTuple):
    """A book, a path, and what must come of it: the whole ledger."""

    name: str
    hours: list[Step]  # the price stays where the last of them leaves it
    at_4h: Money
    at_6h: Money
    liquidation: Event | None = None
    bankruptcy: Event | None = None
    losses: tuple[Event | None, ...] = (None, None, None)  # of 50, 80 and 95 %
    book: dict[str, Any] = {"side": "long"}
    rules: dict[str, Any] = {}

    @property
    def script(self) -> list[Step]:
        return hourly(self.hours)


def hourly(hours: list[Step]) -> list[Step]:
    """A script with one moving step in each hour; after the last of them the price stays."""
    script: list[Step] = []
    for step in hours:
        script += [step, *[still(step[-1])] * (STEPS_PER_HOUR - 1)]
    return script + [still(hours[-1][-1])] * (HOURS * STEPS_PER_HOUR - len(script))


def still(price: float) -> Step:
    """A step in which nothing happens."""
    return (price, price, price)


def closed(money: Money) -> dict[str, Money]:
    """What is closed before 4h stays as it is."""
    return {"at_4h": money, "at_6h": money}


D1, G1, D3, G3 = Event(0, "diffusion"), Event(0, "gap"), Event(2, "diffusion"), Event(2, "gap")
F2, F6 = Event(1, "funding"), Event(7, "funding")
SHORT = {"side": "short"}

CASES = [
    Case(
        # marked at 102: 20 - 1 fee; funding 1 % of 1000, of 1010 by 4h; of 1020 after step 6
        "a long lives and pays funding",
        [still(100), (100, 100, 100), still(101), still(101), still(102), still(102)],
        at_4h=Money(pnl=10 - 1 - 10 - 10.1, fees=1, funding=-20.1, shortfall=0),
        at_6h=Money(pnl=20 - 1 - 30.3, fees=1, funding=-30.3, shortfall=0),
    ),
    Case(
        "a short lives and receives funding",
        [still(100), (100, 100, 100), still(101), still(101), still(102), still(102)],
        at_4h=Money(pnl=-10 - 1 + 20.1, fees=1, funding=20.1, shortfall=0),
        at_6h=Money(pnl=-20 - 1 + 30.3, fees=1, funding=30.3, shortfall=0),
        book=SHORT,
    ),
    Case(
        # filled at 91.836735 though the price went on to 90 and back to 95: equity 100 - 81.632653 = 18.367347 = 2
        # % of 918.367347; exit fee 0.918367, liquidation fee 4.591837, 12.857143 go back
        "a diffusion fills at the level",
        [(90, 90, 95)],
        **closed(Money(pnl=12.857143 - 100 - 1, fees=1 + 0.918367 + 4.591837, funding=0, shortfall=0)),
        liquidation=D1,
        losses=(D1, D1, None),
    ),
    Case(
        # the same, and the insurance fund keeps the 12.857143: all is lost, which is more than 95 %
        "what is left goes to the insurance fund",
        [(90, 90, 95)],
        **closed(Money(pnl=-101, fees=6.510204, funding=0, shortfall=0)),
        liquidation=D1,
        losses=(D1, D1, D1),
        rules={"residual": "insurance"},
    ),
    Case(
        # at 85 equity is 100 - 150: 50 are missing, nobody is paid a fee
        "a gap fills after the gap, with a shortfall",
        [(100, 85, 85)],
        **closed(Money(pnl=-101, fees=1, funding=0, shortfall=50)),
        liquidation=G1,
        bankruptcy=G1,
        losses=(G1, G1, G1),
    ),
    Case(
        # at 91 equity is 10; exit fee 0.91, liquidation fee 4.55, 4.54 go back: 96.46 are lost
        "a gap that leaves something",
        [(100, 91, 99)],
        **closed(Money(pnl=4.54 - 101, fees=1 + 0.91 + 4.55, funding=0, shortfall=0)),
        liquidation=G1,
        losses=(G1, G1, G1),
    ),
    Case(
        # at 90.2 equity is 2; exit fee 0.902, and of the liquidation fee of 4.51 the 1.098 that are left
        "the liquidation fee is capped by what is left",
        [(100, 90.2, 90.2)],
        **closed(Money(pnl=-101, fees=3, funding=0, shortfall=0)),
        liquidation=G1,
        losses=(G1, G1, G1),
    ),
    Case(
        # at 90.05 equity is 0.5, less than the exit fee of 0.9005
        "the exit fee is capped too",
        [(100, 90.05, 90.05)],
        **closed(Money(pnl=-101, fees=1.5, funding=0, shortfall=0)),
        liquidation=G1,
        losses=(G1, G1, G1),
    ),
    Case(
        # at 92.5 equity is 25 > 18.5; a payment of 9.25 leaves 15.75: closed there, exit fee 0.925, liquidation fee
        # 4.625. 50 % were lost at 95.1 on the way down; 80 % (wealth 20 at 92.1) at the payment
        "funding triggers, filled at the price",
        [(93, 93, 93), still(92.5)],
        **closed(Money(pnl=10.2 - 101, fees=1 + 5.55, funding=-9.25, shortfall=0)),
        liquidation=F2,
        losses=(D1, F2, None),
    ),
    Case(
        # payments of 9.65 and 9.45: equity at 94.5 is 100 - 55 - 19.1 = 25.9 > 18.9; the third, of 9.45, leaves
        # 16.45: exit fee 0.945, liquidation fee 4.725, 10.78 go back. It counts at 6h, not at 4h. 50 % are lost at
        # 96.065 after the first payment
        "funding triggers after the first horizon",
        [still(97), still(96.5), still(96.5), still(94.5)],
        at_4h=Money(pnl=-55 - 1 - 19.1, fees=1, funding=-19.1, shortfall=0),
        at_6h=Money(pnl=10.78 - 101, fees=1 + 5.67, funding=-28.55, shortfall=0),
        liquidation=F6,
        losses=(Event(3, "diffusion"), F6, None),
    ),
    Case(
        # the level moves with what was paid: (100 - 10 + 1) / 0.98 = 92.857143 after one payment of 10; a dip to
        # 92.5 hits it
        "a payment moves the level",
        [still(100), still(100), (92.5, 92.5, 100)],
        # equity at the fill 90 - 71.428571 = 18.571429; exit 0.928571, fee 4.642857
        **closed(Money(pnl=13 - 101, fees=1 + 5.571428, funding=-10, shortfall=0)),
        liquidation=D3,
        losses=(D3, D3, None),
    ),
    Case(
        # entry in the second tier (5 %, cum 38), trigger in the first (1 %): 90 / 0.99 = 90.909091, not (90 - 3.8)
        # / 0.95 = 90.736842. equity 9.090909; exit fee 0.909091, liquidation fee 4.545455, 3.636364 go back
        "the tier is that of the trigger price",
        [(90, 90, 90)],
        **closed(Money(pnl=3.636364 - 101, fees=1 + 5.454545, funding=0, shortfall=0)),
        liquidation=D1,
        losses=(D1, D1, D1),
        rules={"tiers": ((950.0, 0.01, 0.05), (1e9, 0.05, 0.05))},
    ),
    Case(
        # filled 3 % below the level: 89.081633; equity 100 - 109.183673
        "slippage bankrupts",
        [(90, 90, 90)],
        **closed(Money(pnl=-101, fees=1, funding=0, shortfall=9.183673)),
        liquidation=D1,
        bankruptcy=D1,
        losses=(D1, D1, D1),
        rules={"slippage_bps": 300.0},
    ),
    Case(
        # a fee of 10 leaves a margin of 90: liquidated at 91 / 0.98 = 92.857143, where equity is 18.571429;
        # exit fee 9.285714, liquidation fee 4.642857, 4.642857 go back. 50 % of 100 are lost at 96, 80 % at 93
        "an entry fee from the margin moves the level",
        [(92.5, 92.5, 92.5)],
        **closed(Money(pnl=4.642857 - 100, fees=10 + 13.928571, funding=0, shortfall=0)),
        liquidation=D1,
        losses=(D1, D1, D1),
        rules={"taker": 0.01, "entry_charged_to": "margin"},
    ),
    Case(
        # the same fee from the wallet: the level is where it was, and 92.5 is lived through. Payments of 9.25 and
        # 9.25: at the first equity is 15.75 < 18.5; exit fee 9.25, liquidation fee 4.625. 80 % of 100 are lost at
        # 93 (10 of it the fee)
        "an entry fee from the wallet does not",
        [(92.5, 92.5, 92.5)],
        **closed(Money(pnl=1.875 - 110, fees=10 + 13.875, funding=-9.25, shortfall=0)),
        liquidation=F2,
        losses=(D1, D1, F2),
        rules={"taker": 0.01},
    ),
    Case(
        # bought at 80, margin 100 now: worth 300 at 100. Liquidated at (80 - 10) / 0.98 = 71.428571, where equity
        # is 14.285714; exit fee 0.714286, liquidation fee 3.571429, 10 go back. 50 % of 300 are lost at 85, 80 % at
        # 76, 95 % at 71.5
        "a position in flight",
        [(80, 80, 80), (70, 70, 70)],
        **closed(Money(pnl=10 - 300, fees=4.285714, funding=0, shortfall=0)),
        liquidation=Event(1, "diffusion"),
        losses=(D1, Event(1, "diffusion"), Event(1, "diffusion")),
        book={"side": "long", "entry_price": 80.0, "margin": 100.0},
    ),
    Case(
        # sold at 120 with margin 100: worth 300, 10 units marked at 100; no entry fee was paid since
        "a short in flight lives",
        [still(90), still(90), still(90), still(90), still(95), still(95)],
        at_4h=Money(pnl=100 + 18, fees=0, funding=18, shortfall=0),
        at_6h=Money(pnl=50 + 27.5, fees=0, funding=27.5, shortfall=0),
        book={"side": "short", "entry_price": 120.0, "margin": 100.0},
    ),
    Case(
        # (100 + 10) / 1.02 = 107.843137: equity 100 - 78.431373 = 21.568627; exit 1.078431, fee 5.392157, 15.098039
        # go back. 50 % are lost at 104.9, 80 % at 107.9: behind the level, and 84.9 % when it is closed
        "a short is liquidated by a diffusion",
        [(110, 110, 100)],
        **closed(Money(pnl=15.098039 - 101, fees=1 + 6.470588, funding=0, shortfall=0)),
        liquidation=D1,
        losses=(D1, D1, None),
        book=SHORT,
    ),
    Case(
        "a short is liquidated by a gap, with a shortfall",
        [still(100), still(100), (100, 115, 115)],
        # 10 of funding were received: 110 - 150
        **closed(Money(pnl=10 - 111, fees=1, funding=10, shortfall=40)),
        liquidation=G3,
        bankruptcy=G3,
        losses=(G3, G3, G3),
        book=SHORT,
    ),
    Case(
        # slippage is against a short too: level 107.843137, filled 3 % above at 111.078431: 100 - 110.784314
        "slippage bankrupts a short",
        [(110, 110, 110)],
        **closed(Money(pnl=-101, fees=1, funding=0, shortfall=10.784314)),
        liquidation=D1,
        bankruptcy=D1,
        losses=(D1, D1, D1),
        book=SHORT,
        rules={"slippage_bps": 300.0},
    ),
    Case(
        # 50 % at 95 in the first step, by a gap; liquidated in the third by a diffusion, after a payment of 9.5:
        # (100 - 10 + 0.95) / 0.98 = 92.806122, equity 18.561224; exit 0.928061, fee 4.640306, 12.992857 go back
        "half is lost long before the liquidation",
        [(100, 95, 95), still(95), (90, 90, 90)],
        **closed(Money(pnl=12.992857 - 101, fees=1 + 5.568367, funding=-9.5, shortfall=0)),
        liquidation=D3,
        losses=(G1, D3, None),
    ),
    Case(
        # down to 92.5 by diffusion (half is lost at 95.1), then a gap to 91
        "half is lost on the way to the gap that liquidates",
        [(92.5, 91, 91)],
        **closed(Money(pnl=4.54 - 101, fees=1 + 5.46, funding=0, shortfall=0)),
        liquidation=G1,
        losses=(D1, G1, G1),
    ),
    Case(
        # the gap ends above the level: what follows is a diffusion and fills at the level
        "a diffusion after a gap fills at the level",
        [(100, 93, 90)],
        **closed(Money(pnl=12.857143 - 101, fees=6.510204, funding=0, shortfall=0)),
        liquidation=D1,
        losses=(G1, D1, None),
    ),
    Case(
        # the first gap reaches 93, the price recovers, a payment of 9.5; the second gap passes the level: at 90.5
        # equity is -4.5
        "the second of two gaps liquidates",
        [(100, 93, 96), (96, 96, 95), (95, 90.5, 99)],
        **closed(Money(pnl=-101, fees=1, funding=-9.5, shortfall=4.5)),
        liquidation=G3,
        bankruptcy=G3,
        losses=(G1, G3, G3),
    ),
    Case(
        # a fee of 60 out of the wallet: half of 100 is lost before anything has moved. At 101 each payment is 10.1:
        # wealth 39.7 + 10 at 4h, and the third one takes it below 20
        "the entry fee alone is more than half",
        [still(101)],
        at_4h=Money(pnl=10 - 60 - 20.2, fees=60, funding=-20.2, shortfall=0),
        at_6h=Money(pnl=10 - 60 - 30.3, fees=60, funding=-30.3, shortfall=0),
        losses=(D1, F6, None),
        rules={"taker": 0.06},
    ),
    Case(
        # what happens after a close-out is nothing to the account: the crash to 50 and its funding are not its own
        "a crash after the close-out",
        [(90, 90, 95), (95, 50, 50), still(50), still(50), still(50), still(50)],
        **closed(Money(pnl=12.857143 - 101, fees=6.510204, funding=0, shortfall=0)),
        liquidation=D1,
        losses=(D1, D1, None),
    ),
]


# Books without a story, so that levels lie everywhere.
PLAIN = [
    {"side": side, "collateral": 100.0, "leverage": leverage}
    for side in ("long", "short")
    for leverage in (2.0, 3.0, 4.0, 6.0, 15.0, 25.0)
]


def market(folder: Path) -> MarketCell:
    """The clock of all cases."""
    return make_plan(study(folder, CASES[0])).markets[0]


def study(folder: Path, case: Case) -> Study:
    """A case's book as a study of its own."""
    return alone(folder, {"collateral": 100.0, "quantity": 10.0} | case.book, **case.rules)


def alone(folder: Path, book: dict[str, Any], **rules: Any) -> Study:
    losses = [f"loss_{round(100 * level)}" for level in LOSS_LEVELS]
    return small(
        folder,
        {
            "as_of": "2025-01-01T06:00:00Z",
            "market": {"spot": 100.0, "step": "10min", "horizons": ["4h", "6h"]},
            "funding": {"rate": 0.01, "interval": "2h"},
            "book": book,
            "sweep": None,
            "outputs": {"events": ["liquidation", "bankruptcy", *losses], "survival_points": 8},
        },
        **(RULES | rules),
    )
