"""The dotted paths of a study that can be swept: which there are, how one is changed, how its value is read back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from stresslab.config.fields import Instant, instant_text
from stresslab.config.parts import Book
from stresslab.config.schema import Study
from stresslab.yaml_reader import validation_error

_MARKET_HEADS = ("as_of", "market", "models", "funding", "basis")
_INSTANT = TypeAdapter(Instant)


def is_market_path(path: str) -> bool:
    """Whether a path belongs to the market, which changes the law of the paths, and not to the book."""
    return path.split(".")[0] in _MARKET_HEADS


def dimension(path: str) -> str:
    """The dimension that sweeping a path makes."""
    return path.rpartition(".")[2]


def dims(study: Study) -> dict[str, str]:
    """Dimension: path, for each swept path in the order of the sweep."""
    return {dimension(path): path for path in study.sweep}


def sweepable(study: Study) -> list[str]:
    """Every path of this study that can be swept."""
    paths = ["as_of", "market.spot", "market.model", "market.step"]
    for name, model in study.models.items():
        paths += [f"models.{name}.{field}" for field, value in model if isinstance(value, int | float)]
    for name, joint in study.joints.items():
        paths += [f"models.{name}.{field}" for field, value in joint if isinstance(value, int | float)]
    paths += ["market.shock"] if study.shocks else []
    paths += ["market.asset"] if study.joints else []
    for part, fixed in (("funding", study.funding), ("basis", study.basis)):
        fields = [] if fixed is None else [field for field, value in fixed if isinstance(value, int | float)]
        paths += [f"{part}.{field}" for field in fields]
        paths += [f"{part}.{field}" for field in ("interval", "half_life", "start") if getattr(fixed, field, None)]
    return paths + [f"book.{field}" for field in Book.model_fields if field != "margin_mode"]


def changed(study: Study, values: Mapping[str, Any]) -> Study:
    """The study with the values at these paths; each part that changes is validated as a whole."""
    by_part: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        part, _, field = path.rpartition(".")
        by_part.setdefault(part, {})[field] = value
    update: dict[str, Any] = {"models": dict(study.models), "joints": dict(study.joints)}
    for part, changes in by_part.items():
        try:
            if part == "":
                update["as_of"] = _INSTANT.validate_python(changes["as_of"])
            elif part.startswith("models."):
                name = part.removeprefix("models.")
                head = "joints" if name in study.joints else "models"
                update[head][name] = _revised(getattr(study, head)[name], changes)
            else:
                update[part] = _revised(getattr(study, part), changes)
        except ValidationError as error:
            raise validation_error(error, study.file).at(key=part or "as_of") from None
    return study.model_copy(update=update)


def _revised(part: BaseModel, changes: Mapping[str, Any]) -> Any:
    return type(part).model_validate({**dict(part), **changes})


def coordinate(study: Study, path: str) -> Any:
    """The value at a path, as a number or text."""
    place: Any = study
    head, _, rest = path.partition(".")
    if head == "models" and rest.partition(".")[0] in study.joints:
        path = f"joints.{rest}"
    for part in path.split("."):
        place = place[part] if isinstance(place, dict) else getattr(place, part)
    return instant_text(place) if isinstance(place, datetime) else place
