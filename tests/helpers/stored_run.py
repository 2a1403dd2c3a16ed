"""Run as a program: a run into a store, a block at a time, that waits after some tasks, there to be killed."""

import signal
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.studies import BLOCK, TWO_MARKETS, small  # noqa: E402

from stresslab import execution  # noqa: E402
from stresslab.config.schema import Study  # noqa: E402
from stresslab.grid import plan as planning  # noqa: E402
from stresslab.grid.block import Summary, run_blocks  # noqa: E402
from stresslab.grid.plan import Plan, Task, make_plan  # noqa: E402
from stresslab.store import open_store  # noqa: E402


def study(folder: Path) -> Study:
    """Two market cells with a target: tasks are added while it runs."""
    target = {"event": "loss_50", "absolute": 0.012, "max_paths": 16 * BLOCK, "horizon": "1D"}
    return small(folder, TWO_MARKETS | {"sampling": {"paths": 2 * BLOCK, "target": target}})


class Waiting:
    """Says each task when its result has been kept, and after so many does no other."""

    workers = 0

    def __init__(self, tasks: int) -> None:
        self.tasks = tasks

    def run(self, plan: Plan, queue: deque[Task]) -> Iterator[tuple[Task, Summary]]:
        for _ in range(self.tasks):
            task = queue.popleft()
            yield task, run_blocks(plan.ladders[task.ladder], task.first, task.blocks, plan.study.sampling.block)
            print(task.name, flush=True)
        while True:
            signal.pause()


if __name__ == "__main__":
    url, folder, tasks = sys.argv[1:]
    planning.TASK_PATH_STEPS, execution.COMMIT_SECONDS = 1, 0.0
    plan = make_plan(study(Path(folder)))
    execution.run_into_store(plan, Waiting(int(tasks)), open_store(url), False, lambda done, planned: None)
