"""Regime switching from returns, by maximum likelihood of a hidden Markov model in continuous time.

The filter of regime_filter.py, with gradients by automatic differentiation and the generator itself as the parameter:
its rates are positive wherever the search goes, and no logarithm of a transition matrix is needed, which need not be a
generator. Two and three states are fitted and the one with the lower BIC is kept. States are in rising order of
volatility; the drift is the martingale's.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.optimize import minimize
from scipy.special import ndtri

from stresslab.calibrate import regime_filter
from stresslab.calibrate.blocks import block_covariance
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.identification import NOT_CONVERGED, undetermined
from stresslab.calibrate.prices import Returns
from stresslab.errors import require
from stresslab.models import RegimeSwitching
from stresslab.units import format_duration

STATES = (2, 3)
LEAST_RETURNS = 500
STEP = 1e-4  # of the gradient's differences, in logarithms
STEPS_USED_UP = 1  # status of L-BFGS-B; one that ends because no step goes lower is at the top
SPREADS = {
    1: (1.0,),
    2: (0.6, 1.8),
    3: (0.5, 1.0, 2.2),
    4: (0.4, 0.8, 1.4, 2.5),
}  # first guess over realised volatility
STAYS = (20.0, 200.0)  # bars that a state lasts in the first guesses
RATES = (0.02, 1.5)  # 1/year at least, per bar at most

METHOD = (
    "Maximum likelihood of a hidden Markov model with {states} states on returns of {bar} (Hamilton's filter; gradient "
    "by automatic differentiation): {tried}. The generator is the parameter; a bar in which the state changes has the "
    "mean variance of the two, which is right to first order in the rates times a bar. Returns are normal within a "
    "state. A state lasts {stays} on average and holds {shares} of the time. initial_state: the filter's probabilities "
    "at the end of the prices, the state of one night. Standard errors: sandwich of the Hessian, by differences of the "
    "exact gradient, and scores summed over blocks of 60 days."
)


class Chosen(NamedTuple):
    """Fitted states: logarithms of sigmas and of off-diagonal rates in rows."""

    point: np.ndarray
    n_states: int
    log_likelihood: float
    converged: bool

    def bic(self, n: int) -> float:
        """Schwarz's criterion for n returns."""
        return len(self.point) * np.log(n) - 2 * self.log_likelihood


def fit(returns: Returns, states: int | Sequence[int] = STATES) -> Fit:
    """Parameters, standard errors and log-likelihood; of several numbers of states that of the lowest BIC."""
    n = len(returns.values)
    require(n >= LEAST_RETURNS, f"at least {LEAST_RETURNS} returns are needed", key="returns", got=n)
    bars, dt = regime_filter.on_grid(returns), returns.dt
    numbers = (states,) if isinstance(states, int) else tuple(states)
    require(all(number in SPREADS for number in numbers), "one to four states can be fitted", key="states", got=numbers)
    found = [best(returns, bars, number) for number in numbers]
    chosen = min(found, key=lambda one: one.bic(n))
    point, number = _in_order(chosen.point, chosen.n_states), chosen.n_states
    with jax.enable_x64(True):
        sigmas, generator = (np.asarray(one) for one in _natural(point, number))
        _, variances, uniforms, final = (np.asarray(one) for one in regime_filter.run(sigmas, generator, bars, dt))
    covariance = _covariance(point, number, returns, bars)
    names = _names(number)
    values = np.concatenate([sigmas, generator[~np.eye(number, dtype=bool)]])
    errors = dict(zip(names, np.sqrt(np.diag(covariance)), strict=True))
    known = bars.known > 0
    return make_fit(
        "regime_switching",
        returns,
        {"sigmas": tuple(sigmas), "generator": tuple(map(tuple, generator)), "initial_state": _final(final)},
        errors,
        _method(returns, found, generator),
        chosen.log_likelihood,
        covariance=covariance,
        residuals=ndtri(np.clip(uniforms[known], 1e-300, 1 - 1e-16)),
        volatility=np.sqrt(variances[known] / dt),
        warnings=_tails(names, values, number, dt),
        doubts=[
            *([] if chosen.converged else [NOT_CONVERGED]),
            *_on_bounds(names, values, number),
            *undetermined(dict(zip(names, values, strict=True)), errors),
        ],
        state=("initial_state",),
        fixed=("generator",),
        free_parameters=len(point),
    )


def filter_state(model: RegimeSwitching, returns: Returns) -> dict[str, Any]:
    """Probabilities of the states at the end of the returns."""
    require(model.jump_intensities is None, "states with jumps cannot be filtered", key="jump_intensities")
    with jax.enable_x64(True):
        given = np.array(model.sigmas), model.rates, regime_filter.on_grid(returns), returns.dt
        return {"initial_state": _final(np.asarray(regime_filter.run(*given).final))}


def best(returns: Returns, bars: regime_filter.Bars, number: int) -> Chosen:
    """The point of the highest likelihood that several starts lead to."""
    dt, n = returns.dt, len(returns.values)
    overall = np.sqrt(np.mean(returns.values**2) / dt)
    off = number * (number - 1)
    lowest, highest = np.log(RATES[0]), np.log(RATES[1] / dt)
    bounds = [(np.log(overall) - 4, np.log(overall) + 4)] * number + [(lowest, highest)] * off

    def cost(point: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _slope(point, bars, dt, number)
        return -float(value) / n, -np.asarray(slope) / n

    starts = [
        np.append(np.log(overall * np.array(SPREADS[number])), np.full(off, -np.log(stay * dt * max(number - 1, 1))))
        for stay in STAYS
    ]
    with jax.enable_x64(True):
        options = {"ftol": 1e-13, "gtol": 1e-7, "maxiter": 150}
        found = [minimize(cost, s, jac=True, method="L-BFGS-B", bounds=bounds, options=options) for s in starts]
    one = min(found, key=lambda result: result.fun)
    return Chosen(one.x, number, -float(one.fun) * n, one.status != STEPS_USED_UP)


def _natural(point: Any, number: int) -> tuple[Any, Any]:
    """Volatilities and generator at a point; NumPy or JAX."""
    rates = jnp.exp(point[number:])
    rows, columns = np.nonzero(~np.eye(number, dtype=bool))
    generator = jnp.zeros((number, number), rates.dtype).at[rows, columns].set(rates)
    return jnp.exp(point[:number]), generator - jnp.diag(generator.sum(axis=1))


def _contributions(point: Any, bars: regime_filter.Bars, dt: float, number: int) -> Array:
    return regime_filter.run(*_natural(jnp.asarray(point), number), bars, dt).log_likelihoods


@partial(jax.jit, static_argnames=("dt", "number"))
def _slope(point: Any, bars: regime_filter.Bars, dt: float, number: int) -> Any:
    return jax.value_and_grad(lambda at: _contributions(at, bars, dt, number).sum())(jnp.asarray(point))


def _covariance(point: np.ndarray, number: int, returns: Returns, bars: regime_filter.Bars) -> np.ndarray:
    """Of volatilities and off-diagonal rates, in natural units."""
    dt, n, known = returns.dt, len(returns.values), bars.known > 0
    steps = STEP * np.eye(len(point))
    with jax.enable_x64(True):
        rises = [_slope(point + h, bars, dt, number)[1] - _slope(point - h, bars, dt, number)[1] for h in steps]
        moved = [
            _contributions(point + h, bars, dt, number) - _contributions(point - h, bars, dt, number) for h in steps
        ]
    hessian = np.array(rises) / (2 * STEP * n)
    scores = np.stack(moved, -1)[known] / (2 * STEP)
    free = np.append(np.ones(number, bool), point[number:] > np.log(RATES[0]) + STEP)  # what is on its bound is held
    influence = np.zeros_like(scores)
    influence[:, free] = -scores[:, free] @ np.linalg.inv((hessian + hessian.T)[np.ix_(free, free)] / 2)
    return block_covariance(influence * np.exp(point), returns.stamps)


def _in_order(point: np.ndarray, number: int) -> np.ndarray:
    """The same states in rising order of volatility."""
    order = np.argsort(point[:number])
    off = ~np.eye(number, dtype=bool)
    rates = np.zeros((number, number))
    rates[off] = point[number:]
    return np.append(point[order], rates[np.ix_(order, order)][off])


def _final(probabilities: np.ndarray) -> tuple[float, ...]:
    """To six digits that sum to 1."""
    rounded = np.round(np.maximum(probabilities, 0), 6)
    rounded[np.argmax(rounded)] += 1 - rounded.sum()
    return tuple(float(one) for one in rounded)


def _names(number: int) -> list[str]:
    off = [f"generator.{i}.{j}" for i in range(number) for j in range(number) if i != j]
    return [*(f"sigmas.{i}" for i in range(number)), *off]


def _on_bounds(names: Sequence[str], values: np.ndarray, number: int) -> list[str]:
    low = [name for name, value in zip(names[number:], values[number:], strict=True) if value < RATES[0] * 1.01]
    return [f"{name} sits on its bound {RATES[0]:g}: the prices show no such switch" for name in low]


def _tails(names: Sequence[str], values: np.ndarray, number: int, dt: float) -> list[str]:
    words = "{} is {:.3g} a year: the regime lasts less than four bars and models a tail, not a regime"
    rates = zip(names[number:], values[number:], strict=True)
    return [words.format(name, value) for name, value in rates if value * dt > 0.25]


def _method(returns: Returns, found: Sequence[Chosen], generator: np.ndarray) -> str:
    n, number = len(returns.values), len(generator)
    with jax.enable_x64(True):
        shares = np.asarray(regime_filter.stationary(jnp.asarray(generator)))
    leaving = -np.diag(generator)
    return METHOD.format(
        states=number,
        bar=format_duration(returns.seconds),
        tried="; ".join(f"{one.n_states} states: BIC {one.bic(n):.1f}" for one in found),
        stays=", ".join(f"{365 / rate:.3g}" if rate > 0 else "for ever" for rate in leaving) + " days",
        shares=", ".join(f"{share:.0%}" for share in shares),
    )
