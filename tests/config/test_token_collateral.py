"""Positions that assets back in place of cash: figures by hand, the engine at the price, and what is refused."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from stresslab import general
from stresslab.accounts.point import Point
from stresslab.accounts.state import excess, start
from stresslab.config import forms, study_from_dict
from stresslab.config.general_book import GeneralBook
from stresslab.errors import InputError, NotAllowed
from stresslab.execution import run_plan
from stresslab.grid.plan import make_plan
from stresslab.grid.serial import Serial

SHARED = Path(__file__).resolve().parents[3] / "shared" / "cases" / "files"
SPOT = 40_000.0
HALF = [{"asset": "BTC", "amount": 0.5}]
LONG = {"side": "long", "quantity": 2.0, "entry_price": SPOT, "collaterals": HALF}
BASE: dict[str, Any] = {
    "study": "token",
    "as_of": "2026-04-01T00:00:00Z",
    "seed": 1,
    "market": {"asset": "BTC", "spot": SPOT, "model": "gbm", "step": "1h", "horizons": ["1D"]},
    "models": {"gbm": {"kind": "gbm", "sigma": 3.0}},
    "sampling": {"paths": 1024, "block": 1024},
}
JOINT: dict[str, Any] = {
    "market": BASE["market"] | {"model": "both", "spots": {"USDC": 1.0}},
    "models": {
        "gbm": {"kind": "gbm", "sigma": 0.6},
        "peg": {"kind": "gbm", "sigma": 0.01},
        "both": {"kind": "joint", "assets": {"BTC": "gbm", "USDC": "peg"}, "correlation": 0.0},
    },
}


def made(book: dict[str, Any], rest: dict[str, Any] | None = None) -> GeneralBook:
    data = BASE | (rest or {}) | {"book": {"rulebook": "gmx_v2/BTC-USD"} | book}
    (found,) = make_plan(study_from_dict(data)).books
    assert isinstance(found, GeneralBook)
    return found


def left(book: GeneralBook, price: float) -> float:
    """What the engine finds of equity above the requirement at a price, of the notional."""
    numbers = jax.tree.map(general.to_single, forms.numbers([book], 1 / 8760))
    held = start(book.form, numbers, 0, jnp.ones((1, 1), jnp.float32), np.float32(0.0)).accounts[0]
    point = Point((jnp.full((1, 1), price / SPOT, jnp.float32),), np.float32(0.0), np.int32(0))
    return float(excess(book.form.accounts[0], numbers.accounts[0], held, point)[0, 0])


@pytest.mark.parametrize(
    "book, price",
    [
        # 0.5 P + 2 (P - 40,000) = 0.005 * 80,000
        (LONG, 80_400 / 2.5),
        # with 3,000 in cash
        (LONG | {"collateral": 3_000.0}, 77_400 / 2.5),
        # opened now: a fee of 0.06 % of 80,000 is owed
        ({"side": "long", "quantity": 2.0, "collaterals": HALF}, 80_448 / 2.5),
        # 4 times what the coins are worth is the same
        ({"side": "long", "leverage": 4.0, "collaterals": HALF}, 80_448 / 2.5),
        # 10 % less of them counts
        (LONG | {"collaterals": [{"asset": "BTC", "amount": 0.5, "haircut": 0.1}]}, 80_400 / 2.45),
        # in flight at a loss of 8,000 that its margin holds: 0.5 P + 2 (P - 40,000) + 1,000 = 0.005 * 88,000
        (LONG | {"entry_price": 44_000.0, "margin_with_pnl": 1_000.0}, 79_440 / 2.5),
        # a short: 0.5 P + 2 (40,000 - P) = 400
        (LONG | {"side": "short"}, 79_600 / 1.5),
    ],
)
def test_where_it_is_liquidated(book: dict[str, Any], price: float) -> None:
    """By hand, by the book and by the engine, whose excess is 0 there and not 0.1 % nearer to spot."""
    found = made(book)
    assert found.liquidation_price == pytest.approx(price, rel=1e-9)
    assert abs(left(found, price)) < 4e-6
    assert left(found, price * (1.001 if found.side == "long" else 0.999)) > 4e-6


def test_where_it_is_bankrupt() -> None:
    """0.5 P + 2 (P - 40,000) = 0."""
    assert made(LONG).bankruptcy_price == pytest.approx(32_000)


def test_a_short_that_its_coins_cover_is_never_liquidated() -> None:
    """2 BTC short on 2 BTC: no rise hurts."""
    covered = made(LONG | {"side": "short", "collaterals": [{"asset": "BTC", "amount": 2.02}]})
    assert covered.liquidation_price == np.inf


def test_another_asset_leaves_the_price_open() -> None:
    assert np.isnan(made(LONG | {"collaterals": [{"asset": "USDC", "amount": 20_000.0}]}, JOINT).liquidation_price)


def test_isolated_positions_have_tokens_of_their_own() -> None:
    """Each of two longs is liquidated by the engine as if it were alone: the probability of both is that of one."""
    fields = {"margin_mode": "isolated", "rulebook": "gmx_v2/BTC-USD"}
    data = BASE | {"book": fields | LONG}
    one = run_plan(make_plan(study_from_dict(data)), Serial())
    data = BASE | {"book": fields | {"positions": [LONG, LONG]}}
    two = run_plan(make_plan(study_from_dict(data)), Serial())
    assert 0.05 < one["ruin_probability"].item() < 0.95
    assert two["ruin_probability"].item() == one["ruin_probability"].item()
    assert two["mean_pnl"].item() == pytest.approx(2 * one["mean_pnl"].item(), rel=1e-4)


def test_a_cross_account_needs_no_cash() -> None:
    """On Kraken 0.5 BTC count 98 %: as much as that cash at the price now, and less at any lower price."""
    kraken = {"rulebook": "kraken/PF_XBTUSD", "margin_mode": "cross"}
    (account,) = made(kraken | LONG).accounts
    assert (account.deposit, account.backing) == (0.0, pytest.approx(0.98 * 20_000))
    position = {key: value for key, value in LONG.items() if key != "collaterals"}
    several = made(kraken | {"collaterals": HALF, "positions": [position]})
    assert several.accounts[0].backing == pytest.approx(0.98 * 20_000)
    cash = made(kraken | position | {"collateral": 0.98 * 20_000})
    assert cash.liquidation_price < several.liquidation_price


REFUSED = [
    ({"side": "long", "collaterals": HALF}, "quantity or leverage is enough; given: none"),
    (
        LONG | {"collaterals": [{"asset": "USDC", "amount": 9.0}]},
        "has no price in market.model, .* Write it as book.collateral",
    ),
    (LONG | {"collaterals": [{"asset": "ETH", "amount": 9.0}]}, "is no collateral of gmx.* It takes BTC; or give"),
    ({"positions": [{"side": "long", "quantity": 1.0}]}, "Give one of collateral, margin_with_pnl, collaterals"),
    ({"positions": [LONG], "collaterals": HALF}, "Write collaterals under each position"),
]


@pytest.mark.parametrize("book, said", REFUSED)
def test_what_is_refused(book: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        made(book)


def test_leverage_is_judged_on_all_that_backs_it() -> None:
    """GMX gives 200 times: of 0.5 BTC 100 BTC, not more."""
    fresh = {"side": "long", "collaterals": HALF}
    with pytest.raises(NotAllowed, match="200"):
        made(fresh | {"quantity": 101.0})
    assert made(fresh | {"quantity": 60.0}).legs[0].quantity == 60.0


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared: a study of a GMX long")
def test_the_study_of_a_gmx_long() -> None:
    """60,300 / 1.1 in flight; opened now its fee of 36 USD is owed too."""
    data = yaml.safe_load((SHARED / "token_collateral.yaml").read_text())
    (opened,) = make_plan(study_from_dict(data)).books
    assert opened.liquidation_price == pytest.approx(60_336 / 1.1)
    data["book"] |= {"entry_price": 60_000.0}
    (flying,) = make_plan(study_from_dict(data)).books
    assert flying.liquidation_price == pytest.approx(54_818.18, abs=0.01)
