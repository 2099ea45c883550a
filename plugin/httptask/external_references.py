"""References that others resolve: the system's keyring, and schemes that installed packages add.

Nothing here is imported, and no package asked, before a reference needs it.
"""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import Any

from httptask.errors import ConfigurationError, Problem

#: Entry point group: name = scheme, value = a callable that takes what follows `scheme:` and returns the credential as text.
GROUP = "httptask.references"
#: As in RFC 3986 section 3.1; two letters or more, because one letter is a drive on Windows.
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+")


def is_known(scheme: str) -> bool:
    """Tell whether an installed package resolves references of this scheme."""
    return _SCHEME.fullmatch(scheme) is not None and bool(entry_points(group=GROUP, name=scheme))


def from_keyring(rest: str, where: str) -> str:
    """Return a password of the system's keyring; `rest` is SERVICE/NAME, split at the last slash.

    Raises:
        ConfigurationError: the package is missing, the machine has no keyring, or the keyring has no such entry.

    """
    service, name = check_keyring(rest, where)
    try:
        import keyring
        import keyring.errors
    except ImportError:
        hint = "install it: pip install 'httptask[keyring]'"
        raise ConfigurationError(Problem(where, "a keyring: reference needs the package keyring", hint)) from None
    try:
        found = keyring.get_password(service, name)
    except keyring.errors.NoKeyringError:
        hint = "use env:NAME or file:PATH, or install a backend (`python -m keyring --list-backends` shows those there are)"
        raise ConfigurationError(Problem(where, "this machine has no keyring that can be used", hint)) from None
    except Exception as error:  # noqa: BLE001 - backends raise what they like, and their words may hold anything
        message = f"the keyring could not be read ({type(error).__name__})"
        raise ConfigurationError(Problem(where, message, "unlock it, and try `keyring get SERVICE NAME`")) from None
    if not found:
        message = f"the keyring has no password for {name} in {service}"
        raise ConfigurationError(Problem(where, message, f"store it: keyring set {service} {name}"))
    return found


def check_keyring(rest: str, where: str) -> tuple[str, str]:
    """Return service and name of a keyring reference.

    Raises:
        ConfigurationError: one of them is missing.

    """
    service, _, name = rest.rpartition("/")
    if not (service and name):
        message = "what follows `keyring:` is not SERVICE/NAME"
        raise ConfigurationError(Problem(where, message, "write keyring:SERVICE/NAME, as you gave them to `keyring set`"))
    return service, name


def from_package(scheme: str, rest: str, where: str) -> str:
    """Return what an installed package gives for a reference of its scheme.

    Raises:
        ConfigurationError: two packages claim the scheme, or the one that does fails; its own words are not repeated.

    """
    found = tuple(entry_points(group=GROUP, name=scheme))
    if len(found) > 1:
        names = ", ".join(sorted(point.value for point in found))
        raise ConfigurationError(
            Problem(where, f"several packages resolve {scheme}: references: {names}", "uninstall all but one")
        )
    hint = f"check the reference and what {found[0].value} needs"
    value = _called(found[0], rest, Problem(where, f"the resolver of {scheme}: references failed", hint))
    if not isinstance(value, str) or not value:
        raise ConfigurationError(Problem(where, f"the resolver of {scheme}: references gave no text", hint))
    return value


def _called(point: Any, rest: str, failed: Problem) -> Any:
    try:
        return point.load()(rest)
    except Exception as error:  # noqa: BLE001 - foreign code raises what it likes, and its words may hold the credential
        message = f"{failed.message} ({type(error).__name__})"
        raise ConfigurationError(Problem(failed.where, message, failed.hint)) from None
