"""Each stage of a ladder on a hand-made account: every party's cash, and the size that the rulebook's own answer gives.

A position is bought at 1. Where the venue's pure functions know a rule, they are the oracle.
"""

import dataclasses
import math

import pytest
from helpers.forced_close import Account, after, close
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.accounts.close_out import CloseOut, CloseOutNumbers
from stresslab.accounts.form import Leg
from stresslab.accounts.stages.backstop import Backstop, BackstopNumbers
from stresslab.accounts.stages.close_fraction import CloseFraction, CloseFractionNumbers
from stresslab.accounts.stages.cover_shortage import CoverShortage, CoverShortageNumbers
from stresslab.accounts.stages.incremental import Incremental, IncrementalNumbers
from stresslab.accounts.stages.reduce_tiers import ReduceTiers
from stresslab.venues import partial, tier_reduction


def exactly(value):
    return pytest.approx(value, rel=1e-12, abs=1e-12)


def nearly(value):
    """Rates that the engine holds in float32."""
    return pytest.approx(value, rel=3e-7, abs=1e-9)


def just(value):
    """A cap is missed by a millionth, so that rounding does not choose the tier."""
    return pytest.approx(value, rel=2e-6)


# OKX: flat rates by contracts, two tiers down
OKX = Account(
    size=10.0,
    balance=0.0,
    mmr=(0.01, 0.02, 0.03, 0.04, 0.05),
    cap=(1.0, 3.0, 5.0, 8.0, 1e30),
    leg=Leg(shape="flat", tier_of="size"),
    stages=(ReduceTiers(),),
    numbers=((),),
)


def test_two_tiers_down_where_that_is_enough():
    """10 contracts at 0.9, tier 5: 0.45 are asked for, 0.3 are there. Tier 3 (5 contracts) asks for 0.135.

    5 are sold at 0.9: the trader has lost 0.5 on them, which counterparties got.
    """
    left = close(dataclasses.replace(OKX, balance=1.3), 0.9)
    assert left.size == just(5)
    assert left.balance == just(0.8)
    assert left.others == just(0.5)
    assert (left.fees, left.fund, left.shortfall) == (0, 0, 0)
    assert left.cash == exactly(1.3)
    assert 10 - left.size == just(tier_reduction.reduce_by_tiers(10.0, [1, 3, 5, 8, math.inf], 2, 3))


def test_two_tiers_down_twice_where_once_is_not_enough():
    """At 0.9 with 0.1 left: tier 3 asks for 0.135, tier 1 (1 contract) for 0.009: 9 are sold.

    The lowest tier's rate on all 10, 0.09, is covered.
    """
    left = close(dataclasses.replace(OKX, balance=1.1), 0.9)
    assert left.size == just(1)
    assert (left.balance, left.others) == (just(1.1 - 0.9), just(0.9))


def test_all_is_closed_where_the_lowest_tier_is_not_covered():
    """0.08 left of 1.08: below 0.09. All 10 are sold at 0.9 with fees of 0.5 % + 1 %, capped by 0.08."""
    left = close(dataclasses.replace(OKX, balance=1.08, fee=0.005, liquidation_fee=0.01), 0.9)
    assert left.size == 0
    assert left.balance == 0
    assert left.fees == exactly(0.08)
    assert left.others == exactly(1.0)


def test_a_position_below_the_tiers_that_are_reduced_is_closed():
    """Tier 2 of OKX: no stage applies, and all goes."""
    left = close(dataclasses.replace(OKX, size=2.0, balance=0.23), 0.9)
    assert left.size == 0
    assert left.fund == exactly(0.03)  # the residual


# Bybit and BitMEX: like a tax, down to the tier that passes
TAX = Account(
    size=10.0,
    balance=0.0,
    mmr=(0.01, 0.02, 0.05),
    cum=(0.0, 0.03, 0.18),
    cap=(3.0, 5.0, 1e30),
    stages=(ReduceTiers(tiers=1, from_tier=2, covers_first=False),),
    numbers=((),),
)


@pytest.mark.parametrize("equity", [0.2, 0.05, 0.02])
def test_down_to_the_tier_that_passes_is_the_venues_own_answer(equity):
    """At a price of 1 and without fees, as `reduce_to_passing_tier` takes it; 0.02 passes nowhere."""
    left = close(dataclasses.replace(TAX, balance=equity), 1.0)
    wanted = tier_reduction.reduce_to_passing_tier(10.0, equity, [3, 5, math.inf], [0.01, 0.02, 0.05], [0, 0.03, 0.18])
    assert 10 - left.size == just(float(wanted))


# Drift, Binance: what covers the shortage
COVER = Account(
    size=10.0,
    balance=0.0,
    stages=(CoverShortage(),),
    numbers=(CoverShortageNumbers(buffer=0.0),),
)


def test_what_is_closed_covers_the_shortage_and_the_fee():
    """At 1, 0.4 against 0.5; closing x costs 1 % and frees 5 %: x = 0.1 / 0.04 = 2.5, a fee of 0.025.

    0.375 are left, and 7.5 ask for 0.375.
    """
    left = close(dataclasses.replace(COVER, balance=0.4, liquidation_fee=0.01), 1.0)
    assert 10 - left.size == exactly(2.5)
    assert (left.balance, left.fees, left.others) == (exactly(0.375), exactly(0.025), exactly(0.0))
    assert left.excess == exactly(0.0)
    assert 10 - left.size == exactly(float(partial.size_to_cover(0.1, 1.0, 0.05, 0.01)))


def test_the_buffer_is_part_of_the_rate_that_has_to_be_met():
    """With a buffer of 1 %: (0.6 - 0.4) / (0.06 - 0.01) = 4."""
    account = dataclasses.replace(
        COVER, balance=0.4, liquidation_fee=0.01, numbers=(CoverShortageNumbers(buffer=0.01),)
    )
    left = close(account, 1.0)
    assert 10 - left.size == exactly(4.0)
    assert left.excess == exactly(0.01 * left.size)


def test_the_shortage_is_covered_through_the_tiers():
    """Like a tax: the answer of `size_to_cover_tiers`, whichever tier the rest is in."""
    for equity in (0.25, 0.1, 0.03, 0.01):
        account = dataclasses.replace(COVER, balance=equity, mmr=TAX.mmr, cum=TAX.cum, cap=TAX.cap, fee=0.001)
        left = close(account, 1.0)
        wanted = partial.size_to_cover_tiers(equity, 10.0, TAX.mmr, TAX.cum, 0.001)
        assert 10 - left.size == exactly(float(wanted))
        assert left.excess == exactly(0.0)


def test_all_is_closed_where_the_fee_eats_what_is_freed():
    """A fee of 6 % against a rate of 5 %: nothing helps."""
    left = close(dataclasses.replace(COVER, balance=0.4, liquidation_fee=0.06), 1.0)
    assert left.size == 0
    assert left.fees == exactly(0.4)


@pytest.mark.parametrize("rounding", [-6e-8, 0.0, 6e-8])
@pytest.mark.parametrize(("fee", "kept"), [(0.06, 0.0), (0.01, 10.0)], ids=["eats what is freed", "frees enough"])
def test_at_the_level_itself_rounding_decides_nothing(fee, kept, rounding):
    """0.5 are asked for and there, to float32 rounding: where closing never helps all goes, else next to nothing."""
    left = close(dataclasses.replace(COVER, balance=0.5 * (1 + rounding), liquidation_fee=fee), 1.0)
    assert left.size == pytest.approx(kept, abs=1e-5)


@pytest.mark.parametrize(
    ("contract", "shape", "impact"),
    [
        ("linear", "marginal", ()),
        ("inverse", "marginal", CloseOut("linear")),
        ("linear", "affine", CloseOut("square_root", falls=False)),
        ("linear", "sqrt", ()),
    ],
)
@given(size=st.floats(0.1, 10), side=st.sampled_from([-1, 1]), rest=st.floats(0.1, 0.99))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_the_share_restores_the_margin_and_no_more(contract, shape, impact, size, side, rest):
    """Of any shape, with impact: excess is zero after the close, or everything went."""
    mmr, cum = ((0.01, 0.03, 0.08), (0.0, 0.05, 0.3)) if shape == "marginal" else ((0.04,), (0.005,))
    account = Account(
        size=side * size,
        balance=0.0,
        mmr=mmr,
        cum=cum,
        leg=Leg(contract=contract, shape=shape, tier_of="size", close_out=impact),
        fee=0.0005,
        liquidation_fee=0.002,
        stages=COVER.stages,
        numbers=COVER.numbers,
        close_out=CloseOutNumbers(*map(float, (0.005, 30.0, 0.5, 0.25, 0.5, 0.02))) if impact else (),
    )
    account = dataclasses.replace(account, balance=rest * _requirement(account))
    left = close(account, 1.0)
    assert left.cash == exactly(account.balance)
    assert abs(left.size) < size
    if left.size:
        assert left.excess == pytest.approx(0.0, abs=1e-7)


def _requirement(account: Account) -> float:
    held = abs(account.size)
    if account.leg.shape == "marginal":
        return max(rate * held - amount for rate, amount in zip(account.mmr, account.cum, strict=True))
    growth = held if account.leg.shape == "affine" else math.sqrt(held)
    base, slope = account.mmr[0], account.cum[0]
    return held * (base + slope * growth if account.leg.shape == "affine" else max(base, 0.8 * base + slope * growth))


# Deribit: a round a second
ROUNDS = dataclasses.replace(COVER, stages=(Incremental(),), liquidation_fee=0.01)


@pytest.mark.parametrize(
    ("rounds", "closed"),
    [(1.0, 1.0), (2.0, 1.9), (60.0, 2.5)],
    ids=["one round", "two rounds", "as many as are needed"],
)
def test_rounds_of_a_fraction_until_the_margin_is_enough(rounds, closed):
    """The account of above: 2.5 are needed. A round closes 10 % of what is held; 60 of them stop at 2.5."""
    account = dataclasses.replace(ROUNDS, balance=0.4, numbers=(IncrementalNumbers(fraction=0.1, rounds=rounds),))
    left = close(account, 1.0)
    assert 10 - left.size == nearly(closed)
    assert left.fees == nearly(0.01 * closed)
    if rounds == 1:
        assert 10 - left.size == nearly(float(partial.round_to_close(10.0, 0.1, 2.5)))


# Hyperliquid: a fraction, a pause, the rest; a backstop below two thirds
PAUSE = Account(
    size=10.0,
    balance=0.4,
    residual_kept=1.0,
    slippage=0.002,
    stages=(Backstop(), CloseFraction()),
    numbers=(BackstopNumbers(2 / 3), CloseFractionNumbers(fraction=0.2, above_notional=5.0, cooldown=2)),
)


def test_a_fraction_first_then_nothing_then_all():
    """20 % of 10 at 1 less 0.2 %; in the next step nothing; after two steps all 8, and the trader keeps the rest."""
    first = close(PAUSE, 1.0, step=7)
    assert first.size == nearly(8.0)
    assert (first.balance, first.others) == (nearly(0.4 - 2 * 0.002), nearly(2 * 0.002))
    assert 10 - first.size == nearly(float(partial.fraction_to_close(10.0, 1.0, above_notional=5.0)))
    waiting = close(after(PAUSE, first), 0.998, step=8, memories=first.memories)
    assert (waiting.size, waiting.balance) == (first.size, first.balance)
    rest = close(after(PAUSE, first), 0.998, step=9, memories=waiting.memories)
    assert rest.size == 0
    assert rest.balance == nearly(first.balance - 8 * (1 - 0.998 * 0.998))
    assert rest.cash == exactly(first.balance)


def test_a_later_breach_begins_anew():
    """Three steps after the fraction: its cooldown is long over."""
    first = close(PAUSE, 1.0, step=7)
    again = close(after(PAUSE, first), 0.998, step=10, memories=first.memories)
    assert again.size == nearly(6.4)


def test_in_the_other_reading_the_cooldown_takes_all():
    """Inside the cooldown the whole position; a fraction again after it."""
    other = dataclasses.replace(PAUSE, stages=(Backstop(), CloseFraction(all_in_cooldown=True)))
    first = close(other, 1.0, step=7)
    assert first.size == nearly(8.0)
    assert close(after(other, first), 0.998, step=8, memories=first.memories).size == 0
    assert close(after(other, first), 0.998, step=9, memories=first.memories).size == nearly(6.4)


def test_what_is_not_large_goes_at_once():
    """A notional of 4 is below the bound of 5."""
    assert close(dataclasses.replace(PAUSE, size=4.0, balance=0.19), 1.0).size == 0


def test_the_backstop_takes_position_and_margin():
    """0.3 against 0.5 is below two thirds: the vault has the position at 1 without slippage, and the 0.3."""
    left = close(dataclasses.replace(PAUSE, balance=0.3, fee=0.001), 1.0)
    assert left.size == 0
    assert (left.balance, left.fund, left.fees, left.others) == (0, exactly(0.3), 0, 0)
    assert partial.goes_to_backstop(0.3, 0.5)
    assert not partial.goes_to_backstop(0.4, 0.5)


def test_the_backstop_takes_a_loss_of_what_is_below_zero():
    """At 0.95 equity is -0.1: counterparties get 0.5, of which the trader had 0.4 and the vault pays 0.1."""
    left = close(PAUSE, 0.95)
    assert left.shortfall == exactly(0.1)
    assert (left.balance, left.fund, left.others) == (0, exactly(-0.1), exactly(0.5))
