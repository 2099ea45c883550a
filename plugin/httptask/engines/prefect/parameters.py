"""A workflow's inputs as the typed parameters of a flow: Prefect draws its form from them, and our check has the last word."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from prefect.blocks.system import Secret as SecretBlock
from pydantic import BeforeValidator, WithJsonSchema

from httptask.errors import ConfigurationError, InputInvalid, Problem
from httptask.inputs import coerce
from httptask.model import Workflow
from httptask.secret_inputs import resolved
from httptask.secrets import Secret
from httptask.sensitive import is_secret_input
from httptask.surroundings import Surroundings
from httptask.workflow_inputs import checked_inputs

_TYPES: Mapping[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": float,
    "array": list[Any],
    "object": dict[str, Any],
}
_BLOCK = "secret:"
_REFERENCE = "A reference to a secret: secret:NAME for a Secret block of Prefect, env:NAME or file:PATH on the worker."


def signature(workflow: Workflow) -> inspect.Signature:
    """Return the flow's signature.

    Raises:
        InputInvalid: an input's name is none that a parameter of Python can have.

    """
    wrong = [name for name in _properties(workflow) if not name.isidentifier() or keyword.iskeyword(name)]
    if wrong:
        hint = "rename it: a flow's parameters are Python's"
        raise InputInvalid([Problem(name, "this cannot be the name of a flow's parameter", hint) for name in wrong])
    required = set(workflow.inputs.get("required", ()))
    parameters = [_parameter(workflow, name, schema, name in required) for name, schema in _properties(workflow).items()]
    return inspect.Signature(parameters, return_annotation=dict[str, Any])


def given(workflow: Workflow, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of a run, secrets in clear.

    Raises:
        InputInvalid: an input is wrong; every problem at once.
        ConfigurationError: a reference to a secret cannot be read.

    """
    schemas = _properties(workflow)
    said = {name: value for name, value in parameters.items() if value is not None or _takes_null(schemas.get(name))}
    values, _ = resolved(workflow, said, _read)
    return checked_inputs(workflow, values)


def _properties(workflow: Workflow) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = workflow.inputs.get("properties", {})
    return properties


def _parameter(workflow: Workflow, name: str, schema: Any, required: bool) -> inspect.Parameter:  # noqa: FBT001 - one of two
    known = schema if isinstance(schema, dict) else {}
    default = known.get("default", inspect.Parameter.empty if required else None)
    shown = {"title": name, **known}
    kind = _TYPES.get(str(known.get("type")), Any)
    if is_secret_input(workflow.inputs, name):
        kind, shown = str, {"title": name, "type": "string", "description": _REFERENCE}
    if default is None:
        kind = kind | None if kind is not Any else kind
    definitions = workflow.inputs.get("$defs", {})
    extras = (BeforeValidator(partial(_coerced, known, definitions)), *(() if "$ref" in str(known) else (WithJsonSchema(shown),)))
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[(kind, *extras)],
    )


def _coerced(schema: Mapping[str, Any], definitions: Mapping[str, Any], value: Any) -> Any:
    """Read a text as the type that its schema asks for: deployments fill texts in, as the command line does."""
    return coerce(dict(schema), definitions, value) if isinstance(value, str) else value


def _takes_null(schema: Any) -> bool:
    return isinstance(schema, dict) and "null" in schema.get("type", ())


def _read(text: str, where: str) -> Secret:
    if not text.startswith(_BLOCK):
        around = Surroundings.current()
        return around.secret(text, around.cwd, where)
    name = text.removeprefix(_BLOCK)
    try:
        block = SecretBlock.load(name, _sync=True)
    except ValueError:
        raise ConfigurationError(Problem(where, f"Prefect has no Secret block of the name {name}")) from None
    return Secret(str(block.get()), reference=text)
