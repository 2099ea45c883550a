"""The request as it would be sent, fit to be shown: what `--dry-run` prints, for a page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from httptask import masking
from httptask.egress import refused_as_written

if TYPE_CHECKING:
    from httptask.discretion import Discretion
    from httptask.message import Request
    from httptask.model import Connection, TaskTemplate
    from httptask.runner import Prepared


@dataclass(frozen=True, slots=True)
class Preview:
    """A request with every secret masked. `notes` is what is said about it, `refused` why it would not be sent."""

    method: str
    target: str
    host: str
    origin: str
    headers: tuple[tuple[str, str], ...]
    body: str | None
    notes: tuple[str, ...] = ()
    refused: str = ""


def preview_of(template: TaskTemplate, prepared: Prepared, connection: Connection, discretion: Discretion) -> Preview:
    """Return what may be shown of a prepared request; `discretion` knows the secrets of connection and inputs."""
    shown = masking.request(template, prepared.request, discretion.redactor)
    notes = [f"{warning.path}: {warning.message}" for warning in prepared.warnings]
    notes += [f"Access tokens come from {url}" for url in connection.endpoints]
    url = shown.shown_url
    return Preview(
        shown.method,
        url.removeprefix(shown.origin) or "/",
        shown.origin.partition("://")[2],
        shown.origin,
        tuple((name, discretion.redactor.header(name, value)) for name, value in shown.headers),
        _body(shown),
        tuple(notes),
        refused_as_written(connection) or "",
    )


def _body(request: Request) -> str | None:
    body, kind = request.content
    return json.dumps(body, indent=2, ensure_ascii=False) if kind == "json" else body
