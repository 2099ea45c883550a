"""How a unit ends without success, as exceptions: Prefect shows their type and words as the run's state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from httptask.errors import HttpTaskError
from httptask.hosted.turns import OUTCOME_UNKNOWN, Ended


class HttpTaskFailed(HttpTaskError):
    """A task did not succeed, and what it asked for is known not to be done; `told` is the whole end as JSON, masked."""

    def __init__(self, message: str, told: Mapping[str, Any]) -> None:
        """Keep both; they are what a copy is made from, which Prefect stores beside a flow run that failed."""
        super().__init__(message, told)
        self.told = told

    def __str__(self) -> str:
        """Return the message alone."""
        return str(self.args[0])

    def __repr__(self) -> str:
        """Return type and message: Prefect makes the words of a state from it, and the rest is looked up where it is kept."""
        return f"{type(self).__name__}: {self}"

    @property
    def outcome(self) -> Mapping[str, Any] | None:
        """The outcome with its attempts, None where nothing was sent."""
        outcome: Mapping[str, Any] | None = self.told["outcome"]
        return outcome


class OutcomeUnknown(HttpTaskFailed):
    """Nobody knows whether the request was carried out. Nothing sends it again."""


class CannotGoOn(HttpTaskError):
    """A run that Prefect begins again has nothing to go on from, or may not: nothing is sent."""


def failure_of(ended: Ended) -> HttpTaskFailed:
    """Return the exception that says how a unit ended."""
    kind = OutcomeUnknown if ended.error == OUTCOME_UNKNOWN else HttpTaskFailed
    why = ended.failure.kind.value if ended.failure else ended.status
    return kind(f"{why}: {ended.message}", ended.to_json())
