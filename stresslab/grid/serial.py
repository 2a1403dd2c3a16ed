"""The serial executor: the specification that every other executor must match byte for byte."""

from collections import deque
from collections.abc import Iterator

from stresslab.grid.block import Summary, run_blocks
from stresslab.grid.plan import Plan, Task


class Serial:
    """Runs tasks one after another in this process."""

    workers = 0

    def run(self, plan: Plan, queue: deque[Task]) -> Iterator[tuple[Task, Summary]]:
        """The summary of each task in `queue`, which may grow while it is worked off."""
        while queue:
            task = queue.popleft()
            yield task, run_blocks(plan.ladders[task.ladder], task.first, task.blocks, plan.study.sampling.block)
