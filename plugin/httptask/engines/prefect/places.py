"""Where a unit stands among Prefect's runs: under the outermost flow run, which stays the same however often it runs again.

A flow within a flow gets a new id when its parent runs again; what stays is the outermost run and how one gets down from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.task_runners import ThreadPoolTaskRunner

from httptask.engines.prefect.ends import CannotGoOn

_NESTED = (
    "call a task of httptask from a flow, not from within another task: a repeat of that one could not be told from a new call"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A flow run's execution, or a task run that stands in no flow.

    Attributes:
        root: id of the outermost flow run; None without one.
        chain: leads from it to the flow within flows.
        alone: id of the task run that stands in no flow.
        counts: how often Prefect has begun the flow run, and the outermost one, by their ids.

    """

    root: UUID | None
    chain: str = ""
    alone: UUID | None = None
    counts: tuple[tuple[UUID, int], ...] = ()

    @property
    def key(self) -> str:
        """The id of the run for idempotency keys: the same each time that Prefect runs it again."""
        return f"{self.root or self.alone}{self.chain}"

    @property
    def execution(self) -> str:
        """Tells one execution of the flow run from the next."""
        return "/".join(f"{flow_run}:{count}" for flow_run, count in self.counts)

    def check(self) -> None:
        """Refuse to go on in a process that Prefect gave up: another one may do the same work by now.

        Raises:
            CannotGoOn: Prefect has begun the run again, or says that it is over.

        """
        with get_client(sync_client=True) as client:
            for flow_run, count in self.counts:
                now = client.read_flow_run(flow_run)
                if now.run_count != count or (now.state is not None and now.state.is_final()):
                    raise CannotGoOn("Prefect took this flow run away from this process, which sends nothing any more")


def other_processes() -> str | None:
    """Return the name of the flow's task runner where it takes tasks to other processes: what they share is in this one."""
    context = FlowRunContext.get()
    if context is None or isinstance(context.task_runner, ThreadPoolTaskRunner):
        return None
    return type(context.task_runner).__name__


def current_place() -> Place:
    """Return where the code that runs now stands.

    Raises:
        CannotGoOn: it is called from within another task.

    """
    flow, task = FlowRunContext.get(), TaskRunContext.get()
    if task is not None and task.task_run.task_inputs.get("__parents__"):
        raise CannotGoOn(_NESTED)
    if flow is None or flow.flow_run is None:
        if task is None:
            raise CannotGoOn("a flow of httptask is run by Prefect: call the flow, not the function within it")
        return Place(None, alone=task.task_run.id)
    with get_client(sync_client=True) as client:
        return _placed(client, flow.flow_run)


def _placed(client: SyncPrefectClient, flow_run: FlowRun) -> Place:
    chain, here = "", flow_run
    while here.parent_task_run_id is not None:
        parent = client.read_task_run(here.parent_task_run_id)
        if parent.flow_run_id is None or not str(parent.dynamic_key).isdigit():
            raise CannotGoOn(_NESTED)
        chain = f"/{parent.task_key}-{parent.dynamic_key}{chain}"
        here = client.read_flow_run(parent.flow_run_id)
    counts = {flow_run.id: flow_run.run_count, here.id: here.run_count}
    return Place(here.id, chain, counts=tuple(counts.items()))
