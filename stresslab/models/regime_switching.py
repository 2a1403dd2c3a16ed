"""Regime switching: N states, each a Brownian motion or a jump diffusion, and a Markov chain between them.

    dx = (mu + mus_i - sigma_i^2/2 - lambda_i (E[e^J_i] - 1)) dt + sigma_i dW + J_i dN_i        in state i
    P(state i -> j within dt) = q_ij dt,        J_i ~ Normal(jump_means_i, jump_stds_i^2)

Time in years, sigma per square root of a year, switches and jumps per year, jump sizes in log price. The compensator
makes mu + mus_i the growth rate of E[price] in state i. Scheme: exact. The next event of a path, a switch or a jump, is
an exponential waiting time away; the diffusion is cut there. `MOST_SLOTS` events hold those of a step but once in 10^9,
even in the state that is left fastest; longer steps are cut. Hamilton (1989), "A new approach to the economic analysis
of nonstationary time series"; characteristic function: Buffington and Elliott (2002), "American options with regime
switching", section 3.
"""

from typing import Annotated, Literal, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from pydantic import Field, model_validator
from scipy.linalg import expm

from stresslab.models import jumps
from stresslab.models.base import Diffusion, Jump, Layout, Listed, NonNegative, Parameters, Piece, Positive, State
from stresslab.models.markov import check_generator, check_start, first_above, pick
from stresslab.numerics import poisson_slots
from stresslab.random import START, Key, exponential, normal, reserved, uniform

MOST_SLOTS, MOST_EVENTS_EXPECTED = 5, 0.095  # P(Poisson(0.095) > 5) < 1e-9


class Sizes(NamedTuple):
    """Share of jumps among the events of each state, and the law of their sizes."""

    share: np.ndarray
    mean: np.ndarray
    std: np.ndarray


class Coefficients(NamedTuple):
    """Of one step, a number for each state; `to` is the cumulative law of where a switch leads, (from, to)."""

    drift: np.ndarray
    variance: np.ndarray
    wait: np.ndarray  # mean wait for an event, in steps
    to: np.ndarray
    yearly: np.ndarray  # variance per year
    slots: np.ndarray  # of this length, without content
    start: np.ndarray  # cumulative law of the first state
    sizes: Sizes | None = None


class RegimeSwitching(Parameters):
    """A Markov chain of regimes, each with its own volatility, growth and jumps."""

    kind: Literal["regime_switching"] = "regime_switching"
    sigmas: Annotated[tuple[Positive, ...], Listed] = Field(description="volatility in each state, 1/sqrt(year)")
    generator: Annotated[tuple[tuple[float, ...], ...], Listed] = Field(
        description="rate from state i (row) to j (column), 1/year; each row sums to 0"
    )
    initial_state: int | Annotated[tuple[NonNegative, ...], Listed] = Field(
        description="state at time 0, counted from 0, or the probability of each state"
    )
    mus: Annotated[tuple[float, ...], Listed] | None = Field(
        None, description="growth rate of E[price] in each state, added to mu, 1/year; 0 if left out"
    )
    jump_intensities: Annotated[tuple[NonNegative, ...], Listed] | None = Field(
        None, description="expected jumps in each state, 1/year; none if left out"
    )
    jump_means: Annotated[tuple[float, ...], Listed] | None = Field(
        None, description="mean of a jump in log price in each state"
    )
    jump_stds: Annotated[tuple[NonNegative, ...], Listed] | None = Field(
        None, description="standard deviation of a jump in log price in each state"
    )
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    has_variance = True

    @model_validator(mode="after")
    def _states_agree(self) -> Self:
        n = len(self.sigmas)
        for name in ("generator", "mus", "jump_intensities", "jump_means", "jump_stds"):
            given = getattr(self, name)
            if given is not None and len(given) != n:
                raise ValueError(f"sigmas has {n} states, {name} has {len(given)}: they must agree")
        if n < 1 or any(len(row) != n for row in self.generator):
            raise ValueError(f"generator must have {n} rows of {n} rates, one for each of sigmas")
        check_generator(np.array(self.generator))
        check_start(self.initial_state, n)
        told = [getattr(self, name) is not None for name in ("jump_intensities", "jump_means", "jump_stds")]
        if any(told) != all(told):
            raise ValueError("jump_intensities, jump_means and jump_stds come together, or not at all")
        for mean, std in zip(self.jump_means or (), self.jump_stds or (), strict=True):
            jumps.check_normal(mean, std, ("jump_means", "jump_stds"))
        return self

    @property
    def rates(self) -> np.ndarray:
        """Generator whose diagonal makes up for rounding in the rows, 1/year."""
        rates = np.array(self.generator, float)
        np.fill_diagonal(rates, 0.0)
        return rates - np.diag(rates.sum(axis=1))

    @property
    def start(self) -> np.ndarray:
        """Probability of each state at time 0."""
        if isinstance(self.initial_state, tuple):
            return np.array(self.initial_state) / np.sum(self.initial_state)
        return np.eye(len(self.sigmas))[self.initial_state]

    @property
    def intensities(self) -> np.ndarray:
        """Expected jumps in each state, 1/year."""
        return np.array(self.jump_intensities or (0.0,) * len(self.sigmas))

    @property
    def log_drifts(self) -> np.ndarray:
        """Drift of the log price between jumps in each state, 1/year."""
        drifts = self.mu + np.array(self.mus or (0.0,) * len(self.sigmas)) - np.array(self.sigmas) ** 2 / 2
        if self.jump_means is None or self.jump_stds is None:
            return drifts
        growth = [jumps.normal_growth(mean, std) for mean, std in zip(self.jump_means, self.jump_stds, strict=True)]
        return drifts - self.intensities * growth

    @property
    def fastest(self) -> float:
        """Events per year in the state that has most of them."""
        return float(np.max(self.intensities - np.diag(self.rates)))

    def step_limits(self) -> dict[str, float]:
        """A step short enough that the slots hold its events, by the larger rate of switches and jumps."""
        mostly_jumps = np.max(self.intensities) > np.max(-np.diag(self.rates))
        name = "jump_intensities" if mostly_jumps else "generator"
        return {name: MOST_EVENTS_EXPECTED / self.fastest} if self.fastest > 0 else {}

    def layout(self, dt: float) -> Layout:
        slots = poisson_slots(self.fastest * dt, MOST_SLOTS)
        if self.jump_intensities is None:
            return Layout(normals=slots + 1, others=2 * slots, jumps=0, diffusions=slots + 1)
        return Layout(normals=2 * slots + 1, others=2 * slots, jumps=slots)

    def growths(self) -> dict[str, float]:
        return {"mu": self.mu, "mus": max(self.mus or (0.0,))}

    def jumps_per_step(self, dt: float) -> float:
        return float(np.max(self.intensities)) * dt

    def coefficients(self, dt: float) -> Coefficients:
        switches = self.rates - np.diag(np.diag(self.rates))
        leaving, intensities = switches.sum(axis=1), self.intensities
        events = leaving + intensities
        to = np.cumsum(switches / np.where(leaving > 0, leaving, 1)[:, None], axis=1)
        variances = np.array(self.sigmas) ** 2
        sizes = None
        if self.jump_means is not None and self.jump_stds is not None:
            share = intensities / np.where(events > 0, events, 1)
            sizes = Sizes(*(np.asarray(one, np.float32) for one in (share, self.jump_means, self.jump_stds)))
        never = 1 / (dt * np.where(events > 0, events, 1e-30))
        arrays = (self.log_drifts * dt, variances * dt, np.minimum(never, 1e30), to, variances)
        slots = np.zeros(poisson_slots(self.fastest * dt, MOST_SLOTS))
        given = (*arrays, slots, np.cumsum(self.start))
        drift, variance, wait, to, yearly, empty, start = (np.asarray(one, np.float32) for one in given)
        return Coefficients(drift, variance, wait, to, yearly, empty, start, sizes)

    def init(self, n_paths: int) -> State:
        """The mean variance and, before `draw`, the likeliest state."""
        variance = np.full((1, n_paths), self.start @ np.array(self.sigmas) ** 2, np.float32)
        state = np.full((1, n_paths), np.argmax(self.start), np.int32)
        return State(np.zeros((1, n_paths), np.float32), variance, state)

    @staticmethod
    def draw(coefficients: Coefficients, state: State, key: Key, path: Array) -> State:
        """The first state, once for each path."""
        uniform_start = uniform(reserved(key, path, 0, START)[0])
        first = first_above(coefficients.start, uniform_start)
        return state._replace(variance=pick(coefficients.yearly, first), memory=first)

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, slots, here = coefficients, coefficients.slots.shape[0], state.memory
        between, size_words = words[: slots + 1], words[slots + 1 : len(words) - 2 * slots]
        wait_words, which_words = words[len(words) - 2 * slots : len(words) - slots], words[len(words) - slots :]
        size_words = size_words or between[:slots]  # not looked at where no state jumps
        given = tuple(jnp.stack(words) for words in (between[:slots], size_words, wait_words, which_words))

        def slot(carry: tuple[Array, Array], drawn: tuple[Array, ...]) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
            since, here = carry
            between_word, size_word, wait_word, which_word = drawn
            arrival = since + pick(c.wait, here) * exponential(wait_word)
            until = jnp.minimum(arrival, np.float32(1))
            diffusion = _diffusion(c, here, until - since, between_word)
            which, happens = uniform(which_word), arrival < np.float32(1)
            jumped, size = jnp.zeros_like(happens), jnp.zeros_like(arrival)
            if c.sizes is not None:
                share = pick(c.sizes.share, here)
                jumped, which = happens & (which < share), (which - share) / (np.float32(1) - share)
                drawn_size = pick(c.sizes.mean, here) + pick(c.sizes.std, here) * normal(size_word)
                size = jnp.where(jumped, drawn_size, np.float32(0))
            here = jnp.where(happens & ~jumped, first_above(pick(c.to, here), which), here)
            return (until, here), (diffusion.move, diffusion.variance, size)

        # a loop, though it is short: unrolled, XLA works out all earlier slots anew for each piece
        (since, here), (moves, variances, sizes) = lax.scan(slot, (jnp.zeros_like(state.log_price), here), given)
        pieces: list[Piece] = []
        for n in range(slots):
            pieces += [Diffusion(moves[n], variances[n]), *([] if c.sizes is None else [Jump(sizes[n])])]
        pieces.append(_diffusion(c, here, np.float32(1) - since, between[slots]))
        return state._replace(variance=pick(c.yearly, here), memory=here), tuple(pieces)

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        u = np.asarray(u, complex)[..., None]
        exponents = 1j * u * self.log_drifts - u * u * np.array(self.sigmas) ** 2 / 2
        if self.jump_means is not None and self.jump_stds is not None:
            laws = zip(self.jump_means, self.jump_stds, strict=True)
            sizes = np.concatenate([jumps.normal_transform(u, mean, std) for mean, std in laws], axis=-1)
            exponents = exponents + self.intensities * (sizes - 1)
        matrices = self.rates + exponents[..., None] * np.eye(len(self.sigmas))
        return (self.start @ expm(t * matrices)).sum(axis=-1)


def _diffusion(c: Coefficients, here: Array, span: Array, word: Array) -> Diffusion:
    variance = pick(c.variance, here) * span
    return Diffusion(pick(c.drift, here) * span + jnp.sqrt(variance) * normal(word), variance)
