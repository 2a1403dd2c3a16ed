"""A recorded position in a study: where the engine liquidates it, equity is what the venue requires.

The position is in flight in a study of its own, at the edition of its time or by a rulebook with its own tier. The
engine's trigger (float32) and the requirement by the rulebook (float64) are held to 1e-6 of the gross notional, before
the price is rounded to the tick.
"""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from stresslab import general, venues
from stresslab.accounts.state import start
from stresslab.accounts.trigger import has_closed_form, trigger_price
from stresslab.config import forms, study_from_dict
from stresslab.config.general_book import GeneralBook
from stresslab.files.position_row import Row
from stresslab.files.position_table import read_positions
from stresslab.grid.plan import make_plan
from stresslab.venues.recorded_rules import rules_of

OWN = [  # made up, one of each kind
    {
        **{"id": "linear", "venue": "binance_usdm/BTCUSDT", "time": "2024-10-24", "margin_mode": "isolated"},
        **{"side": "long", "quantity": 2.0, "entry_price": 50_000.0, "mark_price": 51_000.0, "margin": 10_000.0},
        **{"liquidation_price": 89_950 / 1.99},
    },
    {
        **{"id": "fee at bankruptcy", "venue": "bybit/BTCUSDT", "time": "2026-09-25", "margin_mode": "cross"},
        **{"side": "short", "quantity": 1.0, "entry_price": 60_000.0, "mark_price": 58_000.0, "leverage_set": 20},
        **{"wallet": 50_000.0, "liquidation_price": (110_000 - 0.00055 * 63_000) / 1.0033},
    },
    {
        **{"id": "frozen", "venue": "bitmex/XBTUSD", "time": "2024-11-25", "margin_mode": "isolated", "side": "long"},
        **{"contract": "inverse", "quantity": 10_000.0, "entry_price": 50_000.0, "mark_price": 50_000.0},
        **{"margin": 0.02, "leverage_set": 10, "funding_rate": 2e-4},
        # 0.2 BTC: 0.02 + 0.2 - 10,000 / P = 0.2 x 0.0052 + 0.00075 x 0.22
        **{"liquidation_price": 10_000 / (0.22 - 0.2 * 0.0052 - 0.00075 * 0.22)},
    },
    {
        **{"id": "rate by size", "venue": "kucoin/XBTUSDTM", "time": "2026-01-15", "margin_mode": "cross"},
        **{"side": "long", "quantity": 30.0, "entry_price": 60_000.0, "mark_price": 60_000.0, "wallet": 200_000.0},
        **{"liquidation_price": 1_600_000 / (30 * (1 - 0.0044 - 0.0006))},
    },
]


def in_a_study(row: Row, folder: Path) -> GeneralBook:
    """The book of a study that holds the position alone; the record's own tier in a rulebook of its own."""
    rules = rules_of(row)
    (folder / "own.yaml").write_text(yaml.safe_dump(rules.book.model_dump(mode="json")))
    contract = rules.book.contract
    collateral = row.margin if row.margin is not None else row.wallet
    assert collateral is not None and row.mark_price is not None
    position: dict[str, Any] = {
        **{"side": row.side, "quantity": row.amount, "entry_price": row.entry_price},
        **({"leverage_set": row.leverage_set} if row.leverage_set else {}),
    }
    isolated = row.margin_mode == "isolated"
    backing = {"margin": collateral} if isolated else {"positions": [position], "collateral": collateral}
    book = {"rulebook": "own.yaml", "margin_mode": row.margin_mode, **(position if isolated else {}), **backing}
    sign = 1 if row.side == "long" else -1
    study: dict[str, Any] = {
        **{"study": "recorded", "as_of": row.time or "2026-01-01T00:00:00Z", "seed": 1, "book": book},
        "market": {"asset": contract.base, "spot": row.mark_price, "model": "g", "step": "1h", "horizons": ["1D"]},
        "models": {"g": {"kind": "gbm", "sigma": 0.5}},
        "funding": {"kind": "constant", "rate": sign * row.funding_rate, "interval": "8h"},
        "sampling": {"paths": 256, "block": 256},
    }
    (found,) = make_plan(study_from_dict(study, base=folder)).books
    return forms.as_general(found)


def triggered_at(book: GeneralBook) -> float:
    """The engine's price, in money."""
    assert has_closed_form(book.form.accounts[0])
    numbers = jax.tree.map(general.to_single, forms.numbers([book], 1 / 8760, all_tiers=True))
    held = start(book.form, numbers, 0, jnp.ones((1, 1), jnp.float32), np.float32(0.0)).accounts[0]
    return float(trigger_price(book.form.accounts[0], numbers.accounts[0], held)[0, 0]) * book.legs[0].spot


def excess_at(row: Row, price: float) -> float:
    """Equity less requirement by the rulebook, over the gross notional."""
    rules = rules_of(row)
    side, entry, amount = row.side or "long", row.entry_price, row.amount
    margin = row.margin if row.margin is not None else row.wallet
    venue = {"leverage_set": row.leverage_set, "funding_rate": row.funding_rate}
    equity = float(rules.book.equity(side, entry, amount, margin, price))
    asked = float(rules.book.required(side, entry, amount, margin, price, **venue))
    return (equity - asked) / float(rules.book.notional(amount, price))


def held_to_the_rulebook(row: Row, folder: Path) -> None:
    price = triggered_at(in_a_study(row, folder))
    assert abs(excess_at(row, price)) < 1e-6, (row.name, price, excess_at(row, price))
    assert abs(excess_at(row, price * 1.0001)) > 1e-6  # a ten-thousandth beside it is seen


@pytest.mark.parametrize("given", OWN, ids=[one["id"] for one in OWN])
def test_positions_worked_by_hand(given: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps([given] if "contracts" in given else {"positions": [given]}))
    (row,) = read_positions(tmp_path / "one.json")
    held_to_the_rulebook(row, tmp_path)
    assert triggered_at(in_a_study(row, tmp_path)) == pytest.approx(row.expected["liquidation_price"], rel=2e-6)


def test_every_collected_position_with_a_price(shared: Path, tmp_path: Path) -> None:
    """A record's own deduction and closing fee have no place in a rulebook: such rows are left to `venues check`."""
    rows = [row for row in read_positions(shared / "venues" / "positions.json") if "liquidation_price" in row.expected]
    plain = [row for row in rows if not rules_of(row).deduction and (row.closing_fee is None or row.leverage_set)]
    assert len(rows) == 12 and len(plain) >= 9
    for row in plain:
        held_to_the_rulebook(row, tmp_path)


def test_the_kinds_are_all_there() -> None:
    """Each rule of the requirement that the answers know has a position above."""
    kinds = {venues.load(str(one["venue"])).in_mode(str(one["margin_mode"])).requirement for one in OWN}
    assert {one.include_close_fee for one in kinds} == {"none", "on_notional", "at_bankruptcy", "on_entry_and_margin"}
