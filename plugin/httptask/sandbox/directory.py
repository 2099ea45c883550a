"""The pools and agents of a sandbox: those of the seed, and as many AD pools beside them as were asked for.

Those are made when they are looked at, from the number in their id, so that a list of thousands of pages costs nothing to start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from httptask.sandbox.seed import AGENT_TYPES, OLDER_VERSIONS, ORG_SUFFIX, Agent, Pool, make_id, new_pool, seed_data

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The type of which there can be many.
MANY = "AD"
_DIGITS = 10


class Directory:
    """Pools and agents by id and in the order in which they are listed. What was changed is kept, the rest made again."""

    def __init__(self, seed: int, ad_pools: int | None = None) -> None:
        """Take the seed's pools, of the AD pools so many as were asked for, and generate those that are missing."""
        pools, agents = seed_data(seed)
        self._named = {kind: [pool.id for pool in pools.values() if pool.type == kind] for kind in AGENT_TYPES}
        self._named[MANY] = self._named[MANY][:ad_pools]
        self._ad_pools = len(self._named[MANY]) if ad_pools is None else ad_pools
        self._seed = seed
        self._mark = make_id("gen", seed)[3:7]
        kept = {key for keys in self._named.values() for key in keys}
        self._pools = {key: pool for key, pool in pools.items() if key in kept}
        self._agents = {key: agent for key, agent in agents.items() if agent.pool_id in kept}
        self._agents_of: dict[str, list[str]] = {}
        for agent in self._agents.values():
            self._agents_of.setdefault(agent.pool_id, []).append(agent.id)

    def pool(self, pool_id: str) -> Pool | None:
        """Return a pool, None when there is none with this id."""
        number = self._number("0oa", pool_id)
        return self._pools.get(pool_id) or (None if number is None else self._generated(number))

    def agent(self, agent_id: str) -> Agent:
        """Return an agent.

        Raises:
            KeyError: there is none.

        """
        number = self._number("a53", agent_id)
        return self._agents[agent_id] if agent_id in self._agents or number is None else self._generated_agent(number)

    def agents_of(self, pool: Pool) -> list[Agent]:
        """Return a pool's agents in order."""
        number = self._number("0oa", pool.id)
        keys = self._agents_of.get(pool.id, []) if number is None else [self._id("a53", number)]
        return [self.agent(key) for key in keys]

    def keep_pool(self, pool: Pool) -> None:
        """Keep a changed pool."""
        self._pools[pool.id] = pool

    def keep_agent(self, agent: Agent) -> None:
        """Keep a changed agent."""
        self._agents[agent.id] = agent

    def page(self, kind: str | None, start: int, size: int) -> tuple[list[Pool], bool]:
        """Return the pools that stand at `start` up to `start + size` among those of their own type, and whether more follow."""
        kinds = [known for known in AGENT_TYPES if kind in (None, known)]
        pools = [pool for known in kinds for pool in self._slice(known, start, size)]
        return pools, any(self._count(known) > start + size for known in kinds)

    def _slice(self, kind: str, start: int, size: int) -> Iterator[Pool]:
        for place in range(start, min(start + size, self._count(kind))):
            named = self._named[kind]
            pool = self.pool(named[place] if place < len(named) else self._id("0oa", place))
            if pool is not None:
                yield pool

    def _count(self, kind: str) -> int:
        return self._ad_pools if kind == MANY else len(self._named[kind])

    def _id(self, prefix: str, number: int) -> str:
        return f"{prefix}{self._mark}{number:0{_DIGITS}}{ORG_SUFFIX}"

    def _number(self, prefix: str, key: str) -> int | None:
        """Return the place in the list that the id of a generated pool or agent names, None for all other ids."""
        digits = key.removeprefix(prefix + self._mark).removesuffix(ORG_SUFFIX)
        if not (digits.isascii() and digits.isdigit() and len(digits) == _DIGITS) or self._id(prefix, int(digits)) != key:
            return None
        return int(digits) if len(self._named[MANY]) <= int(digits) < self._ad_pools else None

    def _generated(self, number: int) -> Pool:
        return new_pool(self._id("0oa", number), MANY, f"branch-{number:05}.example.com")

    def _generated_agent(self, number: int) -> Agent:
        version, name = OLDER_VERSIONS[MANY], f"BRANCH-{number:05}-DC01"
        return Agent(self._id("a53", number), self._id("0oa", number), MANY, name, version, "OPERATIONAL")
