"""Positions in flight: with `margin`, without the PnL since entry, and with `margin_with_pnl`, as venues show it.

Both describe one position: its liquidation price is where the balance meets the requirement, worked out by hand.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.studies import small_dict

from stresslab.config import study_from_dict
from stresslab.config.build import BookFacts
from stresslab.config.general_book import GeneralBook
from stresslab.errors import InputError
from stresslab.execution import run_plan
from stresslab.grid.plan import make_plan
from stresslab.grid.serial import Serial

SHARED = Path(__file__).resolve().parents[3] / "shared" / "cases" / "files"
MMR, SPOT, ENTRY = 0.02, 100.0, 80.0
LONG = {"side": "long", "quantity": 5.0, "entry_price": ENTRY}  # 100 to the good at spot
SHORT = {"side": "short", "quantity": 5.0, "entry_price": 120.0}
INVERSE = {"contract": {"kind": "inverse", "face": 1.0, "settle": "BTC"}, "tier_unit": "coin"}


def book(folder: Path, given: dict[str, Any], rest: dict[str, Any] | None = None, **rules: Any) -> Any:
    rules = {"tiers": ((1e9, MMR, 0.02),), "taker": 0.001, "modes": ["isolated", "cross"]} | rules
    data = small_dict(folder, {"market": {"spot": SPOT}, "sweep": None} | (rest or {}), **rules)
    data["book"] = {"rulebook": "venue.yaml", **given}
    return make_plan(study_from_dict(data, base=folder)).books[0]


def test_the_two_margins_are_one_position(tmp_path: Path) -> None:
    """60 of margin and 100 of PnL are 160 with PnL: 160 + 5 (P - 100) = 0.02 * 5 P, so P = 340 / 4.9."""
    without, with_pnl = (book(tmp_path, LONG | given) for given in ({"margin": 60.0}, {"margin_with_pnl": 160.0}))
    for found in (without, with_pnl):
        assert isinstance(found, BookFacts)
        assert found.liquidation_price == pytest.approx(340 / 4.9)
        assert (found.margin, found.equity, found.entry_fee) == pytest.approx((60, 160, 0))


@pytest.mark.parametrize("mode", ["isolated", "cross"])
@pytest.mark.parametrize("taken", [110.0, 60.0])
def test_a_position_may_stand_on_its_profit_alone(tmp_path: Path, mode: str, taken: float) -> None:
    """Of 100 of PnL and more so much is left: the margin without it may be below zero, as venues let one withdraw."""
    found = book(tmp_path, LONG | {"margin_with_pnl": taken, "margin_mode": mode})
    assert found.liquidation_price == pytest.approx((500 - taken) / 4.9)
    assert found.bankruptcy_price == pytest.approx(100 - taken / 5)
    assert found.equity == pytest.approx(taken)
    assert book(tmp_path, SHORT | {"margin_with_pnl": taken}).liquidation_price == pytest.approx((500 + taken) / 5.1)


@pytest.mark.parametrize("side, sign", [("long", 1.0), ("short", -1.0)])
def test_inverse_contracts_count_it_in_coin(tmp_path: Path, side: str, sign: float) -> None:
    """500 USD: 5 coins at spot. With m coins, PnL included, m + s (5 - 500 / P) = 0.02 * 500 / P."""
    given = {"side": side, "quantity": 500.0, "entry_price": ENTRY, "margin_with_pnl": 0.8}
    found = book(tmp_path, given, **INVERSE)
    assert isinstance(found, GeneralBook)
    assert found.equity == pytest.approx(0.8)
    assert found.accounts[0].deposit == pytest.approx(0.8 - sign * (500 / ENTRY - 5))
    assert found.liquidation_price == pytest.approx(500 * (MMR + sign) / (0.8 + sign * 5))


def test_isolated_positions_each_have_theirs(tmp_path: Path) -> None:
    """The figures of a position alone, on two accounts of one book."""
    alone = [book(tmp_path, one | {"margin_with_pnl": 160.0}) for one in (LONG, SHORT)]
    both = book(tmp_path, {"positions": [one | {"margin_with_pnl": 160.0} for one in (LONG, SHORT)]})
    assert [account.deposit for account in both.accounts] == pytest.approx([one.margin for one in alone])
    assert both.equity == pytest.approx(320)


def test_it_is_swept_and_run_like_margin(tmp_path: Path) -> None:
    """The same positions by either key: equal to the last count, in the static ladder and in the general engine."""
    for mode in ("isolated", "cross"):
        found = []
        for name, values in {"margin": [30.0, 60.0], "margin_with_pnl": [130.0, 160.0]}.items():
            rules: dict[str, Any] = {"tiers": ((1e9, MMR, 0.02),), "modes": ["isolated", "cross"]}
            market = {"spot": SPOT, "horizons": ["1D"]}
            data = small_dict(tmp_path, {"market": market, "sampling": {"paths": 1024}}, **rules)
            data["book"] = {"rulebook": "venue.yaml", "margin_mode": mode, **LONG}
            data["models"] = {"gbm": {"kind": "gbm", "sigma": 3.0}}
            data["sweep"] = {f"book.{name}": values}
            found.append(run_plan(make_plan(study_from_dict(data, base=tmp_path)), Serial()))
        hits = [ds["hits"].values for ds in found]
        assert hits[0][0].sum() > hits[0][1].sum() > 0
        np.testing.assert_array_equal(*hits)


REFUSED = [
    ({"side": "long", "quantity": 5.0, "margin_with_pnl": 9.0}, "book.margin_with_pnl = 9.0: .* needs entry_price"),
    (LONG | {"margin": 9.0, "margin_with_pnl": 9.0}, "given beside margin: .* Leave out one of margin_with_pnl and"),
    ({"side": "long", "entry_price": 80.0, "margin": 9.0}, "quantity is enough; given: none of them"),
    ({"side": "long", "leverage": 2.0, "entry_price": 80.0, "margin": 9.0}, "is enough; given: leverage 2"),
    ({"positions": [LONG | {"collateral": 9.0, "margin_with_pnl": 9.0}]}, "given beside collateral"),
    ({"positions": [LONG], "margin_with_pnl": 9.0}, "belongs to one position. Write margin_with_pnl under positions"),
    (
        {"positions": [LONG | {"margin_with_pnl": 9.0}], "margin_mode": "cross", "collateral": 9.0},
        "the cash of a shared account is book.collateral",
    ),
    (
        {"positions": [{"side": "long", "leverage": 5.0, "entry_price": 80.0, "margin_with_pnl": 9.0}]},
        "does not size a position .* Give quantity or notional",
    ),
    (LONG | {"margin_with_pnl": 9.0}, "it would be liquidated at once"),  # 10 are required at spot
]


@pytest.mark.parametrize("given, said", REFUSED)
def test_what_is_refused(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        book(tmp_path, given)


CCXT_MODELS = {
    "btc": {"kind": "gbm", "sigma": 0.5},
    "eth": {"kind": "gbm", "sigma": 0.7},
    "both": {"kind": "joint", "assets": {"BTC": "btc", "ETH": "eth"}, "correlation": 0.8},
}
ROWS = [
    {"symbol": "BTC/USDT:USDT", "side": "long", "contracts": 0.4, "contractSize": 1.0, "entryPrice": 90_000.0,
     "markPrice": 93_576.0, "collateral": 5_000.0},
    {"symbol": "ETH/USDT:USDT", "side": "short", "contracts": 9.0, "contractSize": 1.0, "entryPrice": 3_500.0,
     "markPrice": 3_337.78, "collateral": 4_000.0},
]  # fmt: skip


def of_rows(rows: list[dict[str, Any]]) -> GeneralBook:
    """The book of rows of ccxt's `fetch_positions`, as docs/books.md says, on Binance's linear contracts."""
    assets = [row["symbol"].partition("/")[0] for row in rows]
    positions = [
        {
            "rulebook": f"binance_usdm/{asset}USDT",
            "asset": asset,
            "side": row["side"],
            "quantity": float(row["contracts"]) * float(row["contractSize"]),
            "entry_price": float(row["entryPrice"]),
            "margin_with_pnl": float(row["collateral"]),
        }
        for asset, row in zip(assets, rows, strict=True)
    ]
    marks = {asset: float(row["markPrice"]) for asset, row in zip(assets, rows, strict=True)}
    data = {
        "study": "ccxt",
        "as_of": "2026-01-01T00:00:00Z",
        "seed": 1,
        "market": {"asset": "BTC", "spot": marks.pop("BTC"), "spots": marks, "model": "both", "step": "1h"},
        "models": CCXT_MODELS,
        "book": {"rulebook": positions[0]["rulebook"], "margin_mode": "isolated", "positions": positions},
        "sampling": {"paths": 1024, "block": 1024},
    }
    data["market"]["horizons"] = ["1D"]
    (found,) = make_plan(study_from_dict(data)).books
    assert isinstance(found, GeneralBook)
    return found


def prices(found: GeneralBook) -> list[float]:
    """The liquidation price of each isolated position."""
    alone = [(account.legs[0], account.margin) for account in found.accounts]
    return [leg.rulebook.liquidation_price(leg.side, leg.entry, leg.quantity, margin) for leg, margin in alone]


def test_rows_of_ccxt() -> None:
    """Both in the first tier of Binance, 0.4 %: C + s q (P - mark) = 0.004 q P, with C the collateral of the row."""
    long = (0.4 * 93_576.0 - 5_000.0) / (0.4 * (1 - 0.004))
    short = (9.0 * 3_337.78 + 4_000.0) / (9.0 * (1 + 0.004))
    assert prices(of_rows(ROWS)) == pytest.approx([long, short])


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared: figures of venues and of ccxt")
class TestFiguresOfVenues:
    def test_a_table_of_ccxt(self) -> None:
        with (SHARED / "positions_export.csv").open() as lines:
            rows = [row for row in csv.DictReader(lines) if float(row["contracts"])]
        assert prices(of_rows(rows)) == pytest.approx([84_556.63, 3_656.93], abs=0.005)

    def test_hyperliquids_margin_used(self) -> None:
        data = yaml.safe_load((SHARED / "in_flight_margin.yaml").read_text())
        del data["book"]["margin"], data["book"]["collateral"]
        data["book"]["margin_with_pnl"] = 375
        (found,) = make_plan(study_from_dict(data)).books
        assert found.liquidation_price == pytest.approx(2278.48, abs=0.005)
