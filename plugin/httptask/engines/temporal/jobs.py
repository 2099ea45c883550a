"""What an activity is asked to do: a task alone, with its inputs and options, or a unit of a workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from temporalio.activity import Info

from httptask.engines.temporal.names import UNIT
from httptask.errors import HttpTaskError, InputInvalid, Problem
from httptask.hosted.one_task import OneTask
from httptask.hosted.packed import unit_from
from httptask.hosted.units import Unit
from httptask.registry import Registry
from httptask.suggest import did_you_mean

#: What a poll answered stands among the options of the next one.
_AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Job:
    """One turn's work.

    Attributes:
        unit: with the inputs as the run was started with them.
        key: the same in every attempt and poll.
        mark: what the poll before left.
        more: what the unit's action takes.
        alone: a task of somebody's own workflow, not a unit of ours.

    """

    unit: Unit
    key: str
    mark: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Jobs:
    """Reads the arguments of activities; `registry` holds the tasks that may be used alone."""

    registry: Registry

    def job(self, info: Info, args: Sequence[Any], started: Mapping[str, Any] | None) -> Job:
        """Return what is to be done; `started` is the argument of the run whose unit it is.

        Raises:
            HttpTaskError: nothing of the kind can be done.

        """
        try:
            return self._alone(info, args) if started is None else _of_workflow(args[0][UNIT], started)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"the arguments of the activity cannot be read: {type(error).__name__}"
            hint = "give inputs and options of the types that the task says; what begins with 'httptask' is this program's own"
            raise InputInvalid(Problem(info.activity_type, message, hint)) from None

    def _alone(self, info: Info, args: Sequence[Any]) -> Job:
        task = info.activity_type
        inputs, options = (*args, {}, {})[:2] if len(args) < 2 else args[:2]  # noqa: PLR2004 - inputs and options
        if task not in self.registry:
            hint = did_you_mean(task, self.registry) or "--templates and HTTPTASK_PATH name folders with others"
            raise InputInvalid(Problem(task, "this worker has no such task", hint))
        if len(args) > 2 or not isinstance(inputs, Mapping) or not isinstance(options, Mapping):  # noqa: PLR2004 - as above
            raise InputInvalid(Problem(task, "the arguments are an object of inputs, and an object of options or none"))
        use = {word: value for word, value in options.items() if word != _AGAIN}
        again = _again(task, options)
        key = again.get("key") or f"{info.workflow_run_id}/{info.activity_id}"
        one = OneTask.said(self.registry[task], inputs, use, place=task)
        return Job(one.unit(self.registry), key, again.get("mark"), alone=True)


def _again(task: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the poll before answered; nothing for the first.

    Raises:
        InputInvalid: no poll answered this.

    """
    again = options.get(_AGAIN) or {}
    if not isinstance(again, Mapping) or not isinstance(again.get("key", ""), str):
        hint = "give back what the call before answered under that name, or leave it out"
        raise InputInvalid(Problem(task, f"the option '{_AGAIN}' is nothing that a call answered", hint))
    return again


def may_change(args: Sequence[Any], job: Job | None) -> bool:
    """Tell whether losing sight of a turn leaves its outcome unknown; of what cannot be read, only what sends nothing is sure."""
    given = args[0] if args and isinstance(args[0], Mapping) else {}
    data = given.get(UNIT)
    if isinstance(data, Mapping) and data.get("action") != "send":
        return False
    try:
        return job is None or job.unit.may_change
    except HttpTaskError:
        return True


def _of_workflow(data: Mapping[str, Any], started: Mapping[str, Any]) -> Job:
    unit, again = unit_from({**started, **data}), data.get(_AGAIN) or {}
    return Job(unit, data["key"], again.get("mark"), data.get("more", {}))
