"""Secret values as a type, and the one Redactor that everything shown or stored passes through."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import unquote_plus

from httptask.secret_search import SHORTEST_SEARCHED, SecretSearch, VerbatimSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

MASK = "***"
#: Stands where a text was cut to a length, so that what is left of a secret there is found.
CUT = "…"
SENSITIVE_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "dpop", "x-api-key", "api-key", "apikey", "x-auth-token"}
)
#: Ends of header names that hold a credential whatever comes before: `X-Vault-Token`, `X-Amz-Security-Token`.
_SENSITIVE_HEADER = re.compile(r"(?:^|[-_])(?:token|secret|password|api-?key|signature|assertion)$", re.IGNORECASE)
#: Field names of JSON bodies and URL queries that hold a credential, without case, `_` and `-`: RFC 6749 and 7523, RFC 7517
#: would add one letter (`d`), which is too short a name to tell; then the words that APIs use.
SENSITIVE_FIELDS = frozenset(
    {"accesstoken", "refreshtoken", "idtoken", "token", "clientsecret", "clientassertion", "assertion", "apikey", "apitoken"}
    | {"password", "passwd", "passphrase", "secret", "sharedsecret", "secretkey", "privatekey", "privatekeypem", "authorization"}
    | {"newpassword", "oldpassword", "sessiontoken", "bearertoken", "authtoken", "recoverytoken", "activationtoken", "credential"}
)
#: A named value in text that is no JSON: `access_token=...` in forms and URLs, `"access_token": "..."` in a cut-off body.
_NAMED = re.compile(
    r"""(?<![\w-])(?P<name>["']?[A-Za-z][A-Za-z_-]{2,40}["']?)(?P<sign>\s*=\s*|(?<=["'])\s*:\s*)"""
    r"""(?P<value>"(?:\\.|[^"\\])+|'(?:\\.|[^'\\])+|[^\s"'&;,<>]+)"""
)
#: A credential after its scheme word (RFC 9110 section 11.4), which has a digit, unlike words and parameters such as realm="x".
_AFTER_SCHEME = re.compile(r"\b(Bearer|SSWS|Basic|DPoP)(\s+)(?P<value>(?=[^\s\"]*\d)[\w.~+/-]{12,}=*)(?![\w\"=])", re.IGNORECASE)
#: A scheme word before a credential: it says how the credential is sent, and is shown.
_SCHEME_WORD = re.compile(r"(?:Bearer|SSWS|Basic|DPoP) (?=.)", re.IGNORECASE)

#: Values of servers' answers that a Redactor looks for, the latest: each costs a pass over every text.
MOST_VERBATIM = 500

#: A server chooses the names of fields, and must not choose how much memory is spent on remembering them.
LONGEST_REMEMBERED = 64


class Secret:
    """A value that shows itself to nobody: no `str`, no JSON, no pickle, a masked `repr`.

    `reveal()` is the one way out and is called where bytes go to the wire. `derive()` builds a secret from a secret,
    so that a prefix or an encoding keeps the mark.
    """

    __slots__ = ("__roots", "__value", "reference", "verbatim")

    def __init__(self, value: str, *, reference: str = "", roots: tuple[str, ...] = (), verbatim: bool = False) -> None:
        """Wrap a value.

        Args:
            value: what is secret.
            reference: what may be shown instead (`env:NAME`, `file:PATH`).
            roots: what the value was built from.
            verbatim: it came with a server's answer, and the Redactor looks for it as it stands and in no other form.

        """
        self.verbatim = verbatim
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
        """Prepare the search."""
        known = tuple(dict.fromkeys(sorted(secrets, key=lambda secret: secret.verbatim)))
        own = tuple(secret for secret in known if not secret.verbatim)
        answered = tuple(secret for secret in known if secret.verbatim)[-MOST_VERBATIM:]
        self._secrets = (*own, *answered)
        self._search = SecretSearch(part for secret in own for part in secret.parts())
        self._verbatim = VerbatimSearch(secret.reveal() for secret in answered)

    def extended(self, secrets: Iterable[Secret]) -> Redactor:
        """Return a redactor that knows these secrets too."""
        more = tuple(secrets)
        return Redactor((*self._secrets, *more)) if more else self

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is looked for."""
        return self._secrets

    @property
    def unsearched(self) -> tuple[str, ...]:
        """References of secrets that are too short to be searched for and are masked in their own slot only."""
        return tuple(
            secret.reference for secret in self._secrets if any(len(part) < SHORTEST_SEARCHED for part in secret.parts())
        )

    def text(self, value: str) -> str:
        """Return the text with every known secret replaced by the mask, long pieces and one cut off at a `CUT` included."""
        return self._verbatim.masked(self._search.masked(value, mask=MASK, cut=CUT), mask=MASK, cut=CUT)

    def free(self, value: str) -> str:
        """Return text of any origin (a log line, a traceback, a cut-off body), what its own names call a secret masked too."""
        text = _AFTER_SCHEME.sub(rf"\1\2{MASK}", self.text(value))
        return _NAMED.sub(lambda match: _without_value(match) if is_sensitive_field(match["name"]) else match[0], text)

    def url(self, value: str, names: Collection[str] = ()) -> str:
        """Return a URL fit to be shown: values of query parameters with these or with sensitive names are masked."""
        path, mark, query = self.text(value).partition("?")
        pairs = (part.partition("=") for part in query.split("&"))
        shown = (name + sign + (MASK if _is_masked(unquote_plus(name), names) else text) for name, sign, text in pairs)
        return path + mark + "&".join(shown)

    def cut_off(self, value: str) -> str:
        """Return text that was cut off, as `free` does, with a secret masked too of which only the beginning is left."""
        return self.free(value + CUT).removesuffix(CUT)

    def header(self, name: str, value: str | Secret) -> str:
        """Return a header value fit to be shown: of a credential no more than its scheme word."""
        credential = credential_of(name, value)
        return self.free(str(value)) if credential is None else credential[0] + MASK

    def body(self, value: object) -> object:
        """Return a JSON body fit to be shown: known secrets masked, and what stands in fields with sensitive names."""
        if isinstance(value, dict):
            return {
                self.text(str(key)): MASK if is_sensitive_field(str(key)) and not is_blank(item) else self.body(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.body(item) for item in value]
        return self.json(value)

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
        in_numbers = self._search.in_numbers or self._verbatim.in_numbers
        return self._number(value) if in_numbers and type(value) in {int, float} else value

    def _number(self, value: object) -> object:
        """Return the mask for a number that spells a secret: a server may send back a token of digits without quotes."""
        spelled = repr(value)
        return value if self.text(spelled) == spelled else MASK


def is_sensitive_header(name: str) -> bool:
    """Tell whether a header of this name holds a credential."""
    return name.lower() in SENSITIVE_HEADERS or _SENSITIVE_HEADER.search(name) is not None


def credential_of(name: str, value: str | Secret) -> tuple[str, str] | None:
    """Return what a header holds if it holds a credential: its scheme word, which is shown, and the rest, which is not."""
    if not (isinstance(value, Secret) or is_sensitive_header(name)):
        return None
    text = value.reveal() if isinstance(value, Secret) else value
    word = _SCHEME_WORD.match(text)
    return (word[0], text[word.end() :]) if word else ("", text)


def named_values(text: str) -> list[tuple[int, int]]:
    """Return where text that is no JSON holds values which its own names or scheme words call secret, in order."""
    found = [match.span("value") for match in _AFTER_SCHEME.finditer(text)]
    for match in _NAMED.finditer(text):
        start, end = match.span("value")
        start += text[start] in "\"'"
        if is_sensitive_field(match["name"]) and not any(start < last and first < end for first, last in found):
            found.append((start, end))
    return sorted(found)


def is_sensitive_field(name: str) -> bool:
    """Tell whether a field of this name holds a credential in every API that has one."""
    return _is_sensitive(name) if len(name) > LONGEST_REMEMBERED else _is_sensitive_again(name)


def _is_sensitive(name: str) -> bool:
    return name.strip("\"'").lower().replace("_", "").replace("-", "") in SENSITIVE_FIELDS


#: Each answer of an API has the same few names.
_is_sensitive_again = lru_cache(maxsize=1024)(_is_sensitive)


def is_blank(value: object) -> bool:
    """Tell whether a value says nothing secret by itself: null, true, false, and what is empty."""
    return value is None or isinstance(value, bool) or value in ("", [], {})


def _is_masked(name: str, names: Collection[str]) -> bool:
    return name in names or is_sensitive_field(name)


def _without_value(match: re.Match[str]) -> str:
    quote = match["value"][0] if match["value"][0] in "\"'" else ""
    return match["name"] + match["sign"] + quote + MASK
