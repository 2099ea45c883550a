"""A call as a step of a workflow file: pasted below `steps:`, it renders the same request.

Texts that would be read as expressions are written as expressions that yield them. Secrets become inputs of the workflow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from httptask.documents import to_yaml
from httptask.export.subject import Exported, Note, Reference, Subject, Text, Variable, rewritten, variables_in
from httptask.expressions import quoted

#: Filters that make a number of the text that a workflow's secret input is.
_FILTERS = {"integer": " | int", "number": " | float"}


def export(subject: Subject) -> Exported:
    """Return the step as an item of a YAML list, the workflow inputs that it needs as a comment before it."""
    step = _step(subject)
    needed = tuple(dict.fromkeys(variables_in([subject.inputs, subject.said.headers])))
    return Exported(_inputs(needed) + to_yaml([step]), (*subject.notes, *_notes(subject)))


def _step(subject: Subject) -> dict[str, Any]:
    said = subject.said
    step: dict[str, Any] = {"id": subject.template.id.partition(".")[2], "task": subject.template.id}
    if subject.inputs:
        step["with"] = rewritten(subject.inputs, _value)
    if said.headers:
        step["headers"] = rewritten(said.headers, _value)
    if said.retry:
        step["retry"] = dict(said.retry)
    if said.idempotent is not None:
        step["idempotent"] = said.idempotent
    if said.deadline is not None:
        step["timeout"] = said.deadline
    if said.paginate is not None:
        limits = {"maxPages": said.paginate.max_pages, "maxItems": said.paginate.max_items}
        step["paginate"] = {name: limit for name, limit in limits.items() if limit is not None}
    return step


def _value(leaf: Any) -> Any:
    """Return a leaf as the file writes it, so that it is the same once its expression is evaluated."""
    if isinstance(leaf, Reference):
        return f"{{{{ {_input(leaf)}{_FILTERS.get(leaf.variable.kind, '')} }}}}"
    if isinstance(leaf, Text):
        return _text(leaf)
    return _text(Text.of(leaf)) if isinstance(leaf, str) else leaf


def _text(text: Text) -> str:
    """Return a text with expressions for its references, and as one where a part of it looks like one."""
    if text.literal is None:
        joined = " ~ ".join(quoted(piece) if isinstance(piece, str) else _input(piece) for piece in text.pieces)
        return f"{{{{ {joined} }}}}"
    return f"{{{{ {quoted(text.literal)} }}}}" if "{{" in text.literal or "{%" in text.literal else text.literal


def _input(reference: Reference) -> str:
    return f"inputs.{reference.variable.key}"


def _inputs(variables: tuple[Variable, ...]) -> str:
    """Return the inputs that a workflow needs for the step, as a comment."""
    if not variables:
        return ""
    properties = {item.key: {"type": "string", "format": "password", "description": item.holds} for item in variables}
    schema = {"type": "object", "required": list(properties), "properties": properties}
    lines = [
        "The workflow needs these inputs, each given by reference:",
        *(f"  -i {item.key}=env:{item.name}" for item in variables),
        *to_yaml({"inputs": schema}).splitlines(),
    ]
    return "".join(f"# {line}\n" for line in lines)


def _notes(subject: Subject) -> Iterator[Note]:
    said = subject.said
    yield Note("hint", f"run it over the same connection: {subject.target.source or subject.target.name}")
    if said.allow_unknown_enum:
        yield Note("loss", "a step has no --allow-unknown-enum: a value outside an enumeration is an error there")
    if said.paginate is not None and said.paginate.max_items is not None:
        yield Note("loss", "maxItems of a step bounds what an expression may hold; the list itself is read to its end")
