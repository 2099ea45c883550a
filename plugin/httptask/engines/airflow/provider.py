"""What Airflow reads of the entry point `apache_airflow_provider` while it is being imported: nothing of it is used here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from httptask.version import VERSION

CONNECTION_TYPE = "httptask"
#: Key of an extra -> the key of a profile that it stands for, where they differ: Airflow shows extras in the clear unless their
#: name is one of those that it takes for a secret's, and `privateKey` is none.
RENAMED = {"private_key": "privateKey"}
_HOOKS = "httptask.engines.airflow.hooks"
_NAME = "HTTP tasks"

#: Fields of the form beside Airflow's own: key of a profile -> label, description, JSON Schema without null.
_FIELDS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "provider": ("Provider", "Id of the one API that it is for", {"type": "string", "default": "okta"}),
    "scheme": (
        "Security scheme",
        "A name under securitySchemes of the provider; empty takes the first that fits",
        {"type": "string"},
    ),
    "private_key": ("Private key", "Of a service app: PEM or JWK", {"type": "string", "format": "password"}),
    "keyId": ("Key id", "When the app has several keys", {"type": "string"}),
    "scopes": ("Scopes", "Without it each task asks for the least it needs", {"type": "array"}),
    "allowHttp": ("Allow http", "http off this machine, without TLS", {"type": "boolean"}),
    "headers": ("Headers", "Sent with every request", {"type": "object"}),
    "retry": ("Retry", "Retry fields such as maxAttempts, readTimeout", {"type": "object"}),
}


def get_provider_info() -> dict[str, Any]:
    """Return what Airflow is told about this package."""
    return {
        "package-name": "httptask",
        "name": _NAME,
        "description": "Declared HTTP tasks: typed templates, safe rendering, retries that know what may be repeated.",
        "versions": [VERSION],
        "integrations": [{"integration-name": _NAME, "external-doc-url": "", "tags": ["protocol"]}],
        "operators": [{"integration-name": _NAME, "python-modules": ["httptask.engines.airflow.operators"]}],
        "hooks": [{"integration-name": _NAME, "python-modules": [_HOOKS]}],
        "connection-types": [_connection_type()],
    }


def _connection_type() -> dict[str, Any]:
    return {
        "connection-type": CONNECTION_TYPE,
        "hook-class-name": f"{_HOOKS}.HttpTaskHook",
        "hook-name": "HTTP task",
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "port"],
            "relabeling": {
                "host": "Base URL",
                "login": "User name or client id",
                "password": "Token, password or client secret",
            },
            "placeholders": {"host": "https://acme.okta.com"},
        },
        "conn-fields": {name: _field(*field) for name, field in _FIELDS.items()},
    }


def _field(label: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"label": label, "description": description, "schema": {**schema, "type": [schema["type"], "null"]}}
