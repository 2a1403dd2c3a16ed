"""Whatever is done to a study, what comes out is a study or an InputError: never another exception."""

import copy
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stresslab.config import expand, study_from_dict
from stresslab.config.overrides import apply_overrides
from stresslab.errors import InputError

# fmt: off
JUNK = st.one_of(
    st.sampled_from([
        None, True, False, 0, -1, 10**400, 2**64, 1.5, float("nan"), float("inf"), -0.0, 1e308, 5e-324,
        "", "1e-4", "gbm", "heston", "1D", "0D", "7 D", "\x00", "\ud800", "a" * 300, "../models", "x.yaml", b"bytes",
        [], ["1D"], [[]], (1,), {}, {"": 1}, {1: 2}, {None: 3}, {"file": "x"}, {"kind": "gbm"}, object(),
        date(2026, 1, 1), datetime(2026, 1, 1), datetime(1, 1, 1, tzinfo=UTC),
    ]),
    st.text(max_size=8), st.floats(), st.integers(),
    st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)),
)
# fmt: on
SETTINGS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested dictionaries and lists."""
    inner = data.items() if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else ()
    return [path + (key,) for key, _ in inner] + [
        place for key, value in inner for place in places(value, path + (key,))
    ]


def damage(data: Any, draw: Any) -> None:
    """Delete, retype or rename something, or move a value from one place to another."""
    spots = places(data)
    if not spots:
        return
    *path, key = draw(st.sampled_from(spots))
    place = data
    for part in path:
        place = place[part]
    act = draw(st.sampled_from(["delete", "retype", "rename", "swap"]))
    if act == "delete":
        del place[key]
    elif act == "rename" and isinstance(place, dict):
        place[draw(st.sampled_from([f"{key}s", str(key)[1:], str(key).upper(), 3, None, "set", "file", "kind"]))] = (
            place.pop(key)
        )
    elif act == "swap":
        other = data
        for part in draw(st.sampled_from(spots)):
            other = other[part]
        place[key] = copy.deepcopy(other)
    else:
        place[key] = draw(JUNK)


@SETTINGS
@given(st.data())
def test_a_damaged_study_is_a_study_or_an_input_error(data: dict[str, Any], draws: st.DataObject) -> None:
    damaged = copy.deepcopy(data)
    for _ in range(draws.draw(st.integers(1, 3))):
        damage(damaged, draws.draw)
    try:
        study = study_from_dict(damaged)
        assert len(study.hash) == 64
        assert len(expand(study)) >= 1
    except InputError as error:
        assert str(error).startswith("study: ") or "study names this file at" in str(error)


@settings(SETTINGS, max_examples=80)
@given(st.data())
def test_a_damaged_override_is_an_override_or_an_input_error(data: dict[str, Any], draws: st.DataObject) -> None:
    path = ".".join(str(part) for part in draws.draw(st.sampled_from(places(data)))) + draws.draw(
        st.sampled_from(["", ".x", "x", ".0"])
    )
    value = draws.draw(
        st.text(max_size=12)
        | st.sampled_from(["[1, 2]", "{a: 1}", "!!python/x 1", "&a [*a]", "1e9", "0x10", "2026-13-45"])
    )
    try:
        study_from_dict(apply_overrides(data, [f"{path}={value}"]))
    except InputError as error:
        assert str(error)


def test_the_undamaged_study_is_fine(data: dict[str, Any]) -> None:
    assert study_from_dict(data).study == "btc-perp-nightly"


def test_deep_nesting_is_an_input_error(data: dict[str, Any]) -> None:
    nested: Any = 1
    for _ in range(500):
        nested = [nested]
    data["market"]["spot"] = nested
    with pytest.raises(InputError):
        study_from_dict(data)
