"""The plugin's machine-readable face, generated from the templates: identity, providers, and every task with its schemas."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from httptask import profiles
from httptask.credentials import REFERENCE
from httptask.inputs import input_schema
from httptask.loader import Library, read_bytes, shipped
from httptask.model import Provider, TaskTemplate
from httptask.paging import described, paging_of
from httptask.version import VERSION

MANIFEST_VERSION = 1
_JSON_TYPES = {str: "string", bool: "boolean", list: "array", dict: "object"}

#: Who runs workflow files: this package alone, or an engine through its adapter, which is the extra of the same name.
ENGINES = (
    {"id": "local", "title": "httptask run", "description": "Runs workflow files on one machine"},
    {"id": "airflow", "title": "Apache Airflow", "description": "Operators, sensor, hook and connection type; workflows as DAGs"},
    {"id": "prefect", "title": "Prefect", "description": "Tasks, flows and a block of credentials"},
    {"id": "dagster", "title": "Dagster", "description": "Ops, jobs and a resource"},
    {
        "id": "temporal",
        "title": "Temporal",
        "description": "A worker with an activity for each task, and a workflow that runs files",
    },
    {"id": "conductor", "title": "Conductor", "description": "A worker for each task, and workflows as definitions"},
)


def build() -> dict[str, Any]:
    """Return the manifest of the shipped templates.

    Raises:
        DefinitionError: a template is wrong.

    """
    library = Library()
    registry = library.registry()
    templates = [registry[task] for task in registry]
    providers = {template.provider.id: template.provider for template in templates}
    return {
        "$schema": "task_templates/manifest.schema.json",
        "manifestVersion": MANIFEST_VERSION,
        "name": "httptask",
        "version": VERSION,
        "description": "HTTP tasks for workflow engines",
        "license": "Apache-2.0",
        "requiresPython": ">=3.11",
        "entryPoints": {
            "command": "httptask",
            "module": "httptask",
            "runner": "httptask:Runner",
            "registry": "httptask:open_registry",
            "workflowRunner": "httptask:WorkflowRunner",
        },
        "engines": [dict(engine) for engine in ENGINES],
        "providers": [_provider(provider) for provider in providers.values()],
        "tasks": [_task(template) for template in templates],
    }


def dumps(manifest: dict[str, Any]) -> bytes:
    """Return the manifest's bytes: stable, so that a difference is a change of meaning."""
    return (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def task_entry(template: TaskTemplate) -> dict[str, Any]:
    """Return a task as the manifest and `show --json` describe it, without its source."""
    paging = paging_of(template)
    return {
        "id": template.id,
        "operationId": template.operation_id,
        "provider": template.provider.id,
        "method": template.method,
        "path": template.openapi_path,
        "summary": template.summary,
        "description": template.description,
        "tags": list(template.tags),
        "deprecated": template.deprecated,
        "idempotent": template.is_idempotent,
        **({"paging": described(paging)} if paging else {}),
        "security": [{requirement.scheme: list(requirement.scopes)} for requirement in template.security],
        "inputSchema": input_schema(template),
        "outputSchema": _output_schema(template),
    }


def _task(template: TaskTemplate) -> dict[str, Any]:
    file = Path(template.source.file).resolve()
    digest = hashlib.sha256(read_bytes(file)).hexdigest()
    source = {"file": file.relative_to(shipped("task_templates").parent).as_posix(), "sha256": digest}
    return {**task_entry(template), "source": source}


def _output_schema(template: TaskTemplate) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            name: {**output.schema, **({"description": output.description} if output.description else {})}
            for name, output in template.outputs.items()
        },
    }
    definitions = _used(template, schema)
    return {**schema, "$defs": definitions} if definitions else schema


def _used(template: TaskTemplate, schema: Any) -> dict[str, Any]:
    names = set(_references(schema))
    while True:
        more = {inner for name in names for inner in _references(template.definitions.get(name, {}))} | names
        if more == names:
            return {name: template.definitions[name] for name in sorted(names) if name in template.definitions}
        names = more


def _references(node: Any) -> Iterable[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _provider(provider: Provider) -> dict[str, Any]:
    return {
        "id": provider.id,
        "title": provider.title,
        "description": provider.description,
        "documentation": provider.documentation,
        "servers": [
            {"url": provider.server_url, "variables": {name: dict(value) for name, value in provider.server_variables.items()}}
        ],
        "securitySchemes": {
            name: {"type": scheme.type, "description": scheme.description, "scopes": dict(scheme.scopes)}
            for name, scheme in provider.security_schemes.items()
        },
        "environment": {
            "baseUrl": provider.environment.base_url,
            "token": provider.environment.token,
            "authorizationMode": provider.environment.authorization_mode,
            "configFiles": list(provider.environment.config_files),
        },
        "connectionSchema": _connection_schema(provider),
    }


def _connection_schema(provider: Provider) -> dict[str, Any]:
    """Return what a connection profile for this provider holds (`[connections.NAME]` in connections.toml)."""
    properties = {key: _profile_key(kind, words) for key, (kind, words) in profiles.KEYS.items()}
    properties["provider"] = {"const": provider.id}
    properties["baseUrl"] |= {"format": "uri", "examples": [provider.default_url]}
    properties["token"]["examples"] = ["env:" + (provider.environment.token or "API_TOKEN")]
    credentials: dict[str, Any] = {}
    if provider.security_schemes:
        properties["scheme"] = {"enum": list(provider.security_schemes)}
        credentials = {"oneOf": [{"required": ["token"]}, {"required": ["username", "password"]}, {"required": ["clientId"]}]}
    required = ["provider", "baseUrl"]
    return {"type": "object", "properties": properties, "required": required, **credentials, "additionalProperties": False}


def _profile_key(kind: type, words: str) -> dict[str, Any]:
    reference = {"pattern": "^[a-z][a-z0-9+.-]*:."} if words == REFERENCE else {}
    return {"type": _JSON_TYPES[kind], "description": words[0].upper() + words[1:] + ".", **reference}
