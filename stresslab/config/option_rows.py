"""Rows of the engine for the options of accounts, and for portfolio margin."""

from collections.abc import Sequence

import numpy as np

from stresslab.accounts.form import LegNumbers
from stresslab.config import option_legs
from stresslab.config.held import Account
from stresslab.config.market_model import market_model
from stresslab.config.schema import Study
from stresslab.config.written import Written, rule_of
from stresslab.options import marks
from stresslab.units import BASIS_POINT, YEAR_SECONDS


def leg(cell: Study, held: Sequence[Account], scale: np.ndarray, dt: float) -> LegNumbers:
    """The leg of options of each account; `dt` is the step in years. Fees are rates of the gross quantity at spot."""
    options = [_written(one) for one in held]
    rules = [one.rulebook for one in options]
    n_steps = round(cell.market.horizon_seconds[-1] / YEAR_SECONDS / dt)
    return option_legs.leg_numbers(
        [one.held for one in options],
        scale,
        options[0].implied,
        market_model(cell),
        dt,
        n_steps,
        fee=np.array([own.fees.taker for own in rules]),
        liquidation_fee=np.array([own.liquidation.fee for own in rules]),
        slippage=np.array([BASIS_POINT * own.close_out.slippage_bps for own in rules]),
    )


def portfolio(held: Sequence[Account], scale: np.ndarray) -> marks.Rule:
    """The rule of portfolio margin of each account."""
    rows = []
    for account, own in zip(held, scale, strict=True):
        coin = account.rulebook.contract.settle == account.rulebook.contract.base
        spot = account.legs[0].spot if account.legs else _written(account).held.spot
        rows.append(marks.loop_rule(rule_of(account.rulebook), coin, float(own) * (spot if coin else 1.0)))
    return marks.Rule(*(np.concatenate(column) for column in zip(*rows, strict=True)))


def _written(account: Account) -> Written:
    assert account.options is not None  # books of one form
    return account.options
