"""A task used alone, outside of any workflow file: a workflow of one step that is made for it.

How it is used is said in the words of a step, and the schema of workflow files judges it: every engine refuses the same mistakes
in the same words, and has the same defaults.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypedDict

from httptask.errors import DefinitionError, InputInvalid, Problem, WorkflowInvalid
from httptask.hosted.units import Unit
from httptask.made import step_name, taken_over, text_of, workflow_of
from httptask.model import TaskTemplate
from httptask.registry import Registry
from httptask.suggest import did_you_mean

#: What may be said of its use beside its headers; `verifyBefore` is a step's `verify: {before: true}`.
OPTIONS = frozenset({"until", "failIf", "every", "timeout", "retry", "idempotent", "verifyBefore"})
_HEADERS = "headers"
#: What messages call the step, which nobody wrote.
_STEP = re.compile(r"steps\[0\][. ]")


class Use(TypedDict, total=False):
    """How a task is used, as arguments of Python; None leaves out what it stands for.

    Attributes:
        headers: sent with the request.
        until: ask again until this condition on `response` holds.
        fail_if: a condition that ends the asking as a failure.
        every: seconds between two askings, a timedelta, or text such as `30s`; 5 s without it.
        timeout: time for all of it, waits included; with `until` 10 min without it.
        retry: retry fields that win over the template's.
        idempotent: declares that sending twice equals sending once, or that it does not.
        verify_before: take the verify task's answer before the first attempt, which a create needs to be found again.

    """

    headers: Mapping[str, str] | None
    until: str | None
    fail_if: str | None
    every: float | str | timedelta | None
    timeout: float | str | timedelta | None
    retry: Mapping[str, Any] | None
    idempotent: bool | None
    verify_before: bool | None


@dataclass(frozen=True, slots=True)
class OneTask:
    """A task, its inputs, and how it is used.

    Attributes:
        inputs: of the task; the task's own check has the last word on them.
        headers: of this call.
        options: in the words of a step (`OPTIONS`).

    """

    template: TaskTemplate
    inputs: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def said(cls, template: TaskTemplate, inputs: Mapping[str, Any], use: Mapping[str, Any], *, place: str) -> OneTask:
        """Return a task with its use in the words of a step, `headers` among them; a null leaves out what it stands for.

        Raises:
            InputInvalid: a word that is none; told at `place`.

        """
        known = {*OPTIONS, _HEADERS}
        if unknown := sorted(use.keys() - known):
            hints = (did_you_mean(word, known) or f"options: {', '.join(sorted(known))}" for word in unknown)
            raise InputInvalid(
                Problem(place, f"there is no option '{word}'", hint) for word, hint in zip(unknown, hints, strict=True)
            )
        options = {word: _in_json(value) for word, value in use.items() if value is not None}
        headers = use.get(_HEADERS) or {}
        options.pop(_HEADERS, None)
        problems = [*_wrong_names(place, inputs, headers), *_wrong_values(place, options)]
        if problems:
            raise InputInvalid(problems)
        return cls(template, inputs, headers, options)

    @classmethod
    def used(cls, template: TaskTemplate, inputs: Mapping[str, Any], use: Use) -> OneTask:
        """Return a task with its use as arguments of Python.

        Raises:
            InputInvalid: an argument that is none.

        """
        return cls.said(template, inputs, {_in_a_step(name): value for name, value in use.items()}, place=template.id)

    def unit(self, registry: Registry) -> Unit:
        """Return the unit that sends it; the registry holds the task that may be asked to verify it.

        Raises:
            DefinitionError: an option is wrong; told of the task, which stands in no workflow file.

        """
        given = {"given": dict(self.inputs), _HEADERS: dict(self.headers)}
        name = step_name(self.template)
        text = text_of(self.template.id, self.template, self._step())
        try:
            workflow = workflow_of(text, self.template, registry, file=f"{name}.json")
        except DefinitionError as error:
            own = ((_STEP.sub("", each.message), each.hint) for each in error.problems)
            raise WorkflowInvalid(Problem(self.template.id, message, hint) for message, hint in own) from None
        return Unit(workflow, registry, name, given)

    def _step(self) -> dict[str, Any]:
        options = dict(self.options)
        before = options.pop("verifyBefore", None)
        more = {} if before is None else {"verify": {"before": before}}
        return {**taken_over(self.inputs, self.headers), **options, **more}


def _in_json(value: Any) -> Any:
    """Return a value of Python as a step says it: a timedelta is seconds."""
    return value.total_seconds() if isinstance(value, timedelta) else value


def _wrong_names(place: str, inputs: Any, headers: Any) -> Iterator[Problem]:
    """Find what is no object of names: the values are judged by the task."""
    for word, given in (("inputs", inputs), (_HEADERS, headers)):
        if not isinstance(given, Mapping):
            yield Problem(f"{place}.{word}", f"{word} are an object: names and values")
        elif any(not isinstance(name, str) for name in given):
            yield Problem(f"{place}.{word}", "a name in it is no text")


def _wrong_values(place: str, options: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what JSON has no word for; the schema of workflow files judges the rest."""
    for word, value in options.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError, RecursionError):
            yield Problem(f"{place}.{word}", "this is nothing that JSON can say", "write texts, numbers, lists and objects")


def _in_a_step(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
