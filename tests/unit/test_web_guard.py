import asyncio
import re

import pytest

from asgi import HOST, Browser, exchange
from httptask.web import guard
from httptask.web.guard import HEADERS, LARGEST_BODY, TOKEN, Asked, Guard, Sessions, foreign, wrong_host

HOSTS = frozenset({HOST, "localhost:8321"})


async def echo(scope, receive, send):
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": scope["method"].encode() + b" " + body})


@pytest.fixture
def seen():
    return []


@pytest.fixture
def sessions():
    return Sessions("httptask-8321")


@pytest.fixture
def browser(sessions, seen):
    return Browser(Guard(echo, HOSTS, sessions, lambda status, title, text: f"{status} {title} {text}".encode(), seen.append))


@pytest.fixture
def inside(browser, sessions):
    assert browser.get(f"/?{TOKEN}={sessions.token}").status == 303
    return browser


def asked(method="GET", **headers):
    given = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Asked(method, "/", "", tuple((name, value) for name, value in given.items() if value is not None))


def test_without_a_session_the_page_says_which_link_to_open(browser):
    answer = browser.get("/")
    assert answer.status == 403
    assert "`httptask serve` prints a link" in answer.text


def test_the_link_begins_a_session_and_leads_to_the_same_page_without_its_token(browser, sessions):
    answer = browser.get(f"/tasks/a?{TOKEN}={sessions.token}&q=x%20y")
    assert (answer.status, answer.header("location")) == (303, "/tasks/a?q=x+y")
    cookie = answer.header("set-cookie")
    assert re.fullmatch(r"httptask-8321=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict", cookie)
    assert browser.get("/").text == "GET "


def test_a_token_lets_one_browser_in_once(browser, sessions):
    token = sessions.token
    browser.get(f"/?{TOKEN}={token}")
    other = Browser(browser.app)
    answer = other.get(f"/?{TOKEN}={token}")
    assert (answer.status, answer.header("set-cookie"), other.get("/").status) == (403, None, 403)
    assert "used already" in answer.text


def test_the_browser_that_is_in_may_open_its_link_again(inside):
    assert inside.get(f"/?{TOKEN}=anything").status == 303


@pytest.mark.parametrize("token", ["", "wrong", "\xff", "%00", "a" * 100_000])
def test_another_token_lets_nobody_in(browser, token):
    assert browser.get(f"/?{TOKEN}={token.encode().hex()}").status == 403
    assert browser.get("/").status == 403


@pytest.mark.parametrize("purpose", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}])
def test_a_guess_of_the_browser_does_not_use_the_token_up(browser, sessions, purpose):
    link = f"/?{TOKEN}={sessions.token}"
    assert browser.get(link, **purpose).status == 403
    assert browser.ask("HEAD", link).status == 403
    assert browser.get(link).status == 303


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "///evil.example/x", "/\r\nSet-Cookie: a=b"])
def test_the_way_in_leads_to_no_other_host(inside, path):
    location = inside.get(f"{path}?{TOKEN}=x").header("location")
    assert re.fullmatch(r"/[^/\\\r\n][^\\\r\n]*", location)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "127.0.0.1", "127.0.0.1:80", "", None, f"{HOST}.evil.example"]
)
def test_another_name_is_refused_whatever_cookie_comes_with_it(inside, host):
    inside.host = host
    assert inside.get("/").status == 421


def test_a_name_is_compared_without_case():
    assert wrong_host(asked(host="LOCALHOST:8321"), HOSTS) is None


def test_two_names_are_none():
    twice = Asked("GET", "/", "", (("host", HOST), ("host", HOST)))
    assert wrong_host(twice, HOSTS) is not None


@pytest.mark.parametrize(
    ("headers", "lets_in"),
    [
        ({"origin": f"http://{HOST}"}, True),
        ({"origin": f"http://{HOST}", "sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({}, False),
        ({"origin": "null"}, False),
        ({"origin": "null", "sec_fetch_site": "same-origin"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": f"https://{HOST}"}, False),
        ({"origin": "http://127.0.0.1:9999"}, False),
        ({"origin": f"http://{HOST}", "sec_fetch_site": "cross-site"}, False),
        ({"origin": f"http://{HOST}", "sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
    ],
)
def test_what_may_change_something_comes_from_the_page_itself(headers, lets_in):
    assert (foreign(asked("POST", **headers), HOSTS) is None) is lets_in


@pytest.mark.parametrize(
    ("headers", "lets_in"),
    [
        ({}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "script"}, False),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}, False),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, True),
    ],
)
def test_another_site_may_link_to_the_page_and_load_nothing_of_it(headers, lets_in):
    assert (foreign(asked("GET", **headers), HOSTS) is None) is lets_in


def test_a_refused_request_does_nothing(inside, seen):
    answer = inside.post("/x", [("a", "b")], origin="http://evil.example")
    assert (answer.status, "Nothing was done" in answer.text, answer.header("connection")) == (403, True, "close")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_methods_that_the_page_has_no_use_for_are_refused(inside, method):
    assert inside.ask(method, "/").status == 405


def test_every_answer_carries_the_headers_that_keep_a_page_to_itself(browser, inside):
    stranger = Browser(browser.app)
    answers = [
        inside.get("/"),
        stranger.get("/"),
        stranger.ask("POST", "/"),
        stranger.ask("PUT", "/"),
        inside.get(f"/?{TOKEN}=x"),
    ]
    for answer in answers:
        assert {name: answer.header(name) for name in HEADERS} == dict(HEADERS)


def test_no_script_or_style_stands_in_a_page():
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "data:" not in policy
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(policy.split("; "))


def test_what_an_application_says_of_caching_stands():
    async def cacheable(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"private")]})
        await send({"type": "http.response.body", "body": b""})

    app = Guard(cacheable, HOSTS, Sessions(), lambda *_: b"", print)
    assert Browser(app).get("/static/x").header("cache-control") == "private"


def test_files_that_pages_load_need_no_session(browser):
    assert browser.get("/static/page.css").status == 200


def test_a_body_that_is_announced_too_large_is_not_read(inside):
    assert inside.ask("POST", "/", {"content-length": str(LARGEST_BODY + 1), "origin": f"http://{HOST}"}).status == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "x"])
def test_a_length_that_is_none_is_refused(inside, length):
    assert inside.ask("POST", "/", {"content-length": length, "origin": f"http://{HOST}"}).status == 413


def test_a_body_that_grows_too_large_is_cut_off(inside):
    chunks = [b"x" * 1024 * 1024] * 9
    answer = inside.ask("POST", "/", {"origin": f"http://{HOST}"}, chunks=chunks)
    assert answer.status == 413


def test_a_body_that_comes_too_slowly_is_given_up(inside, monkeypatch):
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.01)
    cookie = "; ".join(f"{name}={value}" for name, value in inside.cookies.items())
    headers = {"host": HOST, "origin": f"http://{HOST}", "cookie": cookie}

    async def ask():
        chunks = [b"a", b"b"]
        endless = inside.app

        async def app(scope, receive, send):
            async def slow():
                message = await receive()
                if not message.get("more_body", False):
                    await asyncio.sleep(3600)
                return message

            await endless(scope, slow, send)

        return await exchange(app, "POST", "/", headers, chunks)

    assert asyncio.run(ask()).status == 408


def test_an_error_of_the_program_is_told_to_the_terminal_and_not_to_the_page(sessions, seen):
    async def broken(scope, receive, send):
        raise RuntimeError("canary-7f3a9b")

    app = Guard(broken, HOSTS, sessions, lambda status, title, text: f"{status} {title} {text}".encode(), seen.append)
    browser = Browser(app)
    browser.get(f"/?{TOKEN}={sessions.token}")
    answer = browser.get("/")
    assert answer.status == 500
    assert "canary" not in answer.text
    assert [type(error) for error in seen] == [RuntimeError]


def test_an_error_in_the_middle_of_an_answer_starts_no_second_one(sessions, seen):
    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    browser = Browser(Guard(broken, HOSTS, sessions, lambda *_: b"never", seen.append))
    browser.get(f"/?{TOKEN}={sessions.token}")
    assert browser.get("/").body == b""


def test_a_query_of_very_many_fields_carries_no_token(browser):
    assert browser.get("/?" + "&".join(f"a{number}=1" for number in range(200))).status == 403


def test_a_head_request_gets_no_body(inside):
    assert Browser(inside.app).ask("HEAD", "/").body == b""
