"""What a study asks must be among what it counts: the target of the sampling, and the limits."""

from typing import Any

from stresslab.config.outputs import Limit
from stresslab.config.paths import changed, coordinate, dims
from stresslab.config.schema import Study
from stresslab.errors import InputError, require
from stresslab.files.validation import nearest


def check_target(study: Study) -> None:
    """InputError unless the sampling target asks for an event and a horizon that are counted."""
    target = study.sampling.target
    if target is not None:
        _counted(study, "sampling.target", target.event, target.horizon)


def resolve_limits(study: Study, aliases: dict[str, str]) -> tuple[Limit, ...]:
    """The limits with each value of `where` spelled as in the sweep. InputError for what is not counted or swept.

    `aliases` maps a rulebook as it was written to its id.
    """
    found: list[Limit] = []
    for place, limit in enumerate(study.limits):
        key = f"limits[{place}]"
        _counted(study, key, limit.event, limit.horizon)
        names = [other.name for other in found]
        require(limit.name not in names, "is given twice", key=f"{key}.name", got=limit.name, file=study.file)
        where = {name: _swept(study, f"{key}.where", name, value, aliases) for name, value in limit.where.items()}
        found.append(limit.model_copy(update={"where": where}))
    return tuple(found)


def _counted(study: Study, key: str, event: str, horizon: str | None) -> None:
    events, horizons = study.outputs.events, study.market.horizons
    if event not in events:
        hint = nearest(event, events)
        raise InputError("is not among outputs.events", key=f"{key}.event", got=event, hint=hint, file=study.file)
    if horizon is not None and horizon not in horizons:
        hint = nearest(horizon, horizons)
        raise InputError("is not among market.horizons", key=f"{key}.horizon", got=horizon, hint=hint, file=study.file)


def _swept(study: Study, key: str, name: str, value: Any, aliases: dict[str, str]) -> Any:
    known = dims(study)
    if name not in known:
        hint = nearest(name, known) if known else "This study has no sweep: leave where out"
        raise InputError("is no swept dimension", key=f"{key}.{name}", got=value, hint=hint, file=study.file)
    path = known[name]
    asked = aliases.get(value, value) if path == "book.rulebook" and isinstance(value, str) else value
    try:
        asked = coordinate(changed(study, {path: asked}), path)
    except InputError:
        pass  # what cannot be a value of this field is no swept value either
    values = study.sweep[path]
    if isinstance(asked, bool) or asked not in values:
        texts = [text for text in values if isinstance(text, str)]
        close = nearest(asked, texts) if isinstance(asked, str) else ""
        hint = close or "Swept: " + ", ".join(str(each) for each in values[:12])
        raise InputError("is not among the swept values", key=f"{key}.{name}", got=value, hint=hint, file=study.file)
    return asked
