"""Secret values as a type, and the one Redactor that everything shown or stored passes through."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASK = "***"
SENSITIVE_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "dpop", "x-api-key", "api-key", "apikey", "x-auth-token"}
)
#: A value shorter than this is masked in its own slot only: searching for it in text would mask half of every page.
SHORTEST_SEARCHED = 6
_OF_A_NUMBER = re.compile(r"[0-9.e+-]+")
_URL_SAFE = str.maketrans("+/", "-_")


class Secret:
    """A value that shows itself to nobody: no `str`, no JSON, no pickle, a masked `repr`.

    `reveal()` is the one way out and is called where bytes go to the wire. `derive()` builds a secret from a secret,
    so that a prefix or an encoding keeps the mark.
    """

    __slots__ = ("__roots", "__value", "reference")

    def __init__(self, value: str, *, reference: str = "", roots: tuple[str, ...] = ()) -> None:
        """Wrap a value; `reference` (`env:NAME`, `file:PATH`) is what may be shown instead."""
        self.__value = value
        self.__roots = roots or (value,)
        self.reference = reference

    def reveal(self) -> str:
        """Return the value itself, for the wire only."""
        return self.__value

    def derive(self, build: Callable[[str], str]) -> Secret:
        """Return a secret built from this one, for example `SSWS ` before a token."""
        return Secret(build(self.__value), reference=self.reference, roots=self.parts())

    def parts(self) -> tuple[str, ...]:
        """Return every text that must not be shown: the value and what it was built from."""
        return tuple(dict.fromkeys((self.__value, *self.__roots)))

    def __repr__(self) -> str:
        """Return the reference, never the value."""
        return f"Secret({self.reference or MASK})"

    def __str__(self) -> NoReturn:
        """Refuse: text made from a secret would lose its mark."""
        raise TypeError("a Secret has no text form; use reveal() at the wire or derive() to build on it")

    def __format__(self, spec: str) -> NoReturn:
        """Refuse, as `__str__` does."""
        raise TypeError("a Secret cannot be formatted into text; use derive()")

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied into another process."""
        raise TypeError("a Secret cannot be pickled; pass its reference instead")

    def __eq__(self, other: object) -> bool:
        """Compare by value, with another Secret only."""
        return isinstance(other, Secret) and self.__value == other.reveal()

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self.__value)


class Redactor:
    """Masks known secrets in text: by header name, and by value in each form a value may take on its way out."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        """Prepare the search, longest first so that a whole value is masked before a part of it."""
        texts = {form for secret in secrets for part in secret.parts() for form in _forms(part)}
        longest_first = sorted((text for text in texts if len(text) >= SHORTEST_SEARCHED), key=lambda text: (-len(text), text))
        self._search = re.compile("|".join(map(_pattern, longest_first))) if longest_first else None
        self._in_numbers = any(_OF_A_NUMBER.fullmatch(text) for text in longest_first)

    def text(self, value: str) -> str:
        """Return the text with every known secret replaced by the mask."""
        return self._search.sub(MASK, value) if self._search else value

    def header(self, name: str, value: str | Secret) -> str:
        """Return a header value fit to be shown."""
        if isinstance(value, Secret) or name.lower() in SENSITIVE_HEADERS:
            return MASK
        return self.text(value)

    def json(self, value: object) -> object:
        """Return a JSON value with secrets masked in every string, number and key."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Secret):
            return MASK
        if isinstance(value, dict):
            return {self.text(str(key)): self.json(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(item) for item in value]
        return self._number(value) if self._in_numbers and type(value) in {int, float} else value

    def _number(self, value: object) -> object:
        """Return the mask for a number that spells a secret: a server may send back a token of digits without quotes."""
        spelled = repr(value)
        return value if self.text(spelled) == spelled else MASK


def _forms(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    encoded = {base64.b64encode(raw).decode("ascii").rstrip("="), *(_inside_base64(raw, before) for before in range(3))}
    return {value, raw.hex(), raw.hex().upper(), *encoded, *(text.translate(_URL_SAFE) for text in encoded)}


def _inside_base64(raw: bytes, before: int) -> str:
    """Return the characters that bytes alone decide in the base64 of a longer body, `before` bytes after a boundary of three."""
    encoded = base64.b64encode(bytes(before) + raw).decode("ascii")
    return encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


def _pattern(text: str) -> str:
    """Return an expression for the text in which each character may be raw or escaped: no two encoders escape the same set."""
    return "".join(map(_character, text))


def _character(character: str) -> str:
    if character.isascii() and (character.isalnum() or character in "-._~"):
        return re.escape(character)
    percent = "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
    units = character.encode("utf-16-be", "surrogatepass").hex()
    in_json = "".join("\\\\u" + units[start : start + 4] for start in range(0, len(units), 4))
    # the short escape comes before the bare backslash or quote, which would match half of it
    spellings = [json.dumps(character)[1:-1], "\\" + character, character, html.escape(character)]
    if character == " ":
        spellings.append("+")
    return f"(?:(?i:{percent}|{in_json})|{'|'.join(re.escape(spelling) for spelling in dict.fromkeys(spellings))})"
