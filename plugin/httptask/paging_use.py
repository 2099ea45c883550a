"""A list read page by page within a run: each page is written down with the place of the next, so that reading goes on there.

Items are kept in memory as long as an expression may hold them; beyond that they stay in the journal, from which a `forEach`
takes them one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from httptask import paging, recording, results
from httptask.model import Connection, Paginate, TaskTemplate
from httptask.outcome import Attempt, FailureKind, Outcome, Warn
from httptask.paged import DEFAULT_MAX_ITEMS, Page, PageState, pages
from httptask.ports import Entry
from httptask.recording import CallRecord, RunRecorder
from httptask.results import response_view
from httptask.runs import Paged

#: Asks for one page: the path of the call, and the page's URL or None for the first.
AskPage = Callable[[str, str | None], Outcome]
_RESTARTED = "the cursor had expired, so the list was read again from its first page"


@dataclass(slots=True)
class PagedRead:
    """Reads one list; `call` gives the record of the page that was asked for last."""

    recorder: RunRecorder
    template: TaskTemplate
    path: str
    limits: Paginate
    call: Callable[[], CallRecord | None]
    items: list[Any] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    warnings: dict[Warn, None] = field(default_factory=dict)
    count: int = 0
    pages: int = 0

    def read(self, ask: AskPage, connection: Connection, first_url: str) -> Outcome:
        """Read to the end, from where an earlier execution stopped; an expired cursor is met once, by beginning again."""
        again = self._times_begun_again()
        outcome = self._read(ask, connection, first_url, again)
        expired = outcome.failure is not None and outcome.failure.kind == FailureKind.CURSOR_EXPIRED
        if expired and again == self._times_begun_again():
            self.recorder.keep(self.path, recording.AGAIN, {"times": again + 1})
            self._forget()
            self.warnings[Warn("cursorExpired", "response", _RESTARTED)] = None
            outcome = self._read(ask, connection, first_url, again + 1)
        return outcome

    @property
    def paged(self) -> Paged:
        """What was read."""
        return Paged(self.pages, self.count, streamed=self.is_streamed)

    @property
    def is_streamed(self) -> bool:
        """Whether the list is too long to be held."""
        return self.count > (self.limits.max_items or DEFAULT_MAX_ITEMS)

    def whole(self, last: Outcome, inputs: Mapping[str, Any]) -> Outcome:
        """Return the outcome of the whole list: the task's outputs are read from a body that holds every item, if one can."""
        told = replace(last, attempts=tuple(self.attempts), warnings=tuple(dict.fromkeys((*self.warnings, *last.warnings))))
        how = paging.paging_of(self.template)
        if last.response is None or how is None or self.is_streamed:
            return replace(told, response=None, outputs={}) if self.is_streamed else told
        answer = replace(last.response, body=paging.with_items(how, last.response.body, self.items))
        outputs, missing = results.outputs_of(self.template, {"response": response_view(answer), "inputs": inputs})
        return replace(told, response=answer, outputs={**outputs, "items": self.items}, warnings=(*told.warnings, *missing))

    def _read(self, ask: AskPage, connection: Connection, first_url: str, again: int) -> Outcome:
        state = self._recall(first_url, again)
        outcome = Outcome(self.template.id, "succeeded")
        number = state.number

        def ask_page(url: str | None) -> Outcome:
            return ask(page_path(self.path, again, number), url)

        limits = Paginate(self.limits.max_pages)
        for page in pages(ask_page, self.template, connection, first=state, limits=limits):
            outcome = page.outcome
            self._note_attempts(page.outcome.attempts)
            if not outcome.ok:
                break
            self._take(page, again)
            number = page.number + 1
        return outcome

    def _note_attempts(self, attempts: tuple[Attempt, ...]) -> None:
        """Keep the attempts that were retried, and the last one: a list may have more pages than a report can show."""
        retried = [attempt for attempt in self.attempts if attempt.decision is not None and attempt.decision.action == "retry"]
        self.attempts = [*retried, *attempts]

    def _take(self, page: Page, again: int) -> None:
        """Write a page down: its items and the place of the next in one entry."""
        following = None if page.limited else page.next_url
        data = {"items": self.recorder.kept(list(page.items)), "next": self.recorder.kept(following), "number": page.number}
        path = page_path(self.path, again, page.number)
        known = self.recorder.known(path, recording.PAGE)
        items = page.items
        if known is not None:  # the last page, asked for once more: what was written down of it stands
            items = self.recorder.restored(known.data["items"], f"steps.{self.path}.items")
        else:
            self.recorder.keep_result(path, recording.PAGE, data, self.call())
        self.pages = page.number
        if page.limited:
            self.warnings[Warn(paging.MORE_PAGES, "response", f"the list goes on: reading ended at {page.limited}")] = None
        self._hold(items)

    def _hold(self, items: Sequence[Any]) -> None:
        self.count += len(items)
        if self.is_streamed:
            self.items = []
        else:
            self.items.extend(items)

    def _recall(self, first_url: str, again: int) -> PageState:
        """Return where to go on: after the last page that was written down, or with it where the list ended there.

        Its answer is needed once more for what it says beside the items. Where the place of a page was withheld, reading begins
        anew: asking changes nothing.
        """
        state = PageState(first_url)
        if not self.recorder.resumed:
            return state
        for entry in self.recorder.journal.below(page_prefix(self.path, again), recording.PAGE):
            following = entry.data["next"]
            if following.get("withheld"):
                self._forget()
                return PageState(first_url)
            if following["value"] is None:
                return state
            self._hold(self.recorder.restored(entry.data["items"], f"steps.{self.path}.items"))
            self.pages = entry.data["number"]
            state = PageState(following["value"], self.pages + 1, self.count)
        return state

    def _forget(self) -> None:
        self.items, self.count, self.pages = [], 0, 0

    def _times_begun_again(self) -> int:
        known = self.recorder.journal.last(self.path, recording.AGAIN)
        return int(known.data["times"]) if known else 0


@dataclass(frozen=True, slots=True)
class StreamedItems:
    """The items of a list that is too long to be held: read from the journal page by page, as often as wanted."""

    recorder: RunRecorder
    path: str
    count: int

    def __len__(self) -> int:
        """Return how many there are."""
        return self.count

    def __iter__(self) -> Iterator[Any]:
        """Yield them in order."""
        known = self.recorder.journal.last(self.path, recording.AGAIN)
        prefix = page_prefix(self.path, int(known.data["times"]) if known else 0)
        for entry in self.recorder.journal.below(prefix, recording.PAGE):
            yield from self.recorder.restored(entry.data["items"], f"steps.{self.path}.items")


def page_prefix(path: str, again: int) -> str:
    """Return what the paths of pages begin with; a list that was begun again has paths of its own."""
    return f"{path}/again:{again}/page:" if again else f"{path}/page:"


def page_path(path: str, again: int, number: int) -> str:
    """Return the path of one page's call."""
    return f"{page_prefix(path, again)}{number}"


def stored_items(below: Callable[[str, str], Iterator[Entry]], step: str) -> Iterator[Any]:
    """Yield the items of a list that a step read page by page, else what the items of its `forEach` gave, one by one.

    Args:
        below: gives the entries of a kind whose path begins with a text, oldest first: `below(path, kind)`.
        step: the path of the step, as in `rollout/pools`.

    """
    again = max((int(entry.data["times"]) for entry in below(step, recording.AGAIN) if entry.path == step), default=0)
    pages = False
    for entry in below(page_prefix(step, again), recording.PAGE):
        pages = True
        yield from entry.data["items"]["value"]
    if pages:
        return
    for entry in below(f"{step}[", recording.RESULT):
        number = entry.path.removeprefix(f"{step}[").removesuffix("]")
        if number.isdigit() and "outputs" in entry.data:
            yield entry.data["outputs"]["value"]
