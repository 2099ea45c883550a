"""What happened, as frozen facts: one producer (runner, workflow), any number of consumers (terminal, logs, traces)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httptask.outcome import Attempt, Outcome
    from httptask.secrets import Secret


@dataclass(frozen=True, slots=True)
class TaskStarted:
    """A task was checked and rendered; its first attempt is next.

    `url` holds no credential and no input that the schema calls secret; `secrets` are those inputs, for the Redactor.
    """

    task: str
    method: str
    url: str
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class AttemptFinished:
    """An attempt ended, with the policy's decision in it; `request` is its method and URL, fit to be shown."""

    task: str
    attempt: Attempt
    request: str = ""


@dataclass(frozen=True, slots=True)
class CredentialUsed:
    """A request got its credential; whoever shows anything masks these, for a token may be fresh."""

    task: str
    secrets: tuple[Secret, ...]


@dataclass(frozen=True, slots=True)
class Pacing:
    """A task waits `seconds` before it sends, because the server's rate limit has nothing left until then."""

    task: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Verified:
    """A verify task was asked about a lost answer: applied, notApplied or inconclusive."""

    task: str
    finding: str


@dataclass(frozen=True, slots=True)
class TaskFinished:
    """A task ended.

    The outcome is as it is, not fit to be shown; `secrets` are those that its answer and outputs hold by name or schema, which
    later events may repeat: `masking.Learner` takes them out.
    """

    outcome: Outcome
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRead:
    """One page of a list was read: its number, its items, and those of all pages so far."""

    task: str
    number: int
    items: int
    total: int


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A workflow step began; `items` is the number of items of a `forEach`, None for a plain step.

    `path` tells it from steps of the same name in other workflow files of the run, as the journal does.
    """

    step: str
    task: str
    items: int | None
    summary: str = ""
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ItemFinished:
    """One item of a `forEach` ended."""

    step: str
    index: int
    status: str
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PollWaiting:
    """An `until` does not hold yet; the task is asked again after `wait` seconds."""

    step: str
    poll: int
    wait: float


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A workflow step ended: succeeded, failed, unknown, skipped or cancelled."""

    step: str
    status: str
    message: str = ""
    path: str = field(default="", compare=False)


Event = (
    TaskStarted
    | CredentialUsed
    | AttemptFinished
    | Pacing
    | Verified
    | TaskFinished
    | PageRead
    | StepStarted
    | ItemFinished
    | PollWaiting
    | StepFinished
)
