"""Driving a plan to its end: which tasks are still to do, what was done before, and when a market cell has enough
paths.

Blocks are added in order, and a target is looked at only when every ladder of a market cell has the same whole number
of blocks, which doubles from look to look. So the answer depends on the study, not on who computed what, or when.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from stresslab.grid.block import Summary
from stresslab.grid.plan import Plan, Task
from stresslab.grid.totals import Totals, merge, target_met


class Executor(Protocol):
    """Works tasks off in any order; the queue may grow while it does."""

    workers: int

    def run(self, plan: Plan, queue: deque[Task]) -> Iterator[tuple[Task, Summary]]: ...


class Memory(Protocol):
    """Summaries of tasks that were finished before."""

    def recall(self, task: Task) -> Summary | None: ...

    def keep(self, task: Task, summary: Summary) -> None: ...


class Forgetful:
    """A memory that has none: for runs without a store."""

    def recall(self, task: Task) -> Summary | None:
        return None

    def keep(self, task: Task, summary: Summary) -> None:
        return None


Progress = Callable[[int, int], None]  # path-steps just done, path-steps now planned in all


def drive(
    plan: Plan, executor: Executor, memory: Memory, progress: Progress = lambda done, planned: None
) -> list[Totals]:
    """Run the plan; the totals of each ladder."""
    work = _Work(plan, memory)
    for market in plan.markets:
        work.extend(market.index, plan.blocks)
    progress(work.recalled, work.planned)
    for task, summary in executor.run(plan, work.queue):
        memory.keep(task, summary)
        before = work.recalled
        work.take(task, summary)
        progress(work.size(task) + work.recalled - before, work.planned)
    return work.totals()


class _Work:
    def __init__(self, plan: Plan, memory: Memory) -> None:
        self.plan, self.memory, self.block = plan, memory, plan.study.sampling.block
        self.queue: deque[Task] = deque()
        self.planned = self.recalled = 0
        self._found: list[dict[Task, Summary]] = [{} for _ in plan.ladders]
        self._goal = [0 for _ in plan.markets]
        self._missing = [0 for _ in plan.markets]

    def size(self, task: Task) -> int:
        """Path-steps of a task."""
        return self.plan.markets[self.plan.ladders[task.ladder].market].n_steps * task.blocks * self.block

    def extend(self, market: int, blocks: int) -> None:
        """Queue the tasks that bring a market cell to `blocks`, but for those that are remembered."""
        since, self._goal[market] = self._goal[market], blocks
        for ladder in self.plan.markets[market].ladders:
            for task in self.plan.tasks(ladder, since, blocks):
                self.planned += self.size(task)
                summary = self.memory.recall(task)
                if summary is None:
                    self.queue.append(task)
                    self._missing[market] += 1
                else:
                    self._found[ladder][task] = summary
                    self.recalled += self.size(task)
        if self._missing[market] == 0:
            self._look(market)

    def take(self, task: Task, summary: Summary) -> None:
        """Book a finished task; when it was its market cell's last, ask whether there are enough paths."""
        market = self.plan.ladders[task.ladder].market
        self._found[task.ladder][task] = summary
        self._missing[market] -= 1
        if self._missing[market] == 0:
            self._look(market)

    def _look(self, market: int) -> None:
        if self._goal[market] >= self.plan.most_blocks or not self.plan.markets[market].ladders:
            return
        ladders = self.plan.markets[market].ladders
        if not all(target_met(self.plan.study, self.plan.ladders[n], self._merged(n)).all() for n in ladders):
            self.extend(market, min(2 * self._goal[market], self.plan.most_blocks))

    def _merged(self, ladder: int) -> Totals:
        found = self._found[ladder]
        return merge([found[task] for task in sorted(found, key=lambda task: task.first)], self.block)

    def totals(self) -> list[Totals]:
        return [self._merged(number) for number in range(len(self.plan.ladders))]
