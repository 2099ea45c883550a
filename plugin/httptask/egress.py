"""The SSRF guard: resolves a name once, checks every address, and gives the connection only what it checked.

After OWASP's cheat sheet on server-side request forgery. The answer of the one lookup is what the socket connects to, so that a
second answer (DNS rebinding) has nobody to ask for it; TLS and `Host` keep the name. Hosts are judged by the addresses they
resolve to, never by their spelling. What this cannot do is in SECURITY.md.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from httptask.addresses import kinds_of, literal
from httptask.baseurl import is_loopback
from httptask.egress_policy import ALLOWED_BY, AddressKind, EgressPolicy
from httptask.errors import ConfigurationError, EgressRefused, Problem
from httptask.model import Connection
from httptask.origins import origin_of

#: Host and port to IP addresses in the order to try them. Raises `socket.gaierror` when there is none.
Resolver = Callable[[str, int], Sequence[str]]

#: Profile key -> what it must be; `policy_from_profile` reads them.
PROFILE_KEYS: Mapping[str, tuple[type, str]] = {
    "allowedHosts": (list, 'a list of host names, as in ["files.example.com"]'),
    "allowLoopback": (bool, "true or false"),
    "allowPrivate": (bool, "true or false"),
    "allowLinkLocal": (bool, "true or false"),
}
_ALLOWED_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::[0-9]{1,5})?|\[[0-9a-f:.]+\](?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an address is not connected to."""

    kind: AddressKind

    def __str__(self) -> str:
        """Return what it is and the profile key that would allow it; never the address."""
        key = ALLOWED_BY.get(self.kind)
        return f"a {self.kind} address, " + (f"which needs {key} = true in the profile" if key else "which nothing allows")


def check_address(address: str, policy: EgressPolicy) -> Refusal | None:
    """Return why an address may not be connected to, or None. Addresses inside other forms (NAT64, 6to4, ...) count too."""
    try:
        kinds = kinds_of(address)
    except ValueError:
        kinds = (AddressKind.RESERVED,)
    refused = [kind for kind in kinds if not policy.allows(kind)]
    # what nothing allows is named first, so that no key is advised that would not help
    return min((Refusal(kind) for kind in refused), key=lambda refusal: refusal.kind in ALLOWED_BY, default=None)


def policy_of(connection: Connection) -> EgressPolicy:
    """Return the policy that binds a connection to its own origin and the further hosts that it names."""
    return replace(connection.egress, origin=origin_of(connection.base_url))


def refused_as_written(connection: Connection) -> str | None:
    """Return why no request would leave, if the base URL's host is an address that is not allowed; a name is not looked up."""
    try:
        Guard(policy_of(connection), lambda _host, _port: ()).check_unresolved(connection.base_url)
    except EgressRefused as refused:
        return str(refused)
    return None


def policy_from_profile(profile: Mapping[str, Any], place: str) -> EgressPolicy:
    """Return what a profile says about addresses and further hosts. Its types must have been checked.

    Raises:
        ConfigurationError: an entry of `allowedHosts` is no plain host; all of them at once.

    """
    hosts = profile.get("allowedHosts", ())
    problems = [
        Problem(f"{place}.allowedHosts[{index}]", "this is not a plain host", 'write "name" or "name:port" in lower case')
        for index, host in enumerate(hosts)
        if not (isinstance(host, str) and _ALLOWED_HOST.fullmatch(host) and origin_of(f"https://{host}") == f"https://{host}")
    ]
    if problems:
        raise ConfigurationError(problems)
    return EgressPolicy(
        allowed_hosts=tuple(hosts),
        allow_loopback=profile.get("allowLoopback", False),
        allow_private=profile.get("allowPrivate", False),
        allow_link_local=profile.get("allowLinkLocal", False),
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """A policy with the resolver that it judges."""

    policy: EgressPolicy
    resolve: Resolver

    def addresses(self, url: str, host: str, port: int) -> tuple[str, ...]:
        """Resolve a host once and return its addresses, each checked; one bad address refuses all.

        Args:
            url: the request's URL, whose origin says which rules hold.
            host: what is looked up, without brackets.
            port: where a service is looked up for.

        Raises:
            EgressRefused: an address is not allowed.
            socket.gaierror: the host has no address.

        """
        policy = self._policy(url)
        found = tuple(self.resolve(host, port))
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "the host has no address")
        for address in found:
            if refusal := check_address(address, policy):
                raise _refused(f"the host leads to {refusal}")
            if url.lower().startswith("http:") and is_loopback(host) and kinds_of(address) != (AddressKind.LOOPBACK,):
                raise _refused("the host is called localhost and leads to another machine, which would be reached without https")
        return found

    def check_unresolved(self, url: str) -> None:
        """Check the host of a request that a proxy will look up: only an address written out can be judged.

        Raises:
            EgressRefused: the host is an address, in any spelling, that is not allowed.

        """
        policy = self._policy(url)
        address = literal(urlsplit(url).hostname or "")
        refusal = check_address(address, policy) if address else None
        if refusal:
            raise _refused(f"the host is {refusal}")

    def _policy(self, url: str) -> EgressPolicy:
        policy = self.policy.at(origin_of(url))
        if policy is None:
            message = "the URL is not on the connection's origin and its host is not in allowedHosts of the profile"
            raise _refused(message)
        return policy


def _refused(detail: str) -> EgressRefused:
    return EgressRefused(detail, phase="notSent", code="egressRefused")
