"""The reduced form of a market's other positions, against sums over positions written out one by one."""

import jax.numpy as jnp
import numpy as np
import pytest

from stresslab.accounts import population
from stresslab.accounts.population import LEVERAGE, SHARES, Population, Side
from stresslab.accounts.ranks import Winner, score, share_ahead
from stresslab.venues import deleveraging_rank

MMR = (0.005, 0.005, 0.01, 0.02, 0.02)
DAY = 1 / 365


def of(renewal: float = 0.0, gap_beyond: float = 4.0, step: float = DAY / 1440) -> Population:
    """Ten billion on each side."""
    return Population(
        np.float32(1e10) * np.array(SHARES, np.float32),
        np.array(LEVERAGE, np.float32),
        np.array(MMR, np.float32),
        np.float32(renewal),
        np.float32(gap_beyond),
        np.float32(np.sqrt(step)),
        np.float32(0.07),
    )


def one(value: float):
    return jnp.full((1, 1), value, jnp.float32)


CALM = Side(one(0.0), one(0.0))


def by_hand(reach, slippage, gap, n=200_001):
    """Every bucket as n positions at even distances: liquidated, bankrupt, loss, gain."""
    found = np.zeros(4)
    for leverage, share, mmr in zip(LEVERAGE, SHARES, MMR, strict=True):
        width = 2 * (1 / leverage - mmr)
        distance = (np.arange(n) + 0.5) / n * width
        hit = distance < reach
        left = mmr - slippage - gap * (reach - distance)
        found += (
            1e10
            * share
            / n
            * np.array(
                [hit.sum(), (hit & (left < 0)).sum(), -left[hit & (left < 0)].sum(), left[hit & (left > 0)].sum()]
            )
        )
    return found


@pytest.mark.parametrize("slippage", [0.0, 0.015, 0.05])
@pytest.mark.parametrize("variance", [0.0, 20.0])
def test_a_fall_liquidates_what_it_passes(slippage, variance):
    """10 % in a minute, at once or (at a variance of 20) in part as a diffusion: the sums over positions to 1e-3."""
    _, met = population.meet(of(), CALM, one(0.1), one(variance))
    wave = population.close(of(), met, one(slippage))
    gap = 1 - 4 * np.sqrt(variance * DAY / 1440) / 0.1
    assert [float(value[0, 0]) for value in wave] == pytest.approx(by_hand(0.1, slippage, gap), rel=1e-3, abs=1e3)


def test_a_move_in_small_steps_liquidates_as_much_as_in_one():
    """12 % down, back up 5 % and down again 6 %: only 13 % are new, whatever the steps."""
    moves = [0.12, -0.05, 0.06]
    for parts in (1, 10):
        side, total = CALM, 0.0
        for move in np.repeat(np.array(moves) / parts, parts):
            side, met = population.meet(of(), side, one(float(move)), one(0.0))
            total += float(population.liquidated(met)[0, 0])
        assert total == pytest.approx(by_hand(0.13, 0.0, 1.0)[0], rel=1e-3)


def test_positions_come_again_as_they_are_renewed():
    """Swept by 10 %; after a mean holding time 3.7 % of that are still gone, and the next fall finds the others."""
    many = of(renewal=1 - np.exp(-1 / 100))
    side, met = population.meet(many, CALM, one(0.1), one(0.0))
    first = float(population.liquidated(met)[0, 0])
    for _ in range(100):
        side, met = population.meet(many, side, one(0.0), one(0.0))
    assert float(side.swept[0, 0]) == pytest.approx(0.1 * np.exp(-1.01), rel=1e-3)
    _, met = population.meet(many, side, one(0.1), one(0.0))
    assert 0.6 * first < float(population.liquidated(met)[0, 0]) < first


def test_the_crash_of_october_2025_liquidates_under_a_quarter_of_the_longs():
    """Between 9 % reported (a lower bound) and the 43 % by which open interest fell."""
    _, met = population.meet(of(), CALM, one(-np.log(0.87)), one(0.0))
    assert float(population.liquidated(met)[0, 0]) / 1e10 == pytest.approx(0.233, abs=0.005)


RNG = np.random.default_rng(11)


def drawn(side: int, n: int = 200_000, mean: float = 0.04):
    """Positions of the population, opened at a price of 1: bucket by open interest, log return normal."""
    bucket = RNG.choice(len(SHARES), n, p=SHARES)
    simple = side * (np.exp(side * RNG.normal(mean, 0.07, n)) - 1)
    leverage = np.array(LEVERAGE)[bucket]
    return simple, leverage, np.array(MMR)[bucket]


def venue_score(rank, simple, leverage, mmr, side):
    """Of each position by the venue's formula; one that is bankrupt is last, where leverage counts first."""
    value, equity = 1 + side * simple, 1 / leverage + simple
    alive = equity > 0
    safe = np.where(alive, equity, 1.0)
    if rank == "leverage_pnl":  # of a million: a wallet below 1 counts as 1
        found = deleveraging_rank.leverage_pnl(simple * 1e6, 1e6 / leverage, mmr * value * 1e6)
    elif rank == "mark_leverage":
        found = value**2 / safe if side > 0 else 1 / safe
    else:
        found = np.where(simple > 0, simple * value / safe, simple * safe / value)
    return np.where(alive, found, np.inf if rank == "mark_leverage" else -np.inf)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("rank", ["leveraged_return", "leverage_pnl", "mark_leverage"])
def test_the_share_that_scores_higher_is_that_of_drawn_positions(rank, side):
    """n = 200,000, seed 11: the share above several positions' scores within 5 standard errors (0.0056)."""
    simple, leverage, mmr = drawn(side)
    scores = venue_score(rank, simple, leverage, mmr, side)
    for quantile in (0.3, 0.9, 0.99):
        found = float(np.quantile(scores[np.isfinite(scores)], quantile))
        if found <= 0:
            continue
        ahead = share_ahead(rank, of(), one(found), one(float(side)), one(0.04))
        assert float(ahead[0, 0]) == pytest.approx((scores > found).mean(), abs=5 * 0.5 / np.sqrt(200_000))


def test_my_score_is_the_venues():
    """A long of 10 from 1.00 at 1.10 with 2 of margin, requirement 0.055."""
    me = Winner(*(one(x) for x in (1.0, 10.0, 11.0, 3.0, 0.055, 1.1, 1.0)))
    found = {name: float(score(name, me)[0, 0]) for name in ("pnl_times_leverage", "leverage_pnl", "mark_leverage")}
    assert found["pnl_times_leverage"] == pytest.approx(deleveraging_rank.pnl_times_leverage(11.0, 10.0, 8.0))
    assert found["leverage_pnl"] == pytest.approx(deleveraging_rank.leverage_pnl(1.0, 2.0, 0.055))
    assert found["mark_leverage"] == pytest.approx(deleveraging_rank.mark_leverage(1.1, 1.0, 11.0, 3.0))
    assert float(score("profit", me)[0, 0]) == pytest.approx(0.1)
