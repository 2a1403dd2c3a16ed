"""Whether standardised residuals are what a model says: independent standard normals.

    Ljung-Box     Q = n (n + 2) sum over lags k of rho_k^2 / (n - k), chi-squared with LAGS degrees of freedom;
                  of z: are returns predictable; of z^2: is there clustering of volatility that the model lacks
    tails         excess kurtosis, skewness, and Jarque-Bera
    shape         Kolmogorov-Smirnov distance from the standard normal

The p-values take the parameters as known: with fitted ones they are a little too large. On many thousand bars every
model is rejected by some test; the sizes (autocorrelation, kurtosis, distance) say what matters, and are written too.
Ljung and Box (1978), "On a measure of lack of fit in time series models".
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, stats

LAGS = 20
LEVEL = 0.01  # p-values below it are called a finding
LEAST = LAGS + 2


@dataclass(frozen=True)
class Diagnostics:
    """Tests of residuals; p-values between 0 and 1."""

    residuals: int
    mean: float
    deviation: float
    ljung_box_p: float  # of z
    ljung_box_squares_p: float  # of z^2
    largest_autocorrelation: float  # of z at lags 1 .. LAGS, by size
    largest_autocorrelation_squares: float
    excess_kurtosis: float
    skewness: float
    jarque_bera_p: float
    kolmogorov_smirnov: float  # distance
    kolmogorov_smirnov_p: float

    def words(self) -> list[str]:
        """What a reader must know, one line for each question."""
        return [
            _predictability(self.ljung_box_p, self.largest_autocorrelation),
            _clustering(self.ljung_box_squares_p, self.largest_autocorrelation_squares),
            _tails(self.excess_kurtosis, self.skewness, self.jarque_bera_p),
            _shape(self.kolmogorov_smirnov, self.kolmogorov_smirnov_p, self.deviation),
        ]


def diagnose(residuals: np.ndarray) -> Diagnostics | None:
    """The tests of residuals in time order; None for fewer than can be tested."""
    z = np.asarray(residuals, float)
    z = z[np.isfinite(z)]
    if len(z) < LEAST or z.std() == 0:
        return None
    plain, squares = autocorrelations(z), autocorrelations(z * z)
    distance = stats.kstest(z, "norm")
    return Diagnostics(
        residuals=len(z),
        mean=float(z.mean()),
        deviation=float(z.std()),
        ljung_box_p=ljung_box(plain, len(z)),
        ljung_box_squares_p=ljung_box(squares, len(z)),
        largest_autocorrelation=float(plain[np.argmax(np.abs(plain))]),
        largest_autocorrelation_squares=float(squares[np.argmax(np.abs(squares))]),
        excess_kurtosis=float(stats.kurtosis(z)),
        skewness=float(stats.skew(z)),
        jarque_bera_p=float(stats.jarque_bera(z).pvalue),
        kolmogorov_smirnov=float(distance.statistic),
        kolmogorov_smirnov_p=float(distance.pvalue),
    )


def autocorrelations(values: np.ndarray, lags: int = LAGS) -> np.ndarray:
    """At lags 1 .. `lags`; 0 where nothing varies."""
    about = values - values.mean()
    length = fft.next_fast_len(len(about) + lags, real=True)  # so long that no lag wraps round
    products = fft.irfft(np.abs(fft.rfft(about, length)) ** 2, length)[: lags + 1]
    return products[1:] / (products[0] if about.any() else 1.0)


def ljung_box(correlations: np.ndarray, n: int) -> float:
    """P-value of the autocorrelations of n independent numbers being so large."""
    lags = np.arange(1, len(correlations) + 1)
    return float(stats.chi2.sf(n * (n + 2) * np.sum(correlations**2 / (n - lags)), len(correlations)))


def _p(value: float) -> str:
    return "p < 1e-6" if value < 1e-6 else f"p = {value:.2g}"


def _predictability(p: float, largest: float) -> str:
    if p >= LEVEL:
        return f"residuals are not autocorrelated (Ljung-Box, {LAGS} lags: {_p(p)})"
    return f"residuals are autocorrelated, up to {largest:+.3f} (Ljung-Box, {LAGS} lags: {_p(p)})"


def _clustering(p: float, largest: float) -> str:
    if p >= LEVEL:
        return f"their squares are not autocorrelated: no clustering of volatility is left ({_p(p)})"
    return f"clustering of volatility is left over: squares are autocorrelated, up to {largest:+.3f} ({_p(p)})"


def _tails(kurtosis: float, skewness: float, p: float) -> str:
    if p >= LEVEL:
        return f"tails are those of the model (excess kurtosis {kurtosis:.2g}, Jarque-Bera: {_p(p)})"
    size = "fatter" if kurtosis > 0 else "thinner"
    moments = f"excess kurtosis {kurtosis:.3g}, skewness {skewness:+.2g}"
    return f"tails are {size} than the model's: {moments} (Jarque-Bera: {_p(p)})"


def _shape(distance: float, p: float, deviation: float) -> str:
    agree = "agrees" if p >= LEVEL else "does not agree"
    return (
        f"the distribution {agree} with the model's (Kolmogorov-Smirnov distance {distance:.3f}, {_p(p)}; "
        f"deviation {deviation:.3f}, 1 by the model)"
    )
