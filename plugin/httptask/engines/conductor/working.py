"""One delivery -> one report: the only place where hosted units are told in Conductor's words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from httptask.engines.conductor.deliveries import (
    NOT_AGAIN,
    STANDS,
    Delivery,
    Past,
    Report,
    handed_back,
    marked,
    past,
    refused,
    rerun,
)
from httptask.engines.conductor.names import OWN
from httptask.engines.conductor.server import ConductorError
from httptask.errors import HttpTaskError, InputInvalid, Problem
from httptask.hosted.decisions import Asked, Listed, Waiting
from httptask.hosted.given import given
from httptask.hosted.host import MOST_SHOWN, Host
from httptask.hosted.marks import Mark, is_open
from httptask.hosted.one_task import OneTask
from httptask.hosted.outline import Node
from httptask.hosted.packed import opened, sealed, unpacked
from httptask.hosted.passing import size
from httptask.hosted.performing import perform
from httptask.hosted.turns import OUTCOME_UNKNOWN, Again, Ended, Turn
from httptask.hosted.units import Item, Unit
from httptask.hosted.walking import ends_items
from httptask.inputs import typed
from httptask.model import Workflow
from httptask.outcome import Failure, FailureKind
from httptask.registry import Registry

#: Bytes of output that Conductor keeps in its own records without a store for large ones: its threshold is 3 MB.
MOST_KEPT = 2_500_000
#: Bytes of JSON that one step may hand on, so that the outputs of a step and what it hands on fit into that.
MOST_PASSED = 1_000_000
#: Seconds after which a task is handed out again of which Conductor could not say what was before, or not store it.
HANDED_BACK = 5
_COMPLETED, _FAILED, _COME_AGAIN = "COMPLETED", "FAILED_WITH_TERMINAL_ERROR", "IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Workbench:
    """What deliveries are worked on with.

    Attributes:
        registry: the tasks that are used alone; workflows bring their own.
        earlier: gives an earlier attempt of a task by its id.
        log: gives the log of a task by its id.
        store: reports at once, in the middle of a turn.

    """

    registry: Registry
    host: Host
    earlier: Callable[[str], Delivery]
    log: Callable[[str], list[str]]
    store: Callable[[Delivery, Report], None]

    def work(self, delivery: Delivery) -> Report:
        """Return what becomes of a delivery."""
        pending = True
        try:
            before = past(delivery, self.earlier)
            pending = before.lost or is_open(before.mark.entries)
            job = _job(delivery, self.registry)
            if job.unit.may_change:
                before = rerun(delivery, self.log) or before
            if before.stands is not None:
                return _failed(before.stands)
            pending = job.unit.may_change and (pending or before.lost)
            unit = given(job.unit, pending=pending)
            if isinstance(unit, Ended):
                return _ended(job, unit)
            return self._worked(delivery, replace(job, unit=unit), before)
        except HttpTaskError as error:
            # nothing that changes anything was sent in this turn; what was sent before it, and may have done so, stays unknown
            if isinstance(error, ConductorError) and not error.lasts:
                return _handed_back(delivery, error)
            return refusal(OUTCOME_UNKNOWN if pending and self._may_change(delivery) else error.kind, str(error))

    def _may_change(self, delivery: Delivery) -> bool:
        """Tell whether a delivery may change something; one that cannot be read may."""
        try:
            return _job(delivery, self.registry).unit.may_change
        except HttpTaskError:
            return True

    def _worked(self, delivery: Delivery, job: _Job, before: Past) -> Report:
        done = job.over or perform(job.unit, self._turn(delivery, job, before), self.host, job.more)
        match done:
            case Again():
                return _again(delivery, done)
            case Listed(items):
                return _listed(job, items)
            case Asked(message):
                return Report(_COMPLETED, {OWN: {"status": "open", "message": message}})
            case Waiting(wait):
                return Report(_COMPLETED, {OWN: {"status": "open", "seconds": math.ceil(wait)}})
            case _:
                return _ended(job, done)

    def _turn(self, delivery: Delivery, job: _Job, before: Past) -> Turn:
        def keep(mark: Mark) -> None:
            # such a task has no lease: it is handed out again when this turn must be over, once more often than turns ended
            callback = math.ceil(delivery.lease + self._longest(job.unit))
            self.store(delivery, Report(_COME_AGAIN, {OWN: marked(mark, delivery.polls - 1)}, callback=callback))

        return Turn(job.key, before.mark, before.lost, since=before.since, keep=keep)

    def _longest(self, unit: Unit) -> float:
        """Return the seconds after which a turn is over: `maxElapsed`, and one more exchange as a margin.

        A wait for the rate limit, a token's request, the attempt and finding out twice what became of it have what is left of it.
        """
        step = unit.chain()[-1]
        template = unit.registry[step.task or ""]
        connection = self.host.connection(template.provider, unit.connection)
        policy = template.retry_policy(connection.retry, step.retry)
        return policy.max_elapsed + policy.connect_timeout + policy.read_timeout


@dataclass(frozen=True, slots=True)
class _Job:
    """A unit, with what is to be said of it."""

    unit: Unit
    key: str
    more: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    over: Ended | None = None


def _job(delivery: Delivery, registry: Registry) -> _Job:
    own = _own(delivery)
    if isinstance(own.get("definition"), str):
        return _of_workflow(delivery, own)
    # one key for each use of a task: another task of the same kind in the workflow is another request
    return _Job(_alone(delivery, registry, own), f"{delivery.workflow_id}/{delivery.reference}")


def _own(delivery: Delivery) -> Mapping[str, Any]:
    """Return our part of a task's inputs, which people write too.

    Raises:
        InputInvalid: it is no object.

    """
    own = delivery.inputs.get(OWN)
    if own is None:
        return {}
    if not isinstance(own, Mapping):
        hint = 'write the options of the task into it, such as {"timeout": "10m"}, or leave it out'
        raise InputInvalid(Problem(OWN, "this is no object", hint))
    return own


def _alone(delivery: Delivery, registry: Registry, own: Mapping[str, Any]) -> Unit:
    template = registry[delivery.task]
    given = {name: value for name, value in delivery.inputs.items() if name != OWN}
    return OneTask.said(template, typed(template, given), own, place=OWN).unit(registry)


def _of_workflow(delivery: Delivery, own: Mapping[str, Any]) -> _Job:
    """Return what a task of a deployed workflow is to do.

    Raises:
        DefinitionError: the definition cannot be read.
        InputInvalid: somebody changed the workflow, or what a task before it left.

    """
    workflow, registry = unpacked(own["definition"])
    try:
        return _handed_on(delivery, own, workflow, registry)
    except (AttributeError, KeyError, TypeError, ValueError):
        hint = "deploy the workflow again and start it anew; outputs of its tasks are not to be written by hand"
        raise InputInvalid(Problem(OWN, "these inputs are not the ones that `httptask deploy` wrote", hint)) from None


def _handed_on(delivery: Delivery, own: Mapping[str, Any], workflow: Workflow, registry: Registry) -> _Job:
    results: dict[str, Any] = {}
    for text in delivery.inputs.get("results") or ():
        results |= {} if text is None else opened(text)
    items = {path: result for text in _texts(delivery.inputs.get("items")) for path, result in opened(text).items()}
    item = delivery.inputs.get("item")
    unit = Unit(
        workflow,
        registry,
        own["path"],
        dict(delivery.inputs.get("inputs") or {}),
        own["action"],
        results | items | _missing(delivery, own, items),
        None if item is None else Item.from_json(opened(item)),
    )
    more = {"expected": own.get("expected") or 0, "approved": own.get("approved") in {True, "true"}}
    over = own.get("over")
    return _Job(unit, delivery.workflow_id, more, own, items, None if over is None else Ended.from_json(opened(over)))


def _texts(loop: Any) -> Iterator[str]:
    """Yield what the tasks of a loop left, however deep they stand in its output."""
    if isinstance(loop, Mapping):
        own = loop.get(OWN)
        if isinstance(own, Mapping):
            yield from [own["result"]] if "result" in own else []
        else:
            for value in loop.values():
                yield from _texts(value)


def _missing(delivery: Delivery, own: Mapping[str, Any], items: Mapping[str, Any]) -> dict[str, Any]:
    """Return for each item that was begun and left nothing that nobody knows what came of it."""
    loop = delivery.inputs.get("items")
    if not isinstance(loop, Mapping):
        return {}
    begun = min(int(loop.get("iteration") or 0) * int(own["width"]), int(own.get("expected") or 0))
    paths = (f"{own['path']}[{index}]" for index in range(begun))
    failure = Failure(FailureKind.INTERRUPTED, "its worker was lost too often, and nobody knows what came of it").to_json()
    return {path: {"status": "unknown", "failure": failure} for path in paths if path not in items}


def _handed_back(delivery: Delivery, error: ConductorError) -> Report:
    reason = f"{error}; nothing that changes anything was sent in this turn, which is begun again"
    return Report(_COME_AGAIN, handed_back(delivery), reason, callback=HANDED_BACK)


def _again(delivery: Delivery, again: Again) -> Report:
    told = {"status": "waiting", "why": again.why, "reason": again.reason, "attempts": again.mark.number}
    return Report(_COME_AGAIN, {OWN: {**told, **marked(again.mark, delivery.polls)}}, callback=math.ceil(again.wait))


def _listed(job: _Job, items: tuple[Item, ...]) -> Report:
    texts = [sealed(item.to_json()) for item in items]
    width = int(job.own["width"])
    batches = [_batch(job, range(at, min(at + width, len(texts))), texts) for at in range(0, len(texts), width)]
    own = {"status": "succeeded", "count": len(texts), "items": texts if width == 1 else batches}
    return Report(_COMPLETED, {OWN: own})


def _batch(job: _Job, indices: range, texts: list[str]) -> dict[str, Any]:
    """Return the tasks of some items, as Conductor's dynamic fork takes them; what they share they read of the list's inputs."""
    listing = job.own["list"]
    shared = {"path": job.own["path"], "action": "send", "definition": f"${{{listing}.input.{OWN}.definition}}"}
    inputs = {"inputs": "${workflow.input}", "results": f"${{{listing}.input.results}}", OWN: {**shared, "stops": _stops(job)}}
    names = {index: f"{job.own['item']}_{index}" for index in indices}
    tasks = [
        {"name": job.own["task"], "taskReferenceName": name, "type": "SIMPLE", "inputParameters": {}, "optional": True}
        for name in names.values()
    ]
    return {"tasks": tasks, "inputs": {name: {**inputs, "item": texts[index]} for index, name in names.items()}}


def _stops(job: _Job) -> bool:
    return bool(job.own.get("stops", True))


def _ended(job: _Job, ended: Ended) -> Report:
    own = _told(job, ended)
    outputs = _fitting(ended, size(own))
    own["withheld"] = [*ended.withheld, *(name for name in ended.outputs if name not in outputs)]
    logs = tuple(f"output '{name}' is not shown: it holds a secret, or is too large" for name in own["withheld"])
    output = {**outputs, OWN: own}
    report = Report(_COMPLETED, output) if ended.goes_on else _failed(output)
    return replace(report, logs=(*logs, *report.logs))


def _failed(output: Mapping[str, Any]) -> Report:
    own = output[OWN]
    reason = f"{own['error']}: {own['message']}"
    stands = own.get(STANDS) or own["error"] == OUTCOME_UNKNOWN
    return Report(_FAILED, output, reason, logs=(f"{NOT_AGAIN}{reason}",) if stands else ())


def _told(job: _Job, ended: Ended) -> dict[str, Any]:
    own: dict[str, Any] = {
        "status": ended.status,
        "ends": ends_items(Node(job.unit.path, "task", stops=_stops(job)), ended.status),
        "outcome": _outcome(ended),
        "result": sealed({**job.results, job.unit.use: dict(ended.result)}),
    }
    own |= _opening(job, ended)
    if ended.failure is not None or not ended.goes_on:
        own |= {"error": ended.error, "message": ended.message, "failure": ended.failure and ended.failure.to_json()}
    return own | ({STANDS: True} if ended.is_final and not ended.goes_on else {})


def _outcome(ended: Ended) -> Mapping[str, Any] | None:
    """Return the outcome without outputs that would fill the record: those that there is room for stand beside it."""
    outcome = ended.outcome
    return outcome if outcome is None or size(outcome["outputs"]) <= MOST_SHOWN else {**outcome, "outputs": {}}


def _opening(job: _Job, ended: Ended) -> dict[str, Any]:
    """Return what the closing task of a step must know when its opening one came to the end of it already."""
    action = job.unit.action
    if action == "list":
        return {"over": sealed(ended.to_json()), "items": [], "count": 0}
    is_over = action == "ask" or (action == "enter" and ended.status != "succeeded")
    return {"over": sealed(ended.to_json())} if is_over else {}


def _fitting(ended: Ended, taken: int) -> dict[str, Any]:
    """Return the outputs that Conductor's records have room for, the smallest first."""
    room, kept = MOST_KEPT - taken, {}
    for name, value in sorted(ended.outputs.items(), key=lambda item: size(item[1])):
        room -= size(value)
        if room >= 0:
            kept[name] = value
    return kept


def refusal(error: str, message: str) -> Report:
    """Return the end of a task that could not be worked on."""
    return _failed({OWN: refused(error, message)})
