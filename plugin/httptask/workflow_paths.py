"""What the paths that a workflow's expressions read lead to, as far as the schemas of tasks and inputs say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from httptask.errors import ExpressionError
from httptask.expressions import compile_text
from httptask.model import Step, TaskTemplate, Workflow
from httptask.path_types import Look, Shape, follow, type_of_value
from httptask.workflow_names import PAGED_OUTPUT

#: Paths that lead to one another before we give up; a file with names in a circle is refused elsewhere.
_FURTHEST = 64

Path = tuple[str, ...]
FindTemplate = Callable[[str], TaskTemplate | None]


class Paths:
    """Follows paths through the inputs and steps of one workflow."""

    def __init__(self, inputs: Mapping[str, Any], steps: Iterable[Step], template: FindTemplate, left: int = _FURTHEST) -> None:
        """Know all steps: whether one may be read at some place is not asked here."""
        self._inputs = inputs
        self._steps = {step.id: step for step in steps}
        self._tolerated = {
            inner.id for step in self._steps.values() if step.continue_on_error for inner in (step, *step.parallel)
        }
        self._template = template
        self._left = left
        self._known: dict[tuple[str, ...], Look] = {}

    @classmethod
    def inside(cls, workflow: Workflow, template: FindTemplate, left: int = _FURTHEST) -> Paths:
        """Follow paths of a whole workflow."""
        return cls(workflow.inputs, workflow.every_step(), template, left)

    def look(self, path: Path, step: Step | None, *, failed: bool = False) -> Look:
        """Return what a path leads to for an expression of `step`; `failed` says that steps may have failed before it."""
        if self._left == 0:
            return None
        self._left -= 1
        try:
            return self._look(path, step, failed=failed)
        finally:
            self._left += 1

    def _look(self, path: Path, step: Step | None, *, failed: bool) -> Look:
        root, *rest = path
        if root == "inputs":
            return self._input(rest)
        if root == "steps" and rest and rest[0] in self._steps:
            return self._of_step(self._steps[rest[0]], rest[1:], failed=failed)
        if step is None:
            return None
        if root == "item" and step.for_each is not None:
            items = _path(step.for_each.items)
            return self.look((*items, "0", *rest), step, failed=failed) if items else None
        if root == "index":
            return None if rest else Shape.of("integer")
        return self._response(step, rest) if root == "response" else None

    def _input(self, rest: list[str]) -> Look:
        if not rest:
            return Shape.of("object")
        schema = self._inputs.get("properties", {}).get(rest[0])
        return None if schema is None else follow(Shape(schema, self._inputs), rest[1:])

    def _of_step(self, step: Step, rest: list[str], *, failed: bool) -> Look:
        view, *below = rest or [""]
        if view == "status":
            return None if below else Shape.of("string")
        if view == "outputs":
            known = (step.id, *below)
            if known not in self._known:  # outputs that hand on those of other steps would be followed again and again
                self._known[known] = self._outputs(step, below)
            return self._known[known]
        answered = not (
            failed or step.id in self._tolerated or step.for_each or step.paginate
        )  # else it may be an error's answer
        return self._response(step, below) if view == "response" and answered else None

    def _outputs(self, step: Step, rest: list[str]) -> Look:
        if step.for_each is None:
            return self._output(step, rest) if rest else Shape.of("object")
        if not rest:
            return Shape.of("array")
        if not rest[0].isdigit():
            return None
        return self._output(step, rest[1:]) if rest[1:] else Shape.of("object", "null")

    def _output(self, step: Step, rest: list[str]) -> Look:
        name, *below = rest
        if step.workflow is not None:
            inside = Paths.inside(step.workflow, self._template, self._left)
            return inside.tree(step.workflow.outputs[name], below, None) if name in step.workflow.outputs else None
        template = self._template(step.task or "")
        if step.paginate is not None and name == PAGED_OUTPUT:
            return _joined(template, below)
        if name in step.outputs:
            return None if step.paginate else self.tree(step.outputs[name], below, step)
        if template is None or name not in template.outputs:
            return None
        return follow(Shape(template.outputs[name].schema, _root(template)), below)

    def tree(self, tree: Any, rest: list[str], step: Step | None) -> Look:
        """Return what stands below a path within data that may hold expressions."""
        if isinstance(tree, str):
            return self._text(tree, rest, step)
        if not rest:
            return type_of_value(tree)
        inner = tree.get(rest[0]) if isinstance(tree, Mapping) else _at(tree, rest[0])
        return None if inner is None else self.tree(inner, rest[1:], step)

    def _text(self, text: str, rest: list[str], step: Step | None) -> Look:
        path = _path(text)
        if path is not None:
            return self.look((*path, *rest), step)
        return Shape.of("string") if not rest and _is_text(text) else None

    def _response(self, step: Step, rest: list[str]) -> Look:
        view, *below = rest or [""]
        if view == "status":
            return None if below else Shape.of("integer")
        template = self._template(step.task or "")
        if view != "body" or template is None:
            return None
        body = _body(template)
        return None if body is None else follow(body, below)


def _root(template: TaskTemplate) -> Mapping[str, Any]:
    return {"$defs": template.definitions}


def _body(template: TaskTemplate) -> Shape | None:
    """Return the shape of a successful answer's body, where every documented one has a schema."""
    if not all(pattern.startswith("2") for pattern in template.success.statuses):
        return None
    schemas = [spec.schema for status, spec in template.responses.items() if status.startswith("2")]
    if not schemas or None in schemas:
        return None
    return Shape(schemas[0] if len(schemas) == 1 else {"anyOf": schemas}, _root(template))


def _joined(template: TaskTemplate | None, rest: list[str]) -> Look:
    """Return the shape of the items of all pages, by the schema of one page."""
    paging = (template.paging or template.provider.paging) if template else None
    body = _body(template) if template else None
    if not rest or paging is None or body is None:
        return None if rest else Shape.of("array")
    items = follow(body, [key for key in paging.items.split(".") if key])
    return follow(items, rest) if isinstance(items, Shape) else None


def _path(text: str) -> Path | None:
    try:
        return compile_text(text).path
    except ExpressionError:
        return None


def _is_text(text: str) -> bool:
    try:
        return not compile_text(text).whole
    except ExpressionError:
        return False


def _at(tree: Any, key: str) -> Any:
    return tree[int(key)] if isinstance(tree, list) and key.isdigit() and int(key) < len(tree) else None
