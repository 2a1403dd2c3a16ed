"""The assets of a study's contracts and models: each must match the study's asset or be declared a stand-in.

A contract on a thousand units (1000PEPE, kSHIB) has a thousand times the price of one: the study's asset is then that
thousand, so that a price of one unit is not taken for it.
"""

from collections.abc import Iterator

from stresslab.assets import multiple, same_asset
from stresslab.config.schema import Study
from stresslab.errors import InputError


def check_assets(study: Study) -> None:
    """InputError where a contract or a model belongs to another asset and is not declared a stand-in."""
    _check_models(study)
    _check_contracts(study)


def _check_contracts(study: Study) -> None:
    """InputError where a position's asset is not the base of its rulebook's contract, without `stand_in: true`."""
    for key, asset, name, stand_in in _contracts(study):
        base = study.rulebook(name).contract.base
        if not (stand_in or same_asset(asset, base)):
            rule = f"the asset is {asset}, and the underlying of the contract is {base}"
            hint = f"Name a rulebook of {asset}, or write stand_in: true beside it where its rules stand in"
            raise InputError(rule, key=key, got=name, hint=hint, file=study.file)
        if same_asset(asset, base) and multiple(asset) != multiple(base):
            raise _other_multiple(study, asset, base, key, name)


def _other_multiple(study: Study, asset: str, base: str, key: str, name: str) -> InputError:
    times = multiple(base) / multiple(asset)
    factor = f"{times:g} times" if times > 1 else f"1/{1 / times:g} of"
    rule = f"the price of the contract is that of {base}, {factor} the price of {asset}, the asset of the study"
    hint = f"Write {base} as the asset and give its price (market.spot), or name a rulebook of {asset}"
    return InputError(rule, key=key, got=name, hint=hint, file=study.file)


def _contracts(study: Study) -> Iterator[tuple[str, str, str, bool]]:
    """Key of the rulebook, asset, rulebook, and whether it stands in, for each position."""
    book = study.book
    if book.positions is None:
        yield "book.rulebook", study.market.asset, book.rulebook, bool(book.stand_in)
    for place, position in enumerate(book.positions or ()):
        key = f"book.positions[{place}].rulebook" if position.rulebook else "book.rulebook"
        stand_in = bool(book.stand_in if position.stand_in is None else position.stand_in)
        yield key, position.asset or study.market.asset, position.rulebook or book.rulebook, stand_in


def _check_models(study: Study) -> None:
    """InputError where a model file was fitted to another asset and `stand_in_for` is missing."""
    joint = study.joints.get(study.market.model)
    asked = joint.assets if joint else {study.market.asset: study.market.model}
    for asset, name in asked.items():
        fit = study.fits.get(name)
        if fit is None or fit.asset is None:
            continue
        if same_asset(fit.asset, asset):
            _check_level(study, name, fit.asset, asset)
            continue
        if fit.stand_in_for is None or not same_asset(fit.stand_in_for, asset):
            rule = f"the model is fitted to {fit.asset}, and the study's asset is {asset}"
            hint = f"Name a model fitted to {asset}, or write stand_in_for: {asset} beside the file"
            raise InputError(rule, key=f"models.{name}.file", got=fit.file, hint=hint, file=study.file)


def _check_level(study: Study, name: str, fitted: str, asset: str) -> None:
    """InputError where the law depends on the level of the price, and the fit's price is of another multiple."""
    model = study.models[name]
    if multiple(fitted) != multiple(asset) and model.at_spot(2.0) != model:
        rule = f"the law of this model depends on the level of the price, which was that of {fitted}, not of {asset}"
        hint = f"Calibrate it to prices of {asset}, or take a model whose law is of log prices"
        raise InputError(rule, key=f"models.{name}.file", got=fitted, hint=hint, file=study.file)
