"""A task template as a Prefect task, for flows that are written in Python."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack

from prefect.client.schemas.objects import State

from httptask.engines.prefect.calls import calls_of, digest_of, instead_of
from httptask.engines.prefect.connecting import Credentials, host
from httptask.engines.prefect.kinds import OURS, HttpTask
from httptask.engines.prefect.places import current_place
from httptask.engines.prefect.turning import Call, Done, outputs_of, turned
from httptask.hosted.host import Host
from httptask.hosted.one_task import OneTask, Use
from httptask.inputs import check, input_schema, typed
from httptask.model import TaskTemplate
from httptask.wiring import Folders, registry


def task_from_template(
    task_id: str,
    *,
    credentials: Credentials | None = None,
    step: str | None = None,
    templates: Folders = (),
    **use: Unpack[Use],
) -> HttpTask:
    """Return a Prefect task that takes the template's inputs by keyword and returns its named outputs.

    Args:
        task_id: of the template, such as `okta.list_agent_pools`.
        credentials: a block or its name; without it the worker's environment and profiles.
        step: what its calls are known by when Prefect runs a flow again, with their order. Without it a call is known by its
            inputs, and one with other inputs, as with a time of day among them, is a new call; with a step it is refused.
        templates: folders with templates of your own, beside those of HTTPTASK_PATH.
        use: how the template is used (`httptask.hosted.one_task.Use`).

    Raises:
        UnknownTask: there is no such template.
        DefinitionError: what is said of its use is wrong.

    """
    tasks = registry(templates)
    template = tasks[task_id]
    one = OneTask.used(template, {}, use)
    required = input_schema(template)["required"]
    replace(one, inputs=dict.fromkeys(required)).unit(tasks)  # tells now what is wrong with its use
    hosted = _Hosted(credentials)

    def run(**inputs: Any) -> dict[str, Any] | State[Any]:
        inputs = checked(template, inputs)
        place = current_place()
        calls = calls_of(place)
        digest = digest_of(template, inputs)
        name = calls.name(step or f"{template.id}#{digest}")
        if step is not None:
            calls.given(name, digest)
        unit = replace(one, inputs=inputs).unit(tasks)
        if step is None and unit.may_change and (stray := calls.stray(name, f"{template.id}#")):
            return instead_of(stray)
        done = turned(Call(unit, name, f"{place.key}/{name}", place, calls.ledger, hosted.host))
        return outputs_of(done) if isinstance(done, Done) else done

    task = HttpTask(run, name=task_id, description=template.summary, **OURS)
    task.step = step
    return task


def checked(template: TaskTemplate, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs; a text that stands for something else, as deployments fill it in, is read as the command line reads it.

    Raises:
        InputInvalid: they are not what the task takes; every problem at once.

    """
    inputs = typed(template, given)
    check(template, inputs)
    return inputs


class _Hosted:
    """One host for all runs of a task in this process, made when the first one needs it."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._host: Host | None = None

    @property
    def host(self) -> Host:
        with self._lock:
            if self._host is None:
                self._host = host(self._credentials)
            return self._host

    def __reduce__(self) -> tuple[Any, ...]:
        return _Hosted, (self._credentials,)
