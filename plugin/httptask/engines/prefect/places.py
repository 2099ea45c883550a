"""Where a unit stands among Prefect's runs: under the outermost flow run, which stays the same however often it runs again.

A flow within a flow gets a new id when its parent runs again; what stays is the outermost run and how one gets down from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext, TaskRunContext

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
        execution: tells one execution of the flow run from the next.

    """

    root: UUID | None
    chain: str = ""
    alone: UUID | None = None
    execution: str = ""

    @property
    def key(self) -> str:
        """The id of the run for idempotency keys: the same each time that Prefect runs it again."""
        return f"{self.root or self.alone}{self.chain}"


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
    return Place(here.id, chain, execution=f"{flow_run.id}/{flow_run.run_count}/{here.run_count}")
