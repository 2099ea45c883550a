"""What both sides of a Temporal server agree on: names, limits, and how long what travels is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

WORKFLOW = "httptask.run"
QUEUE = "httptask"
#: The activity of what stands between requests and sends nothing.
DECIDE = "httptask.decide"
#: The key of an activity's argument that makes it a unit of a workflow; without it the argument is a task's inputs.
UNIT = "httptask"
#: Of the start argument; another one was written by another version.
VERSION = 1
#: A worker that sends no heartbeat for so long is lost.
HEARTBEAT = timedelta(seconds=20)
#: Heartbeats notice a lost worker. A turn that is alive is never begun a second time beside itself, so this is out of the way.
LONGEST_TURN = timedelta(days=1)
#: Attempts that the server may begin beside those of the retry policy: each follows a lost worker.
LOST_WORKERS = 10
#: Events after which a run continues as new.
CONTINUE_AT = 4000
#: Bytes of history after which it does so too: a server ends a run at 50 MB, and lanes side by side add to what is under way.
CONTINUE_AT_BYTES = 4_000_000
#: Bytes that one step may hand on; a payload of Temporal holds 2 MB, and what a unit says has its outputs twice.
MOST_PASSED = 512 * 1024
#: Bytes of one argument or answer.
LARGEST = 1_900_000
#: Bytes of arguments that are handed to the server together; a message to it holds 4 MB.
MOST_TOGETHER = 3_000_000
#: Characters of a failure's message, where all of it does not fit.
MOST_SAID = 4096


def length(value: Any) -> int:
    """Return the bytes of a value as Temporal's own converter writes it."""
    return len(json.dumps(value, separators=(",", ":")))
