"""A task's reference page as data: servers, parameters, headers, body fields flattened as `agents[].id`, responses, scopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from httptask.model import BODILESS_METHODS, Location, Parameter, Schema, TaskTemplate

#: Levels of nesting shown; deeper ones are recursive in practice.
MAX_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a reference table. `values` is the enumeration, `default` the API's own default (shown, never sent)."""

    name: str
    type: str
    required: bool
    description: str
    values: tuple[Any, ...] = ()
    default: Any = None
    read_only: bool = False
    format: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of a row."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format or None,
            "required": self.required,
            "description": self.description,
            "enum": list(self.values) or None,
            "default": self.default,
            "readOnly": self.read_only,
        }


def parameters(template: TaskTemplate, location: Location) -> tuple[Field, ...]:
    """Return the rows of one place: path, query, header or cookie."""
    found = (parameter for parameter in template.parameters if parameter.location == location)
    return tuple(_parameter(parameter, template.definitions) for parameter in found)


def headers(template: TaskTemplate) -> tuple[Field, ...]:
    """Return the request headers: those of the definition and those that callers give; the credential is not among them."""
    fixed = {"Accept": "application/json", **template.provider.headers, **template.headers}
    rows = [Field(name, "String", required=False, description=f'Default value: "{value}"') for name, value in fixed.items()]
    if template.body is not None:
        text = f'The media type of the request body. Default value: "{template.body.content_type}"'
        rows.insert(0, Field("Content-Type", "String", required=True, description=text))
    return (*rows, *parameters(template, "header"))


def body_fields(template: TaskTemplate) -> tuple[Field, ...]:
    """Return the request body's fields, nested ones by their path."""
    if template.body is None or template.method in BODILESS_METHODS:
        return ()
    return tuple(_fields(template.body.schema, template.definitions, "", 0))


def response_fields(template: TaskTemplate, status: str) -> tuple[Field, ...]:
    """Return the fields of a documented response."""
    spec = template.responses[status]
    return tuple(_fields(spec.schema, template.definitions, "", 0)) if spec.schema else ()


def resolved(schema: Any, definitions: Mapping[str, Schema]) -> dict[str, Any]:
    """Return a schema with its reference and `allOf` parts merged one level deep, so that it can be shown as one thing."""
    merged: dict[str, Any] = {}
    if isinstance(schema, bool):
        return merged
    if "$ref" in schema:
        merged = resolved(definitions.get(str(schema["$ref"]).rpartition("/")[2], {}), definitions)
    for part in schema.get("allOf", ()):
        _merge(merged, resolved(part, definitions))
    _merge(merged, {key: value for key, value in schema.items() if key not in {"$ref", "allOf"}})
    return merged


def type_words(schema: Schema) -> str:
    """Return a schema's type in the words of a reference page: String, Integer, Array ..."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(word.capitalize() for word in kind)
    return str(kind).capitalize() if kind else "Any"


def schema_words(schema: object) -> str:
    """Return what a response or output is in a word: the name of its schema, or its type."""
    if not isinstance(schema, dict):
        return "-"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return schema_words(schema.get("items")) + "[]"
    return type_words(schema)


def shown_type(field: Field) -> str:
    """Return what a reference page says of a field's type."""
    return f"{field.type} ({field.format})" if field.format else field.type


def shown_description(field: Field) -> str:
    """Return what a reference page says of a field: its description, its values, and the server's default."""
    notes = [" ".join(field.description.split())]
    if field.values:
        notes.append("Valid values: " + ", ".join(str(value) for value in field.values))
    if field.default is not None:
        notes.append(f"Default on the server: {field.default}")
    if field.read_only:
        notes.append("Read-only")
    return ". ".join(note.rstrip(".") for note in notes if note)


def command_line(template: TaskTemplate) -> str:
    """Return the command that shows the request, with a place for each required input."""
    from httptask.inputs import BODY, input_schema

    required = [name for name in input_schema(template)["required"] if name != BODY]
    inputs = "".join(f" -i {name}=..." for name in required)
    body = " --body @body.json" if template.accepts_body else ""
    return f"httptask test {template.id}{inputs}{body} --dry-run"


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        if key == "properties":
            into["properties"] = {**into.get("properties", {}), **value}
        elif key == "required":
            into["required"] = [*into.get("required", []), *value]
        else:
            into[key] = value


def _parameter(parameter: Parameter, definitions: Mapping[str, Schema]) -> Field:
    schema = resolved(parameter.schema, definitions)
    return _field(parameter.name, schema, required=parameter.required, description=parameter.description)


def _field(name: str, schema: Mapping[str, Any], *, required: bool, description: str = "") -> Field:
    return Field(
        name=name,
        type=type_words(schema),
        required=required,
        description=description or schema.get("description", ""),
        values=tuple(schema.get("enum", ())),
        default=schema.get("default"),
        read_only=schema.get("readOnly", False),
        format=schema.get("format", ""),
    )


def _fields(schema: Schema, definitions: Mapping[str, Schema], prefix: str, depth: int) -> Iterator[Field]:
    whole = resolved(schema, definitions)
    if whole.get("type") == "array":
        if depth < MAX_DEPTH:
            yield from _fields(whole.get("items", {}), definitions, f"{prefix}[]", depth + 1)
        return
    required = set(whole.get("required", ()))
    for name, part in whole.get("properties", {}).items():
        inner = resolved(part, definitions)
        path = f"{prefix}.{name}" if prefix else name
        shown = f"{path}[]" if inner.get("type") == "array" else path
        yield _field(shown, inner, required=name in required)
        if depth < MAX_DEPTH and not inner.get("readOnly"):
            yield from _fields(part, definitions, path, depth + 1)
