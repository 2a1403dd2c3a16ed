"""How JAX is set up here: one independent device per CPU core, wide vectors, a persistent compilation cache."""

import hashlib
import os
import platform
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jaxlib

LAUNCH_PATHS_GPU = 2**20
_FEWEST_PATHS = 512


@cache
def prepare() -> None:
    """Set JAX up once, before its first array; where JAX is already running, say so and use what there is."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        jax.config.update("jax_num_cpu_devices", int(os.environ.get("STRESSLAB_CPU_DEVICES", cores)))
    except RuntimeError:
        warnings.warn("JAX was already running: stresslab uses the devices that it has", stacklevel=2)
    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # A cache on a full disk costs time and nothing else: JAX compiles anew.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")


def cache_folder() -> Path:
    """One folder per kind of processor and jaxlib: compiled code of one may not run on another."""
    root = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "stresslab"
    return root / hashlib.sha256(f"{cpu_features()} {jaxlib.__version__}".encode()).hexdigest()[:16]


@cache
def cpu_features() -> str:
    """What compiled code depends on: the machine type and the instruction sets of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        flags = next((line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), [])
        return f"{platform.machine()} {' '.join(sorted(flags))}"
    except OSError:
        return f"{platform.machine()} {platform.processor()}"


def backend() -> str:
    """What JAX computes on: cpu, gpu or tpu."""
    prepare()
    return jax.default_backend()


def on_cpu() -> bool:
    """Whether JAX computes on the CPU here."""
    return backend() == "cpu"


def devices() -> list[Any]:
    """The devices that a launch is spread over."""
    prepare()
    return jax.devices()


def compiler_options() -> dict[str, Any]:
    """Options of `jax.jit` for the hot loop on a CPU: 512-bit vectors where there are any, plain min and max."""
    if not on_cpu():
        return {}
    wide = {"xla_cpu_prefer_vector_width": 512} if "avx512f" in cpu_features() else {}
    return {"xla_cpu_enable_fast_min_max": True, **wide}


def scan_paths(hot_bytes: int = 0, kept_bytes: int = 0) -> int:
    """Paths that one scan carries, a power of two, given the bytes of a path that every step touches and those kept.

    On a CPU the hot state should stay in half of a core's L2 cache; a GPU wants many paths at once.
    """
    most, hot, kept = (8192, 2**19, 2**25) if on_cpu() else (2**20, 2**34, 2**32)
    fitting = min(most, hot // max(hot_bytes, 1), kept // max(kept_bytes, 1))
    return max(_FEWEST_PATHS, 1 << (fitting.bit_length() - 1) if fitting else 0)


def describe() -> str:
    """The device in words, for the provenance of a run."""
    found = devices()
    return f"{len(found)} x {found[0].device_kind} ({found[0].platform}), {platform.machine()}"


def blocks_per_launch(block: int) -> int:
    """Blocks that are started together: one keeps a CPU busy, a GPU wants some million paths at once."""
    return 1 if on_cpu() else max(1, LAUNCH_PATHS_GPU // block)
