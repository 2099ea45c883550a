"""Events as lines for a page that shows what happens as it happens. Pure; events come masked."""

from __future__ import annotations

from httptask import events
from httptask.wording import counted


def line_of(event: events.Event) -> str:
    """Return what an event says; the empty text for one that says nothing to people."""
    if isinstance(event, events.StepStarted | events.StepFinished | events.ItemFinished):
        return _step(event)
    if isinstance(event, events.AttemptFinished):
        return _attempt(event)
    if isinstance(event, events.TaskStarted):
        return f"{event.method} {event.url}"
    return _aside(event)


def _aside(event: events.Event) -> str:
    """Return what happens beside steps and requests."""
    match event:
        case events.Pacing():
            return f"waiting {event.seconds:.0f} s for the rate limit to reset"
        case events.Verified():
            return f"asked whether it was applied: {event.finding}"
        case events.PageRead():
            return f"page {event.number}: {counted(event.items, 'item')}, {event.total} so far"
        case events.PollWaiting():
            return f"{event.step}: not yet; asking again in {event.wait:g} s"
    return ""


def _attempt(event: events.AttemptFinished) -> str:
    attempt, decision = event.attempt, event.attempt.decision
    answer = str(attempt.status) if attempt.status is not None else f"{attempt.error} ({attempt.phase})"
    line = f"attempt {attempt.number}: {answer} after {attempt.elapsed * 1000:.0f} ms"
    if decision is not None and decision.action == "retry":
        return f"{line}; waiting {decision.wait:.1f} s: {decision.reason}"
    return line


def _step(event: events.StepStarted | events.StepFinished | events.ItemFinished) -> str:
    name = event.path or event.step
    if isinstance(event, events.StepStarted):
        return f"{name} begins" + ("" if event.items is None else f", {counted(event.items, 'item')}")
    if isinstance(event, events.ItemFinished):
        return f"{name} {event.status}"
    return f"{name} {event.status}" + (f": {event.message}" if event.message else "")
