"""Real processes, killed: the lock goes with them, what they committed stays."""

import random
import signal
import socket
import subprocess
import sys
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
        store = open_store(url)
        for record in store.runs():
            xr.testing.assert_identical(store.read(record.tag), make_dataset())
        with store.begin("key") as run:
            for key in run.done():
                number, part = int(key.split("/")[1]), run.read(key)
                assert part["x"] == number
                assert np.array_equal(part["noise"], np.random.default_rng(number).random(2000))
                survived += 1
    assert survived > 0
    assert killed > 12
    with start(url, "run") as writer:
        writer.stdout.read()
    assert writer.returncode == 0 and open_store(url).runs()
