"""All pages of a list for `test --all`: read within the caller's limits and time, told as they come, counted at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from httptask.events import PageRead
from httptask.model import Paginate

if TYPE_CHECKING:
    from httptask.events import Event
    from httptask.model import Connection, TaskTemplate
    from httptask.outcome import Attempt, Outcome
    from httptask.ports import Observer
    from httptask.runner import Options, Runner


@dataclass(slots=True)
class AllPages:
    """One reading of a list. `options.deadline` is for the whole of it."""

    template: TaskTemplate
    inputs: Mapping[str, Any]
    options: Options
    limits: Paginate = field(default_factory=Paginate)
    last: PageRead | None = None

    def __post_init__(self) -> None:
        """Refuse a task without pages before anything is started for it.

        Raises:
            InputInvalid: the task has none.

        """
        from httptask.paged import paging_required

        paging_required(self.template)

    def read(self, runner: Runner, connection: Connection, observer: Observer) -> Outcome:
        """Return the outcome of the whole list."""
        from httptask.clock import SystemClock
        from httptask.paged import all_pages, first_page

        clock, deadline = SystemClock(), self.options.deadline
        began = clock.monotonic()

        def ask(url: str | None) -> Outcome:
            left = None if deadline is None else deadline - (clock.monotonic() - began)
            return runner.run(self.template, self.inputs, connection, replace(self.options, page_url=url, deadline=left))

        def tell(event: Event) -> None:
            self.last = event if isinstance(event, PageRead) else self.last
            observer(event)

        first = first_page(self.template, self.inputs, connection, self.options)
        return all_pages(ask, self.template, self.inputs, connection, first=first, limits=self.limits, tell=tell)

    @property
    def summary(self) -> str:
        """How much was read."""
        if self.last is None:
            return "no page was read"
        return f"{_count(self.last.number, 'page')}, {_count(self.last.total, 'item')}"


def worth_telling(outcome: Outcome) -> Outcome:
    """Return an outcome with only those attempts that were more than a page read at once."""
    return replace(outcome, attempts=tuple(attempt for attempt in outcome.attempts if _is_special(attempt)))


def _is_special(attempt: Attempt) -> bool:
    return attempt.error is not None or (attempt.decision is not None and attempt.decision.action == "retry")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
