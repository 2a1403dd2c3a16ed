"""Small inputs that once ended in a traceback, in silence or not at all: each is answered in one message of ours.

The cases lie outside the project; inputs of the same kinds stand in `test_faults.py`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[1] / ".." / "shared" / "cases" / "faults"
GIGABYTES = 6
TIMEOUT = 600  # seconds: a bound for a busy machine, not what a command should take
LONGEST = 3000  # characters of a message


def cases() -> list[dict]:
    return json.loads((CASES / "cases.json").read_text()) if CASES.is_dir() else []


def name(case: dict) -> str:
    return case["file"] or " ".join(case["args"])


def run(folder: Path, args: list[str]) -> subprocess.CompletedProcess[str]:
    """One command in `folder`, with so much address space."""
    limited = f'ulimit -v {GIGABYTES << 20} && exec "$@"'
    return subprocess.run(
        ["/bin/sh", "-c", limited, "sh", sys.executable, "-m", "stresslab", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


@pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/cases, which this clone does not have")
@pytest.mark.parametrize("case", cases(), ids=[name(case)[:40] for case in cases()])
def test_a_fault_is_met_in_words(case: dict, tmp_path: Path) -> None:
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
