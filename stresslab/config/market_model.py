"""The law of a study's paths: the model that market.model names, under the study's shock, with its basis on top."""

from stresslab.config.processes import MeanRevertingBasis
from stresslab.config.schema import Study
from stresslab.errors import InputError, require
from stresslab.models import Parameters
from stresslab.models.basis import Basis
from stresslab.models.joint import Joint
from stresslab.models.one_asset import OneAsset
from stresslab.shocks import shocked


def market_model(study: Study, model: Parameters | None = None, whole: bool = False) -> Parameters:
    """What the engine runs: `model`, or the study's own, at its spot and with all that the study puts on it.

    Shocks act on the index, the basis comes after them. A constant basis moves no price. Of a joint model the one asset
    of the market, or with `whole` all of them, without a basis.
    """
    found, spot, asset = model or study.model, study.market.spot, study.market.asset
    if isinstance(found, Joint):
        joint = _joint(found, asset, spot, study)
        found = joint if whole else OneAsset(model=joint, asset=asset)
    else:
        found = _shocked(found.at_spot(spot), study)
    basis = study.basis
    if isinstance(basis, MeanRevertingBasis) and not isinstance(found, Joint):
        found = Basis(
            model=found,
            now=basis.basis,
            mean=basis.mean,
            speed=basis.reversion,
            volatility=basis.volatility,
            correlation=basis.correlation,
        )
    return found


def _joint(whole: Joint, asset: str, spot: float, study: Study) -> Parameters:
    if asset not in whole.assets:
        hint = f"The model has {', '.join(whole.assets)}"
        raise InputError("is no asset of the joint model", key="market.asset", got=asset, hint=hint)
    spots = {**(study.market.spots or {}), asset: spot}
    for name in spots:
        rule = "is no asset of the joint model"
        require(name in whole.assets, rule, key=f"market.spots.{name}", hint=f"It has {', '.join(whole.assets)}")
    at_spot = {name: model.at_spot(spots[name]) if name in spots else model for name, model in whole.assets.items()}
    return _shocked(whole.model_copy(update={"assets": at_spot}), study)


def _shocked(model: Parameters, study: Study) -> Parameters:
    try:
        return shocked(model, study.effects, study.market.asset)
    except InputError as error:
        raise error.at(key=f"shocks.{study.market.shock}") from None
