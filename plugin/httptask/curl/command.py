"""The words of a curl command -> what its options say, read as curl reads them. The only effect is the reading of data files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal
from urllib.parse import quote

from httptask.curl.options import LETTERS, OPTIONS, Option
from httptask.curl.shell import VARIABLE
from httptask.errors import ImportFailed, Problem, ProblemsError
from httptask.suggest import did_you_mean

#: Reads a file that the command names.
Read = Callable[[str], bytes]
Kind = Literal["ignored", "connection", "changed", "secret"]

_SHOWN_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")
_PROGRAM = re.compile(r"(?!-)(?:\S*[/\\])?curl(?:\.exe)?", re.IGNORECASE)
_DATA = frozenset({"data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json"})
_FILE_AND_PASSWORD = frozenset({"cert", "proxy-cert"})
_LOGIN = re.compile(r"(?<=://)[^/?#@:]*:([^/?#@]*)(?=@)")
_KEPT_BYTES = frozenset({"data-binary", "json"})


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the user should know: what of the command it is about, and what became of it. Never a value."""

    kind: Kind
    subject: str
    message: str

    def to_json(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"kind": self.kind, "subject": self.subject, "message": self.message}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be sent: its name without folders, and what it holds."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CurlCommand:
    """What the options say, the data joined as curl joins it. A value may hold the mark of a variable.

    Attributes:
        data: what -d and its kin make; None when none was given.
        upload: the file that -T names.
        url_query: further pairs for the URL, encoded.
        secrets: values of options that are credentials but not of the request, such as a proxy's: nothing may repeat them.

    """

    url: str = field(repr=False)
    method: str | None = None
    headers: tuple[str, ...] = field(default=(), repr=False)
    data: bytes | None = field(default=None, repr=False)
    upload: Upload | None = None
    is_json: bool = False
    get: bool = False
    head: bool = False
    globoff: bool = False
    url_query: tuple[str, ...] = field(default=(), repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)
    user: str | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[Note, ...] = ()


def is_curl(word: str) -> bool:
    """Tell whether a word names curl, with or without the path of its program."""
    return _PROGRAM.fullmatch(word) is not None


def read_command(words: Sequence[str], read: Read) -> CurlCommand:
    """Read the words of a command, the first of which names curl.

    Raises:
        ImportFailed: every option that is unknown, cannot be taken over or lacks its value, and files that cannot be read.

    """
    if not words or not is_curl(words[0]):
        hint = "paste it as it is: curl, its options and the URL; variables set before it belong into the shell"
        raise ImportFailed(Problem("command", "this does not begin with curl", hint))
    reading = _Reading(read)
    reading.take(list(words[1:]))
    return reading.command()


class _Reading:
    """Takes options one by one, noting problems on the way."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._values: dict[str, list[str]] = {}
        self._flags: dict[str, bool] = {}
        self._urls: list[str] = []
        self._data: bytes | None = None
        self._upload: Upload | None = None
        self._is_json = False
        self._has_strangers = False
        self._secrets: list[str] = []
        self._notes: dict[Note, None] = {}
        self._problems: list[Problem] = []

    def take(self, words: list[str]) -> None:
        words.reverse()
        ended = False
        while words:
            word = words.pop()
            if ended or not word.startswith("-"):
                self._urls.append(word)
            elif word == "--":
                ended = True
            elif word.startswith("--"):
                self._long(word[2:], words)
            else:
                self._short(word[1:], words)

    def _long(self, name: str, words: list[str]) -> None:
        option, undone = OPTIONS.get(name), OPTIONS.get(name.removeprefix("no-"))
        if option is None and undone is not None and not undone.takes_value:
            self._flags[undone.name] = False
        elif option is None:
            self._unknown(name)
        elif option.takes_value:
            self._value(option, f"--{name}", words)
        else:
            self._flag(option, f"--{name}")

    def _short(self, letters: str, words: list[str]) -> None:
        """Take letters that stand together, as in `-sSL`; what follows one that takes a value is its value."""
        if not letters:
            self._problems.append(Problem("-", "a lone - is no URL", "write the URL"))
        while letters:
            letter, letters = letters[0], letters[1:]
            option = OPTIONS.get(LETTERS.get(letter, ""))
            if option is None:
                shown = f"-{letter}" if letter.isascii() and letter.isalnum() else "option"
                self._problems.append(Problem(shown, "curl has no such option", "check the spelling"))
                return
            if option.takes_value:
                self._value(option, f"-{letter}", [letters] if letters else words)
                return
            self._flag(option, f"-{letter}")

    def _unknown(self, name: str) -> None:
        self._has_strangers = True
        before, sign, _ = name.partition("=")
        shown = f"--{before}" if _SHOWN_NAME.fullmatch(before) else "option"
        if sign and before in OPTIONS:
            hint = f"curl takes the value as the next word: --{before} VALUE"
        else:
            hint = did_you_mean(before, OPTIONS) if shown != "option" else ""
        self._problems.append(Problem(shown, "curl has no such option", hint or "check the spelling"))

    def _flag(self, option: Option, written: str) -> None:
        if option.role == "request":
            self._flags[option.name] = True
        else:
            self._told(option, written)

    def _value(self, option: Option, written: str, words: list[str]) -> None:
        if not words:
            self._problems.append(Problem(written, "this option lacks its value", "write it behind the option"))
            return
        value = words.pop()
        if option.role != "request":
            self._secrets += _secrets_of(option, value)
        if option.role != "request":
            self._told(option, written)
        elif option.name == "url":
            self._urls.append(value)
        elif option.name in _DATA:
            self._attempt(written, lambda: self._append(option.name, value))
        elif option.name == "url-query":
            self._attempt(written, lambda: self._query(value))
        elif option.name == "upload-file":
            self._attempt(written, lambda: self._take_upload(value))
        else:
            self._values.setdefault(option.name, []).append(value)

    def _told(self, option: Option, written: str) -> None:
        if option.role == "refused":
            self._problems.append(Problem(written, "this cannot be taken over", option.says))
        else:
            self._notes[Note("connection" if option.role == "connection" else "ignored", written, option.says)] = None

    def _attempt(self, written: str, take: Callable[[], None]) -> None:
        try:
            take()
        except ProblemsError as error:
            self._problems += [Problem(f"{written}: {item.where}", item.message, item.hint) for item in error.problems]

    def _append(self, name: str, value: str) -> None:
        piece = self._piece(name, value)
        self._is_json = self._is_json or name == "json"
        if self._data is None:
            self._data = piece
        else:
            self._data += piece if name == "json" else b"&" + piece

    def _piece(self, name: str, value: str) -> bytes:
        if name == "data-urlencode":
            return self._encoded(value).encode()
        if name == "data-raw" or not value.startswith("@"):
            return value.encode()
        content = self._file(value[1:])
        return content if name in _KEPT_BYTES else re.sub(rb"[\r\n\0]", b"", content)

    def _encoded(self, value: str) -> str:
        """Return `name=content`, `name@file` or their like with the content encoded, as --data-urlencode does."""
        name, sign, content = value.partition("=")
        if not sign:
            name, sign, content = value.partition("@")
        if not sign:
            name, content = "", value
        raw = self._file(content) if sign == "@" else content.encode()
        encoded = quote(raw, safe="").replace("%20", "+")
        return f"{name}={encoded}" if name else encoded

    def _query(self, value: str) -> None:
        self._values.setdefault("url-query", []).append(value[1:] if value.startswith("+") else self._encoded(value))

    def _take_upload(self, value: str) -> None:
        self._upload = Upload(PurePath(value).name, self._file(value))

    def _file(self, name: str) -> bytes:
        if name in {"-", "."}:
            raise ImportFailed(Problem("-", "standard input is not read for data", "name a file, or write the data itself"))
        if not name or VARIABLE.search(name):
            raise ImportFailed(Problem("@", "the file's name is empty or a variable", "write @ and the name of a file"))
        content = self._read(name)
        if VARIABLE.search(content.decode("utf-8", "replace")):
            raise ImportFailed(Problem("@", "the file holds noncharacters of Unicode", "remove U+FDD0 and U+FDD1"))
        return content

    def command(self) -> CurlCommand:
        """Return what was taken.

        Raises:
            ImportFailed: every problem.

        """
        self._check()
        if self._problems:
            raise ImportFailed(self._problems)
        return CurlCommand(
            url=self._urls[0],
            method=self._last("request"),
            headers=(*self._values.get("header", ()), *self._own_headers()),
            data=self._data,
            upload=self._upload,
            is_json=self._is_json,
            get=self._flags.get("get", False),
            head=self._flags.get("head", False),
            globoff=self._flags.get("globoff", False),
            url_query=tuple(self._values.get("url-query", ())),
            cookies=tuple(self._values.get("cookie", ())),
            user=self._last("user"),
            bearer=self._last("oauth2-bearer"),
            secrets=tuple(self._secrets),
            notes=tuple(self._notes),
        )

    def _check(self) -> None:
        if not self._urls:
            self._problems.append(Problem("URL", "the command names no URL", "write it behind the options, in quotes"))
        if len(self._urls) > 1 and not self._has_strangers:  # the value of an unknown option looks like a URL
            hint = "paste one request at a time; put quotes around a value that holds spaces"
            self._problems.append(Problem("URL", f"the command names {len(self._urls)} URLs", hint))
        bodies = (self._data is not None and not self._flags.get("get"), self._upload is not None, self._flags.get("head"))
        if sum(map(bool, bodies)) > 1:
            self._problems.append(Problem("-d, -T, -I", "curl takes only one of these", "leave the others out"))

    def _last(self, name: str) -> str | None:
        return self._values.get(name, [None])[-1]

    def _own_headers(self) -> tuple[str, ...]:
        """Return the headers that options with names of their own set."""
        found = (("User-Agent", self._last("user-agent")), ("Referer", self._last("referer")))
        last = self._last("range")
        own = tuple(f"{name}: {value}" for name, value in found if value is not None)
        return own if last is None else (*own, f"Range: bytes={last}")


def _secrets_of(option: Option, value: str) -> Iterator[str]:
    """Yield what is secret in the value of an option that does not make the request: passwords behind colons, and in URLs."""
    if option.secret and option.name not in _FILE_AND_PASSWORD:
        yield value
    if option.secret:
        yield value.partition(":")[2]
    if login := _LOGIN.search(value):
        yield from (login[0], login[1])
