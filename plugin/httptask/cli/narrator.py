"""Tells on stderr what happens as it happens: the Observer of the command line."""

from __future__ import annotations

import sys
from collections.abc import Callable

from httptask import events
from httptask.cli.console import Console, is_terminal, on_one_line
from httptask.cli.progress import Progress, progress_of
from httptask.clock import SystemClock
from httptask.wording import counted

_MARKS = {"succeeded": ("✓", "green"), "skipped": ("-", "dim"), "failed": ("✗", "red")}


class Narrator:
    """Writes one line per event. Silent unless asked for, or unless stderr is a terminal.

    On a terminal, a `forEach` of many items is one line that is written over, and what happens below it is not told: requests of
    32 items at a time are no reading. Whoever wants them says so (`console.verbose`).
    """

    def __init__(self, console: Console, *, requests: bool, monotonic: Callable[[], float] | None = None) -> None:
        """With `requests`, single attempts are told even when nothing special happened to them."""
        self._console = console
        self._requests = requests
        self._monotonic = monotonic or SystemClock().monotonic
        self._in_place = is_terminal(sys.stderr) and not console.verbose
        self._progress: dict[str, Progress] = {}

    def __call__(self, event: events.Event) -> None:
        """Take an event."""
        if isinstance(event, events.ItemFinished):
            if event.step in self._progress:
                self._progress[event.step].take(event)
        elif self._is_told(event):
            self._tell(event)
        elif isinstance(event, events.Pacing):
            next(iter(self._progress.values())).show(_waiting(event))

    def _is_told(self, event: events.Event) -> bool:
        """Tell whether an event gets lines of its own: not while a line is written over, but for the end of its step."""
        own = isinstance(event, events.StepFinished) and event.step in self._progress
        return own or not (self._in_place and self._progress)

    def _tell(self, event: events.Event) -> None:
        if isinstance(event, events.AttemptFinished):
            self._attempt(event)
        elif isinstance(event, events.StepStarted):
            self._started(event)
        elif isinstance(event, events.StepFinished):
            self._finished(event)
        else:
            self._aside(event)

    def _aside(self, event: events.Event) -> None:
        """Tell what happens beside the requests."""
        if isinstance(event, events.Pacing):
            self._say(self._style(f"    {_waiting(event)}", "yellow"))
        elif isinstance(event, events.Verified):
            self._say(self._style(f"    asked whether it was applied: {event.finding}", "yellow"))
        elif isinstance(event, events.PageRead):
            self._say(self._style(f"    page {event.number}: {counted(event.items, 'item')}, {event.total} so far", "dim"))
        elif isinstance(event, events.PollWaiting):
            self._say(self._style(f"    not yet; asking again in {event.wait:g} s", "dim"))

    def _started(self, event: events.StepStarted) -> None:
        items = "" if event.items is None else f"  {counted(event.items, 'item')}"
        self._say(f"→ {event.step}  {on_one_line(event.summary) or event.task}{self._style(items, 'dim')}")
        progress = progress_of(event, self._console, self._monotonic, in_place=self._in_place)
        if progress is not None and (self._in_place or self._console.verbose):
            self._progress[event.step] = progress

    def _finished(self, event: events.StepFinished) -> None:
        self._progress.pop(event.step, None)
        mark, colour = _MARKS.get(event.status, ("?", "yellow"))
        self._say(f"{self._style(mark, colour)} {event.step}  {event.status}" + (f"  {event.message}" if event.message else ""))

    def _attempt(self, event: events.AttemptFinished) -> None:
        attempt, decision = event.attempt, event.attempt.decision
        retried = decision is not None and decision.action == "retry"
        if not (self._requests or retried):
            return
        answer = str(attempt.status) if attempt.status is not None else f"{attempt.error}, {attempt.phase}"
        self._say(f"    {event.request}  {answer}  {attempt.elapsed * 1000:.0f} ms")
        if decision is not None and retried:
            self._say(self._style(f"    waiting {decision.wait:.1f} s: {decision.reason}", "yellow"))

    def _say(self, text: str) -> None:
        self._console.note(text)

    def _style(self, text: str, style: str) -> str:
        return self._console.style(text, style, stream=sys.stderr)


def _waiting(event: events.Pacing) -> str:
    return f"waiting {event.seconds:.0f} s for the rate limit to reset"
