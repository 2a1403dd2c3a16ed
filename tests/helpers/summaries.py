"""Run as a program: hashes of what blocks of a few small studies give on this process's devices."""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

from stresslab import device

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.studies import small  # noqa: E402

from stresslab.grid.block import run_blocks  # noqa: E402
from stresslab.grid.plan import make_plan  # noqa: E402


def main() -> None:
    found: dict[str, str | int] = {"devices": len(device.devices())}
    with tempfile.TemporaryDirectory() as folder:
        for model in ("gbm", "heston"):
            for antithetic, block in ((False, 256), (True, 256), (False, 4096)):
                sweep = {"book.side": ["long", "short"], "book.leverage": [5.0, 20.0]}
                sampling = {"antithetic": antithetic, "block": block, "paths": block}
                changes = {"market": {"model": model}, "sweep": sweep, "sampling": sampling}
                summary = run_blocks(make_plan(small(Path(folder), changes)).ladders[0], 0, 2, block)
                raw = b"".join(summary[name].tobytes() for name in sorted(summary))
                found[f"{model} {antithetic} {block}"] = hashlib.sha256(raw).hexdigest()[:16]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
