"""Credential references: `env:NAME`, `file:PATH` or `keyring:SERVICE/NAME` stand for a token, so that nobody writes one down.

Every resolution reads again: a token that was replaced in its file, or in the keyring, is the one that is sent next.

Who else may read a credential file is not checked: mounted secrets are world-readable in many containers.
"""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from httptask import external_references
from httptask.errors import ConfigurationError, Problem
from httptask.secrets import Secret
from httptask.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LARGEST_FILE = 64 * 1024
_OWN_SCHEMES = ("env", "file", "keyring")
#: Also keeps a token that a shell put after `env:` out of messages: names cannot start with a digit or hold `-` and `.`.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_reference(text: str, env: Mapping[str, str], *, locate: Callable[[str], Path], where: str) -> Secret:
    """Return the secret that a reference stands for.

    Args:
        text: the reference: `env:NAME`, `file:PATH`, `keyring:SERVICE/NAME` or a scheme that an installed package adds.
        env: environment variables.
        locate: turns a path as written into one that can be opened.
        where: what holds the reference, for messages.

    Raises:
        ConfigurationError: the text is not a reference, or what it names cannot be read.

    """
    check_reference(text, where)
    scheme, _, rest = text.partition(":")
    match scheme:
        case "env":
            value = _variable(rest, env, where)
        case "file":
            value = _file(locate(rest), where)
        case "keyring":
            value = external_references.from_keyring(rest, where)
        case _:
            value = external_references.from_package(scheme, rest, where)
    return Secret(value, reference=text)


def check_reference(text: str, where: str) -> None:
    """Refuse what is no reference, without resolving it.

    Raises:
        ConfigurationError: the text is not a reference; it is not repeated, because it may be the credential itself.

    """
    scheme, colon, rest = text.partition(":")
    if scheme == "env" and colon:
        _check_variable(rest, where)
    elif scheme == "keyring" and rest:
        external_references.check_keyring(rest, where)
    elif not rest or (scheme != "file" and not external_references.is_known(scheme)):
        raise ConfigurationError(_no_reference(scheme.strip().lower(), rest, where))


def _no_reference(scheme: str, rest: str, where: str) -> Problem:
    """Say what is wrong with a text that is no reference. It is not repeated, nor a part of it: a password may hold a colon."""
    if rest and scheme in _OWN_SCHEMES:
        return Problem(where, "this is not a reference as it is written", f"did you mean `{scheme}:`, in lower case and alone?")
    message = "this is not a reference to a credential, and a credential itself is not taken here because others could read it"
    if rest:
        message += "; no installed package offers references with the word before its colon"
    return Problem(
        where,
        message,
        "put the credential into an environment variable or a file and write env:NAME or file:PATH,"
        " or keyring:SERVICE/NAME for the system's keyring",
    )


def _check_variable(name: str, where: str) -> None:
    if not _VARIABLE.fullmatch(name):
        raise ConfigurationError(
            Problem(
                where, "what follows `env:` is not the name of an environment variable", "write env:NAME, without $ and quotes"
            )
        )


def _variable(name: str, env: Mapping[str, str], where: str) -> str:
    value = env.get(name)
    if value is None:
        hint = did_you_mean(name, env) or f"set {name} to the credential"
        raise ConfigurationError(Problem(where, f"the environment variable {name} is not set", hint))
    if not value:
        raise ConfigurationError(Problem(where, f"the environment variable {name} is empty", f"set {name} to the credential"))
    return value


def _file(path: Path, where: str) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigurationError(
                Problem(where, f"{path} is not a regular file", "name a file that holds the credential alone")
            )
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "the path is not valid"
        hint = "check the path and that you may read it"
        raise ConfigurationError(Problem(where, f"{path} cannot be read: {reason}", hint)) from None
    if len(raw) > LARGEST_FILE:
        raise ConfigurationError(
            Problem(where, f"{path} is larger than {LARGEST_FILE // 1024} kB", "name a file that holds the credential alone")
        )
    try:
        return raw.decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        raise ConfigurationError(Problem(where, f"{path} is not UTF-8 text", "save the file as UTF-8")) from None
