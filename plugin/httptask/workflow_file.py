"""A parsed workflow file becomes a Workflow: static faults are found here, before anything is sent, with file and line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from httptask.durations import seconds
from httptask.errors import DefinitionError, Problem, WorkflowInvalid
from httptask.model import ForEach, Paginate, Step, TaskTemplate, Until, Workflow
from httptask.places import Document, Path
from httptask.registry import Registry
from httptask.workflow_checks import check_approvals, check_ids, check_inputs, check_reached, check_sandbox, check_step
from httptask.workflow_names import NameCheck
from httptask.workflow_notes import Placed, WorkflowNotes, every
from httptask.workflow_types import TypeCheck

DEFAULT_EVERY = 5.0
DEFAULT_TIMEOUT = 600.0
_NO_INPUTS: Mapping[str, Any] = {"type": "object", "properties": {}}

#: Reads the workflow file that another one names. A problem without a place is one of the file that names it.
OpenWorkflow = Callable[[str], Workflow]


def _no_files(file: str) -> Workflow:
    raise WorkflowInvalid(Problem("", f"'{file}' cannot be read from here"))


def workflow_from(document: Document, registry: Registry, open_workflow: OpenWorkflow = _no_files) -> Workflow:
    """Build a workflow from a file that its JSON Schema accepts. `open_workflow` is handed what `workflow` of a step says.

    Raises:
        WorkflowInvalid: every problem found, those of the workflows it uses included.

    """
    return _Builder(document, registry, open_workflow).build()


class _Builder:
    def __init__(self, document: Document, registry: Registry, open_workflow: OpenWorkflow) -> None:
        self.document = document
        self.data = document.data
        self.registry = registry
        self.open_workflow = open_workflow
        self.notes = WorkflowNotes(document)
        self.inputs = self.data.get("inputs", _NO_INPUTS)

    def build(self) -> Workflow:
        main, on_failure = self._row(("steps",), self.data["steps"]), self._row(("onFailure",), self.data.get("onFailure", ()))
        self._check(main, on_failure)
        self.notes.finish()
        return Workflow(
            name=self.data["name"],
            description=self.data.get("description", ""),
            inputs=self.inputs,
            connection=self.data.get("connection"),
            steps=tuple(placed.step for placed in main),
            outputs=self.data.get("outputs", {}),
            source=self.document.place(()),
            sandbox=self.data.get("x-sandbox", {}),
            timeout=_duration(self.data, "timeout"),
            on_failure=tuple(placed.step for placed in on_failure),
        )

    def _check(self, main: tuple[Placed, ...], on_failure: tuple[Placed, ...]) -> None:
        check_inputs(self.notes, self.inputs)
        check_ids(self.notes, every((*main, *on_failure)))
        for placed in every((*main, *on_failure)):
            check_step(self.notes, placed)
            check_reached(self.notes, placed)
        check_approvals(self.notes, main, on_failure)
        names = NameCheck(self.notes, self.inputs.get("properties", {}), main, on_failure)
        names.run(self.data.get("outputs", {}), self.data.get("connection"))
        TypeCheck.of(self.notes, self.inputs, (main, on_failure), self._known).run(self.data.get("outputs", {}))
        check_sandbox(self.notes, self.data.get("x-sandbox", {}))

    def _row(self, path: Path, row: list[Mapping[str, Any]]) -> tuple[Placed, ...]:
        return tuple(self._placed((*path, index), data) for index, data in enumerate(row))

    def _placed(self, path: Path, data: Mapping[str, Any]) -> Placed:
        inner = self._row((*path, "parallel"), data.get("parallel", ()))
        template = self._template(path, data["task"]) if "task" in data else None
        workflow = self._workflow(path, data["workflow"]) if "workflow" in data else None
        return Placed(path, data, self._step(path, data, workflow, inner), template, inner)

    def _template(self, path: Path, task: str) -> TaskTemplate | None:
        template: TaskTemplate | None = self.notes.attempt((*path, "task"), lambda: self.registry[task])
        return template

    def _known(self, task: str) -> TaskTemplate | None:
        try:
            return self.registry[task]
        except DefinitionError:
            return None  # reported where the file names it

    def _workflow(self, path: Path, file: str) -> Workflow | None:
        """Return the workflow that a step uses; what is wrong within it is reported at its own place."""
        try:
            return self.open_workflow(file)
        except DefinitionError as error:
            for problem in error.problems:
                if problem.where:
                    self.notes.take((*path, "workflow"), problem)
                else:
                    self.notes.note((*path, "workflow"), problem.message, problem.hint)
            return None

    def _step(self, path: Path, data: Mapping[str, Any], workflow: Workflow | None, inner: tuple[Placed, ...]) -> Step:
        return Step(
            id=data["id"],
            task=data.get("task"),
            workflow=workflow,
            file=data.get("workflow", ""),
            parallel=tuple(placed.step for placed in inner),
            wait=_duration(data, "wait"),
            approve=data.get("approve"),
            inputs=data.get("with", {}),
            headers=data.get("headers", {}),
            condition=data.get("if"),
            for_each=_for_each(data),
            until=_until(data),
            paginate=_paginate(data),
            timeout=None if "until" in data else _duration(data, "timeout"),
            outputs=data.get("outputs", {}),
            retry=data.get("retry", {}),
            continue_on_error=data.get("continueOnError", False),
            source=self.document.place(path),
            summary=data.get("summary", ""),
            idempotent=data.get("idempotent"),
            verify_before=data.get("verify", {}).get("before", False),
        )


def _duration(data: Mapping[str, Any], key: str) -> float | None:
    return seconds(data[key]) if key in data else None


def _until(data: Mapping[str, Any]) -> Until | None:
    if "until" not in data:
        return None
    every, timeout = seconds(data.get("every", DEFAULT_EVERY)), seconds(data.get("timeout", DEFAULT_TIMEOUT))
    return Until(data["until"], data.get("failIf"), every, timeout)


def _for_each(data: Mapping[str, Any]) -> ForEach | None:
    """Return how a step is repeated; `continueOnError` decides about the other items where `onError` does not."""
    if "forEach" not in data:
        return None
    given = data["forEach"] if isinstance(data["forEach"], dict) else {"items": data["forEach"]}
    otherwise = "continue" if data.get("continueOnError", False) else "stop"
    return ForEach(given["items"], given.get("maxParallel", 1), given.get("onError", otherwise))


def _paginate(data: Mapping[str, Any]) -> Paginate | None:
    given = data.get("paginate")
    return None if given is None else Paginate(given.get("maxPages"), given.get("maxItems"))
