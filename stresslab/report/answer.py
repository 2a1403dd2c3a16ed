"""The answer in words: the headline probability, what stays below the limit, how the limits stand, what is missing."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from stresslab.limits import BREACH, PASS, UNDECIDED, LimitResult
from stresslab.report import words
from stresslab.report.layout import Index, Layout, at, names, value
from stresslab.report.safe import Safe

MAX_SENTENCES = 6
Estimate = tuple[float, float, float]


@dataclass(frozen=True)
class Answer:
    """The headline in words, what it looks like at other horizons and models, and what else matters, point by point."""

    lead: str
    context: str
    points: list[str]


def ruin(ds: xr.Dataset, index: Index) -> Estimate:
    """Probability of ruin in one cell at one horizon, with its interval."""
    probability, lower, upper = (float(at(ds, f"ruin_{name}", index)) for name in ("probability", "lower", "upper"))
    return probability, lower, upper


def answer(ds: xr.Dataset, layout: Layout, limits: Sequence[LimitResult], safe: Safe | None) -> Answer:
    """The lead of the page."""
    context = [text for text in (_other_horizons(ds, layout), _spread(ds, layout)) if text]
    points = [text for text in (*limit_words(limits), _safe_words(ds, safe, layout), _gaps(ds)) if text]
    return Answer(_headline(ds, layout), " ".join(context), points)


def _headline(ds: xr.Dataset, layout: Layout) -> str:
    index = layout.headline
    p, lower, upper = ruin(ds, index)
    if not np.isfinite(p):
        return "No cell of this study has a number: every one failed or is not allowed."
    event = words.event_words(ds.attrs["ruin_event"])
    horizon = words.horizon_words(value(ds, "horizon", index["horizon"]))
    place = _place(ds, layout)
    if p <= 0:
        return (
            f"{place}, no path met {event} within {horizon}: the probability is {words.probability(p, lower, upper)}."
        )
    return f"{place}, the probability of {event} within {horizon} is {words.with_interval(p, lower, upper)}."


def _place(ds: xr.Dataset, layout: Layout) -> str:
    """'At 10x long on binance_usdm/BTCUSDT under heston (sigma 0.5)'."""
    study = json.loads(ds.attrs["study"])
    book, market = study.get("book") or {}, study.get("market") or {}
    here = names(ds, {dim: place for dim, place in layout.headline.items() if dim != "horizon"})
    leverage, side = here.pop("leverage", book.get("leverage")), here.pop("side", book.get("side"))
    model = here.pop("model", market.get("model"))
    held = " ".join(filter(None, (words.label("leverage", leverage) if leverage else "", side or "")))
    on = here.pop("rulebook", book.get("rulebook"))
    text = f"At {held} on {on}" if leverage else f"For a {held} position on {on}" if held else f"For this book on {on}"
    rest = ", ".join(words.named(dim, here[dim]) for dim in here)
    return text + (f" under {model}" if model else "") + (f" ({rest})" if rest else "")


def _spread(ds: xr.Dataset, layout: Layout) -> str:
    """How far the series (the models) disagree at the headline cell."""
    if layout.series is None or layout.series == layout.row:
        return ""
    dim, here = layout.series, layout.headline
    found = {place: ruin(ds, here | {dim: place}) for place in range(layout.sizes[dim])}
    finite = {place: estimate for place, estimate in found.items() if np.isfinite(estimate[0])}
    if len(finite) < 2 or not finite.get(here[dim], (0.0,))[0]:
        return ""
    mildest = min(finite, key=lambda place: finite[place][0])
    this, other = (words.named(dim, value(ds, dim, place)) for place in (here[dim], mildest))
    group = f"{len(finite)} models" if dim == "model" else f"{len(finite)} values of {words.title(dim)}"
    return f"Of {group}, {this} is the worst here; the mildest, {other}, gives {words.with_interval(*finite[mildest])}."


def _other_horizons(ds: xr.Dataset, layout: Layout) -> str:
    parts = []
    for place in range(layout.sizes["horizon"]):
        if place != layout.headline["horizon"]:
            text = words.with_interval(*ruin(ds, layout.headline | {"horizon": place}))
            if text != words.NOTHING:
                parts.append(f"{text} within {words.horizon_words(value(ds, 'horizon', place))}")
    return f"In the same cell it is {_listed(parts[:4])}." if parts else ""


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def limit_words(limits: Sequence[LimitResult]) -> list[str]:
    """How the limits stand: one sentence for each that does not pass, the breaches first; none where none are set."""
    if not limits:
        return []
    order = {BREACH: 0, UNDECIDED: 1}
    asked = sorted((limit for limit in limits if limit.state != PASS), key=lambda limit: order[limit.state])
    passed = len(limits) - len(asked)
    said = [_limit_sentence(limit) for limit in asked[:MAX_SENTENCES]]
    if len(asked) > MAX_SENTENCES:
        said.append(f"{len(asked) - MAX_SENTENCES} more limits do not pass: see the limits in full.")
    if not asked:
        said.append(f"All {len(limits)} limits pass." if len(limits) > 1 else "The limit passes.")
    elif passed:
        said.append(f"{passed} of {len(limits)} limits {'passes' if passed == 1 else 'pass'}.")
    return said


def _limit_sentence(limit: LimitResult) -> str:
    estimate = (limit.probability, limit.lower, limit.upper)
    what = f"{words.event_words(limit.event)} within {words.horizon_words(limit.horizon)}"
    where = f" at {words.cell_name(limit.worst)}" if limit.worst else ""
    verb = "is breached" if limit.state == BREACH else "is undecided"
    counts = f", and counts as a {limit.effective_state}" if limit.effective_state != limit.state else ""
    if not np.isfinite(limit.probability):
        return f"Limit {limit.name} {verb}{counts}: {limit.reason}."
    reason = f" ({limit.reason})" if limit.without_number else ""
    number = f"{words.with_interval(*estimate)}{where}, against at most {words.share(limit.maximum)}"
    return f"Limit {limit.name} {verb}{counts}: {what} has a probability of {number}{reason}."


def _gaps(ds: xr.Dataset) -> str:
    """Cells without a number and cells short of their target, counted: the page must not hide them."""
    counts = Counter(ds["status"].values.astype(str).ravel().tolist())
    total = ds["status"].size
    said = {
        "not_allowed": "are not allowed by the venue",
        "failed": "failed",
        "target_not_met": "are short of their target",
    }
    parts = [f"{counts[state]} {text}" for state, text in said.items() if counts[state]]
    return f"Of {total} cells, {_listed(parts)}: see the list below." if parts else ""


def _safe_words(ds: xr.Dataset, safe: Safe | None, layout: Layout) -> str:
    if safe is None:
        return ""
    place = layout.headline["horizon"]
    horizon = words.horizon_words(value(ds, "horizon", place))
    maximum = words.share(safe.thresholds[place].maximum)
    found = [
        f"{line[place]} for {group}" if group else line[place]
        for group, line in zip(safe.groups[:4], safe.values[:4], strict=True)
    ]
    if all(line[place] == "none" for line in safe.values):
        return (
            f"No swept value of {safe.dim} stays below {maximum} within {horizon} with its whole interval{safe.scope}."
        )
    what = f"The {safe.subject} whose whole interval stays below {maximum} within {horizon}{safe.scope}"
    return f"{what} is {_listed(found)}."
