"""Takes the credentials out of a pasted request: the best one becomes a security scheme, and the values are known from here on.

A connection has one credential. What else is secret becomes an input that is never shown, without an example.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from httptask.curl.bodies import secrets_in
from httptask.curl.command import Note
from httptask.curl.pasted import Pair, Pasted
from httptask.curl.paths import hook_secrets
from httptask.curl.shell import VARIABLE, lone_variable
from httptask.curl.signs import (
    Watch,
    goes_beside,
    is_key_in_query,
    is_secret_cookie,
    is_secret_header,
    looks_like_token,
)
from httptask.errors import ImportFailed, Problem

#: Each is searched for in everything else, in every form.
MOST_SECRETS = 100
AUTHORIZATION = "authorization"
COOKIE = "cookie"
#: Values of these are made for each request anew, or need a key that signs.
_SIGNED = re.compile(r"(?:digest|negotiate|ntlm|hawk|oauth|signature|mac|dpop|aws4-.*|.*hmac.*|.*sha256.*)\Z", re.IGNORECASE)
_WITH_WORD = re.compile(r"(?P<word>[A-Za-z][A-Za-z-]{0,19}) +(?P<rest>\S.*)", re.DOTALL)
_SUPPORTED = "supported: bearer tokens, user name with password, keys in a header, query parameter or cookie"


@dataclass(frozen=True, slots=True)
class Credential:
    """How requests are authorised, and where the credential is to be found.

    Attributes:
        name: of the security scheme.
        scheme: what provider.yaml says of it.
        variables: key of a connection's profile -> the environment variable that the command names, or None.
        suffix: end of the name of a variable that the command does not name.

    """

    name: str
    scheme: Mapping[str, Any]
    variables: Mapping[str, str | None]
    suffix: str


@dataclass(frozen=True, slots=True)
class Found:
    """A pasted request without its credential.

    Attributes:
        headers, query: what is left of them.
        secret_headers, secret_query: names of those that are secret too, header names in lower case.
        watch: finds the credentials in everything else.

    """

    credential: Credential | None
    headers: tuple[Pair, ...] = field(repr=False)
    query: tuple[Pair, ...] = field(repr=False)
    secret_headers: frozenset[str]
    secret_query: frozenset[str]
    watch: Watch
    notes: tuple[Note, ...]


def found_in(pasted: Pasted) -> Found:
    """Take the credential out of a request.

    Raises:
        ImportFailed: a credential that no connection can hold, or a variable that is only a part of one.

    """
    taking = _Taking(pasted)
    return taking.found()


class _Taking:
    """Looks at one place after the other; the first that holds a credential gives the connection's."""

    def __init__(self, pasted: Pasted) -> None:
        self._pasted = pasted
        self._headers = list(pasted.headers)
        self._query = list(pasted.query)
        self._credential: Credential | None = None
        self._values: list[str] = []
        self._secret_headers: set[str] = set()
        self._secret_query: set[str] = set()
        self._notes: list[Note] = []

    def found(self) -> Found:
        host = self._pasted.origin.partition("://")[2]
        self._values += [*self._pasted.secrets, *secrets_in(self._pasted.body or b""), *hook_secrets(self._pasted.path, host)]
        for take in (self._authorization, self._bearer, self._login, self._keys, self._cookies, self._keys_in_query):
            take()
        if len(set(self._values)) > MOST_SECRETS:
            message = f"it holds more than {MOST_SECRETS} passwords and tokens"
            raise ImportFailed(Problem("command", message, "paste a shorter body: one item of each list is enough"))
        return Found(
            self._credential,
            tuple(self._headers),
            tuple(self._query),
            frozenset(self._secret_headers),
            frozenset(self._secret_query),
            Watch(self._values),
            tuple(self._notes),
        )

    def _authorization(self) -> None:
        values = {value for name, value in self._headers if name.lower() == AUTHORIZATION}
        self._headers = [pair for pair in self._headers if pair[0].lower() != AUTHORIZATION]
        if len(values) > 1:
            raise ImportFailed(Problem("Authorization", "this header is given twice", "keep one of them"))
        for value in filter(None, values):
            match = _WITH_WORD.fullmatch(value)
            if _SIGNED.match(value.partition(" ")[0]) or re.search(r'\w="', value):
                message = "its value is made for each request anew, and no connection can hold it"
                raise ImportFailed(Problem("Authorization", message, _SUPPORTED))
            if match is None:
                self._use(_key("apiKey", "header", "Authorization", value), value)
            else:
                self._with_word(match["word"], match["rest"])

    def _with_word(self, word: str, rest: str) -> None:
        if word.lower() == "bearer":
            self._use(_bearer(rest), rest)
        elif word.lower() == "basic" and not lone_variable(rest):
            name, password = _decoded(rest)
            self._values.append(rest)
            self._basic(name, password)
        else:
            scheme = "apiToken" if word == "SSWS" else "apiKey"
            self._use(_key(scheme, "header", "Authorization", rest, prefix=f"{word} "), rest)

    def _bearer(self) -> None:
        if (token := self._pasted.bearer) is not None:
            self._use(_bearer(token), token)

    def _login(self) -> None:
        if self._pasted.login is not None:
            self._basic(*self._pasted.login)

    def _basic(self, name: str, password: str | None) -> None:
        """Take user name and password; None is one that curl asks for."""
        self._values.append(password or "")
        if password == "" or looks_like_token(name):
            self._values.append(name)
        if password != "":
            variables = {"username": _variable(name, "-u"), "password": _variable(password or "", "-u")}
            self._use(Credential("basicAuth", {"type": "http", "scheme": "basic"}, variables, ""))
            return
        # a profile's password cannot be empty, so that both are kept as they are sent
        credential = _key("apiKey", "header", "Authorization", "", prefix="Basic ")
        if self._use(credential):
            says = "the password is empty, so the variable holds what is sent: the base64 of the user name and a colon"
            self._notes.append(Note("secret", "-u", says))

    def _use(self, credential: Credential, value: str = "") -> bool:
        """Take a credential if it is the first, and know its value in any case."""
        self._values.append(value)
        if self._credential is None:
            self._credential = credential
            return True
        self._notes.append(Note("secret", credential.name, "a second credential in the same place; curl sends the first"))
        return False

    def _keys(self) -> None:
        """Take keys from headers by their names, or by the form of a value."""
        for name, value in list(self._headers):
            lower = name.lower()
            if lower == COOKIE or not (is_secret_header(name) or looks_like_token(value)):
                continue
            self._values.append(value)
            if self._credential is None and value and not goes_beside(name):
                self._credential = _key("apiKey", "header", name, value)
                self._headers = [pair for pair in self._headers if pair[0].lower() != lower]
            else:
                self._secret_headers.add(lower)

    def _cookies(self) -> None:
        """Take the one secret cookie, or the whole header where there are several."""
        header = "; ".join(value for name, value in self._headers if name.lower() == COOKIE)
        cookies = [(name, value) for name, _, value in (part.strip().partition("=") for part in header.split(";")) if name]
        secret = [(name, value) for name, value in cookies if value and is_secret_cookie(name, value)]
        if not secret:
            return
        self._values += [value for _, value in secret]
        if self._credential is not None:
            self._secret_headers.add(COOKIE)
            return
        rest = [pair for pair in self._headers if pair[0].lower() != COOKIE]
        if len(secret) == 1:
            self._credential = _key("cookieAuth", "cookie", *secret[0])
            plain = "; ".join(f"{name}={value}" for name, value in cookies if (name, value) not in secret)
            self._headers = [*rest, ("Cookie", plain)] if plain else rest
        else:
            name = lone_variable(header)
            self._credential = Credential("cookieAuth", _scheme("header", "Cookie"), {"token": name}, "COOKIE")
            self._headers = rest
            self._notes.append(Note("secret", "Cookie", "the variable holds the whole header: all cookies together"))

    def _keys_in_query(self) -> None:
        secret = [(name, value) for name, value in self._query if is_key_in_query(name, value) or looks_like_token(value)]
        for name, value in secret:
            self._values.append(value)
            signs = re.search(r"sig|hmac|code", name, re.IGNORECASE) is not None
            if self._credential is None and value and not signs and [key for key, _ in self._query].count(name) == 1:
                self._credential = _key("apiKey", "query", name, value)
                self._query.remove((name, value))
            else:
                self._secret_query.add(name)


def _bearer(token: str) -> Credential:
    return Credential("bearerAuth", {"type": "http", "scheme": "bearer"}, {"token": _variable(token, "Bearer")}, "TOKEN")


def _key(scheme: str, place: str, name: str, value: str, *, prefix: str = "") -> Credential:
    suffix = "TOKEN" if name == "Authorization" else "COOKIE" if place == "cookie" else "API_KEY"
    return Credential(scheme, _scheme(place, name, prefix), {"token": _variable(value, name)}, suffix)


def _scheme(place: str, name: str, prefix: str = "") -> Mapping[str, Any]:
    return {"type": "apiKey", "in": place, "name": name, **({"prefix": prefix} if prefix else {})}


def _variable(value: str, where: str) -> str | None:
    """Return the variable that a credential is, if it is one.

    Raises:
        ImportFailed: a variable is only a part of it.

    """
    name = lone_variable(value)
    if name is None and VARIABLE.search(value):
        hint = 'let one variable hold the whole credential, as in -H "Authorization: Bearer $TOKEN"'
        raise ImportFailed(Problem(where, "a variable is only a part of the credential", hint))
    return name


def _decoded(text: str) -> Pair:
    """Return user name and password of `Basic`; what cannot be read is taken for the password."""
    try:
        name, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", text
    return name, password
