"""Every shipped rulebook in a study: run by the cheapest evaluation that is exact for it, or refused in words."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.spots import SPOTS

from stresslab import general, venues
from stresslab.accounts.point import Point
from stresslab.accounts.state import excess, start
from stresslab.config import forms, study_from_dict
from stresslab.config.build import BookFacts
from stresslab.config.general_book import GeneralBook
from stresslab.config.schema import Study
from stresslab.errors import InputError
from stresslab.execution import run_plan
from stresslab.grid.plan import make_plan
from stresslab.grid.serial import Serial

OPTIONS = ("deribit/BTC-OPTIONS", "deribit/ETH-OPTIONS")
DATED = ("kraken/FF_XBTUSD_261225",)  # tests/venues/test_more_contracts.py
PERPETUALS = [name for name in venues.available() if name not in (*OPTIONS, *DATED)]
LEVERAGES = [2.0, 8.0]
FLOAT32 = 4e-6  # of the notional: 16 roundings


def study(name: str) -> Study:
    """Long and short at two leverages, one day under GBM."""
    rules = venues.load(name)
    asset = rules.contract.base.replace("XBT", "BTC")
    modes = rules.collateral.modes
    data: dict[str, Any] = {
        "study": "every",
        "as_of": "2025-01-01T00:00:00Z",
        "seed": 1,
        "market": {"asset": asset, "spot": SPOTS[asset], "model": "gbm", "step": "1h", "horizons": ["1D"]},
        "models": {"gbm": {"kind": "gbm", "sigma": 1.5}},
        "funding": {"kind": "constant", "rate": 1e-4, "interval": "8h"},
        "book": {
            "rulebook": name,
            "collateral": 10_000.0 if rules.contract.kind == "linear" else 0.5,
            "margin_mode": "isolated" if "isolated" in modes else modes[0],
        },
        "sweep": {"book.side": ["long", "short"], "book.leverage": LEVERAGES},
        "sampling": {"paths": 512, "block": 256},
    }
    return study_from_dict(data)


@pytest.mark.parametrize("name", PERPETUALS)
def test_the_engine_triggers_where_the_rulebook_says(name: str) -> None:
    """At the rulebook's liquidation price (float64, closed form) the engine's excess (float32) is zero.

    The tick to which a venue rounds its prices is allowed for. Twin: 0.1 % nearer to spot it is more than is allowed.
    """
    plan = make_plan(study(name))
    for found in plan.books:
        assert not isinstance(found, InputError)
        book = forms.as_general(found)
        spot = book.legs[0].spot
        level, allowed = book.liquidation_price / spot, FLOAT32 + (book.rulebook.contract.tick or 0.0) / spot
        assert abs(left(book, level)) < allowed, (book.side, level, left(book, level))
        assert left(book, level * (1.001 if book.side == "long" else 0.999)) > allowed


def left(book: GeneralBook, price: float) -> float:
    """What the engine finds of equity above the requirement at a price relative to spot."""
    numbers = jax.tree.map(general.to_single, forms.numbers([book], 1 / 8760))
    held = start(book.form, numbers, 0, jnp.ones((1, 1), jnp.float32), np.float32(0.0)).accounts[0]
    point = Point((jnp.full((1, 1), price, jnp.float32),), np.float32(0.0), np.int32(0))
    return float(excess(book.form.accounts[0], numbers.accounts[0], held, point)[0, 0])


@pytest.mark.parametrize("name", OPTIONS)
def test_options_stand_under_positions(name: str) -> None:
    with pytest.raises(InputError, match="option"):
        make_plan(study(name))


def test_only_what_the_static_ladder_knows_is_run_by_it() -> None:
    """Binance's linear contracts are alone in that: isolated, marginal in quote, closed whole, mark = index."""
    static = {name for name in PERPETUALS if isinstance(make_plan(study(name)).books[0], BookFacts)}
    assert static == {name for name in PERPETUALS if name.startswith("binance_usdm")}


RUN = ("binance_coinm/BTCUSD_PERP", "hyperliquid/BTC")  # inverse, tiers in coin; a fraction, a cooldown, a backstop


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in RUN else pytest.mark.slow) for name in PERPETUALS]
)
def test_it_runs(name: str) -> None:
    """More leverage is liquidated more often, and what is lost is no more than what was there."""
    ds = run_plan(make_plan(study(name)), Serial())
    assert (ds["status"] == "ok").all()
    ruin = ds["ruin_probability"].isel(horizon=0)
    assert (ruin.sel(leverage=8.0) > ruin.sel(leverage=2.0)).all()
    assert (ds["expected_shortfall_fraction"] <= 1.01).all()
