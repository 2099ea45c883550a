"""The words of a command as a shell would hand them to curl. Nothing is evaluated: what would have to be is an error.

`shlex` splits quoted words too, but knows no `$'...'`, in which browsers copy, and forgets what stood in quotes: a variable, a
pipe and a second command would be letters like others. A variable becomes a mark in its word, which only a credential may hold.
"""

from __future__ import annotations

import re
from typing import NoReturn

from httptask.errors import ImportFailed, Problem
from httptask.places import Source

#: Noncharacters, which Unicode keeps for the inner use of programs: around the name of a variable in a word.
_BEGIN, _END = "\ufdd0", "\ufdd1"
VARIABLE = re.compile(f"{_BEGIN}([^{_END}]*){_END}")
#: What nobody can mean in a command: C0 but for tab and line ends, DEL, and the marks.
_FORBIDDEN = re.compile(f"[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f{_BEGIN}{_END}\\ud800-\\udfff]")
_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_WRITTEN = re.compile(rf"\$(?:({_NAME})|\{{({_NAME})\}})\Z")
_TOKEN = re.compile(
    rf"""(?P<joined>\\\r?\n)|(?P<gap>[ \t]+)|(?P<end>\r?\n|\r)
    |'(?P<single>[^']*)'|\$'(?P<ansi>[^'\\]*(?:\\.[^'\\]*)*)'|(?P<double>\$?")
    |\\(?P<escaped>.)|\$(?:(?P<name>{_NAME})|\{{(?P<braced>{_NAME})\}})
    |(?P<plain>[^\s'"\\$`|&;<>()]+)|(?P<operator>&&|\|\||[|&;<>()])|(?P<rest>.)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(
    rf"""(?P<plain>[^"\\$`]+)|(?P<joined>\\\r?\n)|\\(?P<escaped>[$`"\\])|(?P<backslash>\\)
    |\$(?:(?P<name>{_NAME})|\{{(?P<braced>{_NAME})\}})|(?P<close>")|(?P<rest>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})|u(?P<short>[0-9a-fA-F]{1,4})"
    r"|U(?P<long>[0-9a-fA-F]{1,8})|x(?P<hex>[0-9a-fA-F]{1,2})|(?P<octal>[0-7]{1,3})|c(?P<control>.)|(?P<letter>.))",
    re.DOTALL,
)
_LETTERS = {"a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
#: `{a,b}` and `{1..3}` without quotes, in a word in which `_QUOTED_LETTER` stands for what is quoted.
_BRACES = re.compile(r"\{(?:[^{},.]|\.(?!\.))*(?:,|\.\.)[^{}]*\}")
_QUOTED_LETTER = "q"
_WHY = {
    "|": ("a pipe follows the command", "leave out what stands after it: only the curl command is read"),
    "<": ("a redirection", "put quotes around the word, or give the data as -d @FILE"),
    ">": ("a redirection", "leave it out: httptask shows the outcome itself"),
    "&": ("an & that is not quoted ends the command here", "put the URL in quotes"),
    "(": ("a parenthesis that is not quoted", "put quotes around the word"),
    ")": ("a parenthesis that is not quoted", "put quotes around the word"),
}
_ANOTHER = (
    "another command follows",
    "paste one curl command alone; a line that goes on ends in a backslash, with no space after it",
)
_EVALUATED = "put its result in its place, or a variable such as $TOKEN if it is a credential"


def words_of(text: str, *, file: str) -> tuple[str, ...]:
    """Split a command; `file` says where it stands, for messages. A prompt before it is dropped.

    Raises:
        ImportFailed: what would have to be evaluated, a second command, a quote that is not closed; with line and column.

    """
    found = _FORBIDDEN.search(text)
    if found:
        source = Source.of(file, text)
        message = f"the character U+{ord(found[0]):04X} may not stand in a command"
        raise ImportFailed(Problem(str(source.place(found.start())), message, "remove it"))
    words = _Reader(text, file).words()
    return words[1:] if words[:1] == ("$",) else words


def checked_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return words that a shell has split already.

    Raises:
        ImportFailed: bytes that are no text, or a character that may not stand in a command.

    """
    problems = [
        Problem(f"word {number}", "this is not UTF-8 text, or holds a character that may not stand in a command", "remove it")
        for number, word in enumerate(words, 1)
        if _FORBIDDEN.search(word)
    ]
    if problems:
        raise ImportFailed(problems)
    return words


def lone_variable(text: str) -> str | None:
    """Return the name of the variable that a text wholly is, also where quotes keep `$NAME` from being one."""
    if mark := VARIABLE.fullmatch(text):
        return mark[1]
    written = _WRITTEN.match(text)
    return (written[1] or written[2]) if written else None


class _Reader:
    """Reads tokens in one pass, and gathers pieces of a word until a gap ends it."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._at = 0
        self._words: list[str] = []
        self._pieces: list[str] | None = None
        self._bare: list[str] = []
        self._begin = self._begin_of_token = 0

    def words(self) -> tuple[str, ...]:
        while self._at < len(self._text) and not self._is_over():
            self._begin_of_token = self._at
            token = _TOKEN.match(self._text, self._at)
            assert token is not None  # noqa: S101 - `rest` takes whatever is left
            self._at = token.end()
            self._take(token)
        self._finish_word()
        return tuple(self._words)

    def _is_over(self) -> bool:
        """Tell whether the command has ended; a comment is no more than a gap."""
        if self._pieces is None and self._text.startswith("#", self._at):
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end
        return self._at >= len(self._text)

    def _take(self, token: re.Match[str]) -> None:
        kind = token.lastgroup or ""
        value = token[kind]
        if kind in {"gap", "end", "operator"}:
            self._finish_word()
            if kind != "gap":
                self._end(value)
        elif kind == "double":
            self._double()
        elif kind in {"name", "braced"}:
            self._add(f"{_BEGIN}{value}{_END}")
        elif kind == "ansi":
            self._add(self._unescaped(value))
        elif kind == "plain":
            self._plain(value)
        elif kind == "rest":
            self._rest(value)
        elif kind != "joined":
            self._add(value)

    def _add(self, piece: str, *, bare: bool = False) -> None:
        if self._pieces is None:
            self._pieces, self._begin = [], self._begin_of_token
        self._pieces.append(piece)
        self._bare.append(piece if bare else _QUOTED_LETTER)

    def _plain(self, value: str) -> None:
        if value.endswith("^") and self._text.startswith(('"', "\n", "\r\n"), self._at):
            self._fail("this is written for the command prompt of Windows", "copy the request again, as cURL (bash)")
        self._add(value, bare=True)

    def _finish_word(self) -> None:
        if self._pieces is None:
            return
        if _BRACES.search("".join(self._bare)):
            self._begin_of_token = self._begin
            self._fail("a shell would make several words of these braces", "put quotes around the word")
        self._words.append("".join(self._pieces))
        self._pieces, self._bare = None, []

    def _end(self, value: str) -> None:
        """Accept the end of the command, and nothing behind it."""
        if value.strip("\r\n;"):
            if value in {"&&", "||"}:
                self._fail(*_ANOTHER)
            self._fail(*_WHY[value])
        if not self._words:
            if value == ";":
                self._fail(*_ANOTHER)
            return
        behind = re.compile(r"(?:[\s;]|#[^\n]*)*").match(self._text, self._at)
        self._begin_of_token = self._at = behind.end() if behind else self._at
        if self._at < len(self._text):
            self._fail(*_ANOTHER)

    def _double(self) -> None:
        self._add("")
        while match := _QUOTED.match(self._text, self._at):
            start, self._at = self._begin_of_token, match.end()
            kind = match.lastgroup or ""
            if kind == "close":
                return
            if kind in {"name", "braced"}:
                self._add(f"{_BEGIN}{match[kind]}{_END}")
            elif kind == "rest":
                self._begin_of_token = match.start()
                self._rest(match[kind])
                self._begin_of_token = start
            elif kind != "joined":
                self._add(match[kind])
        self._fail("a double quote is not closed", "close it, or quote it with a backslash")

    def _rest(self, value: str) -> None:
        """Take what no other token begins with: a lone `$` is a letter, everything else would have to be evaluated."""
        ahead = self._text[self._at : self._at + 1]
        if value == "`" and ahead in {"\n", "\r"}:
            self._fail("this is written for PowerShell", "copy the request again, as cURL (bash)")
        if value == "`":
            self._fail("a command in backticks would have to be run", _EVALUATED)
        if value == "$" and ahead == "(":
            self._fail("a command in $( ) would have to be run", _EVALUATED)
        if value == "$" and (ahead == "{" or ahead.isdigit() or (ahead and ahead in "@*#?!$-")):
            self._fail("this would have to be evaluated by a shell", _EVALUATED)
        if value == "'" or (value == "$" and ahead == "'"):
            self._fail("a single quote is not closed", "close it, or quote it with a backslash")
        if value == "\\":  # at the very end
            return
        self._add(value, bare=True)

    def _unescaped(self, value: str) -> str:
        """Undo the escapes of `$'...'` (ANSI-C quoting of bash); bytes that are written one by one are UTF-8."""
        if "\\" not in value:
            return value
        try:
            text = _ESCAPE.sub(_escape, value).encode("utf-8", "surrogateescape").decode("utf-8")
        except (UnicodeError, ValueError, OverflowError):
            self._fail("an escape in $'...' stands for no character", "write the character itself")
        if "\x00" in text or _BEGIN in text or _END in text:
            self._fail("an escape in $'...' stands for a character that may not stand in a command", "remove it")
        return text

    def _fail(self, message: str, hint: str) -> NoReturn:
        place = Source.of(self._file, self._text).place(self._begin_of_token)
        raise ImportFailed(Problem(str(place), message, hint))


def _escape(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    value = match[kind]
    if kind == "low":  # browsers write characters beyond U+FFFF as two of UTF-16
        return (bytes.fromhex(match["high"]) + bytes.fromhex(value)).decode("utf-16-be")
    if kind in {"short", "long"}:
        character = chr(int(value, 16))
        character.encode()  # half of a pair alone is no character
        return character
    if kind in {"hex", "octal"}:
        code = int(value, 16 if kind == "hex" else 8) & 0xFF
        return chr(code) if code < 0x80 else bytes([code]).decode("ascii", "surrogateescape")  # noqa: PLR2004 - ASCII's end
    if kind == "control":
        return chr(ord(value.upper()) & 0x1F)
    return _LETTERS.get(value, value if value in "\\'\"?" else f"\\{value}")
