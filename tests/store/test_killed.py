"""Real processes, killed: the lock goes with them, what they committed stays."""

import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from store.sample import CHILD, make_dataset
from store.writer import main as write

from stresslab.errors import InputError
from stresslab.store import open_store

WRITER = Path(__file__).parent / "writer.py"


def start(url: str, mode: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, WRITER, url, mode], env=CHILD, stdout=subprocess.PIPE, text=True)


def wait_for(writer: subprocess.Popen, line: str) -> None:
    while writer.stdout.readline() != line:
        assert writer.poll() is None


def test_a_killed_run_lets_go_and_is_resumed(tmp_path, capsys):
    url = str(tmp_path / "store")
    with start(url, "hold") as holder:
        try:
            wait_for(holder, "holding\n")
            store = open_store(url)
            assert store.runs() == []  # readers are not kept out
            for key in ("key", "another key"):
                with pytest.raises(InputError, match=f"pid {holder.pid} on {socket.gethostname()}, since 20"):
                    store.begin(key)
            with pytest.raises(InputError, match="another run is writing to this store"):
                store.expire(1)
        finally:
            holder.send_signal(signal.SIGKILL)
    assert holder.returncode == -signal.SIGKILL
    with store.begin("key") as run:
        assert run.done() == {"part/0", "part/1"}
        assert np.array_equal(run.read("part/1")["noise"], np.random.default_rng(1).random(2000))
    write(url, "run")
    begun, *parts, tag = capsys.readouterr().out.split()
    assert parts == [f"part/{number}" for number in range(2, 10)]  # the first two were not done again
    assert [record.tag for record in store.runs()] == [tag]


def test_files_that_a_killed_writer_had_not_moved_in_place(tmp_path):
    store = open_store(tmp_path)
    with store.begin("key") as run:
        run.commit({"a": {"x": np.arange(300.0)}})
    (chunk,) = (tmp_path / "chunks").iterdir()
    staged = [chunk.with_name(f"{chunk.name}#1"), tmp_path / "refs" / "branch.main" / "ref.json#12"]
    others = [chunk.with_name("notes#1"), tmp_path / "refs" / "branch.main" / "ref.json#x"]
    for file in staged + others:
        file.write_text("half")
    with store.begin("key") as run:
        assert run.read("a")["x"].shape == (300,)
    assert not any(file.exists() for file in staged) and all(file.exists() for file in others)


@pytest.mark.slow
def test_kills_at_any_moment(tmp_path):
    """25 kills at random moments (seed 1), creation, commits and finish included; what is there is whole."""
    url, moments, survived = str(tmp_path / "store"), random.Random(1), 0
    for _ in range(25):
        with start(url, "run") as writer:
            for _ in range(moments.choice([1, 1, 2, 4, 8, 11])):
                writer.stdout.readline()
            time.sleep(moments.random() * 0.03)
            writer.send_signal(signal.SIGKILL)
        store = open_store(url)
        for record in store.runs():
            xr.testing.assert_identical(store.read(record.tag), make_dataset())
        with store.begin("key") as run:
            for key in run.done():
                number, part = int(key.split("/")[1]), run.read(key)
                assert part["x"] == number
                assert np.array_equal(part["noise"], np.random.default_rng(number).random(2000))
                survived += 1
    assert survived > 0 and store.runs()
