"""Recorded prices as a field of a model: identity, files, and what is refused."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.examples import HISTORY

from stresslab.config import study_from_dict
from stresslab.config.model_files import read_model_file
from stresslab.errors import InputError
from stresslab.models import BlockBootstrap, Replay
from stresslab.models.history import CLOSE, HIGH, LOW, History, condensed

CSV = """timestamp,open,high,low,close
2024-01-01T00:00:00Z,100,101,99,100
2024-01-01T01:00:00Z,100,103,99,102
2024-01-01T02:00:00Z,102,102,90,95
2024-01-01T05:00:00Z,96,98,95,97
2024-01-01T06:00:00Z,97,99,96,98
"""


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.csv"
    path.write_text(CSV)
    return path


def replay(folder: Path, **history):
    return Replay.model_validate({"history": {"file": "prices.csv", **history}}, context={"base": folder})


def test_equal_content_is_equal():
    twin = History.of(HISTORY.rows.copy(), 3600)
    assert twin == HISTORY and hash(twin) == hash(HISTORY) and twin.digest == HISTORY.digest
    assert pickle.loads(pickle.dumps(HISTORY)) == HISTORY
    other = HISTORY.rows.copy()
    other[3, CLOSE] *= 1.0001
    assert History.of(other, 3600) != HISTORY
    assert History.of(HISTORY.rows, 7200) != HISTORY
    with pytest.raises(ValueError, match="read-only"):
        HISTORY.rows[0, 0] = 1.0


def test_from_a_file(prices, tmp_path):
    """Relative to the close before, over the gap too; from and to choose the bars."""
    history = replay(tmp_path).history
    np.testing.assert_allclose(history.close, np.log([102 / 100, 95 / 102, 97 / 95, 98 / 97]))
    np.testing.assert_allclose(history.rows[1, [HIGH, LOW]], np.log([102 / 102, 90 / 102]))
    assert len(history.without_gaps().rows) == 3
    part = replay(tmp_path, **{"from": "2024-01-01T01:00:00Z", "to": "2024-01-01T05:00:00Z"}).history
    np.testing.assert_allclose(part.close, history.close[1:3])


def test_written_form_reads_back(prices, tmp_path):
    first = replay(tmp_path, **{"from": "2024-01-01T01:00:00Z"})
    again = Replay.model_validate_json(first.model_dump_json(), context={"base": tmp_path})
    assert again == first
    assert first.history.written()["file"] == "prices.csv"
    inline = Replay(history={"bar": "1h", "returns": [0.01, -0.02]})
    assert Replay.model_validate_json(inline.model_dump_json()) == inline


def test_beside_the_file_that_names_it(prices, tmp_path, monkeypatch):
    """A model's file and a study both name prices relative to themselves, wherever the process runs."""
    monkeypatch.chdir("/")
    document = {"kind": "block_bootstrap", "parameters": {"block": 2.0, "history": {"file": "prices.csv"}}}
    path = tmp_path / "model.yaml"
    path.write_text(yaml.safe_dump(document))
    found, _ = read_model_file(path)
    assert isinstance(found, BlockBootstrap) and len(found.history.rows) == 4


def study(folder, horizon="2h", model=None):
    return study_from_dict(
        {
            "study": "replayed",
            "as_of": "2025-01-01T00:00:00Z",
            "seed": 1,
            "market": {"asset": "BTC", "spot": 100.0, "model": "record", "step": "1h", "horizons": [horizon]},
            "models": {"record": model or {"kind": "replay", "history": {"file": "prices.csv"}}},
            "book": {
                "rulebook": "binance_usdm/BTCUSDT",
                "margin_mode": "isolated",
                "side": "long",
                "collateral": 100.0,
                "leverage": 5.0,
            },
        },
        folder,
    )


def test_in_a_study(prices, tmp_path):
    found = study(tmp_path)
    assert len(found.models["record"].history.rows) == 4
    shown = found.resolved()["models"]["record"]["history"]
    assert shown["digest"] == found.models["record"].history.digest and "file" not in shown
    other = CSV.replace("95,97", "95,96")
    prices.write_text(other)
    assert study(tmp_path).hash != found.hash
    with pytest.raises(InputError, match="market.*the record ends 6h after its start.*Take a shorter horizon"):
        study(tmp_path, horizon="8h")


def test_a_long_history_is_shown_by_its_digest():
    shown = condensed(BlockBootstrap(block=2.0, history=HISTORY))["history"]
    assert shown["bars"] == 96 and shown["digest"] == HISTORY.digest
    assert len(json.dumps(shown)) < 250
    short = condensed(Replay(history={"bar": "1h", "returns": [0.01, -0.02]}))["history"]
    assert short == {"bar": "1h", "returns": [0.01, -0.02]}


@pytest.mark.parametrize(
    "history, message",
    [
        ({"file": "absent.csv"}, "there is no such file of prices.*Looked for"),
        ({"file": "prices.csv", "sha256": "00"}, "not the one that was used.*fit again"),
        ({"file": "prices.csv", "from": "2025-01-01T00:00:00Z"}, "not two bars between from and to"),
        ({"file": "prices.csv", "from": "yesterday"}, "date and time with its zone"),
        ({"file": "prices.csv", "from": "2024-01-01T01:00:00"}, "date and time with its zone"),
        ({"file": "prices.csv", "bar": "1h"}, "from, to, sha256 and read only"),
        ({"file": 3}, "name of a file"),
        ({"flie": "prices.csv"}, "no such key"),
        ({"returns": [0.1]}, "length of a bar is missing"),
        ({"bar": "1h"}, "give either returns or bars"),
        ({"bar": "1h", "returns": [0.1], "bars": [[0, 0, 0, 0]]}, "give either returns or bars"),
        ({"bar": "1h", "returns": []}, "a list of log returns"),
        ({"bar": "1h", "returns": ["a"]}, "must be numbers"),
        ({"bar": "1h", "returns": [0.1, None]}, "must be numbers|finite"),
        ({"bar": "1h", "bars": [[0.0, 0.1, -0.1]]}, "a list of log returns"),
        ({"bar": "1h", "bars": [[0.0, 0.1, 0.05, 0.0]]}, "low and high must enclose"),
        ({"bar": "1h", "returns": [0.1, 0.2], "stamps": [0, 3600]}, "one for each bar"),
        ("prices.csv", "must be a mapping"),
    ],
)
def test_refusals(prices, tmp_path, history, message):
    with pytest.raises(ValueError, match=message):
        Replay.model_validate({"history": history}, context={"base": tmp_path})
