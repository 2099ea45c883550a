"""A call as a short Python script with requests, which sends the same bytes: nothing that requests prepared is left."""

from __future__ import annotations

import re
from collections.abc import Iterator

from httptask.export.losses import of_one_request
from httptask.export.pythonic import INDENT, assigned, constants, is_nested, literal, string
from httptask.export.subject import Content, Exported, Message, Note, Subject, Target, Text

#: What urllib3 leaves as it is in a path and a query; all else it would write in its own spelling.
_AS_IT_IS = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*")
_SEND = """\
request = requests.Request({method}, url).prepare()
# preparing adds headers and may change the URL: this is what is sent
request.url = url
request.headers = requests.structures.CaseInsensitiveDict(headers)
request.body = {body}

with requests.Session() as session:
    trust = session.merge_environment_settings(url, {{}}, False, verify, cert)
    response = session.send(
        request,
        timeout=({connect:g}, {read:g}),
        allow_redirects=False,
        **trust,
    )
print(response.status_code, response.reason)
print(response.text)
"""


def export(subject: Subject) -> Exported:
    """Return the script."""
    message, timeouts = subject.message, subject.target.timeouts
    body = "None" if message.content is None else "body"
    blocks = [
        "\n".join(_standard_imports(subject.message)),
        "import requests",
        "\n".join(constants(subject.message.variables)),
        "\n".join((*_request(message), *_trust(subject.target))),
        _SEND.format(method=string(Text.of(message.method)), body=body, connect=timeouts.connect, read=timeouts.read),
    ]
    return Exported("\n\n".join(filter(None, blocks)), (*subject.notes, *_notes(subject)))


def _standard_imports(message: Message) -> Iterator[str]:
    """Yield the lines in the order of the modules' names."""
    if message.login is not None:
        yield "import base64"
    if message.content is not None and message.content.is_json:
        yield "import json"
    if message.variables:
        yield "import os"
    if any(reference.encoding == "percent" for reference in message.references):
        yield "from urllib.parse import quote"


def _request(message: Message) -> Iterator[str]:
    yield assigned("url", message.url)
    if message.content is not None:
        yield from _body(message.content)
    if message.login is not None:
        yield assigned("login", message.login.username + Text.of(":", message.login.password))
    yield "headers = {"
    yield from (f"{INDENT}{string(Text.of(name))}: {string(value)}," for name, value in message.headers)
    if message.login is not None:
        yield f'{INDENT}"Authorization": f"Basic {{base64.b64encode(login.encode()).decode()}}",'
    if message.content is not None:
        yield f'{INDENT}"Content-Length": str(len(body)),'
    elif message.says_empty:
        yield f'{INDENT}"Content-Length": "0",'
    yield "}"


def _body(content: Content) -> Iterator[str]:
    if content.is_json:
        yield f"data = {literal(content.data)}" if is_nested(content.data) else assigned("data", content.data)
        yield 'body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()'
    else:
        yield assigned("text", content.text)
        yield "body = text.encode()"


def _trust(target: Target) -> Iterator[str]:
    yield assigned("verify", target.verify)
    if target.client_certificate is None:
        yield "cert = None"
    elif target.client_certificate[1] is None:
        yield assigned("cert", target.client_certificate[0])
    else:
        paths = (f"{INDENT}{string(Text.of(path))},\n" for path in target.client_certificate if path is not None)
        yield f"cert = (\n{''.join(paths)})"


def _notes(subject: Subject) -> Iterator[Note]:
    target = subject.message.url.written(lambda _: "").partition("://")[2].partition("/")[2]
    if not _AS_IT_IS.fullmatch(target):
        yield Note("loss", "the path holds characters that urllib3 writes in another spelling, which means the same")
    yield from of_one_request(subject)
