"""What is left of a pasted request becomes parameters and headers of a template, each as OpenAPI describes it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from httptask.curl.bodies import BodyFound, body_of
from httptask.curl.command import Note
from httptask.curl.credentials import COOKIE, Found
from httptask.curl.gathering import Gathering
from httptask.curl.pasted import Pair, Pasted
from httptask.curl.paths import PathFound, path_of
from httptask.curl.shell import VARIABLE
from httptask.curl.signs import looks_like_token
from httptask.errors import ImportFailed, Problem
from httptask.render import LOCKED_HEADERS

SECRET: Mapping[str, Any] = {"type": "string", "format": "password"}
_ITSELF = "httptask sets this header itself"
_BROWSERS = "browsers send this header, and no API needs it"
_DROPPED = {
    "accept-encoding": "httptask always asks for gzip",
    "user-agent": "httptask names itself",
    "host": "httptask sends the host of the connection's base URL",
    **dict.fromkeys(("origin", "referer", "dnt", "priority", "upgrade-insecure-requests", "authority"), _BROWSERS),
}
#: Headers whose value belongs to one call.
_PER_CALL = re.compile(
    r"(?:x-)?idempotency-key|(?:x-)?(?:request|correlation|trace|transaction)-id|if-(?:none-)?match|if-(?:un)?modified-since"
    r"|range|traceparent|tracestate|prefer",
    re.IGNORECASE,
)
#: Query parameters that are numbers in every API.
_COUNTS = re.compile(r"(?:page_?)?(?:limit|offset|size|number)|per_?page|page|count|max_?results|top|skip", re.IGNORECASE)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
_LOOKED_UP = "a variable stands in it, and none is looked up"


@dataclass(frozen=True, slots=True)
class Slots:
    """Everything of a template that values stand in."""

    path: PathFound
    parameters: tuple[Mapping[str, Any], ...]
    headers: Mapping[str, str]
    body: BodyFound | None
    notes: tuple[Note, ...]


def slots_of(pasted: Pasted, found: Found, *, path: str) -> Slots:
    """Return the slots of a pasted request; `path` is what follows the server's base path.

    Raises:
        ImportFailed: every value that no slot can take.

    """
    filling = _Filling(pasted, found)
    return filling.slots(path)


class _Filling(Gathering):
    """Fills one kind of slot after the other, noting problems on the way."""

    def __init__(self, pasted: Pasted, found: Found) -> None:
        super().__init__()
        self._pasted = pasted
        self._found = found
        self._watch = found.watch
        self._notes = [*pasted.notes, *found.notes]

    def slots(self, path: str) -> Slots:
        nothing: tuple[dict[str, str], list[Mapping[str, Any]]] = ({}, [])
        query = self._attempt(self._query, nothing[1])
        literal, headers = self._attempt(self._headers, nothing)
        taken = {str(item["name"]) for item in (*query, *headers)}
        host = self._pasted.origin.partition("://")[2]
        self._check_names(host)
        where = self._attempt(lambda: path_of(path, self._watch, host=host, taken=taken), None)
        body = self._attempt(self._body, None)
        if where is None or self._problems:
            raise ImportFailed(self._problems)
        in_path = [self._in_path(item.name, item.example, is_secret=item.is_secret) for item in where.parameters]
        notes = (*self._notes, *(body.notes if body else ()))
        return Slots(where, (*in_path, *query, *headers), literal, body, tuple(dict.fromkeys(notes)))

    def _check_names(self, host: str) -> None:
        """Refuse a credential in what cannot be left out of a template."""
        credential = self._found.credential
        names = {
            "the host": [host],
            "the name of a header": [name for name, _ in self._found.headers],
            "Content-Type": [self._pasted.content_type or ""],
            "the name of the credential": [str(credential.scheme.get(key, "")) for key in ("name", "prefix") if credential],
        }
        for what, texts in names.items():
            if any(looks_like_token(text) or self._watch.holds_in_any_case(text) for text in texts):
                message = f"{what} holds a credential of the command, or what looks like one"
                self._problems.append(Problem("command", message, "put another value into its place"))

    def _withheld(self, what: str, name: str) -> None:
        says = f"it is secret: an input without an example, masked when it is given, as in -i {name}=VALUE"
        self._notes.append(Note("secret", f"{what} {name}", says))

    def _in_path(self, name: str, example: str | None, *, is_secret: bool) -> Mapping[str, Any]:
        base = {"name": name, "in": "path", "required": True}
        if is_secret:
            self._withheld("path parameter", name)
            return {**base, "schema": dict(SECRET)}
        return {**base, "schema": {"type": "string"}, **({} if example is None else {"example": example})}

    def _query(self) -> list[Mapping[str, Any]]:
        grouped: dict[str, list[str]] = {}
        for name, value in self._found.query:
            if self._watch.suspects(name):
                raise ImportFailed(
                    Problem("query", "the name of a parameter is a credential, or looks like one", "check the URL")
                )
            grouped.setdefault(name, []).append(value)
        return [self._query_parameter(name, values) for name, values in grouped.items()]

    def _query_parameter(self, name: str, values: list[str]) -> Mapping[str, Any]:
        base = {"name": name, "in": "query"}
        if name in self._found.secret_query or any(map(self._watch.suspects, values)):
            self._withheld("query parameter", name)
            return {**base, "schema": dict(SECRET) if len(values) == 1 else {"type": "array", "items": dict(SECRET)}}
        if any(map(VARIABLE.search, values)):
            self._problems.append(Problem(f"query parameter {name}", _LOOKED_UP, "write its value: it becomes the example"))
        kind, examples = _typed(name, values)
        if len(values) == 1:
            return {**base, "schema": {"type": kind}, "example": examples[0]}
        return {**base, "schema": {"type": "array", "items": {"type": kind}}, "example": examples}

    def _headers(self) -> tuple[dict[str, str], list[Mapping[str, Any]]]:
        literal: dict[str, str] = {}
        parameters: list[Mapping[str, Any]] = []
        for name, value in self._merged():
            if says := self._dropped(name, value):
                self._notes.append(Note("ignored", name, says))
            elif name.lower() in self._found.secret_headers or self._watch.suspects(value):
                self._withheld("header", name)
                parameters.append({"name": name, "in": "header", "schema": dict(SECRET)})
            elif VARIABLE.search(value):
                self._problems.append(Problem(f"-H {name}", _LOOKED_UP, "write its value"))
            elif _PER_CALL.fullmatch(name) or "{{" in value or "{%" in value:
                parameters.append({"name": name, "in": "header", "schema": {"type": "string"}, "example": value})
            else:
                literal[name] = value
        return literal, parameters

    def _merged(self) -> list[Pair]:
        """Return the headers with the values of a name put together, as RFC 9110 section 5.3 allows."""
        names: dict[str, str] = {}
        values: dict[str, list[str]] = {}
        for name, value in self._found.headers:
            names.setdefault(name.lower(), name)
            values.setdefault(name.lower(), []).append(value)
        joined = [(key, ("; " if key == COOKIE else ", ").join(dict.fromkeys(items))) for key, items in values.items()]
        return [(names[key], value) for key, value in joined]

    def _dropped(self, name: str, value: str) -> str:
        lower = name.lower()
        if lower == "host" and value.lower() != self._pasted.origin.partition("://")[2]:
            return f"{_DROPPED[lower]}; the command sends another one, which a baseUrl of that host would do"
        if lower.startswith("sec-"):
            return _BROWSERS
        return _DROPPED.get(lower, _ITSELF if lower in LOCKED_HEADERS else "")

    def _body(self) -> BodyFound | None:
        if not self._pasted.body or not self._pasted.content_type:
            return None
        return body_of(self._pasted.body, self._pasted.content_type, self._watch)


def _typed(name: str, values: list[str]) -> tuple[str, list[Any]]:
    """Return the type of a query parameter and its values as such; text wherever a number is not certain."""
    if all(value in {"true", "false"} for value in values):
        return "boolean", [value == "true" for value in values]
    if _COUNTS.fullmatch(name) and all(map(_WHOLE.fullmatch, values)):
        return "integer", [int(value) for value in values]
    return "string", list(values)
