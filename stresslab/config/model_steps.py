"""Whether the steps that a study's model asks for can be taken: a refusal names the parameter where it is written."""

from collections.abc import Sequence
from typing import Any

from stresslab.config.schema import Study
from stresslab.errors import InputError, require
from stresslab.models import Parameters
from stresslab.models.scheme_clock import check_steps, takes_too_many
from stresslab.shocks.effects import JumpIntensity
from stresslab.units import years

MOST_GROWTH = 20.0  # of log E[price] to the last horizon: squares of money stay in the range of float32
_HALVINGS = 60


def check_model_steps(study: Study, model: Parameters) -> None:
    """InputError where `model`, that of the study with all that is put on it, takes too many steps to a horizon."""
    market = study.market
    try:
        check_steps(model, market.step_seconds, market.horizon_seconds[-1])
    except InputError as error:
        raise _placed(study, error) from None
    for name in study.market_models:
        _check_numbers(study, name)


def check_drawn_steps(study: Study, models: Sequence[Parameters]) -> None:
    """InputError where a model whose parameters were drawn takes too many steps to a horizon."""
    market = study.market
    for block, model in enumerate(models):
        try:
            check_steps(model, market.step_seconds, market.horizon_seconds[-1])
        except InputError as error:
            rule = f"the {error.key} that is drawn for block {block} {error.rule}"
            hint = "Write parameters: fixed, or calibrate again: the errors of the fit are too wide"
            raise InputError(rule, key="sampling.parameters", got="drawn", hint=hint, file=study.file) from None


def _check_numbers(study: Study, name: str) -> None:
    """InputError where E[price] leaves the range of prices, or the scheme leaves the range of float32."""
    model, market, last = study.models[name], study.market, years(study.market.horizon_seconds[-1])
    growths = model.growths()
    field = max(growths, key=lambda name: growths[name])
    got, grown = getattr(model, field), sum(growths.values()) * last
    key = f"models.{name}.{field}"
    rule = f"E[price] would grow by exp({grown:.3g}) to {market.horizons[-1]}; the limit is exp({MOST_GROWTH:g})"
    hint = f"mu is a rate per year: write {MOST_GROWTH / last:.2g} or less" if field == "mu" else f"Change {field}"
    require(grown <= MOST_GROWTH, rule, key=key, got=got, hint=hint, file=study.file)
    dt = years(market.step_seconds)
    try:
        model.check_scheme(dt / model.at_spot(market.spot).substeps(dt))
    except InputError as error:
        raise error.at(key=f"models.{name}", file=study.file) from None


def _placed(study: Study, error: InputError) -> InputError:
    """The refusal with the study's key and value, and a value that is accepted."""
    *above, field = error.key.split(".")
    if field == "effects":
        return _of_shock(study, error.rule)
    name = study.market.model
    if above and above[0] == "assets":
        name = study.joints[name].assets[above[1]]
    if name in study.joints:  # of the jumps that its assets share
        joint, key = study.joints[name], f"models.{name}.{error.key}"
        got = joint.common_jumps.intensity if joint.common_jumps else None
        return InputError(error.rule, key=key, got=got, hint=f"Lower {field}", file=study.file)
    got, most = getattr(study.models[name], field), _largest(study, study.models[name], field)
    hint = f"Write {field}: {most:.2g} or less" if most else f"Lower {field}, or shorten the horizons"
    if field in ("bar", "history"):
        hint = "Shorten the horizons, or take longer bars"
    return InputError(error.rule, key=f"models.{name}.{field}", got=got, hint=hint, file=study.file)


def _of_shock(study: Study, rule: str) -> InputError:
    effects = [(place, one) for place, one in enumerate(study.effects) if isinstance(one, JumpIntensity)]
    place, effect = max(effects, key=lambda pair: pair[1].factor)
    key = f"shocks.{study.market.shock}[{place}].factor"
    return InputError(rule, key=key, got=effect.factor, hint="Lower factor", file=study.file)


def _largest(study: Study, model: Parameters, field: str) -> float:
    """About 1 % below the largest accepted value of a positive parameter; 0 where there is none."""
    value, market = getattr(model, field), study.market
    if not isinstance(value, float):
        return 0.0

    def fits(tried: float) -> bool:
        changed = model.model_copy(update={field: tried}).at_spot(market.spot)
        return not takes_too_many(changed, market.step_seconds, market.horizon_seconds[-1])

    low, high = value * 2.0**-_HALVINGS, value
    for _ in range(_HALVINGS):
        middle: Any = (low * high) ** 0.5
        low, high = (middle, high) if fits(middle) else (low, middle)
    return float(f"{low * 0.95:.1e}") if fits(low) else 0.0
