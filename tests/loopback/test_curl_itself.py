"""What is read of a command, held against curl itself and against a real shell."""

import base64
import json
import shlex
import shutil
import subprocess
from urllib.parse import unquote, unquote_plus

import pytest

from curls import draft, examples, reading
from httptask.auth import Basic, auth_for
from httptask.curl.shell import words_of
from httptask.inputs import check
from httptask.model import Connection
from httptask.render import build
from httptask.secrets import Secret
from loopback.servers import OK, RawServer, answering

pytestmark = pytest.mark.broad

CURL, BASH = shutil.which("curl"), shutil.which("bash")
FILES = {"a.json": b'{"a":\r\n 1}\n', "a.txt": b"one\r\ntwo\n"}
#: What curl sets by itself, or what is not sent by httptask, as tests/unit/test_curl_drafting.py shows.
OWN = {"host", "user-agent", "accept", "content-length", "expect", "connection", "accept-encoding", "referer"}
TOKEN = "tk7-Zq9x4Lm2Vb8"
JSON = ["-H", "Content-Type: application/json"]

COMMANDS = [
    ["/"],
    [""],
    ["/a/b?x=1&y=a%20b&y=c+d&z="],
    ["/a", "-G", "-d", "q=1", "--data-urlencode", "r=a b&c"],
    ["/a?x=1", "-G", "-d", "q=1"],
    ["/a", "-I"],
    ["/a", "-I", "-G", "-d", "q=1"],
    ["/a", "-X", "DELETE"],
    ["/a", "-XPOST"],
    ["/a", "-d", ""],
    ["/a", "--json", '{"a": 1}'],
    ["/a", "--json", '{"a":', "--json", " 1}"],
    ["/a", "--json", "@a.json"],
    ["/a", "-d", "@a.json", *JSON],
    ["/a", "--data-binary", "@a.json", *JSON],
    ["/a", "--data-raw", '"@a.json"', *JSON],
    ["/a", "-X", "PUT", "-d", "[1, 2.5, null, true]", "-H", "content-type: application/vnd.api+json; charset=utf-8"],
    ["/a", "-T", "a.json", *JSON],
    ["/a/", "-T", "a.json", *JSON],
    ["/a", "-d", "@a.txt", "-H", "Content-Type: text/plain"],
    ["/a", "--data-binary", "@a.txt", "-H", "Content-Type: text/plain"],
    ["/a", "-d", "x=1", "-d", "y=2", "-H", "Content-Type: text/plain"],
    [
        "/a",
        "-d",
        "x",
        "-d",
        "@a.txt",
        "--data-urlencode",
        "n=a b&é",
        "--data-urlencode",
        "m@a.txt",
        "-H",
        "Content-Type: text/plain",
    ],
    ["/a", "-H", "X-One: 1", "-H", "X-Empty;", "-H", "X-Gone:", "-H", 'If-Match: "a"'],
    ["/a", "-H", "Accept: text/csv"],
    ["/a", "--json", "1", "-H", "Accept: text/csv"],
    ["/a", "-r", "0-9"],
    ["/a", "-b", "theme=dark", "-b", "lang=en"],
    ["/a", "-b", "theme=dark", "-H", "Cookie: lang=en"],
    ["/users/42/0oaspf3cfatE1nDO31d7?limit=5"],
    ["/é/%C3%A9/a:b/$x?é=ü"],
    ["/a", "-u", f"me:{TOKEN}"],
    ["/a", "-u", f"{TOKEN}:"],
    ["/a", "-H", f"Authorization: Bearer {TOKEN}", "-u", "me:other-secret"],
    ["/a", "--oauth2-bearer", TOKEN],
    ["/a", "-H", f"Authorization: SSWS {TOKEN}"],
    ["/a", "-H", f"X-Api-Key: {TOKEN}"],
    ["/a?x=1", "-b", f"sid={TOKEN}"],
    [f"/a?x=1&api_key={TOKEN}"],
    ["/a#fragment", "-sS", "--compressed", "-A", "me", "-e", "https://example.com"],
]


@pytest.fixture(scope="module")
def server():
    with RawServer(answering(OK)) as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def by_curl(words, server, folder):
    """Return what curl itself sends: method, path, query pairs, headers, body."""
    server.received.clear()
    command = [CURL, "-q", "-s", "-o", "/dev/null", "--noproxy", "*", *words]
    subprocess.run(command, cwd=folder, timeout=20, check=True)
    head, _, body = server.received[0].partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    method, target, _ = line.split(" ")
    headers = [(name, value.strip()) for name, _, value in (field.partition(":") for field in fields)]
    return request(method, target, headers, body)


def request(method, target, headers, body):
    path, _, query = target.partition("?")
    pairs = sorted(tuple(map(unquote_plus, pair.partition("=")[::2])) for pair in query.split("&") if pair)
    shown = {name.lower(): value for name, value in headers if name.lower() not in OWN}
    if not body:
        shown.pop("content-type", None)
    if "cookie" in shown:
        shown["cookie"] = sorted(part.strip() for part in shown["cookie"].split(";"))
    if "json" in shown.get("content-type", ""):
        body = json.loads(body)
    accept = [value for name, value in headers if name.lower() == "accept" and value not in {"*/*", "application/json"}]
    return method, unquote(path), pairs, shown, body or b"", accept


def by_httptask(words):
    """Return what the new task sends with its own examples and the credential of the command."""
    template = draft(shlex.join(["curl", *words]), reading(**FILES)).template
    schemes = template.provider.security_schemes
    auth = None
    if "basicAuth" in schemes:
        auth = Basic("basicAuth", "me", Secret(TOKEN))
    elif schemes:
        is_plain = next(iter(schemes.values())).prefix != "Basic "
        auth = auth_for(
            template.provider, None, secret=Secret(TOKEN if is_plain else base64.b64encode(f"{TOKEN}:".encode()).decode())
        )
    to = Connection("test", template.provider.default_url, auth)
    inputs = examples(template)
    check(template, inputs)
    made = build(template, inputs, to)
    made = auth.preview(made).revealed() if auth else made
    headers = [(name, value.reveal() if isinstance(value, Secret) else value) for name, value in made.headers]
    return request(made.method, made.target, headers, made.body or b"")


@pytest.mark.skipif(CURL is None, reason="there is no curl on this machine")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_new_task_sends_what_curl_sends(words, server, folder):
    words = [f"{server.url}{words[0]}", *words[1:]]
    assert by_httptask(words) == by_curl(words, server, folder)


TEXTS = [
    "curl 'a b'\"c d\"e\\ f",
    "curl \\\n  -H 'X: y' \\\n  --data-raw $'it\\'s\\n\\t\\x41\\101\\u00e9\\u0021' --compressed",
    'curl "a\\"b\\\\c\\$d\\`e\\f" a#b \'#\' # a comment',
    "curl {} {a} a{b}c '{a,b}' $ a$ $. é",
    "curl $'\\xc3\\xa9\\e\\a\\?\\cA\\z' $\"a b\" ''",
    "curl a;",
]


@pytest.mark.skipif(BASH is None, reason="there is no bash on this machine")
@pytest.mark.parametrize("text", TEXTS)
def test_words_are_those_that_a_real_shell_makes(text, tmp_path):
    script = f"curl() {{ printf '%s\\0' curl \"$@\"; }}\n{text}\n"
    done = subprocess.run(
        [BASH, "-c", script], cwd=tmp_path, env={"LC_ALL": "C.UTF-8"}, capture_output=True, timeout=20, check=True
    )
    assert list(words_of(text, file="command")) == done.stdout.decode().split("\0")[:-1]
