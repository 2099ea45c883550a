"""The inputs of a workflow as the params of its DAG, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from httptask.model import Workflow
from httptask.secret_inputs import resolved
from httptask.surroundings import Surroundings
from httptask.workflow_inputs import checked_inputs


def params_of(workflow: Workflow) -> dict[str, Any]:
    """Return the params of the DAG: each input with its JSON Schema; one that may be left out is null then."""
    shared = {name: workflow.inputs[name] for name in ("$defs",) if name in workflow.inputs}
    properties: Mapping[str, Any] = workflow.inputs.get("properties", {})
    return {name: _param(schema, shared, required=name in _required(workflow)) for name, schema in properties.items()}


def inputs_of(workflow: Workflow, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the workflow's inputs, secrets in clear.

    Raises:
        UsageError: they do not fit, or a reference to a secret cannot be read.

    """
    properties: Mapping[str, Any] = workflow.inputs.get("properties", {})
    optional = {name for name in properties if name not in _required(workflow) and not _has_default(properties[name])}
    given = {name: value for name, value in dict(params).items() if value is not None or name not in optional}
    around = Surroundings.current()
    values, _ = resolved(workflow, given, lambda reference, where: around.secret(reference, around.cwd, where))
    return checked_inputs(workflow, values)


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


def _required(workflow: Workflow) -> frozenset[str]:
    return frozenset(workflow.inputs.get("required", ()))


def _has_default(schema: Any) -> bool:
    return isinstance(schema, dict) and "default" in schema
