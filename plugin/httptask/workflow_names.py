"""Which names an expression of a workflow may read where it stands, and what is wrong with those it may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from httptask.expressions import Compiled, Reference, compile_text
from httptask.places import Path
from httptask.suggest import did_you_mean
from httptask.workflow_notes import Placed, WorkflowNotes, every

RESPONSE_VIEWS = ("status", "headers", "body")
#: What a paginated task has beside its own outputs: the items of all pages.
PAGED_OUTPUT = "items"

_BEFORE = ("inputs", "steps")
_NOT_YET = "has not run yet here", "a step can read only steps above it"
_SAME_TIME = "runs at the same time", "a step in `parallel` reads only what stands above its group"
_ON_FAILURE = "runs only when a step has failed", "only the steps of `onFailure` below it can read it"
_WHY_NOT: Mapping[str, str] = {
    "forEach": "has forEach, so it has no one",
    "paginate": "reads several pages, so it has no one",
    "workflow": "runs a workflow, so it has no",
    "parallel": "is a group, so it has no",
    "wait": "is a wait, so it has no",
    "approve": "is an approval, so it has no",
}
_INSTEAD: Mapping[str, str] = {
    "forEach": "name what you need in its outputs",
    "paginate": "read its outputs; `outputs.items` is the joined list",
    "parallel": "read its inner steps by their ids",
}


@dataclass(frozen=True, slots=True)
class StepNames:
    """What can be read of a step; `outputs` is None where they are not known, `kind` says why a view is missing."""

    views: tuple[str, ...]
    kind: str
    outputs: tuple[str, ...] | None = None

    @property
    def repeated(self) -> bool:
        """Whether its outputs are a list."""
        return self.kind == "forEach"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression at some place may read: the roots, inputs, steps that have run, and why it may not read the others."""

    roots: tuple[str, ...]
    inputs: tuple[str, ...]
    steps: Mapping[str, StepNames] = field(default_factory=dict)
    hidden: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def names_of(placed: Placed) -> StepNames:
    """Return what later expressions may read of a step."""
    data = placed.data
    kind = next((key for key in ("forEach", "paginate", "workflow", "parallel", "wait", "approve") if key in data), "task")
    if "task" not in data and "workflow" not in data:
        return StepNames(("status",), kind)
    views = ("outputs", "response", "status") if kind == "task" else ("outputs", "status")
    return StepNames(views, kind, _outputs(placed))


def _outputs(placed: Placed) -> tuple[str, ...] | None:
    if "workflow" in placed.data:
        return tuple(placed.step.workflow.outputs) if placed.step.workflow else None
    paged = (PAGED_OUTPUT,) if "paginate" in placed.data else ()
    return tuple(dict.fromkeys((*placed.template.outputs, *placed.step.outputs, *paged))) if placed.template else None


class NameCheck:
    """Checks every expression of a file; `main` and `on_failure` are its steps."""

    def __init__(
        self, notes: WorkflowNotes, inputs: Iterable[str], main: tuple[Placed, ...], on_failure: tuple[Placed, ...]
    ) -> None:
        """Know all steps, so that a step that cannot be read here is told from one that does not exist."""
        self.notes = notes
        self.inputs = tuple(inputs)
        self.main = main
        self.on_failure = on_failure
        self.later = {placed.step.id: _NOT_YET for placed in every(main)}
        self.later |= {placed.step.id: _ON_FAILURE for placed in every(on_failure)}

    def run(self, outputs: Mapping[str, Any], connection: str | None) -> None:
        """Note what is wrong with the expressions of the steps, the outputs and the connection."""
        seen: dict[str, StepNames] = {}
        self._row(self.main, seen)
        self._tree(("outputs",), outputs, Scope(_BEFORE, self.inputs, seen, self.later))
        if connection is not None:
            self._text(("connection",), connection, Scope(("inputs",), self.inputs))
        self.later |= {placed.step.id: _NOT_YET for placed in every(self.on_failure)}
        self._row(self.on_failure, seen)

    def _row(self, row: tuple[Placed, ...], seen: dict[str, StepNames]) -> None:
        for placed in row:
            self._step(placed, Scope(_BEFORE, self.inputs, seen, self.later))
            siblings = {**self.later, **{one.step.id: _SAME_TIME for one in (placed, *placed.inner)}}
            for inner in placed.inner:
                own = {**siblings, inner.step.id: _NOT_YET}
                self._step(inner, Scope(_BEFORE, self.inputs, seen, own))
            seen |= {one.step.id: names_of(one) for one in (placed, *placed.inner)}

    def _step(self, placed: Placed, scope: Scope) -> None:
        for path, text, roots in expressions(placed):
            self._text(path, text, Scope(roots, scope.inputs, scope.steps, scope.hidden))

    def _tree(self, path: Path, tree: Any, scope: Scope) -> None:
        for place, text in leaves(path, tree):
            self._text(place, text, scope)

    def _text(self, path: Path, text: str, scope: Scope) -> None:
        compiled: Compiled | None = self.notes.attempt(path, lambda: compile_text(text))
        for reference in compiled.references if compiled else ():
            problem = reference_problem(reference, scope)
            if problem:
                self.notes.note(path, *problem)


def expressions(placed: Placed) -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    """Yield every string of a step that may hold expressions: its place, its text and the roots known there."""
    data, path = placed.data, placed.path
    each = data.get("forEach")
    items = ("item", "index") if each is not None else ()
    if each is not None:
        yield (
            ((*path, "forEach"), each, _BEFORE)
            if isinstance(each, str)
            else ((*path, "forEach", "items"), each["items"], _BEFORE)
        )
    before, after = (*_BEFORE, *items), (*_BEFORE, "response", *items)
    for key, roots in (("if", before), ("approve", before), ("until", after), ("failIf", after)):
        if key in data:
            yield (*path, key), data[key], roots
    for key, roots in (("with", before), ("headers", before), ("outputs", after)):
        for place, text in leaves((*path, key), data.get(key, {})):
            yield place, text, roots


def leaves(path: Path, tree: Any) -> Iterator[tuple[Path, str]]:
    """Yield every string of a JSON tree with its place."""
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, Mapping | list):
        for key, value in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
            yield from leaves((*path, key), value)


def reference_problem(reference: Reference, scope: Scope) -> tuple[str, str] | None:
    """Return what is wrong with a path that an expression reads, and how to mend it."""
    root, *rest = reference
    if root not in scope.roots:
        if root in {"item", "index"}:
            return f"'{root}' is known only in a step with forEach", "add forEach, or read steps.<id>.outputs"
        return f"unknown name '{root}'", did_you_mean(root, scope.roots) or f"known here: {', '.join(scope.roots)}"
    if root == "inputs" and rest and rest[0] not in scope.inputs:
        hint = did_you_mean(rest[0], scope.inputs) or f"the workflow's inputs: {', '.join(scope.inputs) or 'none'}"
        return f"the workflow has no input '{rest[0]}'", hint
    if root == "response" and rest:
        return _response_problem("response", rest)
    return _step_problem(rest, scope) if root == "steps" and rest else None


def _step_problem(rest: list[str], scope: Scope) -> tuple[str, str] | None:
    step, *path = rest
    if step not in scope.steps:
        if step in scope.hidden:
            message, hint = scope.hidden[step]
            return f"step '{step}' {message}", hint
        return f"unknown step '{step}'", did_you_mean(step, scope.hidden) or f"steps: {', '.join(scope.hidden)}"
    return _view_problem(step, path, scope.steps[step]) if path else None


def _view_problem(step: str, path: list[str], names: StepNames) -> tuple[str, str] | None:
    """Check what is read below `steps.<id>`: what there is depends on the kind of the step."""
    view, *below = path
    known = f"known: {', '.join(names.views)}"
    if view not in names.views:
        if view in {"outputs", "response"}:
            return f"step '{step}' {_WHY_NOT[names.kind]} {view}", _INSTEAD.get(names.kind, known)
        return f"unknown name 'steps.{step}.{view}'", known
    if view == "response" and below:
        return _response_problem(f"steps.{step}.response", below)
    return _output_problem(step, below[0], names) if view == "outputs" and below else None


def _response_problem(response: str, below: list[str]) -> tuple[str, str] | None:
    if below[0] in RESPONSE_VIEWS:
        return None
    return f"unknown name '{response}.{below[0]}'", f"known: {', '.join(RESPONSE_VIEWS)}"


def _output_problem(step: str, output: str, names: StepNames) -> tuple[str, str] | None:
    if names.repeated and not output.lstrip("-").isdigit():
        return f"step '{step}' has forEach: its outputs are a list", f"write steps.{step}.outputs | map(attribute='{output}')"
    if not names.repeated and names.outputs is not None and output not in names.outputs:
        hint = did_you_mean(output, names.outputs) or f"its outputs: {', '.join(names.outputs) or 'none'}"
        return f"step '{step}' has no output '{output}'", hint
    return None
