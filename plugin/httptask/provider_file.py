"""A parsed provider file becomes a Provider: what all templates of one API share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from httptask.durations import seconds
from httptask.model import (
    ConnectionCheck,
    Environment,
    ErrorShape,
    IdempotencyKey,
    Paging,
    Provider,
    RateLimitSpec,
    SecurityScheme,
)
from httptask.notes import Notes, literal_header
from httptask.places import Document


def provider_from(document: Document) -> Provider:
    """Build a provider from a file that its JSON Schema accepts.

    Raises:
        TemplateInvalid: a header that may not be set, or an error shape that does not fit.

    """
    data = document.data
    notes = Notes(document)
    for name, value in data.get("headers", {}).items():
        notes.attempt(("headers", name), lambda name=name, value=value: literal_header(name, value))  # type: ignore[misc]
    notes.finish()
    server, limits, errors, env = data["servers"][0], data.get("rateLimit"), data.get("errors", {}), data.get("environment", {})
    return Provider(
        id=data["id"],
        title=data.get("title", data["id"]),
        description=data.get("description", ""),
        server_url=server["url"].rstrip("/"),
        server_variables=server.get("variables", {}),
        security_schemes={name: _scheme(name, value) for name, value in data.get("securitySchemes", {}).items()},
        headers=data.get("headers", {}),
        retry=data.get("retry", {}),
        rate_limit=RateLimitSpec(limits["limitHeader"], limits["remainingHeader"], limits["resetHeader"]) if limits else None,
        errors=ErrorShape(
            errors.get("code"),
            errors.get("message"),
            errors.get("causes"),
            errors.get("causeMessage"),
            errors.get("requestIdHeader"),
            errors.get("hints", {}),
        ),
        environment=_environment(env),
        paging=paging_from(data.get("paging")),
        documentation=data.get("documentation", ""),
        idempotency_key=_idempotency_key(data.get("idempotencyKey")),
        check=ConnectionCheck(data["check"]["task"], data["check"].get("with", {})) if "check" in data else None,
        buckets=tuple((bucket["name"], tuple(bucket["paths"])) for bucket in (limits or {}).get("buckets", ())),
        origin_aliases=tuple(data.get("originAliases", ())),
    )


def _idempotency_key(data: Mapping[str, Any] | None) -> IdempotencyKey | None:
    if data is None:
        return None
    base = IdempotencyKey(data["header"])
    methods = tuple(data.get("methods", base.methods))
    return IdempotencyKey(data["header"], methods, seconds(data.get("validFor", base.valid_for)), data.get("quoted", False))


def _scheme(name: str, data: Mapping[str, Any]) -> SecurityScheme:
    return SecurityScheme(
        name=name,
        type=data["type"],
        description=data.get("description", ""),
        location=data.get("in", "header"),
        field_name=data.get("name", "Authorization"),
        http_scheme=data.get("scheme", "bearer"),
        prefix=data.get("prefix", ""),
        scopes=data.get("scopes", {}),
        token_url=data.get("tokenUrl"),
    )


def paging_from(data: Mapping[str, Any] | None) -> Paging | None:
    """Return how lists go on, as a provider or template says it."""
    if data is None:
        return None
    return Paging(
        style=data["style"],
        items=data.get("items", ""),
        parameter=data.get("parameter", ""),
        cursor=data.get("cursor", ""),
        cursor_header=data.get("cursorHeader", ""),
        limit_parameter=data.get("limitParameter", ""),
        limit=data.get("limit"),
        first_page=data.get("firstPage", 1),
    )


def _environment(data: Mapping[str, Any]) -> Environment:
    return Environment(
        base_url=data.get("baseUrl"),
        token=data.get("token"),
        authorization_mode=data.get("authorizationMode"),
        client_id=data.get("clientId"),
        private_key=data.get("privateKey"),
        key_id=tuple(data.get("keyId", ())),
        scopes=data.get("scopes"),
        config_files=tuple(data.get("configFiles", ())),
    )
