"""A cassette as a YAML file: written whole or not at all, checked when it is read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from httptask.atomic import replace_file
from httptask.cassette.exchanges import Answered, Asked, Cassette, Content, Exchange, Lost, Server, body_of, content_of, json_text
from httptask.cassette.redaction import PLACEHOLDER
from httptask.documents import parse, to_yaml
from httptask.errors import CassetteInvalid, Problem, TemplateInvalid
from httptask.loader import LARGEST_FILE, read_bytes, shipped, shown
from httptask.message import Headers
from httptask.origins import origin_of
from httptask.outcome import iso8601
from httptask.places import MAX_DEPTH, Document
from httptask.schemas import Validator
from httptask.shape import shape_problems

VERSION = 1
_MARK = "httptaskCassette"
#: Levels of the file above a body.
_ABOVE_BODY = 5
_SURROGATE = re.compile("[\ud800-\udfff]")


def load(file: Path) -> Cassette:
    """Read a cassette.

    Raises:
        CassetteInvalid: every problem found, with file, line and column.

    """
    name = shown(file)
    if not file.exists():
        raise CassetteInvalid(Problem(name, "there is no such cassette", "record it with --record"))
    try:
        raw = read_bytes(file)
        document = parse(raw, file=name)
    except TemplateInvalid as error:
        raise CassetteInvalid(error.problems) from None
    problems = _not_this_version(document) or shape_problems(document, _validator()) or _wrong_servers(document)
    if problems:
        raise CassetteInvalid(problems)
    return _cassette(document, tuple(dict.fromkeys(PLACEHOLDER.findall(raw.decode()))))


def check_place(file: Path, *, overwrite: bool) -> None:
    """Refuse a place where a cassette cannot be written, before anything is recorded.

    Raises:
        CassetteInvalid: something stands there, or its folder does not exist.

    """
    name = shown(file)
    if not file.parent.is_dir():
        raise CassetteInvalid(Problem(name, "its folder does not exist", "make it first"))
    if not file.exists():
        return
    if not _is_cassette(file):
        raise CassetteInvalid(Problem(name, "something else than a cassette stands there", "choose another name"))
    if not overwrite:
        hint = "delete it, choose another name, or say --overwrite to replace it once the new one is whole"
        raise CassetteInvalid(Problem(name, "there is a cassette already", hint))


def write(file: Path, cassette: Cassette, *, overwrite: bool) -> None:
    """Write a cassette whole, or leave what stands there.

    Raises:
        CassetteInvalid: it cannot be written.

    """
    check_place(file, overwrite=overwrite)
    content = text_of(cassette).encode()
    if len(content) > LARGEST_FILE:
        message = f"the recording is larger than {LARGEST_FILE // 2**20} MiB and was not kept"
        raise CassetteInvalid(Problem(shown(file), message, "record less: fewer pages or items"))
    try:
        replace_file(file.resolve(), content)
    except OSError as error:
        hint = "check that you may write it and its folder"
        raise CassetteInvalid(Problem(shown(file), f"cannot be written: {error.strerror}", hint)) from None


def text_of(cassette: Cassette) -> str:
    """Return a cassette as YAML."""
    data = {
        _MARK: VERSION,
        "recordedAt": iso8601(cassette.recorded_at),
        "servers": {name: _server_data(server) for name, server in sorted(cassette.servers.items())},
        "exchanges": [_exchange_data(exchange) for exchange in cassette.exchanges],
    }
    return to_yaml(data)


def _is_cassette(file: Path) -> bool:
    """Tell whether a file begins as a cassette does; an empty one is in nobody's way."""
    try:
        with file.open("rb") as stream:
            beginning = stream.read(len(_MARK) + 1)
    except OSError:
        return False
    return beginning in {b"", f"{_MARK}:".encode()}


def _server_data(server: Server) -> dict[str, Any]:
    more = {
        "scheme": server.scheme,
        "refreshable": server.refreshable or None,
        "retry": dict(server.retry) or None,
        "allowedHosts": list(server.allowed_hosts) or None,
    }
    return {"baseUrl": server.base_url, **{key: value for key, value in more.items() if value is not None}}


def _exchange_data(exchange: Exchange) -> dict[str, Any]:
    asked, came = exchange.asked, exchange.came
    server = {} if asked.server is None else {"server": asked.server}
    request = {**server, "method": asked.method, "target": asked.target, **_message_data(asked)}
    if isinstance(came, Lost):
        answer: dict[str, Any] = {"error": {"kind": came.kind, "code": came.code, "phase": came.phase, "detail": came.detail}}
    else:
        more = {"incomplete": came.incomplete, "proxied": came.proxied, "timings": dict(came.timings)}
        answer = {
            "response": {"status": came.status, **_message_data(came), **{key: value for key, value in more.items() if value}}
        }
    return {"request": request, **answer, "elapsedMs": round(exchange.elapsed * 1000, 3)}


def _message_data(message: Asked | Answered) -> dict[str, Any]:
    content = message.content
    if content is not None and content.kind == "json" and not _can_be_written(content.value, MAX_DEPTH - _ABOVE_BODY):
        content = Content("text", json_text(content.value))
    headers = {"headers": [{name: value} for name, value in message.headers]} if message.headers else {}
    return {**headers, **({} if content is None else {content.kind: content.value})}


def _can_be_written(value: Any, levels: int) -> bool:
    """Tell whether YAML can hold JSON data: no half of a surrogate pair, and not too deep."""
    if isinstance(value, str):
        return _SURROGATE.search(value) is None
    if not isinstance(value, list | dict):
        return True
    parts = (*value, *value.values()) if isinstance(value, dict) else value
    return levels > 0 and all(_can_be_written(part, levels - 1) for part in parts)


@cache
def _validator() -> Validator:
    return Validator(json.loads(shipped("task_templates").joinpath("cassette.schema.json").read_bytes()))


def _not_this_version(document: Document) -> list[Problem]:
    """Say that a file is no cassette, or one of another version, in place of everything that follows from it."""
    data = document.data
    if not isinstance(data, dict) or _MARK not in data:
        hint = f"a cassette is written by --record, and begins with {_MARK}: {VERSION}"
        return [Problem(str(document.place(())), "this is no cassette", hint)]
    if type(data[_MARK]) is int and data[_MARK] != VERSION:
        place = str(document.place((_MARK,)))
        return [Problem(place, f"a cassette of another version than {VERSION}", "record it again with this program")]
    return []


def _wrong_servers(document: Document) -> list[Problem]:
    """Find base URLs that no parser reads."""
    servers = document.data["servers"]
    wrong = [name for name, server in servers.items() if origin_of(server["baseUrl"]) is None]
    places = (document.place(("servers", name, "baseUrl")) for name in wrong)
    return [Problem(str(place), "this is no base URL", "write scheme and host, as in https://example.com") for place in places]


def _cassette(document: Document, placeholders: tuple[str, ...]) -> Cassette:
    data = document.data
    return Cassette(
        datetime.fromisoformat(data["recordedAt"].upper().replace(":60", ":59")).timestamp(),
        {name: _server(server) for name, server in data["servers"].items()},
        tuple(map(_exchange, data["exchanges"])),
        document.file,
        tuple(document.place(("exchanges", index)).line for index in range(len(data["exchanges"]))),
        placeholders,
    )


def _server(data: Mapping[str, Any]) -> Server:
    hosts = tuple(data.get("allowedHosts", ()))
    return Server(data["baseUrl"], data.get("scheme"), data.get("refreshable", False), data.get("retry", {}), hosts)


def _exchange(data: Mapping[str, Any]) -> Exchange:
    request = data["request"]
    headers = _headers(request)
    asked = Asked(request.get("server"), request["method"], request["target"], headers, _content(request, headers))
    return Exchange(asked, _came(data), data.get("elapsedMs", 0.0) / 1000)


def _came(data: Mapping[str, Any]) -> Answered | Lost:
    if "error" in data:
        error = data["error"]
        return Lost(error["kind"], error["code"], error["phase"], error["detail"])
    response = data["response"]
    headers = _headers(response)
    return Answered(
        response["status"],
        headers,
        _content(response, headers),
        response.get("incomplete"),
        response.get("timings", {}),
        response.get("proxied", False),
    )


def _headers(message: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(pair for field in message.get("headers", ()) for pair in field.items())


def _content(message: Mapping[str, Any], headers: tuple[tuple[str, str], ...]) -> Content | None:
    """Return a body as it will be read: JSON that stands as text, because YAML cannot hold it, is data again."""
    found = [Content(kind, message[kind]) for kind in ("json", "text", "base64") if kind in message]
    if not found or found[0].kind == "json":
        return next(iter(found), None)
    fields = Headers(headers)
    return content_of(fields, body_of(fields, found[0]))
