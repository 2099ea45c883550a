"""What can be chosen about a sandbox, as one frozen value; also read from a workflow file's `x-sandbox`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from httptask.errors import InputInvalid, Problem
from httptask.faults import CLIENT_ONLY, Fault, parse_faults
from httptask.suggest import did_you_mean

Statuses = Literal["recorded", "spec"]
STATUSES: tuple[Statuses, ...] = ("recorded", "spec")
DEFAULT_TOKEN = "sandbox-token"  # noqa: S105 - a published default of a server that holds made-up data
FASTEST_SPEED = 1e6
LARGEST_LIMIT = 10**6
MOST_POOLS = 100_000

_RATE_LIMIT = re.compile(r"(?P<limit>[0-9]{1,7})/(?P<seconds>[0-9]{1,7})")
_MATCH = re.compile(r"(?:(?P<method>[A-Z]+|\*)(?:\s+|$))?(?P<path>/\S*)?")
_TOKEN = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_KEYS = ("rateLimit", "speed", "seed", "statuses", "faults", "pools")
_FAULT_KEYS = ("match", "script")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests in a window of so many seconds."""

    limit: int = 10
    seconds: int = 60

    @classmethod
    def parse(cls, text: str) -> RateLimit:
        """Read `10/60`: ten requests in sixty seconds.

        Raises:
            InputInvalid: the text has another form, or a number is out of range.

        """
        match = _RATE_LIMIT.fullmatch(text)
        if match is None or not all(1 <= int(number) <= LARGEST_LIMIT for number in match.groups()):
            raise _wrong("rateLimit", "not a rate limit", "write REQUESTS/SECONDS, for example 10/60")
        return cls(int(match["limit"]), int(match["seconds"]))


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Faults to play, one per request that matches; `method` and `path` None match all, `*` in a path matches one segment."""

    faults: tuple[Fault, ...]
    method: str | None = None
    path: str | None = None

    @classmethod
    def parse(cls, script: str, match: str = "") -> FaultRule:
        """Read a fault script and a matcher: `GET /api/v1/agentPools/*/updates`, a path alone, a method alone, or nothing.

        Raises:
            InputInvalid: the script or the matcher cannot be read, or names a fault that happens before a server.

        """
        faults = parse_faults(script)
        for number, fault in enumerate(faults, start=1):
            if fault.kind in CLIENT_ONLY:
                raise _wrong(
                    f"fault {number}",
                    f"{fault.kind} happens on the client's side and no server can play it",
                    "use it with --fault of `httptask test`",
                )
        found = _MATCH.fullmatch(match.strip())
        if found is None:
            raise _wrong("match", "not a matcher", "write METHOD /path, where * stands for one path segment")
        method = found["method"]
        return cls(faults, None if method == "*" else method, found["path"])

    @property
    def match(self) -> str:
        """The matcher as it is written."""
        return " ".join(part for part in (self.method, self.path) if part)

    def matches(self, method: str, path: str) -> bool:
        """Tell whether a request is meant."""
        return self.method in (None, method) and (self.path is None or _same_shape(self.path, path))


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client of the token endpoint: its public key (PEM or JWK) or secret, what it is granted, and whether DPoP is a must."""

    client_id: str
    key: str | None = None
    secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("okta.agentPools.read", "okta.agentPools.manage")
    dpop: bool = False


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """The choices, with the defaults of the standalone command. `pools` is the number of AD pools; None: those of the seed."""

    token: str = DEFAULT_TOKEN
    rate_limit: RateLimit = RateLimit()
    speed: float = 1.0
    seed: int = 1
    statuses: Statuses = "recorded"
    faults: tuple[FaultRule, ...] = ()
    clients: tuple[OAuthClient, ...] = ()
    token_lifetime: int = 3600
    pools: int | None = None
    resource_nonce: bool = False

    def __post_init__(self) -> None:
        """Refuse a token that no request could carry, or that everyone carries."""
        if not _TOKEN.fullmatch(self.token):
            raise _wrong("token", "not a token that a header can carry", "use letters, digits and punctuation of ASCII")

    @classmethod
    def from_json(cls, values: Mapping[str, Any], *, where: str = "x-sandbox") -> SandboxOptions:
        """Read the JSON form `{rateLimit, speed, seed, statuses, pools, faults: [{match, script}]}`; every key is optional.

        Raises:
            InputInvalid: every key that is unknown or holds something else than it should.

        """
        problems = [_unknown(where, key, _KEYS) for key in values if key not in _KEYS]

        def read(key: str, reader: Callable[[Any], _Value], default: _Value) -> _Value:
            try:
                return reader(values[key]) if key in values else default
            except InputInvalid as error:
                problems.extend(_under(where, problem) for problem in error.problems)
                return default

        base = cls()
        options = cls(
            rate_limit=read("rateLimit", _rate_limit, base.rate_limit),
            speed=read("speed", _speed, base.speed),
            seed=read("seed", _seed, base.seed),
            statuses=read("statuses", _statuses, base.statuses),
            faults=read("faults", _rules, base.faults),
            pools=read("pools", _pools, base.pools),
        )
        if problems:
            raise InputInvalid(problems)
        return options


def _rate_limit(value: Any) -> RateLimit:
    return RateLimit.parse(value if isinstance(value, str) else "")


def _speed(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value <= FASTEST_SPEED:
        raise _wrong("speed", "not a speed", f"write a number above 0 and at most {FASTEST_SPEED:.0f}; 1 is real time")
    return float(value)


def _seed(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong("seed", "not an integer", "write for example 1")
    return value


def _pools(value: Any) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_POOLS:
        raise _wrong("pools", "not a number of AD pools", f"write a number from 1 to {MOST_POOLS}")
    return value


def _statuses(value: Any) -> Statuses:
    if value not in STATUSES:
        raise _wrong("statuses", "not a known set of statuses", f"write {' or '.join(STATUSES)}")
    return cast("Statuses", value)


def _rules(value: Any) -> tuple[FaultRule, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong("faults", "not a list", "write a list of {match, script}")
    return tuple(_rule(f"faults[{index}]", entry) for index, entry in enumerate(value))


def _rule(where: str, entry: Any) -> FaultRule:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("script"), str) or not isinstance(entry.get("match", ""), str):
        raise _wrong(where, "not a fault rule", "write {script: TEXT} and optionally match: TEXT")
    unknown = [_unknown(where, key, _FAULT_KEYS) for key in entry if key not in _FAULT_KEYS]
    if unknown:
        raise InputInvalid(unknown)
    try:
        return FaultRule.parse(entry["script"], entry.get("match", ""))
    except InputInvalid as error:
        raise InputInvalid([_under(where, problem) for problem in error.problems]) from None


def _same_shape(pattern: str, path: str) -> bool:
    wanted, found = pattern.split("/"), path.split("/")
    return len(wanted) == len(found) and all(want in ("*", have) for want, have in zip(wanted, found, strict=True))


def _unknown(where: str, key: Any, known: tuple[str, ...]) -> Problem:
    return Problem(where, "an unknown key", did_you_mean(str(key), known) or f"known keys: {', '.join(known)}")


def _under(where: str, problem: Problem) -> Problem:
    return Problem(f"{where}.{problem.where}", problem.message, problem.hint)


def _wrong(where: str, message: str, hint: str) -> InputInvalid:
    return InputInvalid(Problem(where, message, hint))
