"""Inputs to begin with: the examples of a template, and where it has none, values that its schemas accept. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from httptask.inputs import BODY, parameter_names
from httptask.model import TaskTemplate
from httptask.paging import paging_of
from httptask.web.parts import MAX_DEPTH, Kind, Part

_TEXTS: Mapping[str, str] = {
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "email": "name@example.com",
    "uri": "https://example.com/",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
}
#: What APIs call the parameter that is taken from the link to a next page.
_CURSORS = frozenset({"after", "cursor", "page_token", "pageToken", "nextToken", "continuationToken"})


def completed(root: Part, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return example inputs with those added that are required. Secrets are left out."""
    values = {
        name: given[name] if name in given else _sample(part, required=name in root.required)
        for name, part in root.fields.items()
    }
    return {
        name: _without_blank_texts(value)
        for name, value in values.items()
        if value is not None and not root.fields[name].is_secret
    }


def documented(template: TaskTemplate) -> dict[str, Any]:
    """Return the inputs that the template has an example of."""
    given = {name: parameter.example for name, parameter in parameter_names(template).items() if parameter.example is not None}
    example = template.body.example if template.body is not None else None
    if template.accepts_body and example is not None:
        given[BODY] = example
    elif template.body is not None and isinstance(example, dict):
        given |= {key: value for key, value in example.items() if key in template.body.inputs}
    return given


def at_the_beginning(template: TaskTemplate, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return example inputs without a place in a list: a server made that of an example for somebody else."""
    paging = paging_of(template)
    places = _CURSORS if paging and paging.style == "link" else {paging.parameter} if paging else frozenset()
    required = {parameter.name for parameter in template.parameters if parameter.required}
    return {name: value for name, value in inputs.items() if name not in places or name in required}


def _sample(part: Part, *, required: bool) -> Any:
    """Return a value that the schema is likely to accept; None for what may be left out and has no example."""
    schema = part.schema
    if schema.get("examples"):
        return schema["examples"][0]
    if part.is_secret or part.depth > MAX_DEPTH:
        return None
    if part.kind is Kind.GROUP:
        found = {key: _sample(inner, required=key in part.required) for key, inner in part.fields.items()}
        kept = {key: value for key, value in found.items() if value is not None}
        return kept if kept or required else None
    if not required:
        return None
    if part.kind in {Kind.CHOICE, Kind.CHOICES}:
        first = next(iter(part.choices.values()))
        return [first] if part.kind is Kind.CHOICES else first
    return _plain(part)


def _plain(part: Part) -> Any:
    schema = part.schema
    if "default" in schema:
        return schema["default"]
    if part.kind is Kind.LIST:
        return [_sample(part.item, required=True)]
    if part.kind is Kind.BOOLEAN:
        return True
    if part.kind is Kind.NUMBER:
        return schema.get("minimum", schema.get("maximum", 1))
    if part.kind is Kind.JSON:
        return [] if part.types == {"array"} else {}
    text = _TEXTS.get(schema.get("format", ""), "text")
    return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]


def _without_blank_texts(value: Any) -> Any:
    """Return an example without its empty texts: they say that a field may be left out."""
    if isinstance(value, dict):
        return {key: _without_blank_texts(item) for key, item in value.items() if item != ""}
    return [_without_blank_texts(item) for item in value] if isinstance(value, list) else value
