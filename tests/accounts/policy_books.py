"""Books for the tests of policies: one isolated position each unless said otherwise, as forms and numbers of the
engine; and paths written down. Prices relative to a spot of 1, money relative to the notional at spot.
"""

from typing import Any

import numpy as np
from helpers.account_engine import Played, Script, play

from stresslab.accounts.form import AccountForm, AccountNumbers, BookForm, BookNumbers, Leg, LegNumbers

FEE, SLIPPAGE, LIQUIDATION_FEE, MMR = 0.0005, 0.001, 0.01, 0.005


def leg(size: Any, **given: Any) -> LegNumbers:
    """Numbers of a linear leg that was entered at 1."""
    size = np.atleast_1d(np.asarray(size, float))
    one = np.ones_like(size)
    numbers = LegNumbers(
        size=size,
        entry=one,
        mmr=MMR * one[:, None],
        cum=0 * one[:, None],
        cap=1e30 * one[:, None],
        fee=FEE * one,
        liquidation_fee=LIQUIDATION_FEE * one,
        slippage=SLIPPAGE * one,
    )
    return numbers._replace(**{name: value * one for name, value in given.items()})


def book(margin: Any, *legs: LegNumbers, reserve: float = 0.0) -> BookNumbers:
    """One account of these legs for each size."""
    one = np.ones_like(legs[0].size)
    account = AccountNumbers(balance=margin * one, legs=legs, residual_kept=one)
    return BookNumbers(
        accounts=(account,),
        equity=(margin + reserve) * one,
        outside_fee=0 * one,
        entry_fee=0 * one,
        reserve=reserve * one,
    )


def beside(numbers: BookNumbers, margin: float, hedge: LegNumbers) -> BookNumbers:
    """The same books with a second account."""
    one = np.ones_like(numbers.equity)
    account = AccountNumbers(balance=margin * one, legs=(hedge,), residual_kept=one)
    return numbers._replace(accounts=(*numbers.accounts, account), equity=numbers.equity + margin)


def with_policies(numbers: BookNumbers, *policies: tuple[Any, Any]) -> tuple[BookForm, BookNumbers]:
    """Form and numbers of books that are managed so."""
    accounts = tuple(AccountForm(legs=(Leg(),) * len(own.legs)) for own in numbers.accounts)
    form = BookForm(accounts, tuple(policy for policy, _ in policies))
    own = tuple(_whole(given, numbers.equity) for _, given in policies)
    return form, numbers._replace(policies=own)


def _whole(given: Any, like: np.ndarray) -> Any:
    """Numbers for every book; steps are integers."""
    return type(given)(*(np.asarray(value) * np.ones(like.shape, np.asarray(value).dtype) for value in given))


def run(form: BookForm, numbers: BookNumbers, *paths: list[Any], rates: Any = None, levels: Any = ()) -> Played:
    """Each path a list of steps: one price that the path drifts to, or (corner, drift, jump, drift)."""
    steps = [[_step(path, number) for number in range(len(path))] for path in paths]
    prices = np.array(steps, float).transpose(1, 2, 0)[:, :, None, :]
    n_steps = prices.shape[0]
    script = Script(prices, np.zeros(n_steps) if rates is None else np.asarray(rates), np.arange(n_steps))
    found = play(form, numbers, script, (1.0,), levels)
    # cash goes from one to another: none is made or lost
    np.testing.assert_allclose(found.cash, found.cash[0, :, :1] + np.zeros_like(found.cash), atol=1e-13)
    return found


def _step(path: list[Any], number: int) -> tuple[float, ...]:
    here = path[number]
    if isinstance(here, tuple):
        return here
    before = 1.0 if number == 0 else _step(path, number - 1)[-1]
    return (before, here, here, here)


def assert_money(found: Any, expected: Any) -> None:
    """Equal to float64 rounding, in units of the notional."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
