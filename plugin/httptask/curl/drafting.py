"""A pasted request as definition files: `provider.yaml` and the task's template, checked as the loader would."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from httptask.curl import naming
from httptask.curl.bodies import NOTHING, BodyFound
from httptask.curl.command import Note
from httptask.curl.credentials import Credential, Found
from httptask.curl.matching import server_parts
from httptask.curl.pasted import JSON, Pasted
from httptask.curl.slots import Slots, slots_of
from httptask.documents import parse
from httptask.emitting import emit
from httptask.errors import DefinitionError, ImportFailed, Problem
from httptask.loader import PROVIDER_FILE, PROVIDER_SCHEMA, SCHEMAS_FILE, TASK_SCHEMA, accepted
from httptask.model import Provider, SecurityScheme, TaskTemplate
from httptask.provider_file import provider_from
from httptask.template_file import SharedSchemas, template_from

_ID = re.compile(r"[a-z][a-z0-9_]*")
_ANY_SUCCESS = {"2XX": {"description": "Success"}}


@dataclass(frozen=True, slots=True)
class Draft:
    """The files of a new task, and what they mean.

    Attributes:
        provider_text: the new provider file; None where the task joins a provider that there is.
        scheme: name of the provider's security scheme that the credential is for.

    """

    template: TaskTemplate
    base_url: str
    task_text: str
    provider_text: str | None
    credential: Credential | None
    scheme: str | None
    notes: tuple[Note, ...]

    @property
    def file_name(self) -> str:
        """Name of the task's file; two names are taken by files of another kind."""
        name = self.template.operation_id
        return f"{name}_task.yaml" if f"{name}.yaml" in {PROVIDER_FILE, SCHEMAS_FILE} else f"{name}.yaml"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user chose: ids, or None; and the ids of tasks that are taken."""

    provider: str | None = None
    task: str | None = None
    taken: Container[str] = ()


def draft_of(pasted: Pasted, found: Found, wanted: Wanted, joined: Provider | None = None) -> Draft:
    """Return the files for a pasted request; with `joined` the task becomes one of that provider.

    Raises:
        ImportFailed: every reason why it cannot become a task.

    """
    base = "" if joined is None else _base_path(joined, pasted)
    slots = slots_of(pasted, found, path=pasted.path.removeprefix(base) or "/")
    provider_id = joined.id if joined else wanted.provider or naming.provider_id(pasted.origin.partition("://")[2])
    provider_text = None if joined else emit(_provider_document(provider_id, pasted.origin, found.credential))
    scheme = found.credential.name if found.credential else None
    if joined is not None and found.credential is not None:
        scheme = _check_scheme(joined, found.credential)
    try:
        provider = joined or provider_from(accepted(parse((provider_text or "").encode(), file=PROVIDER_FILE), PROVIDER_SCHEMA))
        name = wanted.task or _free(naming.operation(pasted.method, slots.path.segments), provider_id, wanted.taken)
        text = emit(_task_document(f"{provider_id}.{name}", pasted.method, slots, scheme))
        template = template_from(accepted(parse(text.encode(), file=f"{name}.yaml"), TASK_SCHEMA), provider, SharedSchemas(), "")
    except DefinitionError as error:
        raise ImportFailed(error.problems) from None
    return Draft(template, pasted.origin + base, text, provider_text, found.credential, scheme, slots.notes)


def check_id(text: str, where: str) -> str:
    """Return a part of an id.

    Raises:
        ImportFailed: it cannot be one.

    """
    if not _ID.fullmatch(text):
        raise ImportFailed(Problem(where, "this cannot be an id", "use lower-case letters, digits and _, and a letter first"))
    return text


def _free(name: str, provider_id: str, taken: Container[str]) -> str:
    found, number = name, 2
    while f"{provider_id}.{found}" in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def _provider_document(provider_id: str, origin: str, credential: Credential | None) -> Mapping[str, Any]:
    server: dict[str, Any] = {"url": origin}
    variables = re.findall(r"\{([^{}]+)\}", origin)
    if variables:
        whole = origin.partition("://")[2] == f"{{{variables[0]}}}"
        server["variables"] = {name: {"default": "api.example.com" if whole else name.lower()} for name in variables}
    title = f"{provider_id.replace('_', ' ').title()} API".replace("Api API", "API")
    document: dict[str, Any] = {"id": provider_id, "title": title, "servers": [server]}
    return document if credential is None else {**document, "securitySchemes": {credential.name: dict(credential.scheme)}}


def _task_document(task: str, method: str, slots: Slots, scheme: str | None) -> Mapping[str, Any]:
    document: dict[str, Any] = {
        "id": task,
        "summary": naming.summary(task.partition(".")[2]),
        "method": method,
        "path": slots.path.template,
        "parameters": list(slots.parameters),
        "headers": dict(slots.headers),
        "requestBody": _body_document(slots.body) if slots.body else {},
        "responses": _ANY_SUCCESS,
        "security": [{scheme: []}] if scheme else [],
    }
    return {key: value for key, value in document.items() if value}


def _body_document(body: BodyFound) -> Mapping[str, Any]:
    document: dict[str, Any] = {} if body.content_type == JSON else {"contentType": body.content_type}
    document["schema"] = dict(body.schema)
    return document if body.example is NOTHING else {**document, "example": body.example}


def _base_path(provider: Provider, pasted: Pasted) -> str:
    """Return the base path of a provider's server, which the task's path does not repeat."""
    prefix = server_parts(provider.server_url)[1]
    if prefix and pasted.path != prefix and not pasted.path.startswith(f"{prefix}/"):
        message = f"the path does not lie below {prefix}, where the server of {provider.id} begins"
        raise ImportFailed(Problem("URL", message, "choose another provider with --provider ID"))
    return prefix


def fitting_scheme(provider: Provider, credential: Credential) -> str | None:
    """Return the name of the provider's security scheme that takes a credential; None where none does."""
    return next((name for name, scheme in provider.security_schemes.items() if _fits(scheme, credential.scheme)), None)


def _check_scheme(provider: Provider, credential: Credential) -> str:
    scheme = fitting_scheme(provider, credential)
    if scheme is None:
        line = emit({credential.name: dict(credential.scheme)}).strip().replace("\n", " ")
        message = f"no security scheme of {provider.id} takes the credential of the command"
        raise ImportFailed(Problem(f"{provider.id}/{PROVIDER_FILE}", message, f"add it under securitySchemes: {line}"))
    return scheme


def _fits(scheme: SecurityScheme, wanted: Mapping[str, Any]) -> bool:
    if wanted["type"] == "http":
        is_oauth = scheme.type == "oauth2" and wanted["scheme"] == "bearer"
        return is_oauth or (scheme.type == "http" and scheme.http_scheme.lower() == wanted["scheme"])
    same = (
        scheme.field_name.lower() == wanted["name"].lower() if wanted["in"] == "header" else scheme.field_name == wanted["name"]
    )
    return scheme.type == "apiKey" and scheme.location == wanted["in"] and same and scheme.prefix == wanted.get("prefix", "")
