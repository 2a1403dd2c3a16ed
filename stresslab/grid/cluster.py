"""The Dask executor: local worker processes, or a scheduler by its address. Same bytes as `serial`."""

import os
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, Security, as_completed, comm

from stresslab.errors import InputError, RunError
from stresslab.grid.block import Summary, run_blocks
from stresslab.grid.plan import Plan, Task

TASKS_PER_WORKER = 3  # sent ahead, so that no worker waits for the next
RETRIES = 3


class Cluster:
    """Runs tasks on the workers of a Dask client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.workers = len(client.scheduler_info(n_workers=-1)["workers"])

    def run(self, plan: Plan, queue: deque[Task]) -> Iterator[tuple[Task, Summary]]:
        """The summary of each task in `queue`, in the order in which they come back; the queue may grow meanwhile."""
        under_way: dict[Future, Task] = {}
        ladders: dict[int, Any] = {}
        finished = as_completed()
        self._send(plan, queue, under_way, ladders, finished)
        for future in finished:
            task = under_way.pop(future)
            try:
                summary = future.result()
            except Exception as error:
                raise RunError(f"{task.name} failed on the cluster {RETRIES + 1} times: {error}") from error
            yield task, summary
            self._send(plan, queue, under_way, ladders, finished)

    def _send(
        self, plan: Plan, queue: deque[Task], under_way: dict[Future, Task], ladders: dict[int, Any], finished: Any
    ) -> None:
        while queue and len(under_way) < max(1, self.workers) * TASKS_PER_WORKER:
            task = queue.popleft()
            future = self._client.submit(
                run_blocks,
                plan.ladders[task.ladder],
                task.first,
                task.blocks,
                plan.study.sampling.block,
                key=f"{plan.study.hash[:16]}-{task.name}",
                retries=RETRIES,
                pure=True,
            )
            under_way[future] = task
            finished.add(future)


@contextmanager
def local(workers: int) -> Iterator[Cluster]:
    """`workers` processes on this machine, each with its share of the cores. They are spawned: forking after JAX
    hangs.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    devices = str(max(1, cores // workers))
    environment = {"STRESSLAB_CPU_DEVICES": devices, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    settings = {
        "distributed.nanny.pre-spawn-environ": environment,
        "distributed.worker.multiprocessing-method": "spawn",
        "distributed.comm.timeouts.connect": "60s",
    }
    with dask.config.set(settings):
        with LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=40
        ) as cluster:
            with Client(cluster) as client:
                yield Cluster(client)


def check_address(address: str) -> None:
    """InputError for an address that no connection can be made to: its form, its transport, or TLS without keys."""
    transport, colon, place = address.partition("://")
    known = [name for name in ("tcp", "tls", "ws", "wss") if name in comm.registry.backends]
    if not colon:
        transport, place = "tcp", address
    hint = "Give the scheduler's address, for example tcp://127.0.0.1:8786"
    if transport not in known:
        rule = f"there is no transport {transport!r} here, only {', '.join(known)}"
        raise InputError(rule, key="--scheduler", got=address, hint=hint)
    host, _, port = place.partition("/")[0].rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 2**16 and place.isprintable() and " " not in place):
        rule = "the address of a scheduler is TRANSPORT://HOST:PORT"
        raise InputError(rule, key="--scheduler", got=address, hint=hint)
    if transport in ("tls", "wss"):
        _check_keys(address)


def _check_keys(address: str) -> None:
    hint = "Set distributed.comm.tls (ca-file, client.cert, client.key) in Dask's configuration, or use tcp://"
    try:
        context = Security().get_connection_args("client").get("ssl_context")
    except (OSError, ValueError, TypeError) as error:
        rule = f"the certificates of Dask's configuration cannot be used: {error}"
        raise InputError(rule, key="--scheduler", got=address, hint=hint) from None
    if context is None:
        raise InputError("TLS is not set up on this machine", key="--scheduler", got=address, hint=hint)


@contextmanager
def remote(address: str) -> Iterator[Cluster]:
    """The workers of a running scheduler. InputError if it does not answer or has none."""
    check_address(address)
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError):
        raise InputError(
            "the scheduler does not answer",
            key="--scheduler",
            got=address,
            hint="Start one with `dask scheduler`, and give its address, for example tcp://127.0.0.1:8786",
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=30)
        except TimeoutError:
            raise InputError(
                "the scheduler has no worker",
                key="--scheduler",
                got=address,
                hint="Start one with `dask worker ADDRESS`",
            ) from None
        yield Cluster(client)
