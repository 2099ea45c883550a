"""A call as an HTTP archive (HAR 1.2): the request, and what came of each attempt if it was sent.

An entry needs a response; where there is none its status is 0, as browsers write it for requests that they blocked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from httptask.export.losses import of_one_request
from httptask.export.subject import Exported, Message, Note, Subject, Text
from httptask.outcome import Answer, Attempt, iso8601
from httptask.version import VERSION

_UNKNOWN_TYPE = "x-unknown"
_NOT_MEASURED = -1


def export(subject: Subject) -> Exported:
    """Return the archive as JSON in ASCII."""
    attempts = subject.outcome.attempts if subject.outcome is not None else ()
    answer = subject.outcome.response if subject.outcome is not None else None
    entries = [
        _entry(subject, attempt, answer if number == len(attempts) else None) for number, attempt in enumerate(attempts, 1)
    ] or [_unsent(subject)]
    log = {"version": "1.2", "creator": {"name": "httptask", "version": VERSION}, "entries": entries}
    return Exported(json.dumps({"log": log}, indent=2) + "\n", (*subject.notes, *_notes(subject)))


def _entry(subject: Subject, attempt: Attempt, answer: Answer | None) -> dict[str, Any]:
    timings = _timings(attempt)
    counted = (value for name, value in timings.items() if name != "ssl" and value != _NOT_MEASURED)
    return {
        "startedDateTime": iso8601(attempt.started_at),
        "time": round(sum(counted), 3),
        "request": _request(subject),
        "response": _response(attempt.status or 0, answer),
        "cache": {},
        "timings": timings,
        "comment": f"attempt {attempt.number}: {attempt.error or attempt.phase}",
    }


def _unsent(subject: Subject) -> dict[str, Any]:
    return {
        "startedDateTime": iso8601(subject.at),
        "time": 0,
        "request": _request(subject),
        "response": _response(0, None),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "comment": "nothing was sent",
    }


def _request(subject: Subject) -> dict[str, Any]:
    message = subject.message
    headers = [(name, _written(value)) for name, value in _all_headers(message)]
    content = message.content
    request: dict[str, Any] = {
        "method": message.method,
        "url": _written(message.url),
        "httpVersion": "HTTP/1.1",
        "cookies": _cookies(headers),
        "headers": _named(headers),
        "queryString": _query(_written(message.url)),
        "headersSize": _NOT_MEASURED,
        "bodySize": 0 if content is None else _size(content.text),
    }
    if content is not None:
        kind = next((value for name, value in headers if name.lower() == "content-type"), _UNKNOWN_TYPE)
        request["postData"] = {"mimeType": kind, "text": _written(content.text)}
    return request


def _all_headers(message: Message) -> tuple[tuple[str, Text], ...]:
    """Return the headers with those that senders of other forms make themselves."""
    headers = message.headers
    if message.login is not None:
        pair = message.login.username + Text.of(":", message.login.password)
        headers = (*headers, ("Authorization", Text.of("Basic base64(") + pair + Text.of(")")))
    size = 0 if message.says_empty else _NOT_MEASURED if message.content is None else _size(message.content.text)
    return headers if size == _NOT_MEASURED else (*headers, ("Content-Length", Text.of(str(size))))


def _size(text: Text) -> int:
    """Return the bytes of a body, which nobody knows if it holds references."""
    return _NOT_MEASURED if text.literal is None else len(text.literal.encode())


def _response(status: int, answer: Answer | None) -> dict[str, Any]:
    headers = answer.headers if answer is not None else ()
    known = {name.lower(): value for name, value in reversed(headers)}
    return {
        "status": status,
        "statusText": HTTPStatus(status).phrase if status in set(HTTPStatus) else "",
        "httpVersion": "HTTP/1.1" if status else "",
        "cookies": [],
        "headers": _named(headers),
        "content": _content(answer, known.get("content-type", _UNKNOWN_TYPE)),
        "redirectURL": known.get("location", ""),
        "headersSize": _NOT_MEASURED,
        "bodySize": _NOT_MEASURED,
    }


def _content(answer: Answer | None, kind: str) -> dict[str, Any]:
    if answer is None or answer.body_kind == "empty":
        return {"size": 0, "mimeType": kind}
    text = answer.body if isinstance(answer.body, str) and answer.body_kind != "json" else json.dumps(answer.body)
    content: dict[str, Any] = {"size": len(text.encode()), "mimeType": kind, "text": text}
    if answer.body_kind == "base64":
        content["encoding"] = "base64"
    if answer.truncated:
        content["comment"] = "the body was cut off"
    return content


def _timings(attempt: Attempt) -> dict[str, float]:
    """Return the phases in HAR's words, in which connecting includes TLS."""
    measured = attempt.timings
    if "wait" not in measured:
        return {"send": 0, "wait": round(attempt.elapsed * 1000, 3), "receive": 0}
    connect = [measured[name] for name in ("connect", "proxy", "tls") if name in measured]
    return {
        "blocked": _milliseconds(measured, "pacing"),
        "dns": _milliseconds(measured, "dns"),
        "connect": round(sum(connect), 3) if connect else _NOT_MEASURED,
        "ssl": _milliseconds(measured, "tls"),
        "send": 0,
        "wait": _milliseconds(measured, "wait"),
        "receive": round(measured.get("body", 0), 3),
    }


def _milliseconds(measured: Mapping[str, float], name: str) -> float:
    return round(measured[name], 3) if name in measured else _NOT_MEASURED


def _named(pairs: Any) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in pairs]


def _query(url: str) -> list[dict[str, str]]:
    parts = (part.partition("=") for part in urlsplit(url).query.split("&") if part)
    return _named((unquote(name), unquote(value)) for name, _, value in parts)


def _cookies(headers: list[tuple[str, str]]) -> list[dict[str, str]]:
    cookies = (cookie.partition("=") for name, value in headers if name.lower() == "cookie" for cookie in value.split("; "))
    return _named((name, value) for name, _, value in cookies)


def _written(text: Text) -> str:
    return text.written(lambda reference: f"${reference.variable.name}")


def _notes(subject: Subject) -> Iterator[Note]:
    if subject.message.variables:
        yield Note("hint", "where $NAME stands, put the value in by hand: HAR has no variables")
    yield from of_one_request(subject)
