"""Simulated moves are those of `first_passage`, to the path."""

import numpy as np
import pytest

from stresslab import first_passage, random
from stresslab.backtest.baselines import Asked
from stresslab.backtest.levels import flat_levels
from stresslab.backtest.sample import read_off, simulated_moves
from stresslab.models import GBM, Heston, Merton

SIDES, LEVERAGES = ("long", "short"), (10.0, 30.0)
LEVELS = flat_levels(SIDES, LEVERAGES, 0.004)
MODELS = {
    "gbm": GBM(sigma=0.8),
    "heston": Heston(v0=0.6, kappa=3.0, theta=0.6, xi=1.5, rho=-0.4),
    "merton": Merton(sigma=0.6, jump_intensity=20.0, jump_mean=-0.02, jump_std=0.05),
}


@pytest.mark.parametrize("kind", MODELS)
def test_probabilities_are_those_of_first_passage(kind):
    asked = Asked(SIDES, LEVELS[:, :, None], (0.95,), 24, 0)
    moves = simulated_moves(MODELS[kind], 3600, 24, 4096, random.key(5, 77))
    probability, error, _ = read_off(moves, asked, 0)
    given = dict(horizons=["1D"], step="1h", n_paths=4096, seed=5, stream=77, antithetic=True)
    expected = first_passage(MODELS[kind], barriers=np.exp(LEVELS).ravel().tolist(), **given)
    np.testing.assert_allclose(probability.ravel(), expected["probability"].values[:, 0], atol=1e-12)
    np.testing.assert_allclose(error.ravel(), expected["standard_error"].values[:, 0], rtol=2e-3)


def test_value_at_risk_is_the_quantile_of_the_loss_at_the_end():
    moves = simulated_moves(MODELS["gbm"], 3600, 24, 4096, random.key(5))
    _, _, risk = read_off(moves, Asked(SIDES, LEVELS[:, :, None], (0.95, 0.99), 24, 0), 0)
    np.testing.assert_allclose(risk[0], -np.quantile(moves.end, (0.05, 0.01)), rtol=1e-5)
    np.testing.assert_allclose(risk[1], np.quantile(moves.end, (0.95, 0.99)), rtol=1e-5)
    assert np.all((moves.low <= np.minimum(moves.end, 0)) & (moves.high >= np.maximum(moves.end, 0)))
