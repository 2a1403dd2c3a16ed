"""The same model with some of its numbers changed for a while, in a form that one compiled loop can switch between."""

from typing import Any

import jax
import numpy as np

from stresslab.errors import InputError
from stresslab.models.base import Parameters
from stresslab.shocks.effects import Correlation, JumpIntensity

INTENSITIES = ("jump_intensity", "jump_intensities", "base_intensity")  # as the models call them


def variant(model: Parameters, effect: JumpIntensity | Correlation) -> Parameters:
    """The model while the effect lasts; InputError where it has nothing that the effect could change."""
    if isinstance(effect, Correlation):
        if "stress" not in type(model).model_fields:
            raise InputError(f"a {model.kind} model has one asset: there is no correlation to stress", got=effect.kind)
        stress = effect.stress + (1 - effect.stress) * getattr(model, "stress", 0.0)
        return model.model_copy(update={"stress": stress})
    fields = [name for name in INTENSITIES if getattr(model, name, None) is not None]
    if not fields:
        raise InputError(f"a {model.kind} model has no jumps whose intensity could be scaled", got=effect.kind)
    return model.model_copy(update={name: _times(getattr(model, name), effect.factor) for name in fields})


def _times(value: Any, factor: float) -> Any:
    return tuple(one * factor for one in value) if isinstance(value, tuple) else value * factor


def alike(coefficients: list[Any]) -> list[Any]:
    """The coefficients with arrays of the same shapes: more jump slots than a variant needs have probability 0."""
    leaves = [[np.asarray(leaf) for leaf in jax.tree.leaves(one)] for one in coefficients]
    shapes = [np.max([leaf.shape for leaf in same], axis=0) for same in zip(*leaves, strict=True)]
    padded = [[_padded(leaf, shape) for leaf, shape in zip(one, shapes, strict=True)] for one in leaves]
    return [jax.tree.unflatten(jax.tree.structure(one), rows) for one, rows in zip(coefficients, padded, strict=True)]


def _padded(leaf: np.ndarray, shape: np.ndarray) -> Any:
    wider = [(0, int(wanted) - size) for size, wanted in zip(leaf.shape, shape, strict=True)]
    return np.pad(leaf, wider) if leaf.ndim else leaf[()]
