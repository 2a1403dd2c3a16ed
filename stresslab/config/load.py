"""From a YAML file or a dictionary to a study that can be run: the only way in, and where everything is checked."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stresslab.config.fields import check_keys, copied
from stresslab.config.files import find
from stresslab.config.funding_files import read_process
from stresslab.config.joint_models import JointRef
from stresslab.config.model_files import Fit, ModelRef, read_model
from stresslab.config.overrides import apply_overrides
from stresslab.config.parts import Book
from stresslab.config.paths import is_market_path
from stresslab.config.processes import FundingRef, ReplayFunding
from stresslab.config.questions import check_target, resolve_limits
from stresslab.config.rules import check_ages, check_market, check_policies
from stresslab.config.schema import Study, StudyFile
from stresslab.config.shocks import resolved_shocks
from stresslab.config.sweep import resolve_sweep
from stresslab.errors import InputError, require
from stresslab.files.funding_rates import FundingRates, read_funding
from stresslab.files.validation import validation_error
from stresslab.files.yaml_reader import read_yaml
from stresslab.models import Parameters
from stresslab.venues.catalogue import history as read_history
from stresslab.venues.catalogue import written_id
from stresslab.venues.editions import History

RULEBOOK = "book.rulebook"


def load_study(path: str | Path, overrides: Mapping[str, Any] | Sequence[str] = ()) -> Study:
    """The study in a YAML file, with `overrides` ("market.spot=91000", value in YAML) put on top.

    InputError for whatever is wrong, naming file, key, value, rule and what to do.
    """
    path = Path(path)
    data = read_yaml(path)
    try:
        data = apply_overrides(data, overrides)
    except InputError as error:
        raise error.at(file=str(path)) from None
    return study_from_dict(data, path.parent, str(path))


def study_from_dict(data: dict[str, Any], base: str | Path = ".", file: str = "study") -> Study:
    """The study in a dictionary such as YAML gives. Relative paths start at `base`; refusals call the study `file`."""
    written, filled = _with_swept_fields(data)
    try:
        check_keys(written, StudyFile.model_fields)
        parsed = StudyFile.model_validate(written, context={"base": base})
    except ValidationError as error:
        raise _as_swept(validation_error(error, file), filled) from None
    except InputError as error:
        raise error.at(file=file) from None
    if isinstance(parsed.funding, FundingRef):
        parsed = parsed.model_copy(update={"funding": read_process(parsed.funding, Path(base), file)})
    models, fits = _models(parsed, Path(base), file)
    shocks, shock_files = resolved_shocks(parsed.shocks, Path(base), file)
    histories, ids = _histories(parsed, Path(base), file)
    shared = {
        name: getattr(parsed, name) for name in StudyFile.model_fields if name not in ("models", "shocks", "sweep")
    }
    shared["book"] = _with_ids(parsed.book, ids)
    shared |= {"shocks": shocks, "shock_files": shock_files, "recorded": _recorded(parsed, Path(base), file)}
    joints = {name: entry for name, entry in parsed.models.items() if isinstance(entry, JointRef)}
    study = Study(file=file, models=models, joints=joints, fits=fits, histories=histories, **shared)
    check_market(study)
    check_ages(study)
    check_policies(study)
    check_target(study)
    swept = {
        path: tuple(ids[value] for value in values) if _names_rulebooks(path) else values
        for path, values in parsed.sweep.items()
    }
    study = study.model_copy(update={"sweep": resolve_sweep(study, swept)})
    return study.model_copy(update={"limits": resolve_limits(study, ids)})


def _with_swept_fields(data: Any) -> tuple[Any, set[str]]:
    """A copy in which a swept field that is not written itself has its first swept value; and the paths of those."""
    data, filled = copy.copy(data), set()
    sweep = data.get("sweep") if isinstance(data, dict) else None
    for path, values in sweep.items() if isinstance(sweep, dict) else ():
        *parents, field = path.split(".") if isinstance(path, str) else [""]
        can_be_swept = bool(parents) and (is_market_path(path) or parents == ["book"])
        place = data
        for part in parents:
            place = copied(place, part)
        is_missing = isinstance(place, dict) and field not in place and "file" not in place
        if can_be_swept and is_missing and isinstance(values, list | tuple) and len(values) > 0:
            place[field] = values[0]
            filled.add(path)
    return data, filled


def _as_swept(error: InputError, filled: set[str]) -> InputError:
    """The same refusal, put where the value was written: in the sweep."""
    key, hint = error.key, error.hint
    inside = [path for path in filled if key and path.startswith(f"{key}.")]
    if key in filled:
        key = f"sweep.{key}"
    elif inside:
        hint = "; ".join([f"{' and '.join(inside)} is there from the sweep", *([hint] if hint else [])])
    return InputError(error.rule, key=key, got=error.got, hint=hint, file=error.file)


def _models(parsed: StudyFile, base: Path, file: str) -> tuple[dict[str, Parameters], dict[str, Fit]]:
    models, fits = {}, {}
    for name, entry in parsed.models.items():
        if isinstance(entry, ModelRef):
            try:
                models[name], fits[name] = read_model(name, entry, base, file)
            except InputError as error:
                raise _named_by(error, file, f"models.{name}.file") from None
        elif not isinstance(entry, JointRef):
            models[name] = entry
    return models, fits


def _recorded(parsed: StudyFile, base: Path, file: str) -> FundingRates | None:
    """The rates that the study's funding replays."""
    funding = parsed.funding
    if not isinstance(funding, ReplayFunding):
        return None
    path = find(funding.file, base, file, "funding.file", "funding")
    try:
        return read_funding(path, funding.exchange, funding.layout)
    except InputError as error:
        raise _named_by(error, file, "funding") from None


def _histories(parsed: StudyFile, base: Path, file: str) -> tuple[dict[str, History], dict[str, str]]:
    """The editions of each rulebook by id (or id@date), and the id of each as it was written."""
    written = _swept_names(parsed, file)
    for place, position in enumerate(parsed.book.positions or ()):
        if position.rulebook is not None:
            written[position.rulebook] = f"book.positions[{place}].rulebook"
    written[parsed.book.rulebook] = RULEBOOK
    histories: dict[str, History] = {}
    ids: dict[str, str] = {}
    for name, key in written.items():
        try:
            history = read_history(name, relative_to=base)
        except InputError as error:
            raise _named_by(error, file, key) from None
        ids[name] = written_id(name, history[-1])
        other = histories.setdefault(ids[name], history)
        rule = f"has the id {ids[name]}, as another rulebook of this study, and other rules"
        same = [one.hash for one in other] == [one.hash for one in history]
        require(same, rule, key=key, got=name, file=file, hint="Change the id in the file")
    return histories, ids


def _with_ids(book: Book, ids: Mapping[str, str]) -> Book:
    """The book with every rulebook called by its id."""
    named = tuple(
        position.model_copy(update={"rulebook": ids[position.rulebook]}) if position.rulebook else position
        for position in book.positions or ()
    )
    return book.model_copy(update={"rulebook": ids[book.rulebook], "positions": named or None})


def _names_rulebooks(path: str) -> bool:
    return path.startswith("book.") and path.endswith(".rulebook")


def _named_by(error: InputError, file: str, key: str) -> InputError:
    """The refusal of a file that the study names: the study is named too."""
    if error.file == file:
        return error
    if not error.file:
        return error.at(file=file, key=key)
    hint = ". ".join([*([error.hint] if error.hint else []), f"{file} names this file at {key}"])
    return InputError(error.rule, key=error.key, got=error.got, hint=hint, file=error.file)


def _swept_names(parsed: StudyFile, file: str) -> dict[str, str]:
    """The rulebooks that a sweep names, and where."""
    found = {}
    for path, values in parsed.sweep.items():
        if _names_rulebooks(path):
            for value in values:
                rule = "a rulebook is an id such as binance_usdm/BTCUSDT, or a path"
                right = isinstance(value, str) and value.isprintable()
                require(right, rule, key=f"sweep.{path}", got=value, file=file)
                found[value] = f"sweep.{path}"
    return found
