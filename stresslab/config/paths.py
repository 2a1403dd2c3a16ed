"""The dotted paths of a study that can be swept: which there are, how one is changed, how its value is read back.

Lists are walked by number (`book.positions.0.leverage`), policies by kind (`book.policies.stop_loss.distance`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from stresslab.config.fields import Instant, instant_text
from stresslab.config.names import DATASET_NAMES
from stresslab.config.parts import OF_ONE, Book
from stresslab.config.schema import Study
from stresslab.files.validation import validation_error

_MARKET_HEADS = ("as_of", "market", "models", "funding", "basis", "venue", "implied")
_LISTS = ("positions", "collaterals")  # of a book: their fields are swept one by one
_INSTANT = TypeAdapter(Instant)


def is_market_path(path: str) -> bool:
    """Whether a path belongs to the market, which changes the law of the paths or the venue, and not to the book."""
    return path.split(".")[0] in _MARKET_HEADS


def dimension(path: str) -> str:
    """The dimension that sweeping a path makes: its last part, with the number of the position where results use that
    name for something else (`quantity_1`).
    """
    above, _, name = path.rpartition(".")
    number = above.rpartition(".")[2]
    return f"{name}_{number}" if name in DATASET_NAMES and number.isdecimal() else name


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
    return paths + [
        *_of_book(study),
        *_of_policies(study),
        *_scalars(study.venue, "venue"),
        *_scalars(study.implied, "implied"),
    ]


def _of_book(study: Study) -> Iterator[str]:
    several = study.book.positions is not None
    for field in Book.model_fields:
        named = field not in ("stand_in", "fees") and (field != "policies" or bool(study.policies))
        if field not in _LISTS and named and not (several and field in OF_ONE):
            yield f"book.{field}"
    yield from _scalars(study.book.fees, "book.fees")
    for field in _LISTS:
        for place, part in enumerate(getattr(study.book, field) or ()):
            yield from _scalars(part, f"book.{field}.{place}")


def _of_policies(study: Study) -> Iterator[str]:
    lists = {f"policies.{name}": listed for name, listed in study.policies.items()}
    if isinstance(study.book.policies, tuple):
        lists["book.policies"] = study.book.policies
    for prefix, listed in lists.items():
        kinds = Counter(policy.kind for policy in listed)
        for policy in listed:
            if kinds[policy.kind] == 1:
                yield from _scalars(policy, f"{prefix}.{policy.kind}")


def _scalars(part: Any, prefix: str) -> Iterator[str]:
    """The numbers and texts that are written in a part and in the parts under it."""
    for field, value in part if isinstance(part, BaseModel) else ():
        if isinstance(value, BaseModel):
            yield from _scalars(value, f"{prefix}.{field}")
        elif isinstance(value, int | float | str) and not isinstance(value, bool) and field != "kind":
            yield f"{prefix}.{field}"


def changed(study: Study, values: Mapping[str, Any]) -> Study:
    """The study with the values at these paths; each part that changes is validated as a whole."""
    by_part: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        head, _, rest = path.partition(".")
        if head == "models":
            part, _, rest = path.rpartition(".")
        else:
            part = head if rest else ""
        by_part.setdefault(part, {})[rest or head] = value
    update: dict[str, Any] = {}
    for part, changes in by_part.items():
        try:
            if part == "":
                update["as_of"] = _INSTANT.validate_python(changes["as_of"])
            elif part.startswith("models."):
                name = part.removeprefix("models.")
                head = "joints" if name in study.joints else "models"
                held = update.setdefault(head, dict(getattr(study, head)))
                held[name] = revised(getattr(study, head)[name], changes)
            else:
                update[part] = revised(getattr(study, part), changes)
        except ValidationError as error:
            raise validation_error(error, study.file).at(key=part or "as_of") from None
    return study.model_copy(update=update)


def revised(place: Any, changes: Mapping[str, Any]) -> Any:
    """A part, a mapping or a list with the values at these paths below it."""
    own: dict[str, Any] = {}
    below: dict[str, dict[str, Any]] = {}
    for path, value in changes.items():
        name, _, rest = path.partition(".")
        if rest:
            below.setdefault(name, {})[rest] = value
        else:
            own[name] = value
    for name, inner in below.items():
        own[name] = revised(_below(place, name), inner)
    if isinstance(place, tuple):
        return tuple(own.get(_name(place, number), entry) for number, entry in enumerate(place))
    if isinstance(place, dict):
        return {**place, **own}
    return type(place).model_validate({**dict(place), **own})


def coordinate(study: Study, path: str) -> Any:
    """The value at a path, as a number or text."""
    place: Any = study
    head, _, rest = path.partition(".")
    if head == "models" and rest.partition(".")[0] in study.joints:
        path = f"joints.{rest}"
    for part in path.split("."):
        place = _below(place, part)
    return instant_text(place) if isinstance(place, datetime) else place


def _below(place: Any, name: str) -> Any:
    if isinstance(place, tuple):
        return next(entry for number, entry in enumerate(place) if _name(place, number) == name)
    return place[name] if isinstance(place, dict) else getattr(place, name)


def _name(entries: tuple[Any, ...], number: int) -> str:
    """What an entry of a list is called in a path: its kind, or its number."""
    return getattr(entries[number], "kind", None) or str(number)
