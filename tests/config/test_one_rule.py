"""A requirement has one rule: single answer, other positions of an account, engine and a plain twin give one number.

Random accounts at every venue: up to six legs on one balance, long and short of one contract among them, opened at
prices of their own with a leverage set each. Errors are backward ones, relative to the gross notional.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import naive_margin as naive
from helpers.spots import SPOTS
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stresslab import general, venues
from stresslab.accounts.point import Point
from stresslab.accounts.requirement import of_account
from stresslab.accounts.state import start
from stresslab.config import forms, study_from_dict
from stresslab.config.general_book import GeneralBook, general_book
from stresslab.config.held import Account
from stresslab.venues.account import Position, others

FUTURES = {name: book for name in venues.available() if (book := venues.load(name)).contract.kind != "option"}
NAMES = [name for name, book in FUTURES.items() if book.contract.base in SPOTS and not book.contract.dated]
FUNDING = 2e-4  # in 8 hours: a cost to longs
IN_FLOAT64, IN_FLOAT32 = 1e-12, 1e-6
FAST = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


class Drawn(NamedTuple):
    """One leg: quote notional at spot, entry over spot."""

    side: str
    size: float
    entry: float
    leverage_set: float


LEG = st.builds(
    Drawn,
    side=st.sampled_from(["long", "short"]),
    size=st.floats(1e3, 2e5),
    entry=st.floats(0.8, 1.25),
    leverage_set=st.floats(1.0, 100.0),
)


def account(name: str, legs: list[Drawn], mode: str) -> GeneralBook:
    """Positions in flight, each on plenty of margin."""
    rules = FUTURES[name].in_mode(mode)
    spot = SPOTS[rules.contract.base]
    plenty = 1e7 / (spot if rules.contract.settle == rules.contract.base else 1.0)
    positions: list[dict[str, Any]] = []
    for leg in legs:
        one = float(rules.notional(1.0, spot)) * (spot if rules.contract.settle == rules.contract.base else 1.0)
        position = {"side": leg.side, "quantity": leg.size / one, "entry_price": spot * leg.entry}
        position["leverage_set"] = leg.leverage_set
        positions.append(position | ({"collateral": plenty} if mode == "isolated" else {}))
    data: dict[str, Any] = {
        "study": "one_rule",
        "as_of": "2025-01-01T00:00:00Z",
        "seed": 1,
        "market": {"asset": rules.contract.base, "spot": spot, "model": "gbm", "step": "1h", "horizons": ["1D"]},
        "models": {"gbm": {"kind": "gbm", "sigma": 0.5}},
        "funding": {"kind": "constant", "rate": FUNDING, "interval": "8h"},
        "book": {"rulebook": name, "margin_mode": mode, "positions": positions},
        "sampling": {"paths": 256, "block": 256},
    }
    if mode != "isolated":
        data["book"]["collateral"] = plenty
    return general_book(study_from_dict(data))


def in_engine(book: GeneralBook, place: int, price: float, single: bool) -> float:
    """The engine's requirement of one account at a price relative to spot, in money."""
    with jax.enable_x64(not single), jax.numpy_dtype_promotion("standard"):
        kind = jnp.float32 if single else jnp.float64
        numbers = forms.numbers([book], 1 / 8760, all_tiers=True)
        numbers = jax.tree.map(general.to_single if single else jnp.asarray, numbers)
        held = start(book.form, numbers, 0, jnp.ones((1, 1), kind), np.float32(0.0)).accounts[place]
        point = Point((jnp.full((1, 1), price, kind),), np.float32(0.0), np.int32(0))
        form, own = book.form.accounts[place], numbers.accounts[place]
        return float(of_account(form, own, held.sizes, point)[0, 0]) * book.scale


def by_rulebook(held: Account, price: float) -> float:
    """Each position as one of the others of the account."""
    found = [
        Position(leg.rulebook, leg.side, leg.entry, leg.quantity, price, leg.leverage_set, leg.funding_rate)
        for leg in held.legs
    ]
    return float(others(found).other_maintenance)


def by_twin(held: Account, price: float) -> float:
    """In plain Python."""
    rules = naive.data_of(held.rulebook)
    each = [
        (leg.side, naive.required(rules, leg.side, leg.entry, leg.quantity, 0.0, price, **leg.at_venue))
        for leg in held.legs
    ]
    if rules["requirement"]["netting"] == "none":
        return sum(asked for _, asked in each)
    return max(sum(asked for side, asked in each if side == wanted) for wanted in ("long", "short"))


def gross_notional(held: Account, price: float) -> float:
    """Of all legs, at the price or at entry."""
    return sum(max(float(leg.rulebook.notional(leg.quantity, at)) for at in (price, leg.entry)) for leg in held.legs)


def is_near_a_cap(held: Account, price: float) -> bool:
    """Where a flat rate jumps, rounding chooses the tier."""
    rules = held.rulebook
    if rules.requirement.shape != "flat":
        return False
    sizes = [float(rules.size(leg.quantity, at)) for leg in held.legs for at in (price, leg.entry)]
    return any(abs(size / cap - 1) < 1e-5 for size in sizes for cap in rules.requirement.table.cap)


@pytest.mark.parametrize("name", NAMES)
@FAST
@given(legs=st.lists(LEG, min_size=1, max_size=6), move=st.floats(0.6, 1.6))
def test_one_requirement(name: str, legs: list[Drawn], move: float) -> None:
    modes = FUTURES[name].collateral.modes
    for mode in ("isolated", "cross"):
        if mode not in modes:
            continue
        book = account(name, legs, mode)
        for place, held in enumerate(book.accounts):
            price = held.spot * move
            assume(not is_near_a_cap(held, price))
            gross = gross_notional(held, price)
            twin = by_twin(held, price)
            step = (held.rulebook.requirement.rounded_up_to or 0.0) * len(held.legs)
            exact, rounded = IN_FLOAT64 * gross, IN_FLOAT32 * gross + step
            assert by_rulebook(held, price) == pytest.approx(twin, abs=exact + step, rel=0)
            assert in_engine(book, place, move, single=False) == pytest.approx(twin, abs=exact + step, rel=0)
            assert in_engine(book, place, move, single=True) == pytest.approx(twin, abs=rounded, rel=0)
            if len(held.legs) == 1:
                (leg,) = held.legs
                given = leg.side, leg.entry, leg.quantity, held.margin, price
                asked = float(leg.rulebook.required(*given, **leg.at_venue))
                assert asked == pytest.approx(twin, abs=exact + step, rel=0)


@pytest.mark.parametrize("name", NAMES)
@FAST
@given(leg=LEG, margin=st.floats(0.02, 0.6))
def test_one_trigger(name: str, leg: Drawn, margin: float) -> None:
    """At the liquidation price of the single answer, the twin's equity is the twin's requirement."""
    rules = venues.variant(FUTURES[name], {"contract": {"tick": None}})
    if "isolated" not in rules.collateral.modes:
        rules = rules.in_mode("cross")
    entry = SPOTS[rules.contract.base] * leg.entry
    quantity = (
        leg.size / float(rules.notional(1.0, entry)) / (entry if rules.contract.settle == rules.contract.base else 1)
    )
    backing = margin * float(rules.notional(quantity, entry))
    venue = {"leverage_set": leg.leverage_set, "funding_rate": FUNDING}
    price = float(rules.liquidation_price(leg.side, entry, quantity, backing, **venue))
    assume(0 < price < math.inf and 0.2 * entry < price < 5 * entry)
    data = naive.data_of(rules)
    gross = max(float(rules.notional(quantity, at)) for at in (price, entry))
    left = backing + naive.pnl(data, leg.side, quantity, entry, price)
    asked = naive.required(data, leg.side, entry, quantity, backing, price, **venue)
    jump = rules.requirement.shape == "flat" and is_a_cap(rules, quantity, price)
    assert jump or left == pytest.approx(asked, abs=1e-10 * gross + (rules.requirement.rounded_up_to or 0.0), rel=0)


def is_a_cap(rules: venues.Rulebook, quantity: float, price: float) -> bool:
    """A flat requirement that jumps is met at the cap itself."""
    size = float(rules.size(quantity, price))
    return bool(np.any(np.abs(size / rules.requirement.table.cap - 1) < 1e-9))


@pytest.mark.parametrize("rule", ["close_fee_rate", "leverage_set", "funding_rate"])
def test_a_wrong_constant_is_seen(rule: str) -> None:
    """By a thousandth of itself in the twin, where the requirement has it."""
    entry = {"basis": "entry", "tier_at": "entry", "with_funding": True, "include_close_fee": "on_entry_and_margin"}
    rules = venues.variant(FUTURES["binance_coinm/BTCUSD_PERP"], {"requirement": entry | {"close_fee_rate": 7.5e-4}})
    venue = {"leverage_set": 7.0, "funding_rate": 3e-4}
    given = "long", 50_000.0, 10_000.0, 0.03, 48_000.0
    asked = float(rules.required(*given, **venue))
    assert asked == pytest.approx(naive.required(naive.data_of(rules), *given, **venue), rel=1e-12)
    wrong = naive.data_of(rules)
    if rule == "close_fee_rate":
        wrong["requirement"]["close_fee_rate"] *= 1.001
    else:
        venue[rule] *= 1.001
    assert asked != pytest.approx(naive.required(wrong, *given, **venue), rel=1e-6)
