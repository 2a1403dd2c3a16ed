"""The result as one dataset: what was said, what happened, what it was worth."""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from stresslab import __version__
from stresslab.backtest import resample, scores
from stresslab.backtest.baselines import BASELINES, Forecast
from stresslab.backtest.clock import Clock
from stresslab.backtest.editions import dates_by_edition, doubtful_dates
from stresslab.backtest.forecasts import Diary
from stresslab.backtest.outcomes import ObservedMoves, beyond, liquidated, losses
from stresslab.backtest.question import CONFIDENCES, Question
from stresslab.backtest.reliability import BINS, Bins, calibration_score, reliability
from stresslab.backtest.value_at_risk import Coverage, coverage, thinned
from stresslab.calibrate import Bars
from stresslab.units import format_duration

CELL = ("forecaster", "side", "leverage")
SKILL = ("forecaster", "baseline", "score", "side", "leverage")
RISK = ("forecaster", "side", "confidence")
NOT_IDENTIFIABLE = "not identifiable"
Variables = dict[str, tuple[tuple[str, ...], Any, dict[str, str]]]


class Judged(NamedTuple):
    """What the dataset is made of."""

    bars: Bars
    question: Question
    clock: Clock
    levels: np.ndarray  # log distances (side, leverage, date)
    moves: ObservedMoves  # after each forecast date
    forecasts: dict[str, Forecast]
    diaries: dict[str, Diary]

    @property
    def happened(self) -> np.ndarray:
        """Whether a known price liquidated each position (side, leverage, date)."""
        return liquidated(self.moves, self.levels, self.question.sides)

    @property
    def decided(self) -> np.ndarray:
        """Whether the outcome is known (side, leverage, date)."""
        return self.happened | self.moves.whole

    @property
    def probability(self) -> np.ndarray:
        """Probabilities (forecaster, side, leverage, date); NaN where the outcome is not known."""
        said = np.stack([one.probability for one in self.forecasts.values()])
        return np.where(self.decided, said, np.nan)


def assemble(judged: Judged) -> xr.Dataset:
    """The dataset."""
    question = judged.question
    known = scores.identifiable(judged.happened, judged.decided, judged.clock.dates, question.spans.horizon)
    variables = _said_and_seen(judged) | _events(judged, known) | _scores(judged, known)
    variables |= _reliability(judged) | _risk(judged) | _diary(judged)
    dates = {"units": "seconds since 1970-01-01T00:00:00", "long_name": "forecast made", "calendar": "standard"}
    coords = {
        "forecaster": ("forecaster", list(judged.forecasts), {"long_name": "baselines, then models"}),
        "baseline": ("baseline", list(BASELINES), {"long_name": "what skill is measured against"}),
        "score": ("score", list(scores.SCORES), {"long_name": "proper score"}),
        "side": ("side", list(question.sides), {"long_name": "side of the position"}),
        "leverage": ("leverage", list(question.leverages), {"units": "1", "long_name": "notional over margin"}),
        "confidence": ("confidence", list(CONFIDENCES), {"units": "1", "long_name": "of value at risk"}),
        "bin": ("bin", np.arange(BINS), {"long_name": "bin of the reliability diagram, by forecast"}),
        "date": ("date", judged.clock.dates, dates),
    }
    return xr.Dataset(variables, coords=coords, attrs=_attributes(judged))


def _said_and_seen(judged: Judged) -> Variables:
    seen = ("side", "leverage", "date")
    error = np.stack([one.error for one in judged.forecasts.values()])
    risk = np.stack([one.value_at_risk for one in judged.forecasts.values()])
    dated: Variables = {}
    if judged.question.dated is not None:
        words = _text("fraction of entry", "liquidation price by the edition of the rulebook in force at the date")
        dated = {"liquidation_price_on_date": (seen, np.exp(judged.levels), words)}
    return dated | {
        "probability": ((*CELL, "date"), judged.probability, _text("1", "forecast probability of liquidation")),
        "monte_carlo_error": ((*CELL, "date"), error, _text("1", "Monte Carlo standard error of the forecast")),
        "value_at_risk": ((*RISK, "date"), risk, _text("1", "log move against the position, not leveraged")),
        "happened": (seen, judged.happened, _text("1", "a bar of the horizon reached the liquidation price")),
        "decided": (seen, judged.decided, _text("1", "the known bars of the horizon decide whether it happened")),
        "loss": (("side", "date"), losses(judged.moves, judged.question.sides), _text("1", "log move against it")),
        "liquidation_price": (
            seen[:2],
            np.exp(judged.levels[:, :, -1]),
            _text("fraction of entry", "liquidation price" + (" on the last date" if dated else "")),
        ),
    }


def _events(judged: Judged, known: np.ndarray) -> Variables:
    seen, happened, dates = ("side", "leverage"), judged.happened, judged.clock.dates
    disjoint = scores.disjoint_events(happened, dates, judged.question.spans.horizon)
    probability = judged.probability
    counted = np.isfinite(probability).sum(axis=-1)
    means = np.nansum(probability, axis=-1) / np.where(counted > 0, counted, np.nan)
    large = np.empty(means.shape)
    for index in np.ndindex(large.shape):
        large[index] = calibration_score(probability[index], happened[index[1:]], judged.question.overlap)
    return {
        "events": (seen, happened.sum(axis=-1), _text("dates", "dates on which it happened")),
        "dates_decided": (seen, judged.decided.sum(axis=-1), _text("dates", "dates on which it is known")),
        "undecided_beyond": (
            seen,
            (beyond(judged.moves, judged.levels, judged.question.sides) & ~judged.decided).sum(axis=-1),
            _text("dates", "dates left out whose first known price after the hole lies beyond the level"),
        ),
        "disjoint_events": (seen, disjoint, _text("dates", "of them, without overlap of their horizons")),
        "status": (seen, np.where(known, "ok", NOT_IDENTIFIABLE), _text("", "whether there is enough to score")),
        "dates_forecast": (CELL, counted, _text("dates", "dates with a forecast")),
        "mean_probability": (CELL, means, _text("1", "mean forecast")),
        "calibration_score": (CELL, large, _text("1", "standard score of the number of events under the forecasts")),
    }


def _scores(judged: Judged, known: np.ndarray) -> Variables:
    """Mean scores, and skills with their intervals: NaN where not identifiable."""
    question, spans = judged.question, judged.question.spans
    each = scores.scored(
        judged.probability, judged.happened, question.n_paths
    )  # score, forecaster, side, leverage, date
    block = resample.mean_block(spans.horizon, spans.every, len(judged.clock.dates))
    counts = resample.drawn_counts(len(judged.clock.dates), block, question.seed)
    shape = (len(judged.forecasts), len(BASELINES), len(scores.SCORES), *known.shape)
    point, lower, upper = np.full((3, *shape), np.nan)
    for place in range(len(BASELINES)):  # they come first among the forecasters
        ours, theirs = np.moveaxis(each, 0, 1), each[:, place][None]
        point[:, place] = scores.skill(ours, theirs)
        lower[:, place], upper[:, place] = resample.skill_interval(ours, np.broadcast_to(theirs, ours.shape), counts)
    hidden = [np.where(known, one, np.nan) for one in (point, lower, upper)]
    dates = np.isfinite(each).sum(axis=-1)
    means = np.where(known, np.nansum(each, axis=-1) / np.where(dates > 0, dates, np.nan), np.nan)
    errors = np.stack([one.error for one in judged.forecasts.values()])
    noise = np.where(known, scores.noise(judged.probability, errors, question.n_paths), np.nan)
    return {
        "mean_score": (("score", *CELL), means, _text("1", "mean score, 0 is best")),
        "monte_carlo_noise": (("score", *CELL), noise, _text("1", "what Monte Carlo noise adds to the mean score")),
        "skill": (SKILL, hidden[0], _text("1", "1 - score / score of the baseline")),
        "skill_lower": (SKILL, hidden[1], _text("1", "lower end of the 95 % interval, stationary bootstrap")),
        "skill_upper": (SKILL, hidden[2], _text("1", "upper end of the 95 % interval, stationary bootstrap")),
    }


def _reliability(judged: Judged) -> Variables:
    names = {
        "forecast": "mean forecast of the bin",
        "share": "share of its dates on which it happened",
        "lower": "lower end of the consistency bar, 95 %",
        "upper": "upper end of the consistency bar, 95 %",
        "dates": "dates in the bin",
    }
    question, probability, happened = judged.question, judged.probability, judged.happened
    shape = probability.shape[:-1]
    found = {name: np.full((*shape, BINS), np.nan) for name in names}
    for index in np.ndindex(shape):
        bins: Bins = reliability(probability[index], happened[index[1:]], question.overlap, question.seed)
        for name in names:
            found[name][index] = getattr(bins, name)
    units = {name: "dates" if name == "dates" else "1" for name in names}
    return {f"bin_{name}": ((*CELL, "bin"), found[name], _text(units[name], names[name])) for name in names}


def _risk(judged: Judged) -> Variables:
    """Tests of value at risk on dates whose horizons do not overlap."""
    spans, dates = judged.question.spans, judged.clock.dates
    chosen = thinned(dates, spans.horizon)
    spacing = -(-spans.horizon // spans.every) * spans.every
    lost = losses(judged.moves, judged.question.sides)
    shape = (len(judged.forecasts), len(judged.question.sides), len(CONFIDENCES))
    found = {name: np.full(shape, np.nan) for name in Coverage._fields}
    for index in np.ndindex(shape):
        risk = list(judged.forecasts.values())[index[0]].value_at_risk[index[1:]]
        kept = chosen[np.isfinite(risk[chosen]) & np.isfinite(lost[index[1], chosen])]
        tests = coverage(lost[index[1]][kept] > risk[kept], dates[kept], CONFIDENCES[index[2]], spacing)
        for name, value in tests._asdict().items():
            found[name][index] = value
    texts = {
        "dates": _text("dates", "dates without overlap of their horizons"),
        "exceedances": _text("dates", "of them, dates on which the loss exceeded value at risk"),
        "unconditional": _text("1", "p-value of unconditional coverage, Kupiec"),
        "independence": _text("1", "p-value of independence, Christoffersen"),
        "conditional": _text("1", "p-value of conditional coverage, Christoffersen"),
    }
    return {f"risk_{name}": (RISK, found[name], text) for name, text in texts.items()}


def _diary(judged: Judged) -> Variables:
    diaries = list(judged.diaries.values())
    reasons = [one.refused[-1] if one.refused else "" for one in diaries]
    return {
        "fits": (("forecaster",), [one.fits for one in diaries], _text("fits", "fits of the parameters")),
        "fits_refused": (
            ("forecaster",),
            [len(one.refused) for one in diaries],
            _text("fits", "fits refused"),
        ),
        "fits_warned": (("forecaster",), [one.doubtful for one in diaries], _text("fits", "fits with a doubt")),
        "refusal": (("forecaster",), reasons, _text("", "why the last refused fit was refused")),
    }


def _attributes(judged: Judged) -> dict[str, Any]:
    question, bars = judged.question, judged.bars
    block = resample.mean_block(question.spans.horizon, question.spans.every, len(judged.clock.dates))
    return {
        "title": "walk-forward backtest of liquidation probabilities",
        "prices": bars.file,
        "prices_read_as": json.dumps(bars.words()),
        "prices_sha256": bars.sha256,
        "bar": format_duration(bars.seconds),
        "question": json.dumps(question.said),
        "models": json.dumps(question.models),
        "left_out": judged.clock.left_out,
        "block": format_duration(block * question.spans.every),
        "clip": 0.5 / question.n_paths,
        "stresslab": __version__,
        **_editions(judged),
    }


def _editions(judged: Judged) -> dict[str, str]:
    """The rulebook's editions with the number of their dates, and a warning of dates that none is known to cover."""
    rules, dates = judged.question.dated, judged.clock.dates
    if rules is None:
        return {}
    doubt = doubtful_dates(dates, rules)
    return {
        "rulebook_editions": json.dumps(dates_by_edition(dates, rules)),
        "warnings": json.dumps([doubt] if doubt else []),
    }


def _text(units: str, long_name: str) -> dict[str, str]:
    return {"units": units, "long_name": long_name}
