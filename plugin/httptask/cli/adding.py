"""Writes a connection by asking: base URL, scheme, and a reference to the credential. The credential itself is never taken."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from httptask.auth import auth_for, takes_token
from httptask.baseurl import check_base_url
from httptask.cli.console import Console, is_terminal
from httptask.errors import ConfigurationError, Problem
from httptask.profile_writing import add_profile, check_name
from httptask.references import check_reference
from httptask.secrets import Secret
from httptask.surroundings import Surroundings
from httptask.version import SCHEMA_VERSION

if TYPE_CHECKING:
    from httptask.model import Provider


@dataclass(frozen=True, slots=True)
class Draft:
    """What the options said about the new connection."""

    name: str
    base_url: str | None
    scheme: str | None
    token: str | None = field(repr=False)


def add_connection(provider: Provider, draft: Draft, console: Console) -> None:
    """Ask for what is missing, check all of it, write the profile and say how to try it.

    Raises:
        ConfigurationError: a value that cannot be used, a name that is taken, or a file that cannot be written.
        UsageError: something is missing and there is no terminal to ask on.

    """
    around = Surroundings.current()
    check_name(draft.name, around)
    _check_takes_token(provider, draft, around)
    values = _values(provider, draft, console)
    if "token" in values:
        values["token"] = _from_anywhere(values["token"], around)
    file = add_profile(draft.name, values, around)
    if console.json:
        console.data({"schemaVersion": SCHEMA_VERSION, "name": draft.name, "file": str(file), "profile": values})
    else:
        console.out(f"added {draft.name} to {file}")
        trial = f"connections check {draft.name}" if provider.check else f"test TASK --connection {draft.name} --dry-run"
        console.note(f"try it: httptask {trial}")


def _check_takes_token(provider: Provider, draft: Draft, around: Surroundings) -> None:
    """Refuse a provider for which a token alone makes no connection, before anything is asked."""
    if not provider.security_schemes or takes_token(provider):
        return
    message = "no security scheme to choose from takes a token, and `add` writes no other credential"
    hint = f"write [connections.{draft.name}] with provider, baseUrl, username and password into {around.profiles_file}"
    raise ConfigurationError(Problem(f"provider {provider.id}", message, hint))


def _from_anywhere(reference: str, around: Surroundings) -> str:
    """Return a reference whose path, which was written in the working directory, means the same file in the profile file."""
    scheme, _, path = reference.partition(":")
    return f"file:{around.locate(path, around.cwd)}" if scheme == "file" and not path.startswith("~") else reference


def _values(provider: Provider, draft: Draft, console: Console) -> dict[str, str]:
    needed = {"--base-url": draft.base_url}
    if provider.security_schemes:
        needed["--token"] = draft.token
    missing = [name for name, value in needed.items() if value is None]
    asks = bool(missing)
    if asks and not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise click.UsageError(f"give {' and '.join(missing)}: there is no terminal to ask on")
    ask = _Questions(provider, console, asks=asks)
    values = {"provider": provider.id, "baseUrl": ask.base_url(draft.base_url)}
    if provider.security_schemes or draft.token is not None:
        if scheme := ask.scheme(draft.scheme):
            values["scheme"] = scheme
        values["token"] = ask.reference(draft.token)
    return values


class _Questions:
    """Asks for each value until it can be used; a value that was given is only checked."""

    def __init__(self, provider: Provider, console: Console, *, asks: bool) -> None:
        self.provider = provider
        self.console = console
        self.asks = asks

    def base_url(self, given: str | None) -> str:
        return self._answer(
            given, "Base URL", lambda text: check_base_url(text, provider_id=self.provider.id, where="--base-url")
        )

    def scheme(self, given: str | None) -> str | None:
        """Return the scheme; None leaves the choice to the provider's order."""
        names = list(self.provider.security_schemes)
        if given is None and (not self.asks or len(names) < 2):  # noqa: PLR2004 - nothing to choose from
            return None
        return self._answer(given, f"Scheme ({', '.join(names)})", self._check_scheme, default=names[0] if names else None)

    def reference(self, given: str | None) -> str:
        if given is None:
            self.console.note("The credential stays where it is; say where: env:NAME, file:PATH or keyring:SERVICE/NAME.")
        return self._answer(given, "Reference to the credential", self._check_reference)

    def _check_scheme(self, name: str) -> str:
        auth_for(self.provider, name, secret=Secret("not-resolved"), where="--scheme")
        return name

    def _check_reference(self, text: str) -> str:
        check_reference(text, "--token")
        return text

    def _answer(self, given: str | None, question: str, check: Callable[[str], str], *, default: str | None = None) -> str:
        if given is not None:
            return check(given)
        while True:
            try:
                return check(str(click.prompt(question, default=default, err=True)).strip())
            except ConfigurationError as error:
                for problem in error.problems:
                    self.console.note(str(Problem("", problem.message, problem.hint)))
