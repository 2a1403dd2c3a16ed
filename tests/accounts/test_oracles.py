"""Liquidation probabilities of the general engine against answers from elsewhere: closed forms, and NumPy.

Everything is watched continuously; the engine takes steps of one hour over a day. n = 131,072 paths, seed 7, unless
said otherwise.
"""

import numpy as np
import pytest
from helpers.account_engine import form_of, numbers_of
from helpers.account_twin.account import Account
from helpers.account_twin.book import Book
from helpers.account_twin.position import Demand, Position, Tier
from helpers.closed_forms import DAY, touch_probability

from stresslab import general, scan, schedule
from stresslab.models import GBM
from stresslab.models.joint import Joint
from stresslab.random import key

N, SCAN, STEPS, SIGMA, RATE = 2**17, 2**13, 24, 0.9, 0.01
SPOTS = (100.0, 20.0)
FLAT = Demand(tiers=(Tier(np.inf, RATE),))


def share_liquidated(books, model, steps=STEPS, n=N) -> np.ndarray:
    """Of each book, by the whole compiled loop in float32."""
    dt = DAY / steps
    layout, related = model.layout(dt), getattr(model, "price_correlation", None)
    clock = schedule.build(np.array([steps]), np.array([steps]), np.zeros(0, int), 0.0)
    given = general.arguments(key(7), model, dt, clock, np.zeros(0), numbers_of(books), related)
    shape = general.Shape(model.dynamics, layout, form_of(books[0]), 1, False, SCAN)
    found = scan.launch((general.walk, liquidated), shape, np.arange(0, n, SCAN), tuple(given))
    return np.asarray(found).sum(axis=0) / n


def mean_pnl(books, model) -> tuple[np.ndarray, np.ndarray]:
    """Of each book, with its standard error."""
    dt = DAY / STEPS
    related = getattr(model, "price_correlation", None)
    clock = schedule.build(np.array([STEPS]), np.array([STEPS]), np.zeros(0, int), 0.0)
    given = general.arguments(key(7), model, dt, clock, np.zeros(0), numbers_of(books), related)
    shape = general.Shape(model.dynamics, model.layout(dt), form_of(books[0]), 1, False, SCAN)
    first, second = scan.launch((general.walk, moments), shape, np.arange(0, N, SCAN), tuple(given))
    mean, square = (np.asarray(part, float).sum(axis=0) / N for part in (first, second))
    return mean, np.sqrt((square - mean**2) / N)


def moments(shape, result, *given):
    pnl = result.money.pnl[0]
    return pnl.sum(axis=-1), (pnl * pnl).sum(axis=-1)


def liquidated(shape, result, *given):
    return (result.codes.liquidation >= 0).sum(axis=-1)


def alone(contract: str, size: float, leverage: float) -> Book:
    """Worth 1 at spot."""
    multiplier = 0.5 if contract == "quanto" else 1.0
    natural = size * SPOTS[0] if contract == "inverse" else size / SPOTS[0] / multiplier
    return Book([Account(1 / leverage, [Position(0, contract, natural, SPOTS[0], FLAT, multiplier)])], SPOTS[:1])


LEVERAGES = (12.0, 20.0, 40.0)


def level(contract: str, side: int, leverage: float, rate: float = RATE) -> float:
    """Over spot. linear and quanto: (1 - s / L) / (1 - s m); inverse: (1 + s m) / (1 + s / L). VENUES section 0."""
    if contract == "inverse":
        return (1 + side * rate) / (1 + side / leverage)
    return (1 - side / leverage) / (1 - side * rate)


def scores(found: np.ndarray, contract: str, rate: float = RATE, n: int = N) -> np.ndarray:
    exact = [
        touch_probability(level(contract, side, leverage, rate), SIGMA, DAY)
        for side in (1, -1)
        for leverage in LEVERAGES
    ]
    exact = np.array(exact)
    return (found - exact) / np.sqrt(exact * (1 - exact) / n)


@pytest.mark.parametrize("contract", ["linear", "inverse", "quanto"])
def test_first_passage_of_a_price(contract):
    """Six books each: |z| below 4.5 (one level of another contract: above 6)."""
    books = [alone(contract, side, leverage) for side in (1, -1) for leverage in LEVERAGES]
    found = share_liquidated(books, GBM(sigma=SIGMA))
    assert np.abs(scores(found, contract)).max() < 4.5
    assert np.abs(scores(found, contract, rate=1.05 * RATE)).max() > 6
    other = "linear" if contract == "inverse" else "inverse"
    assert np.abs(scores(found, other)).max() > 6


def pair(size_b: float, leverage: float) -> Book:
    """Half of the first asset, and as much of the second, in one account."""
    legs = [Position(0, "linear", 0.5 / SPOTS[0], SPOTS[0], FLAT), Position(1, "linear", size_b / SPOTS[1], 20.0, FLAT)]
    return Book([Account((0.5 + abs(size_b)) / leverage, legs)], SPOTS)


def test_two_assets_that_move_as_one():
    """Correlation 1 - 1e-6 and one volatility: the account of one asset.

    The excess is bridged as a Brownian motion with the variance at the start of the step: nothing of that is seen.
    """
    one = Joint(assets={"A": GBM(sigma=SIGMA), "B": GBM(sigma=SIGMA)}, correlation=1 - 1e-6)
    books = [pair(0.5, leverage) for leverage in LEVERAGES]
    found = share_liquidated(books, one)
    exact = np.array([touch_probability(level("linear", 1, leverage), SIGMA, DAY) for leverage in LEVERAGES])
    z = (found - exact) / np.sqrt(exact * (1 - exact) / N)
    assert np.abs(z).max() < 4.5, z
    independent = share_liquidated(books, one.model_copy(update={"correlation": 0.0}))
    assert np.abs((independent - exact) / np.sqrt(exact * (1 - exact) / N)).max() > 6


RHO, SIGMAS = 0.5, np.array([0.9, 1.1])


def simulated(books, every: int, n: int, seed: int, bridged: bool) -> np.ndarray:
    """The same in NumPy, float64 and numbers of its own: `every` looks in an hour, with or without a bridge between."""
    rng = np.random.default_rng(seed)
    dt, n_looks = DAY / STEPS / every, STEPS * every
    sizes = np.array([[p.size * p.entry for p in book.accounts[0].positions] for book in books])
    wallets = np.array([book.accounts[0].wallet for book in books])
    factor = np.linalg.cholesky(np.array([[1, RHO], [RHO, 1]]))
    logs, ruined = np.zeros((2, n)), np.zeros((len(books), n), bool)
    covariance = np.outer(SIGMAS, SIGMAS) * np.array([[1, RHO], [RHO, 1]]) * dt

    def excess(prices: np.ndarray) -> np.ndarray:
        return wallets[:, None] + sizes @ (prices - 1) - RATE * np.abs(sizes) @ prices

    before = excess(np.ones((2, n)))
    for _ in range(n_looks):
        deltas = (sizes - RATE * np.abs(sizes))[:, :, None] * np.exp(logs)  # of log prices
        logs = (
            logs
            - (SIGMAS**2 * dt / 2)[:, None]
            + (SIGMAS * np.sqrt(dt))[:, None] * (factor @ rng.standard_normal((2, n)))
        )
        after = excess(np.exp(logs))
        lowest = after
        if bridged:
            variance = np.einsum("bip,ij,bjp->bp", deltas, covariance, deltas)
            draw = rng.standard_exponential(n)
            lowest = (before + after - np.sqrt((after - before) ** 2 + 2 * variance * draw)) / 2
        ruined |= lowest <= 0
        before = after
    return ruined.mean(axis=1)


def test_the_bridge_of_the_excess():
    """Cross accounts of two assets, sides alike and against each other, against 8 looks an hour in NumPy.

    n = 65,536 there (seed 8): |z| < 4.5 with the errors of both; without any bridge at an hour it is above 6. Measured
    bias, of probabilities from 0.03 to 0.6: below 0.002 at an hour (one standard error), 0.004 at three, 0.007 at six,
    0.014 at a day, always to the side of more liquidations where it can be seen.
    """
    assets = {"A": GBM(sigma=SIGMAS[0]), "B": GBM(sigma=SIGMAS[1])}
    books = [pair(size, leverage) for size in (0.5, -0.4) for leverage in (15.0, 30.0)]
    found = share_liquidated(books, Joint(assets=assets, correlation=RHO))
    n = 2**16
    truth = simulated(books, every=8, n=n, seed=8, bridged=True)
    error = np.sqrt(truth * (1 - truth) * (1 / n + 1 / N))
    assert np.abs((found - truth) / error).max() < 4.5, (found, truth)
    coarse = simulated(books, every=1, n=n, seed=9, bridged=False)
    assert np.abs((coarse - truth) / error).max() > 6


def test_a_liquidation_without_costs_is_a_fair_game():
    """Prices are martingales, so is the PnL of who pays nothing, whenever he is closed: |z| < 4.5; a liquidation fee of
    0.2 % is above 6. Linear and quanto books, and cross accounts of two assets.
    """
    one = [[alone(kind, side, leverage) for side in (1, -1) for leverage in LEVERAGES] for kind in ("linear", "quanto")]
    assets = {"A": GBM(sigma=SIGMAS[0]), "B": GBM(sigma=SIGMAS[1])}
    two = [pair(size, leverage) for size in (0.5, -0.4) for leverage in (15.0, 30.0)]
    pairs = [(books, GBM(sigma=SIGMA)) for books in one] + [(two, Joint(assets=assets, correlation=RHO))]
    for books, model in pairs:
        mean, error = mean_pnl(books, model)
        assert np.abs(mean / error).max() < 4.5
        for book in books:
            for position in book.accounts[0].positions:
                position.liquidation_fee = 0.002
        mean, error = mean_pnl(books, model)
        assert (mean / error).min() < -6
