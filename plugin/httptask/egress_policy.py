"""Which kinds of addresses a connection may reach, and at which hosts: data, judged in `egress`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class AddressKind(StrEnum):
    """What an IP address is for; the value is the word in messages."""

    PUBLIC = "public"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    SHARED = "carrier-grade NAT"
    BENCHMARKING = "benchmarking"
    LINK_LOCAL = "link-local"
    METADATA = "cloud metadata"
    MULTICAST = "multicast"
    BROADCAST = "broadcast"
    UNSPECIFIED = "unspecified"
    DOCUMENTATION = "documentation"
    RESERVED = "reserved"


#: The profile key that allows a kind. Public addresses need none; for a kind that is not here there is none.
ALLOWED_BY: Mapping[AddressKind, str] = {
    AddressKind.LOOPBACK: "allowLoopback",
    AddressKind.PRIVATE: "allowPrivate",
    AddressKind.SHARED: "allowPrivate",
    AddressKind.BENCHMARKING: "allowPrivate",
    AddressKind.LINK_LOCAL: "allowLinkLocal",
    AddressKind.METADATA: "allowLinkLocal",
}


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Where requests of one connection may go.

    Attributes:
        origin: the connection's own, in the form of `origins.origin_of`; None takes every origin for one that the operator wrote.
        allowed_hosts: further hosts, `name` or `name:port`, reached by https only and never with the connection's credential.
        allow_loopback: a further host may be this machine. The connection's own host may be it anyway.
        allow_private: a further host may be in a private network. The connection's own host may be there anyway.
        allow_link_local: any host may be link-local or the metadata service of a cloud, which hands out credentials.

    """

    origin: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    allow_loopback: bool = False
    allow_private: bool = False
    allow_link_local: bool = False

    def at(self, origin: str | None) -> EgressPolicy | None:
        """Return the policy for one origin, or None when requests may not go there.

        An operator who writes a base URL on this machine or in a private network means it, so the own origin may be either.
        """
        if self.origin is None or origin == self.origin:
            return replace(self, allow_loopback=True, allow_private=True)
        return self if origin in self.further_origins else None

    @property
    def further_origins(self) -> tuple[str, ...]:
        """The origins of the further hosts."""
        return tuple(f"https://{host}" for host in self.allowed_hosts)

    def allows(self, kind: AddressKind) -> bool:
        """Tell whether an address of this kind may be reached."""
        granted = {
            "allowLoopback": self.allow_loopback,
            "allowPrivate": self.allow_private,
            "allowLinkLocal": self.allow_link_local,
        }
        return kind is AddressKind.PUBLIC or granted.get(ALLOWED_BY.get(kind, ""), False)


#: Every URL's host may be this machine or a private one, as if an operator had written it; link-local and metadata never.
OPERATORS = EgressPolicy()
