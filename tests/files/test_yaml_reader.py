"""YAML files: what is read, which silent traps are refused, and how pydantic's complaints are reworded."""

import datetime
import math
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from stresslab.errors import InputError
from stresslab.files.validation import field_names, nearest, validation_error
from stresslab.files.yaml_reader import read_yaml, reads_as_text


@pytest.fixture
def file(tmp_path):
    return tmp_path / "study.yaml"


def test_a_mapping_is_read(file):
    file.write_text("a: 0.5\nb: [1, -2, 0]\nc: 1.0e-4\nd: 2024-10-24\ne: 2024-10-24T00:00:00Z\nf: 8h\ng: 0x10\n")
    assert read_yaml(file) == {
        "a": 0.5,
        "b": [1, -2, 0],
        "c": 1e-4,
        "d": datetime.date(2024, 10, 24),
        "e": datetime.datetime(2024, 10, 24, tzinfo=datetime.UTC),
        "f": "8h",
        "g": 16,
    }


def test_merged_keys_may_be_overridden(file):
    file.write_text("x: &x {p: 1, q: 1}\ny: {z: &y {<<: *x, p: 2}}\nw: {<<: *y, p: 3}\n")
    assert read_yaml(file)["w"] == {"p": 3, "q": 1}


@pytest.mark.parametrize(
    "text, message",
    [
        ("a: 1\nb: {c: 1, c: 2}\n", "not valid YAML: the key 'c' is written twice (line 2, column 11)"),
        ("a: [1, 2\nb: 3\n", "not valid YAML: did not find expected ',' or ']' (line 2, column 2)"),
        ("a:\n\t- 1\n", "not valid YAML: found character that cannot start any token (line 2, column 1)"),
        ("a: 010\n", "not valid YAML: 010 is read differently by YAML 1.1 and 1.2: write the number without leading"),
        ("a: 2024-13-45\n", "not valid YAML: '2024-13-45' cannot be read as timestamp: month must be in 1..12 (line 1"),
        ("a: !!timestamp abc\n", "not valid YAML: 'abc' cannot be read as timestamp (line 1, column 4)"),
        ("a: !!bool abc\n", "not valid YAML: 'abc' cannot be read as bool (line 1, column 4)"),
        ("a: !!int ''\n", "not valid YAML: '' cannot be read as int: invalid literal"),
        ("a: &a [*a]\n", "not valid YAML: an alias stands for itself (line 1, column 4)"),
        ("a: [3, " + 5000 * "9" + "]\n", "not valid YAML: '9999"),
        ("a: !!python/name:os.system\n", "not valid YAML: could not determine a constructor for the tag"),
        ("a: 1\n---\nb: 2\n", "not valid YAML: but found another document (line 2, column 1)"),
        ("a: \x00\n", "not valid YAML: unacceptable character"),
        ("a: " + 500 * "[" + 500 * "]", "not valid YAML: brackets or indents are nested more than 100 deep"),
        ("{a: 1}: 2\n", "not valid YAML: found unhashable key (line 1, column 1)"),
        ("", "the file must hold a mapping (key: value), it holds nothing"),
        ("- 1\n", "the file must hold a mapping (key: value), it holds a list"),
        ("hello\n", "the file must hold a mapping (key: value), it holds a str"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_its_line(file, text, message):
    file.write_text(text)
    with pytest.raises(InputError) as refusal:
        read_yaml(file)
    assert str(refusal.value).startswith(f"{file}: {message}")


def test_a_file_that_cannot_be_read(tmp_path, file):
    file.write_bytes(b"a: \xff\n")
    (tmp_path / "other.yaml").write_text("a: 1\n")
    for path, message in [
        (file, "the file must be UTF-8 text: invalid start byte at byte 3"),
        (tmp_path, "the file cannot be read: Is a directory"),
        (tmp_path / "othr.yaml", "there is no such file. Did you mean 'other.yaml'?"),
        (tmp_path / "no" / "a.yaml", f"there is no such file. The folder {tmp_path / 'no'} does not exist"),
    ]:
        with pytest.raises(InputError) as refusal:
            read_yaml(path)
        assert str(refusal.value) == f"{path}: {message}"


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Walk(Strict):
    kind: Literal["walk"]
    sigma: float = Field(gt=0)
    steps: int = 1
    drawn: bool = False


class Jump(Strict):
    kind: Literal["jump"]
    size: float

    @field_validator("size")
    @classmethod
    def _size(cls, size):
        if size == 7:
            raise InputError("is no lucky number", key="inner", got=size, hint="Take 8")
        if size == 9:
            raise ValueError("is no number to take")
        return size


class Book(Strict):
    models: dict[str, Annotated[Walk | Jump, Field(discriminator="kind")]] = {}
    walks: list[Walk] = []


@pytest.mark.parametrize(
    "data, message",
    [
        ({"walks": [{"kind": "walk"}]}, "walks[0].sigma: this key is required and is missing"),
        (
            {"models": {"a": {"kind": "walk", "sgima": 1}}},
            "models.a.sgima: there is no such key. Did you mean 'sigma'? "
            "Also models.a.sigma: this key is required and is missing",
        ),
        ({"quux": 1}, "quux: there is no such key. Known: drawn, kind, models, sigma, size, steps, walks"),
        ({"models": {"walk": {"kind": "walk", "sigma": -1}}}, "models.walk.sigma = -1: must be greater than 0"),
        (
            {"models": {"a": {"kind": "wolk"}}},
            "models.a.kind = 'wolk': must be one of 'walk', 'jump'. Did you mean 'walk'?",
        ),
        ({"models": {"a": {"kind": "gbm"}}}, "models.a.kind = 'gbm': must be one of 'walk', 'jump'"),
        ({"models": {"a": {}}}, "models.a.kind: this key is required and is missing"),
        ({"models": {"a": {"kind": "jump", "size": 7}}}, "models.a.size.inner = 7.0: is no lucky number. Take 8"),
        ({"models": {"a": {"kind": "jump", "size": 9}}}, "models.a.size = 9: is no number to take"),
        ({"models": {"a": {"kind": "jump", "size": True}}}, "models.a.size = True: must be a valid number"),
        (
            {"models": {"a": {"kind": "jump", "size": float("inf")}}},
            "models.a.size = inf: must be a finite number",
        ),
        (
            {"models": {"a": {"kind": "jump", "size": "0.5"}}},
            "models.a.size = '0.5': must be a valid number. It is text: write it without quotes, 0.5",
        ),
        (
            {"walks": [{"kind": "walk", "sigma": 1, "steps": 1.5}]},
            "walks[0].steps = 1.5: must be a valid integer",
        ),
        (
            {"walks": 6 * [{"kind": "walk", "sigma": 0}] + [{"kind": "walk"}]},
            "walks[0].sigma = 0: must be greater than 0. Also walks[1].sigma = 0: must be greater than 0; "
            "also walks[2].sigma = 0: must be greater than 0; also walks[3].sigma = 0: must be greater than 0; "
            "also walks[4].sigma = 0: must be greater than 0; also walks[5].sigma = 0: must be greater than 0; "
            "and 1 more",
        ),
        ({"walks": 100 * "x"}, f"walks = '{50 * 'x'}...{25 * 'x'}': must be a valid list"),
        ({"walks": 16**4000}, "walks = int too long to be shown: must be a valid list"),  # Python refuses to print it
    ],
)
def test_complaints_are_reworded(data, message):
    with pytest.raises(ValidationError) as complaint:
        Book.model_validate(data)
    refusal = validation_error(complaint.value, "study.yaml", field_names(Book), data)
    assert isinstance(refusal, InputError)
    assert str(refusal) == f"study.yaml: {message}"


@pytest.mark.parametrize(
    "text, value",
    [("1e-4", 1e-4), ("-1E4", -1e4), (".5e3", 500.0), ("0o17", 15), ("-.inf", -math.inf), ("1:30", "1:30")]
    + [("yes", "yes"), ("1_000", "1_000"), ("true", True), ("~", None), ("08:00", "08:00")],
)
def test_plain_values_are_read_as_yaml_1_2_does(file, text, value):
    file.write_text(f"a: {text}\n")
    assert read_yaml(file) == {"a": value}
    assert reads_as_text(text) == isinstance(value, str)


def test_aliases_are_bounded_by_what_is_written(file):
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"a{n}: &a{n} [{','.join(9 * [f'*a{n - 1}'])}]\n" for n in range(1, 10))
    file.write_text(bomb)
    with pytest.raises(InputError, match="aliases make 30 values stand for 4.41e.09; at most 100,120"):
        read_yaml(file)
    file.write_text("a: &a {x: [1, 2, 3]}\nb: [" + ", ".join(5000 * ["*a"]) + "]\n")
    assert len(read_yaml(file)["b"]) == 5000


def test_a_long_list_is_read_in_time_proportional_to_it(file):
    file.write_text(
        "limits:\n" + "".join(f"  - {{name: a{n}, where: {{leverage: 10}}, max: 2e-2}}\n" for n in range(2000))
    )
    assert read_yaml(file)["limits"][1999] == {"name": "a1999", "where": {"leverage": 10}, "max": 0.02}


@pytest.mark.parametrize(
    "data, hint",
    [
        ({"walks": [{"kind": "walk", "sigma": "1_000"}]}, "write it without quotes, 1000"),
        ({"walks": [{"kind": "walk", "sigma": 1.0, "drawn": "yes"}]}, "Write true or false, without quotes"),
    ],
)
def test_a_text_that_was_meant_as_a_number_or_truth_value(data, hint):
    with pytest.raises(ValidationError) as complaint:
        Book.model_validate(data)
    assert hint in str(validation_error(complaint.value, "s.yaml", None, data))


def test_without_the_data_the_tags_of_unions_stay_in_the_path():
    with pytest.raises(ValidationError) as complaint:
        Book.model_validate({"models": {"a": {"kind": "walk", "sigma": -1}}})
    assert str(validation_error(complaint.value, "")) == "models.a.walk.sigma = -1: must be greater than 0"


def test_names_offered():
    assert field_names(Book) == {"models", "walks", "kind", "sigma", "steps", "size", "drawn"}
    assert nearest("sgima", ["sigma", "size"]) == "Did you mean 'sigma'?"
    assert nearest("quux", ["b", "a"]) == "Known: a, b"
    assert nearest("quux", [str(n) for n in range(13)]) == ""
    assert nearest("sigmo", ["sigma", "sigmb", "mo"]) == "Did you mean 'sigmb' or 'sigma'?"
