"""Scripted failures of tasks on workers: a folder counts the tries of each block, whichever process makes them."""

import os
from pathlib import Path
from typing import Any

from stresslab.grid.block import Summary, run_blocks


def tries(folder: str, first: int) -> int:
    """How often the task that starts with this block was tried."""
    return len(list(Path(folder).glob(f"{first}-*")))


def run_flaky(folder: str, script: dict[int, str], ladder: Any, first: int, blocks: int, block: int) -> Summary:
    """`run_blocks`, but for what `script` says of the try: r raises, and . is well."""
    number = tries(folder, first)
    Path(folder, f"{first}-{number}-{os.urandom(4).hex()}").touch()
    act = script.get(first, "")[number : number + 1]
    if act == "r":
        raise OSError(f"scripted failure {number} of block {first}")
    return run_blocks(ladder, first, blocks, block)
