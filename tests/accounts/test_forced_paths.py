"""Ladders, impact, latency and the waterfall together on random paths of gaps: what must hold whatever happens."""

import numpy as np
import pytest
from helpers.market_walk import books, leg, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.accounts.close_out import CloseOut, CloseOutNumbers
from stresslab.accounts.conditions.latency import Latency, LatencyNumbers
from stresslab.accounts.conditions.waterfall import Waterfall, WaterfallNumbers
from stresslab.accounts.form import AccountForm, AccountNumbers, BookForm, Leg
from stresslab.accounts.population import Population
from stresslab.accounts.stages.backstop import Backstop, BackstopNumbers
from stresslab.accounts.stages.close_fraction import CloseFraction, CloseFractionNumbers
from stresslab.accounts.stages.cover_shortage import CoverShortage, CoverShortageNumbers
from stresslab.accounts.stages.incremental import Incremental, IncrementalNumbers
from stresslab.accounts.stages.reduce_tiers import ReduceTiers
from stresslab.books.outcome import NEVER

MARGINS = np.array([0.03, 0.06, 0.12, 0.25])
LADDERS = {
    "cover": ((CoverShortage(),), (CoverShortageNumbers(np.full(4, 0.002)),)),
    "rounds": ((Incremental(),), (IncrementalNumbers(np.full(4, 0.1), np.full(4, 5.0)),)),
    "tiers": ((ReduceTiers(1, 2, False),), ((),)),
    "backstop": (
        (Backstop(), CloseFraction()),
        (
            BackstopNumbers(np.full(4, 2 / 3)),
            CloseFractionNumbers(np.full(4, 0.2), np.full(4, 0.3), np.full(4, 2, np.int32)),
        ),
    ),
}
LATENCY = LatencyNumbers(1e-5, 0.25, 0.5, 1e-4)
MARKET = WaterfallNumbers(
    1.0,
    0.5,
    Population(np.array([60.0, 40.0]), np.array([5.0, 20.0]), np.array([0.01, 0.01]), 0.02, 4.0, 0.01, 0.07),
    CloseOutNumbers(0.005, 20.0),
    0.3,
    0.25,
    np.int32(2),
)
CONDITIONS = (Latency(), Waterfall(trigger="drawdown", close_out=CloseOut("linear", falls=False)))


def run(ladder: str, sides, paths, seed, fund=1.0, margins=MARGINS):
    """Four books of one account with fees, tiers, impact in a book that thins out, latency and the waterfall."""
    stages, numbers = LADDERS[ladder]
    one = np.ones((4, 1))
    legs = leg(list(sides), fee=np.full(4, 5e-4), liquidation_fee=np.full(4, 5e-3), slippage=np.full(4, 1e-3))._replace(
        mmr=one * [0.01, 0.02, 0.05],
        cum=one * [0, 0.004, 0.019],
        cap=one * [0.4, 0.5, 1e30],
        close_out=CloseOutNumbers(*(np.full(4, x) for x in (0.005, 5.0, 0.5, 0.25, 0.5, 0.02))),
    )
    account = AccountNumbers(margins, (legs,), np.array([0.0, 1, 0, 1]), stages=numbers)
    form = BookForm((AccountForm((Leg(close_out=CloseOut()),), stages=stages),), (), CONDITIONS)
    own = (LATENCY, MARKET._replace(fund=fund))
    return walk(form, books(account, conditions=own), paths, variance=1.0, seed=seed)


@pytest.mark.parametrize("ladder", LADDERS)
@given(seed=st.integers(0, 2**31), fund=st.floats(0, 5))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_no_cash_is_lost_and_nobody_turns_around(ladder, seed, fund):
    """30 paths of 10 gaps of 4 %: all parties' cash to 1e-12; no position grows or changes its side."""
    rng = np.random.default_rng(seed)
    paths, sides = np.cumsum(0.04 * rng.standard_normal((10, 30)), axis=0), rng.choice([-1.0, 1.0], 4)
    found = run(ladder, sides, paths, seed, fund)
    assert np.abs(found.cash - MARGINS[:, None]).max() < 1e-12
    left = found.books.accounts[0].sizes[0] * sides[:, None]
    assert (left >= 0).all() and (left <= 1).all()
    ruined = found.books.codes.bankruptcy > NEVER
    assert (found.books.accounts[0].sizes[0][ruined] == 0).all()
    assert (found.books.ledger.shortfall[ruined] > 0).all()


@pytest.mark.parametrize("ladder", ["cover", "backstop"])
def test_more_margin_never_hastens_liquidation(ladder):
    """The same 500 paths of 15 gaps of 3 %, longs: the first order of a better funded book never comes earlier.

    The fund is without end: deleveraging takes the higher leverage first, and so spares it a later liquidation.
    """
    paths = np.cumsum(0.03 * np.random.default_rng(4).standard_normal((15, 500)), axis=0)
    codes = run(ladder, np.ones(4), paths, 4, fund=1e9).books.codes.liquidation
    times = np.where(codes == NEVER, 2**30, codes)
    assert (np.diff(times, axis=0) >= 0).all()
    assert ((codes > NEVER).mean(axis=1)[:3] > 0.1).all()
