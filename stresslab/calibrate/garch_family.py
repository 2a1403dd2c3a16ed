"""GARCH, GJR, EGARCH and FIGARCH from returns: maximum likelihood by the arch package, the law by BIC.

The noise of a bar is its log return: the mean return is not told from zero over a few years, and the -h/2 of a
martingale is a hundredth of a deviation; so the likelihood is the one of arch with a zero mean, and the model keeps its
price a martingale. With `mean="constant"` the mean is estimated too, and the model is arch's in every respect
(`zero_log`, mu the drift of the log price).
"""

from typing import Any, Literal

import numpy as np

from stresslab.calibrate.arch_estimate import LAWS, Estimate, estimate
from stresslab.calibrate.doubts import STILL, still_share
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.identification import NOT_CONVERGED, undetermined
from stresslab.calibrate.prices import Returns
from stresslab.calibrate.variance_recursion import conditional_variances, lifted_factors
from stresslab.errors import require
from stresslab.models import FIGARCH
from stresslab.models.bar import BarModel
from stresslab.models.innovations import Law, downside
from stresslab.units import format_duration

LEAST = 250  # returns
MOST_PERSISTENT = 1 - 2e-5  # rounding in the file must not make the variance explode
FAT, NEARLY_NORMAL = 30.0, 100.0  # degrees of freedom
ON_BOUND = 1e-6  # a weight that is as good as 0
LEAST_OMEGA = 1e-16  # squared log return per bar
STILL_WORDS = (
    "{kind} cannot be fitted to prices that do not change in {share:.0f} % of the bars: a variance driven by past "
    "returns decays to zero over such bars"
)

METHOD = (
    "Maximum likelihood on log returns of {bar} ({mean} mean) by the arch package, {law} innovations{how}; the "
    "variance before the first bar is a weighted mean of the first squared returns; gaps are passed over. Standard "
    "errors robust to the law of the innovations (Bollerslev and Wooldridge). h0: forecast for the bar after the last."
)


def fit(kind: str, returns: Returns, innovation: Law | None = None, mean: Literal["zero", "constant"] = "zero") -> Fit:
    """Parameters of one of the family; the law of the innovations is the one with the lowest BIC unless it is named."""
    n = len(returns.values)
    require(n >= LEAST, f"at least {LEAST} returns are needed", key="returns", got=n)
    require(float(returns.values.std()) > 0, "the price does not move", key="returns")
    if innovation is None:
        law, found = best_law(returns.values, kind, mean == "constant")
        how = " by BIC"
    else:
        law, found, how = innovation, estimate(returns.values, kind, innovation, mean == "constant"), ""
    return _fit(kind, returns, law, found, how)


def best_law(values: np.ndarray, kind: str, constant_mean: bool) -> tuple[Law, Estimate]:
    """The law with the lowest BIC. Tails far from normal (nu below 30) leave the normal law no chance."""
    student = estimate(values, kind, "student_t", constant_mean)
    start = {**student.parameters, "skew": 0.0}
    fits: dict[Law, Estimate] = {
        "student_t": student,
        "skewed_t": estimate(values, kind, "skewed_t", constant_mean, start),
    }
    if student.parameters["nu"] > FAT:
        fits["normal"] = estimate(values, kind, "normal", constant_mean)
    law = min(fits, key=lambda one: fits[one].bic)
    return law, fits[law]


def _fit(kind: str, returns: Returns, law: Law, found: Estimate, how: str) -> Fit:
    numbers = dict(found.parameters)
    covariance = found.covariance
    constant = "mu" in numbers
    if constant:  # per bar to per year
        numbers["mu"] /= returns.dt
        scale = np.where(np.array(list(numbers)) == "mu", 1 / returns.dt, 1.0)
        covariance = covariance * np.outer(scale, scale)
    numbers = _admissible(kind, law, numbers)
    errors = dict(zip(numbers, np.sqrt(np.diag(covariance)), strict=True))
    weights = {name: numbers[name] for name in ("phi", "d", "beta") if numbers.get(name, 0.0) > ON_BOUND}
    doubts = _doubts(kind, found) + undetermined(weights, {name: errors[name] for name in weights})
    still = still_share(returns)
    if doubts and still > STILL:
        doubts = [STILL_WORDS.format(kind=kind, share=100 * still), *doubts]
    noise = returns.values - (numbers.get("mu", 0.0) * returns.dt)
    state: dict[str, Any]
    state = {"factors": lifted_factors(noise)} if kind == "figarch" else {"h0": found.next_variance}
    words = {"bar": format_duration(returns.seconds), "innovation": law}
    words |= {"mean": "zero_log"} if constant else {}
    text = METHOD.format(bar=words["bar"], mean="constant" if constant else "zero", law=LAW_WORDS[law], how=how)
    return make_fit(
        kind,
        returns,
        {**{name: value for name, value in numbers.items() if name != "mu"}, **words, **state}
        | ({"mu": numbers["mu"]} if constant else {}),
        errors,
        text,
        found.log_likelihood,
        covariance=covariance,
        residuals=found.scores,
        volatility=np.sqrt(found.variances / returns.dt),
        warnings=_remarks(found),
        doubts=doubts,
        state=tuple(state),
    )


LAW_WORDS: dict[Law, str] = {"normal": "normal", "student_t": "Student-t", "skewed_t": "skewed Student-t (Hansen)"}
assert LAW_WORDS.keys() == LAWS.keys()


def filter_state(model: BarModel, returns: Returns) -> dict[str, Any]:
    """h0, or the factors of FIGARCH, at the end of the returns, the parameters given."""
    own = format_duration(returns.seconds)
    require(model.bar == own, "bars must have the length of the model's", key="bar", got=own, hint=f"It is {model.bar}")
    noise = returns.values - (model.mu * returns.dt if model.mean == "zero_log" else 0.0)
    if isinstance(model, FIGARCH):
        return {"factors": lifted_factors(noise)}
    return {"h0": float(conditional_variances(model, noise)[-1])}


def _persistence(kind: str, law: Law, numbers: dict[str, float]) -> float:
    lean = downside(law, numbers.get("nu"), numbers.get("skew")) if kind == "gjr" else 0.0
    return numbers["alpha"] + numbers.get("gamma", 0.0) * lean + numbers["beta"]


def _admissible(kind: str, law: Law, numbers: dict[str, float]) -> dict[str, float]:
    """Parameters within the model's range: no negative weight, and a persistence just below 1."""
    numbers = _not_negative(kind, numbers)
    if kind in ("garch", "gjr"):
        reaction = _persistence(kind, law, numbers) - numbers["beta"]
        beta = max(min(numbers["beta"], MOST_PERSISTENT - reaction), 0.0)
        shrunk = min(MOST_PERSISTENT / reaction, 1.0) if reaction > 0 else 1.0  # where there is no beta to take from
        return (
            numbers | {name: shrunk * numbers[name] for name in ("alpha", "gamma") if name in numbers} | {"beta": beta}
        )
    if kind == "egarch":
        return {**numbers, "beta": min(numbers["beta"], MOST_PERSISTENT)}
    return numbers


def _not_negative(kind: str, numbers: dict[str, float]) -> dict[str, float]:
    """Clip weights that the optimiser left a rounding error below 0, and omega below its positive minimum."""
    if kind == "egarch":
        return numbers
    found = numbers | {name: max(numbers[name], 0.0) for name in ("alpha", "beta") if name in numbers}
    found["omega"] = max(found["omega"], LEAST_OMEGA)
    if kind == "gjr":
        found["gamma"] = max(found["gamma"], -found["alpha"])
    return found


def _remarks(found: Estimate) -> list[str]:
    is_normal = found.parameters.get("nu", 0.0) > NEARLY_NORMAL
    return ["nu is indistinguishable from infinity: the innovations are normal"] if is_normal else []


def _doubts(kind: str, found: Estimate) -> list[str]:
    numbers, words = found.parameters, []
    if not found.converged:
        words.append(NOT_CONVERGED)
    law: Law = "skewed_t" if "skew" in numbers else "student_t" if "nu" in numbers else "normal"
    persistence = numbers["beta"] if kind == "egarch" else 0.0
    persistence = _persistence(kind, law, numbers) if kind in ("garch", "gjr") else persistence
    if persistence > 0.9999:
        words.append("persistence sits at 1: the variance does not return to a level, and its long run is not known")
    if kind in ("garch", "gjr") and numbers["alpha"] < ON_BOUND:
        words.append("alpha sits on its bound 0: a rise of the price does not move the variance")
    if kind in ("garch", "gjr", "figarch") and numbers["beta"] < ON_BOUND:
        words.append("beta sits on its bound 0: the variance has no memory of its own")
    if kind == "figarch" and numbers["phi"] < ON_BOUND:
        words.append("phi sits on its bound 0")
    if numbers.get("nu", 5.0) < 2.06:
        words.append("nu sits on its bound: the variance of the innovations is hardly finite")
    return words
