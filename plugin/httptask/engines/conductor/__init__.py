"""Conductor: tasks and whole workflows of ours as its own, done by one worker.

`httptask worker conductor` works, `httptask deploy conductor` registers. From Python: `workflow_definition` and
`task_definitions` have the JSON that is registered, `working` is the worker as a context manager, `Server` calls the API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from httptask.clock import SystemClock
from httptask.engines.conductor.compiling import ENGINE, workflow_definition
from httptask.engines.conductor.names import STEP
from httptask.engines.conductor.polling import Worker
from httptask.engines.conductor.server import Server
from httptask.engines.conductor.task_definitions import task_definitions
from httptask.engines.conductor.working import MOST_PASSED, Workbench
from httptask.hosted.host import Host
from httptask.identity import new_id
from httptask.model import Connection, Provider
from httptask.registry import Registry

__all__ = ["Options", "Server", "task_definitions", "workflow_definition", "working"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a worker is told beside its server and its tasks.

    Attributes:
        connect: gives the connection for a provider, by the name that a workflow says or by none.
        mask: is given each secret.
        threads: tasks at a time.

    """

    connect: Callable[[Provider, str | None], Connection]
    mask: Callable[[str], None] | None = None
    threads: int = 8


@contextmanager
def working(server: Server, registry: Registry, options: Options) -> Iterator[Worker]:
    """Work on the tasks of a registry, and on the steps of workflows that use them, for as long as the context lasts."""
    names = [*registry, STEP]
    with Host(options.connect, ENGINE, mask=options.mask, most_passed=MOST_PASSED) as host:
        worker = Worker(server, names, f"httptask-{new_id()}", SystemClock(), options.threads)
        bench = Workbench(registry, host, server.attempt, server.log, worker.store)
        with worker.doing(bench.work):
            yield worker
