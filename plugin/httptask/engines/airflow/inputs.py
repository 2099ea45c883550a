"""The inputs of a workflow as the params of its DAG, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from httptask.model import Workflow
from httptask.sensitive import is_secret_input

_REFERENCE = "A reference to a secret, such as env:NAME."


def params_of(workflow: Workflow) -> dict[str, Any]:
    """Return the params of the DAG: each input with its JSON Schema; one that may be left out is null then.

    A secret one takes a reference, which need not look like the secret that its schema describes.
    """
    shared = {name: workflow.inputs[name] for name in ("$defs",) if name in workflow.inputs}
    properties: Mapping[str, Any] = workflow.inputs.get("properties", {})
    return {
        name: _secret(schema, may_lack=_may_lack(workflow, name))
        if is_secret_input(workflow.inputs, name)
        else _param(schema, shared, required=name in _required(workflow))
        for name, schema in properties.items()
    }


def given_by(workflow: Workflow, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs that params give, secret ones as references; a null stands for one that was left out."""
    return {name: value for name, value in dict(params).items() if value is not None or not _may_lack(workflow, name)}


def _secret(schema: Any, *, may_lack: bool) -> Param:
    description = schema.get("description", "") if isinstance(schema, dict) else ""
    words = f"{description} {_REFERENCE}".strip()
    return (
        Param(None, words, schema={"type": ["string", "null"]})
        if may_lack
        else Param(description=words, schema={"type": "string"})
    )


def _param(schema: Any, shared: Mapping[str, Any], *, required: bool) -> Param:
    described = dict(schema) if isinstance(schema, dict) else {}
    description = described.pop("description", None)
    if _has_default(schema):
        return Param(described.pop("default"), description, schema={**described, **shared})
    if required:
        return Param(description=description, schema={**described, **shared})
    return Param(None, description, schema={**_or_null(described), **shared})


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if kind is None or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [*([kind] if isinstance(kind, str) else kind), "null"]}


def _may_lack(workflow: Workflow, name: str) -> bool:
    """Tell whether null leaves an input out. A secret's own default is filled in later: it is no reference."""
    properties: Mapping[str, Any] = workflow.inputs.get("properties", {})
    if name not in properties:
        return False
    if _has_default(properties[name]):
        return is_secret_input(workflow.inputs, name)
    return name not in _required(workflow)


def _required(workflow: Workflow) -> frozenset[str]:
    return frozenset(workflow.inputs.get("required", ()))


def _has_default(schema: Any) -> bool:
    return isinstance(schema, dict) and "default" in schema
