"""What makes a Temporal worker run HTTP tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from httptask.engines.temporal.activities import Turns
from httptask.engines.temporal.jobs import Jobs
from httptask.engines.temporal.lease import Leased
from httptask.engines.temporal.names import MOST_PASSED
from httptask.engines.temporal.started import Started
from httptask.engines.temporal.workflows import HttpTaskRun
from httptask.hosted.host import Host
from httptask.hosted.stores import from_surroundings
from httptask.model import Connection, Provider
from httptask.wiring import Folders, registry

#: Turns that a worker takes at the same time; the SDK gives out no more than so many activities by itself.
THREADS = 100
#: What the sandbox of workflows leaves alone: this package, whose code there is pure, and what its modules import.
PASSED_THROUGH = ("httptask", "jinja2", "markupsafe", "jsonschema", "referencing", "rpds", "attrs", "attr", "yaml")


class HttpTaskPlugin(SimplePlugin):
    """Adds every task as an activity of its own name, and the workflow `httptask.run`, to a client's workers or to one worker."""

    def __init__(self, *, templates: Folders = (), connection: str | None = None) -> None:
        """Read the list of tasks.

        Args:
            templates: folders with templates of your own, beside those of HTTPTASK_PATH.
            connection: the profile that is used where a workflow names none; without it what the environment gives.

        Raises:
            DefinitionError: a folder that is none, or one id in two files.

        """
        self._host = Host(partial(_connect, connection), "Temporal", most_passed=MOST_PASSED, wrap=Leased)
        self._threads = ThreadPoolExecutor(THREADS, "httptask")
        turns = Turns(self._host, Jobs(registry(templates)), Started(), self._threads)
        super().__init__(
            "httptask",
            activities=[turns.activity()],
            workflows=[HttpTaskRun],
            workflow_runner=_passing_through,
            run_context=self._running,
        )

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        with self._host:
            yield


def _connect(named: str | None, provider: Provider, name: str | None) -> Connection:
    return from_surroundings(provider, name or named)


def _passing_through(runner: WorkflowRunner | None) -> WorkflowRunner:
    if runner is None:
        runner = SandboxedWorkflowRunner()
    if not isinstance(runner, SandboxedWorkflowRunner):
        return runner
    return replace(runner, restrictions=runner.restrictions.with_passthrough_modules(*PASSED_THROUGH))
