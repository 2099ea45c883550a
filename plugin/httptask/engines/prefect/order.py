"""The order in which a flow hands out the calls of a task: threads begin them in any order, so they are numbered before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

from prefect.futures import PrefectFuture

from httptask.engines.prefect.ends import CannotGoOn
from httptask.engines.prefect.places import other_processes

Futures = TypeVar("Futures", bound=Sequence[PrefectFuture[Any]])


class Handed:
    """Calls that were handed out at once. Prefect gives ids only then, when threads may have begun them: these wait."""

    def __init__(self) -> None:
        """Begin without numbers."""
        self._numbers: dict[UUID | None, int] = {}
        self._settled = threading.Event()

    def settle(self, numbers: dict[UUID | None, int]) -> None:
        """Let the calls have their numbers; those that have none by now get none any more."""
        self._numbers = numbers
        self._settled.set()

    def number(self, run: UUID | None) -> int:
        """Return the number of the call that a task run is.

        Raises:
            CannotGoOn: the flow came to no end of handing out, and nobody knows the number.

        """
        self._settled.wait()
        if run not in self._numbers:
            raise CannotGoOn("the flow did not come to the end of submitting this call and those beside it: nothing is sent")
        return self._numbers[run]


#: Set where a call is handed out, and so in the context that the call takes along to its thread.
_handed: ContextVar[Handed | None] = ContextVar("httptask_handed", default=None)


def handed() -> Handed | None:
    """Return what the current call was handed out with; None for one that the flow waits for in place."""
    return _handed.get()


def in_order(numbers: Callable[[], Iterator[int]], hand_out: Callable[[], Futures]) -> Futures:
    """Hand calls out, and number them in this order.

    Raises:
        CannotGoOn: they would run in other processes, which know nothing of their numbers.

    """
    _in_threads()
    here, settled = Handed(), dict[UUID | None, int]()
    token = _handed.set(here)
    try:
        futures = hand_out()
        settled.update(zip((future.task_run_id for future in futures), numbers(), strict=False))
        return futures
    finally:
        _handed.reset(token)
        here.settle(settled)


def _in_threads() -> None:
    if (name := other_processes()) is not None:
        raise CannotGoOn(
            f"a task with a `step` is numbered in the flow's process, which {name} is not for: leave one of them out"
        )
