"""Hourly returns of Kou, regimes and Hawkes jumps, in plain NumPy, event by event, independently of the package."""

import numpy as np
from calibrate.price_histories import YEAR


def kou_returns(rng, n, sigma, jump_intensity, up_probability, eta_up, eta_down):
    growth = up_probability / (eta_up - 1) - (1 - up_probability) / (eta_down + 1)
    drift = -(sigma**2) / 2 - jump_intensity * growth
    counts = rng.poisson(jump_intensity / YEAR, n)
    up = rng.binomial(counts, up_probability)
    tiny = 1e-300  # a gamma law of shape 0 is 0
    moved = rng.gamma(up + tiny) / eta_up - rng.gamma(counts - up + tiny) / eta_down
    return drift / YEAR + sigma / np.sqrt(YEAR) * rng.standard_normal(n) + moved


def regime_returns(rng, n, sigmas, generator):
    """Switches at their exact times inside an hour; the chain starts in state 0. Also the last state."""
    rates, state, variances = np.array(generator), 0, np.zeros(n)
    for hour in range(n):
        left = 1 / YEAR
        while True:
            wait = min(rng.exponential(-1 / rates[state, state]), left)
            variances[hour] += sigmas[state] ** 2 * wait
            left -= wait
            if left <= 0:
                break
            weights = np.where(np.arange(len(rates)) == state, 0, rates[state])
            state = int(rng.choice(len(rates), p=weights / weights.sum()))
    return -variances / 2 + np.sqrt(variances) * rng.standard_normal(n), state


def hawkes_returns(rng, n, sigma, base_intensity, excitation, decay, jump_mean, jump_std):
    """By thinning (Ogata 1981), from the long-run mean. Also the last intensity."""
    intensity, t, jumps = base_intensity * decay / (decay - excitation), 0.0, np.zeros(n)
    while True:
        wait = rng.exponential(1 / intensity)
        if t + wait >= n / YEAR:
            last = base_intensity + (intensity - base_intensity) * np.exp(-decay * (n / YEAR - t))
            return -(sigma**2) / 2 / YEAR + sigma / np.sqrt(YEAR) * rng.standard_normal(n) + jumps, last
        t += wait
        now = base_intensity + (intensity - base_intensity) * np.exp(-decay * wait)
        if rng.random() < now / intensity:
            jumps[int(t * YEAR)] += jump_mean + jump_std * rng.standard_normal()
            now += excitation
        intensity = now
