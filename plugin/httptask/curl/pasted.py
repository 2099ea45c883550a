"""What curl would send for a command: method, address, headers and body, by the rules of its manual. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import quote, unquote, unquote_plus

from httptask import render, uri
from httptask.baseurl import check_base_url, is_loopback
from httptask.curl.command import CurlCommand, Note
from httptask.curl.gathering import Gathering
from httptask.curl.naming import identifier
from httptask.curl.shell import VARIABLE
from httptask.errors import ImportFailed, Problem, ProblemsError
from httptask.model import BODILESS_METHODS

Pair = tuple[str, str]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
#: Servers take no more, and each part of a longer request would have to be named and searched: bytes of the URL and of all
#: headers, and how many segments, parameters, headers and cookies there may be of each.
LONGEST_URL = 16 * 1024
LONGEST_HEADERS = 64 * 1024
MOST_PARTS = 200
_URL = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?:(?P<userinfo>[^/?#]*)@)?(?P<host>[^/?#]*)(?P<path>[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?P<fragment>#.*)?",
    re.DOTALL,
)
#: `{name}`, `{{name}}` and `<name>`, as documents write what a reader has to fill in.
PLACEHOLDER = re.compile(r"\{\{([^{}<>/]+)\}\}|\{([^{}<>/]+)\}|<([^{}<>/]+)>")
#: What curl would make several URLs of.
_SERIES = re.compile(r"\{[^{},]*,[^{}]*\}|\[(?:[0-9]+-[0-9]+|[A-Za-z]-[A-Za-z])(?::[0-9]+)?\]")
#: Browsers put a backslash before what curl would take for a series.
_GLOB_ESCAPE = re.compile(r"\\([][{}])")
_MEDIA = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}", re.ASCII)
_VARIABLE_HINT = "write its value, or a placeholder such as {name} in the path; only a credential may be a variable"


@dataclass(frozen=True, slots=True)
class Pasted:
    """A request as curl would send it. Values may hold marks of variables; credentials are still in their places.

    Attributes:
        origin: scheme, host and port; a host may hold placeholders as `{name}`.
        path: as it was written, with its percent-encoding; it begins with a slash.
        query: names and values, decoded as forms are.
        headers: those that the command sets, without Content-Type, which `content_type` holds.
        login: user name and password of -u, or of the URL; the password is None where curl would ask for it.

    """

    method: str
    origin: str
    path: str = field(repr=False)
    query: tuple[Pair, ...] = field(default=(), repr=False)
    headers: tuple[Pair, ...] = field(default=(), repr=False)
    content_type: str | None = None
    body: bytes | None = field(default=None, repr=False)
    login: tuple[str, str | None] | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[Note, ...] = ()


def pasted_of(command: CurlCommand) -> Pasted:
    """Return what curl would send.

    Raises:
        ImportFailed: everything that cannot be sent as a task.

    """
    return _Parts(command).result()


class _Parts(Gathering):
    """Works out one part after the other, noting problems on the way."""

    def __init__(self, command: CurlCommand) -> None:
        super().__init__()
        self._command = command
        self._notes = list(command.notes)

    def result(self) -> Pasted:
        command = self._command
        parts = self._attempt(self._split, None)
        none: list[Pair] = []
        headers = self._attempt(lambda: list(self._headers()), none)
        given = [value for name, value in headers if name.lower() == "content-type"]
        body = self._body()
        pasted = Pasted(
            method=self._attempt(self._method, ""),
            origin=self._attempt(lambda: self._origin(parts) if parts else "", ""),
            path=self._attempt(lambda: self._path(parts["path"] or "/") if parts else "/", "/"),
            query=self._attempt(lambda: tuple(self._query(parts["query"] if parts else None)), ()),
            headers=self._attempt(lambda: self._with_cookies(headers), ()),
            content_type=self._attempt(lambda: self._content_type(given, body), None),
            body=body,
            login=self._attempt(lambda: self._login(parts["userinfo"] if parts else None), None),
            bearer=command.bearer,
            secrets=command.secrets,
        )
        if body and pasted.method in BODILESS_METHODS:
            hint = "use -G to send the data in the query, or another method"
            self._problems.append(Problem("-d", f"{pasted.method} takes no body here", hint))
        if self._problems:
            raise ImportFailed(self._problems)
        return replace(pasted, notes=tuple(self._notes))

    def _note(self, subject: str, message: str) -> None:
        self._notes.append(Note("changed", subject, message))

    def _split(self) -> re.Match[str]:
        """Split the URL as curl does: the last @ of the authority ends user name and password."""
        url = self._command.url
        if len(url) + sum(map(len, self._command.url_query)) > LONGEST_URL:
            raise ImportFailed(Problem("URL", f"it is longer than {LONGEST_URL // 1024} kB", "send the data in a body"))
        if not self._command.globoff:
            if _SERIES.search(url):
                message = "curl would make several requests of the braces or brackets"
                raise ImportFailed(Problem("URL", message, "write one URL, or add -g if they belong into it"))
            url = _GLOB_ESCAPE.sub(r"\1", url)
        if re.search(r"[\s\\\x80-\x9f]", url):
            raise ImportFailed(Problem("URL", "it holds a space, a line end or a backslash", "percent-encode it"))
        parts = _URL.fullmatch(url)
        assert parts is not None  # noqa: S101 - every part is optional, so that any text matches
        if parts["fragment"]:
            self._note("URL", "what stands after # is for browsers and is not sent")
        return parts

    def _method(self) -> str:
        command = self._command
        own = "HEAD" if command.head else "GET" if command.get or (command.data is None and command.upload is None) else ""
        method = command.method or own or ("POST" if command.upload is None else "PUT")
        if method.upper() not in METHODS:
            raise ImportFailed(Problem("-X", "this method is not supported", f"supported: {', '.join(METHODS)}"))
        if method != method.upper():
            self._note("-X", f"methods are written in upper case: {method.upper()}")
        return method.upper()

    def _origin(self, parts: re.Match[str]) -> str:
        host = parts["host"]
        if VARIABLE.search(host) or VARIABLE.search(parts["scheme"] or ""):
            raise ImportFailed(Problem("URL", "its host is a variable, which is not looked up", "write the host"))
        names = [next(filter(None, match)) for match in PLACEHOLDER.findall(host)]
        bare = PLACEHOLDER.sub("x", host)
        scheme = self._scheme(parts["scheme"], bare)
        try:
            plain = check_base_url(f"{scheme}://{bare}", provider_id="", where="URL", allow_http=True)
        except ProblemsError as error:
            raise ImportFailed(error.problems) from None
        if not names:
            return plain
        pieces = iter(identifier(name, "host") for name in names)
        return f"{scheme}://" + PLACEHOLDER.sub(lambda _: "{" + next(pieces) + "}", host)

    def _scheme(self, given: str | None, host: str) -> str:
        if given is not None:
            if given.lower() not in {"http", "https"}:
                raise ImportFailed(Problem("URL", "only http and https URLs can be called", "write https://"))
            return given.lower()
        if is_loopback(host.rpartition(":")[0] or host):
            return "http"
        self._note("URL", "it names no scheme: https is taken, where curl would take http")
        return "https"

    def _path(self, path: str) -> str:
        if path.endswith("/") and self._command.upload is not None:
            path += quote(self._command.upload.name)
        if path.count("/") > MOST_PARTS:
            raise ImportFailed(Problem("URL", f"its path has more than {MOST_PARTS} parts", "leave some out"))
        if VARIABLE.search(path):
            raise ImportFailed(Problem("URL", "its path holds a variable, which is not looked up", _VARIABLE_HINT))
        return path

    def _query(self, query: str | None) -> Iterator[Pair]:
        """Yield the pairs of the URL, then those of -G and --url-query, as curl appends them."""
        data = (self._command.data or b"") if self._command.get else b""
        if len(data) > LONGEST_URL:
            raise ImportFailed(Problem("-G", f"the query is longer than {LONGEST_URL // 1024} kB", "send the data in a body"))
        pieces = "&".join(filter(None, (query, _text(data, "-d"), *self._command.url_query))).split("&")
        if len(pieces) > MOST_PARTS:
            raise ImportFailed(Problem("query", f"it has more than {MOST_PARTS} parameters", "leave some out"))
        for piece in pieces:
            written, sign, content = piece.partition("=")
            name, value = _decoded(written, "query"), _decoded(content, "query")
            if not name and value:
                raise ImportFailed(Problem("query", "a value has no name", "write name=value"))
            if VARIABLE.search(name):
                raise ImportFailed(Problem("query", "a name is a variable, which is not looked up", "write the name"))
            if name and not sign:
                self._note("query", "a parameter without = is sent with an empty value")
            if name:
                yield name, value

    def _headers(self) -> Iterator[Pair]:
        """Yield the headers that are sent. `Name;` is an empty one, `Name:` takes one away that curl itself would set."""
        nothing: tuple[Pair, ...] = ()
        lines = (*self._command.headers, *self._command.cookies)
        most_cookies = max((text.count(";") for text in lines), default=0)
        if sum(map(len, lines)) > LONGEST_HEADERS or max(len(lines), most_cookies) > MOST_PARTS:
            message = f"there are more than {LONGEST_HEADERS // 1024} kB of headers, or {MOST_PARTS} headers or cookies"
            raise ImportFailed(Problem("-H", message, "leave some out"))
        for text in self._command.headers:
            name, sign, value = text.partition(":")
            empty = not sign and text.endswith(";")
            name = name.removesuffix(";") if empty else name
            pair = (name.strip(" \t"), value.strip(" \t"))
            if text.startswith("@"):
                self._problems.append(Problem("-H", "headers are not read from files", "write them as -H 'Name: value'"))
            elif not (sign or empty) or VARIABLE.search(name):
                self._problems.append(Problem("-H", "this is no header", "write Name: value, and no variable for the name"))
            elif empty or value:
                yield from self._attempt(partial(_checked, *pair), nothing)
            elif pair[0].lower() == "content-type":
                yield pair
            else:
                self._note(f"-H {pair[0]}:" if _is_shown(pair[0]) else "-H", "httptask sets this header itself, if it sends one")
        if self._command.is_json and not any(text.lower().startswith(("accept:", "accept;")) for text in self._command.headers):
            yield "Accept", JSON

    def _with_cookies(self, headers: list[Pair]) -> tuple[Pair, ...]:
        """Return the headers and, unless there is one already, the header that -b makes."""
        own = tuple(pair for pair in headers if pair[0].lower() != "content-type")
        files = [text for text in self._command.cookies if "=" not in text]
        if files:
            raise ImportFailed(Problem("-b", "cookies are not read from files", "write them as -b 'name=value'"))
        if not self._command.cookies or any(name.lower() == "cookie" for name, _ in own):
            return own
        cookie = "; ".join(text.strip("; ") for text in self._command.cookies)
        _checked("Cookie", cookie)
        return (*own, ("Cookie", cookie))

    def _body(self) -> bytes | None:
        upload = self._command.upload
        data = None if self._command.get else self._command.data
        return data if upload is None else upload.content

    def _content_type(self, given: list[str], body: bytes | None) -> str | None:
        if not body:
            if any(given):
                self._note("Content-Type", "no body is sent, so this header is not either")
            return None
        if len(set(given)) > 1:
            raise ImportFailed(Problem("Content-Type", "this header is given twice", "keep one of them"))
        default = JSON if self._command.is_json else FORM if self._command.upload is None else ""
        kind = given[0] if given else default
        if not kind:
            hint = "add -H 'Content-Type: application/json', or text/plain"
            raise ImportFailed(Problem("-d", "nothing says what kind of body this is", hint))
        _check_kind(kind, body)
        return kind

    def _login(self, userinfo: str | None) -> tuple[str, str | None] | None:
        text = self._command.user
        if text is None and userinfo:
            name, _, password = userinfo.partition(":")
            return _decoded(name, "URL", plus=False), _decoded(password, "URL", plus=False)
        if text is None:
            return None
        name, sign, password = text.partition(":")
        if not sign and VARIABLE.search(name):
            hint = 'write them apart: -u "$NAME:$PASSWORD"'
            raise ImportFailed(Problem("-u", "one variable for user name and password cannot be a reference", hint))
        return name, password if sign else None


def _checked(name: str, value: str) -> tuple[Pair, ...]:
    """Return a header that the renderer will take; marks of variables count as letters."""
    try:
        uri.check_header_name(name)
        uri.check_header_value(name if _is_shown(name) else "header", VARIABLE.sub("x", value))
    except ProblemsError as error:
        raise ImportFailed(replace(item, where=f"-H {item.where}") for item in error.problems) from None
    return ((name, value),)


def _is_shown(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,60}", name) is not None


def _check_kind(content_type: str, body: bytes) -> None:
    _checked("Content-Type", content_type)
    media = content_type.partition(";")[0].strip().lower()
    if media == FORM and body.lstrip()[:1] in {b"{", b"["}:
        hint = "curl sends this JSON as a form; if the API takes JSON, add -H 'Content-Type: application/json'"
        raise ImportFailed(Problem("-d", f"a body of type '{FORM}' has no encoder yet", hint))
    if VARIABLE.search(content_type) or not _MEDIA.fullmatch(media):
        raise ImportFailed(Problem("Content-Type", "this is no media type", "write it as in application/json"))
    render.check_body_kind(content_type, "-d")


def _text(raw: bytes, where: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ImportFailed(Problem(where, "the data is not UTF-8 text", "only JSON and text can be sent")) from None


def _decoded(text: str, where: str, *, plus: bool = True) -> str:
    try:
        return (unquote_plus if plus else unquote)(text, errors="strict")
    except UnicodeDecodeError:
        raise ImportFailed(Problem(where, "a percent-encoding in it is not UTF-8", "encode text as UTF-8")) from None
