"""The data a sandbox starts with: made-up pools and agents, the same for the same seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENT_TYPES = ("AD", "IWA", "LDAP", "MFA", "OPP", "RUM", "Radius")
RELEASE_CHANNELS = ("BETA", "EA", "GA", "TEST")
LATEST_VERSIONS: Mapping[str, str] = {
    "AD": "3.22.0",
    "IWA": "1.16.0",
    "LDAP": "5.24.0",
    "MFA": "1.8.1",
    "OPP": "2.5.0",
    "RUM": "1.3.0",
    "Radius": "2.26.0",
}
OLDER_VERSIONS: Mapping[str, str] = {
    "AD": "3.19.0",
    "IWA": "1.15.0",
    "LDAP": "5.21.1",
    "MFA": "1.7.0",
    "OPP": "2.4.1",
    "RUM": "1.2.0",
    "Radius": "2.24.2",
}
#: When a seeded agent last connected: epoch milliseconds, fixed so that a seed gives the same bytes every time.
LAST_CONNECTION = 1_766_434_635_000
#: Ids of one org end alike.
ORG_SUFFIX = "1d7"
ID_LENGTH = 20

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#: Type, name, the operational status of each agent; `+` marks an agent on the latest version, `!` one whose first update fails.
_POOLS = (
    ("AD", "corp.example.com", ("OPERATIONAL+", "OPERATIONAL")),
    ("AD", "emea.example.com", ("OPERATIONAL", "DISRUPTED")),
    ("AD", "apac.example.com", ("DISRUPTED!", "DISRUPTED")),
    ("AD", "lab.example.com", ("OPERATIONAL+",)),
    ("AD", "dmz.example.com", ("OPERATIONAL",)),
    ("AD", "south.example.com", ("OPERATIONAL", "OPERATIONAL+")),
    ("AD", "archive.example.com", ("OPERATIONAL",)),
    ("IWA", "iwa.example.com", ("OPERATIONAL",)),
    ("LDAP", "ldap.example.com", ("OPERATIONAL", "OPERATIONAL+")),
    ("LDAP", "directory.example.com", ("DISRUPTED",)),
    ("MFA", "rdp.example.com", ("OPERATIONAL",)),
    ("OPP", "provisioning.example.com", ("OPERATIONAL+",)),
    ("RUM", "mobility.example.com", ("OPERATIONAL",)),
    ("Radius", "vpn.example.com", ("OPERATIONAL", "INACTIVE")),
    ("Radius", "wifi.example.com", ("OPERATIONAL+",)),
)


@dataclass(frozen=True, slots=True)
class Agent:
    """A directory agent; `fails` is True until the first update that tries it."""

    id: str
    pool_id: str
    type: str
    name: str
    version: str
    status: str
    last_connection: int = LAST_CONNECTION
    fails: bool = False

    @property
    def is_latest(self) -> bool:
        """Whether the agent runs the latest version."""
        return self.version == LATEST_VERSIONS[self.type]

    def updated(self, version: str, at: float) -> Agent:
        """Return the agent after a successful update."""
        return replace(self, version=version, status="OPERATIONAL", last_connection=int(at * 1000))


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of agents of one type, and the settings of its updates that may be changed."""

    id: str
    type: str
    name: str
    continue_on_error: bool = False
    release_channel: str = "GA"
    minimal_version: str = ""
    latest_version: str = ""


def make_id(prefix: str, *parts: object) -> str:
    """Return an id in Okta's shape, made from what it names: 20 characters, the same for the same parts."""
    digest = hashlib.sha256(":".join(str(part) for part in (prefix, *parts)).encode()).digest()
    middle = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest)
    return prefix + middle[: ID_LENGTH - len(prefix) - len(ORG_SUFFIX)] + ORG_SUFFIX


def seed_data(seed: int) -> tuple[dict[str, Pool], dict[str, Agent]]:
    """Return pools and agents by id, in the order in which they are listed."""
    pools = [new_pool(make_id("0oa", seed, kind, name), kind, name) for kind, name, _ in _POOLS]
    agents = [
        _agent(seed, pool, number, words)
        for pool, (_, _, statuses) in zip(pools, _POOLS, strict=True)
        for number, words in enumerate(statuses, start=1)
    ]
    return {pool.id: pool for pool in pools}, {agent.id: agent for agent in agents}


def new_pool(pool_id: str, kind: str, name: str) -> Pool:
    """Return a pool with the versions of its type."""
    return Pool(pool_id, kind, name, minimal_version=OLDER_VERSIONS[kind], latest_version=LATEST_VERSIONS[kind])


def _agent(seed: int, pool: Pool, number: int, words: str) -> Agent:
    version = LATEST_VERSIONS[pool.type] if words.endswith("+") else OLDER_VERSIONS[pool.type]
    name = f"{pool.name.partition('.')[0].upper()}-DC{number:02}"
    agent_id = make_id("a53", seed, pool.id, number)
    return Agent(agent_id, pool.id, pool.type, name, version, words.rstrip("+!"), fails=words.endswith("!"))
