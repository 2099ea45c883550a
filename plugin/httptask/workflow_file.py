"""A parsed workflow file becomes a Workflow: static faults are found here, before anything is sent, with file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from httptask.durations import seconds
from httptask.errors import DefinitionError, ExpressionError, InputInvalid, Problem, RenderError, WorkflowInvalid
from httptask.expressions import Compiled, Reference, compile_text
from httptask.faults import parse_faults
from httptask.inputs import input_schema
from httptask.model import ForEach, Step, TaskTemplate, Until, Workflow
from httptask.places import Document, Path
from httptask.registry import Registry
from httptask.render import LOCKED_HEADERS
from httptask.schemas import OTHER_REFERENCES, Validator, Violation, is_endless, json_path, referred
from httptask.suggest import did_you_mean
from httptask.uri import check_header_value

DEFAULT_EVERY = 5.0
DEFAULT_TIMEOUT = 600.0
_NO_INPUTS: Mapping[str, Any] = {"type": "object", "properties": {}}
_STEP_VIEWS = ("outputs", "response", "status")
_RESPONSE_VIEWS = ("status", "headers", "body")


def workflow_from(document: Document, registry: Registry) -> Workflow:
    """Build a workflow from a file that its JSON Schema accepts.

    Raises:
        WorkflowInvalid: every problem found.

    """
    return _Builder(document, registry).build()


@dataclass(frozen=True, slots=True)
class _Known:
    """What an expression at some place may read: earlier steps with their output names, and the roots allowed there."""

    steps: Mapping[str, _StepNames]
    all_steps: tuple[str, ...]
    inputs: tuple[str, ...]
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _StepNames:
    """What can be read of a step; `outputs` is None where its task is not known."""

    outputs: tuple[str, ...] | None
    repeated: bool


class _Builder:
    def __init__(self, document: Document, registry: Registry) -> None:
        self.document = document
        self.data = document.data
        self.registry = registry
        self.problems: list[Problem] = []
        self.seen: dict[str, _StepNames] = {}
        self.inputs = self.data.get("inputs", _NO_INPUTS)

    def build(self) -> Workflow:
        self._check_defaults()
        steps = tuple(self._steps())
        known = self._known(self.seen, ("inputs", "steps"))
        self._tree(("outputs",), self.data.get("outputs", {}), known)
        if "connection" in self.data:
            self._text(("connection",), self.data["connection"], self._known({}, ("inputs",)))
        for index, rule in enumerate(self.data.get("x-sandbox", {}).get("faults", ())):
            self._attempt(("x-sandbox", "faults", index, "script"), lambda rule=rule: parse_faults(rule["script"]))  # type: ignore[misc]
        if self.problems:
            raise WorkflowInvalid(sorted(set(self.problems), key=self.problems.index))
        return Workflow(
            name=self.data["name"],
            description=self.data.get("description", ""),
            inputs=self.inputs,
            connection=self.data.get("connection"),
            steps=steps,
            outputs=self.data.get("outputs", {}),
            source=self.document.place(()),
            sandbox=self.data.get("x-sandbox", {}),
        )

    def _note(self, path: Path, message: str, hint: str = "", *, key: bool = False) -> None:
        place = self.document.key_place(path) if key else self.document.place(path)
        self.problems.append(Problem(str(place), message, hint))

    def _check_defaults(self) -> None:
        lost = list(_reference_faults(self.inputs, self.inputs, ("inputs",)))
        for path, message in lost:
            self._note(path, message, "a workflow's inputs refer to #/$defs/NAME below `inputs`")
        for name, schema in () if lost else self.inputs.get("properties", {}).items():
            if isinstance(schema, dict) and "default" in schema:
                for violation in Validator({**self.inputs, "required": []}).violations({name: schema["default"]}):
                    if violation.path[:1] == (name,):
                        path = ("inputs", "properties", name, "default", *violation.path[1:])
                        self._note(path, f"the default {violation.message}", violation.hint)
        for name in self.inputs.get("required", ()):
            if name not in self.inputs.get("properties", {}):
                self._note(("inputs", "required"), f"required input '{name}' is not among the properties")

    def _steps(self) -> Iterator[Step]:
        for index, data in enumerate(self.data["steps"]):
            path: Path = ("steps", index)
            if data["id"] in self.seen:
                self._note((*path, "id"), f"step '{data['id']}' stands here twice", "give each step its own id")
            template = self._template(path, data["task"])
            self._check_step(path, data, template)
            self.seen[data["id"]] = _step_names(data, template)
            yield self._step(path, data)

    def _template(self, path: Path, task: str) -> TaskTemplate | None:
        try:
            return self.registry[task]
        except DefinitionError as error:
            for problem in error.problems:
                self._note((*path, "task"), f"{problem.where}: {problem.message}", problem.hint)
            return None

    def _check_step(self, path: Path, data: Mapping[str, Any], template: TaskTemplate | None) -> None:
        items = ("item", "index") if "forEach" in data else ()
        before = self._known(self.seen, ("inputs", "steps", *items))
        after = self._known(self.seen, ("inputs", "steps", "response", *items))
        if "forEach" in data:
            self._text((*path, "forEach"), data["forEach"], self._known(self.seen, ("inputs", "steps")))
        for key, known in (("if", before), ("until", after), ("failIf", after)):
            if key in data:
                self._text((*path, key), data[key], known)
        for key, known in (("with", before), ("headers", before), ("outputs", after)):
            self._tree((*path, key), data.get(key, {}), known)
        self._check_headers((*path, "headers"), data.get("headers", {}))
        if template is not None:
            self._check_with(path, data.get("with", {}), template)

    def _check_headers(self, path: Path, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            if name.lower() in LOCKED_HEADERS:
                self._note(
                    (*path, name), f"header '{name}' is set by httptask alone", "credentials belong in the connection", key=True
                )
            if "{{" not in value:
                self._attempt((*path, name), lambda name=name, value=value: check_header_value(name, value))  # type: ignore[misc]

    def _check_with(self, path: Path, inputs: Mapping[str, Any], template: TaskTemplate) -> None:
        schema = input_schema(template)
        known = list(schema["properties"])
        for violation in Validator(schema).violations(dict(inputs)):
            if violation.keyword == "additionalProperties" and not violation.path:
                hint = violation.hint or f"it takes {', '.join(known) or 'no inputs'}"
                self._note((*path, "with", violation.key or ""), f"{template.id} has no input '{violation.key}'", hint, key=True)
            elif violation.keyword == "required" and not violation.path:
                self._note((*path, "with") if inputs else (*path, "task"), f"{template.id} needs the input '{violation.key}'")
            elif not _computed(inputs, violation):
                subject = json_path(violation.path)
                self._note((*path, "with", *violation.path), f"{subject} {violation.message}", violation.hint)

    def _tree(self, path: Path, tree: Any, known: _Known) -> None:
        if isinstance(tree, str):
            self._text(path, tree, known)
        elif isinstance(tree, Mapping):
            for key, value in tree.items():
                self._tree((*path, key), value, known)
        elif isinstance(tree, list):
            for index, value in enumerate(tree):
                self._tree((*path, index), value, known)

    def _text(self, path: Path, text: str, known: _Known) -> None:
        compiled: Compiled | None = self._attempt(path, lambda: compile_text(text))
        for reference in compiled.references if compiled else ():
            problem = _reference_problem(reference, known)
            if problem:
                self._note(path, *problem)

    def _attempt(self, path: Path, check: Callable[[], Any]) -> Any:
        try:
            return check()
        except (ExpressionError, InputInvalid, RenderError) as error:
            for problem in error.problems:
                self._note(path, f"{problem.where}: {problem.message}" if problem.where else problem.message, problem.hint)
            return None

    def _known(self, steps: Mapping[str, _StepNames], roots: tuple[str, ...]) -> _Known:
        every = tuple(step["id"] for step in self.data["steps"])
        return _Known(dict(steps), every, tuple(self.inputs.get("properties", {})), roots)

    def _step(self, path: Path, data: Mapping[str, Any]) -> Step:
        until = None
        if "until" in data:
            every, timeout = seconds(data.get("every", DEFAULT_EVERY)), seconds(data.get("timeout", DEFAULT_TIMEOUT))
            until = Until(data["until"], data.get("failIf"), every, timeout)
        return Step(
            id=data["id"],
            task=data["task"],
            inputs=data.get("with", {}),
            headers=data.get("headers", {}),
            condition=data.get("if"),
            for_each=_for_each(data) if "forEach" in data else None,
            until=until,
            outputs=data.get("outputs", {}),
            retry=data.get("retry", {}),
            continue_on_error=data.get("continueOnError", False),
            source=self.document.place(path),
            summary=data.get("summary", ""),
            idempotent=data.get("idempotent"),
            verify_before=data.get("verify", {}).get("before", False),
        )


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


def _step_names(data: Mapping[str, Any], template: TaskTemplate | None) -> _StepNames:
    outputs = tuple(dict.fromkeys((*template.outputs, *data.get("outputs", {})))) if template else None
    return _StepNames(outputs, "forEach" in data)


def _reference_problem(reference: Reference, known: _Known) -> tuple[str, str] | None:
    root, *rest = reference
    if root not in known.roots:
        if root in {"item", "index"}:
            return f"'{root}' is known only in a step with forEach", "add forEach, or read steps.<id>.outputs"
        return f"unknown name '{root}'", did_you_mean(root, known.roots) or f"known here: {', '.join(known.roots)}"
    if root == "inputs" and rest and rest[0] not in known.inputs:
        hint = did_you_mean(rest[0], known.inputs) or f"the workflow's inputs: {', '.join(known.inputs) or 'none'}"
        return f"the workflow has no input '{rest[0]}'", hint
    if root == "response" and rest and rest[0] not in _RESPONSE_VIEWS:
        return f"unknown name 'response.{rest[0]}'", f"known: {', '.join(_RESPONSE_VIEWS)}"
    return _step_problem(rest, known) if root == "steps" and rest else None


def _step_problem(rest: list[str], known: _Known) -> tuple[str, str] | None:
    step, *path = rest
    if step not in known.steps:
        if step in known.all_steps:
            return f"step '{step}' has not run yet here", "a step can read only steps above it"
        return f"unknown step '{step}'", did_you_mean(step, known.all_steps) or f"steps: {', '.join(known.all_steps)}"
    if path and path[0] not in _STEP_VIEWS:
        return f"unknown name 'steps.{step}.{path[0]}'", f"known: {', '.join(_STEP_VIEWS)}"
    return _view_problem(step, path, known.steps[step])


def _view_problem(step: str, path: list[str], names: _StepNames) -> tuple[str, str] | None:
    """Check what is read below `steps.<id>`: a repeated step has a list of outputs and no one response."""
    if names.repeated and path and path[0] == "response":
        return f"step '{step}' has forEach, so it has no one response", "name what you need in its outputs"
    if len(path) < 2:  # noqa: PLR2004 - a view and a name below it
        return None
    if path[0] == "response":
        unknown = f"unknown name 'steps.{step}.response.{path[1]}'", f"known: {', '.join(_RESPONSE_VIEWS)}"
        return None if path[1] in _RESPONSE_VIEWS else unknown
    return _output_problem(step, path[1], names) if path[0] == "outputs" else None


def _output_problem(step: str, output: str, names: _StepNames) -> tuple[str, str] | None:
    if names.repeated and not output.lstrip("-").isdigit():
        return f"step '{step}' has forEach: its outputs are a list", f"write steps.{step}.outputs | map(attribute='{output}')"
    if not names.repeated and names.outputs is not None and output not in names.outputs:
        hint = did_you_mean(output, names.outputs) or f"its outputs: {', '.join(names.outputs) or 'none'}"
        return f"step '{step}' has no output '{output}'", hint
    return None


def _for_each(data: Mapping[str, Any]) -> ForEach:
    return ForEach(data["forEach"], on_error="continue" if data.get("continueOnError", False) else "stop")


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
