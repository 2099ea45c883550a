"""Words of a POSIX shell: any text, with variables in it, as exactly one argument."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

from httptask.export.subject import Encoding, Reference, Text, Variable

#: What stands for itself between double quotes; `!` does not in an interactive shell.
_PLAIN = re.compile(r"[ #%&'()*+,\-./0-9:;<=>?@A-Z\[\]^_a-z{|}~]*")
_IN_NAME = re.compile(r"[A-Za-z0-9_]")
#: A function for each encoding but `raw` and `json`, byte by byte: no tool does it alike everywhere.
_FUNCTIONS: dict[Encoding, tuple[str, str]] = {
    "percent": (
        "percent",
        """\
percent() {
  printf %s "$1" | LC_ALL=C od -An -v -tu1 | LC_ALL=C awk '{ for (i = 1; i <= NF; i++)
    printf($i < 128 && sprintf("%c", $i + 0) ~ /[A-Za-z0-9._~-]/ ? "%c" : "%%%02X", $i + 0) }'
}""",
    ),
    "jsonString": (
        "json_string",
        """\
json_string() {
  printf %s "$1" | LC_ALL=C od -An -v -tu1 | LC_ALL=C awk 'BEGIN {
    s[8] = "b"; s[9] = "t"; s[10] = "n"; s[12] = "f"; s[13] = "r"; s[34] = "\\""; s[92] = "\\\\" }
    { for (i = 1; i <= NF; i++) if ($i in s) printf("\\\\%s", s[$i]); else printf($i < 32 ? "\\\\u%04x" : "%c", $i + 0) }'
}""",
    ),
}


def functions(references: Iterable[Reference]) -> list[str]:
    """Return the functions that the encodings of these references need, once each."""
    needed = dict.fromkeys(reference.encoding for reference in references)
    return [_FUNCTIONS[encoding][1] for encoding in needed if encoding in _FUNCTIONS]


def word(text: Text) -> str:
    """Return a text as one word: between double quotes where all of it may stand there, else piece by piece."""
    if text.literal is not None:
        return shlex.quote(text.literal)
    if all(_PLAIN.fullmatch(piece) for piece in text.literals):
        return f'"{"".join(_within(text))}"'
    return "".join(shlex.quote(piece) if isinstance(piece, str) else f'"{_value(piece)}"' for piece in text.pieces)


def guard(variables: Iterable[Variable]) -> str:
    """Return a command that fails, and says of which variable, if one of them is not set; empty without any."""
    tests = [f'"${{{item.name}{"?" if item.may_be_empty else ":?"}}}"' for item in variables]
    return f": {' '.join(tests)} &&" if tests else ""


def comments(variables: Sequence[Variable]) -> list[str]:
    """Return a line for each variable that says what belongs into it."""
    commands = (f"; {item.name}=$({_line(item.command)})" if item.command else "" for item in variables)
    return [comment(f"{item.name}: {item.holds}") + command for item, command in zip(variables, commands, strict=True)]


def comment(text: str) -> str:
    """Return a text as a comment of one line, without quotes: a shell that takes it for a command would wait for their end."""
    return "# " + _line(re.sub(r"[^ -~\s]|[\"'`$\\!]", "", text))


def _line(text: str) -> str:
    return " ".join(text.split())


def _within(text: Text) -> Iterable[str]:
    """Yield the pieces as they stand between double quotes; a name that a letter follows needs braces."""
    for piece, following in zip(text.pieces, (*text.pieces[1:], ""), strict=True):
        if isinstance(piece, str):
            yield piece
        else:
            yield _value(piece, braces=isinstance(following, str) and _IN_NAME.match(following) is not None)


def _value(reference: Reference, *, braces: bool = False) -> str:
    name = reference.variable.name
    plain = f"${{{name}}}" if braces else f"${name}"
    function = _FUNCTIONS.get(reference.encoding)
    return plain if function is None else f'$({function[0]} "{plain}")'
