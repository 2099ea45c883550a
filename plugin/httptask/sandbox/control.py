"""The control surface under `/_sandbox`: faults, request log, clock, expiry of cursors, reset. Outside authentication and limits.

A browser on the same machine reaches it too, so a request that a web page may have sent is refused: one with the Origin of
another page, or one for a name that is not this machine's and that a page's own name server may point here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from httptask.baseurl import is_loopback
from httptask.errors import InputInvalid, Problem
from httptask.sandbox.options import FaultRule
from httptask.sandbox.wire import SandboxReply, to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from httptask.sandbox.session import Session
    from httptask.sandbox.wire import SandboxRequest

PREFIX = "/_sandbox"
LONGEST_ADVANCE = 10 * 365 * 86_400


def is_control(path: str) -> bool:
    """Tell whether a path belongs to the control surface."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def answer(session: Session, request: SandboxRequest) -> SandboxReply:
    """Answer a control request; mistakes come back as 400 with a list of problems, what a web page may have sent as 403."""
    if not _is_from_here(request):
        hint = "call 127.0.0.1 or localhost, without an Origin header"
        return _reply(403, _problems(Problem(PREFIX, "the control surface answers programs on this machine only", hint)))
    actions = _ACTIONS.get(request.path.removeprefix(PREFIX))
    if actions is None:
        return _reply(404, _problems(Problem(PREFIX, "no such control path", f"there are {', '.join(_ACTIONS)}")))
    action = actions.get(request.method)
    if action is None:
        allow = ", ".join(actions)
        reply = _reply(405, _problems(Problem(PREFIX, "this path does not take that method", f"use {allow}")))
        return SandboxReply(reply.status, (*reply.headers, ("allow", allow)), reply.body)
    try:
        return _reply(200, action(session, request.body))
    except InputInvalid as error:
        return _reply(400, _problems(*error.problems))


def _is_from_here(request: SandboxRequest) -> bool:
    host, origin = request.header("host"), request.header("origin")
    if host is None:  # HTTP/1.1 demands one, so only a caller in this process has none
        return origin is None
    return _is_this_machine(host) and (origin is None or origin.lower() == f"http://{host}".lower())


def _is_this_machine(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
    except ValueError:
        return False
    return parts.netloc == host and "@" not in host and is_loopback(parts.hostname or "")


def _show_faults(session: Session, _: bytes) -> Any:
    return {"faults": session.faults.to_json()}


def _add_faults(session: Session, body: bytes) -> Any:
    values = _object(body)
    script, match = values.get("script"), values.get("match") or ""
    if not isinstance(script, str) or not isinstance(match, str):
        raise InputInvalid(Problem("script", "not a fault script", 'send {"script": "503, ok"} and optionally "match"'))
    session.faults.add(FaultRule.parse(script, match))
    return _show_faults(session, body)


def _clear_faults(session: Session, body: bytes) -> Any:
    session.faults.clear()
    return _show_faults(session, body)


def _show_requests(session: Session, _: bytes) -> Any:
    return {"received": [received.to_json() for received in session.log], "applied": dict(session.applied)}


def _show_clock(session: Session, _: bytes) -> Any:
    return {"now": session.now(), "advanced": session.offset}


def _advance_clock(session: Session, body: bytes) -> Any:
    seconds = _object(body).get("advance")
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is None or not number or not 0 <= seconds <= LONGEST_ADVANCE - session.offset:
        hint = f'send {{"advance": SECONDS}}, at most {LONGEST_ADVANCE} in all'
        raise InputInvalid(Problem("advance", "not a time ahead", hint))
    session.offset += seconds
    return _show_clock(session, body)


def _expire(session: Session, _: bytes) -> Any:
    session.state.expiries += 1
    return {"expired": session.state.expiries}


def _reset(session: Session, body: bytes) -> Any:
    session.restart()
    return _show_clock(session, body)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InputInvalid(Problem("body", "not a JSON object", "send an object in UTF-8"))
    return value


def _problems(*problems: Problem) -> Any:
    return {"error": {"problems": [problem.to_json() for problem in problems]}}


def _reply(status: int, value: Any) -> SandboxReply:
    return SandboxReply(status, (("content-type", "application/json"), ("cache-control", "no-store")), to_bytes(value))


_ACTIONS: Mapping[str, Mapping[str, Callable[[Session, bytes], Any]]] = {
    "/faults": {"GET": _show_faults, "POST": _add_faults, "DELETE": _clear_faults},
    "/requests": {"GET": _show_requests},
    "/clock": {"GET": _show_clock, "POST": _advance_clock},
    "/expire": {"POST": _expire},
    "/reset": {"POST": _reset},
}
