"""Effects put on a model: each asset of a joint model gets its own, what concerns all of them is put around it."""

from collections.abc import Sequence

from stresslab.errors import InputError, require
from stresslab.models.base import Parameters
from stresslab.models.joint import Joint
from stresslab.shocks.effects import AnyEffect, Correlation, Effect, Funding
from stresslab.shocks.shocked import Shocked


def shocked(model: Parameters, effects: Sequence[AnyEffect], asset: str = "") -> Parameters:
    """The model under the effects on its price; a funding spike is none of the model's business.

    `asset` is the name of a single model's asset. Effects that name other assets pass it by; InputError where all that
    name any do, since the shock then says nothing about this one.
    """
    names = model.asset_names or (asset,)
    _check_names(effects, names)
    on_price = [effect for effect in effects if not isinstance(effect, Funding)]
    if isinstance(model, Joint):
        own = [effect for effect in on_price if not isinstance(effect, Correlation)]
        parts = {name: _alone(part, own, name) for name, part in model.assets.items()}
        together = model.model_copy(update={"assets": parts})
        return _with(together, [effect for effect in on_price if isinstance(effect, Correlation)])
    return _alone(model, [effect for effect in on_price if not isinstance(effect, Correlation)], asset)


def _check_names(effects: Sequence[Effect], names: tuple[str, ...]) -> None:
    for name in names:
        for kind in {effect.kind for effect in effects if effect.asset is not None}:
            struck = [effect.asset for effect in effects if effect.kind == kind]
            rule = f"says nothing about {name or 'a model without an asset'}"
            require(None in struck or name in struck, rule, key=kind, got=", ".join(filter(None, struck)))


def _alone(model: Parameters, effects: Sequence[AnyEffect], asset: str) -> Parameters:
    return _with(model, [effect for effect in effects if effect.asset in (None, asset)])


def _with(model: Parameters, effects: Sequence[AnyEffect]) -> Parameters:
    """Shocked, where there is anything; what the model cannot show is refused here and not in the loop."""
    if not effects:
        return model
    made = Shocked(model=model, effects=tuple(effects))
    try:
        made.variants()
    except InputError as error:
        raise error.at(key="effects") from None
    return made
