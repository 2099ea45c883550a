"""What the server accepts in a body and a query: stricter than Okta's document where real answers were stricter."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from httptask.sandbox.seed import AGENT_TYPES, RELEASE_CHANNELS
from httptask.sandbox.state import Status
from httptask.sandbox.wire import ApiError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from httptask.sandbox.wire import SandboxRequest

INT32 = range(-(2**31), 2**31)

_WHOLE_NUMBER = re.compile(r"[0-9]{1,6}")


def read_object(request: SandboxRequest) -> dict[str, Any]:
    """Return the body as a JSON object without its nulls, which count as absent.

    Raises:
        ApiError: another content type (E0000021), or not a JSON object in UTF-8 (E0000003).

    """
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(400, "E0000021")
    try:
        value = json.loads(request.body.decode(), parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # decoding and encoding errors are ValueErrors too
        raise ApiError(400, "E0000003") from None
    if not isinstance(value, dict):
        raise ApiError(400, "E0000003")
    return {key: item for key, item in value.items() if item is not None}


def check_fields(body: Mapping[str, Any], checks: Mapping[str, Callable[[Any], bool]], required: tuple[str, ...] = ()) -> None:
    """Refuse a body in which a required field is missing or a known field has a wrong type; unknown fields pass.

    Raises:
        ApiError: 400 E0000001 with one cause per field, `agents` under the server's own name for it, `agentList`.

    """
    wrong = [name for name in required if body.get(name) in (None, "", [])]
    wrong += [name for name, check in checks.items() if name in body and name not in wrong and not check(body[name])]
    if wrong:
        first, *more = (CAUSE_NAMES.get(name, name) for name in wrong)
        raise invalid(first, *more)


def query_boolean(request: SandboxRequest, name: str) -> bool | None:
    """Return a boolean query parameter, None when it is absent.

    Raises:
        ApiError: it is neither `true` nor `false`.

    """
    value = request.query.get(name)
    if value not in (None, "true", "false"):
        raise ApiError(400, "E0000037", detail=f"Expected a boolean: {name}")
    return None if value is None else value == "true"


def query_number(request: SandboxRequest, name: str, default: int) -> int:
    """Return a query parameter that is a number from 1 up.

    Raises:
        ApiError: it is something else.

    """
    value = request.query.get(name)
    if value is None:
        return default
    if not _WHOLE_NUMBER.fullmatch(value) or int(value) < 1:
        raise invalid(name)
    return int(value)


def query_choice(request: SandboxRequest, name: str, choices: tuple[str, ...]) -> str | None:
    """Return a query parameter that is one of the choices, None when it is absent.

    Raises:
        ApiError: it is something else.

    """
    value = request.query.get(name)
    if value is not None and value not in choices:
        raise ApiError(400, "E0000037", detail=f"Not a known value: {name}")
    return value


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in INT32


def _one_of(*choices: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in choices


def _object(checks: Mapping[str, Callable[[Any], bool]]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict) and all(value.get(name) is None or check(value[name]) for name, check in checks.items())
    )


def _agents(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(agent, dict) and _text(agent.get("id")) for agent in value)


#: The server speaks of this field under another name than the document.
CAUSE_NAMES: Mapping[str, str] = {"agents": "agentList"}
REQUIRED_TO_CREATE = ("name", "agentType", "agents")
REQUIRED_IN_SETTINGS = ("agentType",)
SCHEDULE_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "cron": _text,
    "timezone": _text,
    "duration": _integer,
    "delay": _integer,
    "lastUpdated": _text,
}
UPDATE_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "name": _text,
    "agentType": _one_of(*AGENT_TYPES),
    "agents": _agents,
    "enabled": _boolean,
    "notifyAdmin": _boolean,
    "reason": _text,
    "schedule": _object(SCHEDULE_FIELDS),
    "sortOrder": _integer,
    "status": _one_of(*get_args(Status)),
    "targetVersion": _text,
}
SETTINGS_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "agentType": _one_of(*AGENT_TYPES),
    "continueOnError": _boolean,
    "latestVersion": _text,
    "minimalSupportedVersion": _text,
    "poolName": _text,
    "releaseChannel": _one_of(*RELEASE_CHANNELS),
}
