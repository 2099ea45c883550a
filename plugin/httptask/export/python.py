"""A call as a short Python script with requests, which sends the same bytes: nothing that requests prepared is left."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from httptask.export.losses import of_one_request
from httptask.export.subject import Content, Exported, Message, Note, Reference, Subject, Target, Text, Variable

_WIDTH = 88
_INDENT = "    "
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
        "\n".join(_variables(subject.message.variables)),
        "\n".join((*_request(message), *_trust(subject.target))),
        _SEND.format(method=_string(Text.of(message.method)), body=body, connect=timeouts.connect, read=timeouts.read),
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


def _variables(variables: tuple[Variable, ...]) -> Iterator[str]:
    for variable in variables:
        command = f"; in a shell: export {variable.name}=$({variable.command})" if variable.command else ""
        yield "# " + "".join(character if character.isprintable() else " " for character in variable.holds + command)
        line = f'{_name(variable)} = os.environ["{variable.name}"]'
        yield line if len(line) <= _WIDTH else f'{_name(variable)} = os.environ[\n{_INDENT}"{variable.name}"\n]'


def _name(variable: Variable) -> str:
    """Return the name of a variable as a constant, which no keyword and no name of the script is."""
    return variable.name.upper()


def _request(message: Message) -> Iterator[str]:
    yield _assigned("url", message.url)
    if message.content is not None:
        yield from _body(message.content)
    if message.login is not None:
        yield _assigned("login", message.login.username + Text.of(":", message.login.password))
    yield "headers = {"
    yield from (f"{_INDENT}{_string(Text.of(name))}: {_string(value)}," for name, value in message.headers)
    if message.login is not None:
        yield f'{_INDENT}"Authorization": f"Basic {{base64.b64encode(login.encode()).decode()}}",'
    if message.content is not None:
        yield f'{_INDENT}"Content-Length": str(len(body)),'
    elif message.says_empty:
        yield f'{_INDENT}"Content-Length": "0",'
    yield "}"


def _body(content: Content) -> Iterator[str]:
    if content.is_json:
        yield f"data = {_literal(content.data)}" if _is_nested(content.data) else _assigned("data", content.data)
        yield 'body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()'
    else:
        yield _assigned("text", content.text)
        yield "body = text.encode()"


def _trust(target: Target) -> Iterator[str]:
    yield _assigned("verify", target.verify)
    if target.client_certificate is None:
        yield "cert = None"
    elif target.client_certificate[1] is None:
        yield _assigned("cert", target.client_certificate[0])
    else:
        paths = (f"{_INDENT}{_string(Text.of(path))},\n" for path in target.client_certificate if path is not None)
        yield f"cert = (\n{''.join(paths)})"


def _assigned(name: str, value: Any) -> str:
    """Return an assignment of one line; in parentheses where the value alone would fit, as formatters have it."""
    text = _literal(value)
    line = f"{name} = {text}"
    return line if len(line) <= _WIDTH or len(_INDENT + text) > _WIDTH else f"{name} = (\n{_INDENT}{text}\n)"


def _is_nested(data: Any) -> bool:
    return isinstance(data, dict | list) and bool(data)


def _literal(data: Any, pad: str = "") -> str:
    """Return data as Python, one item for each line."""
    if isinstance(data, Reference):
        return f"json.loads({_name(data.variable)})"
    if isinstance(data, str | Text):
        return _string(Text.of(data) if isinstance(data, str) else data)
    if not _is_nested(data):
        return repr(data).replace("e+", "e")  # an exponent, as formatters have it
    inner = pad + _INDENT
    if isinstance(data, Mapping):
        lines = [f"{inner}{_string(Text.of(key))}: {_literal(value, inner)},\n" for key, value in data.items()]
        return f"{{\n{''.join(lines)}{pad}}}"
    return f"[\n{''.join(f'{inner}{_literal(item, inner)},{chr(10)}' for item in data)}{pad}]"


def _string(text: Text) -> str:
    """Return a text as a string, between the quotes that need fewer escapes; double ones if it is all the same."""
    literals = "".join(text.literals)
    mark = "'" if literals.count('"') > literals.count("'") else '"'
    pieces = (
        _escaped(piece, mark, doubled=bool(text.references)) if isinstance(piece, str) else f"{{{_value(piece)}}}"
        for piece in text.pieces
    )
    if len(text.pieces) == 1 and text.references and text.references[0].encoding == "raw":
        return _name(text.references[0].variable)
    return f"{'f' if text.references else ''}{mark}{''.join(pieces)}{mark}"


def _value(reference: Reference) -> str:
    name = _name(reference.variable)
    return f"quote({name}, safe='')" if reference.encoding == "percent" else name


def _escaped(text: str, mark: str, *, doubled: bool) -> str:
    plain = "".join(item if _is_plain(item) else item.encode("unicode_escape").decode("ascii") for item in text)
    plain = plain.replace(mark, f"\\{mark}")
    return plain.replace("{", "{{").replace("}", "}}") if doubled else plain


def _is_plain(character: str) -> bool:
    return character.isprintable() and character != "\\"


def _notes(subject: Subject) -> Iterator[Note]:
    target = subject.message.url.written(lambda _: "").partition("://")[2].partition("/")[2]
    if not _AS_IT_IS.fullmatch(target):
        yield Note("loss", "the path holds characters that urllib3 writes in another spelling, which means the same")
    yield from of_one_request(subject)
