"""What a calibration hands on: parameters, how sure they are, how well they fit, and where they are from.

Standard errors bear the parameters' names; an element of a nested one is named by its place: `sigmas.0`,
`generator.0.1`. A number without a standard error is a `state` of the night (h0, regime probabilities) or was `fixed`
by hand (beta of SABR): it says so. `covariance` is that of the standard errors, in their order and units; a fit that
rests on a bootstrap may give its replicates, `draws`, in its place. `doubts` are the warnings that make the numbers
doubtful: no convergence, a volatility that is not the data's, a parameter on a bound or not identified.

    AIC = 2 k - 2 log L        BIC = k log n - 2 log L        k free parameters, n observations
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from pydantic import ValidationError

from stresslab.calibrate import model_yaml
from stresslab.calibrate.covariances import checked, rounded_covariance
from stresslab.calibrate.diagnostics import Diagnostics, diagnose
from stresslab.calibrate.doubts import volatility_doubts
from stresslab.calibrate.model_yaml import flow, rounded
from stresslab.errors import InputError, require
from stresslab.files.validation import validation_error
from stresslab.models import MODELS, Parameters
from stresslab.models.history import History

DIGITS, ERROR_DIGITS, DRAW_DIGITS = 5, 3, 4  # significant ones in the file


class Data(Protocol):
    """What a model is fitted to: `Returns`, or an option chain."""

    @property
    def end(self) -> int:
        """Seconds since 1970: the close of the last bar, or the moment of the chain. The fit's `as_of`."""

    @property
    def observations(self) -> int:
        """Returns, or quotes."""

    @property
    def provenance(self) -> dict[str, Any]:
        """For the model's file, in order: dates as datetime, counts, what was dropped and why."""


class Smile(NamedTuple):
    """Implied volatilities of one expiry, per square root of a year."""

    expiry: int  # seconds since 1970
    forward: float
    strikes: np.ndarray  # rising
    market: np.ndarray
    model: np.ndarray

    @property
    def rmse(self) -> float:
        """Root mean square difference of model and market."""
        return float(np.sqrt(np.mean((self.model - self.market) ** 2)))

    def summary(self) -> dict[str, Any]:
        """For the model's file."""
        quotes, digits = len(self.strikes), ERROR_DIGITS
        found = {"forward": rounded(float(self.forward), 6), "quotes": quotes, "rmse": rounded(self.rmse, digits)}
        return {"expiry": model_yaml.utc(self.expiry), **found}


@dataclass(frozen=True, eq=False)
class Fit:
    """Parameters of a model from data. `as_of` is the end of the data, seconds since 1970."""

    kind: str
    parameters: dict[str, Any]
    standard_errors: dict[str, float]
    method: str
    as_of: int
    provenance: dict[str, Any]
    observations: int
    free_parameters: int
    log_likelihood: float | None = None
    covariance: np.ndarray | None = None  # in the order of standard_errors
    draws: np.ndarray | None = None  # (replicate, standard error)
    state: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()  # remarks, and after them the doubts
    doubts: tuple[str, ...] = ()
    diagnostics: Diagnostics | None = None
    # for the plot alone
    residuals: np.ndarray | None = field(default=None, repr=False)
    volatility: np.ndarray | None = field(default=None, repr=False)
    smiles: tuple[Smile, ...] = field(default=(), repr=False)

    @property
    def aic(self) -> float | None:
        """Akaike's criterion; None without a likelihood."""
        return None if self.log_likelihood is None else 2 * (self.free_parameters - self.log_likelihood)

    @property
    def bic(self) -> float | None:
        """Schwarz's criterion; None without a likelihood."""
        if self.log_likelihood is None:
            return None
        return float(self.free_parameters * np.log(self.observations) - 2 * self.log_likelihood)

    def document(self, source: str, versions: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The content of the model's file, rounded; InputError where the model refuses the parameters."""
        parameters = {name: _rounded_parameter(value) for name, value in self.parameters.items()}
        try:
            MODELS[self.kind](kind=self.kind, **parameters)
        except ValidationError as error:
            raise validation_error(error, "").at(key=f"fitted {self.kind}") from error
        fitted: dict[str, Any] = {"as_of": model_yaml.utc(self.as_of), **self.provenance}
        fitted |= {"source": source, "method": self.method}
        fitted["standard_errors"] = {name: rounded(value, ERROR_DIGITS) for name, value in self.standard_errors.items()}
        fitted |= {name: list(value) for name in ("state", "fixed") if (value := getattr(self, name))}
        fitted |= self._uncertainty() | self._quality()
        if versions:
            fitted["versions"] = dict(versions)
        written = {n: v.written() if isinstance(v, History) else v for n, v in parameters.items()}
        return {"kind": self.kind, "parameters": written, "fitted": fitted}

    def _uncertainty(self) -> dict[str, Any]:
        names, found = tuple(self.standard_errors), {}
        if self.covariance is not None:
            found["covariance"] = {"names": names, "matrix": flow(rounded_covariance(self.covariance))}
        if self.draws is not None:
            values = [rounded(row, DRAW_DIGITS) for row in flow(self.draws)]
            found["draws"] = {"names": names, "values": values}
        return found

    def _quality(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.log_likelihood is not None and self.aic is not None and self.bic is not None:
            found["log_likelihood"] = round(self.log_likelihood, 2)
            found |= {"free_parameters": self.free_parameters, "observations": self.observations}
            found |= {"aic": round(self.aic, 2), "bic": round(self.bic, 2)}
        if self.smiles:
            misses = np.concatenate([one.model - one.market for one in self.smiles])
            found["rmse"] = rounded(float(np.sqrt(np.mean(misses**2))), ERROR_DIGITS)
            found["smiles"] = [one.summary() for one in self.smiles]
        if self.diagnostics is not None:
            found["diagnostics"] = {name: rounded(value, 3) for name, value in asdict(self.diagnostics).items()}
        if self.warnings:  # an empty list of doubts says that the rest are remarks
            found["doubts"] = list(self.doubts)
            found["warnings"] = [text for text in self.warnings if text not in self.doubts]
        return found

    def yaml(self, source: str, versions: Mapping[str, str] | None = None) -> str:
        """The model's file as text."""
        return model_yaml.text(self.document(source, versions))


def make_fit(
    kind: str,
    data: Data,
    parameters: Mapping[str, Any],
    standard_errors: Mapping[str, float],
    method: str,
    log_likelihood: float | None = None,
    *,
    covariance: np.ndarray | None = None,
    draws: np.ndarray | None = None,
    residuals: np.ndarray | None = None,
    volatility: np.ndarray | None = None,
    smiles: Sequence[Smile] = (),
    warnings: Sequence[str] = (),
    doubts: Sequence[str] = (),
    state: Sequence[str] = (),
    fixed: Sequence[str] = (),
    free_parameters: int | None = None,
) -> Fit:
    """A Fit with the provenance of its data.

    Every number among the parameters has a standard error, or its field is listed in `state` or `fixed`. `residuals`:
    in time order, standard normal and independent if the model holds (probability integral transform). `volatility`:
    the model's, per square root of a year, at each return of the data. `free_parameters` is the number of standard
    errors of fields that are no state, without it. `warnings` are remarks; `doubts` are counted among the warnings.
    """
    given = {name: _plain(value) for name, value in parameters.items()}
    errors = {name: float(value) for name, value in standard_errors.items()}
    listed = {*state, *fixed}
    numbers = {path for name, value in given.items() if name not in listed for path, _ in leaves(name, value)}
    rule = "every number has a standard error, or its field is listed as state or fixed"
    require(listed <= given.keys(), rule, key=kind, got=sorted(listed - given.keys()))
    known = {path for name, value in given.items() for path, _ in leaves(name, value)}
    require(errors.keys() <= known and numbers <= errors.keys(), rule, key=kind, got=sorted(numbers ^ errors.keys()))
    doubtful = [*doubts, *volatility_doubts(kind, given, data, volatility, smiles)]
    if covariance is not None:
        covariance, doubt = checked(kind, errors, covariance)
        doubtful += [doubt] if doubt else []
    if draws is not None:
        require(np.shape(draws)[1:] == (len(errors),), "a draw has one number for each standard error", key=kind)
    return Fit(
        kind=kind,
        parameters=given,
        standard_errors=errors,
        method=method,
        as_of=data.end,
        provenance=data.provenance,
        observations=data.observations,
        free_parameters=_free(errors, state) if free_parameters is None else free_parameters,
        log_likelihood=None if log_likelihood is None else float(log_likelihood),
        covariance=covariance,
        draws=None if draws is None else np.asarray(draws, float),
        state=tuple(state),
        fixed=tuple(fixed),
        warnings=(*warnings, *doubtful),
        doubts=tuple(doubtful),
        diagnostics=None if residuals is None else diagnose(residuals),
        residuals=None if residuals is None else np.asarray(residuals, float),
        volatility=None if volatility is None else np.asarray(volatility, float),
        smiles=tuple(smiles),
    )


def require_valid(kind: str, parameters: Mapping[str, Any]) -> Parameters:
    """The model with the fitted parameters; an InputError about the data where they are outside the model's range."""
    try:
        return MODELS[kind](kind=kind, **parameters)
    except ValidationError as error:
        found = validation_error(error, "")
    raise cannot_be_fitted(kind, found)


def cannot_be_fitted(kind: str, why: InputError) -> InputError:
    """The refusal of fitted parameters as one of the data, because the user did not write the parameters."""
    rule = (
        f"{kind} cannot be fitted to these data: the best fit lies outside the model's range ({why.rule.rstrip('.')})"
    )
    return InputError(rule, hint="Give more data or data of other dates, or choose another model")


def _free(errors: Mapping[str, float], state: Sequence[str]) -> int:
    return sum(name.split(".")[0] not in state for name in errors)


def leaves(name: str, value: Any) -> Iterator[tuple[str, float]]:
    """The numbers in a parameter with their names: ("generator.0.1", 12.0); text and recorded prices have none."""
    if isinstance(value, History):
        return
    if type(value) is tuple:  # a recorded history is a NamedTuple, and has no parameters in it
        for place, item in enumerate(value):
            yield from leaves(f"{name}.{place}", item)
    elif isinstance(value, float):
        yield name, value


def _rounded_parameter(value: Any) -> Any:
    return value if isinstance(value, History) else rounded(value, DIGITS)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | History):
        return value
    if isinstance(value, tuple | list) or (isinstance(value, np.ndarray) and value.ndim):
        return tuple(_plain(item) for item in value)
    return float(value)
