"""Ends that workflow code tells by itself: of units that no worker can be handed, or that none came to an end with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from httptask.hosted.turns import Ended
from httptask.hosted.walking import Do
from httptask.outcome import Failure
from httptask.runs import StepStatus, worst


@dataclass(frozen=True, slots=True)
class Known:
    """What the argument of a run says of its steps; what it says nothing of may change something, and ends the run.

    Attributes:
        asking: paths of those that change nothing.
        passed: paths of those after whose failure the run goes on.

    """

    asking: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, argument: Mapping[str, Any]) -> Known:
        """Return what an argument says."""
        said = argument.get("known") or {}
        return cls(frozenset(said.get("asking", ())), frozenset(said.get("passed", ())))


def summed_up(do: Do, known: Known) -> Mapping[str, Any] | None:
    """Return the end of a unit that only sums up what has ended; None for any other."""
    failed = do.more.get("failed")
    if failed is not None:
        return _ended(do, failed["status"], _failure(failed), known)
    if do.action != "gather":
        return None
    parts = list(_parts(do))
    status = worst([status for status, _ in parts])
    failure = next((failure for each, failure in parts if each == status and failure is not None), None)
    return _ended(do, status, failure, known)


def by_itself(do: Do, failure: Failure, known: Known, *, pending: bool = False) -> Mapping[str, Any]:
    """Return the end of a unit with a failure; `pending`: it may have been sent, which matters where it changes something."""
    unknown = pending and do.action == "send" and do.node.path not in known.asking
    return _ended(do, "unknown" if unknown else "failed", failure, known)


def _parts(do: Do) -> Iterator[tuple[StepStatus, Failure | None]]:
    """Yield how items of a step, or members of a group, have ended; a member's failure that the run goes on after is none."""
    members = {member.path for member in do.node.members}
    for path, result in do.results.items():
        if path in members and result.get("handled"):
            yield "succeeded", None
        elif path in members or path.startswith(f"{do.node.path}["):
            yield result["status"], _failure(result)


def _failure(ended: Mapping[str, Any]) -> Failure | None:
    return Failure.from_json(ended["failure"]) if ended.get("failure") else None


def _ended(do: Do, status: StepStatus, failure: Failure | None, known: Known) -> Mapping[str, Any]:
    result: dict[str, Any] = {"status": status, **({"failure": failure.to_json()} if failure else {})}
    if status == "failed" and do.node.path in known.passed:
        result["handled"] = True
    return Ended(status, result, failure=failure).to_json()
