"""The calls of single tasks in a flow: by what each is known when Prefect runs the flow again, and which were left open."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.states import AwaitingRetry

from httptask import sensitive
from httptask.engines.prefect.ends import CannotGoOn
from httptask.engines.prefect.ledger import Ledger
from httptask.engines.prefect.places import Place
from httptask.engines.prefect.turning import at, task_run
from httptask.model import TaskTemplate

#: Flow runs whose calls a process remembers.
_HELD = 64
#: Seconds that a new call waits for one that was left open.
_PATIENCE = 3


def instead_of(stray: str) -> State[Any]:
    """Let the call that was left open be made first, which runs side by side make soon; without it, this may be the same one.

    Raises:
        CannotGoOn: it was not made.

    """
    context = TaskRunContext.get()
    if context is not None and context.task_run.run_count <= _PATIENCE:
        return AwaitingRetry(scheduled_time=at(1.0), message=f"nobody knows what became of {stray}: waiting for that call first")
    message = f"nobody knows what became of {stray} in an earlier execution, and this call of the same task has other inputs"
    raise CannotGoOn(f"{message}: give the task a `step`, by which its calls are known whatever their inputs, or start a new run")


def name_of(template: TaskTemplate, inputs: Mapping[str, Any]) -> str:
    """Return what a call is known by: the task, and a digest of the inputs that may be shown."""
    shown = json.dumps(sensitive.inputs(template, inputs).value, sort_keys=True, default=str)
    return f"{template.id}#{hashlib.sha256(shown.encode()).hexdigest()[:16]}"


class Calls:
    """The calls of tasks in one flow run, told apart; equal ones by their number, for one may be taken for the other."""

    def __init__(self, ledger: Ledger) -> None:
        """Begin with what the ledger has of earlier executions."""
        self.ledger = ledger
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._names: dict[UUID | None, str] = {}
        self._claimed: set[tuple[str, str]] = set()

    def name(self, place: Place, base: str) -> str:
        """Return the name of the call that the current task run is, the same in each of its turns."""
        run = task_run()
        with self._lock:
            if run not in self._names:
                number = self._counts[place.execution, base]
                self._counts[place.execution, base] += 1
                self._names[run] = f"{base}[{number}]"
                self._claimed.add((place.execution, self._names[run]))
            return self._names[run]

    def stray(self, place: Place, name: str, prefix: str) -> str | None:
        """Return a call that an earlier execution left open and this one has not made; None for a call that is no new one."""
        if self.ledger.of(name) is not None:
            return None
        opened = self.ledger.opened(prefix)
        with self._lock:
            return next((each for each in opened if (place.execution, each) not in self._claimed), None)


_known: OrderedDict[str, Calls] = OrderedDict()
_known_lock = threading.Lock()


def calls_of(place: Place) -> Calls:
    """Return the calls of a flow run, which outlive its executions in this process."""
    with _known_lock:
        if place.key not in _known:
            _known[place.key] = Calls(Ledger(place))
            while len(_known) > _HELD:
                _known.popitem(last=False)
        _known.move_to_end(place.key)
        return _known[place.key]
