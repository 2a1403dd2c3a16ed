"""Hourly returns with a rough volatility, in plain NumPy from the equation, independently of the package's models."""

import numpy as np
from calibrate.price_histories import YEAR


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
