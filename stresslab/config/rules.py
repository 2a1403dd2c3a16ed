"""The rules between the parts of a study that concern the market: which model, which clock, how old the numbers."""

from datetime import datetime

from stresslab.config.fields import instant_text
from stresslab.config.schema import Study
from stresslab.errors import InputError, require
from stresslab.units import parse_duration
from stresslab.yaml_reader import nearest


def check_market(study: Study) -> None:
    """InputError unless the model exists and is fresh enough, and the step fits the funding interval."""
    market, funding = study.market, study.funding
    if market.model not in study.models:
        hint = nearest(market.model, study.models)
        raise InputError("is no name under models", key="market.model", got=market.model, hint=hint, file=study.file)
    if funding is not None and funding.interval_seconds % market.step_seconds:
        rule = f"must divide the funding interval, {funding.interval}"
        raise InputError(rule, key="market.step", got=market.step, file=study.file)
    try:
        study.model.check_step(market.step_seconds)
    except InputError as error:
        raise error.at(key="market.step", file=study.file) from None
    try:
        study.model.check_horizon(market.horizon_seconds[-1])
    except InputError as error:
        raise error.at(key="market", file=study.file) from None
    for name, fit in study.fits.items():
        _check_age(study, name, "max_age", "parameters", fit.as_of)
        _check_age(study, name, "max_state_age", "state", fit.filtered_as_of or fit.as_of)
    if study.sampling.parameters == "drawn":
        _check_uncertainty(study)


def _check_uncertainty(study: Study) -> None:
    name = study.market.model
    fit = study.fits.get(name)
    if fit is not None and fit.uncertainty is not None:
        return
    where = "is written in the study" if fit is None else f"is read from {fit.file}, which has none"
    raise InputError(
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
