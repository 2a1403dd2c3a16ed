"""Commands that write, where they cannot: a full disk, a device, a protected or impossible place, a damaged store."""

import os
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from helpers.price_series import brownian_bars, write_bars
from store.sample import make_dataset, make_provenance

from stresslab.store import open_store

CASE = Path(__file__).resolve().parents[2] / "shared" / "cases" / "faults" / "store_one_bit.tar.gz"
STUDY = {
    "study": "files",
    "as_of": "2025-01-01T00:00:00Z",
    "seed": 7,
    "market": {"asset": "BTC", "spot": 93576.0, "model": "gbm", "step": "1h", "horizons": ["1D"]},
    "models": {"gbm": {"kind": "gbm", "sigma": 0.6}},
    "funding": {"kind": "constant", "rate": 1.0e-4, "interval": "8h"},
    "book": {"rulebook": "binance_usdm/BTCUSDT", "side": "long", "collateral": 1000, "leverage": 10},
    "sampling": {"paths": 1024, "block": 512},
}


def call(folder: Path, *words: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stresslab", *words]
    given = {"cwd": folder, "text": True, "timeout": 300, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(command, **(given | options))


def assert_one_message(done: subprocess.CompletedProcess[str], code: int, words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("stresslab: ") and words in done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study, a store with one finished run, and prices."""
    made = tmp_path_factory.mktemp("files")
    (made / "study.yaml").write_text(yaml.safe_dump(STUDY))
    dataset = make_dataset()
    open_store(made / "store").begin("key").finish(dataset, make_provenance())
    write_bars(brownian_bars(6 * 150, 4 * 3600), made / "prices.csv")
    return made


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 kB with a file on it, which leaves 8 kB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root and the right to mount")
    try:
        (tmp_path / "file").write_bytes(bytes(120 * 1024))
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.mark.parametrize(
    "words",
    [
        "export store -o {disk}/out.nc",
        "export store -o {disk}/out.zarr",
        "init {disk}/new",
        "calibrate prices.csv --model gbm -o {disk}/model.yaml --plot {disk}/fit.html",
        "run study.yaml --store {disk}/results",
    ],
)
def test_a_full_disk(folder: Path, disk: Path, words: str) -> None:
    done = call(folder, *words.format(disk=disk).split())
    assert done.returncode == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"stresslab: {disk}/") and "No space left on device. Free some space" in last
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr
    # the model is whole, the store has its lock: neither is unfinished
    assert {path.name for path in disk.rglob("*")} <= {"file", "model.yaml", "results", "stresslab.lock"}


def test_standard_output_on_a_full_disk(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        assert_one_message(call(folder, "models", stdout=full), 1, "standard output: could not write: No space left")


def test_a_cache_that_cannot_be_written_is_no_matter_for_the_user() -> None:
    code = "from stresslab import device; device.prepare(); import jax; print(jax.jit(lambda x: x + 1)(1.0))"
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", code],
        env=os.environ | {"XDG_CACHE_HOME": "/dev/full"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2.0\n", "")


def test_a_device_behind_a_link_stays(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to("/dev/null")
    assert call(folder, "export", "store", "-o", str(tmp_path / "link.csv")).returncode == 0
    assert (tmp_path / "link.csv").is_symlink() and stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(not CASE.exists(), reason="there is no ../shared")
@pytest.mark.parametrize("words", ["report store_one_bit -o out.html", "export store_one_bit -o out.csv"])
def test_a_store_with_one_bit_changed(tmp_path: Path, words: str) -> None:
    with tarfile.open(CASE) as archive:
        archive.extractall(tmp_path, filter="data")
    assert_one_message(call(tmp_path, *words.split()), 1, "damaged")
    assert [path.name for path in tmp_path.iterdir()] == ["store_one_bit"]
