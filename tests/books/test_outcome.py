"""The settlement alone, on random close-outs: cash is kept, fees are capped, a loss ends at the margin."""

from typing import NamedTuple

import jax
import numpy as np
import pytest

from stresslab.books.linear import Positions
from stresslab.books.outcome import CAUSES, NEVER, Closing, Money, Outcome, at_horizons, close_out

N_BOOKS, N_PATHS, BINS = 6, 2000, 4
FRACTIONS = np.array([0.25, 0.5, 0.9], np.float32)
LAST_CODE = np.array([2, 4], np.int32) * len(CAUSES)  # horizons end with the second and the fourth bin
ROUNDING = 1e-6  # of the notional


class Drawn(NamedTuple):
    side: int
    positions: Positions
    outcome: Outcome
    price: np.ndarray
    funding: np.ndarray
    closing: Closing
    money: Money


@pytest.fixture(scope="module", params=[1, -1], ids=["long", "short"])
def drawn(request) -> Drawn:
    """Books around ten times, closed anywhere between a third below and a third above the entry (seed 3)."""
    rng, side = np.random.default_rng(3), request.param
    positions = _positions(rng, side)
    code = np.where(
        rng.random((N_BOOKS, N_PATHS)) < 0.7, rng.integers(0, BINS * len(CAUSES), (N_BOOKS, N_PATHS)), NEVER
    )
    outcome = Outcome(
        liquidation=code.astype(np.int32),
        fill=_float(rng.uniform(0.7, 1.3, code.shape)),
        funding=_float(rng.normal(0, 0.02, code.shape)),
        loss=np.full((len(FRACTIONS), *code.shape), NEVER),
    )
    price, funding = _float(rng.uniform(0.8, 1.2, (2, 1, N_PATHS))), _float(rng.normal(0, 0.02, (2, 1, N_PATHS)))
    given = jax.tree.map(_float, positions)
    closing = close_out(given, side, FRACTIONS, outcome)
    money = at_horizons(given, side, closing, price, funding, LAST_CODE)
    return Drawn(side, positions, outcome, price, funding, *jax.tree.map(np.asarray, (closing, money)))


def _positions(rng: np.random.Generator, side: int) -> Positions:
    entry, margin = rng.uniform(0.95, 1.05, N_BOOKS), rng.uniform(0.06, 0.2, N_BOOKS)
    fee = rng.uniform(0, 0.002, N_BOOKS)
    return Positions(
        entry=entry,
        margin=margin,
        equity=margin + side * (1 - entry),
        entry_fee=fee,
        outside_fee=fee,
        mmr=np.full((N_BOOKS, 1), 0.01),
        cum=np.zeros((N_BOOKS, 1)),
        slippage=rng.uniform(0, 0.01, N_BOOKS),
        exit_fee=rng.uniform(0, 0.002, N_BOOKS),
        liquidation_fee=rng.uniform(0, 0.02, N_BOOKS),
        residual_kept=np.arange(N_BOOKS) % 2.0,
    )


def _float(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, np.float32)


def test_cash_is_kept(drawn):
    """What the trader has is the position's PnL, funding and the fund's help, less fees and what the fund keeps."""
    p, money, closed = drawn.positions, drawn.money, _closed(drawn)
    exit_price = np.where(closed, drawn.outcome.fill * (1 - drawn.side * p.slippage[:, None]), drawn.price)
    position = drawn.side * (exit_price - 1)
    to_fund = position + money.funding - money.fees + money.shortfall - money.pnl
    kept_by_fund = closed & (p.residual_kept[:, None] == 0)
    assert np.abs(to_fund[~kept_by_fund]).max() < ROUNDING
    assert to_fund.min() > -ROUNDING
    assert (to_fund[kept_by_fund] > 0.01).mean() > 0.2  # the fund did get something


def test_the_loss_ends_at_the_margin(drawn):
    """All that can be lost is the equity at as_of and the fee from outside; whoever is bankrupt loses just that."""
    p, money, closed = drawn.positions, drawn.money, _closed(drawn)
    most = -(p.equity + p.outside_fee)[:, None]
    assert (money.pnl - most)[closed].min() > -ROUNDING
    bankrupt = closed & (money.shortfall > 0)
    assert bankrupt.sum() > 1000
    assert np.abs((money.pnl - most)[bankrupt]).max() < ROUNDING
    assert np.abs((money.fees - p.entry_fee[:, None])[bankrupt]).max() < ROUNDING  # and pays no fee any more


def test_fees_are_capped(drawn):
    p, money, closed = drawn.positions, drawn.money, _closed(drawn)
    filled = drawn.outcome.fill * (1 - drawn.side * p.slippage[:, None])
    left = np.maximum(p.margin[:, None] + drawn.side * (filled - p.entry[:, None] - drawn.outcome.funding), 0)
    full = (p.exit_fee + p.liquidation_fee)[:, None] * filled
    expected = p.entry_fee[:, None] + np.where(closed, np.minimum(full, left), 0)
    assert np.abs(money.fees - expected).max() < ROUNDING
    assert ((full > left) & (left > 0) & closed).sum() > 100  # the cap did bind


def test_bankruptcy_is_a_shortfall(drawn):
    closed, short_of = drawn.outcome.liquidation > NEVER, drawn.money.shortfall[-1] > 0
    np.testing.assert_array_equal(drawn.closing.bankruptcy > NEVER, closed & short_of)
    where = drawn.closing.bankruptcy > NEVER
    np.testing.assert_array_equal(drawn.closing.bankruptcy[where], drawn.outcome.liquidation[where])


def test_a_close_out_counts_from_its_horizon_on(drawn):
    """What is closed after a horizon is marked at the horizon like any survivor."""
    first, last = _closed(drawn)
    assert (first & ~last).sum() == 0 and (last & ~first).sum() > 1000
    later = last & ~first
    open_pnl = drawn.side * (drawn.price[0] - 1 - drawn.funding[0]) - drawn.positions.entry_fee[:, None]
    assert np.abs(drawn.money.pnl[0] - open_pnl)[later].max() < ROUNDING
    assert drawn.money.shortfall[0][later].max() == 0


def test_losses_at_the_close_out(drawn):
    """A level that was not crossed before is lost with the close-out that takes PnL beyond it."""
    lost = drawn.money.pnl[-1] <= -FRACTIONS[:, None, None] * drawn.positions.equity[:, None]
    expected = np.where(lost & (drawn.outcome.liquidation > NEVER), drawn.outcome.liquidation, NEVER)
    differs = drawn.closing.loss != expected
    assert differs.mean() < 1e-4  # where a loss lies on its level to rounding


def _closed(drawn: Drawn) -> np.ndarray:
    """By each horizon, (horizon, book, path)."""
    code = drawn.outcome.liquidation
    return (code > NEVER) & (code < LAST_CODE[:, None, None])
