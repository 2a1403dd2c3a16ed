"""A writer in a process of its own, for the tests that kill it: `python writer.py STORE MODE`.

It commits one part after another and says so on standard output. "hold" stops after two parts and waits to be killed;
"run" goes on to ten and finishes. A part holds its own number, so that a resumed run can be checked.
"""

import sys
import time

import numpy as np
from store.sample import make_dataset, make_provenance

from stresslab.store import open_store


def main(url: str, mode: str) -> None:
    print("begun", flush=True)
    with open_store(url).begin("key") as run:
        for number in range(10):
            key = f"part/{number}"
            if key in run.done():
                continue
            if mode == "hold" and number == 2:
                print("holding", flush=True)
                time.sleep(600)
            run.commit({key: {"x": np.array(number), "noise": np.random.default_rng(number).random(2000)}})
            print(key, flush=True)
        print(run.finish(make_dataset(), make_provenance()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
