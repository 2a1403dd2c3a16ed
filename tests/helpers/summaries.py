"""Run as a program: hashes of what blocks of a few small studies give on this process's devices."""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.studies import small  # noqa: E402

from stresslab import device  # noqa: E402
from stresslab.grid.block import run_blocks  # noqa: E402
from stresslab.grid.plan import make_plan  # noqa: E402


def summaries(cases: list[tuple[str, bool, int]]) -> dict[str, str]:
    """For each (model, antithetic, block) a hash of two blocks' summary."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for model, antithetic, block in cases:
            sampling = {"antithetic": antithetic, "block": block, "paths": block}
            sweep = {"book.side": ["long", "short"], "book.leverage": [5.0, 20.0]}
            changes = {"market": {"model": model}, "sweep": sweep, "sampling": sampling}
            summary = run_blocks(make_plan(small(Path(folder), changes)).ladders[0], 0, 2, block)
            raw = b"".join(summary[name].tobytes() for name in sorted(summary))
            found[f"{model} {antithetic} {block}"] = hashlib.sha256(raw).hexdigest()[:16]
    return found


if __name__ == "__main__":
    asked = [tuple(case) for case in json.loads(sys.argv[1])]
    print(json.dumps({"devices": len(device.devices()), **summaries(asked)}))
