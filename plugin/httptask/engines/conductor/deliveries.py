"""What a worker is handed and what it hands back, and what Conductor's records say of the turns before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from httptask.engines.conductor.names import OWN
from httptask.hosted.marks import Mark
from httptask.hosted.packed import opened, sealed
from httptask.hosted.turns import OUTCOME_UNKNOWN

#: Outputs that a task can have had before it is begun again.
Record = Mapping[str, Any]
#: Key in our part of a task's output: it failed after the server had acted, so that it is not to be sent again.
STANDS = "final"
#: Key in our part of a task's output: how many deliveries were handed back before anything was sent.
_BACK = "handedBack"
#: Begins a line of a task's log: what follows is why it is not to be sent again. The log is all that a rerun leaves of a task.
NOT_AGAIN = "not to be sent again: "


@dataclass(frozen=True, slots=True)
class Delivery:
    """One task as Conductor hands it out.

    Attributes:
        reference: its name within the workflow, with the iteration of a loop.
        polls: how often it was handed out, this time included.
        retried: id of the attempt whose place it takes; None for a first one.
        output: what the turns before reported.
        lease: seconds without a word after which the worker counts as lost; 0 for ever.
        scheduled: epoch seconds at which it was first to be handed out; 0 where the record does not say.

    """

    task_id: str
    workflow_id: str
    task: str
    reference: str
    polls: int
    retried: str | None
    inputs: Mapping[str, Any]
    output: Mapping[str, Any]
    lease: float = 0.0
    scheduled: float = 0.0

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Delivery:
        """Return the delivery that the server's JSON says."""
        return cls(
            data["taskId"],
            data["workflowInstanceId"],
            data["taskDefName"],
            data["referenceTaskName"],
            data.get("pollCount") or 0,
            data.get("retriedTaskId") or None,
            data.get("inputData") or {},
            data.get("outputData") or {},
            float(data.get("responseTimeoutSeconds") or 0),
            float(data.get("scheduledTime") or 0) / 1000,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What becomes of a delivery: the fields of Conductor's task result."""

    status: str
    output: Mapping[str, Any] = field(default_factory=dict)
    reason: str | None = None
    callback: int = 0
    logs: tuple[str, ...] = ()

    def to_json(self, delivery: Delivery) -> dict[str, Any]:
        """Return the JSON form."""
        data: dict[str, Any] = {
            "taskId": delivery.task_id,
            "workflowInstanceId": delivery.workflow_id,
            "status": self.status,
            "outputData": dict(self.output),
            "callbackAfterSeconds": self.callback,
            "logs": [{"log": line, "taskId": delivery.task_id} for line in self.logs],
        }
        return data | ({"reasonForIncompletion": self.reason} if self.reason else {})


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the turns before.

    Attributes:
        mark: the newest one.
        lost: one was begun whose end nobody reported.
        stands: the output of one that failed after the server had acted, which is handed on in place of another turn.
        since: epoch seconds before which nothing of the task was handed out; 0 where nobody knows, as after a rerun.

    """

    mark: Mark = field(default_factory=Mark)
    lost: bool = False
    stands: Record | None = None
    since: float = 0.0


def marked(mark: Mark, polls: int) -> dict[str, Any]:
    """Return a mark as a task's output keeps it, with the number of deliveries that have come to an orderly end."""
    return {"mark": sealed(mark.to_json()), "polls": polls}


def handed_back(delivery: Delivery) -> Record:
    """Return the output of a delivery that is handed back before anything was sent: as it came, and this delivery counts as none.

    Without the count the next worker would take this one for lost, and a request that was never sent for one that may have been.
    """
    return {**delivery.output, OWN: {**_own(delivery.output), _BACK: _back(delivery.output) + 1}}


def past(delivery: Delivery, earlier: Callable[[str], Delivery]) -> Past:
    """Return what is known of the turns before.

    Conductor counts how often it handed a task out, and each orderly turn leaves how many deliveries had ended by then. One more
    was begun by a worker that was lost, whether its task was handed out once more or another attempt took its place.
    """
    begun = _begun(delivery) - 1
    found = _told(delivery.output, begun)
    lost = found.lost if found is not None else begun > 0
    retried, since = delivery.retried, delivery.scheduled
    while found is None and retried is not None:
        before = earlier(retried)
        begun = _begun(before)
        found, retried, since = _told(before.output, begun), before.retried, min(since, before.scheduled)
        lost = lost or (found.lost if found is not None else begun > 0)
    return replace(found or Past(), lost=lost, since=since)


def refused(error: str, message: str) -> dict[str, Any]:
    """Return what a task's output says in our part when nothing could be sent."""
    return {"status": "unknown" if error == OUTCOME_UNKNOWN else "failed", "error": error, "message": message, "ends": True}


def rerun(delivery: Delivery, log: Callable[[str], list[str]]) -> Past | None:
    """Return what the log, all that Conductor keeps of it, says of a task that a person runs again; None of a new one."""
    is_told = delivery.output.keys() - {OWN} or _own(delivery.output).keys() - {_BACK}
    if _begun(delivery) > 1 or delivery.retried is not None or is_told:
        return None
    lines = [line.removeprefix(NOT_AGAIN) for line in log(delivery.task_id) if line.startswith(NOT_AGAIN)]
    if not lines:
        return None
    error, _, message = lines[-1].partition(": ")
    unknown = error == OUTCOME_UNKNOWN
    return Past(lost=unknown, stands=None if unknown else {OWN: refused(error, message) | {STANDS: True}})


def _begun(delivery: Delivery) -> int:
    """Return how often a task was handed out to be worked on."""
    return delivery.polls - _back(delivery.output)


def _back(output: Record) -> int:
    return int(_own(output).get(_BACK, 0))


def _own(output: Record) -> Record:
    own = output.get(OWN)
    return own if isinstance(own, Mapping) else {}


def _told(output: Record, begun: int) -> Past | None:
    """Return what a task's output says of its turns; None where none has come to an end."""
    own = _own(output)
    if "mark" in own:
        return Past(Mark.from_json(opened(own["mark"])), begun > own["polls"])
    if "status" not in own:
        return None
    # an end that a person had begun again: what failed before the server acted begins anew, what nobody knows is looked at first
    return Past(lost=own.get("error") == OUTCOME_UNKNOWN, stands=output if own.get(STANDS) else None)
