"""One model of each kind with parameters of a crypto asset, as a study would give them."""

import numpy as np

from stresslab.models import (
    EGARCH,
    FIGARCH,
    GARCH,
    GBM,
    GJR,
    MODELS,
    SABR,
    SVJJ,
    Bates,
    BlockBootstrap,
    FilteredHistorical,
    Hawkes,
    Heston,
    Kou,
    Merton,
    RegimeSwitching,
    Replay,
    RoughBergomi,
    RoughHeston,
    ScaledHistorical,
)
from stresslab.models.base import Parameters
from stresslab.models.history import History

EXAMPLES: dict[str, Parameters] = {
    "gbm": GBM(sigma=0.8, mu=0.3),
    "merton": Merton(sigma=0.5, jump_intensity=25.0, jump_mean=-0.05, jump_std=0.08, mu=0.3),
    "kou": Kou(sigma=0.5, jump_intensity=25.0, up_probability=0.4, eta_up=25.0, eta_down=15.0, mu=0.3),
    "heston": Heston(v0=1.0, kappa=10.0, theta=0.6, xi=4.0, rho=-0.3, mu=0.3),
    "bates": Bates(
        v0=1.0, kappa=10.0, theta=0.6, xi=4.0, rho=-0.3, jump_intensity=25.0, jump_mean=-0.05, jump_std=0.08, mu=0.3
    ),
    "svjj": SVJJ(
        v0=1.0,
        kappa=10.0,
        theta=0.6,
        xi=4.0,
        rho=-0.3,
        jump_intensity=25.0,
        jump_mean=-0.02,
        jump_std=0.06,
        variance_jump_mean=0.4,
        jump_correlation=-0.1,
        mu=0.3,
    ),
    "regime_switching": RegimeSwitching(
        sigmas=(0.4, 0.8, 1.5),
        generator=((-14.0, 12.0, 2.0), (30.0, -50.0, 20.0), (10.0, 60.0, -70.0)),
        initial_state=(0.7, 0.2, 0.1),
        jump_intensities=(5.0, 20.0, 80.0),
        jump_means=(0.0, -0.02, -0.03),
        jump_stds=(0.03, 0.04, 0.05),
        mu=0.3,
    ),
    "hawkes": Hawkes(
        sigma=0.5,
        base_intensity=20.0,
        excitation=120.0,
        decay=200.0,
        jump_mean=-0.01,
        jump_std=0.03,
        initial_intensity=30.0,
        mu=0.3,
    ),
}
# some days of hourly bars: seed 1, open to close four moves of 0.6 % each
_MOVES = np.cumsum(np.random.default_rng(1).standard_normal((96, 4)) * 0.006, axis=1)
_BARS = np.column_stack([0 * _MOVES[:, 0], np.maximum(_MOVES.max(1), 0), np.minimum(_MOVES.min(1), 0), _MOVES[:, 3]])
HISTORY = History.of(_BARS, 3600)
EXAMPLES |= {
    "garch": GARCH(omega=1e-6, alpha=0.1, beta=0.88, bar="1h", h0=1e-4, mu=0.3),
    "gjr": GJR(omega=1e-6, alpha=0.05, gamma=0.1, beta=0.88, bar="1h", innovation="student_t", nu=5.0, mu=0.3),
    "egarch": EGARCH(
        omega=-0.2, alpha=0.15, gamma=-0.05, beta=0.98, bar="1h", innovation="skewed_t", nu=5.0, skew=-0.1, mu=0.3
    ),
    "figarch": FIGARCH(omega=1e-6, phi=0.2, d=0.4, beta=0.5, bar="1h", h0=1e-4, mu=0.3),
    "filtered_historical": FilteredHistorical(
        omega=2e-6, alpha=0.1, gamma=0.05, beta=0.8, h0=1e-4, block=4.0, history=HISTORY, mu=0.3
    ),
    "block_bootstrap": BlockBootstrap(block=8.0, history=HISTORY, mu=0.3),
    "replay": Replay(start="5", scale=1.5, history=History.of(np.tile(_BARS, (2, 1)), 3600), mu=0.3),
    "scaled_historical": ScaledHistorical(
        constant=3.0, weights=(0.6, 0.4), half_lives=("8h", "3D"), averages=(6e-5, 4e-5), history=HISTORY, mu=0.3
    ),
}
EXAMPLES |= {"sabr": SABR(alpha=0.8, beta=0.5, rho=-0.3, nu=1.5, mu=0.3)}
EXAMPLES |= {"rough_bergomi": RoughBergomi(hurst=0.1, eta=1.5, rho=-0.5, forward_variance=0.49, mu=0.3)}
EXAMPLES |= {"rough_heston": RoughHeston(hurst=0.1, v0=0.4, kappa=1.0, theta=0.36, xi=1.2, rho=-0.5, mu=0.3)}

assert set(EXAMPLES) == set(MODELS), "a model of the registry has no example here"
