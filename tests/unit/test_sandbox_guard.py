import json

import pytest

from httptask.cli import main
from httptask.clock import FakeClock
from httptask.errors import InputInvalid
from httptask.sandbox.core import Sandbox
from httptask.sandbox.options import SandboxOptions
from httptask.sandbox.wire import SandboxRequest


def ask(*headers, method="GET", path="/_sandbox/requests"):
    return Sandbox(clock=FakeClock()).handle(SandboxRequest(method, path, headers))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/_sandbox/faults"), ("POST", "/_sandbox/reset"), ("POST", "/_sandbox/no")])
def test_a_web_page_of_another_origin_cannot_use_the_control_surface(origin, method, path):
    reply = ask(("Host", "127.0.0.1:8080"), ("Origin", origin), method=method, path=path)
    assert reply.status == 403
    assert json.loads(reply.body)["error"]["problems"][0]["message"]


NOT_THIS_MACHINE = ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "", "[::1", "127.0.0.1@evil"]


@pytest.mark.parametrize("host", NOT_THIS_MACHINE)
def test_a_name_that_is_not_this_machine_cannot_use_the_control_surface(host):
    assert ask(("Host", host)).status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "127.9.9.9"])
def test_this_machine_can_use_the_control_surface(host):
    assert ask(("Host", host)).status == 200
    assert ask(("Host", host), ("Origin", f"http://{host}".lower())).status == 200


def test_a_caller_in_the_same_process_has_no_host():
    assert ask().status == 200


@pytest.mark.parametrize("token", ["", " ", "a\nb", "a\r", "\x00", "ü", " a"])
def test_a_token_that_no_header_can_carry_is_refused(token):
    with pytest.raises(InputInvalid, match="token"):
        SandboxOptions(token=token)


@pytest.mark.parametrize("token", ["", "a\nb"])
def test_the_command_does_not_start_with_such_a_token(token, capsys):
    assert main(["sandbox", "--token", token]) == 2
    assert "token: " in capsys.readouterr().err
