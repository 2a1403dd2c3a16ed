"""Real processes, killed: the lock goes with them, what they committed stays."""

import random
import signal
import socket
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest
import xarray as xr
from store.fake_s3 import fake_s3
from store.sample import CHILD, make_dataset
from store.writer import main as write

from stresslab.errors import InputError
from stresslab.store import open_store

WRITER = Path(__file__).parent / "writer.py"


def start(url: str, mode: str, **environment: str) -> subprocess.Popen:
    command = [sys.executable, WRITER, url, mode]
    return subprocess.Popen(command, env=CHILD | environment, stdout=subprocess.PIPE, text=True)


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


def whole_parts(url: str) -> int:
    """How many parts of an unfinished run are there; they and the finished runs are whole."""
    store = open_store(url)
    for record in store.runs():
        xr.testing.assert_identical(store.read(record.tag), make_dataset())
    with store.begin("key") as run:
        for key in run.done():
            number, part = int(key.split("/")[1]), run.read(key)
            assert part["x"] == number
            assert np.array_equal(part["noise"], np.random.default_rng(number).random(2000))
        return len(run.done())


@pytest.mark.slow
def test_kills_at_any_moment(tmp_path):
    """25 kills, each before another line of the store's code (seed 1), creation, commits and finish included; what is
    there is whole.
    """
    with start(str(tmp_path / "whole"), "count") as writer:
        *_, lines = writer.stdout.read().split()
    url, moments, survived, killed = str(tmp_path / "store"), random.Random(1), 0, 0
    for last in sorted(moments.sample(range(1, int(lines)), 25)):
        with start(url, str(last)) as writer:
            writer.stdout.read()
        assert writer.returncode in (0, -signal.SIGKILL)  # a run that is resumed has fewer lines
        killed += writer.returncode != 0
        survived += whole_parts(url)
    assert survived > 0
    assert killed > 12
    with start(url, "run") as writer:
        writer.stdout.read()
    assert writer.returncode == 0 and open_store(url).runs()


@pytest.mark.slow
def test_kills_in_the_middle_of_a_write(monkeypatch):
    """An object store that kills the run before it answers the first, fourth, seventh, ... object of its commits."""
    started: SimpleQueue[subprocess.Popen] = SimpleQueue()
    left = killed = 0

    def kill_at_the_last() -> None:
        nonlocal left, killed
        left -= 1
        if left == 0:
            child = started.get()
            child.kill()
            child.wait()
            killed += 1

    with fake_s3(kill_at_the_last) as (endpoint, _):
        environment = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true"}
        environment |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        survived = whole_parts("s3://bucket/store")  # creates it: a creation that was cut off is refused
        for number in range(1, 30, 3):
            left = number
            with start("s3://bucket/store", "run", **environment) as child:
                started.put(child)
                child.stdout.read()
            if left > 0:  # a run that is resumed has fewer objects
                assert started.get() is child and child.returncode == 0
            left = 0
            survived += whole_parts("s3://bucket/store")
    assert survived > 0
    assert killed > 5
