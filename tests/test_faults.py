"""Small inputs that ask for what cannot be had: one message of ours, exit code 2, and nothing is written."""

import sys
from pathlib import Path

import dask
import pytest

from stresslab.cli import main
from stresslab.errors import InputError
from stresslab.grid.cluster import check_address

STUDY = """\
study: s
as_of: 2025-01-01T00:00:00Z
seed: 7
market: {asset: BTC, spot: 93576.0, model: m, step: 1h, horizons: [1D, 7D]}
models:
  m: {kind: merton, sigma: 0.5, jump_intensity: 20.0, jump_mean: 0.0, jump_std: 0.1}
book: {rulebook: binance_usdm/BTCUSDT, side: long, collateral: 10000, leverage: 10}
sampling: {paths: 1024, block: 256}
"""
ALIASES = "limits:\n  - &z0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  - &z{k} [{', '.join([f'*z{k - 1}'] * 9)}]\n" for k in range(1, 10)
)
# what is written in place of what, and the parts of the message: place, value, rule, next move
FILES = [
    ("seed: 7", "seed: !!bool maybe", ["'maybe' cannot be read as bool", "line 3"]),
    ("seed: 7", "seed: !!int ''", ["'' cannot be read as int", "line 3"]),
    ("sampling:", f"{ALIASES}sampling:", ["aliases make", "Write the values out"]),
    ("20.0", "9.0e+8", ["models.m.jump_intensity = 900000000.0", "steps to 7D", "Write jump_intensity: "]),
    ("20.0", "3.0e+21", ["models.m.jump_intensity = 3e+21", "at most 1e+09", "Check its unit"]),
    ("sigma: 0.5", "sigma: 1.0e-300", ["models.m.sigma = 1e-300", "at least 1e-15", "Check its unit"]),
    (
        "spot: 93576.0",
        "spot: 1.0e+300",
        ["market.spot = 1e+300", "between 1e-30 and 1e+30", "Count in another"],
    ),
    (
        "paths: 1024",
        "paths: 1000000000000000",
        ["sampling.paths = 1000000000000000", "less than or equal to 4294967296"],
    ),
]
SETS = [
    ("seed=!!timestamp abc", ["--set seed = '!!timestamp abc'", "not valid YAML", "cannot be read as timestamp"]),
    ("seed=" + "7" * 100_000, ["--set seed", "777...777"]),
    ("models.m.jump_intensity=9.0e+8", ["models.m.jump_intensity = 900000000.0", "Write jump_intensity: "]),
    ("market.spot=1.0e+300", ["market.spot = 1e+300", "must lie between 1e-30 and 1e+30"]),
    ("x" * 100_000 + "=1", ["--set xxx", "a study has no such path"]),
    ("models.m.jump_intensty=3", ["--set models.m.jump_intensty", "Did you mean 'models.m.jump_intensity'"]),
]
ADDRESSES = [
    ("ucx://x", "there is no transport 'ucx' here, only tcp, tls"),
    ("http://localhost:8786", "there is no transport 'http'"),
    ("tls://localhost:8786", "TLS is not set up"),
    ("tcp://", "TRANSPORT://HOST:PORT"),
    ("localhost", "TRANSPORT://HOST:PORT"),
    ("tcp://localhost:port", "TRANSPORT://HOST:PORT"),
    ("tcp://localhost:99999", "TRANSPORT://HOST:PORT"),
    ("tcp://local host:8786", "TRANSPORT://HOST:PORT"),
    ("", "TRANSPORT://HOST:PORT"),
    ("t" * 10_000, "TRANSPORT://HOST:PORT"),
]


def refusal(arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr(sys, "argv", ["stresslab", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert said.err.startswith("stresslab: ")
    assert len(said.err) < 3000
    return said.err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path


@pytest.mark.parametrize("before, after, parts", FILES, ids=[parts[0][:40] for _, _, parts in FILES])
def test_a_value_of_a_file(before, after, parts, folder, monkeypatch, capsys):
    assert before in STUDY
    (folder / "study.yaml").write_text(STUDY.replace(before, after))
    message = refusal(["run", "study.yaml", "--store", "never"], monkeypatch, capsys)
    for part in ("study.yaml: ", *parts):
        assert part in message
    assert [path.name for path in folder.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize("given, parts", SETS, ids=[given[:30] for given, _ in SETS])
def test_a_value_of_set(given, parts, folder, monkeypatch, capsys):
    message = refusal(["run", "study.yaml", "--store", "never", "--set", given], monkeypatch, capsys)
    for part in ("study.yaml: ", *parts):
        assert part in message
    assert [path.name for path in folder.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize("address, rule", ADDRESSES, ids=[address[:30] for address, _ in ADDRESSES])
def test_an_address_of_a_scheduler(address, rule, folder, monkeypatch, capsys):
    message = refusal(["run", "study.yaml", "--store", "never", "--scheduler", address], monkeypatch, capsys)
    assert message.startswith("stresslab: --scheduler = ")
    assert rule in message
    assert "tcp://" in message
    assert [path.name for path in folder.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "127.0.0.1:8786", "tcp://[::1]:8786", "tcp://host:1/"])
def test_an_address_that_is_one(address):
    check_address(address)


def test_tls_whose_keys_cannot_be_read(tmp_path):
    missing = str(tmp_path / "ca.pem")
    with dask.config.set({"distributed.comm.tls.ca-file": missing, "distributed.comm.tls.client.cert": missing}):
        with pytest.raises(InputError, match="cannot be used|not set up"):
            check_address("tls://localhost:8786")
