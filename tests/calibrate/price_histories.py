"""Histories with known parameters, made in plain NumPy from the models' equations, independently of the package's
models."""

import numpy as np

from stresslab.calibrate import Returns

HOUR, YEAR = 3600, 8760
START = 18_000 * 86_400  # a midnight


def hourly(values: np.ndarray) -> Returns:
    """Consecutive hourly returns, the first of them over the first hour of a day."""
    stamps = START + HOUR * np.arange(len(values))
    return Returns(stamps, np.asarray(values, float), HOUR, 0, len(values) + 1, START - HOUR, int(stamps[-1]))


def merton_returns(rng, n, sigma, jump_intensity, jump_mean, jump_std):
    drift = -(sigma**2) / 2 - jump_intensity * (np.exp(jump_mean + jump_std**2 / 2) - 1)
    jumps = rng.poisson(jump_intensity / YEAR, n)
    moved = jumps * jump_mean + np.sqrt(jumps) * jump_std * rng.standard_normal(n)
    return drift / YEAR + sigma / np.sqrt(YEAR) * rng.standard_normal(n) + moved


def heston_returns(rng, n_hours, n_paths, kappa, theta, xi, rho):
    """Hourly returns (hour, path) and the last variances: full-truncation Euler from the stationary law."""
    dt = 1 / YEAR
    variance = rng.gamma(2 * kappa * theta / xi**2, xi**2 / (2 * kappa), n_paths)
    returns = np.empty((n_hours, n_paths))
    for hour in range(n_hours):
        first, second = rng.standard_normal((2, n_paths))
        known = np.maximum(variance, 0)
        spread = np.sqrt(known * dt)
        returns[hour] = spread * first - known * dt / 2
        variance = variance + kappa * (theta - known) * dt + xi * spread * (rho * first + np.sqrt(1 - rho**2) * second)
    return returns, np.maximum(variance, 0)
