"""The rules between the parts of a study that concern the market: which model, which clock, how old the numbers."""

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
    for name in study.fits:
        _check_age(study, name)


def _check_age(study: Study, name: str) -> None:
    fit = study.fits[name]
    if fit.max_age is None or fit.as_of is None:
        return
    age = (study.as_of - fit.as_of).total_seconds()
    ends, now = instant_text(fit.as_of), instant_text(study.as_of)
    require(
        age <= parse_duration(fit.max_age),
        f"the parameters in {fit.file} end at {ends}, {age / 86_400:.1f} days before as_of {now}: they are too old",
        key=f"models.{name}.max_age",
        got=fit.max_age,
        file=study.file,
        hint="Calibrate again, or raise max_age",
    )
