"""Where an answer sends a request on, and whether it may go there: a pure function.

Rules (RFC 9110 sections 15.4 and 9.2.2): the method never changes, so that a POST is never repeated as a GET; other methods than
GET and HEAD follow only 307 and 308, and only where the task is idempotent. The target is on the connection's own origin, or, for
GET and HEAD, on a host that the connection lists, which gets neither the credential nor any header of the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from httptask.errors import EgressRefused
from httptask.message import Headers, Request, Response
from httptask.model import Connection
from httptask.origins import credential_allowed, origin_of, resolved, same_origin_target

#: Redirects followed in one attempt.
MAX_HOPS = 5
_ANY = frozenset({301, 302, 303, 307, 308})
_UNCHANGED = frozenset({307, 308})
_READING = frozenset({"GET", "HEAD"})
_HARMLESS = frozenset({"accept", "accept-encoding", "user-agent"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What one call may follow; `aliases` are the provider's `originAliases`."""

    connection: Connection
    aliases: tuple[str, ...]
    idempotent: bool


def following(request: Request, response: Response, rules: Rules) -> Request | None:
    """Return the request that an answer sends on to, without a credential, or None when it must not be followed."""
    locations = response.headers.all("Location")
    reading = request.method in _READING
    if len(locations) != 1 or not (response.status in _ANY if reading else response.status in _UNCHANGED and rules.idempotent):
        return None
    return _own(request, locations[0], rules) or (_elsewhere(request, locations[0], rules) if reading else None)


def _own(request: Request, location: str, rules: Rules) -> Request | None:
    base_url = rules.connection.base_url
    if not credential_allowed(base_url, request.url):
        return None  # a listed host is trusted with less: it cannot send us back to where the credential goes
    try:
        return replace(request, url=same_origin_target(base_url, location, rules.aliases, against=request.url))
    except EgressRefused:
        return None


def _elsewhere(request: Request, location: str, rules: Rules) -> Request | None:
    try:
        url = resolved(location, request.url)
    except EgressRefused:
        return None
    origin = origin_of(url)
    if origin not in rules.connection.egress.further_origins or credential_allowed(rules.connection.base_url, url):
        return None
    parts = urlsplit(url)
    headers = Headers(tuple((name, value) for name, value in request.headers if name.lower() in _HARMLESS))
    return Request(request.method, f"{origin}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else ""), headers)
