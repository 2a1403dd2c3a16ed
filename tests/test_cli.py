"""The command line end to end: exit codes, messages without a traceback, and nothing written on bad input."""

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
import yaml
from helpers import interrupted_run
from helpers.patience import PATIENCE

from stresslab.cli import main
from stresslab.shipped import config_root

STUDY: dict[str, Any] = {
    "study": "cli-test",
    "as_of": "2025-01-01T00:00:00Z",
    "seed": 7,
    "market": {"asset": "BTC", "spot": 93576.0, "model": "gbm", "step": "1h", "horizons": ["1D", "2D"]},
    "models": {"gbm": {"kind": "gbm", "sigma": 0.6}},
    "funding": {"kind": "constant", "rate": 1.0e-4, "interval": "8h"},
    "book": {"rulebook": "binance_usdm/BTCUSDT", "side": "long", "collateral": 1000, "leverage": 10},
    "sweep": {"book.leverage": [5, 20]},
    "sampling": {"paths": 1024, "block": 512},
}


def call(folder: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stresslab", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, **options)


def write(folder: Path, **changes: Any) -> Path:
    """The study with dotted paths changed (None deletes), as study.yaml."""
    study = json.loads(json.dumps(STUDY))
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = study
        for part in parents:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    target = folder / "study.yaml"
    target.write_text(yaml.safe_dump(study))
    return target


def test_run_report_export_runs(tmp_path: Path) -> None:
    write(tmp_path)
    done = call(tmp_path, "run", "study.yaml", "--report", "report.html")
    assert done.returncode == 0, done.stderr
    assert "probability of liquidation" in done.stdout and "cli-test" in done.stdout
    assert "100 % done" in done.stderr and "path-steps/s" in done.stderr
    assert (tmp_path / "report.html").stat().st_size > 1_000_000
    for suffix in ("nc", "csv"):
        assert call(tmp_path, "export", "results", "-o", f"out.{suffix}").returncode == 0
    with xr.open_dataset(tmp_path / "out.nc", engine="h5netcdf") as ds:
        assert ds.ruin_probability.shape == (2, 2)
    assert "cli-test" in call(tmp_path, "runs", "results").stdout


def test_a_breached_limit_gives_exit_code_3(tmp_path: Path) -> None:
    write(
        tmp_path,
        limits=[{"name": "tight", "event": "liquidation", "horizon": "2D", "where": {"leverage": 20}, "max": 1e-3}],
    )
    done = call(tmp_path, "run", "study.yaml", "--quiet")
    assert done.returncode == 3, done.stderr
    assert "limit tight: breach" in done.stdout


def test_compare_two_runs(tmp_path: Path) -> None:
    write(tmp_path)
    assert call(tmp_path, "run", "study.yaml", "--quiet").returncode == 0
    assert call(tmp_path, "run", "study.yaml", "--quiet", "--set", "models.gbm.sigma=1.2").returncode == 0
    tags = [line.split()[0] for line in call(tmp_path, "runs", "results").stdout.splitlines()[1:]]
    assert len(tags) == 2
    done = call(tmp_path, "compare", "results", *tags)
    assert done.returncode == 0 and "changed" in done.stdout, done.stderr


BAD: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "misspelt key": ({"market__spott": 1.0}, ("study.yaml", "market.spott", "spot")),
    "text for a number": ({"market__spot": "a lot"}, ("study.yaml", "market.spot", "a lot")),
    "bool for a number": ({"market__spot": True}, ("market.spot", "True")),
    "negative number": ({"models__gbm__sigma": -0.5}, ("models.gbm.sigma", "-0.5")),
    "not a number": ({"models__gbm__sigma": float("nan")}, ("models.gbm.sigma", "nan")),
    "'1e-4' is text": ({"funding__rate": "'1e-4'"}, ("funding.rate", "1e-4", "must be a valid number")),
    "empty sweep": ({"sweep": {}}, ("sweep",)),
    "empty swept list": ({"sweep": {"book.leverage": []}}, ("sweep.book.leverage",)),
    "unknown model": ({"market__model": "heston"}, ("market.model", "heston")),
    "unknown kind": ({"models__gbm__kind": "gmb"}, ("gmb",)),
    "unknown venue": ({"book__rulebook": "binance_usdm/BTCUSD"}, ("book.rulebook", "binance_usdm/BTCUSDT")),
    "leverage 0": ({"sweep": None, "book__leverage": 0}, ("book.leverage", "0")),
    "leverage above the venue's maximum": (
        {"sweep": None, "book__leverage": 126},
        ("study.yaml", "book.leverage", "126", "100"),
    ),
    "leverage above the notional's maximum": (
        {"sweep": None, "book__leverage": 100, "book__collateral": 100000},
        ("100", "10,000,000", "50"),
    ),
    "step longer than the horizon": ({"market__step": "4D"}, ("market.step", "4D")),
    "step that does not divide": ({"market__step": "7h"}, ("market.step", "7h")),
    "funding interval that does not divide a day": ({"funding__interval": "5h"}, ("funding.interval", "5h", "8h")),
    "horizons unsorted": ({"market__horizons": ["2D", "1D"]}, ("market.horizons", "2D")),
    "missing model file": ({"models__gbm": {"file": "nowhere.yaml"}}, ("nowhere.yaml",)),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(tmp_path: Path, case: str) -> None:
    changes, parts = BAD[case]
    write(tmp_path, **changes)
    refused(tmp_path, *parts)


def refused(folder: Path, *parts: str, words: tuple[str, ...] = ("run", "study.yaml")) -> None:
    """Exit code 2, a message that holds the parts, not a file more than before. In this process: it is quicker."""
    before = sorted(folder.rglob("*"))
    errors = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as stopped,
    ):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["stresslab", *words])
        main()
    message = errors.getvalue()
    assert stopped.value.code == 2, message
    for part in parts:
        assert part in message, message
    assert sorted(folder.rglob("*")) == before, "something was written"


def test_a_refusal_seen_from_outside(tmp_path: Path) -> None:
    write(tmp_path, market__spott=1.0)
    done = call(tmp_path, "run", "study.yaml")
    assert done.returncode == 2 and done.stdout == ""
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1


def test_missing_file_and_broken_yaml(tmp_path: Path) -> None:
    refused(tmp_path, "study.yaml")
    (tmp_path / "study.yaml").write_text("study: x\nmarket: {asset: BTC\nbook: 3\n")
    refused(tmp_path, "study.yaml", "line")
    (tmp_path / "study.yaml").write_text("")
    refused(tmp_path, "study.yaml")


def test_parameters_that_are_too_old(tmp_path: Path) -> None:
    shutil.copy(config_root() / "models" / "btc_gbm.yaml", tmp_path)
    write(tmp_path, models__gbm={"file": "btc_gbm.yaml", "max_age": "8D"}, as_of="2025-02-01T00:00:00Z")
    refused(tmp_path, "max_age", "2025-01-01", "2025-02-01")


def test_a_store_that_is_not_ours(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "thesis.txt").write_text("do not touch")
    refused(tmp_path, "results")
    refused(tmp_path, "nothing", words=("runs", "nothing"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    write(tmp_path)
    tmp_path.chmod(0o500)
    refused(tmp_path, "results")


def test_a_store_below_a_file(tmp_path: Path) -> None:
    write(tmp_path)
    refused(tmp_path, "study.yaml", words=("run", "study.yaml", "--store", "study.yaml/store"))


def test_a_scheduler_that_does_not_answer(tmp_path: Path) -> None:
    write(tmp_path)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        refused(tmp_path, address, "does not answer", words=("run", "study.yaml", "--scheduler", address))


def test_all_cells_refused_by_the_venue(tmp_path: Path) -> None:
    write(tmp_path, sweep={"book.leverage": [200, 300]})
    refused(tmp_path, "no cell", "200")


def test_ctrl_c_stops_quietly_and_the_run_goes_on_later(tmp_path: Path) -> None:
    """Two tasks, of which the run does one and waits: it cannot be over before the signal comes."""
    write(tmp_path, sweep={"models.gbm.sigma": [0.5, 0.7]})
    command = [sys.executable, interrupted_run.__file__, "run", "study.yaml"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as running:
        first = running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate()
    assert first == "waiting\n", errors
    assert running.returncode == 130, errors
    assert "goes on where it was" in errors and "Traceback" not in errors
    done = call(tmp_path, "run", "study.yaml")
    assert done.returncode == 0 and "resuming: 1 tasks were finished before" in done.stderr, done.stderr


def test_init_copies_the_configurations(tmp_path: Path) -> None:
    assert call(tmp_path, "init", "mine").returncode == 0
    done = call(tmp_path, "check", "mine/studies/quickstart.yaml")
    assert done.returncode == 0 and "cells 54" in done.stdout, done.stderr
    refused(tmp_path, "mine", words=("init", "mine"))


def test_lists_and_schema(tmp_path: Path) -> None:
    assert "heston" in call(tmp_path, "models").stdout
    assert "binance_usdm/BTCUSDT" in call(tmp_path, "venues").stdout
    assert "properties" in json.loads(call(tmp_path, "schema").stdout)
    assert "jaxlib" in call(tmp_path, "doctor").stdout


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['stresslab', '--help']\n"
        "from stresslab.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'jax', 'numpy', 'pandas', 'xarray', 'dask', 'plotly', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
