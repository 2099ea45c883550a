"""A list read page by page, with any caller of tasks behind it; each page is a call of its own, retried and paced alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from httptask import paging, results, uri
from httptask.errors import EgressRefused, InputInvalid, Interrupted, PagingError, Problem
from httptask.events import PageRead
from httptask.message import Headers, Request
from httptask.model import Connection, Paginate, Paging, TaskTemplate
from httptask.outcome import Answer, Attempt, Failure, FailureKind, Outcome, Warn
from httptask.ports import Observer
from httptask.runner import Options, prepare

#: Items that `all_pages` keeps when its caller names no limit.
DEFAULT_MAX_ITEMS = 10_000
#: A server may filter after it has cut pages, so that some are empty; so many in a row are a list without end.
MAX_EMPTY_PAGES = 100
_EXPIRED = frozenset({400, 410})
#: Each page has its own, over its part of the list; the joined list gets new ones.
_OF_ONE_PAGE = frozenset({paging.MORE_PAGES, "outputMissing", "outputMismatch"})

#: Calls the task: for its first page with None, later with that page's URL (`Options.page_url`).
Ask = Callable[[str | None], Outcome]


@dataclass(frozen=True, slots=True)
class PageState:
    """Where reading starts or goes on: a page's URL, its number from 1, and the items of all pages before it. JSON-safe."""

    url: str
    number: int = 1
    items: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """One page. A failed one has a failed outcome and no items.

    Attributes:
        number: from 1.
        outcome: of the call; failed too where the page cannot be read as one, or its next page not be asked for.
        items: the page's items, cut to fit `max_items`.
        next_url: the next page, also where a limit keeps it from being read; None at the end of the list.
        limited: the limit that ends the reading here though the list goes on, else empty.

    """

    number: int
    outcome: Outcome
    items: Sequence[Any] = ()
    next_url: str | None = None
    limited: Literal["", "maxPages", "maxItems"] = ""


def paging_required(template: TaskTemplate) -> Paging:
    """Return how a task's list goes on.

    Raises:
        InputInvalid: it does not.

    """
    found = paging.paging_of(template)
    if found is None:
        hint = "`paging` in the template or its provider.yaml says how a list goes on"
        raise InputInvalid(Problem(template.id, "this task has no further pages", hint))
    return found


def first_page(
    template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, options: Options | None = None
) -> PageState:
    """Return where a list starts.

    Raises:
        UsageError: inputs or header values are wrong.

    """
    return PageState(prepare(template, inputs, connection, options).request.url)


def pages(
    ask: Ask, template: TaskTemplate, connection: Connection, *, first: PageState, limits: Paginate | None = None
) -> Iterator[Page]:
    """Yield the pages of a list, asking for each when it is wanted and keeping none.

    It ends with the list, at a limit, or with a page that failed. To go on later, start with
    `PageState(page.next_url, page.number + 1, items_so_far)`; the limits count from the list's beginning.

    Args:
        ask: calls the task.
        template: the task.
        connection: whose origin every page is on.
        first: the page to begin with, see `first_page`.
        limits: pages and items to read at most.

    Raises:
        InputInvalid: the task has no pages, or a limit is less than 1.

    """
    reader = _Reader(template, paging_required(template), connection, limits or Paginate())
    state = first
    reader.seen.again(state.url)
    while not reader.reached(state.number - 1, state.items):
        page = reader.read(state, ask(None if state.number == 1 else state.url))
        yield page
        if page.next_url is None or page.limited:
            return
        state = PageState(page.next_url, state.number + 1, state.items + len(page.items))


def all_pages(  # noqa: PLR0913 - those of `pages`, the inputs that outputs may read, and who is told
    ask: Ask,
    template: TaskTemplate,
    inputs: Mapping[str, Any],
    connection: Connection,
    *,
    first: PageState,
    limits: Paginate | None = None,
    tell: Observer | None = None,
) -> Outcome:
    """Return one outcome for the whole list: its body holds every item, and the task's outputs are read from that.

    Without `limits.max_items` a list of more than `DEFAULT_MAX_ITEMS` items is a failure, because it would be kept in memory
    whole; with it, the list is cut there, and a warning says so.

    Raises:
        InputInvalid: as `pages`.
        Interrupted: Ctrl-C; its outcome holds the attempts of all pages.

    """
    limits = limits or Paginate()
    joined = _Joined(template, inputs)
    bounded = replace(limits, max_items=limits.max_items or DEFAULT_MAX_ITEMS)
    try:
        for page in pages(ask, template, connection, first=first, limits=bounded):
            joined.add(page)
            if tell is not None and page.outcome.ok:
                tell(PageRead(template.id, page.number, len(page.items), first.items + len(joined.items)))
    except Interrupted as stopped:
        raise Interrupted(joined.with_attempts(stopped.outcome)) from None
    return joined.outcome(may_be_cut=limits.max_items is not None)


@dataclass(slots=True)
class _Reader:
    """Turns outcomes into pages of one list."""

    template: TaskTemplate
    how: Paging
    connection: Connection
    limits: Paginate
    seen: paging.Seen = field(default_factory=paging.Seen)
    empty: int = 0

    def __post_init__(self) -> None:
        for name, limit in (("maxPages", self.limits.max_pages), ("maxItems", self.limits.max_items)):
            if limit is not None and limit < 1:
                raise InputInvalid(Problem(name, "it must be at least 1", "leave it out for no limit"))

    def reached(self, pages: int, items: int) -> Literal["", "maxPages", "maxItems"]:
        """Return the limit that so many pages and items have reached."""
        if self.limits.max_items is not None and items >= self.limits.max_items:
            return "maxItems"
        return "maxPages" if self.limits.max_pages is not None and pages >= self.limits.max_pages else ""

    def read(self, state: PageState, outcome: Outcome) -> Page:
        answer = outcome.response
        if not outcome.ok or answer is None:
            return Page(state.number, self._failed(state, outcome, outcome.failure))
        try:
            items = paging.items_of(self.how, answer)
        except PagingError as error:
            return Page(state.number, self._failed(state, outcome, _unreadable(error)))
        following, failure = self._next(state, answer, len(items))
        total = state.items + len(items)
        limit = self.reached(state.number, total)
        if failure is not None and not limit:
            return Page(state.number, self._failed(state, outcome, failure))
        cut = self.limits.max_items is not None and total > self.limits.max_items
        kept = items[: self.limits.max_items - state.items] if self.limits.max_items is not None else items
        read = replace(outcome, warnings=_without(outcome.warnings, frozenset({paging.MORE_PAGES})))
        goes_on = following is not None or failure is not None or cut
        return Page(state.number, read, kept, following, limit if goes_on else "")

    def _next(self, state: PageState, answer: Answer, items: int) -> tuple[str | None, Failure | None]:
        try:
            url = paging.next_url(
                self.how,
                self.template,
                state.url,
                answer,
                base_url=self.connection.base_url,
                aliases=self.template.provider.origin_aliases,
                page=state.number,
                items_so_far=state.items + items,
                items_on_page=items,
            )
        except PagingError as error:
            return None, _unreadable(error)
        except EgressRefused as refused:
            hint = "pages are asked for on the connection's own origin only; other names of the server go into originAliases"
            return None, Failure(FailureKind.EGRESS_REFUSED, f"the next page is not asked for: {refused}", hint)
        self.empty = 0 if items else self.empty + 1
        if url is None or (not items and url == state.url):
            return None, None  # an empty page that names itself is where servers of feeds wait for more
        url = uri.without_query(url, self._secret_names(url))
        return (None, _LOOP) if self.seen.again(url) or self.empty >= MAX_EMPTY_PAGES else (url, None)

    def _secret_names(self, url: str) -> frozenset[str]:
        """Return the query parameters that the credential owns; a server may repeat them in its links."""
        if self.connection.auth is None:
            return frozenset()
        shown = self.connection.auth.preview(Request("GET", url, Headers()))
        return frozenset(name for name, _ in shown.secret_query)

    def _failed(self, state: PageState, outcome: Outcome, failure: Failure | None) -> Outcome:
        status = "failed" if outcome.ok else outcome.status
        if failure is None or state.number == 1:
            return replace(outcome, status=status, outputs={}, failure=failure)
        if self.how.style in {"link", "cursor"} and failure.status in _EXPIRED:
            message = f"the server no longer accepts the cursor of this page: {failure.message}"
            hint = "cursors expire; read the list again from its first page"
            failure = replace(failure, kind=FailureKind.CURSOR_EXPIRED, message=message, hint=hint, retryable=False)
        failure = replace(failure, message=f"page {state.number}: {failure.message}")
        return replace(outcome, status=status, outputs={}, failure=failure)


_LOOP = Failure(
    FailureKind.PAGE_LOOP,
    "the list does not end: its next page is one that was read before, or none of its last pages held an item",
    "the server's fault, or `paging` does not fit it; --max-pages or maxPages reads a part",
)


def _unreadable(error: PagingError) -> Failure:
    problem = error.problems[0]
    return Failure(FailureKind.PAGING, f"{problem.where}: {problem.message}", problem.hint)


def _without(warnings: tuple[Warn, ...], codes: frozenset[str]) -> tuple[Warn, ...]:
    return tuple(warning for warning in warnings if warning.code not in codes)


@dataclass(slots=True)
class _Joined:
    """The pages of one list put together."""

    template: TaskTemplate
    inputs: Mapping[str, Any]
    items: list[Any] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    warnings: dict[Warn, None] = field(default_factory=dict)
    last: Page | None = None

    def add(self, page: Page) -> None:
        self.items.extend(page.items)
        self.attempts.extend(self._numbered(page.outcome.attempts))
        for warning in _without(page.outcome.warnings, _OF_ONE_PAGE):
            if len(self.warnings) < results.MAX_WARNINGS:
                self.warnings[warning] = None
        self.last = page

    def with_attempts(self, outcome: Outcome) -> Outcome:
        """Return the outcome of a page that was cut off, with the attempts of all pages before it."""
        return replace(outcome, attempts=(*self.attempts, *self._numbered(outcome.attempts)))

    def outcome(self, *, may_be_cut: bool) -> Outcome:
        """Return the outcome of the whole list."""
        if self.last is None or self.last.outcome.response is None:
            return self._so_far(self.last.outcome if self.last else Outcome(self.template.id, "succeeded"))
        if not self.last.outcome.ok:
            return self._so_far(self.last.outcome)
        if self.last.limited == "maxItems" and not may_be_cut:
            failure = Failure(FailureKind.PAGING, f"the list holds more than {DEFAULT_MAX_ITEMS} items", _TOO_MANY)
            return self._so_far(replace(self.last.outcome, status="failed", response=None, outputs={}, failure=failure))
        return self._whole(self.last, self.last.outcome.response)

    def _whole(self, last: Page, answer: Answer) -> Outcome:
        body = paging.with_items(paging_required(self.template), answer.body, self.items)
        answer = replace(answer, body=body)
        context = {"response": results.response_view(answer), "inputs": self.inputs}
        outputs, missing = results.outputs_of(self.template, context)
        message = f"the list goes on: reading ended at {last.limited}"
        cut = (Warn(paging.MORE_PAGES, "response", message),) if last.limited else ()
        outcome = self._so_far(replace(last.outcome, response=answer, outputs=outputs))
        return replace(outcome, warnings=(*cut, *outcome.warnings, *missing))

    def _so_far(self, outcome: Outcome) -> Outcome:
        return replace(outcome, attempts=tuple(self.attempts), warnings=tuple(self.warnings))

    def _numbered(self, attempts: tuple[Attempt, ...]) -> list[Attempt]:
        start = len(self.attempts) + 1
        return [replace(attempt, number=number) for number, attempt in enumerate(attempts, start)]


_TOO_MANY = "work through it item by item with forEach and paginate in a workflow, or allow more with --max-items or maxItems"
