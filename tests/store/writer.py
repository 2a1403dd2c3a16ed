"""A writer in a process of its own, for the tests that kill it: `python writer.py STORE MODE`.

It commits one part after another and says so on standard output. "hold" stops after two parts and waits to be killed;
"run" goes on to ten and finishes; "count" too, and says how many lines of the store's code it ran; a number kills it
before that line. A part holds its own number, so that a resumed run can be checked.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
from store.sample import make_dataset, make_provenance

from stresslab.store import open_store

STORE = os.path.join("stresslab", "store")


class Lines:
    """Counts the lines of the store's code, and kills the process before one of them."""

    def __init__(self, last: int) -> None:
        self.count, self.last = 0, last

    def trace(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        if STORE not in frame.f_code.co_filename:
            return None
        self.count += event == "line"
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.trace


def main(url: str, mode: str) -> None:
    print("begun", flush=True)
    with open_store(url).begin("key") as run:
        for number in range(10):
            key = f"part/{number}"
            if key in run.done():
                continue
            if mode == "hold" and number == 2:
                print("holding", flush=True)
                while True:
                    signal.pause()
            run.commit({key: {"x": np.array(number), "noise": np.random.default_rng(number).random(2000)}})
            print(key, flush=True)
        print(run.finish(make_dataset(), make_provenance()), flush=True)


if __name__ == "__main__":
    where, what = sys.argv[1:]
    lines = Lines(int(what) if what.isdecimal() else -1)
    if what in ("hold", "run"):
        main(where, what)
    else:
        sys.settrace(lines.trace)
        main(where, "run")
        sys.settrace(None)
        print(lines.count, flush=True)
