"""One connection, one origin: what a server names as the next place is taken only as a path and query on that origin.

Sources: RFC 6454 section 4 (origin), RFC 3986 sections 5 and 6 (resolving, normal form), RFC 8288 section 3.1 (targets of links),
RFC 9110 section 10.2.2 (Location).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import unquote, urljoin, urlsplit

from httptask.baseurl import DEFAULT_PORTS, ascii_name
from httptask.errors import EgressRefused

_AUTHORITY = re.compile(r"(?P<host>[^\s\[\]:@/\\%]+|\[[0-9a-fA-F:.]+\])(?::(?P<port>[0-9]{1,5}))?")
#: RFC 3986 appendix B, as far as it matters here.
_REFERENCE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)?(?://(?P<host>[^/?#]*))?(?P<rest>.*)", re.DOTALL)
#: Visible ASCII without the backslash, which some parsers read as a slash.
_PLAIN = re.compile(r"[!-\[\]-~]*")
#: The host may also be international, but hold nothing that a parser drops or reads as the end of it.
_HOST = re.compile(r"[^\x00-\x20\x7f\\@%\s]+")
#: How often text is decoded in search of a hidden dot segment: servers behind proxies decode twice.
_DECODINGS = 4


def origin_of(url: str) -> str | None:
    """Return scheme, host and port in one spelling, as in `https://example.com:8443`; None when the URL has no plain origin.

    Lower case, no default port, international names as ASCII. A URL with a user name has none.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    match = _AUTHORITY.fullmatch(parts.netloc)
    if match is None or parts.scheme not in DEFAULT_PORTS:
        return None
    host = _host(match["host"])
    port = int(match["port"] or DEFAULT_PORTS[parts.scheme])
    if host is None:
        return None
    return f"{parts.scheme}://{host}" if port == DEFAULT_PORTS[parts.scheme] else f"{parts.scheme}://{host}:{port}"


def credential_allowed(base_url: str, url: str) -> bool:
    """Tell whether the credential of the connection with this base URL may go to a URL: only to the connection's own origin."""
    own = origin_of(base_url)
    return own is not None and origin_of(url) == own


def same_origin_target(base_url: str, target_url: str, aliases: Iterable[str] = (), *, against: str | None = None) -> str:
    """Return a place that a server named (next page, redirect) as a URL on the connection's own origin.

    Args:
        base_url: the connection's base URL; the result stays below its path.
        target_url: absolute, or relative to `against`.
        aliases: the provider's `originAliases`: other names of the same server, of which path and query are taken.
        against: the URL that was asked; the base URL if None.

    Raises:
        EgressRefused: the target leads anywhere else, or could be read as if it did; code `egressRefused`.

    """
    absolute = resolved(target_url, against or f"{base_url}/")
    origin = origin_of(absolute)
    if origin is None or origin not in {origin_of(base_url), *alias_origins(base_url, aliases)}:
        raise _refused("it is on another host, port or scheme than the connection")
    base, target = urlsplit(base_url), urlsplit(absolute)
    prefix = base.path.rstrip("/")
    if prefix and target.path != prefix and not target.path.startswith(f"{prefix}/"):
        raise _refused("it leaves the path of the connection's base URL")
    return f"{base.scheme}://{base.netloc}{target.path}" + (f"?{target.query}" if target.query else "")


def resolved(target_url: str, against: str) -> str:
    """Return a reference resolved against the URL that was asked, refusing what two parsers could read differently.

    Raises:
        EgressRefused: control characters, backslashes, a user name, dot segments that are written out or encoded.

    """
    if not _is_plain(target_url):
        raise _refused("it holds a user name, no host, or characters that must be percent-encoded")
    try:
        absolute = urljoin(against, target_url)
        path = urlsplit(absolute).path
    except ValueError:
        raise _refused("it cannot be read") from None
    if hides_dot_segment(path):
        raise _refused("its path holds a dot segment, plain or encoded")
    return absolute


def alias_origins(base_url: str, aliases: Iterable[str]) -> tuple[str, ...]:
    """Return the origins that a provider's `originAliases` mean for a connection.

    In an alias, `{subdomain}` is the first part of the connection's host name and `{rest}` what follows its first dot. An address
    or a name of one part has neither, so that aliases with them mean nothing there.
    """
    host = (origin_of(base_url) or "").partition("://")[2]
    name = host.partition(":")[0]
    subdomain, _, rest = name.partition(".")
    named = bool(rest) and not host.startswith("[") and not rest.rpartition(".")[2].isdigit()
    usable = (alias for alias in aliases if named or "{" not in alias)
    found = (origin_of(alias.replace("{subdomain}", subdomain).replace("{rest}", rest)) for alias in usable)
    return tuple(origin for origin in found if origin)


def hides_dot_segment(text: str) -> bool:
    """Tell whether a path or a value in it holds `.` or `..` as a segment, in any encoding that a server may undo."""
    for _ in range(_DECODINGS):
        if any(segment.split(";")[0] in {".", ".."} for segment in re.split(r"[/\\]", text)):
            return True
        again = unquote(text)
        if again == text:
            return False
        text = again
    return False


def _is_plain(reference: str) -> bool:
    parts = _REFERENCE.fullmatch(reference)
    if parts is None or not _PLAIN.fullmatch(parts["rest"]):
        return False
    if parts["host"] is None:
        return parts["scheme"] is None  # browsers read https:host as https://host
    return _HOST.fullmatch(parts["host"]) is not None  # and ///host as //host


def _host(text: str) -> str | None:
    if text.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(text[1:-1])}]"
        except ValueError:
            return None
    return text.lower() if text.isascii() else ascii_name(text)


def _refused(why: str) -> EgressRefused:
    return EgressRefused(f"the server names a place that is not followed: {why}", phase="notSent", code="egressRefused")
