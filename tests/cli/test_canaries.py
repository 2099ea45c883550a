"""Canaries in every secret position, and a search of every byte the program writes, over a run of every command.

A further secret position is one line in POSITIONS (and where it is planted), a further command one line in RUNS. A run says
its exit code too, so that a command which stops early does not pass as one that leaks nothing.
"""

import base64
import gzip
import html
import json
import socket
import struct
import threading
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, unquote

import pytest

import keys
from cli.command import Httptask

pytestmark = pytest.mark.broad

#: One canary per position: long, unlike anything else, with characters that every encoder changes. Tokens must be plain ASCII
#: without spaces; other values may hold anything. The number keeps two positions apart.
TOKEN_POSITIONS = (
    "env",
    "reference",
    "profile-file",
    "home-yaml",
    "project-yaml",
    "keyring-less",
    "client-secret",
    "access-token",
    "password",
    "query-key",
    "cookie-key",
)
VALUE_POSITIONS = (
    "password-input",
    "password-query",
    "write-only",
    "answer-token",
    "answer-write-only",
    "answer-password",
    "flow-input",
)
TOKENS = {name: f"Kn{n}8rQ+z/xV=~{name}%w'y&T\"\\Lm{n}" for n, name in enumerate(TOKEN_POSITIONS)}
TOKENS["cookie-key"] = TOKENS["cookie-key"].replace('"\\', "~")  # which no cookie can carry
VALUES = {name: f'Zp{n}4 jK/é😀+"b\\u=&{name}<g>Qd{n}' for n, name in enumerate(VALUE_POSITIONS)}
#: Too short to be searched for by the Redactor: masked in its slot alone, which is what is tried with it.
SHORT = "Wq9Zj"
CANARIES = {**TOKENS, **VALUES, "short": SHORT}
#: What is searched for beside each whole form: a part that no encoder changes, so that half a canary is found too.
MARKS = {name: value[:3] + "8rQ" if name in TOKENS else value[:4] for name, value in CANARIES.items()}


#: A private key never goes on the wire; none of its lines may be shown either.
KEY = keys.pem("P-256")
KEY_LINES = [line for line in KEY.splitlines() if line and not line.startswith("-")]


def forms(value):
    """What a value may look like on its way out."""
    raw = value.encode()
    yield from (value, quote(value, safe=""), quote(value), quote_plus(value), html.escape(value), raw.hex())
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(quote(value, safe=""), safe=""))
    yield from (encode(raw).decode() for encode in (base64.b64encode, base64.urlsafe_b64encode))
    yield from (base64.b64encode(b"user:"[:before] + raw + b":after").decode() for before in (3, 4, 5))


def searched(value):
    """The same, without the ends that belong to the surroundings."""
    raw = value.encode()
    yield from (form.rstrip("=") for form in list(forms(value))[:-3])
    yield from (base64.b64encode(bytes(before) + raw).decode()[4:-8] for before in range(3))


def leaks(blob):
    text = blob.decode("utf-8", "replace")
    whole = {name for name, value in CANARIES.items() if any(form in text for form in searched(value) if len(form) >= len(SHORT))}
    key = {"private-key"} if any(line in text for line in KEY_LINES) else set()
    return whole | key | {name for name, mark in MARKS.items() if mark in text}


# a server that nobody should trust


class Hostile:
    """Answers by the first path segment and echoes the credential wherever a server can."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.received = b""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with sock:
            data = b""
            while b"\r\n\r\n" not in data:
                data += sock.recv(65536)
            self.received += data
            head = data.partition(b"\r\n\r\n")[0].decode("latin-1")
            kind = head.split()[1].strip("/").partition("/")[0].partition("?")[0]
            credential = next(
                (line.partition(":")[2].strip() for line in head.split("\r\n") if line.lower().startswith("authorization:")), ""
            )
            if kind == "token" and b"client_id" not in data and b"Basic" not in data and b"assertion" not in data:
                data += sock.recv(65536)
                self.received += data
            if kind == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif kind == "slow":
                sock.recv(1)
            else:
                sock.sendall(answer(kind, credential, self.url))

    def close(self):
        self._listener.close()


def answer(kind, credential, url):
    if kind in {"token", "denied"}:
        return token_answer(kind, credential)
    token = credential.rpartition(" ")[2] if credential.count(" ") == 1 else credential.partition(" ")[2]
    body = {
        "echo": dict(enumerate(dict.fromkeys(forms(token)))),
        "headers": {"Authorization": credential},
        "nested": [{"access_token": VALUES["answer-token"], "copy": f"again: {VALUES['answer-token']}"}],
        "seed": VALUES["answer-write-only"],
        "pin": VALUES["answer-password"],
        "name": f"pin {VALUES['answer-password']}",
    }
    status, raw, media = {
        "ok": (200, json.dumps(body).encode(), "application/json"),
        "utf8": (200, json.dumps(body, ensure_ascii=False).encode(), "application/json"),
        "missing": (
            404,
            json.dumps({"errorCode": "E1", "errorSummary": "x" * 470 + credential, **body}).encode(),
            "application/json",
        ),
        "broken": (500, f"<h1>{html.escape(credential)}</h1> access_token={quote(VALUES['answer-token'])}".encode(), "text/html"),
        "cut": (200, json.dumps({"access_token": VALUES["answer-token"], "a": token})[:-8].encode(), "application/json"),
        "bytes": (200, b"\x00\xff" + token.encode(), "application/octet-stream"),
        "problem": (
            400,
            json.dumps({"title": "no", "detail": f"bad {token}", "type": f"urn:{quote(token)}"}).encode(),
            "application/problem+json",
        ),
        "unauthorized": (401, json.dumps({"error": "invalid_token", "error_description": token}).encode(), "application/json"),
        "moved": (302, b"", "text/plain"),
    }[kind]
    raw = gzip.compress(raw)
    fields = {
        "Content-Type": media,
        "Content-Encoding": "gzip",
        "Content-Length": str(len(raw) + (5 if kind == "cut" else 0)),
        "Connection": "close",
        "Location": f"{url}/next?session={quote(token, safe='')}&access_token={quote(VALUES['answer-token'], safe='')}",
        "Link": f'<{url}/next?after={quote_plus(token)}>; rel="next"',
        "WWW-Authenticate": f'Bearer error="{quote(token)}"',
        "Set-Cookie": f"sid={quote(VALUES['answer-token'], safe='')}",
        "X-Echo": credential,
        "X-Request-Id": token,
        "X-Vault-Token": quote(VALUES["answer-token"], safe=""),
        "X-Odd name": quote(token),
    }
    head = f"HTTP/1.1 {status} Odd\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode("latin-1") + b"\r\n" + raw


def token_answer(kind, credential):
    """A token endpoint that gives a token, or refuses and echoes what it was given."""
    given = {"access_token": TOKENS["access-token"], "token_type": "Bearer", "expires_in": 3600, "echo": credential}
    denied = {"error": "invalid_client", "error_description": f"bad {credential} {TOKENS['client-secret']}"}
    status, body = (200, given) if kind == "token" else (401, denied)
    raw = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Odd\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\nConnection: close\r\n\r\n"
    return head.encode() + raw


# templates with every kind of secret field


PROVIDER = """
id: trap
title: Trap
servers: [{url: 'https://trap.example.com'}]
securitySchemes:
  key: {type: apiKey, in: header, name: Authorization, prefix: 'SSWS '}
  app: {type: oauth2, tokenUrl: /token, scopes: {read: Read}}
  login: {type: http, scheme: basic}
  query: {type: apiKey, in: query, name: api_key}
  cookie: {type: apiKey, in: cookie, name: sid}
errors: {code: errorCode, message: errorSummary, requestIdHeader: X-Request-Id}
environment: {baseUrl: TRAP_URL, token: TRAP_TOKEN, configFiles: [~/.okta/okta.yaml, ./okta.yaml]}
check: {task: trap.get, with: {kind: ok}}
"""
ANSWER = """
responses:
  '200':
    description: OK
    schema:
      type: object
      properties:
        seed: {type: string, writeOnly: true}
        pin: {$ref: schemas.yaml#/Pin}
outputs:
  copied: {value: '{{ response.body.name }}', schema: {type: string}}
  pin: {value: '{{ response.body.pin }}', schema: {type: string, format: password}}
security: [{key: []}, {app: [read]}, {login: []}, {query: []}, {cookie: []}]
"""
GET = f"""
id: trap.get
summary: Get
method: GET
path: /{{{{ kind }}}}
parameters:
  - {{name: kind, in: path, required: true, schema: {{type: string}}}}
  - {{name: pass, in: query, schema: {{type: string, format: password}}}}
  - {{name: age, in: query, schema: {{type: integer}}}}
retry: {{readTimeout: 0.3}}
{ANSWER}"""
PUT = f"""
id: trap.put
summary: Put
method: PUT
path: /{{{{ kind }}}}
parameters:
  - {{name: kind, in: path, required: true, schema: {{type: string}}}}
requestBody:
  schema:
    type: object
    additionalProperties: false
    properties:
      user: {{type: string}}
      login: {{$ref: schemas.yaml#/Pin}}
      seeds: {{type: array, items: {{type: string, writeOnly: true}}}}
      client_secret: {{type: string}}
retry: {{readTimeout: 0.3}}
{ANSWER}"""
FLOW = """
name: flow
inputs:
  type: object
  properties:
    kind: {type: string, default: ok}
    word: {type: string, format: password}
steps:
  - id: first
    task: trap.get
    with: {kind: '{{ inputs.kind }}'}
    retry: {maxAttempts: 2, backoffBase: 0}
  - id: second
    task: trap.put
    with: {kind: ok, body: {user: '{{ steps.first.outputs.copied }}', login: "{{ inputs.word | default('none') }}"}}
    headers: {X-Word: "{{ inputs.word | default('none') | length }}"}
    outputs: {said: '{{ response.body.nested[0].copy }}', access_token: '{{ response.body.nested[0].access_token }}'}
outputs:
  copied: '{{ steps.first.outputs.copied }}'
  said: '{{ steps.second.outputs.said }}'
  seed: '{{ steps.second.response.body.seed }}'
"""
BODY = {
    "user": "u",
    "login": VALUES["password-input"],
    "seeds": [VALUES["write-only"]],
    "client_secret": VALUES["write-only"] + "2",
}


def okta_yaml(url, token):
    return f"okta:\n  client:\n    orgUrl: {url}\n    token: {json.dumps(token)}\n    requestTimeout: 1\n"


def profile(name, url, token):
    return f'[connections.{name}]\nprovider = "trap"\nbaseUrl = "{url}"\ntoken = "{token}"\n'


def client(name, url, **keys):
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in keys.items()]
    return f'[connections.{name}]\nprovider = "trap"\nbaseUrl = "{url}"\n' + "".join(lines)


class World:
    """A clean home with canaries in it; `planted` are the files that hold them, and only they may."""

    def __init__(self, home, url):
        self.home = home
        files = {
            "t/provider.yaml": PROVIDER,
            "t/schemas.yaml": "Pin: {type: string, format: password}\n",
            "t/get.yaml": GET,
            "t/put.yaml": PUT,
            "flow.yaml": FLOW,
            "connections.toml": profile("filed", url, "file:token")
            + profile("named", url, "env:NAMED")
            + profile("raw", url, "KEYRING")
            + client("app", url, scheme="app", clientId="c", clientSecret="env:APP_SECRET")
            + client("denied", url, scheme="app", clientId="c", clientSecret="env:APP_SECRET", tokenUrl="/denied")
            + client("signed", url, scheme="app", clientId="c", privateKey="file:app.pem")
            + client("login", url, scheme="login", username="user", password="env:LOGIN_PASSWORD")
            + client("query", url, scheme="query", token="env:QUERY_KEY")
            + client("cookie", url, scheme="cookie", token="env:COOKIE_KEY"),
            "app.pem": KEY,
            "token": TOKENS["profile-file"] + "\n",
            "body.json": json.dumps(BODY),
            "inputs.yaml": json.dumps({"kind": "ok", "pass": VALUES["password-query"]}, ensure_ascii=False),
            "flow-inputs.json": json.dumps({"word": "env:FLOW_INPUT"}),
            "flow-literal.json": json.dumps({"word": VALUES["flow-input"]}),
            "half.yaml": f"okta:\n  client:\n    token: {json.dumps(TOKENS['home-yaml'])}\n",
            "home/.okta/okta.yaml": okta_yaml(url, TOKENS["home-yaml"]),
            "project/okta.yaml": okta_yaml(url, TOKENS["project-yaml"]),
        }
        for name, text in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text.replace("KEYRING", "keyring-less"), encoding="utf-8")
        self.planted = {home / name for name in files}
        self.variables = {
            "empty": {"HOME": str(home / "none")},
            "env": {"TRAP_URL": url, "TRAP_TOKEN": TOKENS["env"], "FLOW_INPUT": VALUES["flow-input"]},
            "refused": {"TRAP_URL": "http://127.0.0.1:9", "TRAP_TOKEN": TOKENS["env"]},
            "half": {"TRAP_TOKEN": TOKENS["env"]},
            "home": {"HOME": str(home / "home")},
            "profiles": {"HTTPTASK_CONFIG": str(home / "connections.toml"), "NAMED": TOKENS["reference"], **HELD},
            "raw": {"HTTPTASK_CONFIG": str(home / "raw.toml")},
        }
        (home / "raw.toml").write_text(
            f"[connections.default]\nprovider = 'okta'\nbaseUrl = '{url}'\ntoken = {json.dumps(TOKENS['keyring-less'])}\n"
        )
        self.planted.add(home / "raw.toml")

    def command(self, run):
        command = Httptask(self.home if run.folder == "." else self.home / run.folder)
        env = {
            "HTTPTASK_PATH": str(self.home / "t"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.variables[run.world],
            **dict(run.env),
        }
        return command(*run.words, code=run.code, stdin=json.dumps(BODY), env=env, tracebacks=run.asks_for_tracebacks)

    def run(self, run):
        before = {path: path.read_bytes() for path in self.home.rglob("*") if path.is_file()}
        written = [self.command(run).all.encode()]
        after = {path: path.read_bytes() for path in self.home.rglob("*") if path.is_file() and path not in self.planted}
        return b"\n".join([*written, *(content for path, content in after.items() if content != before.get(path))])


@dataclass(frozen=True)
class Run:
    """One invocation: which world speaks, the words of the command and its exit code."""

    world: str
    command: str
    code: int = 0
    folder: str = "."
    env: tuple = ()

    @property
    def words(self):
        return self.command.split()

    @property
    def asks_for_tracebacks(self):
        return "--debug" in self.words or ("HTTPTASK_DEBUG", "1") in self.env

    def __str__(self):
        return f"{self.world}: {self.command}"


HELD = {
    "APP_SECRET": TOKENS["client-secret"],
    "LOGIN_PASSWORD": TOKENS["password"],
    "QUERY_KEY": TOKENS["query-key"],
    "COOKIE_KEY": TOKENS["cookie-key"],
}
CLIENTS = {"app": 0, "signed": 0, "login": 0, "query": 0, "cookie": 0, "denied": 1}
PASS = "-i pass=" + VALUES["password-query"].replace(" ", "_")
GETS = {
    "ok": 0,
    "utf8": 0,
    "missing": 1,
    "broken": 1,
    "cut": 1,
    "bytes": 1,
    "problem": 1,
    "unauthorized": 1,
    "moved": 1,
    "reset": 1,
    "slow": 1,
}
PASTED_BODY = {"a": TOKENS["env"], "clientSecret": TOKENS["client-secret"], "b": TOKENS["client-secret"]}
PASTED = (
    f"https://api.example.com/a?q={quote(TOKENS['env'], safe='')} -H X-Api-Key:{TOKENS['env']} -u me:{TOKENS['password']}"
    f" -H X-Note:{TOKENS['password']} -b sid={quote(TOKENS['cookie-key'], safe='')} -H X-Copy:{TOKENS['cookie-key']}"
    f" --json {json.dumps(PASTED_BODY, separators=(',', ':'))}"
)
PUTS = {"ok": 0, "missing": 1, "reset": 3, "cut": 3}
RUNS = [
    *(
        Run("env", f"test trap.get -i kind={kind} {options}", code)
        for kind, code in GETS.items()
        for options in ("-vv", "--json -vv")
    ),
    *(
        Run("env", f"test trap.put -i kind={kind} --body @body.json {options}", code)
        for kind, code in (("ok", 0), ("missing", 1))
        for options in ("-vv", "--json -vv")
    ),
    *(
        Run("env", f"test trap.get -i kind={kind} {PASS} --trace {options}", code)
        for kind, code in GETS.items()
        for options in ("", "--json")
    ),
    *(Run("env", f"test trap.get -i kind={kind} {PASS} --record c.yaml", code) for kind, code in GETS.items()),
    *(Run("env", f"test trap.put -i kind={kind} --body @body.json --record c.yaml", code) for kind, code in PUTS.items()),
    Run("env", f"test trap.get -i kind=ok -i pass={SHORT} --record c.yaml --json"),
    Run("env", "run flow.yaml --inputs flow-inputs.json --record c.yaml --json"),
    Run("env", "run flow.yaml -i kind=missing --record c.yaml -vv", 1),
    Run("env", "test trap.get -i kind=ok --replay flow.yaml", 2),
    Run("env", "test trap.get -i kind=ok --record token --overwrite", 2),
    Run("env", "test trap.put -i kind=ok --body @body.json --trace"),
    Run("env", "test trap.put -i kind=ok --body @body.json --trace --json --no-journal"),
    Run("env", "test trap.put -i kind=reset --body @body.json --trace", 3),
    Run("env", f"test trap.get -i kind=ok {PASS} --expect {{{{response.body.gone==1}}}} --junit report.xml", 1),
    Run("env", "test trap.put -i kind=missing --body @body.json --expect {{response.status==404}} --junit report.xml"),
    Run("env", "test trap.put -i kind=ok --body @body.json --expect {{response.status==404}} --junit report.xml --json", 1),
    Run("env", f"test trap.get -i kind=ok --expect {TOKENS['env']}", 2),
    Run("env", "test trap.put -i kind=reset --body - --json -vv", 3),
    Run("env", "test trap.put -i kind=ok --body @body.json --dry-run -vv"),
    Run("env", "test trap.put -i kind=ok --body @body.json --dry-run --json"),
    Run("env", "test trap.get --inputs inputs.yaml -vv"),
    Run("env", "test trap.get --inputs inputs.yaml --dry-run --json"),
    Run("env", f"test trap.get -i kind=ok {PASS} --dry-run"),
    Run("env", f"test trap.get -i kind=ok -i pass={SHORT} -vv"),
    Run("env", f"test trap.get -i kind=broken -i pass={SHORT} --json -vv", 1),
    Run("env", f"test trap.get -i kind=ok -i pass={SHORT} --dry-run --json"),
    Run("env", f"test trap.get -i kind=missing {PASS} -vv --debug", 1),
    Run("env", f"test trap.get -i kind=ok {PASS} -i age=old --json", 2),
    Run("env", f"test trap.get -i kind=../{TOKENS['env']} --debug", 2),
    Run("env", f"test trap.get -i kind=ok -H Authorization:{TOKENS['env']} --debug --json", 2),
    Run("env", f"test trap.get -i kind=ok --scheme {TOKENS['env']}", 2),
    Run("env", "test trap.put -i kind=ok --body {", 2),
    Run("env", "test trap.get -i kind=ok --fault 503x2,reset-after,ok -vv --json"),
    Run("env", "test trap.put -i kind=ok --body @body.json --fault 404", 1),
    Run("env", "test trap.get -i kind=broken --retry --timeout 1 -vv", 1),
    Run("env", "run flow.yaml -vv"),
    Run("env", "run flow.yaml --json -vv"),
    Run("env", "run flow.yaml --inputs flow-inputs.json -vv"),
    Run("env", "run flow.yaml --inputs flow-inputs.json --json"),
    Run("env", "run flow.yaml -i kind=missing -vv --json", 1),
    Run("env", "run flow.yaml -i kind=reset -vv", 1),
    Run("env", "run flow.yaml --inputs flow-inputs.json --fault second=404 --json", 1),
    Run("env", "run flow.yaml --inputs flow-literal.json -vv --debug", 2),
    Run("env", "run flow.yaml --inputs flow-inputs.json --dry-run --json"),
    Run("env", "run flow.yaml --inputs flow-inputs.json --no-journal --json"),
    Run("env", "run body.json", 2),
    Run("env", "runs"),
    Run("env", f"runs show {TOKENS['env']}", 2),
    Run("env", f"resume {TOKENS['env']} --json", 2),
    Run("env", "connections"),
    Run("env", "connections --json"),
    Run("env", "connections check --provider trap -vv"),
    Run("env", "connections check --provider trap --json -vv"),
    Run("env", f"connections add {TOKENS['env']} --base-url https://a.example.com --token env:A", 2),
    Run("env", f"connections add other --provider trap --base-url https://a.example.com --token {TOKENS['env']} --debug", 2),
    Run("env", f"connections add other --provider trap --base-url https://{TOKENS['env']}@a.example.com --token env:A", 2),
    Run("env", "connections add written --provider trap --base-url https://a.example.com --token env:TRAP_TOKEN"),
    Run("env", "list --json"),
    Run("env", "show trap.put --json"),
    Run("env", "show trap.put"),
    Run("env", "validate t flow.yaml"),
    Run("env", "graph flow.yaml"),
    Run("env", "validate token body.json connections.toml", 2),
    Run("env", "manifest --check"),
    *(Run("env", f"import-curl {options} curl {PASTED}") for options in ("", "--json", "--out made", "--out made --json")),
    Run("env", f"import-curl --debug curl {PASTED} -F a={TOKENS['env']} --{TOKENS['env']}", 2),
    Run("env", f"import-curl --debug --json curl {PASTED} -H {TOKENS['env']}", 2),
    Run("env", "completion bash"),
    Run("env", "sandbox --host 8.8.8.8", 2),
    Run("env", "serve --host 0.0.0.0", 2),
    Run("env", "worker temporal --address 127.0.0.1:1", 2),
    Run("env", "worker conductor --server http://127.0.0.1:1", 2),
    Run("env", "deploy conductor flow.yaml --server http://127.0.0.1:1", 2),
    Run("env", "--help"),
    Run("refused", "test trap.get -i kind=ok --json -vv", 1),
    Run("refused", "connections check --provider trap", 1),
    Run("half", "test trap.get -i kind=ok --json", 2),
    Run("half", "connections --json"),
    Run("home", "test trap.get -i kind=ok -vv"),
    Run("home", "test trap.get -i kind=missing --json -vv", 1),
    Run("home", "connections --json"),
    Run("home", "test trap.get -i kind=ok -vv", 0, "project"),
    Run("home", "connections check --provider trap --json", 0, "project"),
    Run("profiles", "test trap.get -i kind=ok --connection filed -vv"),
    Run("profiles", "test trap.get -i kind=ok --connection named --json -vv"),
    Run("profiles", "test trap.get -i kind=ok --connection raw", 2),
    Run("profiles", f"test trap.get -i kind=ok --connection {TOKENS['reference']}", 2),
    *(
        Run("profiles", f"test trap.get -i kind={kind} --connection {name} {options}", max(code, kind != "ok"))
        for name, code in CLIENTS.items()
        for kind in ("ok", "missing")
        for options in ("-vv", "--json -vv", "--json --debug")
    ),
    *(Run("profiles", f"test trap.get -i kind=ok --connection {name} --dry-run") for name in CLIENTS),
    *(Run("profiles", f"test trap.get -i kind=missing --connection {name} --trace", 1) for name in CLIENTS),
    *(Run("profiles", f"test trap.get -i kind=ok --connection {name} --record c.yaml", code) for name, code in CLIENTS.items()),
    *(Run("profiles", f"test trap.get -i kind=missing --connection {name} --record c.yaml", 1) for name in CLIENTS),
    *(Run("profiles", f"connections check {name} -vv", code) for name, code in CLIENTS.items()),
    Run("profiles", "run flow.yaml --connection app -vv"),
    Run("profiles", "run flow.yaml --connection signed --json -vv"),
    Run("profiles", "connections"),
    Run("profiles", "connections check filed -vv"),
    Run("profiles", "connections check named --json"),
    Run("raw", "connections --json"),
    Run("raw", "connections check --provider trap --debug", 2),
    Run("raw", "test trap.get -i kind=ok --dry-run --json", 2, env=(("HTTPTASK_DEBUG", "1"),)),
    Run("empty", "test trap.get -i kind=ok", 2),
]


@pytest.fixture(scope="module")
def hostile():
    server = Hostile()
    yield server
    server.close()


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS, ids=str)
def test_no_byte_that_the_program_writes_holds_a_secret(tmp_path, hostile, run):
    written = World(tmp_path, hostile.url).run(run)
    assert leaks(written) == set(), written.decode("utf-8", "replace")


@pytest.mark.slow
def test_no_byte_of_a_journal_or_of_a_resumed_run_holds_a_secret(tmp_path, hostile):
    world = World(tmp_path, hostile.url)
    written = [world.run(Run("env", "run flow.yaml -i kind=missing --inputs flow-inputs.json --json", 1))]
    (run,) = json.loads(world.command(Run("env", "runs --json")).out)["runs"]
    words = (f"runs show {run['runId']} --json", f"resume {run['runId']} -vv", f"runs delete {run['runId']}")
    written += [world.run(Run("env", command, code)) for command, code in zip(words, (0, 1, 0), strict=True)]
    assert leaks(b"\n".join(written)) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    "what", ["test trap.get -i kind=ok " + PASS, "test trap.put -i kind=ok --body @body.json", "run flow.yaml"]
)
def test_a_replay_finds_its_cassette_again_and_writes_no_secret(tmp_path, hostile, what):
    world = World(tmp_path, hostile.url)
    inputs = " --inputs flow-inputs.json" if "flow" in what else ""
    written = [world.run(Run("env", f"{what}{inputs} --record c.yaml --json"))]
    world.planted.add(tmp_path / "c.yaml")
    written += [world.run(Run("env", f"{what}{inputs} --replay c.yaml {shown}")) for shown in ("--json", "-vv")]
    written.append(world.run(Run("env", "test trap.get -i kind=missing -i pass=other --replay c.yaml --json", 2)))
    assert leaks(b"\n".join(written)) == set()


@pytest.mark.parametrize("name", CANARIES)
def test_the_search_finds_every_form_of_every_canary(name):
    assert all(
        name in leaks(f"before {form} after".encode()) for form in forms(CANARIES[name]) if len(CANARIES[name]) > len(SHORT)
    )


@pytest.mark.slow
def test_every_token_reached_the_server(tmp_path, hostile):
    """The canaries are real: each credential that a run may use was sent."""
    hostile.received = b""
    used = [
        Run("env", "test trap.get -i kind=ok"),
        Run("home", "test trap.get -i kind=ok"),
        Run("home", "test trap.get -i kind=ok", 0, "project"),
    ]
    named = ("filed", "named", "app", "query", "cookie")
    used += [Run("profiles", f"test trap.get -i kind=ok --connection {name}") for name in named]
    world = World(tmp_path, hostile.url)
    for run in used:
        world.run(run)
    received = unquote(hostile.received.decode("latin-1"))
    # the secret and the password travel inside base64
    assert [name for name in TOKENS if TOKENS[name] not in received] == ["keyring-less", "client-secret", "password"]


def test_every_command_is_run():
    from httptask.cli.main import COMMANDS

    assert set(COMMANDS) <= {run.words[0] for run in RUNS}
