"""All pages of a list that is tried: read within the caller's limits and time, told as they come, counted at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from httptask.events import PageRead
from httptask.model import Paginate

if TYPE_CHECKING:
    from httptask.events import Event
    from httptask.model import Connection, TaskTemplate
    from httptask.outcome import Outcome
    from httptask.ports import Clock, Observer
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

    def read(self, runner: Runner, connection: Connection, observer: Observer, clock: Clock) -> Outcome:
        """Return the outcome of the whole list; the time for it passes on this clock."""
        from httptask.paged import all_pages, first_page

        began, deadline = clock.monotonic(), self.options.deadline

        def ask(url: str | None) -> Outcome:
            left = None if deadline is None else deadline - (clock.monotonic() - began)
            return runner.run(self.template, self.inputs, connection, replace(self.options, page_url=url, deadline=left))

        def tell(event: Event) -> None:
            self.last = event if isinstance(event, PageRead) else self.last
            observer(event)

        first = first_page(self.template, self.inputs, connection, self.options)
        return all_pages(ask, self.template, self.inputs, connection, first=first, limits=self.limits, tell=tell)
