"""A workflow as somebody else would write it: one task by its name, as any language's SDK calls it."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from httptask.engines.temporal import execute_task


@workflow.defn
class OneTask:
    @workflow.run
    async def run(self, task, inputs, options):
        return await workflow.execute_activity(
            task,
            args=[inputs, options],
            task_queue="httptask",
            start_to_close_timeout=timedelta(minutes=5),
            heartbeat_timeout=timedelta(seconds=2),
            retry_policy=RetryPolicy(maximum_attempts=options.pop("maximumAttempts", 0)),
        )


@workflow.defn
class Called:
    @workflow.run
    async def run(self, task, inputs, options):
        return await execute_task(task, inputs, options, queue="httptask")
