"""The README is executed: its study, its commands and its Python, and every command of the CLI is named in it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from calibrate.option_chains import quotes
from helpers.patience import PATIENCE
from helpers.price_series import brownian_bars, write_bars

from stresslab.cli import app
from stresslab.models import MODELS

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
    """A folder with the README's study in it, and made-up data of the kinds that it speaks of."""
    path = tmp_path_factory.mktemp("readme")
    for name in ("study.yaml", "stops.yaml"):
        (path / name).write_text(block(f"example: {name}"))
    write_bars(brownian_bars(24 * 200, 3600), path / "prices.csv")
    quotes(lambda t, k: 0.6 + 0.1 * (k - 1) ** 2).to_csv(path / "chain.csv", index=False)
    return path


@pytest.mark.parametrize(
    "marker, written",
    [
        ("example: commands", {"report.html", "again.html", "ruin.csv", "results"}),
        ("example: stop commands", {"stops.html"}),
        ("example: data", {"garch.yaml", "fit.html", "tonight.yaml", "smile.yaml", "backtest.html"}),
    ],
)
def test_the_commands_run_in_order(folder: Path, marker: str, written: set[str]) -> None:
    for line in block(marker).splitlines():
        words = shlex.split(line)
        assert words[0] == "stresslab"
        done = subprocess.run([*STRESSLAB, *words[1:]], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr and "Warning" not in done.stderr, done.stderr
    assert written <= {path.name for path in folder.iterdir()}


def test_every_model_is_in_its_table() -> None:
    table = (ROOT / "docs" / "models.md").read_text()
    for kind in MODELS:
        assert f"`{kind}`" in table, kind


def test_the_python_runs(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", block("example: python")],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
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
