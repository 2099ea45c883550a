"""Tells on stderr what happens as it happens: the Observer of the command line."""

from __future__ import annotations

import sys

from httptask import events
from httptask.cli.console import Console, on_one_line
from httptask.outcome import Attempt

_MARKS = {"succeeded": ("✓", "green"), "skipped": ("-", "dim"), "failed": ("✗", "red")}


class Narrator:
    """Writes one line per event. Silent unless asked for, or unless stderr is a terminal."""

    def __init__(self, console: Console, *, requests: bool) -> None:
        """With `requests`, single attempts are told even when nothing special happened to them."""
        self._console = console
        self._requests = requests
        self._request = ""

    def __call__(self, event: events.Event) -> None:
        """Take an event."""
        if isinstance(event, events.TaskStarted):
            self._request = f"{event.method} {event.url}"
        elif isinstance(event, events.AttemptFinished):
            self._attempt(event.attempt)
        elif isinstance(event, events.Pacing):
            self._say(self._style(f"    waiting {event.seconds:.0f} s for the rate limit to reset", "yellow"))
        elif isinstance(event, events.Verified):
            self._say(self._style(f"    asked whether it was applied: {event.finding}", "yellow"))
        elif isinstance(event, events.PageRead):
            items = f"{event.items} {'item' if event.items == 1 else 'items'}"
            self._say(self._style(f"    page {event.number}: {items}, {event.total} so far", "dim"))
        elif isinstance(event, events.StepStarted):
            items = "" if event.items is None else f"  {event.items} {'item' if event.items == 1 else 'items'}"
            self._say(f"→ {event.step}  {on_one_line(event.summary) or event.task}{self._style(items, 'dim')}")
        elif isinstance(event, events.PollWaiting):
            self._say(self._style(f"    not yet; asking again in {event.wait:g} s", "dim"))
        elif isinstance(event, events.StepFinished):
            mark, colour = _MARKS.get(event.status, ("?", "yellow"))
            self._say(
                f"{self._style(mark, colour)} {event.step}  {event.status}" + (f"  {event.message}" if event.message else "")
            )

    def _attempt(self, attempt: Attempt) -> None:
        decision = attempt.decision
        retried = decision is not None and decision.action == "retry"
        if not (self._requests or retried):
            return
        answer = str(attempt.status) if attempt.status is not None else f"{attempt.error}, {attempt.phase}"
        self._say(f"    {self._request}  {answer}  {attempt.elapsed * 1000:.0f} ms")
        if decision is not None and retried:
            self._say(self._style(f"    waiting {decision.wait:.1f} s: {decision.reason}", "yellow"))

    def _say(self, text: str) -> None:
        self._console.note(text)

    def _style(self, text: str, style: str) -> str:
        return self._console.style(text, style, stream=sys.stderr)
