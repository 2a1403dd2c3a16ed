"""A fit in rows and words: the same on the command line and on the page."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from stresslab.calibrate import Fit
from stresslab.calibrate.fit import leaves
from stresslab.estimate.intervals import Z
from stresslab.models import MODELS
from stresslab.models.unconstrained import bounds

NONE = "-"


def parameter_rows(fit: Fit) -> list[dict[str, str]]:
    """One row for each number of the model; the interval is the normal one in the space without bounds."""
    described: set[str] = set()
    rows = []
    for field, value in fit.parameters.items():
        for name, number in leaves(field, value):
            text = "" if field in described else MODELS[fit.kind].model_fields[field].description or ""
            described.add(field)
            rows.append({"parameter": name, **_figures(fit, name, number), "meaning": text})
    return rows


def _figures(fit: Fit, name: str, number: float) -> dict[str, str]:
    error = fit.standard_errors.get(name)
    if error is None or not math.isfinite(error):
        return {"estimate": figure(number), "error": _role(fit, name.split(".")[0]), "t": NONE, "95 % interval": NONE}
    low, high = interval(fit.kind, name, number, error)
    t = f"{number / error:.1f}" if error > 0 else NONE
    between = f"{figure(low)} to {figure(high)}"
    return {"estimate": figure(number), "error": figure(error, 3), "t": t, "95 % interval": between}


def _role(fit: Fit, field: str) -> str:
    """Why a number has no error: a generator's diagonal, for example, follows from its other elements."""
    if field in fit.state:
        return "state"
    follows = any(name.split(".")[0] == field for name in fit.standard_errors)
    return "follows" if follows else "held fixed" if field in fit.fixed else NONE


def interval(kind: str, name: str, number: float, error: float) -> tuple[float, float]:
    """95 %, inside the bounds of the field; a number on its bound has no interval."""
    limits = bounds(MODELS[kind], name)
    if not limits.inside(number):
        return number, number
    reach, centre = Z * error * limits.slope(number), limits.free(number)
    return tuple(limits.bound(float(np.clip(centre + side * reach, -700, 700))) for side in (-1, 1))  # type: ignore[return-value]


def figure(x: float, digits: int = 5) -> str:
    """A number to so many digits, without a trailing exponent where it can be read without."""
    return f"{x:.{digits}g}"


def quality(fit: Fit) -> list[str]:
    """How well it fits: likelihood and criteria, implied volatilities, residuals in words."""
    found = []
    if fit.log_likelihood is not None and fit.aic is not None and fit.bic is not None:
        count = f"{fit.free_parameters} free parameters, {fit.observations:,} observations"
        found.append(f"log-likelihood {fit.log_likelihood:.2f} ({count}); AIC {fit.aic:.2f}, BIC {fit.bic:.2f}")
    elif not fit.smiles:
        found.append("no likelihood: the method does not maximise one, so there is no AIC or BIC")
    if fit.smiles:
        quotes = sum(len(one.strikes) for one in fit.smiles)
        found.append(f"implied volatilities: root mean square error {100 * rmse(fit):.2f} points over {quotes} quotes")
    return found + (fit.diagnostics.words() if fit.diagnostics else [])


def rmse(fit: Fit) -> float:
    """Of all implied volatilities."""
    return float(np.sqrt(np.mean(np.concatenate([one.model - one.market for one in fit.smiles]) ** 2)))


def warnings(fit: Fit) -> list[str]:
    """What the reader must not overlook."""
    wide = [name for name, error in fit.standard_errors.items() if not _is_known(fit, name, error)]
    wide = [name for name in wide if not any(name in text for text in fit.warnings)]
    unsure = [f"not identified by these data: {', '.join(wide)} (standard error above the estimate)"] if wide else []
    return [*fit.warnings, *unsure]


def _is_known(fit: Fit, name: str, error: float) -> bool:
    numbers = dict(pair for field, value in fit.parameters.items() for pair in leaves(field, value))
    free = not math.isfinite(bounds(MODELS[fit.kind], name).low)
    return math.isfinite(error) and (free or error <= abs(numbers[name]))


def smile_rows(fit: Fit) -> list[dict[str, str]]:
    """One row for each expiry of a chain."""
    rows = []
    for one in fit.smiles:
        summary = one.summary()
        expiry, points = f"{summary['expiry']:%Y-%m-%d %H:%M}", f"{100 * one.rmse:.2f}"
        quotes = str(len(one.strikes))
        rows.append({"expiry": expiry, "forward": figure(one.forward, 6), "quotes": quotes, "rmse, points": points})
    return rows


def provenance(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Where the numbers are from, as pairs of a word and a text."""
    skipped = {
        "method",
        "standard_errors",
        "covariance",
        "draws",
        "diagnostics",
        "smiles",
        "warnings",
        "doubts",
        "state",
        "fixed",
    }
    return [(word.replace("_", " "), _text(what)) for word, what in content["fitted"].items() if word not in skipped]


def _text(what: Any) -> str:
    if hasattr(what, "strftime"):
        return f"{what:%Y-%m-%d %H:%M} UTC"
    if isinstance(what, dict):
        return ", ".join(f"{key} {_text(value)}" for key, value in what.items()) or "none"
    if isinstance(what, Sequence) and not isinstance(what, str):
        return ", ".join(map(_text, what))
    return str(what)
