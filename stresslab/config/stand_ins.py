"""The assets of a study's contracts and models: each must match the study's asset or be declared a stand-in."""

from collections.abc import Iterator

from stresslab.assets import canonical, multiple, same_asset
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
        if not stand_in and multiple(asset) != multiple(base):
            units = f"{multiple(base):,.0f} {canonical(base)}"
            rule = f"the price of the contract is that of {units}, and the study's asset is {asset}"
            hint = f"Write {base} for the asset, and give its price"
            raise InputError(rule, key=key, got=name, hint=hint, file=study.file)


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
        if fit is None or fit.asset is None or same_asset(fit.asset, asset):
            continue
        if fit.stand_in_for is None or not same_asset(fit.stand_in_for, asset):
            rule = f"the model is fitted to {fit.asset}, and the study's asset is {asset}"
            hint = f"Name a model fitted to {asset}, or write stand_in_for: {asset} beside the file"
            raise InputError(rule, key=f"models.{name}.file", got=fit.file, hint=hint, file=study.file)
