"""What the command line says of a list that was read whole."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from httptask.wording import counted

if TYPE_CHECKING:
    from httptask.all_pages import AllPages
    from httptask.outcome import Attempt, Outcome


def summary(pages: AllPages) -> str:
    """Return how much was read."""
    if pages.last is None:
        return "no page was read"
    return f"{counted(pages.last.number, 'page')}, {counted(pages.last.total, 'item')}"


def worth_telling(outcome: Outcome) -> Outcome:
    """Return an outcome with only those attempts that were more than a page read at once."""
    return replace(outcome, attempts=tuple(attempt for attempt in outcome.attempts if _is_special(attempt)))


def _is_special(attempt: Attempt) -> bool:
    return attempt.error is not None or (attempt.decision is not None and attempt.decision.action == "retry")
