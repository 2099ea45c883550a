"""Does whatever an outline's walk asks for, for engines that are handed units as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from httptask.hosted import decisions
from httptask.hosted.decisions import Asked, Listed, Waiting
from httptask.hosted.host import Host
from httptask.hosted.turns import Again, Ended, Turn, take
from httptask.hosted.units import Action, Unit

Done = Ended | Listed | Asked | Waiting


def perform(unit: Unit, turn: Turn, host: Host, more: Mapping[str, Any]) -> Done | Again:
    """Do a unit; `more` is what its action takes (`walking.Do.more`)."""
    return take(unit, turn, host) if unit.action == "send" else _DECISIONS[unit.action](unit, host, turn.key, more)


def told(done: Done) -> dict[str, Any]:
    """Return what came of a unit as JSON, as a walk takes it."""
    match done:
        case Listed(items):
            return {"items": [item.to_json() for item in items]}
        case Asked(message):
            return {"message": message}
        case Waiting(seconds):
            return {"seconds": seconds}
        case _:
            return done.to_json()


def _leave(unit: Unit, host: Host, key: str, more: Mapping[str, Any]) -> Ended:
    failed = more.get("failed")
    return decisions.leave(unit, host, key=key, failed=None if failed is None else Ended.from_json(failed))


_DECISIONS: Mapping[Action, Callable[[Unit, Host, str, Mapping[str, Any]], Done]] = {
    "list": lambda unit, host, key, _: decisions.items_of(unit, host, key=key),
    "gather": lambda unit, host, key, more: decisions.gather(unit, host, key=key, expected=int(more["expected"])),
    "enter": lambda unit, host, key, _: decisions.enter(unit, host, key=key),
    "leave": _leave,
    "ask": lambda unit, host, key, _: decisions.ask(unit, host, key=key),
    "decide": lambda unit, host, key, more: decisions.answered(unit, host, key=key, approved=bool(more["approved"])),
    "wait": lambda unit, host, key, _: decisions.wait(unit, host, key=key),
    "outputs": lambda unit, host, key, _: decisions.outputs_of(unit, host, key=key),
}
