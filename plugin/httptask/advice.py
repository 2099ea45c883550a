"""What to do about an answer that is no success, or about none: by the provider's words where it has some."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from httptask.challenges import missing_scope, refuses_token
from httptask.message import Response
from httptask.model import TaskTemplate

_REDIRECTS = range(300, 400)
_BY_TRANSPORT_CODE: Mapping[str, str] = {
    "dns": "check the host name of the connection's base URL",
    "refused": "nothing listens there; check host and port of the connection's base URL",
    "tlsHandshake": "check that the port speaks TLS: a server without it needs http://, which only loopback allows;"
    " one that asks for a client certificate gets it by the connection's clientCertificate",
    "tlsCertificate": "the server's certificate is not trusted for this host; a private CA goes into the connection's caBundle",
    "readTimeout": "the server took longer than readTimeout to answer",
    "connectTimeout": "the server did not accept a connection within connectTimeout",
    "proxy": "check HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
}
#: By whether the template follows redirects.
_BY_REDIRECTS_FOLLOWED = {
    False: "redirects are not followed; point the connection's base URL at the final host",
    True: "only redirects within the connection's own origin are followed, at most 5, and never with another method; "
    "point the connection's base URL at the final host, or name the host in allowedHosts of the profile",
}


_NOT_ACCEPTED = (
    "The access token was not accepted: it is expired, revoked or issued for another server. Get a new one,"
    " or check tokenUrl if the connection asks for tokens itself."
)


def for_transport(code: str, url: str) -> str:
    """Return what to do where no answer came."""
    if code == "connectionLost" and url.startswith("https:"):
        return "A server that asks for a client certificate may end a connection so: clientCertificate of a profile names one."
    return _BY_TRANSPORT_CODE.get(code, "")


def for_answer(template: TaskTemplate, response: Response, code: str | None) -> str:
    """Return what to do about an answer; `code` is the vendor's, as found in the body."""
    return _about_access_token(template, response) or _about_status(template, response.status, code)


def _about_access_token(template: TaskTemplate, response: Response) -> str:
    """Return what to do where the server says what is wrong with an access token (RFC 6750 section 3.1)."""
    fields, hints = response.headers.all("WWW-Authenticate"), template.provider.errors.hints
    if response.status == HTTPStatus.UNAUTHORIZED and refuses_token(fields):
        return hints.get("invalid_token", _NOT_ACCEPTED)
    scope = missing_scope(fields) if response.status == HTTPStatus.FORBIDDEN else None
    if scope is None:
        return ""
    names = " and ".join(scope.split()) or " or ".join(template.scopes) or "that this task needs"
    grant = hints.get("insufficient_scope", "Grant it to the client; a new token then carries it.")
    return f"The access token lacks the scope {names}. {grant} If the connection's profile has `scopes`, name it there too."


def _about_status(template: TaskTemplate, status: int, code: str | None) -> str:
    hints = template.provider.errors.hints
    hint = hints.get(code or "") or hints.get(str(status)) or ""
    if status in _REDIRECTS:
        return _BY_REDIRECTS_FOLLOWED[template.follow_redirects]
    if status == HTTPStatus.FORBIDDEN and template.scopes and not hint:
        return f"This task needs the scope {' or '.join(template.scopes)}."
    return hint
