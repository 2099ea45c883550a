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

#: Executions of flow runs whose calls a process remembers.
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
    """The calls of tasks in one execution of a flow, told apart; equal ones by number, for one may be taken for the other."""

    def __init__(self, ledger: Ledger) -> None:
        """Begin with what the ledger has of earlier executions."""
        self.ledger = ledger
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._names: dict[UUID | None, str] = {}

    def name(self, base: str) -> str:
        """Return the name of the call that the current task run is, the same in each of its turns."""
        run = task_run()
        with self._lock:
            if run not in self._names:
                self._names[run] = f"{base}[{self._counts[base]}]"
                self._counts[base] += 1
            return self._names[run]

    def stray(self, name: str, prefix: str) -> str | None:
        """Return a call that an earlier execution left open and this one has not made; None for a call that is no new one."""
        if self.ledger.of(name) is not None:
            return None
        opened = self.ledger.opened(prefix)
        with self._lock:
            claimed = set(self._names.values())
        return next((each for each in opened if each not in claimed), None)


_known: OrderedDict[tuple[str, str], Calls] = OrderedDict()
_known_lock = threading.Lock()


def calls_of(place: Place) -> Calls:
    """Return the calls of an execution of a flow run. Each execution reads the ledger anew: it may follow one elsewhere."""
    key = (place.key, place.execution)
    with _known_lock:
        if key not in _known:
            _known[key] = Calls(Ledger(place))
            while len(_known) > _HELD:
                _known.popitem(last=False)
        _known.move_to_end(key)
        return _known[key]
