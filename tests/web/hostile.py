"""An API whose author wants to run a script in the page: its documents, and the server that it runs."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
BREAKOUT = "\"'></pre></textarea></option></title><svg onload=alert(3)>"
LINK = '[press](javascript:alert(4)) [and](https://example.com/"onmouseover=alert(5)) <a href=javascript:alert(6)>me</a>'
EVIL = f"{SCRIPT}{BREAKOUT} {{{{ 7 * 7 }}}} \u202e\u0007 {LINK}"

#: Answers by the last segment of the path: status, type, body. `CREDENTIAL` stands for what the request was sent with.
ANSWERS = {
    "script": (200, "application/json", json.dumps({EVIL: EVIL, "list": [EVIL]})),
    "html": (200, "text/html", f"<!doctype html><title>{EVIL}</title>{SCRIPT}"),
    "text": (200, "text/plain", EVIL),
    "error": (400, "application/json", json.dumps({"code": EVIL, "message": EVIL, "echo": "CREDENTIAL"})),
    "echo": (200, "application/json", json.dumps({"echo": "CREDENTIAL", "token": "CREDENTIAL"})),
    "huge": (200, "application/json", json.dumps([{"number": number, "text": "x" * 100} for number in range(30_000)])),
    "deep": (200, "application/json", "[" * 900 + "]" * 900),
    "long": (200, "application/json", json.dumps({"word": "w" * 20_000})),
    "half": (200, "application/json", '{"half": "\\ud800", "\\u202eturned": "\\u202eturned"}'),
    "bytes": (200, "application/octet-stream", "\x00\x01\x02\xff"),
    "empty": (204, "application/json", ""),
}


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.path.partition("?")[0].rsplit("/", 1)[-1]
        if name == "slow":
            self.server.released.wait(30)
        status, kind, body = ANSWERS.get(name, ANSWERS["echo"])
        self.server.methods.append(self.command)
        credential = self.headers.get("X-Api-Key", "")
        raw = body.replace("CREDENTIAL", credential).encode("utf-8" if kind != "application/octet-stream" else "latin-1")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("X-Evil", SCRIPT)
        self.send_header("X-Echo", credential)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_):
        pass


class Hostile:
    """The server; what asks for `slow` waits until `release`."""

    def __init__(self, server):
        self.url = f"http://127.0.0.1:{server.server_port}"
        self._released = server.released
        self._methods = server.methods

    def count(self, method):
        return self._methods.count(method)

    def hold(self):
        self._released.clear()

    def release(self):
        self._released.set()


@contextmanager
def running():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answering) as server:
        server.daemon_threads = True
        server.methods = []
        server.released = threading.Event()
        server.released.set()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Hostile(server)
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


PROVIDER = {
    "id": "evil",
    "title": f"An API {EVIL}",
    "servers": [{"url": "https://api.example.com/v1"}],
    "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}},
    "errors": {"code": "code", "message": "message"},
}
_BODY = {
    "type": "object",
    "description": EVIL,
    "properties": {
        EVIL: {"type": "string", "description": EVIL, "examples": [EVIL]},
        "kind": {"enum": [EVIL, "plain"], "default": EVIL},
        "password": {"type": "string", "format": "password"},
    },
}
ASK = {
    "id": "evil.ask",
    "summary": f"Ask {EVIL}",
    "description": EVIL,
    "tags": [EVIL],
    "method": "GET",
    "path": "/answers/{{ kind }}",
    "parameters": [
        {"name": "kind", "in": "path", "required": True, "schema": {"type": "string"}, "description": EVIL, "example": "script"}
    ],
    "responses": {"200": {"description": EVIL, "example": {"text": EVIL}}},
    "outputs": {"echo": {"value": "{{ response.body.echo | default('none') }}", "description": EVIL}},
    "security": [{"key": []}],
}
CHANGE = {
    **ASK,
    "id": "evil.change",
    "method": "POST",
    "requestBody": {"schema": _BODY, "required": True, "description": EVIL},
}
del CHANGE["outputs"]


#: Another API of the same server, with nothing in its documents.
PLAIN = {**PROVIDER, "id": "plain", "title": "Plain API"}
MAKE = {
    "id": "plain.make",
    "summary": "Make a thing",
    "method": "POST",
    "path": "/things/new",
    "requestBody": {"required": True, "schema": {"type": "object", "properties": {"name": {"type": "string"}}}},
    "responses": {"200": {"description": "OK"}},
    "security": [{"key": []}],
}
FILES = {
    "evil/provider": PROVIDER,
    "evil/ask": ASK,
    "evil/change": CHANGE,
    "plain/provider": PLAIN,
    "plain/make": MAKE,
}


def write_templates(folder):
    for name, data in FILES.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(data), encoding="utf-8")


def profiles(url):
    """Return connections to the server, for a `connections.toml`."""
    connection = '[connections.{0}]\nprovider = "{1}"\nbaseUrl = "{2}"\ntoken = "env:CANARY"\n'
    return connection.format("hostile", "evil", url) + connection.format("staging", "plain", url)
