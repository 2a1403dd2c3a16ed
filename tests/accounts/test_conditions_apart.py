"""Conditions beside the paths: what is not used is not compiled, what is used draws words of its own, cash is kept."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.venue_play import account, book, leg

from stresslab import general, schedule
from stresslab.accounts import causes, engine, failure, forced, quotes, state
from stresslab.accounts.conditions import Basis, Effect, Halt, Outage, PriceBand, StaleOracle, VenueDefault
from stresslab.accounts.conditions import basis as law
from stresslab.accounts.conditions.halt import HaltNumbers
from stresslab.accounts.conditions.hazard import Hazard
from stresslab.accounts.conditions.price_band import BandNumbers
from stresslab.accounts.conditions.spells import SpellNumbers
from stresslab.accounts.conditions.venue_default import DefaultNumbers
from stresslab.accounts.engine import Engine
from stresslab.accounts.form import AccountForm, BookForm, Leg
from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers
from stresslab.models import GBM
from stresslab.random import key
from stresslab.scan import Gap, Reach, Track

PATHS, STEPS = 64, 48
MODEL = GBM(sigma=0.7)
DT = 1 / 8760
TWO = (AccountForm(), AccountForm())  # books of one account have a faster loop, which knows no conditions


def hedged() -> Any:
    """A long and a short of half of it, each with a margin of its own."""
    return book(account(0.1, leg()), account(0.2, leg(-0.5)))


def compiled(form: BookForm, numbers: Any) -> tuple[Any, Any]:
    """The loop of one form, and what it is called with."""
    clock = schedule.build(np.array([STEPS]), np.array([STEPS]), np.array([STEPS // 2]), np.array([1e-3]))
    given = general.arguments(key(3), MODEL, DT, clock, np.array([0.5]), numbers)
    shape = general.Shape(GBM, MODEL.layout(DT), form, 1, False, PATHS)
    arguments = jax.tree.map(jnp.asarray, tuple(given))
    walk = jax.jit(lambda first, *rest: general.walk(shape, first, *rest))
    return walk.lower(jnp.uint32(0), *arguments).compile(), arguments


def program(form: BookForm, numbers: Any) -> str:
    """The optimised program, without the lines that it came from."""
    text = compiled(form, numbers)[0].as_text()
    return re.sub(
        r", metadata=\{[^}]*\}|, stack_frame_id=\d+", "", re.sub(r"(?s)\n(FileNames|StackFrames).*", "", text)
    )


def run(form: BookForm, numbers: Any) -> general.Result:
    loop, arguments = compiled(form, numbers)
    return jax.tree.map(np.asarray, loop(jnp.uint32(0), *arguments))


def spell(rate: float, steps: float) -> SpellNumbers:
    return SpellNumbers(Hazard(np.array(rate), np.array(0.5), np.array(2.0)), np.array(steps))


def test_conditions_that_are_not_used_are_not_in_the_program(monkeypatch):
    """The program of a plain book, and of an engine out of which everything about conditions was cut."""
    form, numbers = BookForm(TWO), hedged()
    with_hooks = program(form, numbers)
    monkeypatch.setattr(engine, "_reopen", lambda scene, books, effect: books)
    monkeypatch.setattr(engine, "_effect", lambda scene, books: Effect())
    monkeypatch.setattr(failure, "settle", lambda scene, books, effect: books)
    monkeypatch.setattr(forced, "possible", lambda scene, breaches, where, effect: breaches)
    monkeypatch.setattr(causes, "of_liquidation", lambda scene, books, number, at, cause, event: event)
    for name in ("mark", "last"):
        monkeypatch.setattr(quotes, name, lambda effect, prices: prices)
    for name in ("index", "indexed"):
        monkeypatch.setattr(quotes, name, lambda effect, found, where: found)
    monkeypatch.setattr(quotes, "marked", lambda effect, piece: piece)
    assert program(form, numbers) == with_hooks
    used = BookForm(TWO, conditions=(Halt(steps=1),))
    halted = numbers._replace(conditions=(HaltNumbers(np.array([0.05]), np.array([2.0])),))
    assert program(used, halted) != with_hooks


def test_the_paths_are_those_of_a_calm_venue():
    """An outage without policies changes nothing: same prices, codes and money, bit by bit; all conditions change
    outcomes, and no price.
    """
    plain = hedged()
    calm = run(BookForm(TWO), plain)
    assert 0 < (calm.codes.liquidation >= 0).sum() < PATHS
    down = run(BookForm(TWO, conditions=(Outage(),)), plain._replace(conditions=(spell(0.1, 5.0),)))
    conditions, own = zip(*EVERYTHING, strict=True)
    stormy = run(BookForm(TWO, conditions=conditions), plain._replace(conditions=own))
    for found in (down, stormy):
        np.testing.assert_array_equal(found.end.price, calm.end.price)
    for one, other in zip(
        jax.tree.leaves((down.codes, down.money)), jax.tree.leaves((calm.codes, calm.money)), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(stormy.codes.liquidation, calm.codes.liquidation)


def stop(level: float) -> StopLossNumbers:
    one = np.ones(1)
    return StopLossNumbers(level * one, one, one, 0 * one, np.ones(1, np.int32))


EVERYTHING = (
    (Outage(), spell(0.1, 3.0)),
    (StaleOracle("fixed"), spell(0.1, 2.5)),
    (Halt(steps=3), HaltNumbers(np.array([0.06]), np.array([2.0]))),
    (VenueDefault(), DefaultNumbers(Hazard(np.array(0.02), np.array(0.0), np.array(1.0)), np.array(0.4))),
    (PriceBand(in_part=True), BandNumbers(np.array(0.02), np.array(0.02))),
    (Basis("average"), law.numbers(1e-4, 2.0, speed=500.0, volatility=0.6, pull=0.1, clamp=0.01)),
)


@pytest.mark.parametrize("contract", ["linear", pytest.param("inverse", marks=pytest.mark.slow)])
def test_cash_is_kept_whatever_the_venue_does(contract):
    """300 paths, 40 steps: jumps, coin as collateral, funding, a stop, all conditions; 0.3 to float64 rounding."""
    conditions, own = zip(*EVERYTHING, strict=True)
    account_form = AccountForm((Leg(contract=contract, funding="mark"),), (0,))
    form = BookForm((account_form,), (StopLoss(at="price"),), conditions)
    held = account(0.1, leg(slippage=0.03, funding_cap=0.002), collaterals=((0.1, 0.8),))
    numbers = book(held, reserve=0.2, policies=(stop(0.95),), conditions=own)
    books, cash = wander(form, numbers, 300, 40)
    assert np.abs(cash - 0.3).max() < 1e-14 * 40
    seen = {np.asarray(books.codes.default >= 0).sum() > 0, (np.asarray(books.ledger.fund) < 0).any()}
    assert seen == {True}
    closed = np.asarray(books.accounts[0].sizes[0]) == 0
    assert 0 < closed.sum() < closed.size


def wander(form: BookForm, numbers: Any, n_paths: int, n_steps: int) -> tuple[state.Books, np.ndarray]:
    """The last books, and all cash after every step."""
    rng = np.random.default_rng(5)
    words = rng.integers(0, 2**32, (n_steps, sum(one.words for one in form.conditions), 1, n_paths), dtype=np.uint32)
    moves = 0.015 * rng.standard_normal((n_steps, 1, n_paths))
    jumps = np.where(rng.random(moves.shape) < 0.05, 0.08 * rng.standard_normal(moves.shape), 0)
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        given = jax.tree.map(jnp.asarray, numbers)
        one = jnp.ones((1, n_paths))
        books = state.start(form, given, 0, one, 2.0 * one)

        def step(books: Any, row: Any) -> Any:
            move, jump, drawn = row
            start = jnp.log(books.price)
            way = Reach(
                start + jnp.minimum(move, 0) - 0.005, start + jnp.maximum(move, 0) + 0.005, start + move, 2e-4, 0 * one
            )
            scene = Engine(form, given, jnp.zeros(0), jnp.eye(1), jnp.int32(0))
            books = scene.step(books, Track((way, Gap(start + move + jump)), 2.0 * one, tuple(drawn)))
            books = scene.pay_funding(books, jnp.asarray(1e-3))
            held, ledger = books.accounts[0], books.ledger
            return books, held.balance + books.reserve + ledger.fees + ledger.fund + ledger.others

        books, cash = jax.lax.scan(step, books, (moves, jumps, words))
        return jax.tree.map(np.asarray, books), np.asarray(cash)
