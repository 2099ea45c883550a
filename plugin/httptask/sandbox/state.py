"""The sandbox's state: pools, agents and updates, and the one table of how an update moves from status to status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from httptask.sandbox.directory import Directory
from httptask.sandbox.seed import Agent, Pool, make_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Status = Literal["Cancelled", "Failed", "InProgress", "Paused", "Scheduled", "Success"]

#: Okta does not publish this table; here is what its operations' descriptions say. Anything else is refused.
TRANSITIONS: Mapping[str, Mapping[Status, Status]] = {
    "activate": {"Scheduled": "InProgress"},
    "deactivate": {"Scheduled": "Cancelled"},
    "pause": {"InProgress": "Paused"},
    "resume": {"Paused": "InProgress"},
    "retry": {"Failed": "InProgress", "Cancelled": "InProgress"},
    "stop": {"InProgress": "Cancelled", "Paused": "Cancelled"},
}
#: What an agent says of its part in an update: status and message per status of the update. Agents have no Paused.
AGENT_STATUS: Mapping[Status, tuple[str, str]] = {
    "Cancelled": ("Cancelled", "Update cancelled."),
    "Failed": ("Success", "Updated."),
    "InProgress": ("InProgress", "Update in progress."),
    "Paused": ("PendingCompletion", "Update paused."),
    "Scheduled": ("Scheduled", "Queued for update."),
    "Success": ("Success", "Updated."),
}
FAILED_AGENT = ("Failed", "The agent did not restart after the update.")
FAILED_REASON = "Update failed."
#: Seconds that an update takes at speed 1.
UPDATE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Update:
    """An update of some agents of one pool. `progress` seconds were done when it last went InProgress, at `since`."""

    id: str
    pool_id: str
    agent_type: str
    name: str
    agent_ids: tuple[str, ...]
    target_version: str
    status: Status
    since: float
    progress: float = 0.0
    failed: frozenset[str] = frozenset()
    enabled: bool = False
    notify_admin: bool = False
    reason: str = ""
    schedule: Mapping[str, Any] | None = None
    sort_order: int = 0


class State:
    """Everything that can change. Not thread-safe by itself: the core holds one lock around each request."""

    def __init__(self, seed: int, speed: float, ad_pools: int | None = None) -> None:
        """Start with the seed's data, so many AD pools if that is said, and no updates."""
        self._seed = seed
        self._speed = speed
        self._made = 0
        #: How often cursors were expired; each carries the number of its time.
        self.expiries = 0
        self.directory = Directory(seed, ad_pools)
        self.updates: dict[str, Update] = {}

    def next_update_id(self) -> str:
        """Return the id of the update that is created next."""
        self._made += 1
        return make_id("ajd", self._seed, self._made)

    def updates_of(self, pool_id: str) -> list[Update]:
        """Return a pool's updates in the order of their creation."""
        return [update for update in self.updates.values() if update.pool_id == pool_id]

    def settle(self, now: float) -> None:
        """Bring every update up to date: those whose time has passed by `now` end."""
        for update in list(self.updates.values()):
            if update.status == "InProgress":
                ends = update.since + (UPDATE_SECONDS - update.progress) / self._speed
                if now >= ends:
                    self._finish(update, ends)

    def move(self, update: Update, action: str, now: float) -> Update | None:
        """Apply a lifecycle action and return the update, or None when the table has no such transition."""
        status = TRANSITIONS[action].get(update.status)
        if status is None:
            return None
        progress = 0.0 if action == "retry" else update.progress
        if update.status == "InProgress":
            progress += (now - update.since) * self._speed
        changed = replace(update, status=status, since=now, progress=progress)
        if action == "retry":
            changed = replace(changed, failed=frozenset(), reason="")
        self.updates[update.id] = changed
        return changed

    def _finish(self, update: Update, at: float) -> None:
        failed = frozenset(key for key in update.agent_ids if self.directory.agent(key).fails)
        for key in update.agent_ids:
            agent = self.directory.agent(key)
            changed = replace(agent, fails=False) if key in failed else agent.updated(update.target_version, at)
            self.directory.keep_agent(changed)
        schedule = update.schedule and {**update.schedule, "lastUpdated": _date_time(at)}
        status: Status = "Failed" if failed else "Success"
        reason = FAILED_REASON if failed else update.reason
        self.updates[update.id] = replace(update, status=status, failed=failed, reason=reason, schedule=schedule)


def pool_status(agents: Iterable[Agent]) -> str:
    """Return a pool's operational status: that of its agents when they agree, DEGRADED when they do not."""
    statuses = {agent.status for agent in agents}
    return statuses.pop() if len(statuses) == 1 else "DEGRADED"


def agent_view(agent: Agent) -> dict[str, Any]:
    """Return an agent as the API shows it, with `latestGAedVersion`, which is in no document but in every answer."""
    return {
        "latestGAedVersion": agent.is_latest,
        "id": agent.id,
        "type": agent.type,
        "operationalStatus": agent.status,
        "version": agent.version,
        "lastConnection": agent.last_connection,
        "isLatestGAedVersion": agent.is_latest,
        "poolId": agent.pool_id,
        "name": agent.name,
        "isHidden": False,
    }


def pool_view(pool: Pool, agents: list[Agent]) -> dict[str, Any]:
    """Return a pool as the API shows it, `operationalAgents` included, which no document mentions."""
    statuses = [agent.status for agent in agents]
    return {
        "disruptedAgents": statuses.count("DISRUPTED"),
        "inactiveAgents": statuses.count("INACTIVE"),
        "operationalAgents": statuses.count("OPERATIONAL"),
        "id": pool.id,
        "name": pool.name,
        "type": pool.type,
        "operationalStatus": pool_status(agents),
        "agents": [agent_view(agent) for agent in agents],
        "_links": {},
    }


def update_view(update: Update, directory: Directory) -> dict[str, Any]:
    """Return an update as the API shows it: `reason` and `sortOrder` only when they say something."""
    return {
        "id": update.id,
        "name": update.name,
        "agentType": update.agent_type,
        "agents": [_agent_in(update, directory.agent(key)) for key in update.agent_ids],
        "enabled": update.enabled,
        **({"schedule": dict(update.schedule)} if update.schedule else {}),
        "notifyAdmin": update.notify_admin,
        **({"reason": update.reason} if update.reason else {}),
        **({"sortOrder": update.sort_order} if update.sort_order else {}),
        "status": update.status,
        "targetVersion": update.target_version,
        "_links": {},
    }


def settings_view(pool: Pool) -> dict[str, Any]:
    """Return the settings of a pool's updates as the API shows them."""
    return {
        "agentType": pool.type,
        "continueOnError": pool.continue_on_error,
        "latestVersion": pool.latest_version,
        "minimalSupportedVersion": pool.minimal_version,
        "poolId": pool.id,
        "poolName": pool.name,
        "releaseChannel": pool.release_channel,
    }


def _agent_in(update: Update, agent: Agent) -> dict[str, Any]:
    status, message = FAILED_AGENT if agent.id in update.failed else AGENT_STATUS[update.status]
    return {**agent_view(agent), "updateStatus": status, "updateMessage": message}


def _date_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
