"""The variables of a run's dataset: dimensions, type, unit and meaning, in one table."""

from typing import Any, NamedTuple

import numpy as np

QUOTE = "quote currency"
CONVENTIONS = (
    f"Probabilities with 95 % intervals. Money in {QUOTE}; PnL since as_of, net of fees and funding, "
    "survivors marked at the horizon. Losses positive. Cells that were not run hold NaN, integers 0; see status."
)
EMPTY: dict[Any, Any] = {float: np.nan, np.int64: 0, object: ""}


class Variable(NamedTuple):
    """One line of the table."""

    dims: tuple[str, ...]
    dtype: Any
    units: str
    long_name: str
    of_market: bool = False


def _estimate(dims: tuple[str, ...], units: str, name: str) -> tuple[Variable, Variable]:
    return Variable(dims, float, units, name), Variable(dims, float, units, f"standard error of: {name}")


_EVENT, _HORIZON, _LEVEL = ("horizon", "event"), ("horizon",), ("horizon", "loss_level")

TABLE: dict[str, Variable] = {
    "probability": Variable(_EVENT, float, "1", "probability of the event by the horizon"),
    "lower": Variable(_EVENT, float, "1", "lower end of the 95 % interval of the probability"),
    "upper": Variable(_EVENT, float, "1", "upper end of the 95 % interval of the probability"),
    "standard_error": Variable(_EVENT, float, "1", "standard error of the probability"),
    "hits": Variable(_EVENT, np.int64, "paths", "paths on which the event came by the horizon"),
    "time_median": Variable(_EVENT, float, "days", "median time of the event given that it came by the horizon"),
    "ruin_probability": Variable(_HORIZON, float, "1", "probability of ruin by the horizon"),
    "ruin_probability_se": Variable(_HORIZON, float, "1", "standard error of the probability of ruin"),
    "ruin_lower": Variable(_HORIZON, float, "1", "lower end of the 95 % interval of the probability of ruin"),
    "ruin_upper": Variable(_HORIZON, float, "1", "upper end of the 95 % interval of the probability of ruin"),
    "probability_by_cause": Variable(
        (*_EVENT, "cause"), float, "1", "probability of the event by the horizon and its cause"
    ),
    "survival": Variable(("survival_time",), float, "1", "probability of no ruin yet"),
    "survival_lower": Variable(("survival_time",), float, "1", "lower end of the 95 % interval of survival"),
    "survival_upper": Variable(("survival_time",), float, "1", "upper end of the 95 % interval of survival"),
    "loss_count": Variable(("horizon", "loss_bin"), np.int64, "paths", "paths whose loss lies in the bin"),
    "status": Variable((), object, "1", "ok, not_allowed, failed or target_not_met"),
    "status_reason": Variable((), object, "1", "why the status is not ok"),
    "notional": Variable((), float, QUOTE, "notional at entry"),
    "quantity": Variable((), float, "units of the asset", "quantity"),
    "liquidation_price": Variable((), float, QUOTE, "liquidation price at as_of, before further funding"),
    "bankruptcy_price": Variable((), float, QUOTE, "bankruptcy price at as_of, before further funding"),
    "n_paths": Variable((), np.int64, "paths", "paths simulated", True),
    "effective_sample_size": Variable((), float, "paths", "independent units among them", True),
    "stopped_by": Variable((), object, "1", "what ended the sampling: paths, target or max_paths", True),
}

for _name, _text in {
    "mean_pnl": "mean profit and loss since as_of",
    "mean_fees": "mean fees paid",
    "mean_funding": "mean funding received",
    "shortfall_mean": "mean shortfall: what equity falls below zero by, before any liquidation fee",
}.items():
    TABLE[_name], TABLE[f"{_name}_se"] = _estimate(_HORIZON, QUOTE, _text)

for _name, _text in {"value_at_risk": "value at risk", "expected_shortfall": "expected shortfall"}.items():
    TABLE[_name], TABLE[f"{_name}_se"] = _estimate(_LEVEL, QUOTE, f"{_text} by the horizon, a positive loss")
    TABLE[f"{_name}_fraction"], TABLE[f"{_name}_fraction_se"] = _estimate(
        _LEVEL, "fraction of equity at as_of", f"{_text} by the horizon, a positive loss"
    )

GENERAL: dict[str, Variable] = {}
GENERAL["mean_insurance"], GENERAL["mean_insurance_se"] = _estimate(
    _HORIZON, QUOTE, "mean change of the insurance fund: residuals less the shortfalls that it covered"
)
_OF_ONE = "; NaN where a book has several positions, collaterals or an expiry"
_GENERAL_WORDS = {  # what a variable means more widely where books are of any form
    "notional": "notional at entry; of several positions the sum",
    "quantity": "quantity in the contract's unit (inverse: USD; quanto: contracts); NaN of several positions",
    "liquidation_price": "liquidation price at as_of, before further funding" + _OF_ONE,
    "bankruptcy_price": "bankruptcy price at as_of, before further funding" + _OF_ONE,
}
_PRICES = ("liquidation_price", "bankruptcy_price")

DRAWN: dict[str, Variable] = {
    "parameter_standard_error": Variable(
        _EVENT, float, "1", "standard deviation of the probability over the drawn parameters; 0 where paths hide it"
    ),
    "monte_carlo_standard_error": Variable(
        _EVENT, float, "1", "standard error of the mean probability from finitely many paths and draws"
    ),
}
DRAWN_CONVENTIONS = (
    " Each block of paths has its own parameters: intervals and standard errors of probabilities, survival and means "
    "hold both the Monte Carlo error and that of the parameters; those of value at risk and expected shortfall the "
    "Monte Carlo error alone, as if paths were independent."
)


def table(drawn: bool, general: bool = False) -> dict[str, Variable]:
    """The variables of a run: those of drawn parameters and of books of any form where there are such."""
    return {**TABLE, **(GENERAL if general else {}), **(DRAWN if drawn else {})}


def attributes(name: str, currency: str = QUOTE, general: bool = False) -> dict[str, str]:
    """Unit and meaning of a variable; `currency` is what the books settle in."""
    variable = table(drawn=True, general=True)[name]
    units = currency if variable.units == QUOTE and name not in _PRICES else variable.units
    long_name = variable.long_name
    if general and name in _GENERAL_WORDS:
        long_name = _GENERAL_WORDS[name]
        units = "units of the contract" if name == "quantity" else units
    return {"units": units, "long_name": long_name}
