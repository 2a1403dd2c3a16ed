"""The README is executed: its study, its commands and its Python, and every command of the CLI is named in it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from stresslab.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
STRESSLAB = [sys.executable, "-m", "stresslab"]


def block(marker: str) -> str:
    """The fenced block after an HTML comment."""
    found = re.search(rf"<!-- {re.escape(marker)} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, f"README has no block {marker!r}"
    return found[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the README's study in it."""
    path = tmp_path_factory.mktemp("readme")
    (path / "study.yaml").write_text(block("example: study.yaml"))
    return path


def test_the_commands_run_in_order(folder: Path) -> None:
    for line in block("example: commands").splitlines():
        words = shlex.split(line)
        assert words[0] == "stresslab"
        done = subprocess.run([*STRESSLAB, *words[1:]], cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr and "Warning" not in done.stderr, done.stderr
    assert {"report.html", "again.html", "ruin.csv", "results"} <= {path.name for path in folder.iterdir()}


def test_the_python_runs(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block("example: python")],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    numbers = [float(word) for word in re.findall(r"\d+\.\d+", done.stdout)]
    assert len(numbers) >= 14


def test_every_command_has_help_and_is_in_the_readme() -> None:
    command = typer.main.get_command(app)
    for name, sub in command.commands.items():  # type: ignore[attr-defined]
        assert sub.help, name
        assert f"`{name}`" in README or f"stresslab {name}" in README, name


def test_the_run_command_names_a_study_that_is_there() -> None:
    study = re.search(r"stresslab run (\S+)", block("run-command"))
    assert study and (ROOT / study[1]).is_file()


def test_every_dependency_earns_its_line() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    listed = re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    assert listed
    table = README[README.index("## Dependencies") :]
    for name in re.findall(r'"([\w-]+)', listed[1]):
        assert re.search(rf"^\|.*\b{re.escape(name)}\b.*\|", table, re.MULTILINE), name
