"""The page on a real port."""

import http.client
import re
import socket
import sys
import threading
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from httptask.errors import ConfigurationError
from httptask.web.catalogue import Catalogue
from httptask.web.journals import PageJournal
from httptask.web.server import Address, running
from httptask.web.site import Site
from httptask.web.workflow_files import WorkflowFiles


@pytest.fixture
def site(tmp_path, failed):
    return Site(Catalogue([]), WorkflowFiles([tmp_path]), PageJournal(tmp_path / "runs.db"), failed=failed.append)


@pytest.fixture
def failed():
    return []


@pytest.fixture
def link(site, failed):
    with running(site, Address()) as link:
        yield link
    assert failed == []


def ask(link, path, method="GET", **headers):
    parts = urlsplit(link)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    with closing(connection):
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer, answer.read().decode()


def enter(link):
    answer, _ = ask(link, f"/?{urlsplit(link).query}")
    assert answer.status == 303
    return answer.headers["set-cookie"].partition(";")[0]


def test_the_link_lets_a_browser_in(link):
    answer, text = ask(link, "/", cookie=enter(link))
    assert answer.status == 200
    assert "okta.list_agent_pools" in text
    assert "server" not in answer.headers
    assert ask(link, "/")[0].status == 403


def test_the_cookie_names_the_port_so_that_two_pages_do_not_take_each_others(link):
    assert enter(link).startswith(f"httptask-{urlsplit(link).port}=")


def test_another_name_for_the_same_port_is_refused(link):
    assert ask(link, "/", host="rebound.example:80")[0].status == 421
    assert ask(link, "/", host=f"localhost:{urlsplit(link).port}")[0].status == 403


def test_the_sandbox_of_the_page_is_started_for_a_preview_and_ended_with_the_page(site, failed):
    with running(site, Address()) as link:
        cookie = enter(link)
        body = "~connection=sandbox&~action=preview"
        parts = urlsplit(link)
        with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)) as connection:
            headers = {"cookie": cookie, "origin": f"http://{parts.netloc}", "content-type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/tasks/okta.list_agent_pools", body, headers)
            text = connection.getresponse().read().decode()
        where = re.search(r"Host</i>: (127\.0\.0\.1:\d+)", text)[1]
        host, port = where.split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system likes
        socket.create_connection((host, int(port)), timeout=5).close()


def test_a_browser_that_sends_nothing_holds_up_nobody(link):
    parts = urlsplit(link)
    cookie = enter(link)
    with closing(socket.create_connection((parts.hostname, parts.port))) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: ")
        began = time.monotonic()
        assert ask(link, "/", cookie=cookie)[0].status == 200
        assert time.monotonic() - began < 5


def test_several_browsers_are_answered_at_the_same_time(link):
    cookie = enter(link)
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(ask(link, "/search?q=pool", cookie=cookie)[0].status)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert statuses == [200] * 12


def test_every_address_of_the_machine_needs_a_name(site):
    with pytest.raises(ConfigurationError, match="--allow-host"), running(site, Address("0.0.0.0")):  # noqa: S104 - refused
        pass


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        (Address(), {"127.0.0.1:80", "localhost:80", "[::1]:80", "127.0.0.1", "localhost", "[::1]"}),
        (Address("10.0.0.5"), {"10.0.0.5:80", "10.0.0.5"}),
        (Address("0.0.0.0", names=("lab.example",)), {"lab.example:80", "lab.example"}),  # noqa: S104 - not listened on
    ],
)
def test_the_names_that_a_browser_may_use(address, hosts):
    assert address.hosts(80) == hosts
    assert all(":8321" in host for host in address.hosts(8321))


def test_a_missing_package_names_the_extra(site, monkeypatch):
    monkeypatch.delitem(sys.modules, "httptask.web.app", raising=False)
    monkeypatch.setitem(sys.modules, "starlette", None)
    monkeypatch.setitem(sys.modules, "starlette.concurrency", None)
    with pytest.raises(ConfigurationError, match=re.escape("pip install 'httptask[serve]'")), running(site, Address()):
        pass
