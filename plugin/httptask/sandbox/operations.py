"""The 14 operations: each takes a call and changes or reads the state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from httptask.sandbox import checks, paging
from httptask.sandbox.seed import AGENT_TYPES, LATEST_VERSIONS
from httptask.sandbox.state import State, Update, pool_view, settings_view, update_view
from httptask.sandbox.wire import Fields, SandboxRequest, invalid, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from httptask.sandbox.seed import Pool

DEFAULT_PAGE = 5


@dataclass(frozen=True, slots=True)
class Call:
    """One operation to carry out: on what, with what, when."""

    state: State
    request: SandboxRequest
    parameters: Mapping[str, str]
    now: float


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation gives: a JSON value (None: no content) and headers of its own."""

    value: Any = None
    headers: Fields = ()


def list_pools(call: Call) -> Result:
    """List pools, so many per type and page."""
    kind = checks.query_choice(call.request, "poolType", AGENT_TYPES)
    size = checks.query_number(call.request, "limitPerPoolType", DEFAULT_PAGE)
    start = paging.start_of(call.request, call.state.expiries)
    page, more = call.state.directory.page(kind, start, size)
    views = [pool_view(pool, call.state.directory.agents_of(pool)) for pool in page]
    following = paging.cursor(start + size, call.state.expiries) if more else None
    return Result(views, paging.links(call.request, following))


def list_updates(call: Call) -> Result:
    """List a pool's updates; real servers give an unknown pool an empty list, not a 404."""
    scheduled = checks.query_boolean(call.request, "scheduled")
    updates = call.state.updates_of(call.parameters["poolId"])
    wanted = [update for update in updates if scheduled in (None, update.schedule is not None)]
    return Result([update_view(update, call.state.directory) for update in wanted])


def create_update(call: Call) -> Result:
    """Create an update: with a schedule it waits, without one it starts at once."""
    body = checks.read_object(call.request)
    checks.check_fields(body, checks.UPDATE_FIELDS, checks.REQUIRED_TO_CREATE)
    pool = _pool(call)
    agent_ids = _agent_ids(call.state, pool, body)
    schedule = _schedule(body)
    update = Update(
        id=call.state.next_update_id(),
        pool_id=pool.id,
        agent_type=pool.type,
        name=body["name"],
        agent_ids=agent_ids,
        target_version=LATEST_VERSIONS[pool.type],
        status="InProgress" if schedule is None else "Scheduled",
        since=call.now,
    )
    return _store(call.state, _edited(update, body))


def get_update(call: Call) -> Result:
    """Return one update."""
    return Result(update_view(_update(call), call.state.directory))


def edit_update(call: Call) -> Result:
    """Change the fields of an update that the body gives; its status cannot be set."""
    body = checks.read_object(call.request)
    checks.check_fields(body, checks.UPDATE_FIELDS)
    update = _update(call)
    if "agents" in body:
        update = replace(update, agent_ids=_agent_ids(call.state, _pool(call), body))
    return _store(call.state, _edited(update, body))


def delete_update(call: Call) -> Result:
    """Delete an update, whatever its status."""
    del call.state.updates[_update(call).id]
    return Result()


def move_update(action: str) -> Callable[[Call], Result]:
    """Return the operation that applies one lifecycle action."""

    def operation(call: Call) -> Result:
        update = _update(call)
        moved = call.state.move(update, action, call.now)
        if moved is None:
            raise invalid("status", detail=f"cannot {action} an update that is {update.status}")
        return Result(update_view(moved, call.state.directory))

    return operation


def get_settings(call: Call) -> Result:
    """Return the settings of a pool's updates."""
    return Result(settings_view(_pool(call)))


def edit_settings(call: Call) -> Result:
    """Change the settings of a pool's updates; the pool's id and type stay."""
    body = checks.read_object(call.request)
    checks.check_fields(body, checks.SETTINGS_FIELDS, checks.REQUIRED_IN_SETTINGS)
    pool = _pool(call)
    if body["agentType"] != pool.type:
        raise invalid("agentType")
    changed = replace(
        pool,
        name=body.get("poolName", pool.name),
        continue_on_error=body.get("continueOnError", pool.continue_on_error),
        release_channel=body.get("releaseChannel", pool.release_channel),
        minimal_version=body.get("minimalSupportedVersion", pool.minimal_version),
        latest_version=body.get("latestVersion", pool.latest_version),
    )
    call.state.directory.keep_pool(changed)
    return Result(settings_view(changed))


def _pool(call: Call) -> Pool:
    pool_id = call.parameters["poolId"]
    pool = call.state.directory.pool(pool_id)
    if pool is None:
        raise not_found(pool_id, "AppInstance")
    return pool


def _update(call: Call) -> Update:
    update_id = call.parameters["updateId"]
    update = call.state.updates.get(update_id)
    if update is None or update.pool_id != call.parameters["poolId"]:
        raise not_found(update_id, "AgentPoolUpdate")
    return update


def _agent_ids(state: State, pool: Pool, body: Mapping[str, Any]) -> tuple[str, ...]:
    if body.get("agentType", pool.type) != pool.type:
        raise invalid("agentType")
    known = {agent.id for agent in state.directory.agents_of(pool)}
    named = tuple(dict.fromkeys(agent["id"] for agent in body["agents"]))
    if not named or not known.issuperset(named):
        raise invalid("agentList")
    return named


def _schedule(body: Mapping[str, Any]) -> dict[str, Any] | None:
    given = body.get("schedule") or {}
    kept = {key: given[key] for key in ("cron", "timezone", "delay", "duration") if given.get(key) not in (None, 0)}
    return kept or None


def _edited(update: Update, body: Mapping[str, Any]) -> Update:
    return replace(
        update,
        name=body.get("name", update.name),
        target_version=body.get("targetVersion") or update.target_version,
        enabled=body.get("enabled", update.enabled),
        notify_admin=body.get("notifyAdmin", update.notify_admin),
        reason=body.get("reason", update.reason),
        schedule=_schedule(body) if "schedule" in body else update.schedule,
        sort_order=body.get("sortOrder", update.sort_order),
    )


def _store(state: State, update: Update) -> Result:
    state.updates[update.id] = update
    return Result(update_view(update, state.directory))
