"""The hints that a module of `stresslab.config` gives with its refusals, read from its source."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import stresslab


def hints(module: str) -> Iterator[str]:
    """Every text that is given or bound as a hint in a module, as a pattern; values that are filled in are `.*`."""
    tree = ast.parse((Path(stresslab.__file__).parent / "config" / f"{module}.py").read_text())
    for node in ast.walk(tree):
        found: list[ast.expr] = []
        if isinstance(node, ast.keyword) and node.arg == "hint":
            found = [node.value]
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == "hint":
                    found = [node.value]
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    names = [getattr(name, "id", "") for name in target.elts]
                    found = [one for name, one in zip(names, node.value.elts, strict=True) if name == "hint"]
        for value in found:
            yield from _patterns(value)


def _patterns(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from _patterns(value.body)
        yield from _patterns(value.orelse)
    elif isinstance(value, ast.Constant) and value.value:
        yield re.escape(str(value.value))
    elif isinstance(value, ast.JoinedStr):
        parts = [re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in value.values]
        yield "".join(parts)
