"""Run as a program: the command line, with an executor that does one task and then waits for the signal to come."""

import signal
import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from stresslab import execution, terminal  # noqa: E402
from stresslab.cli import main  # noqa: E402
from stresslab.grid.block import Summary, run_blocks  # noqa: E402
from stresslab.grid.plan import Plan, Task  # noqa: E402


class Waiting:
    """Says that the first task is kept, and does no other."""

    workers = 0

    def run(self, plan: Plan, queue: deque[Task]) -> Iterator[tuple[Task, Summary]]:
        task = queue.popleft()
        yield task, run_blocks(plan.ladders[task.ladder], task.first, task.blocks, plan.study.sampling.block)
        print("waiting", flush=True)
        signal.pause()


if __name__ == "__main__":
    terminal.Serial, execution.COMMIT_SECONDS = Waiting, 0.0  # type: ignore[assignment, misc]
    main()
