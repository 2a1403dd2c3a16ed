"""Bates from returns: Heston's moments of what large moves leave, and the law of the large moves.

Large moves (large_moves.py) are taken out of the returns. The daily realised variance of the rest has the moments of
heston.py: kappa, xi and rho from its autocovariances, where jumps that went unseen do not appear, as they are
independent from day to day; theta from its mean without what the unseen jumps add,

    theta = mean realised variance - lambda E[J^2; unseen]

The same one state: v0 by the filter of heston.py. Standard errors of all but v0: bootstrap over blocks of 60 days of
both steps at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from stresslab.calibrate import heston, large_moves
from stresslab.calibrate.blocks import BLOCK_SECONDS
from stresslab.calibrate.filter import Filtered, filter_variance, variance_before
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.identification import Found, not_converged, sign_undetermined, undetermined
from stresslab.calibrate.large_moves import Bins, JumpLaw, LargeMoves
from stresslab.calibrate.prices import Returns, daily
from stresslab.errors import require
from stresslab.models import SVJJ, Bates
from stresslab.units import format_duration

Estimate = Callable[[np.ndarray], Found]  # parameters from the weights of the blocks

REPLICATES, BOOTSTRAP_SEED = 200, 20250102
NAMES = ("kappa", "theta", "xi", "rho", "jump_intensity", "jump_mean", "jump_std")

METHOD = (
    "Jumps: maximum likelihood of the {moves} returns of {bar} beyond {threshold:g} standard deviations, both local "
    "ones (bipower variation of the day before) and mean ones, as a Poisson process thinned by what cannot be seen: "
    "{seen:.0%} of the jumps are. Variance: moments of the daily realised variance without those returns, as for "
    "heston; theta without what unseen jumps add. v0: filter of the last days. Standard errors: bootstrap over blocks "
    "of 60 days ({replicates} replicates); that of v0 from the filter. Feller ratio 2 kappa theta / xi^2: {feller:.2f}."
)


@dataclass(frozen=True)
class Sample:
    """A history as sums over blocks of 60 days, so that a bootstrap replicate is a vector of the blocks' weights."""

    products: np.ndarray  # (block, moment): sums of heston.daily_products
    known: np.ndarray  # how many went into each
    moves: LargeMoves
    blocks: np.ndarray  # of each bar
    bins: Bins
    n_days: int

    @property
    def n_blocks(self) -> int:
        """Blocks in the history."""
        return len(self.products)

    def moments(self, weights: np.ndarray) -> np.ndarray:
        """Means of the products."""
        found: np.ndarray = weights @ self.products / (weights @ self.known)
        return found

    def law(self, weights: np.ndarray) -> tuple[JumpLaw, bool]:
        """The jumps, and whether the search for them converged."""
        return large_moves.jump_law(
            self.moves, weights[self.blocks[self.moves.is_large]], self.bins, weights @ self.bins.counts
        )

    def estimate(self, weights: np.ndarray) -> Found:
        """The parameters in the order of NAMES."""
        (law, converged), moments = self.law(weights), self.moments(weights)
        unseen = np.average(
            law.unseen_variance(self.bins.variances, self.bins.bounds), weights=weights @ self.bins.counts
        )
        moments[0] -= unseen * heston.DAY
        return Found(np.array([*heston.solve(moments, self.n_days), *law]), converged)


def fit(returns: Returns) -> Fit:
    """Parameters of Bates and their standard errors."""
    sample = sample_of(returns)
    return fit_of(Method("bates", METHOD, NAMES), returns, sample, sample.estimate)


class Method(NamedTuple):
    """A method of calibration: its description, the parameters it estimates, those held fixed, and its doubts."""

    kind: str
    words: str
    names: tuple[str, ...]
    held: Mapping[str, float] = MappingProxyType({})
    doubts: Callable[[Mapping[str, float]], list[str]] = lambda _: []


def fit_of(method: Method, returns: Returns, sample: Sample, estimate: Estimate) -> Fit:
    """The fit that `estimate` makes of the blocks' weights, with v0 and the errors."""
    estimated = estimate(np.ones(sample.n_blocks))
    found = dict(zip(method.names, estimated.point, strict=True))
    _require_valid(method.kind, found)
    stationary = dict(zip(NAMES, sample.estimate(np.ones(sample.n_blocks)).point, strict=True))  # jumps of v included
    state, rest = filtered(returns, sample.moves, stationary)
    spread = np.zeros((len(found) + 1, len(found) + 1))  # the error of the filter is taken as independent
    spread[0, 0], spread[1:, 1:] = state.error**2, bootstrap_covariance(sample, estimate)
    parameters = {"v0": state.variance, **found}
    errors = dict(zip(parameters, np.sqrt(np.diag(spread)), strict=True))
    own = {name: errors[name] for name in found}
    return make_fit(
        method.kind,
        returns,
        parameters | dict(method.held),
        errors,
        _in_words(method.words, returns, sample, found),
        covariance=spread,
        volatility=np.sqrt(variance_before(rest, state, stationary["theta"])),
        state=("v0",),
        fixed=tuple(method.held),
        warnings=sign_undetermined(found, own),
        doubts=not_converged(estimated) + method.doubts(found) + undetermined(found, own),
    )


def filter_state(model: Bates | SVJJ, returns: Returns) -> dict[str, Any]:
    """v0 at the end of the returns, the parameters given."""
    _require_days(returns, heston.LEAST_FILTER_DAYS)
    moves = large_moves.find(returns, least=0)
    return {"v0": filtered(returns, moves, model.model_dump())[0].variance}


def sample_of(returns: Returns) -> Sample:
    """The history as the estimate needs it; InputError where it is too short or holds too few large moves."""
    _require_days(returns, heston.LEAST_DAYS)
    moves = large_moves.find(returns)
    days = daily(replace(returns, values=moves.rest))
    products = heston.daily_products(days)
    origin = returns.stamps[0] // BLOCK_SECONDS
    blocks, day_blocks = (stamps // BLOCK_SECONDS - origin for stamps in (returns.stamps, days.stamps))
    sums, known = np.zeros((2, int(blocks.max()) + 1, products.shape[1]))
    np.add.at(sums, day_blocks, np.nan_to_num(products))
    np.add.at(known, day_blocks, np.isfinite(products))
    return Sample(sums, known, moves, blocks, large_moves.bins_of(moves, blocks), len(products))


def filtered(returns: Returns, moves: LargeMoves, parameters: Mapping[str, float]) -> tuple[Filtered, Returns]:
    """The variance at the end, and the returns that it is filtered from: those without the large moves."""
    rest = replace(returns, values=moves.rest)
    kappa, theta, xi = (parameters[name] for name in ("kappa", "theta", "xi"))
    noise = heston.noise_variance(daily(rest), kappa, theta, xi)
    return filter_variance(rest, kappa, theta, xi, noise, heston.DAY), rest


def bootstrap_covariance(sample: Sample, estimate: Estimate) -> np.ndarray:
    """Covariance of the estimates over resampled blocks of 60 days.

    Replicates without a solution, and those whose search did not converge, are left out.
    """
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    weights = rng.multinomial(sample.n_blocks, np.full(sample.n_blocks, 1 / sample.n_blocks), REPLICATES)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = [estimate(row.astype(float)) for row in weights]
    found = np.array([one.point for one in each if one.converged])
    found = found[np.all(np.isfinite(found), axis=1)]
    return np.cov(found.T)


def _require_days(returns: Returns, least: int) -> None:
    days = daily(returns)
    counted = int(np.isfinite(days.variances).sum())
    require(counted >= least, f"at least {least} complete days are needed", key="days", got=counted)
    rule = f"at least {heston.LEAST_BARS} bars a day are needed"
    require(days.bars >= heston.LEAST_BARS, rule, key="bar", got=days.bars)


def _require_valid(kind: str, found: Mapping[str, float]) -> None:
    rule = f"the moments of these prices are not those of {kind}: choose other dates or another model"
    low, high = heston.KAPPA_RANGE
    valid = {name: found[name] > 0 for name in ("theta", "xi")}
    valid |= {"kappa": low * 1.01 < found["kappa"] < high / 1.01, "rho": abs(found["rho"]) < 1}
    for name, is_valid in valid.items():
        require(bool(is_valid), rule, key=name, got=float(found[name]))


def _in_words(words: str, returns: Returns, sample: Sample, found: Mapping[str, float]) -> str:
    moves = sample.moves
    expected = found["jump_intensity"] * moves.dt * np.isfinite(moves.variances).sum()
    return words.format(
        moves=int(moves.is_large.sum()),
        bar=format_duration(returns.seconds),
        threshold=large_moves.THRESHOLD,
        seen=moves.is_large.sum() / expected,
        replicates=REPLICATES,
        feller=heston.feller_ratio(found["kappa"], found["theta"], found["xi"]),
    )
