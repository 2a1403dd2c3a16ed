"""What a study asks must be among what it counts: the target of the sampling, and the limits."""

from datetime import datetime
from typing import Any

from stresslab.config.outputs import Limit
from stresslab.config.paths import changed, coordinate, dims
from stresslab.config.schema import Study
from stresslab.errors import InputError, require
from stresslab.files.validation import nearest

_SCALAR = (bool, int, float, str, datetime)  # what a swept value can be


def check_target(study: Study) -> None:
    """InputError unless the sampling target asks for an event and a horizon that are counted."""
    target = study.sampling.target
    if target is not None:
        _counted(study, "sampling.target", target.event, target.horizon)


def resolve_limits(study: Study, aliases: dict[str, str]) -> tuple[Limit, ...]:
    """The limits with each value of `where` spelled as in the sweep. InputError for what is not counted or swept.

    `aliases` maps a rulebook as it was written to its id.
    """
    swept = _Swept(study, aliases)
    found: dict[str, Limit] = {}
    for place, limit in enumerate(study.limits):
        key = f"limits[{place}]"
        _counted(study, key, limit.event, limit.horizon)
        require(limit.name not in found, "is given twice", key=f"{key}.name", got=limit.name, file=study.file)
        where = {name: swept.value(f"{key}.where", name, value) for name, value in limit.where.items()}
        found[limit.name] = limit.model_copy(update={"where": where})
    return tuple(found.values())


def _counted(study: Study, key: str, event: str, horizon: str | None) -> None:
    events, horizons = study.outputs.events, study.market.horizons
    if event not in events:
        hint = nearest(event, events)
        raise InputError("is not among outputs.events", key=f"{key}.event", got=event, hint=hint, file=study.file)
    if horizon is not None and horizon not in horizons:
        hint = f"Add it to market.horizons, or name one of {', '.join(horizons)}"
        raise InputError("is not among market.horizons", key=f"{key}.horizon", got=horizon, hint=hint, file=study.file)


class _Swept:
    """The swept values of a study; each look-up is cached, because many limits may name the same value."""

    def __init__(self, study: Study, aliases: dict[str, str]) -> None:
        self.study, self.aliases, self.dims = study, aliases, dims(study)
        self.values = {path: frozenset(values) for path, values in study.sweep.items()}
        self.known: dict[tuple[str, type, Any], Any] = {}

    def value(self, key: str, name: str, value: Any) -> Any:
        """The swept value of a dimension as the sweep spells it; InputError for what is not swept."""
        study = self.study
        if name not in self.dims:
            hint = nearest(name, self.dims) if self.dims else "This study has no sweep: leave where out"
            raise InputError("is not a swept dimension", key=f"{key}.{name}", got=value, hint=hint, file=study.file)
        path = self.dims[name]
        if not isinstance(value, _SCALAR):
            raise self._not_swept(key, name, value, value)
        place = name, type(value), value
        if place not in self.known:
            self.known[place] = self._spelled(path, value)
        asked = self.known[place]
        if isinstance(asked, bool) or asked not in self.values[path]:
            raise self._not_swept(key, name, value, asked)
        return asked

    def _spelled(self, path: str, value: Any) -> Any:
        asked = self.aliases.get(value, value) if path == "book.rulebook" and isinstance(value, str) else value
        try:
            return coordinate(changed(self.study, {path: asked}), path)
        except InputError:
            return asked  # what cannot be a value of this field is no swept value either

    def _not_swept(self, key: str, name: str, value: Any, asked: Any) -> InputError:
        values = self.study.sweep[self.dims[name]]
        close = nearest(asked, [text for text in values if isinstance(text, str)]) if isinstance(asked, str) else ""
        hint = close or "Swept: " + ", ".join(str(each) for each in values[:12])
        rule = "is not among the swept values"
        return InputError(rule, key=f"{key}.{name}", got=value, hint=hint, file=self.study.file)
