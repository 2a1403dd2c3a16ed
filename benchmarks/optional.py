"""Baselines that need a package of the `bench` extra."""

from importlib import import_module
from types import ModuleType


def baseline(module: str, package: str) -> ModuleType | None:
    """The module `benchmarks.<module>`; None, with a line that says so, where `package` is not installed."""
    try:
        return import_module(f"benchmarks.{module}")
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        print(f"{package} is not installed: its baseline is left out (pip install stresslab[bench])")
        return None
