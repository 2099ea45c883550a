"""The argument that a run was started with, read from the beginning of its history: it need not travel with each unit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from temporalio.activity import Info
from temporalio.client import Client
from temporalio.converter import WorkflowSerializationContext
from temporalio.exceptions import ApplicationError

#: Runs whose argument a worker holds.
_HELD = 64


@dataclass(slots=True)
class Started:
    """Arguments of runs, each asked for once."""

    _known: OrderedDict[str, Mapping[str, Any]] = field(default_factory=OrderedDict)

    async def argument(self, client: Client, info: Info) -> Mapping[str, Any]:
        """Return the definition and inputs of the run that an activity belongs to.

        Raises:
            RPCError: the server cannot be asked.
            ApplicationError: the run was not started with one.

        """
        run = info.workflow_run_id or ""
        if run not in self._known:
            argument = await _read(client, info)
            self._known[run] = {name: argument.get(name) for name in ("definition", "inputs")}
            while len(self._known) > _HELD:
                self._known.popitem(last=False)
        return self._known[run]


async def _read(client: Client, info: Info) -> Mapping[str, Any]:
    workflow = info.workflow_id or ""
    handle = client.get_workflow_handle(workflow, run_id=info.workflow_run_id)
    context = WorkflowSerializationContext(namespace=info.namespace, workflow_id=workflow)
    async for event in handle.fetch_history_events(page_size=1):
        payloads = event.workflow_execution_started_event_attributes.input.payloads
        values = await client.data_converter.with_context(context).decode(payloads)
        if values and isinstance(values[0], Mapping):
            return values[0]
        break
    raise ApplicationError("the workflow was not started with what start_argument returns", type="input", non_retryable=True)
