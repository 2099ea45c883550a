"""The kind of Prefect task that ours are: its retries are decided here, and how it ended is what its state says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture

from httptask.engines.prefect.calls import calls_of
from httptask.engines.prefect.order import in_order
from httptask.engines.prefect.places import current_place
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
    """A task whose call raises when it failed. Prefect's own hands back the state of the last wait when there was one before.

    Attributes:
        step: what its calls are known by, with their number in the order in which the flow hands them out; None: by their inputs.

    """

    step: str | None = None

    def __call__(self, *args: Any, return_state: bool = False, wait_for: Any = None, **inputs: Any) -> Any:
        """Run the task and return its outputs, or its state.

        Raises:
            HttpTaskFailed: it did not succeed.

        """
        state = super().__call__(*args, return_state=True, wait_for=wait_for, **inputs)
        return state if return_state else state.result(_sync=True)

    def submit(self, *args: Any, return_state: bool = False, wait_for: Any = None, **inputs: Any) -> Any:
        """Begin the task beside the flow and return its future; with `return_state` wait, and return its state."""
        hand_out = super().submit
        if self.step is None:
            return hand_out(*args, return_state=return_state, wait_for=wait_for, **inputs)
        [future] = in_order(self._numbers(self.step), lambda: [hand_out(*args, wait_for=wait_for, **inputs)])
        return _state(future) if return_state else future

    def map(self, *args: Any, return_state: bool = False, wait_for: Any = None, deferred: bool = False, **inputs: Any) -> Any:
        """Begin the task for each of several inputs and return the futures; with `return_state` wait, and return the states."""
        hand_out = super().map
        if self.step is None:
            return hand_out(*args, return_state=return_state, wait_for=wait_for, deferred=deferred, **inputs)
        futures = in_order(self._numbers(self.step), lambda: hand_out(*args, wait_for=wait_for, deferred=deferred, **inputs))
        return [_state(future) for future in futures] if return_state else futures

    @staticmethod
    def _numbers(step: str) -> Callable[[], Iterator[int]]:
        return lambda: calls_of(current_place()).numbers(step)

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
        copy.step = self.step
        return copy


def _state(future: PrefectFuture[Any]) -> State[Any]:
    future.wait()
    return future.state
