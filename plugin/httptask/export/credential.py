"""A connection's credential as references: the schemes that were given it whole, and those that get or make one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from httptask.auth.basic import Basic
from httptask.export.subject import Login, Note, Reference, Text
from httptask.secrets import Secret, credential_of

if TYPE_CHECKING:
    from httptask.export.naming import Variables
    from httptask.export.subject import Variable
    from httptask.model import Connection, TaskTemplate

_PROOF = "dpop"


@dataclass(frozen=True, slots=True)
class Credential:
    """Writes what the connection's scheme puts into a request."""

    template: TaskTemplate
    connection: Connection
    variables: Variables

    @property
    def login(self) -> Login | None:
        """User name and password, if the scheme is HTTP Basic."""
        auth = self.connection.auth
        if not isinstance(auth, Basic):
            return None
        name = (
            Text.of(auth.username)
            if isinstance(auth.username, str)
            else Text.of(Reference(self._given(auth.username, "USERNAME")))
        )
        return Login(name, Reference(self._given(auth.password, "PASSWORD")))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What must be known of a credential that is not given whole."""
        auth = self.connection.auth
        if auth is None or not auth.endpoints:
            return ()
        token = Note("hint", "httptask asks for an access token when it sends; here it must be asked for before, and it ends")
        if _PROOF not in auth.headers:
            return (token,)
        proof = "where the server demands DPoP, a token needs a proof for each request, which httptask signs anew and this cannot"
        return (token, Note("loss", proof))

    def header(self, name: str, value: Secret, before: Text | None) -> Text:
        """Return the value of a header that the scheme sets; `before` is the one that the task gave it, as to Cookie."""
        if name.lower() == _PROOF:
            holds = "a DPoP proof for this one request, signed with the key that the token is bound to"
            return Text.of(Reference(self.variables.derived("DPOP_PROOF", holds)))
        if self.connection.auth is not None and self.connection.auth.endpoints:
            word, _ = credential_of(name, value) or ("", "")
            return Text.of(word, Reference(self.variables.derived("TOKEN", self._derived())))
        prefix = _prefix(value)
        if before is None:
            return Text.of(prefix, Reference(self._given(value, "TOKEN")))
        separator, own = prefix.rpartition("; ")[1:]
        return before + Text.of(separator, own, Reference(self._given(value, "TOKEN")))

    def query(self, value: Secret) -> Text:
        """Return the value of a query parameter that the scheme sets, as it stands in the URL."""
        return Text.of(quote(_prefix(value), safe=""), Reference(self._given(value, "TOKEN"), "percent"))

    def _given(self, secret: Secret, what: str) -> Variable:
        return self.variables.credential(secret.reference, self.connection, what)

    def _derived(self) -> str:
        auth = self.connection.auth
        endpoints = ", ".join(auth.endpoints) if auth else ""
        scopes = ", ".join(self.template.scopes_for(auth.scheme)) if auth else ""
        return f"an access token from {endpoints}" + (f" that allows {scopes}" if scopes else "")


def _prefix(value: Secret) -> str:
    """Return what a scheme wrote before the credential itself."""
    text = value.reveal()
    root = next((part for part in value.parts()[1:] if part and text.endswith(part)), text)
    return text[: len(text) - len(root)]
