"""Hourly returns with a rough volatility, in plain NumPy from the equation, independently of the package's models."""

import numpy as np
from calibrate.price_histories import YEAR
from scipy.special import gamma


def rough_bergomi_returns(rng, n_hours, n_paths, hurst, eta, rho, level):
    """(hour, path) and the last variances: Riemann-Liouville kernel by convolution, each hour's weight the root mean
    square of the kernel over it; started a year before the first return.
    """
    dt, total = 1 / YEAR, n_hours + YEAR
    edges = np.arange(total + 1) * dt
    weights = np.sqrt(np.diff(edges ** (2 * hurst)))  # of standard normals: squares add up to t^(2 H)
    noise = rng.standard_normal((total, n_paths))
    size = 2 * total
    kernel = np.fft.rfft(weights, size)[:, None]
    y = np.fft.irfft(kernel * np.fft.rfft(noise, size, axis=0), size, axis=0)[:total]
    # the variance of hour i is known at its beginning: it holds the noise before it
    y = np.vstack([np.zeros(n_paths), y[:-1]])
    log_variance = np.log(level) + eta * y - eta**2 / 2 * edges[:-1, None] ** (2 * hurst)
    variance = np.exp(log_variance)
    price = rho * noise + np.sqrt(1 - rho**2) * rng.standard_normal((total, n_paths))
    returns = np.sqrt(variance * dt) * price - variance * dt / 2
    return returns[YEAR:], variance[-1]


def rough_heston_returns(rng, n_hours, n_paths, hurst, kappa, theta, xi, rho):
    """(hour, path) and the last variances: the kernel as a sum of exponentials, implicit Euler, truncated at 0; started
    a year before the first return.
    """
    dt, power = 1 / YEAR, hurst + 0.5
    edges = np.geomspace(1e-3, 1e7, 71)
    factor = gamma(power) * gamma(1 - power)
    weights = np.diff(edges ** (1 - power)) / (1 - power) / factor
    rates = np.diff(edges ** (2 - power)) / (2 - power) / factor / weights
    damp = (1 / (1 + rates * dt))[:, None]
    factors = np.zeros((len(rates), n_paths))
    returns = np.empty((n_hours + YEAR, n_paths))
    for hour in range(len(returns)):
        variance = np.maximum(theta + weights @ factors, 0)
        first, second = rng.standard_normal((2, n_paths)) * np.sqrt(variance * dt)
        returns[hour] = rho * first + np.sqrt(1 - rho**2) * second - variance * dt / 2
        factors = damp * (factors + kappa * (theta - variance) * dt + xi * first)
    return returns[YEAR:], variance
