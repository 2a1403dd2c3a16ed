"""The rules between the parts of a study that concern the market: which model, which clock, how old the numbers."""

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from stresslab.config.fields import instant_text
from stresslab.config.market_model import market_model
from stresslab.config.model_steps import check_model_steps
from stresslab.config.payment_plan import known_rates, payment_seconds
from stresslab.config.policies import NONE as NO_POLICY
from stresslab.config.schema import Study
from stresslab.config.shocks import NONE
from stresslab.errors import InputError, require
from stresslab.files.validation import nearest, validation_error
from stresslab.models import Parameters
from stresslab.shocks import Funding as Spike
from stresslab.units import parse_duration


def check_market(study: Study) -> None:
    """InputError unless the model exists, and its shock and the time steps fit it."""
    market = study.market
    names = [*study.models, *study.joints]
    if market.model not in study.models and market.model not in study.joints:
        hint = nearest(market.model, names)
        raise InputError("is no name under models", key="market.model", got=market.model, hint=hint, file=study.file)
    _check_shock(study)
    model = _market_model(study)
    try:
        model.check_step(market.step_seconds)
    except InputError as error:
        raise error.at(key="market.step", file=study.file) from None
    check_model_steps(study, model)
    known_rates(study, payment_seconds(study))
    try:
        model.check_horizon(market.horizon_seconds[-1])
    except InputError as error:
        raise error.at(key="market", file=study.file) from None
    if study.sampling.parameters == "drawn":
        _check_uncertainty(study)


def check_ages(study: Study) -> None:
    """InputError for a model whose parameters, or whose state, are too old at as_of."""
    for name, fit in study.fits.items():
        _check_age(study, name, "max_age", "parameters", fit.as_of)
        _check_age(study, name, "max_state_age", "state", fit.filtered_as_of or fit.as_of)


def _market_model(study: Study) -> Parameters:
    try:
        return market_model(study)
    except ValidationError as error:  # of a joint model: the names under models are known only now
        raise validation_error(error, study.file).at(key=f"models.{study.market.model}") from None
    except InputError as error:
        own = error.key.startswith(("market", "shocks", "basis"))
        raise error.at(file=study.file, key="" if own else f"models.{study.market.model}") from None


def check_policies(study: Study) -> None:
    """InputError unless the policies that the book names exist."""
    chosen, names = study.book.policies, [NO_POLICY, *study.policies]
    if isinstance(chosen, str) and chosen not in names:
        hint = nearest(chosen, names)
        raise InputError("is no name under policies", key="book.policies", got=chosen, hint=hint, file=study.file)


def _check_shock(study: Study) -> None:
    """The shock exists, strikes before the end, and spikes a funding rate only where there is one."""
    name, last = study.market.shock, study.market.horizon_seconds[-1]
    place: dict[str, Any] = {"key": "market.shock", "got": name, "file": study.file}
    if name not in (None, NONE) and name not in study.shocks:
        raise InputError("is no name under shocks", hint=nearest(name, [*study.shocks, NONE]), **place)
    for number, effect in enumerate(study.effects):
        given = effect.at if isinstance(effect.at, str) and effect.at != "now" else None
        late = f"strikes {given} after as_of, not before the last horizon, {study.market.horizons[-1]}"
        key = f"shocks.{name}[{number}].at"
        require(given is None or parse_duration(given) < last, late, key=key, file=study.file)
        try:
            effect.check_step(study.market.step_seconds)
        except InputError as error:
            raise error.at(key=f"shocks.{name}[{number}]", file=study.file) from None
        missing = isinstance(effect, Spike) and study.funding is None
        hint = "Write funding: {kind: constant, rate: 0.0}"
        require(not missing, "spikes the funding rate, and this study has no funding", hint=hint, **place)


def _check_uncertainty(study: Study) -> None:
    for name in study.market_models:
        fit = study.fits.get(name)
        where = "is written in the study" if fit is None else f"is read from {fit.file}, which has none"
        require(
            fit is not None and fit.uncertainty is not None,
            f"drawn parameters need a covariance, and the model {name!r} {where}",
            key="sampling.parameters",
            got="drawn",
            file=study.file,
            hint="Name a model file that `stresslab calibrate` wrote, or write parameters: fixed",
        )


def _check_age(study: Study, name: str, key: str, what: str, end: datetime | None) -> None:
    fit = study.fits[name]
    allowed = getattr(fit, key)
    if allowed is None or end is None:
        return
    age = (study.as_of - end).total_seconds()
    ends, now = instant_text(end), instant_text(study.as_of)
    verb = "ends" if what == "state" else "end"
    old = "it is too old" if what == "state" else "they are too old"
    require(
        age <= parse_duration(allowed),
        f"the {what} in {fit.file} {verb} at {ends}, {age / 86_400:.1f} days before as_of {now}: {old}",
        key=f"models.{name}.{key}",
        got=allowed,
        file=study.file,
        hint=f"{'Run stresslab filter' if what == 'state' else 'Calibrate again'}, or raise {key}",
    )
