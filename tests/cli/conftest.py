import json
import os
import subprocess
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO, TextIOWrapper

import pytest

from cli.command import Done, Httptask, environment
from httptask.cli import main

#: Long and unusual, with characters that encoders change, so that every form of it can be searched for.
CANARY = "canary-7f3a9b+/x=Q"


@pytest.fixture
def httptask(tmp_path):
    return Httptask(tmp_path)


@pytest.fixture
def inside(tmp_path, monkeypatch, capsys):
    """The command within this process: long tables of inputs and mistakes need not start Python for each."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(environment(tmp_path)):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*arguments, code=0, stdin="", env=()):
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(stdin.encode())))
        for name, value in dict(env).items():
            monkeypatch.setenv(name, value)
        ended = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        assert ended == code, shown
        return Done(code, shown.out, shown.err)

    return run


class Sandbox:
    """A standalone sandbox, as another program meets it."""

    def __init__(self, url):
        self.url = url
        self.options = ("--base-url", url, "--token", "env:SANDBOX_TOKEN")

    def control(self, path, value=None):
        data = None if value is None else json.dumps(value).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_sandbox/{path}", data), timeout=5) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def fault(self, script, match=""):
        self.control("faults", {"script": script, "match": match})


@pytest.fixture(scope="session")
def standalone(tmp_path_factory):
    command = Httptask(tmp_path_factory.mktemp("sandbox"))
    process = command.start("sandbox", "--rate-limit", "1000000/60", stderr=subprocess.DEVNULL)
    ready = json.loads(process.stdout.readline())
    yield Sandbox(ready["url"])
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()


@pytest.fixture
def sandbox(standalone):
    standalone.control("reset", {})
    return standalone


@pytest.fixture
def online(tmp_path):
    """The command with the sandbox's token in its environment."""
    return Httptask(tmp_path, SANDBOX_TOKEN="sandbox-token")


class _Echo(BaseHTTPRequestHandler):
    """Sends the credential back wherever a server can, or what the last path segment but one names."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        credential = self.headers.get("Authorization", "")
        kind = self.path.split("/")[4]
        status, body = self.server.answers.get(kind, (200, json.dumps({"echo": credential}).encode()))
        body = body.replace(b"CREDENTIAL", credential.encode())
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8" if kind == "text" else "application/json")
        self.send_header("X-Echo", credential)
        self.send_header("X-Colour", "\x1b[31mred\x1b[2J")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Echo:
    """A server that nobody should trust."""

    def __init__(self, server):
        self.answers = server.answers
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.options = ("--base-url", self.url, "--token", "env:CANARY")


@pytest.fixture(scope="session")
def echo():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        server.answers = {}
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Echo(server)
        server.shutdown()
        thread.join()


@pytest.fixture
def guarded(tmp_path):
    """The command with a canary for a credential."""
    return Httptask(tmp_path, CANARY=CANARY)
