"""What only the meaning of a workflow file shows: what its steps give to what they use, headers, defaults, approvals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from httptask.errors import ExpressionError
from httptask.expressions import compile_text
from httptask.faults import parse_faults
from httptask.inputs import input_schema
from httptask.model import Workflow
from httptask.places import Path
from httptask.render import LOCKED_HEADERS
from httptask.schemas import OTHER_REFERENCES, Validator, Violation, is_endless, json_path, referred
from httptask.sensitive import mark
from httptask.uri import check_header_value
from httptask.workflow_names import Scope, reference_problem
from httptask.workflow_notes import Placed, WorkflowNotes

_FALSE = re.compile(r"\s*\{\{-?\s*(false|False|not true|not True)\s*-?\}\}\s*")


def check_inputs(notes: WorkflowNotes, inputs: Mapping[str, Any]) -> None:
    """Check the schema of the workflow's inputs: references, defaults, required names."""
    lost = list(_reference_faults(inputs, inputs, ("inputs",)))
    for path, message in lost:
        notes.note(path, message, "a workflow's inputs refer to #/$defs/NAME below `inputs`")
    for name, schema in () if lost else inputs.get("properties", {}).items():
        if isinstance(schema, dict) and "default" in schema:
            if mark({name: schema["default"]}, inputs, inputs.get("$defs", {})).secrets:
                message = "a secret input takes no default: it would stand in this file"
                notes.note(("inputs", "properties", name, "default"), message, "give it to the run as env:NAME or file:PATH")
            for violation in Validator({**inputs, "required": []}).violations({name: schema["default"]}):
                if violation.path[:1] == (name,):
                    path = ("inputs", "properties", name, "default", *violation.path[1:])
                    notes.note(path, f"the default {violation.message}", violation.hint)
    for name in inputs.get("required", ()):
        if name not in inputs.get("properties", {}):
            notes.note(("inputs", "required"), f"required input '{name}' is not among the properties")


def check_sandbox(notes: WorkflowNotes, sandbox: Mapping[str, Any]) -> None:
    """Check the fault scripts of `x-sandbox`."""
    for index, rule in enumerate(sandbox.get("faults", ())):
        notes.attempt(("x-sandbox", "faults", index, "script"), lambda rule=rule: parse_faults(rule["script"]))  # type: ignore[misc]


def check_ids(notes: WorkflowNotes, steps: Iterable[Placed]) -> None:
    """Check that every step of the file, those of groups and `onFailure` included, has an id of its own."""
    seen: set[str] = set()
    for placed in steps:
        if placed.step.id in seen:
            notes.note((*placed.path, "id"), f"step '{placed.step.id}' stands here twice", "give each step its own id")
        if placed.step.id == "onFailure":
            message = "a step cannot be called onFailure: its paths would be those of the steps that undo"
            notes.note((*placed.path, "id"), message, "give it another id")
        seen.add(placed.step.id)


def check_step(notes: WorkflowNotes, placed: Placed) -> None:
    """Check what a step gives to what it uses."""
    _check_headers(notes, (*placed.path, "headers"), placed.step.headers)
    if placed.template is not None:
        schema = input_schema(placed.template)
        _check_with(notes, placed, schema, placed.template.id)
        _check_retry(notes, placed, tuple(schema["properties"]))
        _check_paginate(notes, placed)
    elif placed.step.workflow is not None:
        used = placed.step.workflow
        _check_with(notes, placed, given_schema(used), f"the workflow '{used.name}'")


def check_approvals(notes: WorkflowNotes, main: Iterable[Placed], on_failure: Iterable[Placed]) -> None:
    """Check that no workflow that waits for an approval is used where a run cannot wait for a person."""
    for placed in main:
        if placed.step.for_each is not None:
            _refuse_approval(notes, placed, "it cannot be repeated", "take the approval out of it, or the forEach from here")
        for inner in placed.inner:
            _refuse_approval(notes, inner, "it cannot run beside others", "take the approval out of it, or it out of the group")
    for placed in on_failure:
        for one in (placed, *placed.inner):
            _refuse_approval(notes, one, "it cannot run on failure", "what is done on failure does not wait for a person")


def _refuse_approval(notes: WorkflowNotes, placed: Placed, therefore: str, hint: str) -> None:
    used = placed.step.workflow
    if used is not None and _waits_for_approval(used):
        notes.note((*placed.path, "workflow"), f"the workflow '{used.name}' holds an approval, so {therefore}", hint)


def _waits_for_approval(workflow: Workflow) -> bool:
    """Look through a workflow and those it uses, each once, however often they are used."""
    waiting, seen = [workflow], set[int]()
    while waiting:
        used = waiting.pop()
        seen.add(id(used))
        steps = list(used.every_step())
        if any(step.approve is not None for step in steps):
            return True
        waiting += [step.workflow for step in steps if step.workflow is not None and id(step.workflow) not in seen]
    return False


def given_schema(workflow: Workflow) -> dict[str, Any]:
    """Return the schema of what a caller gives to a workflow: inputs with a default may be left out."""
    properties = workflow.inputs.get("properties", {})
    filled = {name for name, schema in properties.items() if isinstance(schema, dict) and "default" in schema}
    required = [name for name in workflow.inputs.get("required", ()) if name not in filled]
    return {"additionalProperties": False, "properties": {}, **workflow.inputs, "required": required}


def check_reached(notes: WorkflowNotes, placed: Placed) -> None:
    """Check that a step can run and its `until` can hold, as far as a literal says."""
    if _is_false(placed.step.condition):
        message = f"step '{placed.step.id}' never runs: its condition is always false"
        notes.note((*placed.path, "if"), message, "take the step out, or mend the condition")
    if placed.step.until is not None and _is_false(placed.step.until.condition):
        after = "" if placed.step.continue_on_error else ", and no step below it runs"
        message = f"step '{placed.step.id}' never succeeds: its condition is always false{after}"
        notes.note((*placed.path, "until"), message, "mend the condition")


def _is_false(condition: str | None) -> bool:
    return condition is not None and _FALSE.fullmatch(condition) is not None


def _check_headers(notes: WorkflowNotes, path: Path, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if name.lower() in LOCKED_HEADERS:
            notes.note(
                (*path, name), f"header '{name}' is set by httptask alone", "credentials belong in the connection", key=True
            )
        if "{{" not in value:
            notes.attempt((*path, name), lambda name=name, value=value: check_header_value(name, value))  # type: ignore[misc]


def _check_with(notes: WorkflowNotes, placed: Placed, schema: Mapping[str, Any], user: str) -> None:
    path, inputs = placed.path, placed.step.inputs
    used = "task" if placed.template is not None else "workflow"
    known = list(schema["properties"])
    for violation in Validator(schema).violations(dict(inputs)):
        if violation.keyword == "additionalProperties" and not violation.path:
            hint = violation.hint or f"it takes {', '.join(known) or 'no inputs'}"
            notes.note((*path, "with", violation.key or ""), f"{user} has no input '{violation.key}'", hint, key=True)
        elif violation.keyword == "required" and not violation.path:
            notes.note((*path, "with") if inputs else (*path, used), f"{user} needs the input '{violation.key}'")
        elif not _computed(inputs, violation):
            subject = json_path(violation.path)
            notes.note((*path, "with", *violation.path), f"{subject} {violation.message}", violation.hint)


def _check_retry(notes: WorkflowNotes, placed: Placed, inputs: tuple[str, ...]) -> None:
    condition, path = placed.step.retry.get("condition"), (*placed.path, "retry", "condition")
    compiled = None if condition is None else notes.attempt(path, lambda: compile_text(condition))
    for reference in compiled.references if compiled else ():
        if reference[:1] == ("inputs",) and len(reference) > 1 and reference[1] not in inputs:
            notes.note(path, f"the task has no input '{reference[1]}'", f"its inputs: {', '.join(inputs) or 'none'}")
        elif reference[:1] != ("inputs",):
            problem = reference_problem(reference, Scope(("inputs", "response"), inputs))
            if problem:
                notes.note(path, *problem)


def _check_paginate(notes: WorkflowNotes, placed: Placed) -> None:
    template = placed.template
    if template is None or placed.step.paginate is None or template.paging or template.provider.paging:
        return
    message = f"{template.id} does not say how its list goes on, so there are no further pages to read"
    notes.note((*placed.path, "paginate"), message, "add `paging` to its template or provider", key=True)


def _reference_faults(node: Any, root: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the place of every reference that a check of the inputs could not follow to an end, and why."""
    if isinstance(node, dict):
        for key in (key for key in OTHER_REFERENCES if isinstance(node.get(key), str)):
            yield (*path, key), f"{key} is not supported"
        if isinstance(node.get("$ref"), str):
            if referred(node["$ref"], root) is None:
                yield (*path, "$ref"), "this $ref leads nowhere"
            elif is_endless(node, root):
                yield (*path, "$ref"), "this schema refers to itself before any property or item"
        for key, value in node.items():
            yield from _reference_faults(value, root, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _reference_faults(value, root, (*path, index))


def _computed(tree: Any, violation: Violation) -> bool:
    """Tell whether a broken rule depends on an expression, so that only the run can tell."""
    node = tree
    for part in violation.path:
        if isinstance(node, str):
            return True
        node = node[part]
    if not isinstance(node, str):
        return False
    try:
        compiled = compile_text(node)
    except ExpressionError:
        return True  # reported where the expression is checked
    return not compiled.is_literal and (compiled.whole or violation.keyword != "type")
