"""`okta.yaml`, the configuration file of Okta's own clients, so that what their users already have works unchanged.

Keys and order (the home file below the project's) are those of Okta's SDKs, under "Configuration reference" in the README of
okta-sdk-python. Unlike there, one file speaks alone: its base URL and its credential are never mixed with another file's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from httptask import credentials
from httptask.auth import auth_for
from httptask.baseurl import check_base_url
from httptask.errors import ConfigurationError, Problem, TemplateInvalid
from httptask.model import Connection
from httptask.secrets import Secret
from httptask.surroundings import read_regular

if TYPE_CHECKING:
    from httptask.model import Provider
    from httptask.places import Document
    from httptask.ports import Auth

LARGEST_FILE = 1024 * 1024
PRIVATE_KEY_MODE = "PrivateKey"
_CLIENT = ("okta", "client")
_SPEAKING = ("orgUrl", "token", "clientId", "privateKey")


@dataclass(frozen=True, slots=True)
class ServiceApp:
    """What a file says about a service app that proves itself with a private key (client credentials, private_key_jwt).

    `private_key` is PEM text, the path of a PEM file, or a JWK as JSON; a path starts at `folder`.
    """

    client_id: str | None
    scopes: tuple[str, ...]
    private_key: Secret | None
    key_id: str | None
    folder: Path


@dataclass(frozen=True, slots=True)
class OktaYaml:
    """What one file says under `okta.client`. `written` is its path as people write it; `places` leads to each key's line."""

    written: str
    org_url: str | None
    token: Secret | None
    mode: str | None
    app: ServiceApp
    retry: Mapping[str, Any]
    places: Mapping[str, str] = field(repr=False)

    def where(self, key: str) -> str:
        """Return `file:line:column` of a key, or the file where the key is absent."""
        return self.places.get(key, self.written)


def find(written: tuple[str, ...], locate: Callable[[str], Path]) -> OktaYaml | None:
    """Return the file that decides: the last of those that name a base URL or a credential; None when none does.

    Raises:
        ConfigurationError: a file that cannot be read, or a key of the wrong type, with file, line and column.

    """
    for name in reversed(written):
        found = read(locate(name), name)
        if found is not None:
            return found
    return None


def read(file: Path, written: str) -> OktaYaml | None:
    """Read one file; None when it is not there or names neither a base URL nor a credential.

    Raises:
        ConfigurationError: as `find`.

    """
    document = _document(file, written)
    client = _client(document) if document else None
    if document is None or client is None or not any(client.given(key) for key in _SPEAKING):
        return None
    reference = f"file {written}"
    found = OktaYaml(
        written,
        client.text("orgUrl"),
        client.secret("token", reference),
        client.text("authorizationMode"),
        ServiceApp(client.text("clientId"), client.words("scopes"), client.key(reference), client.text("kid"), file.parent),
        client.retry(),
        {key: str(document.place((*_CLIENT, key))) for key in client.values},
    )
    client.finish()
    return found


def connection(provider: Provider, file: OktaYaml, *, resolves: bool = True) -> Connection:
    """Return the connection that a file describes; without `resolves` one to be listed, whose key is not read.

    Raises:
        ConfigurationError: half a connection, a base URL that may not get a credential, or a mode that does not fit.

    """
    app = file.app
    if not file.mode and file.token and app.private_key:
        raise ConfigurationError(credentials.ambiguous(file.where("privateKey"), "okta.client.authorizationMode"))
    by_key = (file.mode or "").lower() == PRIVATE_KEY_MODE.lower() or (not file.mode and not file.token and bool(app.private_key))
    credential = {"clientId": app.client_id, "privateKey": app.private_key} if by_key else {"token": file.token}
    given = {"orgUrl": file.org_url is not None, **{key: value is not None for key, value in credential.items()}}
    if missing := [f"okta.client.{key}" for key, is_given in given.items() if not is_given]:
        message = f"{' and '.join(missing)} is missing: base URL and credential come from one source"
        hint = "add it to this file, or take this file's part out and use another source; two files are never mixed"
        raise ConfigurationError(Problem(file.written, message, hint))
    base_url = check_base_url(file.org_url or "", provider_id=provider.id, where=file.where("orgUrl"))
    auth = _key_auth(provider, file, base_url, resolves=resolves) if by_key else _token_auth(provider, file)
    return Connection(file.written, base_url, auth, retry=file.retry, source=f"the file {file.written}")


def _key_auth(provider: Provider, file: OktaYaml, base_url: str, *, resolves: bool) -> Auth | None:
    app = file.app
    values = {
        "authorizationMode": PRIVATE_KEY_MODE,
        "clientId": app.client_id,
        "privateKey": _key_text(file) if resolves else app.private_key,
        "keyId": app.key_id,
        "scopes": list(app.scopes) or None,
    }
    given = {key: value for key, value in values.items() if value is not None}
    places = {**file.places, "keyId": file.where("kid")}
    source = credentials.Source(base_url, _no_reference, file.written, resolves, places)
    return credentials.build_auth(provider, given, source)


def _no_reference(_text: str, where: str) -> Secret:
    raise ConfigurationError(Problem(where, "references are not read in this file", "put the value there, or use a profile"))


def _key_text(file: OktaYaml) -> Secret | None:
    """Return the key itself: what stands in the file, or the text of the PEM file that it names."""
    key = file.app.private_key
    if key is None or not credentials.is_path(key.reveal()):
        return key
    try:
        raw = read_regular(file.app.folder / Path(key.reveal()).expanduser(), LARGEST_FILE)
        return Secret(raw.decode("ascii"), reference=key.reference)
    except (OSError, ValueError, RuntimeError):  # the last for the home folder of a user that there is not
        message = "this is neither PEM text nor a JWK nor the path of a file"
        hint = "give the key with its BEGIN and END lines, or the path of its file"
        raise ConfigurationError(Problem(file.where("privateKey"), message, hint)) from None


def _token_auth(provider: Provider, file: OktaYaml) -> Auth:
    token = file.token or Secret("")
    if "{" in token.reveal():
        raise ConfigurationError(Problem(file.where("token"), "the token still holds a placeholder", "put your own token there"))
    return auth_for(provider, None, secret=token, mode=file.mode, where=file.where("authorizationMode"))


def _document(file: Path, written: str) -> Document | None:
    from httptask.documents import parse

    try:
        raw = read_regular(file, LARGEST_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        raise ConfigurationError(Problem(written, "the file cannot be read", "check that you may read it")) from None
    if len(raw) > LARGEST_FILE:
        raise ConfigurationError(Problem(written, "the file is larger than 1 MB", "this is no configuration file"))
    if not raw.strip():
        return None
    try:
        return parse(raw, file=written)
    except TemplateInvalid as error:
        # the reader's own words may repeat a part of the file, and the file holds a token
        problems = [Problem(problem.where, "the file is not valid YAML", problem.hint) for problem in error.problems]
        raise ConfigurationError(problems) from None


def _client(document: Document) -> _Client | None:
    values: Any = document.data
    for depth, key in enumerate(_CLIENT, start=1):
        values = values.get(key) if isinstance(values, dict) else None
        if values is None:
            return None
        if not isinstance(values, dict):
            place = str(document.place(_CLIENT[:depth]))
            raise ConfigurationError(
                Problem(place, f"`{'.'.join(_CLIENT[:depth])}` must be a mapping", "indent its keys below it")
            )
    return _Client(document, values)


class _Client:
    """Reads the keys under `okta.client` one by one and keeps what is wrong with each. Unknown keys are none of our business."""

    def __init__(self, document: Document, values: Mapping[str, Any]) -> None:
        self.document = document
        self.values = values
        self.problems: list[Problem] = []

    def given(self, key: str) -> bool:
        """Tell whether a key has a value; the clients' own sample files have empty ones."""
        return self.values.get(key) not in (None, "")

    def text(self, key: str) -> str | None:
        if not self.given(key):
            return None
        value = self.values[key]
        if not isinstance(value, str):
            self.refuse(key, "this must be a text", "put it in quotes")
            return None
        return value

    def secret(self, key: str, reference: str) -> Secret | None:
        value = self.text(key)
        return None if value is None else Secret(value, reference=reference)

    def key(self, reference: str) -> Secret | None:
        value = self.values.get("privateKey")
        if isinstance(value, dict):  # a JWK written out as YAML
            return Secret(json.dumps(value), reference=reference)
        return self.secret("privateKey", reference)

    def words(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key) or []
        words = value.replace(",", " ").split() if isinstance(value, str) else value
        if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
            self.refuse(key, "this must be a list of texts", "write one scope per line, with a dash before it")
            return ()
        return tuple(words)

    def retry(self) -> dict[str, Any]:
        """Return the retry fields: `requestTimeout` in seconds (0 is none), and retries after the first attempt."""
        found: dict[str, Any] = {}
        if timeout := self._number(self.values, "requestTimeout", int | float):
            found["readTimeout"] = timeout
        limits = self.values.get("rateLimit")
        if isinstance(limits, dict) and limits.get("maxRetries") is not None:
            found["maxAttempts"] = self._number(limits, "maxRetries", int, "rateLimit") + 1
        return found

    def _number(self, values: Mapping[str, Any], key: str, kind: Any, *above: str) -> Any:
        value = values.get(key)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, kind) or value < 0:
            self.refuse((*above, key), "this must be a number, 0 or more", "write it without quotes and unit")
            return 0
        return value

    def refuse(self, key: str | tuple[str, ...], message: str, hint: str) -> None:
        path = (key,) if isinstance(key, str) else key
        self.problems.append(Problem(str(self.document.place((*_CLIENT, *path))), f"{path[-1]}: {message}", hint))

    def finish(self) -> None:
        if self.problems:
            raise ConfigurationError(self.problems)
