"""Where a list goes on after an answer, in all four styles; no cursor leaves its slot, no page its origin."""

import string
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import parameter, provider, template
from httptask.errors import EgressRefused, PagingError, RenderError
from httptask.message import Headers, Request
from httptask.model import Paging, ResponseSpec
from httptask.outcome import Answer
from httptask.paging import Seen, at_page, goes_on, items_of, next_url, paging_of, with_items

BASE = "https://acme.example.com/rest"
ASKED = f"{BASE}/things?limit=2&tag=a%20b&tag=c"
LINK = Paging("link")
CURSOR = Paging("cursor", items="data.items", parameter="after", cursor="meta.next", limit_parameter="limit")
HEADER = Paging("cursor", parameter="after", cursor_header="X-Next")
PAGE = Paging("page", items="data", parameter="page", limit_parameter="limit", limit=50)
OFFSET = Paging("offset", parameter="offset", limit_parameter="limit", limit=50)


def answer(body=None, *headers):
    return Answer(200, headers, body, "json")


def following(paging, found, url=ASKED, aliases=(), **facts):
    known = {"page": 1, "items_so_far": 2, "items_on_page": 2, **facts}
    return next_url(paging, template(), url, found, base_url=BASE, aliases=aliases, **known)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (f"{BASE}/things?after=x%3D%3D&limit=2", f"{BASE}/things?after=x%3D%3D&limit=2"),
        ("/rest/things?after=x", f"{BASE}/things?after=x"),
        ("?after=x", f"{BASE}/things?after=x"),
        ("things?after=x#top", f"{BASE}/things?after=x"),
        ("https://acme-admin.example.com/rest/things?after=x", f"{BASE}/things?after=x"),
    ],
)
def test_a_link_is_followed_by_its_path_and_query_on_the_own_origin(target, expected):
    page = answer([], ("Link", '<a>; rel="self"'), ("link", f'<{target}>; rel="next"'))
    assert following(LINK, page, aliases=("https://{subdomain}-admin.{rest}",)) == expected


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/rest/things",
        "//evil.example/rest",
        "http://acme.example.com/rest/things",
        "https://acme.example.com:8443/rest/things",
        "https://acme.example.com/other",
        "https://user@acme.example.com/rest/things",
        "/rest/../admin",
        "/rest/%2e%2e/admin",
        "/rest/thi ngs",
        "\\\\evil.example",
        "javascript:alert(1)",
        "https://acme-admin.example.com/rest/things",
    ],
)
def test_a_link_to_anywhere_else_is_refused(target):
    with pytest.raises(EgressRefused):
        following(LINK, answer([], ("Link", f"<{target}>; rel=next")))


def test_a_list_without_a_next_link_ends():
    assert following(LINK, answer([1], ("Link", "<a>; rel=self"))) is None
    assert following(LINK, answer([1])) is None


@pytest.mark.parametrize("value", ["x", "a&b=c", "50%25", "ü/..?#", 7, 1.5, "0"])
def test_a_cursor_goes_into_its_query_parameter_and_the_others_stay(value):
    url = following(CURSOR, answer({"meta": {"next": value}}))
    assert url.startswith(ASKED + "&after=")
    assert parse_qsl(urlsplit(url).query)[3] == ("after", str(value))


def test_a_cursor_takes_the_place_of_the_one_before():
    url = following(CURSOR, answer({"meta": {"next": "b"}}), f"{BASE}/things?after=a&limit=2&%61fter=z&flag")
    assert url == f"{BASE}/things?after=b&limit=2&flag"
    assert following(CURSOR, answer({"meta": {"next": "b"}}), f"{BASE}/things") == f"{BASE}/things?after=b"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"meta": None},
        {"meta": {}},
        {"meta": [1]},
        [],
        None,
        "text",
        *({"meta": {"next": end}} for end in (None, "", False, 0)),
    ],
)
def test_without_a_cursor_the_list_ends(body):
    assert following(CURSOR, answer(body)) is None
    assert not goes_on(CURSOR, answer(body))


@pytest.mark.parametrize("value", [True, [], ["x"], {}, {"x": 1}, "\ud800"])
def test_a_cursor_that_is_no_text_and_no_number_is_an_error(value):
    with pytest.raises(PagingError) as raised:
        following(CURSOR, answer({"meta": {"next": value}}))
    assert not goes_on(CURSOR, answer({"meta": {"next": value}})) or value == "\ud800"
    assert "x" not in raised.value.problems[0].message.replace("text", "").replace("next", "")


def test_a_cursor_may_stand_in_a_header():
    assert following(HEADER, answer([], ("x-next", "a b"))) == f"{ASKED}&after=a%20b"
    assert following(HEADER, answer([], ("x-next", " "))) is None
    assert following(HEADER, answer([])) is None
    assert goes_on(HEADER, answer([], ("x-next", "c")))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_cursor_leaves_its_slot(text):
    before, after = urlsplit(ASKED), urlsplit(following(CURSOR, answer({"meta": {"next": text}})))
    assert (after.scheme, after.netloc, after.path, after.fragment) == (before.scheme, before.netloc, before.path, "")
    assert parse_qsl(after.query, keep_blank_values=True) == [*parse_qsl(before.query), ("after", text)]


@pytest.mark.parametrize(
    ("paging", "url", "facts", "expected"),
    [
        (PAGE, ASKED, {"page": 1}, f"{ASKED}&page=2"),
        (PAGE, f"{BASE}/things?page=7&limit=2", {"page": 1}, f"{BASE}/things?page=8&limit=2"),
        (Paging("page", parameter="page", first_page=0), ASKED, {"page": 1}, f"{ASKED}&page=1"),
        (Paging("page", parameter="page", first_page=0), ASKED, {"page": 3}, f"{ASKED}&page=3"),
        (PAGE, ASKED, {"items_on_page": 1}, None),
        (PAGE, ASKED, {"items_on_page": 0}, None),
        (PAGE, f"{BASE}/things", {"items_on_page": 49}, None),
        (PAGE, f"{BASE}/things", {"items_on_page": 50}, f"{BASE}/things?page=2"),
        (PAGE, f"{BASE}/things?limit=many", {"items_on_page": 49}, None),
        (Paging("page", parameter="page"), f"{BASE}/things", {"items_on_page": 1}, f"{BASE}/things?page=2"),
        (OFFSET, ASKED, {"items_so_far": 2}, f"{ASKED}&offset=2"),
        (OFFSET, f"{BASE}/things?offset=10&limit=2", {}, f"{BASE}/things?offset=12&limit=2"),
        (OFFSET, f"{BASE}/things", {"items_on_page": 50, "items_so_far": 50}, f"{BASE}/things?offset=50"),
        (OFFSET, f"{BASE}/things", {"items_on_page": 49, "items_so_far": 49}, None),
    ],
)
def test_pages_and_offsets_are_counted_up_until_a_page_is_short(paging, url, facts, expected):
    assert following(paging, answer([]), url, **facts) == expected


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "", "٣", "9" * 19])
def test_a_page_number_that_is_none_is_an_error_without_the_value(number):
    with pytest.raises(PagingError, match="whole number"):
        following(PAGE, answer([]), f"{BASE}/things?page={number}&limit=1")


@pytest.mark.parametrize(
    ("path", "body", "items"),
    [
        ("", [1, 2], [1, 2]),
        ("data", {"data": [1]}, [1]),
        ("data.items", {"data": {"items": []}}, []),
        ("data.items", {"data": {"items": None}}, []),
    ],
)
def test_the_items_stand_where_the_definition_says(path, body, items):
    assert items_of(Paging("link", items=path), answer(body)) == items


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("", {"a": "secret"}, "response.body: the page has no list there, but an object"),
        ("", None, "response.body: the page has no list there, but nothing"),
        ("data", {}, "response.body.data: the page has no list there, but nothing"),
        ("data", {"data": "secret"}, "but text"),
        ("data.x", {"data": None}, "but nothing"),
        ("data.x", [], "but nothing"),
    ],
)
def test_a_page_without_a_list_is_an_error_that_names_the_place_and_no_value(path, body, words):
    with pytest.raises(PagingError) as raised:
        items_of(Paging("link", items=path), answer(body))
    assert words in str(raised.value)
    assert "secret" not in str(raised.value)


def test_joined_items_take_the_place_of_the_list():
    assert with_items(LINK, [1], [1, 2]) == [1, 2]
    body = {"data": {"items": [1], "n": 3}, "meta": {}}
    assert with_items(CURSOR, body, [1, 2]) == {"data": {"items": [1, 2], "n": 3}, "meta": {}}
    assert body["data"]["items"] == [1]


def test_a_url_that_comes_again_is_seen_at_eight_bytes_each():
    seen = Seen()
    assert [seen.again(url) for url in ("a", "b", "a", "\ud800", "\ud800")] == [False, False, True, False, True]
    assert {len(digest) for digest in seen.digests} == {8}


def test_a_kept_page_is_asked_for_on_the_own_origin_only():
    request = Request("GET", ASKED, Headers.of({"Accept": "a"}))
    assert at_page(request, f"{BASE}/things?after=x", BASE) == Request("GET", f"{BASE}/things?after=x", request.headers)
    for url in ("https://evil.example/rest/things", f"{BASE}/../x", "https://acme.example.com/", "not a url"):
        with pytest.raises(RenderError, match="own origin"):
            at_page(request, url, BASE)
    with pytest.raises(RenderError, match="only a GET"):
        at_page(Request("POST", ASKED, Headers()), f"{BASE}/things", BASE)


LIST, OBJECT = (
    ResponseSpec("", {"type": "array"}),
    ResponseSpec("", {"type": "object", "properties": {"data": {"$ref": "#/$defs/L"}}}),
)


@pytest.mark.parametrize(
    ("changes", "paging"),
    [
        ({"provider": provider(paging=LINK)}, LINK),
        ({"provider": provider(paging=LINK), "paging": PAGE}, PAGE),
        ({"provider": provider(paging=LINK), "paging": False}, None),
        ({"provider": provider(paging=LINK), "method": "POST"}, None),
        ({"provider": provider(paging=PAGE)}, None),
        ({"provider": provider(paging=PAGE), "parameters": (parameter("page"),)}, PAGE),
        ({"provider": provider(paging=PAGE), "parameters": (parameter("page", "header"),)}, None),
        ({"paging": PAGE}, PAGE),
        ({}, None),
    ],
)
def test_the_templates_word_on_paging_counts_before_the_providers(changes, paging):
    assert template(**changes).effective_paging == paging


@pytest.mark.parametrize(
    ("items", "spec", "fits"),
    [
        ("", LIST, True),
        ("", OBJECT, False),
        ("", ResponseSpec("", {"type": ["array", "null"]}), True),
        ("", ResponseSpec("", {}), True),
        ("", ResponseSpec(""), True),
        ("data", OBJECT, True),
        ("other", OBJECT, False),
        ("data.items", OBJECT, True),
        ("data", ResponseSpec("", {"properties": {"data": {"type": "string"}}}), False),
        ("data", ResponseSpec("", {"properties": {}, "additionalProperties": True}), True),
    ],
)
def test_a_providers_paging_does_not_hold_for_answers_that_are_documented_as_no_list(items, spec, fits):
    task = template(
        provider=provider(paging=Paging("link", items=items)),
        responses={"404": LIST, "200": spec},
        definitions={"L": {"type": "array"}},
    )
    assert (paging_of(task) is not None) is fits


@settings(deadline=None)
@given(st.text(alphabet=string.printable, max_size=30), st.text(alphabet=string.printable, max_size=30))
def test_no_answer_makes_a_next_page_on_another_origin(link, cursor):
    for paging, page in ((LINK, answer([], ("Link", f"<{link}>; rel=next"))), (CURSOR, answer({"meta": {"next": cursor}}))):
        try:
            url = following(paging, page)
        except (EgressRefused, PagingError):
            continue
        assert url is None or url.startswith(BASE)
