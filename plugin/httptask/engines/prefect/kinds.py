"""The kind of Prefect task that ours are: its retries are decided here, and how it ended is what its state says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE

from httptask.errors import Problem, UsageError

#: What holds for each of them: retries and waits are decided here, equal calls are calls of their own, results are in the ledger.
OURS: Mapping[str, Any] = {
    "retries": 0,
    "retry_condition_fn": lambda *_: False,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}
#: Options of a Prefect task that would send again what was sent, or hand on what was not.
_REFUSED = frozenset({"retries", "retry_delay_seconds", "retry_condition_fn", "cache_policy", "cache_key_fn", "persist_result"})


class HttpTask(Task[..., Any]):
    """A task whose call raises when it failed. Prefect's own hands back the state of the last wait when there was one before."""

    def __call__(self, *args: Any, return_state: bool = False, wait_for: Any = None, **inputs: Any) -> Any:
        """Run the task and return its outputs, or its state.

        Raises:
            HttpTaskFailed: it did not succeed.

        """
        state = super().__call__(*args, return_state=True, wait_for=wait_for, **inputs)
        return state if return_state else state.result(_sync=True)

    def with_options(self, **options: Any) -> HttpTask:
        """Return a copy with other options.

        Raises:
            UsageError: one of them would take over what httptask decides.

        """
        if refused := sorted(_REFUSED & options.keys()):
            hint = "say it in `retry`, where the task is made: the template knows what may be sent again"
            raise UsageError([Problem(name, "httptask decides this itself", hint) for name in refused])
        copy = super().with_options(**options)
        copy.__class__ = HttpTask
        return copy
