"""Where and with what a benchmark was run."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import Any

import jax

from stresslab import device

PACKAGES = ("stresslab", "jax", "jaxlib", "numpy", "numba", "QuantLib")


def describe() -> dict[str, Any]:
    """Device, cores, load and versions."""
    return {
        "device": device.describe(),
        "backend": jax.default_backend(),
        "processor": processor(),
        "cores": cores(),
        "vector_options": device.compiler_options(),
        "load_at_start": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor by its name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def slug() -> str:
    """The device as part of a file name."""
    name = processor() if jax.default_backend() == "cpu" else jax.devices()[0].device_kind
    return re.sub(r"[^a-z0-9]+", "-", f"{cores()} cores {name}".lower()).strip("-")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
