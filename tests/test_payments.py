"""Funding rates that differ from path to path: against closed forms, a naive loop, and constants."""

from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
from helpers.engine import per_path
from helpers.statistics import assert_mean, assert_rejected, assert_variance
from helpers.studies import small

from stresslab import payments, random, scan
from stresslab.books.outcome import CAUSES, FUNDING
from stresslab.config.payment_plan import shared_rows
from stresslab.general import to_single
from stresslab.grid.plan import make_plan
from stresslab.models import GBM

N, PAID, EVERY = 2**15, 9, 8 / 8760  # paths, payments, years between them
NOW, MEAN, SPEED, VOLATILITY, RHO = 4e-4, 1e-4, 300.0, 0.02, 0.6
WIDE = {"cap": 0.5, "floor": -0.5}
REVERTING = {
    "kind": "mean_reverting", "rate": NOW, "mean": MEAN, "speed": SPEED, "volatility": VOLATILITY, "correlation": RHO,
}  # fmt: skip


class Recorded(NamedTuple):
    """Of each payment and path: rate and log return of the interval."""

    rates: np.ndarray
    returns: np.ndarray


def recorded(rho: float = RHO, antithetic: bool = False, sigma: float = 0.8, seed: int = 4, **process: Any) -> Recorded:
    """Rates as `payments` gives them, on paths of one step a payment."""
    model = GBM(sigma=sigma)
    path = np.arange(N, dtype=np.uint32)[None]
    walk = scan.Walk(GBM, model.layout(EVERY), antithetic, random.key(seed), path, model.coefficients(EVERY))
    given = {"now": NOW, "mean": MEAN, "correlation": rho, "floor": -0.5, "cap": 0.5, **process}
    reverting = payments.Reverting(**{name: np.float32(value) for name, value in given.items()})
    deviation = VOLATILITY * np.sqrt(-np.expm1(-2 * SPEED * EVERY) / (2 * SPEED))
    row = payments.Payments(
        True, np.uint32(0), np.int32(0), *map(np.float32, (EVERY, np.exp(-SPEED * EVERY), deviation))
    )
    law = payments.Law(row, reverting, {})
    state = jax.tree.map(jax.numpy.asarray, model.init(N))
    place = scan.begin(walk, scan.spread(GBM, state, N))
    before, found = payments.begin(law, walk, place.state), []
    pay = jax.jit(lambda payment, before, state: payments.pay(law, walk, payment, before, state))
    for number in range(PAID):
        since = np.asarray(place.state.log_price[0], float)
        place, _ = scan.many_steps(walk, place, _Nobody(), (), np.int32(1))
        before, rate = pay(row._replace(number=np.uint32(number)), before, place.state)
        found.append((np.asarray(rate[0], float), np.asarray(place.state.log_price[0], float) - since))
    return Recorded(*map(np.array, zip(*found, strict=True)))


class _Nobody(NamedTuple):
    def step(self, seen: Any, track: Any) -> Any:
        return seen


def moments(payment: int) -> tuple[float, float]:
    """Mean and variance of an Ornstein-Uhlenbeck process after so many payments."""
    t = (payment + 1) * EVERY
    return MEAN + (NOW - MEAN) * np.exp(-SPEED * t), VOLATILITY**2 * -np.expm1(-2 * SPEED * t) / (2 * SPEED)


@pytest.fixture(scope="module")
def found():
    return recorded()


class TestProcess:
    @pytest.mark.parametrize("payment", [0, 2, PAID - 1])
    def test_mean_and_variance(self, found, payment):
        """2^15 paths, seed 4: standard errors of half a per cent of the deviation and of the variance."""
        mean, variance = moments(payment)
        assert_mean(found.rates[payment], mean)
        assert_variance(found.rates[payment], variance)
        assert_rejected(assert_variance, found.rates[payment], 1.1 * variance)
        assert_rejected(assert_mean, found.rates[payment], mean + 0.05 * np.sqrt(variance))

    @pytest.mark.parametrize("payment", [0, 5])
    def test_correlation_with_the_return(self, found, payment):
        """Of the rate's surprise with the return of its own interval: rho; with the one before: none."""
        before = np.full(N, NOW) if payment == 0 else found.rates[payment - 1]
        surprise = found.rates[payment] - MEAN - (before - MEAN) * np.exp(-SPEED * EVERY)
        one, other = surprise / surprise.std(), found.returns[payment] / found.returns[payment].std()
        assert_mean(one * other, RHO)
        assert_rejected(assert_mean, one * other, RHO - 0.05)
        if payment:
            assert_mean(one * found.returns[payment - 1] / found.returns[payment - 1].std(), 0.0)

    def test_naive_twin(self, found):
        """The recursion in float64, with the normals of the reserved channel."""
        rate, decay = np.full(N, NOW), np.exp(-SPEED * EVERY)
        deviation = VOLATILITY * np.sqrt((1 - decay**2) / (2 * SPEED))
        for payment in range(PAID):
            word, _ = random.reserved(random.key(4), np.arange(N, dtype=np.uint32), payment, random.FUNDING)
            moved = (found.returns[payment] + 0.32 * EVERY) / (0.8 * np.sqrt(EVERY))
            noise = RHO * moved + np.sqrt(1 - RHO**2) * np.asarray(random.normal(word), float)
            rate = MEAN + (rate - MEAN) * decay + deviation * noise
            np.testing.assert_allclose(found.rates[payment], rate, atol=2e-5 * deviation + 1e-9)

    def test_clamps(self):
        """What is paid lies between floor and cap; the process itself goes on beyond them."""
        clamped, free = recorded(cap=3e-4, floor=-1e-4), recorded()
        np.testing.assert_allclose(clamped.rates, np.clip(free.rates, -1e-4, 3e-4), atol=1e-9)
        assert (free.rates > 3e-4).any()

    def test_mirrored_paths_mirror_it(self):
        """Neighbours have opposite surprises: the first rates of a pair lie evenly about their mean."""
        found = recorded(antithetic=True)
        mean, _ = moments(0)
        np.testing.assert_allclose(found.rates[0, 0::2] + found.rates[0, 1::2], 2 * mean, atol=1e-8)


SPANS = np.array([1, 5, 2, 8, 3, 4, 1]) / 8760  # of payments, in years: two steps hold three each, one holds one
STEPS_OF = np.array([1, 1, 1, 2, 3, 3, 3])


@pytest.fixture(scope="module")
def sample() -> Recorded:
    """Rates of each payment, and the standardised return of its step; 2^15 paths, seed 6."""
    return in_steps(SPANS, STEPS_OF, RHO)


class TestSeveralPaymentsInAStep:
    """GBM in three steps of 8 hours with payments inside them: the law of rates and prices is that of short steps."""

    def surprises(self, found: Recorded) -> np.ndarray:
        before = np.vstack([np.full(N, NOW), found.rates[:-1]])
        decay = np.exp(-SPEED * SPANS)[:, None]
        deviation = VOLATILITY * np.sqrt(-np.expm1(-2 * SPEED * SPANS) / (2 * SPEED))[:, None]
        return (found.rates - MEAN - (before - MEAN) * decay) / deviation

    def test_naive_twin(self, sample):
        """Noises by NumPy's Cholesky factor of I - rho^2 s s', from the normals of the reserved channel."""
        noises = self.surprises(sample)
        for step in (1, 2, 3):
            of = np.flatnonzero(STEPS_OF == step)
            share = np.sqrt(SPANS[of] / SPANS[of].sum())
            factor = np.linalg.cholesky(np.eye(len(of)) - RHO**2 * np.outer(share, share))
            words = [random.reserved(random.key(6), np.arange(N, dtype=np.uint32), k, random.FUNDING)[0] for k in of]
            normals = np.array([np.asarray(random.normal(word), float) for word in words])
            expected = RHO * share[:, None] * sample.returns[of] + factor @ normals
            np.testing.assert_allclose(noises[of], expected, atol=2e-3)  # float32 rates of 1e-4, deviations of 3e-4

    def test_noises_are_independent_and_share_the_return(self, sample):
        """Variance 1, no covariance with each other, rho s_k with the step's return; 2^15 paths, seed 6, z = 5."""
        noises = self.surprises(sample)
        for k in range(len(SPANS)):
            assert_variance(noises[k], 1.0)
            for other in range(k):
                assert_mean(noises[k] * noises[other], 0.0)
            share = np.sqrt(SPANS[k] / SPANS[STEPS_OF == STEPS_OF[k]].sum())
            assert_mean(noises[k] * sample.returns[k], RHO * share)
            assert_rejected(assert_mean, noises[k] * sample.returns[k], RHO * share + 0.05)

    def test_mean_and_variance_of_the_rates(self, sample):
        until = np.cumsum(SPANS)
        for k, t in enumerate(until):
            assert_mean(sample.rates[k], MEAN + (NOW - MEAN) * np.exp(-SPEED * t))
            assert_variance(sample.rates[k], VOLATILITY**2 * -np.expm1(-2 * SPEED * t) / (2 * SPEED))

    def test_the_last_rate_and_the_price_as_in_short_steps(self, sample):
        """Covariance of the last rate with the log price there, as if each payment had a step of its own: the sum over
        payments of sigma sqrt(span) rho deviation e^(-speed time left). 2^15 paths, seed 6, z = 5.
        """
        price = sum(0.8 * np.sqrt(8 / 8760) * sample.returns[np.flatnonzero(step == STEPS_OF)[0]] for step in (1, 2, 3))
        surprise = sample.rates[-1] - moments(2)[0]
        parts = np.sqrt(-np.expm1(-2 * SPEED * SPANS) / (2 * SPEED) * SPANS)
        left = np.exp(-SPEED * (np.cumsum(SPANS)[-1] - np.cumsum(SPANS)))
        assert_mean(surprise * price, 0.8 * RHO * VOLATILITY * float((parts * left).sum()))


def in_steps(spans: np.ndarray, steps: np.ndarray, rho: float) -> Recorded:
    """Rates where payment k is made at the end of step `steps[k]`, each step as long as its payments' spans."""
    model, key, years = GBM(sigma=0.8), random.key(6), 8 / 8760
    path = np.arange(N, dtype=np.uint32)[None]
    walk = scan.Walk(GBM, model.layout(years), False, key, path, model.coefficients(years))
    reverting = payments.Reverting(*map(np.float32, (NOW, MEAN, rho, -0.5, 0.5)))
    rows = payments.Payments(
        np.full(len(spans), True),
        np.arange(len(spans), dtype=np.uint32),
        np.cumsum(spans) / years,
        np.full(len(spans), years),
        np.exp(-SPEED * spans),
        VOLATILITY * np.sqrt(-np.expm1(-2 * SPEED * spans) / (2 * SPEED)),
        shared_rows(rho, spans, steps),
    )
    rows = jax.tree.map(to_single, rows)
    law = payments.Law(rows, reverting, {})
    place = scan.begin(walk, scan.spread(GBM, jax.tree.map(jax.numpy.asarray, model.init(N)), N))
    before, rates, returns = payments.begin(law, walk, place.state), [], []
    pay = jax.jit(lambda payment, before, state: payments.pay(law, walk, payment, before, state))
    for k in range(len(spans)):
        if k == 0 or steps[k] != steps[k - 1]:
            since = np.asarray(place.state.log_price[0], float)
            place, _ = scan.many_steps(walk, place, _Nobody(), (), np.int32(1))
            moved = np.asarray(place.state.log_price[0], float) - since
        before, rate = pay(jax.tree.map(lambda column, k=k: column[k], rows), before, place.state)
        rates.append(np.asarray(rate[0], float))
        returns.append((moved + 0.32 * years) / (0.8 * np.sqrt(years)))
    return Recorded(np.array(rates), np.array(returns))


def plans(tmp_path, funding, evaluation="static", **changes):
    sweep = {"book.side": ["long", "short"], "book.leverage": [6.0, 12.0, 25.5]}
    return make_plan(small(tmp_path, {"funding": funding, "sweep": sweep, **changes}), evaluation)


def paths_of(plan):
    return per_path(plan.ladders[0], 2048)


def test_no_volatility_at_the_mean_is_constant_funding(tmp_path):
    """The same to the byte: rates in float32 are what a constant is."""
    constant = paths_of(plans(tmp_path, {"kind": "constant", "rate": 1e-3}))
    still = paths_of(plans(tmp_path, {**REVERTING, "rate": 1e-3, "mean": 1e-3, "volatility": 0.0}))
    for one, other in zip(constant, still, strict=True):
        np.testing.assert_array_equal(one, other)


def test_static_ladder_and_general_engine_agree(tmp_path):
    """Per path, with rates of 1 % of notional and both clamps met: the same events but for a few on the edge."""
    wild = {**REVERTING, "volatility": 0.3, "cap": 0.01, "floor": -0.01}
    static, general = (paths_of(plans(tmp_path, wild, evaluation)) for evaluation in ("static", "general"))
    differ = (static.liquidation != general.liquidation) | (static.bankruptcy != general.bankruptcy)
    assert differ.mean() < 2e-3
    same = ~differ[None]
    assert np.allclose(
        static.pnl[np.broadcast_to(same, static.pnl.shape)],
        general.pnl[np.broadcast_to(same, general.pnl.shape)],
        atol=2e-5,
    )
    by_funding = static.liquidation[static.liquidation >= 0] % len(CAUSES) == FUNDING
    assert by_funding.any(), "some are liquidated by a payment"
    calm = paths_of(plans(tmp_path, {**wild, "volatility": 0.01}))
    assert (calm.liquidation != static.liquidation).mean() > 0.01, "the rates matter here"


def test_the_evaluation_is_chosen_by_the_bound(tmp_path):
    """Nine payments of at most 0.75 % are few; of 5 % they are many, unless it is known that they stay small."""
    chosen = {
        cap: make_plan(small(tmp_path, {"funding": {**REVERTING, "cap": cap}})).ladders[0].evaluation
        for cap in (0.0075, 0.05)
    }
    assert chosen == {0.0075: "static", 0.05: "general"}
    known = {**REVERTING, "correlation": 0.0, "cap": 0.05, "floor": -0.05}
    assert make_plan(small(tmp_path, {"funding": known})).ladders[0].evaluation == "static"


class TestSpikes:
    def test_at_a_given_time_is_a_known_rate(self, tmp_path):
        """0.2 % at 10h, half after 8 hours: payments at 16h, 24h, ... carry 0.2 % times 2^(-6/8), 2^(-14/8), ..."""
        effects = [{"kind": "funding", "at": "10h", "rate": 2e-3, "half_life": "8h"}]
        changes = {"shocks": {"spike": effects}, "market": {"shock": "spike"}}
        plan = plans(tmp_path, {"kind": "constant", "rate": 1e-4}, **changes)
        segments = plan.markets[0].schedule.segments
        ends = np.cumsum(segments.steps)[segments.funding_rate != 0]
        expected = 1e-4 + np.where(ends > 10, 2e-3 * 2.0 ** (-(ends - 10) / 8), 0)
        np.testing.assert_allclose(segments.funding_rate[segments.funding_rate != 0], expected, rtol=1e-6)
        assert plan.ladders[0].arguments.funding == ()

    @pytest.mark.parametrize(("step", "interval"), [(1, 8), (8, 2)])
    def test_at_a_drawn_time(self, tmp_path, step, interval):
        """Of the funding paid by a book that nothing happens to: the mean over the steps of its start. The age of a
        payment is counted to its own time, also inside a step.
        """
        effects = [{"kind": "funding", "at": {"within": "1D"}, "rate": 2e-3, "half_life": "8h"}]
        changes = {
            "shocks": {"spike": effects},
            "market": {"shock": "spike", "step": f"{step}h"},
            "models": {"gbm": {"kind": "gbm", "sigma": 0.01}},
        }
        constant = {"kind": "constant", "rate": 0.0, "interval": f"{interval}h"}
        found = paths_of(plans(tmp_path, constant, **changes))
        ages = np.arange(interval, 25, interval)[None] - np.arange(0, 24, step)[:, None]
        expected = np.where(ages > 0, 2e-3 * 2.0 ** (-ages / 8), 0).sum(axis=1)
        assert_mean(-found.funding[0, 0], float(expected.mean()))
        assert_rejected(assert_mean, -found.funding[0, 0], 1.1 * float(expected.mean()))


def test_draws_of_funding_are_their_own():
    """The reserved channels are none of any step's, and differ by path and number."""
    path = np.arange(64, dtype=np.uint32)
    key = random.key(5)
    seen = {tuple(np.asarray(word).tolist()) for number in range(3) for channel in (random.SHOCKS, random.FUNDING)
            for word in random.reserved(key, path, number, channel)}  # fmt: skip
    steps = {
        tuple(np.asarray(word).tolist()) for step in range(3) for word in random.words(key, path, np.uint32(step), 124)
    }
    assert len(seen) == 12
    assert not seen & steps
