"""Exit codes, a contract with scripts."""

from __future__ import annotations

from collections.abc import Mapping

SUCCEEDED = 0
FAILED = 1
USAGE = 2
UNKNOWN = 3
WAITING = 4
INTERRUPTED = 130

#: Status of an outcome or run -> exit code.
BY_STATUS: Mapping[str, int] = {
    "succeeded": SUCCEEDED,
    "failed": FAILED,
    "unknown": UNKNOWN,
    "waiting": WAITING,
    "cancelled": INTERRUPTED,
}
