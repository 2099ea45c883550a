"""The calls of single tasks in a flow: by what each is known when Prefect runs the flow again, and which were left open."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.states import AwaitingRetry

from httptask import sensitive
from httptask.engines.prefect.ends import CannotGoOn
from httptask.engines.prefect.ledger import Ledger
from httptask.engines.prefect.order import handed
from httptask.engines.prefect.places import Place
from httptask.engines.prefect.turning import at, task_run
from httptask.model import TaskTemplate

#: Executions of flow runs whose calls a process remembers.
_HELD = 64
_SAME = "take what differs from what stays, such as a parameter of the flow"
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
    raise CannotGoOn(f"{message}: {_SAME}, or start a new run")


def digest_of(template: TaskTemplate, inputs: Mapping[str, Any]) -> str:
    """Return a digest of the inputs that may be shown, by which calls are told apart."""
    shown = json.dumps(sensitive.inputs(template, inputs).value, sort_keys=True, default=str)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]


class Calls:
    """The calls of tasks in one execution of a flow, told apart; equal ones by number, for one may be taken for the other."""

    def __init__(self, ledger: Ledger) -> None:
        """Begin with what the ledger has of earlier executions."""
        self.ledger = ledger
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._names: dict[UUID | None, str] = {}

    def numbers(self, base: str) -> Iterator[int]:
        """Yield the numbers of the calls that are made next."""
        while True:
            with self._lock:
                number = self._counts[base]
                self._counts[base] += 1
            yield number

    def name(self, base: str) -> str:
        """Return the name of the call that the current task run is, the same in each of its turns.

        Raises:
            CannotGoOn: it was handed out beside others, and the flow came to no end of that.

        """
        run, others = task_run(), handed()
        if run not in self._names:
            number = next(self.numbers(base)) if others is None else others.number(run)
            with self._lock:
                self._names[run] = f"{base}[{number}]"
        return self._names[run]

    def given(self, name: str, inputs: str) -> None:
        """Take a digest of a call's inputs down, where its name says nothing of them.

        Raises:
            CannotGoOn: an earlier execution made the call with other ones, and it may have been carried out.

        """
        known = self.ledger.of(name)
        if known is not None and not known.begins_anew and known.inputs not in {"", inputs}:
            message = (
                f"{name} was called with other inputs in an earlier execution of this flow run, and may have been carried out"
            )
            hint = f"call it with the same inputs in the same order each time: {_SAME}, or start a new run"
            raise CannotGoOn(f"{message}; {hint}")
        self.ledger.given(name, inputs)

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
