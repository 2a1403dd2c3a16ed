"""Hawkes jump diffusion: each jump makes further ones likelier, for a while.

    dx = (mu - sigma^2/2 - l (E[e^J] - 1)) dt + sigma dW + J dN        J ~ Normal(jump_mean, jump_std^2)
    dl = decay (base - l) dt + excitation dN                           l: the intensity of N

Time in years, intensities in jumps per year, excitation in jumps per year added by a jump, jump sizes in log price.
excitation / decay is the branching ratio, the mean number of jumps that a jump sets off. Compensated by the path's own
intensity, mu is the growth rate of E[price]; without, the term with l is left out and mu is that of the diffusion.
Scheme: exact. The wait for the next jump is the shorter one of two exponential waits, one for the base and one for what
is left of the excitation: Dassios and Zhao (2013), "Exact simulation of Hawkes process with exponentially decaying
intensity", algorithm 3.1. A step has a few slots for jumps; a path that used them all stops its clock at the last one
and makes up for the rest in the next step, so that no jump is lost: fewer than once in 10^5 steps while the intensity
is four standard deviations above its mean, and far less often else.
"""

import math
from typing import Any, Literal, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from pydantic import Field, model_validator
from scipy import stats
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from stresslab.models import jumps
from stresslab.models.base import Diffusion, Jump, Layout, NonNegative, Parameters, Piece, Positive, State
from stresslab.random import exponential, normal

MOST_SLOTS, MOST_JUMPS_EXPECTED = 5, 0.26  # P(Poisson(0.26) >= 5) < 1e-5
_ALL_USED = 1e-5
_NEVER = np.float32(1e30)  # steps


class Coefficients(NamedTuple):
    """Of one step: what a step has of log drift, variance, base intensity, decay; the inverse of the base's and of an
    intensity's expected jumps; the jump's law, and its growth where it is compensated.
    """

    slots: np.ndarray  # of this length, without content
    drift: np.float32
    variance: np.float32
    base: np.float32
    base_wait: np.float32
    decay: np.float32
    dt: np.float32
    base_intensity: np.float32
    excitation: np.float32
    jump_mean: np.float32
    jump_std: np.float32
    growth: np.float32


class Memory(NamedTuple):
    """Intensity, jumps per year, and by how much of a step the path is behind."""

    intensity: Any
    behind: Any


class Hawkes(Parameters):
    """Jump diffusion whose jumps excite themselves."""

    kind: Literal["hawkes"] = "hawkes"
    sigma: Positive = Field(description="volatility of the diffusion, 1/sqrt(year)")
    base_intensity: Positive = Field(description="expected jumps that no jump set off, 1/year")
    excitation: NonNegative = Field(description="intensity that a jump adds, 1/year; below decay")
    decay: Positive = Field(description="rate at which added intensity fades, 1/year")
    jump_mean: float = Field(description="mean of a jump in log price")
    jump_std: NonNegative = Field(description="standard deviation of a jump in log price")
    initial_intensity: Positive | None = Field(
        None, description="intensity now, 1/year, at least the base; its long-run mean if left out"
    )
    compensated: bool = Field(True, description="whether mu counts the jumps: growth of E[price], or of the diffusion")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    @model_validator(mode="after")
    def _settles(self) -> Self:
        if self.excitation >= self.decay:
            raise ValueError("excitation must be below decay: each jump would set off one more or more, without end")
        if self.initial_intensity is not None and self.initial_intensity < self.base_intensity:
            raise ValueError("initial_intensity must be at least base_intensity: what jumps add never falls below it")
        jumps.check_normal(self.jump_mean, self.jump_std)
        return self

    @property
    def mean_intensity(self) -> float:
        """In the long run, 1/year."""
        return self.base_intensity * self.decay / (self.decay - self.excitation)

    @property
    def start(self) -> float:
        """Intensity at time 0, 1/year."""
        return self.mean_intensity if self.initial_intensity is None else self.initial_intensity

    @property
    def busy_intensity(self) -> float:
        """Rarely exceeded: four stationary standard deviations above the mean or the start, 1/year."""
        deviation = self.excitation * math.sqrt(self.mean_intensity / (2 * (self.decay - self.excitation)))
        return max(self.mean_intensity, self.start) + 4 * deviation

    def step_limits(self) -> dict[str, float]:
        """A step short enough that the slots hold its jumps at high intensity, by the largest of the three rates."""
        rates = {name: getattr(self, name) for name in ("base_intensity", "excitation", "initial_intensity")}
        largest = max(rates, key=lambda name: rates[name] or 0.0)
        return {largest: MOST_JUMPS_EXPECTED / self._most(MOST_SLOTS)}

    def layout(self, dt: float) -> Layout:
        fitting = (n for n in range(1, MOST_SLOTS) if stats.poisson.sf(n - 1, self._most(n) * dt) < _ALL_USED)
        slots = next(fitting, MOST_SLOTS)
        return Layout(normals=2 * slots + 1, others=2 * slots, jumps=slots)

    def growths(self) -> dict[str, float]:
        jumping = 0.0 if self.compensated else self.mean_intensity * self.jump_growth
        return {"mu": self.mu, "compensated": jumping}

    def jumps_per_step(self, dt: float) -> float:
        return self.busy_intensity * dt

    @property
    def jump_growth(self) -> float:
        """E[e^J] - 1."""
        return jumps.normal_growth(self.jump_mean, self.jump_std)

    def coefficients(self, dt: float) -> Coefficients:
        base = self.base_intensity * dt
        numbers = (
            *((self.mu - self.sigma**2 / 2) * dt, self.sigma**2 * dt, base, 1 / base, self.decay * dt, dt),
            *(self.base_intensity, self.excitation, self.jump_mean, self.jump_std),
            self.jump_growth * self.compensated,
        )
        return Coefficients(np.zeros(self.layout(dt).jumps, np.float32), *map(np.float32, numbers))

    def init(self, n_paths: int) -> State:
        zero = np.zeros((1, n_paths), np.float32)
        variance = np.full((1, n_paths), self.sigma**2, np.float32)
        return State(zero, variance, Memory(np.full((1, n_paths), self.start, np.float32), zero))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, slots = coefficients, coefficients.slots.shape[0]
        between, size_words = words[: slots + 1], words[slots + 1 : 2 * slots + 1]
        base_words, excited_words = words[2 * slots + 1 : 3 * slots + 1], words[3 * slots + 1 :]
        excess, left = state.memory.intensity - c.base_intensity, np.float32(1) + state.memory.behind
        given = tuple(jnp.stack(words) for words in (between[:slots], size_words, base_words, excited_words))

        def slot(carry: tuple[Any, Any, Any], drawn: tuple[Array, ...]) -> tuple[tuple[Any, Any, Any], Any]:
            excess, left, _ = carry
            between_word, size_word, base_word, excited_word = drawn
            wait = _wait(c, excess, base_word, excited_word)
            happens, span = wait < left, jnp.minimum(wait, left)
            diffusion, excess = _between(c, excess, span, between_word)
            size = jnp.where(happens, c.jump_mean + c.jump_std * normal(size_word), np.float32(0))
            excess = jnp.where(happens, excess + c.excitation, excess)
            return (excess, left - span, happens), (diffusion.move, diffusion.variance, size)

        # a loop, though it is short: unrolled, XLA works out all earlier slots anew for each piece
        (excess, left, happens), parts = lax.scan(slot, (excess, left, left < np.float32(0)), given)
        pieces = [piece for n in range(slots) for piece in (Diffusion(parts[0][n], parts[1][n]), Jump(parts[2][n]))]
        behind = jnp.where(happens, left, np.float32(0))
        diffusion, excess = _between(c, excess, left - behind, between[slots])
        return state._replace(memory=Memory(c.base_intensity + excess, behind)), (*pieces, diffusion)

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        """Affine in the intensity: Errais, Giesecke and Goldberg (2010), "Affine point processes and portfolio credit
        risk", proposition 2.2; the Riccati equation B' = -decay B + E[e^(iuJ + excitation B)] - 1 is integrated
        numerically.
        """
        flat = np.atleast_1d(np.asarray(u, complex)).ravel()
        size = jumps.normal_transform(flat, self.jump_mean, self.jump_std)
        compensator = 1j * flat * self.jump_growth * self.compensated

        def slope(_: float, y: np.ndarray) -> np.ndarray:
            b = y[: flat.size]
            rise = -self.decay * b + size * np.exp(self.excitation * b) - 1 - compensator
            return np.concatenate([rise, self.decay * self.base_intensity * b])

        found = solve_ivp(slope, (0, t), np.zeros(2 * flat.size, complex), method="DOP853", rtol=1e-10, atol=1e-13)
        b, a = np.split(found.y[:, -1], 2)
        diffusion = 1j * flat * (self.mu - self.sigma**2 / 2) - flat * flat * self.sigma**2 / 2
        return np.exp(diffusion * t + a + b * self.start).reshape(np.shape(u))

    def count_moments(self, t: float) -> tuple[float, float]:
        """Mean and variance of the number of jumps in t years: their linear equations, solved by an exponential.

        With m = E[l]: m' = decay base - k m, k = decay - excitation; Var[l]' = -2 k Var[l] + excitation^2 m;
        Cov[l, N]' = -k Cov + Var[l] + excitation m; Var[N]' = 2 Cov + m; E[N]' = m.
        """
        k, jump = self.decay - self.excitation, self.excitation
        equations = np.zeros((6, 6))  # of 1, m, Var[l], Cov[l, N], Var[N], E[N]
        equations[1, :2] = self.decay * self.base_intensity, -k
        equations[2, 1:3] = jump**2, -2 * k
        equations[3, 1:4] = jump, 1, -k
        equations[4, 1:4] = 1, 0, 2
        equations[5, 1] = 1
        after = expm(equations * t) @ np.array([1, self.start, 0, 0, 0, 0])
        return float(after[5]), float(after[4])

    def no_jump_probability(self, t: float) -> float:
        """P(no jump within t years)."""
        excess = (self.start - self.base_intensity) * -math.expm1(-self.decay * t) / self.decay
        return math.exp(-self.base_intensity * t - excess)

    def _most(self, slots: int) -> float:
        """Intensity of a busy time after so many more jumps, 1/year."""
        return self.busy_intensity + slots * self.excitation


def _wait(c: Coefficients, excess: Array, base_word: Array, excited_word: Array) -> Array:
    """Steps until the next jump; the excitation may fade before it sets one off."""
    spent = c.decay * exponential(excited_word) / (c.dt * excess)
    excited = jnp.where(spent < np.float32(1), -jnp.log1p(-jnp.minimum(spent, np.float32(0.9999999))) / c.decay, _NEVER)
    return jnp.minimum(c.base_wait * exponential(base_word), excited)


def _between(c: Coefficients, excess: Array, span: Array, word: Array) -> tuple[Diffusion, Array]:
    """The diffusion over `span` steps without a jump, and the excess intensity after it."""
    faded = -jnp.expm1(-c.decay * span)
    expected = c.base * span + c.dt * excess * faded / c.decay
    variance = c.variance * span
    move = c.drift * span - c.growth * expected + jnp.sqrt(variance) * normal(word)
    return Diffusion(move, variance), excess * (np.float32(1) - faded)
