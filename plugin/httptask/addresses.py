"""What kind of thing an IP address leads to, IPv4 addresses inside IPv6 ones included.

The tables are the IANA special-purpose address registries (RFC 6890) and are kept here, because the answers of `ipaddress`
differ between releases of Python and call the NAT64 form of a metadata address global. Whatever IPv6 address is in no table and
outside 2000::/3 is reserved.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from httptask.egress_policy import AddressKind

Address = IPv4Address | IPv6Address

_NETWORKS: dict[AddressKind, str] = {
    AddressKind.PUBLIC: "0.0.0.0/0 2000::/3",
    AddressKind.LOOPBACK: "127.0.0.0/8 ::1/128",
    # fec0::/10 are the site-local addresses that RFC 3879 deprecates, 64:ff9b:1::/48 the NAT64 prefix for local use (RFC 8215)
    AddressKind.PRIVATE: "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7 fec0::/10 64:ff9b:1::/48",
    AddressKind.SHARED: "100.64.0.0/10",
    AddressKind.BENCHMARKING: "198.18.0.0/15 2001:2::/48",
    AddressKind.LINK_LOCAL: "169.254.0.0/16 fe80::/10",
    # of Amazon (EC2, ECS, EKS), Google, Azure, Alibaba, Oracle, Scaleway
    AddressKind.METADATA: "169.254.169.254/32 169.254.170.2/32 169.254.170.23/32 fd00:ec2::254/128 fd00:ec2::23/128 "
    "fd20:ce::254/128 fd00:c1::a9fe:a9fe/128 fd00:42::42/128 168.63.129.16/32 100.100.100.200/32 192.0.0.192/32",
    AddressKind.MULTICAST: "224.0.0.0/4 ff00::/8",
    AddressKind.BROADCAST: "255.255.255.255/32",
    AddressKind.UNSPECIFIED: "0.0.0.0/8 ::/128",
    AddressKind.DOCUMENTATION: "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20",
    AddressKind.RESERVED: "192.0.0.0/24 192.88.99.0/24 240.0.0.0/4 ::/0 2001::/23",
}
#: Most specific first, so that the first network that holds an address says what it is.
_TABLE = sorted(
    ((ipaddress.ip_network(text), kind) for kind, texts in _NETWORKS.items() for text in texts.split()),
    key=lambda row: -row[0].prefixlen,
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
#: Bytes of an IPv6 address that hold the IPv4 one, for prefixes of 48, 56, 64 and 96 bits (RFC 6052 section 2.2; byte 8 is 0).
_NAT64_LAYOUTS = ((6, 7, 9, 10), (7, 9, 10, 11), (9, 10, 11, 12), (12, 13, 14, 15))
#: Bytes 8 to 11 of an ISATAP address (RFC 5214 section 6.1), with and without the bit for a globally unique IPv4 address.
_ISATAP = frozenset({bytes.fromhex("00005efe"), bytes.fromhex("02005efe")})
#: The forms that are the IPv4 address itself; all others are also judged by their own network.
_TRANSPARENT = (_MAPPED, _NAT64)
_NUMBERS = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)


def kinds_of(address: str) -> tuple[AddressKind, ...]:
    """Return every kind an address has: those of IPv4 addresses inside it first, then its own. A zone is ignored.

    Raises:
        ValueError: the text is no IP address in its usual spelling.

    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    inner = _embedded(parsed) if isinstance(parsed, IPv6Address) else ()
    own = () if any(parsed in network for network in _TRANSPARENT) else (_kind(parsed),)
    return tuple(dict.fromkeys((*map(_kind, inner), *own)))


def literal(host: str) -> str | None:
    """Return the address that a host names without any lookup, in whatever spelling the C library reads; None for a name.

    `localhost` and names below it are this machine (RFC 6761 section 6.3).
    """
    text = host.strip("[]").rstrip(".").lower()
    if text == "localhost" or text.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(text)) if _NUMBERS.fullmatch(text) else None
    except OSError:
        return None


@cache
def _kind(address: Address) -> AddressKind:
    return next(kind for network, kind in _TABLE if address in network)


def _embedded(address: IPv6Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that a gateway or the system itself would take out of an IPv6 address."""
    packed = address.packed
    last = IPv4Address(packed[12:])
    found: list[IPv4Address] = []
    if any(address in network for network in (_MAPPED, _TRANSLATED, _NAT64)) or packed[8:12] in _ISATAP:
        found.append(last)
    if address in _COMPATIBLE and int(address) > 1:
        found.append(last)
    if address in _NAT64_LOCAL:
        layouts = (IPv4Address(bytes(packed[place] for place in layout)) for layout in _NAT64_LAYOUTS)
        # nobody says which layout a gateway uses; the wrong ones begin with the zeros between prefix and address
        found += [candidate for candidate in layouts if _kind(candidate) is not AddressKind.UNSPECIFIED]
    found += [inner for inner in (address.sixtofour, *(address.teredo or ())) if inner is not None]
    return tuple(found)
