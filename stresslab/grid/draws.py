"""A model for each block, drawn from what a model file says of the errors of its numbers.

The numbers are taken to be normal in the space without bounds of `models.unconstrained`: their covariance C becomes
D C D there, D the slopes at the estimates (delta method), so that the estimates are the medians. Replicates of a
bootstrap are taken as they are, one for each block. What the model refuses (alpha + beta above 1) is drawn again.

What block b gets depends on the seed, the model's name and b: on no date, no worker, no other cell. The names of the
file are all drawn; those that the study sets or sweeps then keep their own value (the others' law is the marginal one).
"""

import zlib
from typing import Any

import numpy as np
from pydantic import ValidationError
from scipy.special import ndtri

from stresslab import random
from stresslab.config.schema import Study
from stresslab.config.uncertainty import Covariance, Draws
from stresslab.errors import InputError, require
from stresslab.models import Parameters
from stresslab.models.unconstrained import bounds, number, replaced

ATTEMPTS = 64  # of a block
MOST_NUMBERS = 64  # of an attempt


def drawn_models(study: Study, swept: tuple[str, ...], blocks: int) -> tuple[Parameters, ...]:
    """The models of blocks 0 .. `blocks`; `swept` are the paths that the study sweeps.

    A joint model is made anew of the models that it names, each drawn for itself.
    """
    names = study.market_models
    if not any(drawn_names(study, name, swept) for name in names):
        rule = "every number with an error is set, swept or on its bound: nothing is left to draw"
        raise InputError(rule, key="sampling.parameters", got="drawn", file=study.file, hint="Write parameters: fixed")
    each = [_of_name(study, name, swept, blocks) for name in names]
    joint = study.joints.get(study.market.model)
    if joint is None:
        return each[0]
    return tuple(joint.joint({**study.models, **dict(zip(names, row, strict=True))}) for row in zip(*each, strict=True))


def _of_name(study: Study, name: str, swept: tuple[str, ...], blocks: int) -> tuple[Parameters, ...]:
    model, uncertainty = study.models[name], study.fits[name].uncertainty
    assert uncertainty is not None  # `check_market` saw to it
    rule = f"at most {MOST_NUMBERS} numbers can be drawn"
    require(len(uncertainty.names) <= MOST_NUMBERS, rule, key="sampling.parameters", file=study.file)
    names = drawn_names(study, name, swept)
    key = random.key(study.seed, zlib.crc32(f"parameters of {name}".encode()))
    make = _Replicates(uncertainty) if isinstance(uncertainty, Draws) else _Normal(uncertainty, model)
    try:
        return tuple(_model(model, make, names, key, block) for block in range(blocks))
    except InputError as error:
        raise error.at(key=f"models.{name}", file=study.file) from None


def drawn_names(study: Study, name: str, swept: tuple[str, ...]) -> tuple[str, ...]:
    """The numbers of a model that are drawn: those with an error, inside their bounds, neither set nor swept."""
    model, fit = study.models[name], study.fits[name]
    uncertainty = fit.uncertainty
    if uncertainty is None:
        return ()
    held = {*fit.put, *(path.rpartition(".")[2] for path in swept if path.startswith(f"models.{name}."))}
    sure = set()
    if isinstance(uncertainty, Covariance):
        sure = {entry for place, entry in enumerate(uncertainty.names) if uncertainty.matrix[place][place] <= 0}
    values = dict(model)
    return tuple(
        entry
        for entry in uncertainty.names
        if entry.split(".")[0] not in held
        and entry not in sure
        and bounds(type(model), entry).inside(number(values, entry))
    )


class _Normal:
    """Normal draws in the free space."""

    def __init__(self, uncertainty: Covariance, model: Parameters) -> None:
        self.names, values = uncertainty.names, dict(model)
        self.bounds = [bounds(type(model), name) for name in self.names]
        numbers = [number(values, name) for name in self.names]
        movable = [b.inside(x) for b, x in zip(self.bounds, numbers, strict=True)]
        slopes = np.array([b.slope(x) if m else 0.0 for b, x, m in zip(self.bounds, numbers, movable, strict=True)])
        self.centre = [b.free(x) if m else 0.0 for b, x, m in zip(self.bounds, numbers, movable, strict=True)]
        found, vectors = np.linalg.eigh(np.array(uncertainty.matrix) * np.outer(slopes, slopes))
        self.root = (vectors * np.sqrt(np.maximum(found, 0.0))) @ vectors.T  # symmetric: it has no sign to choose

    def __call__(self, uniforms: np.ndarray) -> dict[str, float]:
        moved = self.root @ ndtri(uniforms[: len(self.names)])
        free = (centre + move for centre, move in zip(self.centre, moved.tolist(), strict=True))
        return {name: b.bound(y) for name, b, y in zip(self.names, self.bounds, free, strict=True)}


class _Replicates:
    """One replicate of a bootstrap."""

    def __init__(self, uncertainty: Draws) -> None:
        self.names, self.values = uncertainty.names, uncertainty.values

    def __call__(self, uniforms: np.ndarray) -> dict[str, float]:
        row = self.values[int(uniforms[0] * len(self.values))]
        return dict(zip(self.names, row, strict=True))


def _model(model: Parameters, make: Any, names: tuple[str, ...], key: random.Key, block: int) -> Parameters:
    values = dict(model)
    for attempt in range(ATTEMPTS):
        numbers = make(_uniforms(key, block, attempt))
        try:
            return type(model).model_validate(replaced(values, {name: numbers[name] for name in names}))
        except ValidationError:
            continue
    rule = f"of {ATTEMPTS} draws of its parameters none makes a valid model: the covariance is too wide for it"
    raise InputError(rule, hint="Write parameters: fixed")


def _uniforms(key: random.Key, block: int, attempt: int) -> np.ndarray:
    """Uniform on (0, 1) with 53 bits, from the cipher of the paths under a key of its own."""
    pair = np.arange(MOST_NUMBERS, dtype=np.uint32) + np.uint32(attempt * MOST_NUMBERS)
    left, right = random.threefry2x32(key, (np.full(MOST_NUMBERS, block, np.uint32), pair))  # type: ignore[arg-type]
    whole = (np.asarray(left, np.uint64) << np.uint64(21)) ^ (np.asarray(right, np.uint64) >> np.uint64(11))
    return (whole.astype(np.float64) + 0.5) * 2.0**-53
