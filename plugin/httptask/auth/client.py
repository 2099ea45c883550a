"""How an OAuth client says who it is at the token endpoint: with a secret, or with a JWT signed by its private key."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import quote_plus

from httptask.identity import new_jwt_id
from httptask.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from httptask.auth.jwt import SigningKey

#: Form fields in order; a secret stays one until the form is written.
Form = tuple[tuple[str, "str | Secret"], ...]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Kind = Literal["clientSecret", "privateKey"]
#: Seconds. Okta refuses an hour and more; a short one also bears a clock that is some minutes fast.
ASSERTION_LIFETIME = 300


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a client adds to one token request: form fields, and the Authorization header if it uses it."""

    fields: Form
    header: Secret | None = None


class Client(Protocol):
    """A way to authenticate a client (RFC 6749 section 2.3)."""

    @property
    def kind(self) -> Kind:
        """The key of a profile that holds its secret: what to mend differs by it."""
        ...

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What must not be shown."""
        ...

    def introduce(self, audience: str, now: float) -> Introduction:
        """Return what one request to the token endpoint `audience` carries; never used for a second one."""
        ...


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """Client id and secret: in the header (`client_secret_basic`), or in the form (`client_secret_post`)."""

    client_id: str
    secret: Secret
    in_form: bool = False

    @property
    def kind(self) -> Kind:
        """A secret."""
        return "clientSecret"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secret, and the header made of it."""
        return (self.secret, self.secret.derive(self._basic))

    def introduce(self, audience: str, now: float) -> Introduction:  # noqa: ARG002 - the same for every request
        """Return id and secret."""
        if self.in_form:
            return Introduction((("client_id", self.client_id), ("client_secret", self.secret)))
        return Introduction((), self.secret.derive(self._basic))

    def _basic(self, secret: str) -> str:
        """Encode both as RFC 6749 section 2.3.1 asks, which plain Basic does not: percent-encoded first."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(secret)}"
        return "Basic " + base64.b64encode(pair.encode()).decode("ascii")


@dataclass(frozen=True, slots=True)
class PrivateKeyJwt:
    """A signed assertion (RFC 7523 section 2.2, `private_key_jwt`): a new one, with a new `jti`, for each request.

    `secret` is the key's text, for the Redactor.
    """

    client_id: str
    key: SigningKey
    secret: Secret
    new_id: Callable[[], str] = new_jwt_id

    @property
    def kind(self) -> Kind:
        """A key."""
        return "privateKey"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The private key."""
        return (self.secret,)

    def introduce(self, audience: str, now: float) -> Introduction:
        """Return an assertion for this audience that is valid for five minutes from `now`, in epoch seconds."""
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "iat": int(now),
            "exp": int(now) + ASSERTION_LIFETIME,
            "jti": self.new_id(),
        }
        assertion = Secret(self.key.sign(claims), reference="client assertion")
        return Introduction((("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)))
