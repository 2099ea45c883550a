"""What a base URL must be before a credential is sent to it: https, one exact host, a plain path prefix."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from httptask.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from urllib.parse import SplitResult

DEFAULT_PORTS = {"https": 443, "http": 80}
_HIGHEST_PORT = 65_535
_LONGEST_HOST = 253
#: An underscore is not in RFC 1123, but names in container networks have it.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*")
_OKTA_CONSOLE = re.compile(r"(?P<org>.+)-admin(?P<domain>\.okta[a-z-]*\.(?:com|mil))")
_OKTA_HOST = re.compile(r".+\.okta[a-z-]*\.(?:com|mil)")
_OKTA_AUTHORIZATION_SERVER = re.compile(r"/oauth2(?:/[A-Za-z0-9]+(?:/v1(?:/[a-z]+)?)?)?$")
_OKTA_CONSOLE_PATH = re.compile(r"/admin(?:/.*)?")


def check_base_url(text: str, *, provider_id: str, where: str, allow_http: bool = False) -> str:
    """Return the URL in its one spelling: lower-case host, no default port, no slash at the end.

    Args:
        text: the URL as given.
        provider_id: picks advice for mistakes that users of one API make.
        where: what holds the URL, for messages, which never repeat it.
        allow_http: the operator accepts that others on the way can read the credential.

    Raises:
        ConfigurationError: a credential must not be sent to this URL; the hint says how to mend it.

    """
    _check_characters(text, provider_id, where)
    try:
        parts = urlsplit(text)
        port, raw_host = parts.port, parts.hostname or ""
    except ValueError:
        raise _refusal(
            where, "the host or the port cannot be read", f"a port is 1 to {_HIGHEST_PORT}; an IPv6 address stands in brackets"
        ) from None
    _check_parts(text, parts, where)
    host = _host(raw_host, where)
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        hint = "write https:// instead of http://, or call it through a profile with allowHttp = true"
        raise _refusal(where, "without https the credential could be read on its way", hint)
    path = _path(parts.path, where)
    if provider_id == "okta":
        _check_okta(host, path, where)
    return f"{parts.scheme}://{host}{_port(port, parts.scheme, where)}{path}"


def is_loopback(host: str) -> bool:
    """Tell whether a host as in a URL can only be this machine: `localhost`, 127.0.0.0/8 or `[::1]`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refusal(where: str, message: str, hint: str) -> ConfigurationError:
    return ConfigurationError(Problem(where, message, hint))


def _check_characters(text: str, provider_id: str, where: str) -> None:
    if any(character <= " " or character in "\x7f\\" or character.isspace() for character in text):
        raise _refusal(where, "the URL holds a space, a backslash or a control character", "remove it")
    if set(text) & set("{}<>") or (provider_id == "okta" and "youroktadomain" in text.lower()):
        example = "https://acme.okta.com" if provider_id == "okta" else "https://api.example.com"
        raise _refusal(where, "the URL still holds a placeholder", f"put your own host in its place, as in {example}")


def _check_parts(text: str, parts: SplitResult, where: str) -> None:
    if parts.scheme not in DEFAULT_PORTS or not text[len(parts.scheme) :].startswith("://"):
        raise _refusal(where, "this is not a web address", "write the whole URL, as in https://api.example.com")
    if "@" in parts.netloc:
        raise _refusal(
            where, "the URL holds a user name or password", "remove what stands before the @ and use a token reference"
        )
    if "?" in text or "#" in text:
        raise _refusal(where, "a base URL has no query and no fragment", "remove the ? or # and what follows")


def _host(host: str, where: str) -> str:
    if not host:
        raise _refusal(where, "the URL names no host", "write the whole URL, as in https://api.example.com")
    if ":" in host:
        return f"[{_address(host, where)}]"
    name = host if host.isascii() else _international(host, where)
    if len(name) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _refusal(where, "the host is not a valid name", "use letters, digits and hyphens, with one dot between the parts")
    return _address(name, where) if _NUMBER.fullmatch(name.rpartition(".")[2]) else name


def _address(host: str, where: str) -> str:
    try:
        return str(ipaddress.ip_address("" if "%" in host else host))
    except ValueError:
        raise _refusal(
            where,
            "the host is not a valid IP address",
            "write four numbers with dots, or an IPv6 address in brackets and without a zone",
        ) from None


def _international(host: str, where: str) -> str:
    name = ascii_name(host)
    if name is None:
        raise _refusal(where, "the international host name has no single ASCII form", "write it in its xn-- form")
    return name


def ascii_name(host: str) -> str | None:
    """Return the ASCII form of a name that has just one; others (`ß`, full-width letters) could mean two different hosts."""
    try:
        name = host.encode("idna").decode("ascii")
        unchanged = name.encode("ascii").decode("idna") == unicodedata.normalize("NFC", host.lower())
    except UnicodeError:
        return None
    return name.lower() if unchanged else None


def _port(port: int | None, scheme: str, where: str) -> str:
    if port == 0:
        raise _refusal(where, "port 0 cannot be called", f"a port is 1 to {_HIGHEST_PORT}")
    return "" if port is None or port == DEFAULT_PORTS[scheme] else f":{port}"


def _path(path: str, where: str) -> str:
    path = path.rstrip("/")
    if not _PATH.fullmatch(path):
        raise _refusal(
            where,
            "the path has an empty part or a character that must be percent-encoded",
            "write it as in https://gw.example.com/okta",
        )
    if any(unquote(segment) in {".", ".."} for segment in path.split("/")):
        raise _refusal(where, "the path holds a . or .. segment", "write the path that is meant")
    return path


def _check_okta(host: str, path: str, where: str) -> None:
    if match := _OKTA_CONSOLE.fullmatch(host):
        org = f"https://{match['org']}{match['domain']}"
        raise _refusal(where, "this is the host of the admin console, which does not serve the API", f"use {org}")
    if ".com.com" in f"{host}.":
        raise _refusal(where, "the host has .com twice", "write .com once")
    if path.endswith("/api/v1"):
        raise _refusal(where, "/api/v1 is part of every task's path already", "remove /api/v1 from the end of the URL")
    if match := _OKTA_AUTHORIZATION_SERVER.search(path):
        message = "this is the path of an authorization server, and the API lies at the root of the org"
        raise _refusal(where, message, f"remove {match[0]} from the end of the URL")
    if _OKTA_HOST.fullmatch(host) and (match := _OKTA_CONSOLE_PATH.fullmatch(path)):
        raise _refusal(where, "this is the path of a page of the admin console", f"remove {match[0]} from the end of the URL")
