"""Shocks against closed forms, and against the same thing said in another way."""

import pickle

import numpy as np
import pytest
from helpers.examples import EXAMPLES
from helpers.statistics import assert_proportion, assert_rejected
from scipy import integrate
from scipy.stats import norm

from stresslab.errors import InputError
from stresslab.models import GBM, Merton
from stresslab.models.joint import Joint
from stresslab.passage import first_passage
from stresslab.paths import simulate
from stresslab.shocks import (
    Arrival,
    Correlation,
    Funding,
    Gap,
    JumpIntensity,
    Shocked,
    Uniform,
    Volatility,
    shocked,
)

DAY, HOUR, N = 1 / 365, 1 / 8760, 2**18
CALM = GBM(sigma=0.7)
MERTON = Merton(sigma=0.5, jump_intensity=40.0, jump_mean=-0.03, jump_std=0.04)
ASKED = {"horizons": ["1D"], "step": "2h", "n_paths": N, "seed": 11}


def hits(model, barriers=(0.96,), **asked):
    return first_passage(model, barriers=list(barriers), **{**ASKED, **asked}).hits.values[:, 0]


def touched_after_a_gap(size: float, hours: float, barrier: float, sigma: float = 0.7) -> float:
    """First passage in two parts: before the gap, and from the price after it, over where the price stood then."""
    spread, first = sigma * np.sqrt(hours * HOUR), GBM(sigma=sigma)
    level, drift = np.log(barrier), -(sigma**2) / 2 * hours * HOUR

    def survives(x: float) -> float:
        # density of the log price at the gap on paths that have not touched (Harrison 1985, section 1.8)
        density = norm.pdf(x, drift, spread) - np.exp(-(sigma**2) * level / sigma**2) * norm.pdf(
            x, drift + 2 * level, spread
        )
        left = np.exp(level - x - size)
        after = first.first_passage_probability(left, DAY - hours * HOUR) if left < 1 else 1.0
        return density * (1 - after)

    edge = level - size
    return 1 - integrate.quad(survives, max(level, edge), 0.5, points=[0.0], limit=200)[0]


class TestGap:
    @pytest.mark.parametrize("hours, size", [(6, -0.02), (18, -0.03), (12, 0.02)])
    def test_at_a_given_time(self, hours, size):
        """2^18 paths: standard errors of 0.0009 at most."""
        found = hits(Shocked(model=CALM, effects=(Gap(log_size=size, at=f"{hours}h"),)))[0]
        assert_proportion(found, N, touched_after_a_gap(size, hours, 0.96))
        assert_rejected(assert_proportion, found, N, touched_after_a_gap(size * 1.08, hours, 0.96))
        assert_rejected(assert_proportion, found, N, touched_after_a_gap(size, hours - 4, 0.96))

    def test_at_as_of(self):
        found = hits(Shocked(model=CALM, effects=(Gap(fraction=-0.02),)))[0]
        assert_proportion(found, N, CALM.first_passage_probability(0.96 / 0.98, DAY))

    def test_at_a_drawn_time(self):
        """The mean over the hours that it may strike in: a drawn time is the start of a step."""
        found = hits(Shocked(model=CALM, effects=(Gap(log_size=-0.02, at=Uniform(within="1D")),)))[0]
        at_once = CALM.first_passage_probability(0.96 * np.exp(0.02), DAY)
        starts = [at_once, *(touched_after_a_gap(-0.02, hours, 0.96) for hours in range(2, 24, 2))]
        assert_proportion(found, N, float(np.mean(starts)))
        assert_rejected(assert_proportion, found, N, float(np.mean(starts[1:])))

    def test_at_the_first_arrival(self):
        """400 a year: P(an arrival in a day) = 1 - exp(-400/365) of the paths gap, all of them through the barrier."""
        sure = Shocked(model=GBM(sigma=0.01), effects=(Gap(fraction=-0.3, at=Arrival(rate=400.0)),))
        found = hits(sure)[0]
        assert_proportion(found, N, 1 - np.exp(-400 / 365))
        assert_rejected(assert_proportion, found, N, 1 - np.exp(-412 / 365))

    def test_fills_the_gap_only_once(self):
        path = simulate(
            Shocked(model=GBM(sigma=1e-3), effects=(Gap(fraction=-0.1, at="6h"),)),
            n_paths=8, horizon="1D", step="2h", seed=1,
        ).price.values  # fmt: skip
        np.testing.assert_allclose(path[:, 3], 1.0, atol=1e-3)  # at 6h exactly it has not struck yet
        np.testing.assert_allclose(path[:, 4:], 0.9, atol=1e-3)


class TestVolatility:
    def test_flat_is_a_larger_sigma(self):
        """The same words: the same paths as twice the sigma, but for rounding."""
        barriers = (0.93, 0.96, 1.05)
        scaled = hits(Shocked(model=CALM, effects=(Volatility(factor=2.0),)), barriers)
        np.testing.assert_allclose(scaled, hits(GBM(sigma=1.4), barriers), atol=N * 1e-5)
        assert np.all(np.abs(scaled - hits(GBM(sigma=1.42), barriers)) > N * 1e-3)

    def test_for_a_while(self):
        """Twice the volatility for 6 hours: Brownian motion in another clock, 1 day and 18 hours long."""
        model = Shocked(model=CALM, effects=(Volatility(factor=2.0, at="6h", lasting="6h"),))
        expected = CALM.first_passage_probability(0.96, DAY * 1.75)
        found = hits(model)[0]
        assert_proportion(found, N, expected)
        assert_rejected(assert_proportion, found, N, CALM.first_passage_probability(0.96, DAY * 1.7))

    def test_decaying(self):
        """The factor of each step stands for its whole length: variance times the mean of its square."""
        model = Shocked(model=CALM, effects=(Volatility(factor=3.0, half_life="4h"),))
        factor = 1 + 2 * 2.0 ** (-np.arange(0, 24, 2) / 4)
        found = hits(model)[0]
        assert_proportion(found, N, CALM.first_passage_probability(0.96, DAY * float(np.mean(factor**2))))
        assert_rejected(
            assert_proportion, found, N, CALM.first_passage_probability(0.96, DAY * 1.03 * np.mean(factor**2))
        )

    def test_at_a_drawn_time_strikes_some_paths(self):
        model = Shocked(model=CALM, effects=(Volatility(factor=2.0, at=Uniform(within="1D")),))
        clocks = [CALM.first_passage_probability(0.96, DAY * (1 + 3 * (24 - start) / 24)) for start in range(0, 24, 2)]
        assert_proportion(hits(model)[0], N, float(np.mean(clocks)))

    @pytest.mark.parametrize("kind", ["merton", "heston"])
    def test_the_price_stays_a_martingale(self, kind):
        """Twice the volatility over a day, 2^16 paths: growth of E[price] is mu all the same."""
        model = EXAMPLES[kind]
        given = {"n_paths": 2**16, "horizon": "1D", "step": "4h", "seed": 3}
        price = simulate(Shocked(model=model, effects=(Volatility(factor=2.0),)), **given).price.values[:, -1]
        error = price.std() / np.sqrt(len(price))
        assert abs(price.mean() - np.exp(model.mu * DAY)) < 5 * error
        assert price.std() > 1.2 * simulate(model, **given).price.values[:, -1].std()

    def test_jumps_stay_as_they_are(self):
        """Merton with twice the sigma, word for word: the compensator of the jumps is not scaled."""
        barriers = (0.93, 0.96)
        scaled = hits(Shocked(model=MERTON, effects=(Volatility(factor=2.0),)), barriers)
        twin = hits(MERTON.model_copy(update={"sigma": 1.0}), barriers)
        np.testing.assert_allclose(scaled, twin, atol=N * 2e-5)


class TestJumpIntensity:
    def test_flat_is_a_larger_intensity(self):
        twin = MERTON.model_copy(update={"jump_intensity": 160.0})
        shock = Shocked(model=MERTON, effects=(JumpIntensity(factor=4.0),))
        np.testing.assert_array_equal(hits(shock, (0.9, 0.96), step="1h"), hits(twin, (0.9, 0.96), step="1h"))

    def test_drawn_times_choose_path_by_path(self):
        """Drawn from the first minute, that is in the first step: the same as now."""
        drawn, now = (
            Shocked(model=MERTON, effects=(JumpIntensity(factor=4.0, at=at),)) for at in (Uniform(within="1min"), "now")
        )
        np.testing.assert_array_equal(hits(drawn, (0.9, 0.96), step="1h"), hits(now, (0.9, 0.96), step="1h"))

    def test_for_a_while(self):
        """No jumps outside of the window: the chance of one crash of 40 %."""
        crashes = Merton(sigma=0.05, jump_intensity=73.0, jump_mean=-0.5, jump_std=0.01)
        calm = (JumpIntensity(factor=0.0, lasting="12h"),)
        found = hits(Shocked(model=crashes, effects=calm), (0.7,), step="1h")[0]
        assert_proportion(found, N, -np.expm1(-73 * 12 * HOUR))
        assert_rejected(assert_proportion, found, N, -np.expm1(-73 * 13 * HOUR))

    def test_needs_jumps(self):
        with pytest.raises(InputError, match="a gbm model has no jumps"):
            shocked(CALM, [JumpIntensity(factor=2.0)])


class TestSeveralAssets:
    BOTH = Joint(assets={"A": GBM(sigma=0.7), "B": GBM(sigma=0.9)}, correlation=0.3)

    def test_correlation_to_one(self):
        """Without drift in log price one asset is a multiple of the other: any is the nearer barrier, all the other."""
        driftless = {name: GBM(sigma=s, mu=s * s / 2) for name, s in (("A", 0.7), ("B", 0.9))}
        whole = shocked(Joint(assets=driftless, correlation=0.3), [Correlation(stress=1.0)])
        found = first_passage(whole, barriers=[{"A": 0.95, "B": 0.94}], **ASKED).hits.values[:, 0, 0]
        assert found[2] == max(found[:2])
        assert found[3] == min(found[:2])

    def test_correlation_as_it_would_be_written(self):
        """Stress 0.5 of 0.3 is 0.65, in the bridges too."""
        stressed = first_passage(shocked(self.BOTH, [Correlation(stress=0.5)]), barriers=[0.96], **ASKED)
        written = first_passage(self.BOTH.model_copy(update={"correlation": 0.65}), barriers=[0.96], **ASKED)
        np.testing.assert_array_equal(stressed.hits, written.hits)

    def test_each_asset_has_its_own_gap_at_the_same_time(self):
        at = Uniform(within="1D")
        still = Joint(assets={"A": GBM(sigma=1e-3), "B": GBM(sigma=1e-3)}, correlation=0.0)
        effects = [Gap(fraction=-0.1, asset="A", at=at), Gap(fraction=-0.2, asset="B", at=at)]
        price = simulate(shocked(still, effects), n_paths=512, horizon="1D", step="2h", seed=5).price.values
        fallen = price < 0.95
        np.testing.assert_array_equal(fallen[0], fallen[1])
        assert 0.3 < fallen[0].mean() < 0.7
        np.testing.assert_allclose(price[1][fallen[1]], 0.8, atol=2e-3)

    def test_unknown_assets(self):
        with pytest.raises(InputError, match="says nothing about A"):
            shocked(self.BOTH, [Gap(fraction=-0.1, asset="C")])


def test_what_is_not_used_is_not_compiled():
    plain = Shocked(model=CALM, effects=(Volatility(factor=2.0),))
    assert plain.layout(HOUR) == CALM.layout(HOUR)._replace(diffusions=1), "no jump pieces without a gap"
    assert plain.dynamics.gaps == plain.dynamics.switches == ()
    assert shocked(CALM, [Funding(rate=0.01)]) is CALM


def test_words_of_the_model_stay_where_they_are():
    """A gap in the far future: paths of the unshocked model to the bit of rounding, paired with it before that."""
    later = Shocked(model=CALM, effects=(Gap(fraction=-0.1, at="30D"),))
    np.testing.assert_allclose(hits(later), hits(CALM), atol=N * 1e-5)


def test_new_numbers_compile_nothing_new():
    first, other = (
        Shocked(model=CALM, effects=(Gap(fraction=size, at=at), Volatility(factor=2.0, at=at)))
        for size, at in ((-0.1, "2h"), (-0.2, "4h"))
    )
    assert first.dynamics == other.dynamics
    assert hash(first.dynamics) == hash(other.dynamics)
    assert first.layout(HOUR) == other.layout(HOUR)


def test_pickle_and_hash():
    model = Shocked(model=MERTON, effects=(Gap(fraction=-0.1, at=Uniform(within="1D")), JumpIntensity(factor=2.0)))
    twin = pickle.loads(pickle.dumps(model))
    assert twin == model
    assert hash(twin) == hash(model)
    assert hash(twin.dynamics) == hash(model.dynamics)
