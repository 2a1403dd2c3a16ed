"""Small inputs that once ended in a traceback, in silence or not at all: each is answered in one message of ours.

The cases lie outside the project; inputs of the same kinds stand in `test_faults.py`.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[1] / ".." / "shared" / "cases" / "faults"
GIGABYTES = 6
TIMEOUT = 600  # seconds: a bound for a busy machine, not what a command should take
LONGEST = 3000  # characters of a message
# what is mended elsewhere: the file, or the arguments of a case without one
PENDING = {
    "collateral_1e-300.yaml",
    "stamps_infinite.csv",
    "stamps_year_2300.csv",
    "stamps_half_seconds.csv",
    "stamps_hour_24.csv",
    "garbage.csv.zst",
    "garbage.tar",
    "zip_unknown_method.zip",
    "chain_expiry_2045.csv",
    "init /proc/x",
    "report nowhere -o " + "x" * 255,
    "many_tiers.yaml",
}


def cases() -> list[dict]:
    return json.loads((CASES / "cases.json").read_text()) if CASES.is_dir() else []


def name(case: dict) -> str:
    return case["file"] or " ".join(case["args"])


def run(folder: Path, args: list[str]) -> subprocess.CompletedProcess[str]:
    """One command in `folder`, with so much address space."""
    limit = GIGABYTES << 30
    return subprocess.run(
        [sys.executable, "-m", "stresslab", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


def pending(case: dict) -> bool:
    return name(case) in PENDING or any(name(case).startswith(one[:40]) for one in PENDING if one.startswith("report"))


@pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/cases, which this clone does not have")
@pytest.mark.parametrize("case", cases(), ids=[name(case)[:40] for case in cases()])
def test_a_fault_is_met_in_words(case: dict, tmp_path: Path) -> None:
    if pending(case):
        pytest.skip("mended elsewhere: see PENDING")
    folder = tmp_path / "faults"
    shutil.copytree(CASES, folder)
    folder.chmod(0o755)
    before = {path.name for path in folder.iterdir()}
    done = run(folder, case["args"])
    said = done.stdout + done.stderr
    assert done.returncode in case["rc"], said
    assert "Traceback" not in said and "Warning" not in said, said
    assert case.get("never", "Traceback") not in said
    if done.returncode == 2:
        check_refusal(done, case)
        assert {path.name for path in folder.iterdir()} == before, "a refused command wrote something"


def check_refusal(done: subprocess.CompletedProcess[str], case: dict) -> None:
    """One message that names the file, or the option, and what was given."""
    message = done.stderr.strip()
    assert message.startswith("stresslab: "), message
    assert message.count("stresslab: ") == 1
    assert len(done.stdout + message) <= LONGEST
    options = [arg for arg in case["args"] if arg.startswith("-")]
    place = case["file"] or (options[-1] if options else case["args"][-1])
    assert place in message
    assert len(message) > len(f"stresslab: {place}: ") + 20


def test_what_is_pending_is_a_case() -> None:
    """A mended entry whose name has changed would be left out for ever."""
    if not CASES.is_dir():
        pytest.skip("needs ../shared/cases, which this clone does not have")
    known = {name(case)[:40] for case in cases()}
    assert {one[:40] for one in PENDING} <= known
