import http.client
import json
import signal
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from cli.conftest import CANARY


def opened(link, path="/", cookie=""):
    parts = urlsplit(link)
    with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)) as connection:
        connection.request("GET", path, headers={"cookie": cookie})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_line_with_a_link_and_ends_cleanly_on_a_signal(httptask, number):
    process = httptask.start(
        "serve", "--port", "0", env={"OKTA_CLIENT_ORGURL": "https://acme.okta.com", "OKTA_CLIENT_TOKEN": CANARY}
    )
    ready = json.loads(process.stdout.readline())
    assert ready["pid"] == process.pid
    link = ready["url"]
    status, headers, _ = opened(link, f"/?{urlsplit(link).query}")
    cookie = headers["set-cookie"].partition(";")[0]
    assert (status, opened(link)[0]) == (303, 403)
    _, _, page = opened(link, "/tasks/okta.list_agent_pools", cookie)
    assert "https://acme.okta.com" in page
    process.send_signal(number)
    rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "ready; Ctrl-C ends it\n")
    assert CANARY not in page + json.dumps(ready)


def test_templates_and_workflows_of_ones_own_are_named_as_everywhere(httptask, tmp_path):
    done = httptask("serve", "--port", "0", "--templates", tmp_path / "nothing", code=2)
    assert "there is no such folder" in done.err
    done = httptask("serve", "--port", "0", "--workflows", tmp_path / "nothing", code=2)
    assert "there is no such folder" in done.err


def test_a_port_in_use_says_what_to_do(httptask, sandbox):
    done = httptask("serve", "--port", sandbox.url.rpartition(":")[2], code=2)
    assert "0 for a free one" in done.err


def test_every_address_of_the_machine_needs_a_name(inside):
    assert "--allow-host" in inside("serve", "--port", "0", "--host", "0.0.0.0", code=2).err  # noqa: S104 - refused
