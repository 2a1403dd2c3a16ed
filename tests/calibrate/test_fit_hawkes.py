import numpy as np
import pytest
from calibrate.jump_histories import hawkes_returns
from calibrate.price_histories import YEAR, hourly

from stresslab.calibrate import hawkes
from stresslab.calibrate.hawkes_filter import Law, seen_share, thinned, whole
from stresslab.errors import InputError
from stresslab.models import Hawkes

TRUE = {
    "sigma": 0.5,
    "base_intensity": 30.0,
    "excitation": 120.0,
    "decay": 200.0,
    "jump_mean": -0.01,
    "jump_std": 0.03,
}


@pytest.fixture(scope="module")
def history():
    """n = 87,600 hours (10 years), seed 1, of whose jumps less than half are seen; and the last intensity."""
    values, intensity = hawkes_returns(np.random.default_rng(1), 10 * YEAR, **TRUE)
    return hourly(values), intensity


@pytest.fixture(scope="module")
def fitted(history):
    return hawkes.fit(history[0])


def distance(fit, name, value):
    return (fit.parameters[name] - value) / fit.standard_errors[name]


def test_round_trip(fitted):
    """Within three of the standard errors that the fit states, bounded here; wrong values are noticed."""
    assert max(abs(distance(fitted, name, value)) for name, value in TRUE.items()) < 3
    relative = {name: fitted.standard_errors[name] / abs(TRUE[name]) for name in TRUE}
    assert relative["sigma"] < 0.01 and relative["base_intensity"] < 0.15 and relative["decay"] < 0.3
    assert relative["excitation"] < 0.25 and relative["jump_std"] < 0.06 and relative["jump_mean"] < 0.25
    for name, wrong in {"sigma": 1.05, "base_intensity": 2, "excitation": 2, "decay": 2, "jump_std": 1.3}.items():
        assert abs(distance(fitted, name, TRUE[name] * wrong)) > 3


def test_the_file_is_a_model(fitted):
    written = fitted.document("simulated")
    assert fitted.state == ("initial_intensity",)
    assert Hawkes(**written["parameters"]).initial_intensity >= written["parameters"]["base_intensity"]
    assert fitted.diagnostics.ljung_box_squares_p > 1e-4


def test_what_is_seen_of_a_thinned_process():
    """Back and forth; the mean is d of it, the covariance in time d^2, k stays."""
    law, share = Law(**TRUE), 0.45
    base, excitation, decay = thinned(law, share)
    assert whole(base * decay / (decay - excitation), excitation / decay, decay, share) == pytest.approx(
        (law.base_intensity, law.excitation, law.decay)
    )
    k = law.decay - law.excitation
    assert decay - excitation == pytest.approx(k)

    def covariance(base, excitation, decay):
        mean = base * decay / (decay - excitation)
        return excitation * mean * (2 * decay - excitation) / (2 * (decay - excitation))

    every = covariance(law.base_intensity, law.excitation, law.decay)
    assert covariance(base, excitation, decay) == pytest.approx(share**2 * every)
    assert base * decay / k == pytest.approx(share * law.base_intensity * law.decay / k)


def test_likelihood_of_times_is_the_integral(history):
    """sum log l(t_i) - integral l, the intensity written out naively and integrated on a grid of a tenth of an hour."""
    returns = hourly(history[0].values[: YEAR // 2])
    seen = hawkes.detect(returns, 0.0244)
    mean, ratio, decay = 25.0, 0.4, 150.0
    grid = (np.arange(10 * len(returns.values)) + 0.5) / 10 / YEAR

    def intensity(at):
        waits = at[:, None] - seen.times
        return mean * (1 - ratio) + ratio * decay * np.where(waits > 1e-12, np.exp(-decay * np.abs(waits)), 0).sum(1)

    expected = np.log(intensity(seen.times)).sum() - intensity(grid).sum() / 10 / YEAR
    point = np.array([np.log(mean), np.log(ratio / (1 - ratio)), np.log(decay)])
    found = float(np.sum(hawkes._time_each(point, seen.times, seen.end)))
    assert len(seen.times) > 5
    assert found == pytest.approx(expected, abs=0.05)


def test_intensity_at_the_end(history):
    """filter_state by hand, and its rise when the last hours jump."""
    returns, _ = history
    model = Hawkes(**TRUE)
    found = hawkes.filter_state(model, returns)["initial_intensity"]
    law, bound = Law(**TRUE), 4 * np.sqrt((0.25 + 75 * 0.001) / YEAR)
    share = seen_share(law, bound, 1 / YEAR)
    base, excitation, decay = thinned(law, share)
    ages = (len(returns.values) - 0.5 - np.flatnonzero(np.abs(returns.values) >= bound)) / YEAR
    by_hand = (base + excitation * np.exp(-decay * ages).sum()) / share
    assert found == pytest.approx(max(by_hand, 30.0), rel=1e-9)
    stormy = hourly(np.append(returns.values, [0.05, -0.06]))
    assert hawkes.filter_state(model, stormy)["initial_intensity"] > found + 1.5 * excitation / share


def test_filter_follows_the_true_intensity():
    """200 histories of 400 hours (seed 8): what the filter says is nearer to the truth than the mean is."""
    rng, model = np.random.default_rng(8), Hawkes(**TRUE)
    pairs = []
    for _ in range(200):
        values, truth = hawkes_returns(rng, 400, **TRUE)
        pairs.append((hawkes.filter_state(model, hourly(values))["initial_intensity"], truth))
    found, truth = np.array(pairs).T
    assert np.mean((found - truth) ** 2) < 0.7 * np.mean((model.mean_intensity - truth) ** 2)
    assert abs(found.mean() - truth.mean()) < 4 * (found - truth).std() / np.sqrt(200)


def test_prices_without_jumps_are_refused():
    calm = hourly(0.6 / np.sqrt(YEAR) * np.random.default_rng(4).standard_normal(20_000))
    with pytest.raises(InputError, match="at least 40 returns beyond 4 standard deviations"):
        hawkes.fit(calm)


def test_independent_jumps_are_said_to_be_so():
    """No excitation: the ratio comes out small, its error does not exclude 0, and a warning says what is not known."""
    values, _ = hawkes_returns(
        np.random.default_rng(2), 6 * YEAR, **{**TRUE, "excitation": 0.0, "base_intensity": 60.0}
    )
    fit = hawkes.fit(hourly(values))
    assert fit.parameters["excitation"] < 0.3 * fit.parameters["decay"]
    assert any("excitation" in words or "decay" in words for words in fit.warnings)


@pytest.mark.slow
def test_standard_errors_are_the_spread_of_estimates():
    """24 histories of 10 years (seed 9): spread over stated error is 1, known to 1 / sqrt(48) = 14 %."""
    rng = np.random.default_rng(9)
    fits = [hawkes.fit(hourly(hawkes_returns(rng, 10 * YEAR, **TRUE)[0])) for _ in range(24)]
    for name in ("base_intensity", "excitation", "decay", "jump_mean", "jump_std"):
        spread = np.std([fit.parameters[name] for fit in fits], ddof=1)
        stated = np.median([fit.standard_errors[name] for fit in fits])
        assert 0.6 < stated / spread < 1.9
