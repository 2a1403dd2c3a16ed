"""The house: imports run strictly downward, and modules of one layer do not know each other."""

import ast
from pathlib import Path

import pytest

import stresslab

ROOT = Path(stresslab.__file__).parent

# A module imports only from rows above its own; a package's inner order is held by `test_packages_have_an_inner_order`.
LAYERS = (
    ("errors",),
    ("units", "assets"),
    ("random", "numerics", "device", "shipped", "files"),
    ("models", "venues", "books", "options", "estimate"),
    ("shocks",),
    ("scan", "schedule"),
    ("accounts", "observers", "payments"),
    ("paths", "passage", "evaluate", "general"),
    ("condense",),
    ("config", "calibrate"),
    ("grid",),
    ("store", "limits", "compare", "leverage"),
    ("report", "execution", "fitting"),
    ("filtering",),
    ("backtest",),
    ("terminal", "venue_tables", "venue_checks", "venue_imports"),
    ("fit_tables",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
RANK = {name: rank for rank, row in enumerate(LAYERS) for name in row}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if "configs" not in path.parts)


def top(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imported(path: Path) -> list[str]:
    """Dotted names below stresslab that the module imports anywhere."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "stresslab":
            rest = node.module.split(".")[1:]
            found += [".".join(rest)] if rest else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [a.name.split(".", 1)[1] for a in node.names if a.name.startswith("stresslab.")]
    return found


def test_every_module_has_a_layer() -> None:
    assert {top(path) for path in modules()} - {"__init__"} == set(RANK)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_downward(path: Path) -> None:
    own = top(path)
    if own == "__init__":
        return
    for name in imported(path):
        other = name.split(".")[0]
        if other != own:
            assert other == "" or other not in RANK or RANK[other] < RANK[own], f"{own} imports {name}"


def test_packages_have_an_inner_order() -> None:
    """Inside a package no two modules depend on each other, directly or around a corner."""
    for package in (path for path in ROOT.iterdir() if (path / "__init__.py").exists()):
        graph = {}
        for path in package.glob("*.py"):
            if path.stem != "__init__":
                inner = [name.split(".") for name in imported(path) if name.split(".")[0] == package.name]
                graph[path.stem] = {parts[1] for parts in inner if len(parts) > 1}
        while graph:
            free = {name for name, needs in graph.items() if not needs & set(graph)}
            assert free, f"{package.name}: {sorted(graph)} import each other"
            graph = {name: needs for name, needs in graph.items() if name not in free}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_imports_inside_functions(path: Path) -> None:
    if path.parent.name == "commands":
        return  # they import late, so that --help answers at once
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            assert not any(isinstance(inner, ast.Import | ast.ImportFrom) for inner in ast.walk(node)), node.name
