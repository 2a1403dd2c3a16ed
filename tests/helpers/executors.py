"""Executors for tests: out of order, counting, and one that a process is killed in."""

import random
from collections import deque
from collections.abc import Iterator

from stresslab.grid.block import Summary, run_blocks
from stresslab.grid.plan import Plan, Task


class Shuffled:
    """Takes any task of the queue next, and hands results back late and in another order."""

    workers = 0

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.order: list[str] = []

    def run(self, plan: Plan, queue: deque[Task]) -> Iterator[tuple[Task, Summary]]:
        held: list[tuple[Task, Summary]] = []
        while queue or held:
            while queue and (not held or self._random.random() < 0.6):
                place = self._random.randrange(len(queue))
                task = queue[place]
                del queue[place]
                block = plan.study.sampling.block
                held.append((task, run_blocks(plan.ladders[task.ladder], task.first, task.blocks, block)))
            task, summary = held.pop(self._random.randrange(len(held)))
            self.order.append(task.name)
            yield task, summary


class Counting:
    """The serial executor, with a list of what it was asked to do."""

    workers = 0

    def __init__(self) -> None:
        self.done: list[str] = []

    def run(self, plan: Plan, queue: deque[Task]) -> Iterator[tuple[Task, Summary]]:
        while queue:
            task = queue.popleft()
            self.done.append(task.name)
            yield task, run_blocks(plan.ladders[task.ladder], task.first, task.blocks, plan.study.sampling.block)
