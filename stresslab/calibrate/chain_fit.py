"""Least squares of a model to an option chain: what every chain calibration shares.

    residual = (model price - middle) / (vega * error of the implied volatility)

so to first order a difference of implied volatilities, in units of what each is known to (`Chain.errors`: half the
spread, at least half a point). Parameters are looked for inside bounds, on a log scale where they are positive: many
Sobol points are priced, and from the best of them scipy's trust-region least squares runs.

Standard errors: s^2 (J'J)^-1 with s^2 the mean squared residual. They say how well this one chain pins the parameters
down if the model holds and quotes err independently; they say nothing of how the parameters move from day to day. A
parameter that ends on its bound is held there and has none.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult, least_squares
from scipy.stats import qmc

from stresslab.calibrate.chain import Chain
from stresslab.calibrate.fit import Fit, Smile, make_fit
from stresslab.calibrate.identification import NOT_CONVERGED, collinear, on_bound, sign_undetermined, undetermined
from stresslab.errors import require

SOBOL_SEED = 20260116
WORST = 1e3  # residual where the model gives no price
ON_BOUND = 1e-3  # of the scaled range
STEPS_USED_UP = 0  # status of scipy's least squares

ERRORS = (
    "Standard errors: s^2 (J'J)^-1, if quotes err independently and the model holds; how parameters move from day to "
    "day is not in them."
)

Price = Callable[[Mapping[str, float]], np.ndarray]


class Range(NamedTuple):
    """Bounds of a parameter, and the part of them where starts are drawn. Logarithmic where `low` is positive."""

    low: float
    high: float
    first: float
    last: float

    def scaled(self, value: float) -> float:
        """The value's place in the range, 0 at `low` and 1 at `high`."""
        if self.low > 0:
            return float(np.log(value / self.low) / np.log(self.high / self.low))
        return (value - self.low) / (self.high - self.low)

    def value(self, scaled: float) -> float:
        """The value at a place in the range."""
        if self.low > 0:
            return float(self.low * (self.high / self.low) ** scaled)
        return float(self.low + scaled * (self.high - self.low))

    def slope(self, scaled: float) -> float:
        """Derivative of `value`."""
        return self.value(scaled) * float(np.log(self.high / self.low)) if self.low > 0 else self.high - self.low


class Search(NamedTuple):
    """How long a fit looks: Sobol points priced, parts of them whose best is a start, steps from each start, and
    how many go on for so many steps more.
    """

    candidates: int = 128
    starts: int = 8
    first_steps: int = 16
    finalists: int = 2
    steps: int = 60


QUICK = Search()


class Solution(NamedTuple):
    """The best parameters, and the Jacobian of the residuals by them, in natural units."""

    parameters: dict[str, float]
    on_bound: tuple[str, ...]
    jacobian: np.ndarray
    residuals: np.ndarray
    converged: bool = True


def fit_chain(
    kind: str,
    chain: Chain,
    ranges: Mapping[str, Range],
    price: Price,
    method: Callable[[Mapping[str, float]], str],
    *,
    search: Search = QUICK,
    held: Mapping[str, float] | None = None,
    state: Sequence[str] = (),
    written: Price | None = None,
) -> Fit:
    """The fit of the parameters in `ranges`; `held` ones are given. `price` values every quote of the chain; `written`
    does so by the model as it is written down, where the fit frees what the model holds fixed.
    """
    rule = "a fit needs twice as many quotes as parameters"
    require(chain.observations >= 2 * len(ranges), rule, key="quotes", got=chain.observations)
    given = dict(held or {})
    solution = solve(chain, ranges, lambda free: price({**free, **given}), search)
    parameters = solution.parameters | given
    free = [name for name in ranges if name not in solution.on_bound]
    covariance = covariance_of(solution.jacobian[:, [name in free for name in ranges]], solution.residuals)
    errors = dict(zip(free, np.sqrt(np.diag(covariance)), strict=True))
    doubts = [*on_bound(solution.on_bound, parameters), *undetermined(parameters, errors)]
    doubts += [] if solution.converged else [NOT_CONVERGED]
    doubts += collinear(solution.jacobian, list(ranges), f"the chain (expiries: {len(chain.expiries)})")
    found = smiles(chain, (written or price)(parameters))
    return make_fit(
        kind,
        chain,
        parameters,
        errors,
        f"{method(parameters)} {_miss(found, chain)} {ERRORS}",
        covariance=covariance,
        smiles=found,
        warnings=sign_undetermined(parameters, errors),
        doubts=doubts,
        state=state,
        fixed=[*solution.on_bound, *given],
        free_parameters=len(free),
    )


def solve(chain: Chain, ranges: Mapping[str, Range], price: Price, search: Search) -> Solution:
    """Least squares inside the ranges from the best of the Sobol candidates."""
    scale = 1 / (chain.vegas * chain.errors)
    each = list(ranges.values())

    def parameters(point: np.ndarray) -> dict[str, float]:
        return {name: one.value(x) for (name, one), x in zip(ranges.items(), point, strict=True)}

    def residuals(point: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # far from the market a characteristic function may overflow: no price
            found = (price(parameters(point)) - chain.mids) * scale
        return np.clip(np.nan_to_num(found, nan=WORST), -WORST, WORST)

    edges = np.array([(one.scaled(one.first), one.scaled(one.last)) for one in each])
    points = qmc.scale(qmc.Sobol(len(each), seed=SOBOL_SEED).random(search.candidates), *edges.T)
    costs = [float(np.sum(np.arctan(residuals(point) ** 2))) for point in points]  # the shape, not the worst quote
    parts = np.array_split(np.arange(search.candidates), search.starts)  # the best of all are often alike
    found = [_descend(residuals, points[min(part, key=costs.__getitem__)], search.first_steps) for part in parts]
    finalists = sorted(found, key=lambda one: one.cost)[: search.finalists]
    best = min((_descend(residuals, one.x, search.steps) for one in finalists), key=lambda one: one.cost)
    held = [bool(min(x, 1 - x) < ON_BOUND) for x in best.x]
    slopes = np.array([one.slope(x) for one, x in zip(each, best.x, strict=True)])
    jacobian = best.jac / slopes
    names = tuple(name for name, is_held in zip(ranges, held, strict=True) if is_held)
    return Solution(parameters(best.x), names, jacobian, best.fun, best.status != STEPS_USED_UP)


def _descend(residuals: Callable[[np.ndarray], np.ndarray], start: np.ndarray, steps: int) -> OptimizeResult:
    return least_squares(residuals, start, bounds=(0.0, 1.0), xtol=1e-8, ftol=1e-8, gtol=1e-10, max_nfev=steps)


def covariance_of(jacobian: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """s^2 (J'J)^-1 of the free parameters."""
    lengths = np.maximum(np.linalg.norm(jacobian, axis=0), np.finfo(float).tiny)
    unit = np.linalg.pinv(jacobian / lengths)
    found: np.ndarray = unit @ unit.T / np.outer(lengths, lengths)
    return found * float(residuals @ residuals) / (len(residuals) - jacobian.shape[1])


def _miss(found: Sequence[Smile], chain: Chain) -> str:
    misses = np.concatenate([one.model - one.market for one in found])
    weighted = np.sqrt(np.average(misses**2, weights=chain.errors**-2.0))
    return f"Root mean square difference {100 * weighted:.2f} volatility points with the weights of the fit."


def smiles(chain: Chain, prices: np.ndarray) -> tuple[Smile, ...]:
    """Market and model volatilities of each expiry; the model's are linear in price where its price implies none."""
    linear = chain.volatilities + (prices - chain.mids) / chain.vegas
    implied = chain.implied(prices)
    model = np.where(np.isnan(implied), linear, implied)
    found = []
    for place, (expiry, forward) in enumerate(zip(chain.expiries, chain.forwards, strict=True)):
        own = chain.expiry == place
        found.append(Smile(int(expiry), float(forward), chain.strikes[own], chain.volatilities[own], model[own]))
    return tuple(found)
