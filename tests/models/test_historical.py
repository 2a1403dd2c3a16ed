"""Recorded bars played, drawn and replayed: against naive loops over the record, and for any number of steps a bar."""

from functools import cache

import numpy as np
import pytest
from helpers.statistics import assert_mean, assert_proportion, assert_rejected
from helpers.watch import watch

from stresslab.errors import InputError
from stresslab.models import BlockBootstrap, FilteredHistorical, Replay, ScaledHistorical
from stresslab.models.history import CLOSE, HIGH, LOW, OPEN, History
from stresslab.models.scaled_historical import averages
from stresslab.passage import first_passage
from stresslab.paths import simulate

N = 1 << 15
HOUR = 1 / 8760


def record(n=400, seed=1, volatile=0.0):
    """Bars of an hour with moves of 0.8 %, skewed, and clustered where `volatile` is not 0."""
    rng = np.random.default_rng(seed)
    level = np.exp(volatile * np.sin(np.arange(n) / 15))[:, None]
    inside = np.cumsum((rng.exponential(size=(n, 4)) - 1) * -0.004 * level, axis=1)
    high, low = np.maximum(inside.max(axis=1), 0), np.minimum(inside.min(axis=1), 0)
    return History.of(np.column_stack([np.zeros(n), high, low, inside[:, -1]]), 3600)


RECORD = record()
CLOSES = History.of(RECORD.close, 3600)
FILTERED = FilteredHistorical(omega=4e-6, alpha=0.05, gamma=0.04, beta=0.85, history=RECORD)
SCALED = ScaledHistorical(
    constant=1.0, weights=(0.5, 0.5), half_lives=("8h", "3D"), history=record(1000, 2, 0.7), block="6h"
)
MODELS = [FILTERED, BlockBootstrap(block=6.0, history=RECORD), SCALED]
MODELS += [one.model_copy(update={"history": History.of(one.history.close, 3600)}) for one in MODELS]


@cache
def seen(model, step, horizon="12h", seed=1):
    return watch(model, horizons=[horizon], step=step, n_paths=N, seed=seed)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.kind}-{model.history.rows.shape[1]}")
def test_law_of_the_end_for_any_steps(model):
    """1 and 4 steps a bar: mean and variance of the log return over 12 bars, n = 2^15 each, within 5 errors."""
    one, four = (seen(model, step).end[0].astype(float) for step in ("1h", "15min"))
    assert_mean(one, four.mean(), z=7)
    assert_mean((one - one.mean()) ** 2, four.var(), z=7)
    assert_rejected(assert_mean, (one - one.mean()) ** 2, four.var() * 1.12, z=7)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model.kind}-{model.history.rows.shape[1]}")
def test_price_is_a_martingale(model):
    """E[S] = 1 after 12 bars, n = 2^15: standard error 2e-4. Without the convexity it would drift by 6e-4."""
    price = np.exp(seen(model, "1h").end[0].astype(float))
    # scaled blocks of a short record, and blocks of residuals, carry a little mean of their own
    assert_mean(price, 1.0, z=4, slack=1e-4)
    moved = price * np.exp(np.log(price).var() / 2)
    assert_rejected(assert_mean, moved, 1.0, z=2)


@pytest.mark.parametrize("step", ["1h", "20min", "15min"])
def test_recorded_extremes_are_visited(step):
    """First passage within one bar is the share of recorded lows beyond the barrier; closes alone would see fewer."""
    model = BlockBootstrap(block=1.0, mean="kept", history=RECORD)
    level = -0.0105
    expected = float(np.mean(RECORD.rows[:, LOW] <= level))
    found = first_passage(model, barriers=[np.exp(level)], horizons=["1h"], step=step, n_paths=N, seed=1)
    hits = int(found.hits.values[0, 0])
    assert_proportion(hits, N, expected)
    assert_rejected(assert_proportion, hits, N, float(np.mean(RECORD.close <= level)))


class TestFilteredHistorical:
    def test_residuals_by_a_naive_loop(self):
        r, found = RECORD.close, []
        weights = 0.94 ** np.arange(75)
        before = weights @ r[:75] ** 2 / weights.sum()
        h = FILTERED.omega + (FILTERED.alpha + FILTERED.gamma / 2 + FILTERED.beta) * before
        for value in r:
            found.append(value / np.sqrt(h))
            h = FILTERED.omega + (FILTERED.alpha + FILTERED.gamma * (value < 0)) * value**2 + FILTERED.beta * h
        z = np.array(found)
        np.testing.assert_allclose(FILTERED.residuals, (z - z.mean()) / z.std(), rtol=1e-9)
        assert FILTERED.first_variance == pytest.approx(h, rel=1e-12)

    def test_variance_follows_the_recursion(self):
        """E[h] after k bars of independent residuals: h' = omega + persistence h, n = 2^15."""
        variance = simulate(FILTERED, n_paths=N, horizon="12h", step="1h", seed=2).variance.values.astype(float) * HOUR
        expected = FILTERED.first_variance
        for _ in range(12):
            expected = FILTERED.omega + FILTERED.persistence * expected
        assert_mean(variance[:, 12], expected)
        assert_rejected(assert_mean, variance[:, 12], expected * 1.02)

    def test_one_bar_has_the_law_of_the_residuals(self):
        """Quantiles of one bar are those of the record's residuals, n = 2^15; residuals of variance 1.1 are refused."""
        model = FILTERED.model_copy(update={"h0": 1e-4})
        z = (np.log(simulate(model, n_paths=N, horizon="1h", step="1h", seed=3).price.values[:, 1]) + 5e-5) / 1e-2
        for level in (0.05, 0.5, 0.95):
            place = np.quantile(model.residuals, level) + 1e-4
            share = float(np.mean(model.residuals <= place))
            assert_proportion(int((z <= place).sum()), N, share)
            if level != 0.5:
                assert_rejected(assert_proportion, int((z * 1.1 <= place).sum()), N, share)

    def test_refusals(self):
        with pytest.raises(ValueError, match="would explode"):
            FilteredHistorical(omega=1e-6, alpha=0.2, beta=0.85, history=RECORD)
        with pytest.raises(ValueError, match="does not move"):
            FilteredHistorical(omega=1e-6, alpha=0.1, beta=0.8, history=History.of([0.01] * 9, 3600))
        with pytest.raises(ValueError, match="alpha \\+ gamma"):
            FilteredHistorical(omega=1e-6, alpha=0.1, gamma=-0.2, beta=0.8, history=RECORD)


class TestBlockBootstrap:
    def test_blocks_have_geometric_lengths(self):
        """A record that numbers its bars: how often a bar follows the one before, n = 2^15 paths, one bar each."""
        n = 64
        numbered = History.of(1e-6 * np.arange(n) - 1e-6 * (n - 1) / 2, 3600)
        model = BlockBootstrap(block=4.0, mean="kept", history=numbered)
        price = simulate(model, n_paths=N, horizon="9h", step="1h", seed=4).price.values.astype(float)
        moves = np.rint(np.diff(np.log(price), axis=1) * 1e6 + (n - 1) / 2).astype(int)
        follows = int((moves[:, 8] == (moves[:, 7] + 1) % n).sum())
        expected = 0.75 + 0.25 / n
        slack = 0.02  # float32 prices near 1 resolve 1e-7 of 1e-6
        assert_proportion(follows, N, expected, slack=slack)
        assert_rejected(assert_proportion, follows, N, 0.67 + 0.33 / n, slack=slack)

    def test_kept_mean_stays(self):
        """The record's own mean a bar, n = 2^15; taken out by default."""
        drifting = History.of(RECORD.close + 0.001, 3600)
        kept = seen(BlockBootstrap(block=3.0, mean="kept", history=drifting), "1h").end[0].astype(float)
        assert_mean(kept, 12 * drifting.close.mean())
        gone = seen(BlockBootstrap(block=3.0, history=drifting), "1h").end[0].astype(float)
        assert_rejected(assert_mean, gone, 12 * drifting.close.mean())

    def test_refusals(self):
        with pytest.raises(ValueError, match="a block must not be longer than the history"):
            BlockBootstrap(block=500.0, history=RECORD)
        with pytest.raises(ValueError, match="block"):
            BlockBootstrap(block=0.5, history=RECORD)


class TestReplay:
    def test_all_paths_are_the_record(self):
        model = Replay(start="7", scale=2.0, history=RECORD)
        price = simulate(model, n_paths=16, horizon="10h", step="1h", seed=1).price.values
        expected = np.exp(2 * np.concatenate([[0], np.cumsum(RECORD.close[7:17])]))
        np.testing.assert_allclose(price, np.broadcast_to(expected, price.shape), rtol=2e-6)

    @pytest.mark.parametrize("step", ["1h", "15min"])
    def test_lows_and_highs_are_reached(self, step):
        found = watch(Replay(history=RECORD), horizons=["50h"], step=step, n_paths=8, seed=1)
        before = np.concatenate([[0], np.cumsum(RECORD.close)])[:50]
        assert found.low[0, 0] == pytest.approx((before + RECORD.rows[:50, LOW]).min(), abs=1e-6)
        assert found.high[0, 0] == pytest.approx((before + RECORD.rows[:50, HIGH]).max(), abs=1e-6)

    def test_order_within_a_bar(self):
        """A bar that closes up visits its low first: from there to the high a level between lies on the way up."""
        up = History.of([[0.0, 0.03, -0.02, 0.01]] * 3, 3600)
        price = np.log(simulate(Replay(history=up), n_paths=1, horizon="1h", step="20min", seed=1).price.values[0])
        np.testing.assert_allclose(price, [0, -0.02, 0.03, 0.01], atol=1e-6)
        down = History.of([[0.0, 0.03, -0.02, -0.01]] * 3, 3600)
        price = np.log(simulate(Replay(history=down), n_paths=1, horizon="1h", step="20min", seed=1).price.values[0])
        np.testing.assert_allclose(price, [0, 0.03, -0.02, -0.01], atol=1e-6)

    def test_gap_is_a_jump_and_missing_bars_stand_still(self):
        rows = [[0.0, 0.01, -0.01, 0.005], [-0.1, -0.09, -0.12, -0.1], [0.0, 0.01, -0.01, 0.0]]
        holed = History.of(rows, 3600, [0, 3600, 3600 * 4, 3600 * 5])  # two bars are missing before the second
        model = Replay(history=holed)
        assert model.bars == 5
        price = np.log(simulate(model, n_paths=1, horizon="5h", step="1h", seed=1).price.values[0])
        np.testing.assert_allclose(price, [0, 0.005, 0.005, 0.005, -0.095, -0.095], atol=1e-6)
        assert model.jumps_per_step(HOUR) == pytest.approx(1 / 5)
        coefficients = model.coefficients(HOUR)
        np.testing.assert_allclose(coefficients.gap, [0, 0, 0, -0.1, 0], atol=1e-7)

    def test_start_by_a_stamp(self):
        stamped = History.of(RECORD.rows, 3600, 1_700_000_000 // 3600 * 3600 + 3600 * np.arange(401))
        by_number = Replay(start="5", history=stamped)
        assert Replay(start="2023-11-15T04:00:00Z", history=stamped).first == by_number.first
        assert Replay(start="2023-11-15T05:00:00+01:00", history=stamped).first == by_number.first

    @pytest.mark.parametrize(
        "start, message",
        [
            ("400", "start lies outside the record"),
            ("2023-11-15T04:00:00", "zone is missing"),
            ("1999-01-01T00:00:00Z", "no bar of the record opens then: it runs from 1970-01-01T01:00:00Z"),
            ("noon", "a date and time, or a bar's number"),
        ],
    )
    def test_starts_that_are_refused(self, start, message):
        with pytest.raises(ValueError, match=message):
            Replay(start=start, history=RECORD)

    def test_end_of_the_record(self):
        """To its end, and not a step further."""
        model = Replay(start="390", history=RECORD)
        simulate(model, n_paths=8, horizon="10h", step="1h", seed=1)
        for call in (
            lambda: simulate(model, n_paths=8, horizon="11h", step="1h", seed=1),
            lambda: first_passage(model, barriers=[0.9], horizons=["11h"], step="1h", n_paths=8, seed=1),
        ):
            with pytest.raises(InputError, match="the record ends 10h after its start.*Take a shorter horizon"):
                call()


class TestScaledHistorical:
    def test_averages_by_a_naive_loop(self):
        q = RECORD.variances()
        one, found = q.mean(), []
        for value in q:
            one += (1 - 0.5 ** (1 / 8)) * (value - one)
            found.append(one)
        np.testing.assert_allclose(averages(q, ("8h",), 3600)[:, 0], found, rtol=1e-10)

    def test_first_block_by_a_naive_loop(self):
        """Every start of the history with its own scale: mean and quantiles of end and low of the first block."""
        bars, span = SCALED.history, SCALED.block_bars
        known = averages(bars.variances(), SCALED.half_lives, 3600)
        mean, _ = SCALED.centre()
        sigma = np.sqrt(SCALED.forecasts(known))
        ends, lows = [], []
        for before in range(len(bars.rows) - span):
            scale = np.sqrt(SCALED.forecasts(SCALED.tonight())) / sigma[before]
            rows = scale * bars.rows[before + 1 : before + 1 + span]
            start = np.concatenate([[0], np.cumsum(rows[:, CLOSE] - scale * mean)])
            ends.append(start[-1])
            lows.append((start[:-1] + rows[:, LOW]).min())
        found = seen(SCALED, "1h", "6h")
        _, level = SCALED.centre()
        convexity = float(SCALED.forecasts(SCALED.tonight())) * level * 6 * HOUR / 2
        end, low = found.end[0] + convexity, found.low[0] + convexity / 2
        assert_mean(end, np.mean(ends))
        for probability in (0.1, 0.2, 0.5):
            for simulated, exact in ((end, ends), (low, lows)):
                place = np.quantile(exact, probability)
                assert_proportion(int((simulated <= place).sum()), N, float(np.mean(exact <= place)), slack=0.002)
                wrong = float(np.mean(np.array(exact) * 1.15 <= place))
                if probability < 0.5:
                    assert_rejected(assert_proportion, int((simulated <= place).sum()), N, wrong, slack=0.002)

    def test_tonight_scales_everything(self):
        """Averages four times as high: volatility twice as high where the weights sum to one."""
        tonight = SCALED.tonight()
        calm, wild = (SCALED.model_copy(update={"averages": tuple(k * tonight)}) for k in (1.0, 4.0))
        ratio = seen(wild, "1h", "6h").end[0].std() / seen(calm, "1h", "6h").end[0].std()
        assert ratio == pytest.approx(2, rel=0.02)

    def test_own_bars_feed_the_averages(self):
        """Blocks of a bar: after a path's own large moves its variance is higher."""
        short = SCALED.model_copy(update={"block": "1h"})
        found = simulate(short, n_paths=4096, horizon="6h", step="1h", seed=2)
        size = np.abs(np.diff(np.log(found.price.values.astype(float)), axis=1)).sum(axis=1)
        assert np.corrcoef(size, found.variance.values[:, -1])[0, 1] > 0.5
        # the twin: the first variance is the same for all
        assert found.variance.values[:, 0].std() < 1e-6 * found.variance.values[:, 0].mean()

    @pytest.mark.parametrize(
        "changes, message",
        [
            ({"weights": (1.0,)}, "one weight and one average for each half-life"),
            ({"averages": (1e-4,)}, "one weight and one average for each half-life"),
            ({"block": "90min"}, "a whole number of bars"),
            ({"block": "100D"}, "shorter than a block"),
            ({"half_lives": ("8h", "3 days")}, "a duration is"),
        ],
    )
    def test_refusals(self, changes, message):
        with pytest.raises(ValueError, match=message):
            ScaledHistorical(**{**dict(SCALED), **changes})


def test_gaps_are_left_out_of_draws():
    """The row that spans missing bars is a move over an unknown time."""
    holed = History.of([[0.01], [0.5], [-0.01]], 3600, [0, 3600, 3600 * 9, 3600 * 10])
    assert list(holed.without_gaps().close) == [0.01, -0.01]
    assert BlockBootstrap(block=1.0, history=holed).coefficients(HOUR).played.move.shape == (2,)


def test_parkinson():
    """Variance from the range of Brownian bars (seed 5, 2,000 bars of 400 steps): 1 within 4 errors and its bias."""
    inside = np.cumsum(np.random.default_rng(5).standard_normal((2000, 400)) / 20, axis=1)
    rows = np.column_stack(
        [inside[:, 0] * 0, np.maximum(inside.max(1), 0), np.minimum(inside.min(1), 0), inside[:, -1]]
    )
    q = History.of(rows, 3600).variances()
    assert_mean(q, 1.0, z=4, slack=0.1)  # 400 steps do not see all of the range
    assert q.std() < 0.75  # squared returns: 1.41
    assert rows[:, OPEN].max() == 0
