"""A list read page by page against a server in memory: four styles, limits, loops, expired cursors, and going on later."""

import json
from itertools import islice
from urllib.parse import parse_qs, urlsplit

import pytest

from builders import connection, parameter, provider, template
from httptask.auth.apikey import QueryKey
from httptask.clock import FakeClock
from httptask.errors import InputInvalid, Interrupted, RenderError
from httptask.events import PageRead
from httptask.message import Headers, Response
from httptask.model import Output, Paginate, Paging, ResponseSpec
from httptask.outcome import Outcome
from httptask.paged import DEFAULT_MAX_ITEMS, MAX_EMPTY_PAGES, PageState, all_pages, first_page, pages
from httptask.runner import Options, Runner
from httptask.secrets import Secret

BASE = "https://api.example.com"
LINK = Paging("link")
CURSOR = Paging("cursor", items="data", parameter="after", cursor="next", limit_parameter="limit")
HEADER = Paging("cursor", parameter="after", cursor_header="X-Next", limit_parameter="limit")
PAGE = Paging("page", items="data", parameter="page", limit_parameter="limit")
OFFSET = Paging("offset", parameter="offset", limit_parameter="limit", limit=2)
STYLES = [LINK, CURSOR, HEADER, PAGE, OFFSET]
SIZE = 2


class Server:
    """A list of numbers behind one path, in pages of two, in every style at once."""

    def __init__(self, length=5, **answers):
        self.length = length
        self.answers = {int(number.removeprefix("page")): response for number, response in answers.items()}
        self.asked = []

    def send(self, request, timeouts):
        self.asked.append(request.revealed().url)
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        start = int(query.get("after") or query.get("offset") or (int(query.get("page", 1)) - 1) * SIZE)
        special = self.answers.pop(start // SIZE + 1, None)
        return special or self.page(start, enveloped=query.get("shape") == "object")

    def page(self, start, *, enveloped):
        items = list(range(start, min(start + SIZE, self.length)))
        following = start + SIZE if start + SIZE < self.length else None
        fields = [("Content-Type", "application/json"), ("Link", f'<{BASE}/things>; rel="self"')]
        if following is not None:
            shape = "&shape=object" if enveloped else ""
            fields += [("Link", f'</things?after={following}{shape}>; rel="next"'), ("X-Next", str(following))]
        body = {"data": items, "next": following, "total": self.length} if enveloped else items
        return Response(200, Headers(tuple(fields)), json.dumps(body).encode())


def task(paging, **changes):
    names = ("after", "page", "offset", "limit", "shape")
    outputs = {"numbers": Output("{{ response.body" + (f".{paging.items}" if paging.items else "") + " }}", {"type": "array"})}
    return template(
        provider=provider(paging=paging),
        parameters=tuple(parameter(name) for name in names),
        outputs=outputs,
        responses={"200": ResponseSpec("a page")},
        retry={"backoffBase": 0},
        **changes,
    )


class Caller:
    """The task, its inputs and a runner over the server."""

    def __init__(self, server, paging=LINK, conn=None, **options):
        self.server, self.task = server, task(paging)
        self.connection = conn or connection()
        self.inputs = {"limit": str(SIZE), **({"shape": "object"} if paging.items else {})}
        self.options = options
        self.runner = Runner(server, FakeClock())
        self.first = first_page(self.task, self.inputs, self.connection)

    def ask(self, url):
        return self.runner.run(self.task, self.inputs, self.connection, Options(page_url=url, **self.options))

    def pages(self, first=None, **limits):
        return pages(self.ask, self.task, self.connection, first=first or self.first, limits=Paginate(**limits))

    def all(self, tell=None, **limits):
        limits = Paginate(**limits)
        return all_pages(self.ask, self.task, self.inputs, self.connection, first=self.first, limits=limits, tell=tell)


def refusal(status, code="E1"):
    return Response(status, Headers.of({"Content-Type": "application/json"}), json.dumps({"error": code}).encode())


def listing(items, *fields):
    return Response(200, Headers((("Content-Type", "application/json"), *fields)), json.dumps(items).encode())


def read(found):
    return [(page.number, list(page.items)) for page in found]


@pytest.mark.parametrize("paging", STYLES, ids=lambda paging: paging.style + paging.cursor_header)
def test_every_style_reads_the_list_to_its_end(paging):
    caller = Caller(Server(5), paging)
    found = list(caller.pages())
    assert read(found) == [(1, [0, 1]), (2, [2, 3]), (3, [4])]
    assert [page.next_url is None for page in found] == [False, False, True]
    assert all(page.outcome.ok and not page.limited and not page.outcome.warnings for page in found)
    assert len(caller.server.asked) == 3


@pytest.mark.parametrize("paging", STYLES, ids=lambda paging: paging.style + paging.cursor_header)
def test_joined_the_list_is_one_outcome(paging):
    caller = Caller(Server(5), paging)
    outcome = caller.all()
    assert outcome.outputs == {"numbers": [0, 1, 2, 3, 4]}
    body = outcome.response.body
    assert body == ({"data": [0, 1, 2, 3, 4], "next": None, "total": 5} if paging.items else [0, 1, 2, 3, 4])
    assert [attempt.number for attempt in outcome.attempts] == [1, 2, 3]
    assert outcome.warnings == ()


def test_pages_are_asked_for_when_they_are_wanted():
    caller = Caller(Server(100))
    assert read(islice(caller.pages(), 2)) == [(1, [0, 1]), (2, [2, 3])]
    assert len(caller.server.asked) == 2


def test_reading_goes_on_at_a_kept_place():
    caller = Caller(Server(7))
    second = list(islice(caller.pages(), 2))[-1]
    server = Server(7)
    again = Caller(server).pages(PageState(second.next_url, second.number + 1, 4))
    assert read(again) == [(3, [4, 5]), (4, [6])]
    assert server.asked == [f"{BASE}/things?after=4", f"{BASE}/things?after=6"]


@pytest.mark.parametrize(
    ("limits", "expected", "limited", "asked"),
    [
        ({"max_pages": 1}, [[0, 1]], "maxPages", 1),
        ({"max_pages": 2}, [[0, 1], [2, 3]], "maxPages", 2),
        ({"max_pages": 3}, [[0, 1], [2, 3], [4]], "", 3),
        ({"max_items": 1}, [[0]], "maxItems", 1),
        ({"max_items": 2}, [[0, 1]], "maxItems", 1),
        ({"max_items": 3}, [[0, 1], [2]], "maxItems", 2),
        ({"max_items": 5}, [[0, 1], [2, 3], [4]], "", 3),
        ({"max_items": 3, "max_pages": 2}, [[0, 1], [2]], "maxItems", 2),
    ],
)
def test_a_limit_ends_the_reading_and_says_whether_there_is_more(limits, expected, limited, asked):
    caller = Caller(Server(5))
    found = list(caller.pages(**limits))
    assert [list(page.items) for page in found] == expected
    assert found[-1].limited == limited
    assert len(caller.server.asked) == asked


def test_limits_count_from_the_beginning_of_the_list_when_it_is_gone_on_with():
    place = PageState(f"{BASE}/things?after=4", 3, 4)
    assert read(Caller(Server(9)).pages(place, max_pages=3)) == [(3, [4, 5])]
    assert read(Caller(Server(9)).pages(place, max_items=5)) == [(3, [4])]
    assert read(Caller(Server(9)).pages(place, max_items=4)) == []
    assert read(Caller(Server(9)).pages(place, max_pages=2)) == []


def test_a_limit_reached_on_purpose_is_a_warning_in_the_joined_outcome():
    outcome = Caller(Server(5)).all(max_items=3)
    assert (outcome.ok, outcome.outputs["numbers"]) == (True, [0, 1, 2])
    assert [(warning.code, warning.message) for warning in outcome.warnings] == [
        ("morePages", "the list goes on: reading ended at maxItems")
    ]


def test_a_list_too_long_to_be_kept_is_a_failure_that_names_the_ways_on():
    huge = listing(list(range(DEFAULT_MAX_ITEMS + 1)))
    outcome = Caller(Server(page1=huge)).all()
    assert (outcome.status, outcome.failure.kind, outcome.response) == ("failed", "paging", None)
    assert "forEach" in outcome.failure.hint
    assert "--max-items" in outcome.failure.hint
    assert len(Caller(Server(page1=huge)).all(max_items=DEFAULT_MAX_ITEMS + 1).outputs["numbers"]) == DEFAULT_MAX_ITEMS + 1


@pytest.mark.parametrize("limit", [0, -1])
@pytest.mark.parametrize("name", ["max_pages", "max_items"])
def test_a_limit_of_nothing_is_refused_before_anything_is_sent(name, limit):
    caller = Caller(Server())
    with pytest.raises(InputInvalid, match="at least 1"):
        list(caller.pages(**{name: limit}))
    assert caller.server.asked == []


def test_a_task_without_pages_is_refused_before_anything_is_sent():
    caller = Caller(Server())
    with pytest.raises(InputInvalid, match="no further pages"):
        list(pages(caller.ask, template(), connection(), first=caller.first))
    assert caller.server.asked == []


def test_a_page_is_retried_alone():
    caller = Caller(Server(5, page2=refusal(503)))
    outcome = caller.all()
    assert outcome.outputs["numbers"] == [0, 1, 2, 3, 4]
    assert [(item.number, item.status) for item in outcome.attempts] == [(1, 200), (2, 503), (3, 200), (4, 200)]


def test_a_page_that_fails_ends_the_list_and_is_named():
    caller = Caller(Server(9, page3=refusal(403)))
    found = list(caller.pages())
    assert [page.outcome.status for page in found] == ["succeeded", "succeeded", "failed"]
    assert (found[-1].items, found[-1].next_url) == ((), None)
    assert found[-1].outcome.failure.message.startswith("page 3: 403 Forbidden")
    outcome = Caller(Server(9, page3=refusal(403))).all()
    assert (outcome.status, outcome.failure.kind, outcome.outputs) == ("failed", "forbidden", {})
    assert len(outcome.attempts) == 3


@pytest.mark.parametrize(
    ("paging", "status", "kind"),
    [
        (LINK, 400, "cursorExpired"),
        (LINK, 410, "cursorExpired"),
        (CURSOR, 400, "cursorExpired"),
        (LINK, 404, "notFound"),
        (PAGE, 400, "badRequest"),
        (OFFSET, 410, "clientError"),
    ],
)
def test_a_cursor_that_is_no_longer_accepted_is_named(paging, status, kind):
    failure = Caller(Server(9, page2=refusal(status)), paging).all().failure
    assert failure.kind == kind
    assert failure.message.startswith("page 2: ")
    if kind == "cursorExpired":
        assert "E1" in failure.message
        assert "from its first page" in failure.hint


def test_a_first_page_that_is_refused_has_no_cursor_to_blame():
    failure = Caller(Server(9, page1=refusal(400))).all().failure
    assert (failure.kind, failure.message) == ("badRequest", "400 Bad Request: E1")


@pytest.mark.parametrize("back_to", [f"{BASE}/things?limit=2", f"{BASE}/things?after=2", "?after=4", ""])
def test_a_list_that_leads_back_to_itself_ends(back_to):
    loop = listing([4, 5], ("Link", f"<{back_to}>; rel=next"))
    caller = Caller(Server(9, page3=loop))
    found = list(caller.pages())
    assert [page.number for page in found] == [1, 2, 3]
    assert (found[-1].outcome.failure.kind, found[-1].items) == ("pageLoop", ())
    assert len(caller.server.asked) == 3


class Endless:
    """Only empty pages, each with a cursor of its own."""

    def __init__(self):
        self.asked = 0

    def send(self, request, timeouts):
        self.asked += 1
        return listing([], ("Link", f"<?after={self.asked}>; rel=next"))


def test_empty_pages_without_end_are_a_loop_too():
    caller = Caller(Endless())
    assert caller.all().failure.kind == "pageLoop"
    assert caller.server.asked == MAX_EMPTY_PAGES


def test_an_empty_page_that_names_itself_is_the_end():
    waiting = listing([], ("Link", "</things?after=4>; rel=next"))
    caller = Caller(Server(9, page3=waiting))
    assert caller.all().outputs["numbers"] == [0, 1, 2, 3]
    assert len(caller.server.asked) == 3


def test_an_empty_page_between_others_does_not_end_a_list_of_links():
    empty = listing([], ("Link", "<?after=4>; rel=next"))
    assert Caller(Server(5, page2=empty)).all().outputs["numbers"] == [0, 1, 4]


def test_a_page_on_another_origin_is_not_asked_for():
    astray = listing([2], ("Link", "<https://evil.example/things>; rel=next"))
    caller = Caller(Server(9, page2=astray))
    failure = caller.all().failure
    assert failure.kind == "egressRefused"
    assert failure.message.startswith("page 2: the next page is not asked for")
    assert not any("evil" in url for url in caller.server.asked)


def test_a_page_that_is_no_list_is_a_failure():
    failure = Caller(Server(9, page2=listing({"oops": 1}))).all().failure
    assert (failure.kind, failure.message) == ("paging", "page 2: response.body: the page has no list there, but an object")


def test_a_cursor_that_cannot_be_used_is_a_failure_and_not_the_end():
    broken = listing({"data": [0, 1], "next": {"id": "s3cret"}})
    failure = Caller(Server(9, page1=broken), CURSOR).all().failure
    assert failure.kind == "paging"
    assert failure.message == "response.body.next: the cursor of the next page must be text or a number, this is an object"


def test_a_next_page_that_cannot_be_used_does_not_matter_at_a_limit():
    astray = listing([0, 1], ("Link", "<https://evil.example/>; rel=next"))
    [page] = Caller(Server(9, page1=astray)).pages(max_pages=1)
    assert (page.outcome.ok, page.limited, page.next_url) == (True, "maxPages", None)


def test_a_key_in_the_query_is_sent_with_every_page_and_kept_in_no_url():
    key = QueryKey("key", Secret("s3cret-key", reference="test"), "api_key")

    class Repeating(Server):
        def page(self, start, *, enveloped):
            return listing([start], *([("Link", f"<?after={start + 2}&api_key=s3cret-key>; rel=next")] if start < 4 else []))

    caller = Caller(Repeating(), conn=connection(auth=key))
    found = list(caller.pages())
    assert [page.next_url for page in found] == [f"{BASE}/things?after=2", f"{BASE}/things?after=4", None]
    assert [url.count("api_key=s3cret-key") for url in caller.server.asked] == [1, 1, 1]


def test_the_same_headers_go_with_every_page():
    sent = []

    class Noting(Server):
        def send(self, request, timeouts):
            sent.append(request.headers)
            return super().send(request, timeouts)

    Caller(Noting(5), headers={"X-Call": "1"}).all()
    assert len(sent) == 3
    assert len(set(sent)) == 1
    assert sent[0].get("X-Call") == "1"


def test_a_page_of_another_origin_cannot_be_asked_for_by_the_caller_either():
    caller = Caller(Server())
    with pytest.raises(RenderError, match="own origin"):
        caller.ask("https://evil.example/things")
    assert caller.server.asked == []


def test_whoever_listens_is_told_of_each_page():
    told = []
    Caller(Server(5)).all(tell=told.append)
    assert told == [PageRead("acme.do_thing", 1, 2, 2), PageRead("acme.do_thing", 2, 2, 4), PageRead("acme.do_thing", 3, 1, 5)]


def test_an_interrupt_tells_the_attempts_of_all_pages():
    caller = Caller(Server(9))
    ask = caller.ask

    def interrupted(url):
        if url is not None and "after=4" in url:
            raise Interrupted(Outcome("acme.do_thing", "failed", attempts=ask(None).attempts))
        return ask(url)

    caller.ask = interrupted
    with pytest.raises(Interrupted) as raised:
        caller.all()
    assert [attempt.number for attempt in raised.value.outcome.attempts] == [1, 2, 3]


def test_a_thousand_pages_leave_nothing_behind_but_digests():
    caller = Caller(Server(2000))
    found = caller.pages()
    reader = None
    for page in found:
        reader = found.gi_frame.f_locals["reader"] if found.gi_frame else reader
        last = page
    assert last.number == 1000
    assert len(reader.seen.digests) == 1000
