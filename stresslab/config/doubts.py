"""Doubts about a study: values that are allowed, look right and may be wrong.

A doubt is a warning: a run goes on, prints it once, stores it with the results and puts it on the report's first
screen; with --strict it is an error. Each kind is one pure function of a study without a sweep (`OF_MARKETS`, asked of
every market cell) or of such a study and its book (`OF_BOOKS`, asked of every book that its rulebook allows); a further
kind is one function and one entry. None reads the clock: what is stored with a run depends on its input alone. `future`
needs a time and takes it as an argument: the command line passes the present, the report the start of the run.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from stresslab.config.build import BookFacts
from stresslab.config.fields import instant_text
from stresslab.config.general_book import GeneralBook
from stresslab.config.late_stops import late_stops
from stresslab.config.payment_plan import known_rates, payment_seconds
from stresslab.config.processes import ConstantFunding, MeanRevertingFunding, ReplayFunding
from stresslab.config.schema import Study
from stresslab.errors import NOT_GIVEN, InputError
from stresslab.models.volatility import volatility
from stresslab.shocks import Volatility as VolatilityShock
from stresslab.units import parse_duration
from stresslab.venues.editions import in_force, outside

HIGHEST_VOLATILITY, LOWEST_VOLATILITY = 3.0, 0.01  # per square root of a year
HIGHEST_SHOCKED = 10.0  # BTC had 600 % for some hours of March 2020
HIGHEST_FUNDING = 0.003  # fraction of notional in one interval, either way
OLDEST_STATE = "8D"


class Doubt(NamedTuple):
    """A short name, the key and its value, what is doubtful, and the next move.

    Of several doubts with one name, key and `about` (the rule where that is empty) the first is told.
    """

    name: str
    key: str
    got: Any
    rule: str
    hint: str
    about: str = ""

    @property
    def text(self) -> str:
        """`KEY = VALUE: rule. Next move.`"""
        return str(self.error(""))

    def error(self, file: str) -> InputError:
        """The doubt as an InputError, for --strict."""
        return InputError(self.rule, key=self.key, got=self.got, hint=self.hint, file=file)


def doubts(markets: Iterable[Study], books: Iterable[tuple[Study, Any]] = ()) -> tuple[Doubt, ...]:
    """The doubts about studies without a sweep and their books, each once: of swept values the first doubtful one."""
    found: dict[tuple[str, ...], Doubt] = {}
    for study in markets:
        for kind in OF_MARKETS:
            for doubt in kind(study):
                found.setdefault((doubt.name, doubt.key, doubt.about or doubt.rule), doubt)
    for study, book in books:
        for of_book in OF_BOOKS:
            for doubt in of_book(study, book):
                found.setdefault((doubt.name, doubt.key), doubt)
    return tuple(found.values())


def future(as_of: datetime, now: datetime) -> Iterator[Doubt]:
    """An as_of later than `now`: the year may be mistyped."""
    if as_of > now:
        rule = f"the date lies in the future: it is {instant_text(now)} now"
        hint = "Check the year: prices, funding and the state of the models are those of this date"
        yield Doubt("future_as_of", "as_of", instant_text(as_of), rule, hint)


def of_model_files(study: Study) -> Iterator[Doubt]:
    """Doubts stored in the model files."""
    for name in study.market_models:
        fit = study.fits.get(name)
        if fit is not None and fit.doubts:
            rule = f"the fit in this file is doubtful: {'; '.join(text.rstrip('.') for text in fit.doubts)}"
            hint = "Calibrate again with other data, or choose another model"
            yield Doubt("model_file", f"models.{name}.file", fit.file, rule, hint)


def of_volatilities(study: Study) -> Iterator[Doubt]:
    """Yearly volatilities outside those of traded assets, at as_of, in the long run, or under the shock."""
    for asset, name in _used(study):
        spot = (study.market.spots or {}).get(asset, study.market.spot)
        levels = volatility(study.models[name].at_spot(spot))
        if levels is None:
            continue
        later = None if levels.long_run == levels.now else levels.long_run  # a constant volatility is reported once
        for when, value in (("at as_of", levels.now), ("in the long run", later)):
            if value is not None and not LOWEST_VOLATILITY <= value <= HIGHEST_VOLATILITY:
                yield _volatility(name, when, value, HIGHEST_VOLATILITY)
        shocked = levels.now * _shock_factor(study, asset)
        if shocked > max(HIGHEST_SHOCKED, levels.now):
            yield _volatility(name, f"under the shock {study.market.shock}", shocked, HIGHEST_SHOCKED)


def _volatility(name: str, when: str, value: float, highest: float) -> Doubt:
    side = f"above {100 * highest:g} %" if value > highest else f"under {100 * LOWEST_VOLATILITY:g} %"
    rule = f"the volatility {when} is {side} a year"
    hint = "Check the units: 0.6 is 60 % per square root of a year, and a variance is a square, 0.36"
    percent = f"{100 * value:,.0f}" if value > 0.1 else f"{100 * value:.3g}"
    return Doubt("volatility", f"models.{name}", f"{percent} % a year", rule, hint)


def _used(study: Study) -> Iterator[tuple[str, str]]:
    """Each asset of the market with the name of its model."""
    joint = study.joints.get(study.market.model)
    yield from joint.assets.items() if joint else ((study.market.asset, study.market.model),)


def _shock_factor(study: Study, asset: str) -> float:
    """The largest factor by which the study's shock multiplies the volatility of an asset."""
    struck = [effect for effect in study.effects if effect.asset in (None, asset)]
    return math.prod(effect.factor for effect in struck if isinstance(effect, VolatilityShock))


def of_funding(study: Study) -> Iterator[Doubt]:
    """Funding rates beyond what venues charge, such as per cent written as a fraction, or a daily rate. Spikes added by
    a shock are exempt.
    """
    funding = study.funding
    if funding is None:
        return
    calm = study.model_copy(update={"market": study.market.model_copy(update={"shock": None})})
    known = known_rates(calm, payment_seconds(calm))
    found = {"the largest rate paid": float(known[np.abs(known).argmax()]) if known.size else 0.0}
    if isinstance(funding, ConstantFunding):
        found = {"the rate": funding.rate}
    if isinstance(funding, MeanRevertingFunding):
        found = {"the rate at as_of": funding.rate, "the mean rate": funding.mean}
    for what, rate in found.items():
        if abs(rate) > HIGHEST_FUNDING:
            rule = f"{what} is beyond {100 * HIGHEST_FUNDING:g} % in one interval of {funding.interval}"
            hint = "Check the units: a rate is a fraction of notional in one interval, and 0.0001 is 0.01 %"
            yield Doubt("funding", "funding", f"{100 * rate:.3g} %", rule, hint)


def of_states(study: Study) -> Iterator[Doubt]:
    """Models whose state is older than as_of by more than the limit, where the study sets no max_state_age."""
    for name in study.market_models:
        fit = study.fits.get(name)
        end = None if fit is None else fit.filtered_as_of or fit.as_of
        if fit is None or end is None or fit.max_state_age is not None:
            continue
        if (study.as_of - end).total_seconds() > parse_duration(OLDEST_STATE):
            age = (study.as_of - end).total_seconds() / 86_400
            rule = f"the state of the model dates from {instant_text(end)}, {age:.0f} days before as_of"
            allowed = f"max_state_age: {math.ceil(age)}D"
            hint = f"Update it with stresslab filter or calibrate, or write {allowed} beside the file"
            yield Doubt("old_state", f"models.{name}.file", fit.file, rule, hint)


def of_late_stops(study: Study, book: BookFacts | GeneralBook) -> Iterator[Doubt]:
    """Stops that lie beyond the liquidation price: the position is gone before they can act."""
    for late in late_stops(book):
        yield Doubt("late_stop", late.key, NOT_GIVEN, late.rule, late.hint)


def of_leverage(study: Study, book: Any) -> Iterator[Doubt]:
    """A closing fee in the requirement, where no leverage set says how large it is: of a shared account, or of one that
    assets back.
    """
    if not isinstance(book, GeneralBook):
        return
    written = study.book.positions
    shared = study.book.margin_mode != "isolated"
    for leg in (leg for account in book.accounts if shared or account.collaterals for leg in account.legs):
        given = study.book.leverage_set if written is None else written[leg.number].leverage_set
        if given is None and leg.rulebook.closing_fee_is_fixed:
            key = "book.leverage_set" if written is None else f"book.positions[{leg.number}].leverage_set"
            rule = (
                f"the closing fee in the requirement of {leg.rulebook.id} depends on the leverage set at the venue: "
                f"it is taken as notional over collateral, {leg.leverage_set:.3g}"
            )
            yield Doubt("leverage_set", key, NOT_GIVEN, rule, f"Give {key}, as the venue shows it for the position")


def of_editions(study: Study) -> Iterator[Doubt]:
    """A rulebook whose editions are not known to hold at as_of; one that the study names by its date is its choice."""
    for name, history in study.histories.items():
        edition = in_force(history, study.as_of)
        how_far = None if name in study.chosen_editions else outside(edition, study.as_of)
        if how_far is not None:
            rule = f"the edition of {edition.edition} is taken at as_of {instant_text(study.as_of)}: {how_far}"
            hint = f"Compare with the venue's page, or choose it yourself: @{edition.edition} after its name"
            yield Doubt("edition", _named_at(study, name), name, rule, hint, about=f"{name}@{edition.edition}")


def _named_at(study: Study, name: str) -> str:
    """The key at which the book names a rulebook; that of a sweep's further ones is the swept key."""
    named = [position.rulebook for position in study.book.positions or ()]
    own = name == study.book.rulebook or name not in named
    return "book.rulebook" if own else f"book.positions[{named.index(name)}].rulebook"


def of_frozen_funding(study: Study, book: Any) -> Iterator[Doubt]:
    """A requirement that contains the current funding rate, where the study replays recorded rates."""
    if not isinstance(book, GeneralBook) or not isinstance(study.funding, ReplayFunding):
        return
    for name in sorted({leg.rulebook.id for leg in book.legs if leg.rulebook.requirement.with_funding}):
        rule = f"the requirement of {name} contains the current funding rate, taken as 0 where rates are replayed"
        hint = "Compare with kind: constant and tonight's rate"
        yield Doubt("frozen_funding", "funding.kind", study.funding.kind, rule, hint)


OF_MARKETS: Sequence[Callable[[Study], Iterable[Doubt]]] = (
    of_model_files,
    of_volatilities,
    of_funding,
    of_states,
    of_editions,
)
OF_BOOKS: Sequence[Callable[[Study, Any], Iterable[Doubt]]] = (
    of_late_stops,
    of_leverage,
    of_frozen_funding,
)  # of (study, BookFacts or GeneralBook)
