"""The fault words: one small language in which a person says how a server or a network should misbehave.

`503x2, slow(2s), ok` is a list; each entry is a word or a status, with options in round brackets and a repeat count.
The sandbox and the client's fault script read the same words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from httptask.errors import InputInvalid, Problem
from httptask.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

FaultKind = Literal[
    "status",
    "refused",
    "dns",
    "tls",
    "connect-timeout",
    "reset-before",
    "reset-after",
    "read-timeout",
    "truncated",
    "slow",
    "html",
    "ok",
    "verify",
]
#: What a verify task may find out, written `verify:applied`.
Finding = Literal["applied", "notApplied", "inconclusive"]
#: Every word that may be written; a status is written as its number.
FAULT_WORDS: tuple[str, ...] = (
    *(word for word in get_args(FaultKind) if word not in {"status", "verify"}),
    *(f"verify:{finding}" for finding in get_args(Finding)),
)
#: These happen on the client's side, so no server can play them.
CLIENT_ONLY: frozenset[str] = frozenset({"refused", "dns", "tls", "connect-timeout", "verify"})

LOWEST_STATUS, HIGHEST_STATUS = 200, 599
MOST_FAULTS = 1000
LONGEST_SCRIPT = 10_000
LONGEST_SECONDS = 600.0
#: Whoever plays the fault frames the message; a script that did would break the connection in ways it did not name.
FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "content-encoding"})

_ENTRY = re.compile(r"(?P<word>[0-9]{3}|[A-Za-z][A-Za-z:-]*?)\s*(?:\((?P<options>[^()]*)\))?\s*(?:x(?P<count>[0-9]{1,4}))?")
_SECONDS = re.compile(r"(?P<number>[0-9]{1,6}(?:\.[0-9]{1,6})?)\s*(?P<unit>ms|s)?")
_HEADER = re.compile(r"(?P<name>[A-Za-z0-9!#$%&'*+.^_`|~-]+) *= *(?P<value>[\x20-\x7e]*)")
_SEPARATOR = re.compile(r",(?![^()]*\))")


@dataclass(frozen=True, slots=True)
class Fault:
    """One answer, or the lack of one. `status` and `headers` belong to `status`, `seconds` to `slow`, `finding` to `verify`."""

    kind: FaultKind
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    finding: Finding | None = None

    def __str__(self) -> str:
        """Return the entry that `parse_faults` reads as this fault."""
        if self.kind == "slow":
            return f"slow({self.seconds:g}s)"
        if self.kind == "verify":
            return f"verify:{self.finding}"
        if self.kind != "status":
            return self.kind
        options = "; ".join(f"{name}={value}" for name, value in self.headers)
        return f"{self.status}({options})" if options else str(self.status)


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read a comma-separated list of faults; `503x2` gives two entries.

    Raises:
        InputInvalid: every entry that cannot be read, with its number and column; the text itself is not repeated.

    """
    if len(text) > LONGEST_SCRIPT:
        raise _wrong("fault script", f"longer than {LONGEST_SCRIPT} characters", "use repeat counts, as in 503x20")
    faults: list[Fault] = []
    problems: list[Problem] = []
    for where, entry in _entries(text):
        try:
            faults.extend(_entry(where, entry))
        except InputInvalid as error:
            problems.extend(error.problems)
    if len(faults) > MOST_FAULTS:
        problems.append(Problem("fault script", f"more than {MOST_FAULTS} faults", "use smaller repeat counts"))
    if problems:
        raise InputInvalid(problems)
    return tuple(faults)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    start = 0
    for number, entry in enumerate(_SEPARATOR.split(text), start=1):
        column = start + len(entry) - len(entry.lstrip()) + 1
        yield f"fault {number}, column {column}", entry.strip()
        start += len(entry) + 1


def _entry(where: str, entry: str) -> tuple[Fault, ...]:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise _wrong(where, *(("an empty entry", "") if not entry else ("not a fault", _shape(entry))))
    count = 1 if match["count"] is None else int(match["count"])
    if not 1 <= count <= MOST_FAULTS:
        raise _wrong(where, f"the repeat count must be from 1 to {MOST_FAULTS}")
    return (_fault(where, match["word"], match["options"]),) * count


def _fault(where: str, word: str, options: str | None) -> Fault:
    if word.isdigit():
        return _status(where, int(word), options)
    finding = next((finding for finding in get_args(Finding) if word == f"verify:{finding}"), None)
    if finding is not None and options is None:
        return Fault("verify", finding=finding)
    kind = next((kind for kind in get_args(FaultKind) if kind == word), None)
    if kind is None or kind in {"status", "verify"}:
        raise _wrong(where, "not a fault word", did_you_mean(word, FAULT_WORDS) or _shape(word))
    if kind == "slow":
        return Fault("slow", seconds=_seconds(where, options))
    if options is not None:
        raise _wrong(where, f"{kind} takes no options", f"write {kind}")
    return Fault(kind)


def _status(where: str, status: int, options: str | None) -> Fault:
    if not LOWEST_STATUS <= status <= HIGHEST_STATUS:
        raise _wrong(where, f"a status must be from {LOWEST_STATUS} to {HIGHEST_STATUS}")
    pairs = [] if options is None else options.split(";")
    return Fault("status", status, tuple(_header(where, pair.strip()) for pair in pairs))


def _header(where: str, pair: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(pair)
    if match is None:
        raise _wrong(where, "an option of a status is a header", "write 429(Retry-After=7) or 429(A=1; B=2)")
    if match["name"].lower() in FRAMING_HEADERS:
        raise _wrong(where, "a header that frames the message cannot be set", f"leave out {', '.join(sorted(FRAMING_HEADERS))}")
    return match["name"], match["value"].strip()


def _seconds(where: str, options: str | None) -> float:
    match = _SECONDS.fullmatch((options or "").strip())
    if match is None:
        raise _wrong(where, "slow needs a time", "write slow(2s) or slow(500ms)")
    seconds = float(match["number"]) / (1000 if match["unit"] == "ms" else 1)
    if seconds > LONGEST_SECONDS:
        raise _wrong(where, f"slow is at most {LONGEST_SECONDS:g} seconds")
    return seconds


def _wrong(where: str, message: str, hint: str = "") -> InputInvalid:
    return InputInvalid(Problem(where, message, hint or "write for example 503x2, reset-after, ok"))


def _shape(entry: str) -> str:
    near = did_you_mean(re.split(r"[^A-Za-z:-]", entry)[0], FAULT_WORDS)
    return near or f"write a status such as 503 or 503x2, or one of {', '.join(FAULT_WORDS)}"
