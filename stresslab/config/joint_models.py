"""A model of several assets in a study: it names others of the study's models, so that their files, ages, sweeps and
draws stay what they are.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from stresslab.config.fields import Part, Text, check_keys
from stresslab.errors import InputError
from stresslab.files.validation import nearest
from stresslab.models import Parameters
from stresslab.models.common_jumps import CommonJumps
from stresslab.models.correlation import tuples
from stresslab.models.joint import Joint


class JointRef(Part):
    """Several of the study's models together; `market.asset` says which asset the book holds."""

    kind: Literal["joint"] = "joint"
    assets: dict[str, Text] = Field(description="asset: the name of its model")
    correlation: float | tuple[tuple[float, ...], ...] = Field(
        description="of the price noise: a matrix, or one number"
    )
    copula: Literal["gaussian", "student_t"] = Field(default="gaussian", description="of the noise in one step")
    nu: float | None = Field(default=None, ge=1, le=1000, description="degrees of freedom of the t copula")
    common_jumps: CommonJumps | None = Field(default=None, description="jumps of all assets at the same time")
    stress: float = Field(default=0.0, ge=0, le=1, description="how far the correlation is moved towards one")

    @field_validator("correlation", mode="before")
    @classmethod
    def _tuples(cls, value: Any) -> Any:
        return tuples(value)

    def joint(self, models: Mapping[str, Parameters]) -> Joint:
        """The model; InputError for a name that is none of `models`."""
        for asset, name in self.assets.items():
            if name not in models:
                raise InputError("is no name under models", key=f"assets.{asset}", got=name, hint=nearest(name, models))
        others = {name: value for name, value in self if name not in ("kind", "assets")}
        return Joint(assets={asset: models[name] for asset, name in self.assets.items()}, **others)


def joint_entry(entry: Any) -> JointRef:
    """One entry of `models` of the kind joint, as written."""
    if isinstance(entry, JointRef):
        return entry
    check_keys(entry, JointRef.model_fields)
    return JointRef.model_validate(entry)
