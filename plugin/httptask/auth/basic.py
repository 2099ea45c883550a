"""User name and password as `Authorization: Basic` (RFC 7617), always in UTF-8."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from httptask.auth.static import GivenWhole
from httptask.errors import ConfigurationError, Problem
from httptask.secrets import Secret

if TYPE_CHECKING:
    from httptask.message import Request


@dataclass(frozen=True, slots=True)
class Basic(GivenWhole):
    """Sends a user name, secret or not, and a password.

    Raises:
        ConfigurationError: one of them cannot be sent, or the name holds the colon that ends it (RFC 7617 section 2).

    """

    scheme: str
    username: str | Secret
    password: Secret

    def __post_init__(self) -> None:
        """Check both before they are used anywhere."""
        name = _clear(self.username)
        problems = [
            Problem(where, "the credential holds a line break or a control character", "store it alone, on one line")
            for where, text in ((_place(self.username), name), (_place(self.password), self.password.reveal()))
            if not text.isprintable()
        ]
        if ":" in name:
            problems.append(Problem(_place(self.username), "a user name cannot hold a colon", "check name and password"))
        if not name and not self.password.reveal():
            problems.append(Problem(_place(self.password), "user name and password are both empty", "store them there"))
        if problems:
            raise ConfigurationError(problems)

    @property
    def headers(self) -> frozenset[str]:
        """The one header this scheme owns."""
        return frozenset({"authorization"})

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The header value, which remembers the password, and the user name if it is secret."""
        name = (self.username,) if isinstance(self.username, Secret) else ()
        return (self.password.derive(lambda password: _encoded(_clear(self.username), password)), *name)

    def preview(self, request: Request) -> Request:
        """Return the request with name and password in its header."""
        return request.with_header("Authorization", self.secrets[0])


def _encoded(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode("ascii")


def _clear(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _place(value: str | Secret) -> str:
    return (value.reference or "password") if isinstance(value, Secret) else "username"
