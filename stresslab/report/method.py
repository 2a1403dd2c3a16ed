"""How the numbers were made and where they are from: facts for the end of the page, and the words it uses."""

import json
from typing import Any

import xarray as xr

from stresslab.report import uncertainty, words

RUN_WORDS = {"seconds": "run time", "versions": "versions of the run"}
Facts = list[tuple[str, list[str]]]

GLOSSARY = [
    ("liquidation", "The venue closes the position, or part of it, because equity no longer covers its requirement."),
    ("ruin", "The event that the page leads with: liquidation, unless the study names another."),
    ("bankruptcy", "Equity is below zero at the close-out: the position cost more than its collateral."),
    ("loss_50 and the like", "Account wealth falls by that many percent at any time up to the horizon."),
    ("horizon", "Time from the start of the paths. All horizons are read from the same paths."),
    ("leverage", "Notional over margin at entry."),
    (
        "cause",
        "What the price did when the event came: a continuous move (diffusion), a jump of the model or of a shock "
        "(gap), or a funding payment; or what else brought it: a stop that an outage held back, a reopening after a "
        "halt, a collateral that fell, a default of the venue.",
    ),
    ("value at risk", "The loss at the horizon that is not exceeded with the stated probability."),
    ("expected shortfall", "The mean loss in the cases that are worse than the value at risk."),
    (
        "shortfall",
        "What equity falls below zero by at the fill, before any liquidation fee; the mean is over all paths.",
    ),
    (
        "interval",
        "Contains the probability in 95 of 100 such studies. It measures chance in the sampling, not model error.",
    ),
    ("undecided", "The interval of a limit contains its maximum: more paths are needed to tell."),
    ("not allowed", "The venue's rules refuse this book, for example a leverage that its notional does not permit."),
    (
        "target not met",
        "Sampling ended before the precision that the study asked for was reached; the interval says how far.",
    ),
    ("survival", "The probability that the event of ruin has not come by then."),
    ("cell", "One combination of the values that the study sweeps."),
]

DRAWN_GLOSSARY = [
    ("Monte Carlo error", "The standard error that is left because paths, and draws of parameters, are finitely many."),
    (
        "parameter uncertainty",
        "The standard deviation of a probability over the parameters that the data behind the model leave open.",
    ),
    ("model spread", "The standard deviation of a probability over the models of the study."),
    (
        "interval",
        "Contains the probability under the true parameters in about 95 of 100 cases, if the model is right and its "
        "file states the errors of its parameters rightly: it holds Monte Carlo error and parameter uncertainty.",
    ),
]


def glossary(ds: xr.Dataset) -> list[tuple[str, str]]:
    """The words of this page."""
    if not uncertainty.is_drawn(ds):
        return GLOSSARY
    return [*(entry for entry in GLOSSARY if entry[0] != "interval"), *DRAWN_GLOSSARY]


def facts(ds: xr.Dataset, provenance: dict[str, Any]) -> Facts:
    """Method and provenance as pairs of a word and its lines."""
    study = json.loads(ds.attrs["study"])
    sampling, book, market = (study.get(key) or {} for key in ("sampling", "book", "market"))
    found: Facts = [
        ("intervals", [_intervals(sampling), *_lines(ds.attrs.get("conventions", ""))]),
        (
            "random numbers",
            [_streams(sampling), f"Seed {ds.attrs['seed']}, counter-based: every path can be made again."],
        ),
        (
            "between steps",
            ["The position is watched continuously: a Brownian bridge within each step of " + str(market.get("step"))],
        ),
        ("precision", ["Paths in float32 relative to spot; hits are integers, sums across paths float64."]),
        ("book", [_pairs(book)]),
        ("market", [_pairs(market)]),
        ("funding", [_pairs(study["funding"]) if study.get("funding") else "none"]),
        ("basis", [_pairs(study["basis"])] if study.get("basis") else []),
        ("shocks", _shocks(study)),
        ("models", [f"{name}: {_pairs(model)}" for name, model in (study.get("models") or {}).items()]),
        ("several assets", [f"{name}: {_pairs(model)}" for name, model in (study.get("joints") or {}).items()]),
        ("sampling", [_pairs(sampling)]),
        ("drawn parameters", uncertainty.drawn_words(ds)),
        ("assumptions", _assumptions(ds)),
        ("study hash", [str(ds.attrs["study_hash"])]),
        ("rulebook hashes", _lines(ds.attrs.get("rulebook_hashes", ""))),
        ("model hashes", _lines(ds.attrs.get("model_hashes", ""))),
        ("versions", _lines(ds.attrs.get("versions", ""))),
    ]
    return [(word, lines) for word, lines in [*found, *_run(provenance)] if any(lines)]


def _shocks(study: dict[str, Any]) -> list[str]:
    """The effects of each shock, one line each."""
    found = study.get("shocks") or {}
    return [f"{name}: {_pairs(effect)}" for name, effects in found.items() for effect in effects]


def _assumptions(ds: xr.Dataset) -> list[str]:
    """What the rulebooks take for granted, one line each, under their names where there are several."""
    books = json.loads(ds.attrs.get("assumptions", "{}"))
    return [f"{name}: {line}" if len(books) > 1 else str(line) for name, found in books.items() for line in found]


def _intervals(sampling: dict[str, Any]) -> str:
    exact = "Clopper-Pearson, exact for a count of independent paths"
    if sampling.get("parameters") == "drawn":
        return (
            "95 %: Clopper-Pearson for as many paths as have the total variance, Monte Carlo and parameters together, "
            "with Student's t for the number of blocks. No hits gives an upper bound, never zero."
        )
    pairs = "Clopper-Pearson, with the number of paths that the antithetic pairs are worth by their variance"
    return f"95 %: {pairs if sampling.get('antithetic') else exact}. No hits gives an upper bound, never zero."


def _streams(sampling: dict[str, Any]) -> str:
    if sampling.get("streams", "shared") == "shared":
        return "Common random numbers: all cells see the same draws; differences are surer than the intervals suggest."
    return "Independent streams: every market cell has its own draws."


def _run(provenance: dict[str, Any]) -> Facts:
    found: Facts = []
    for word, what in provenance.items():
        text = words.seconds_words(what) if word == "seconds" and isinstance(what, int | float) else what
        found.append((RUN_WORDS.get(word, words.title(word)), _lines(text)))
    return found


def _lines(what: Any) -> list[str]:
    """A text, a mapping, a list, or the JSON text of one of them, as lines."""
    if isinstance(what, str) and what[:1] in ("{", "["):
        what = json.loads(what)
    if isinstance(what, dict):
        return [f"{key}: {_pairs(item)}" for key, item in what.items()]
    if isinstance(what, list):
        return [_pairs(item) for item in what]
    return [] if what in ("", None) else [str(what)]


def _pairs(what: Any) -> str:
    """A nested value on one line; what is not set is left out."""
    if isinstance(what, dict):
        return ", ".join(
            f"{words.title(str(key))} {_pairs(item)}" for key, item in what.items() if item not in (None, {}, [])
        )
    if isinstance(what, list):
        return " ".join(_pairs(item) for item in what)
    return words.label("", what)
