"""A task as one call in the code of somebody's own workflow."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from httptask.engines.temporal.names import HEARTBEAT, LONGEST_TURN


async def execute_task(
    task: str, inputs: Mapping[str, Any], options: Mapping[str, Any] | None = None, *, queue: str | None = None
) -> dict[str, Any]:
    """Run a task from workflow code and return `{status, outputs, withheld, outcome, failure}`; each output by its own name.

    Args:
        task: its id.
        inputs: of it.
        options: in the words of a step: `headers`, `until` with `failIf` and `every`, `timeout`, `retry`, `idempotent`,
            `verifyBefore`.
        queue: of the worker, where it is another than the workflow's own.

    Raises:
        ActivityError: it did not succeed; its cause is an ApplicationError whose type says why.

    """
    given = dict(options or {})
    while True:
        told: dict[str, Any] = await workflow.execute_activity(
            task,
            args=[dict(inputs), given],
            task_queue=queue,
            start_to_close_timeout=LONGEST_TURN,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1)),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        if "again" not in told:
            return told
        given["again"] = told["again"]
        await workflow.sleep(told["wait"])
