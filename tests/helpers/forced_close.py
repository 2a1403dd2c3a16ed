"""One account at one point, written in natural units, and what its forced close leaves with whom; float64, spot 1."""

import functools
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stresslab.accounts.closing import Standing
from stresslab.accounts.conditions.base import Effect
from stresslab.accounts.form import AccountForm, AccountNumbers, Leg, LegNumbers
from stresslab.accounts.liquidation import liquidate
from stresslab.accounts.point import Point
from stresslab.accounts.state import Holding, Ledger, excess

VARIANCE = 0.25  # per year: a day's deviation is 2.617 %


@dataclass(frozen=True)
class Account:
    """A linear position of `size` at a spot of 1 with this balance (equity at a price of 1)."""

    size: float
    balance: float
    mmr: tuple[float, ...] = (0.05,)
    cum: tuple[float, ...] = (0.0,)
    cap: tuple[float, ...] = (1e30,)
    leg: Leg = Leg()
    fee: float = 0.0
    liquidation_fee: float = 0.0
    slippage: float = 0.0
    residual_kept: float = 0.0
    stages: tuple[Any, ...] = ()
    numbers: tuple[Any, ...] = ()
    strict: bool = False
    close_out: Any = ()


@dataclass(frozen=True)
class Left:
    """Every party's cash, and what is still held."""

    size: float
    balance: float
    fees: float
    fund: float
    others: float
    shortfall: float
    excess: float
    memories: tuple[Any, ...]

    @property
    def cash(self) -> float:
        return self.balance + self.fees + self.fund + self.others


def close(account: Account, price: float, effect: Effect | None = None, step: int = 0, memories: Any = None) -> Left:
    """The account is hit at this price."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        *money, memories = _closed(*_given(account, price, effect or Effect(), step, memories))
        return Left(*(float(np.asarray(one)[0, 0]) for one in money), memories)


def traced(account: Account) -> str:
    """The program of a forced close, as text."""
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"):
        form, *given = _given(account, 1.0, Effect(), 0, None)
        return str(jax.make_jaxpr(functools.partial(_closed, form))(*given))


def _given(account: Account, price: float, effect: Effect, step: int, memories: Any) -> tuple[Any, ...]:
    form = AccountForm(legs=(account.leg,), stages=account.stages, strict=account.strict)
    own = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf))[None], _numbers(account))
    one = jnp.ones((1, 1))
    if memories is None:
        memories = tuple(stage.start(number, 0 * one) for stage, number in zip(form.stages, own.stages, strict=True))
    holding = Holding(account.balance * one, (account.size * one,), stages=memories)
    return form, own, holding, price * one, jnp.int32(step), effect


@functools.partial(jax.jit, static_argnums=0)
def _closed(form: AccountForm, own: AccountNumbers, holding: Holding, price: Any, step: Any, effect: Effect) -> Any:
    point = Point((price,), jnp.full((1, 1), VARIANCE), step)
    standing = Standing(form, own, holding, point, point, effect)
    closed = liquidate(standing, Ledger(*(jnp.zeros_like(price),) * 5), price > 0)
    after, ledger = closed.holding, closed.ledger
    spare = excess(form, own, after, point)
    return (
        after.sizes[0], after.balance, ledger.fees, ledger.fund, ledger.others, closed.shortfall, spare, after.stages
    )  # fmt: skip


def _numbers(account: Account) -> AccountNumbers:
    leg = LegNumbers(
        size=np.array(account.size),
        entry=np.array(1.0),
        mmr=np.array(account.mmr),
        cum=np.array(account.cum),
        cap=np.array(account.cap),
        fee=np.array(account.fee),
        liquidation_fee=np.array(account.liquidation_fee),
        slippage=np.array(account.slippage),
        close_out=account.close_out,
    )
    return AccountNumbers(np.array(account.balance), (leg,), np.array(account.residual_kept), stages=account.numbers)


def after(account: Account, left: Left) -> Account:
    """The account as the close left it."""
    return replace(account, size=left.size, balance=left.balance)
