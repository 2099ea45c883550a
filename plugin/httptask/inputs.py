"""The inputs of a task: one closed JSON Schema that command line, manifest, pages and engines all use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from httptask.errors import InputInvalid, Problem
from httptask.model import Parameter, Schema, TaskTemplate
from httptask.outcome import Warn
from httptask.schemas import MAX_DEPTH, Validator, Violation, json_path, too_deep
from httptask.suggest import did_you_mean

BODY = "body"
_JSON_TYPES: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


@lru_cache(maxsize=1024)
def parameter_names(template: TaskTemplate) -> Mapping[str, Parameter]:
    """Return input name -> parameter. A name that occurs in two places becomes `<in>_<name>`."""
    taken = [parameter.name for parameter in template.parameters] + body_names(template)
    return {
        (f"{parameter.location}_{parameter.name}" if taken.count(parameter.name) > 1 else parameter.name): parameter
        for parameter in template.parameters
    }


@lru_cache(maxsize=1024)
def input_schema(template: TaskTemplate) -> dict[str, Any]:
    """Return the task's input schema: one property per parameter, plus `body` or the named inputs of a body template."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, parameter in parameter_names(template).items():
        properties[name] = _annotated(parameter.schema, parameter.description, parameter.example)
        if parameter.required:
            required.append(name)
    if template.body is not None and template.accepts_body:
        properties[BODY] = _annotated(template.body.schema, template.body.description, template.body.example)
        required += [BODY] if template.body.required else []
    elif template.body is not None:
        properties |= template.body.inputs
        required += template.body.required_inputs
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    if template.definitions:
        schema["$defs"] = dict(template.definitions)
    return schema


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the inputs, and the JSON path of the input or field that it concerns, one that is missing too."""

    at: str
    problem: Problem


def faults(
    template: TaskTemplate, inputs: Mapping[str, Any], *, allow_unknown_enum: bool = False
) -> tuple[tuple[Fault, ...], tuple[Warn, ...]]:
    """Return everything that is wrong with inputs, in names and JSON paths, never values; and warnings.

    With `allow_unknown_enum` a value outside an enumeration is a warning: vendors add values before documents say so.
    """
    if too_deep(inputs):
        return (Fault("inputs", Problem("inputs", f"nested deeper than {MAX_DEPTH} levels")),), ()
    violations = _validator(template).violations(dict(inputs))
    tolerated = [violation for violation in violations if allow_unknown_enum and violation.keyword == "enum"]
    found = (violation for violation in violations if violation not in tolerated)
    warnings = (Warn("unknownEnumValue", json_path(violation.path), violation.message) for violation in tolerated)
    return tuple(Fault(_at(violation), _problem(template, violation)) for violation in found), tuple(warnings)


def check(template: TaskTemplate, inputs: Mapping[str, Any], *, allow_unknown_enum: bool = False) -> tuple[Warn, ...]:
    """Check inputs against the task's schema, all problems at once, and return warnings, as `faults` does.

    Raises:
        InputInvalid: a missing, unknown or wrong input.

    """
    found, warnings = faults(template, inputs, allow_unknown_enum=allow_unknown_enum)
    if found:
        raise InputInvalid(fault.problem for fault in found)
    return warnings


def coerce(schema: Schema, definitions: Mapping[str, Schema], text: str) -> Any:
    """Return a text given on a command line as the type its schema asks for; text that does not fit is kept and fails the check.

    Arrays and objects are JSON. Numbers and booleans are JSON's spellings. Where the schema admits text, text stays text.
    """
    types = _types(schema, definitions)
    if not types or "string" in types:
        return text
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text
    kind = _JSON_TYPES.get(type(value))
    return value if kind in types or (kind == "integer" and "number" in types) else text


def from_json(text: str, where: str, hint: str = "") -> Any:
    """Return the value of a JSON text.

    Raises:
        InputInvalid: it is none; the line and column are told, no part of the text.

    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise InputInvalid(Problem(where, "nested too deeply")) from None
    except ValueError as error:
        place = f"line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else "a number"
        raise InputInvalid(Problem(where, f"not JSON at {place}", hint)) from None


def property_schema(template: TaskTemplate, name: str) -> tuple[Schema, Mapping[str, Schema]]:
    """Return one input's schema and the definitions it may refer to; an unknown name has an empty schema."""
    return input_schema(template)["properties"].get(name, {}), template.definitions


def typed(template: TaskTemplate, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs of which the texts are read as a command line's: for sources that make text of everything."""
    texts = {name: coerce(*property_schema(template, name), value) for name, value in given.items() if isinstance(value, str)}
    return {**given, **texts}


def input_problem(violation: Violation, owner: str, properties: Mapping[str, Any]) -> Problem:
    """Return a broken rule of an input schema as a Problem that names the input; `owner` is the task or workflow."""
    if violation.path or violation.key is None:
        return violation.problem()
    if violation.keyword == "required":
        description = str(properties.get(violation.key, {}).get("description", ""))
        return Problem(violation.key, "this input is required", description.partition("\n")[0])
    hint = did_you_mean(violation.key, properties) or f"it takes {', '.join(properties) or 'no inputs'}"
    return Problem(violation.key, f"unknown input of {owner}", hint)


@lru_cache(maxsize=1024)
def _validator(template: TaskTemplate) -> Validator:
    return Validator(input_schema(template))


def _at(violation: Violation) -> str:
    return json_path(violation.path if violation.key is None else (*violation.path, violation.key))


def _problem(template: TaskTemplate, violation: Violation) -> Problem:
    if violation.key == BODY and template.body is None and not violation.path:
        return Problem(BODY, f"{template.id} takes no body", f"its request is {template.method} without content")
    problem = input_problem(violation, template.id, input_schema(template)["properties"])
    return replace(problem, hint=_hint(template, violation) or problem.hint)


def _hint(template: TaskTemplate, violation: Violation) -> str:
    """Return what is worth saying where the body is concerned."""
    if violation.path or template.body is None:
        return ""
    if violation.key == BODY and template.accepts_body:
        return "give it with --body JSON, --body @FILE or --body -"
    if violation.key == BODY:
        return f"its body is made from the inputs {', '.join(template.body.inputs)}"
    fields = _body_fields(template.body.schema, template.definitions)
    return f"'{violation.key}' is a field of the body: give it in --body" if violation.key in fields else ""


def _body_fields(schema: Any, definitions: Mapping[str, Schema]) -> frozenset[str]:
    """Return the names at the top of a body, through references and combinations."""
    if isinstance(schema, bool):
        return frozenset()
    inner = [definitions.get(str(schema["$ref"]).rpartition("/")[2], {})] if "$ref" in schema else []
    parts = [*inner, *(branch for keyword in ("allOf", "anyOf", "oneOf") for branch in schema.get(keyword, ()))]
    return frozenset(schema.get("properties", {})).union(*(_body_fields(part, definitions) for part in parts))


def body_names(template: TaskTemplate) -> list[str]:
    """Return the inputs that make the body: `body`, the named inputs of a body template, or none."""
    if template.body is None:
        return []
    return [BODY] if template.accepts_body else list(template.body.inputs)


def _annotated(schema: Schema, description: str, example: Any) -> dict[str, Any]:
    annotations: dict[str, Any] = {"description": description} if description else {}
    if example is not None:
        annotations["examples"] = [example]
    return {**schema, **annotations}


def _types(schema: Any, definitions: Mapping[str, Schema]) -> frozenset[str]:
    """Return the JSON types a schema names, through references and combinations; empty when it names none."""
    if isinstance(schema, bool):
        return frozenset()
    if "$ref" in schema:
        return _types(definitions.get(str(schema["$ref"]).rsplit("/", 1)[-1], {}), definitions)
    if "type" in schema:
        return frozenset([schema["type"]] if isinstance(schema["type"], str) else schema["type"])
    if "enum" in schema or "const" in schema:
        return frozenset(_JSON_TYPES.get(type(value), "") for value in schema.get("enum", [schema.get("const")]))
    branches = [branch for keyword in ("allOf", "anyOf", "oneOf") for branch in schema.get(keyword, ())]
    return frozenset().union(*(_types(branch, definitions) for branch in branches))


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
