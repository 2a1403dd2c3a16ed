"""SABR: stochastic alpha, beta, rho (Hagan, Kumar, Lesniewski and Woodward 2002), absorbed at 0.

    dF = alpha_t F^beta dW,  dalpha = nu alpha dZ,  corr(dW, dZ) = rho,  S_t = F_t exp(mu t)
    beta = 1:  dx = (mu - alpha_t^2/2) dt + alpha_t dW,        x = log(S / S_0)

Time in years; alpha in price^(1 - beta) per square root of a year, for a price in its own units; nu per square root of
a year. Scheme: alpha is exact, and so is the part of the noise that goes with it, int alpha dZ = (alpha_1 - alpha_0) /
nu (Islah 2009). What is left is Gaussian given the integrated variance, for which the trapezoid rule stands (error
nu^4 dt^2 / 12). With beta < 1 this noise moves q = F^(1 - beta), whose volatility does not depend on the price: dq =
(1 - beta) (alpha dW - beta alpha^2 dt / (2 q)), with a drift that keeps the mean of F to the third order. Where the
step's relative variance passes PSI_SWITCH, near 0, the price is drawn from the mean-preserving mixture with a mass at 0
of Andersen (2008, eqs. 23-30). An absorbed price stays: it is 1e-30 of the price before, and no longer moves.
Bias at the longest step, 2^20 paths: BENCHOP's second set (beta 0.5, ten years) 0.03930 +-
0.00013 for 0.03929; calls at nu = 0 within 2e-4 of spot, probabilities of absorption within 3 %.
"""

from typing import Annotated, Literal, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field

from stresslab.models.base import Correlation, Diffusion, Layout, Parameters, Piece, Positive, State
from stresslab.random import normal, normal_survival

PSI_SWITCH = np.float32(0.1)  # relative variance of a step from which on the price is close to 0
PSI_EXPONENTIAL = np.float32(1.5)  # Andersen's switch between the quadratic and the exponential scheme
FALL = np.float32(np.log(1e-30))  # the log return of a price that is absorbed
TINY = np.float32(1e-30)
ALMOST_ALL = np.float32(-0.999999)  # of q, lost in a step: it has reached 0
LOWEST = 1e-12  # of spot: what is below counts as absorbed


class Coefficients(NamedTuple):
    """Of one step; `c` = 1 - beta."""

    deviation: np.float32  # of log alpha
    log_drift: np.float32  # of log alpha
    rho: np.float32
    rho_over_nu: np.float32
    rest: np.float32  # sqrt(1 - rho^2)
    half_dt: np.float32
    mean_dt: np.float32  # E[int alpha^2 dt] / alpha^2
    drift: np.float32
    c: np.float32
    curve: np.float32  # of the drift of q
    lowest: np.float32  # of q


class SABR(Parameters):
    """Lognormal volatility of a price with constant elasticity of variance."""

    kind: Literal["sabr"] = "sabr"
    alpha: Positive = Field(description="volatility now, price^(1 - beta)/sqrt(year)")
    beta: Annotated[float, Field(ge=0, le=1)] = Field(description="elasticity: 1 lognormal, 0 normal")
    rho: Correlation = Field(description="correlation of price and volatility")
    nu: Positive = Field(description="volatility of alpha, 1/sqrt(year)")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    has_variance = True
    has_characteristic_function = False

    def step_limits(self) -> dict[str, float]:
        """The integrated variance is one trapezoid; with beta < 1 the price's own drift is held for a step too."""
        smooth = {"nu": 0.01 / self.nu**2}
        return smooth if self.beta == 1 else {**smooth, "alpha": 0.02 / self.alpha**2}

    def at_spot(self, spot: float) -> Self:
        return self.model_copy(update={"alpha": self.alpha * spot ** (self.beta - 1)})

    def layout(self, dt: float) -> Layout:
        return Layout(normals=2, others=0)

    def price_loadings(self, dt: float) -> np.ndarray:
        return np.array([[np.sqrt(1 - self.rho**2), self.rho]])

    def coefficients(self, dt: float) -> Coefficients:
        c = 1 - self.beta
        values = (
            self.nu * np.sqrt(dt),
            -(self.nu**2) * dt / 2,
            self.rho,
            self.rho / self.nu,
            np.sqrt(1 - self.rho**2),
            dt / 2,
            np.expm1(self.nu**2 * dt) / self.nu**2,
            self.mu * dt,
            c,
            self.beta * (3 * self.beta - 2) * (self.beta - 1) / 8,
            LOWEST**c,
        )
        return Coefficients(*map(np.float32, values))

    def init(self, n_paths: int) -> State:
        """With beta < 1 the memory is q = F^(1 - beta) relative to now, 0 once the price is absorbed."""
        memory = () if self.beta == 1 else np.ones((1, n_paths), np.float32)
        return State(np.zeros((1, n_paths), np.float32), np.full((1, n_paths), self.alpha**2, np.float32), memory)

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        if isinstance(state.memory, tuple):  # beta = 1
            after, integrated, noise, _ = _volatility(coefficients, state.variance, words)
            move = coefficients.drift - np.float32(0.5) * integrated + noise
            return state._replace(variance=after), (Diffusion(move, integrated),)
        alpha2 = state.variance * state.memory * state.memory
        after, integrated, noise, z = _volatility(coefficients, alpha2, words)
        q, log_return, local = _elastic_price(coefficients, state.memory, alpha2, integrated, noise, z)
        lives, lived = q > np.float32(0), state.memory > np.float32(0)
        move = jnp.where(lives, coefficients.drift + log_return, jnp.where(lived, FALL, np.float32(0)))
        variance = jnp.where(lives, after / jnp.where(lives, q * q, np.float32(1)), np.float32(0))
        return State(state.log_price, variance, q), (Diffusion(move, jnp.where(lived, local, np.float32(0))),)

    def hagan_volatility(self, forward: float, strike: np.ndarray | float, t: float) -> np.ndarray:
        """Black's implied volatility, approximately; all prices in the units of alpha."""
        return hagan_volatility(forward, strike, t, self.alpha, self.beta, self.rho, self.nu)


def _volatility(c: Coefficients, alpha2: Array, words: tuple[Array, ...]) -> tuple[Array, Array, Array, Array]:
    """alpha^2 after the step, int alpha^2 dt, int alpha dW, and the increment of W as a standard normal."""
    own, free = normal(words[1]), normal(words[0])
    growth = jnp.expm1(c.log_drift + c.deviation * own)
    after = alpha2 * (np.float32(1) + growth) * (np.float32(1) + growth)
    integrated = c.half_dt * (alpha2 + after)
    noise = c.rho_over_nu * jnp.sqrt(alpha2) * growth + c.rest * jnp.sqrt(integrated) * free
    return after, integrated, noise, c.rho * own + c.rest * free


def _elastic_price(
    c: Coefficients, q: Array, alpha2: Array, integrated: Array, noise: Array, z: Array
) -> tuple[Array, Array, Array]:
    """Of beta < 1: q after the step, 0 where the price is absorbed; the log return where not; the local variance.

    With s = `noise` / q the price is multiplied by (1 + c (s + drift))^(1 / c): the drift is that of Ito's formula, its
    part that goes with s and its square are such that the mean is 1 to the third order in s.
    """
    one, half = np.float32(1), np.float32(0.5)
    scale = one / jnp.where(q > np.float32(0), q, one)
    psi, ahead = integrated * scale * scale, c.mean_dt * alpha2 * scale * scale  # known after, and before the step
    beta = one - c.c
    drift = -half * (beta * ahead + (beta - c.c) * (psi - ahead)) - c.curve * ahead * ahead
    stretch = jnp.maximum(c.c * (noise * scale + drift), ALMOST_ALL)
    ratio = _ratio_near_zero(ahead, z)
    far = ahead < PSI_SWITCH  # a branch chosen by psi would not keep the mean
    log_return = jnp.where(far, jnp.log1p(stretch) / c.c, jnp.log(jnp.maximum(ratio, TINY)))
    factor = jnp.where(far, one + stretch, jnp.exp(c.c * log_return))
    after = q * factor
    absorbed = (after < c.lowest) | (stretch == ALMOST_ALL) & far | (ratio < TINY) & ~far
    # between its ends the price has the variance of its geometric mean
    local = jnp.where(far, psi / jnp.maximum(factor, half), psi)
    return jnp.where(absorbed, np.float32(0), after), log_return, local


def _ratio_near_zero(psi: Array, z: Array) -> Array:
    """F_1 / F_0 of mean 1 and variance psi, from a standard normal."""
    two_over_psi = np.float32(2) / jnp.clip(psi, PSI_SWITCH, PSI_EXPONENTIAL)
    b2 = two_over_psi - np.float32(1) + jnp.sqrt(two_over_psi * (two_over_psi - np.float32(1)))
    root = jnp.sqrt(b2) + z
    survival, mass = normal_survival(z), np.float32(2) / (psi + np.float32(1))
    exponential = jnp.where(survival < mass, jnp.log(mass / survival) / mass, np.float32(0))
    return jnp.where(psi <= PSI_EXPONENTIAL, root * root / (np.float32(1) + b2), exponential)


def hagan_volatility(
    forward: float, strike: np.ndarray | float, t: float, alpha: float, beta: float, rho: float, nu: float
) -> np.ndarray:
    """Black's implied volatility, approximately: Hagan et al. (2002), equation 2.17 (A.69c of the original).

    An expansion in nu^2 t and in the log moneyness: good to some hundredths of a volatility point at nu^2 t < 0.1 near
    the money, wrong by whole points at nu^2 t > 1 and in far wings, where its density is negative.
    """
    log_moneyness = np.log(forward / np.asarray(strike, float))
    c = 1 - beta
    power = (forward * np.asarray(strike, float)) ** (c / 2)
    z = nu / alpha * power * log_moneyness
    root = np.sqrt(1 - 2 * rho * z + z * z)
    chi = np.log1p((root - 1 + z) / (1 - rho))
    small = np.abs(z) < 1e-6
    skew = np.where(small, 1 - rho * z / 2, z / np.where(small, 1.0, chi))
    flat = 1 + (c * log_moneyness) ** 2 / 24 + (c * log_moneyness) ** 4 / 1920
    of_time = (c * alpha / power) ** 2 / 24 + rho * beta * nu * alpha / (4 * power) + (2 - 3 * rho**2) * nu**2 / 24
    return alpha / (power * flat) * skew * (1 + of_time * t)
