# What was pasted is what the new task sends: the same method, target, headers and body, but for credentials and what is dropped.
import base64
import json
import shlex
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builders import provider
from curls import URL, curl, draft, examples, notes, problems, reading, rendered
from httptask.curl.command import read_command
from httptask.curl.credentials import found_in
from httptask.curl.drafting import Wanted, draft_of
from httptask.curl.pasted import pasted_of
from httptask.curl.steps import steps_for_draft
from httptask.documents import parse
from httptask.errors import ImportFailed
from httptask.model import SecurityScheme
from httptask.uri import query_values

pytestmark = pytest.mark.broad

quick = settings(max_examples=120, derandomize=True, deadline=None, database=None)
TOKEN = "tk7-Zq9x4Lm2Vb8"


def data(text):
    return parse(text.encode(), file="t.yaml").data


def test_a_command_becomes_files_that_a_person_would_write():
    result = draft(
        f"""curl -sS -X POST 'https://api.example.com/v1/customers/cus_NffrFeUfNV2Hib/notes?expand=true&limit=5&tag=a&tag=b' \\
          -H 'Authorization: Bearer {TOKEN}' -H 'Idempotency-Key: k-1' -H 'X-Trace: on' \\
          --json '{{"title": "north", "lines": [{{"text": "a"}}, {{"text": "b", "size": 1}}], "password": "hunter2"}}'"""
    )
    assert result.provider_text == (
        "id: example\n"
        "title: Example API\n"
        "servers:\n"
        "  - {url: 'https://api.example.com'}\n"
        "securitySchemes:\n"
        "  bearerAuth: {type: http, scheme: bearer}\n"
    )
    assert result.file_name == "create_customer_note.yaml"
    assert result.task_text == (
        "id: example.create_customer_note\n"
        "summary: Create customer note\n"
        "method: POST\n"
        "path: /v1/customers/{{ customerId }}/notes\n"
        "parameters:\n"
        "  - name: customerId\n"
        "    in: path\n"
        "    required: true\n"
        "    schema: {type: string}\n"
        "    example: cus_NffrFeUfNV2Hib\n"
        "  - name: expand\n"
        "    in: query\n"
        "    schema: {type: boolean}\n"
        "    example: true\n"
        "  - name: limit\n"
        "    in: query\n"
        "    schema: {type: integer}\n"
        "    example: 5\n"
        "  - name: tag\n"
        "    in: query\n"
        "    schema:\n"
        "      type: array\n"
        "      items: {type: string}\n"
        "    example: [a, b]\n"
        "  - name: Idempotency-Key\n"
        "    in: header\n"
        "    schema: {type: string}\n"
        "    example: k-1\n"
        "headers: {X-Trace: 'on', Accept: application/json}\n"
        "requestBody:\n"
        "  schema:\n"
        "    type: object\n"
        "    properties:\n"
        "      title: {type: string}\n"
        "      lines:\n"
        "        type: array\n"
        "        items:\n"
        "          type: object\n"
        "          properties:\n"
        "            text: {type: string}\n"
        "            size: {type: integer}\n"
        "      password: {type: string, format: password}\n"
        "  example:\n"
        "    title: north\n"
        "    lines:\n"
        "      - {text: a}\n"
        "      - {text: b, size: 1}\n"
        "responses:\n"
        "  2XX: {description: Success}\n"
        "security:\n"
        "  - {bearerAuth: []}\n"
    )


@pytest.mark.parametrize(
    ("header", "parameter"),
    [
        ("Idempotency-Key: a", "Idempotency-Key"),
        ('If-Match: "a"', "If-Match"),
        ("X-Request-Id: a", "X-Request-Id"),
        ("X-Template: {{ name }}", "X-Template"),
        ("X-Block: {% if a %}", "X-Block"),
    ],
)
def test_a_header_that_belongs_to_one_call_or_looks_like_an_expression_is_a_parameter(header, parameter):
    template = draft(curl(URL, "-H", header)).template
    assert dict(template.headers) == {}
    assert rendered(template).headers.get(parameter) == header.partition(": ")[2]
    assert parameter not in rendered(template, {}).headers


def test_headers_that_httptask_or_a_browser_sets_are_dropped_and_told():
    names = [
        "User-Agent",
        "Accept-Encoding",
        "Host",
        "Connection",
        "Content-Length",
        "Origin",
        "Referer",
        "sec-ch-ua",
        "Sec-Fetch-Mode",
    ]
    words = [word for name in names for word in ("-H", f"{name}: x")]
    result = draft(curl(URL, *words, "-H", "Accept-Language: de"))
    assert dict(result.template.headers) == {"Accept-Language": "de"}
    assert set(notes(result, "ignored")) == set(names)
    assert "the command sends another one" in notes(result)["Host"]


def test_headers_of_one_name_are_put_together():
    result = draft(curl(URL, "-H", "Accept: a/b", "-H", "accept: c/d", "-H", "X: 1", "-H", "x: 1"))
    assert dict(result.template.headers) == {"Accept": "a/b, c/d", "X": "1"}


def test_what_is_secret_beside_the_credential_is_an_input_that_is_masked():
    result = draft(curl(f"{URL}?token={TOKEN}q", "-H", f"Authorization: Bearer {TOKEN}", "-H", f"X-API-Key: {TOKEN}k"))
    assert [(item.name, item.schema, item.example) for item in result.template.parameters] == [
        ("token", {"type": "string", "format": "password"}, None),
        ("X-API-Key", {"type": "string", "format": "password"}, None),
    ]
    assert set(notes(result, "secret")) == {"query parameter token", "header X-API-Key"}


@pytest.mark.parametrize(
    "words",
    [
        [f"{URL}/{TOKEN}", "-u", f"me:{TOKEN}"],
        [f"{URL}?q={TOKEN}", "-u", f"me:{TOKEN}"],
        [f"{URL}?q=a&q=x{TOKEN}y", "-u", f"me:{TOKEN}"],
        [URL, "-H", f"X-Note: {TOKEN}", "-u", f"me:{TOKEN}"],
        [URL, "--json", json.dumps({"a": [f"x {TOKEN}"], "b": 1}), "-u", f"me:{TOKEN}"],
        [URL, "-d", f"x {TOKEN}", "-H", "Content-Type: text/plain", "-u", f"me:{TOKEN}"],
        [f"{URL}?q={quote(quote(TOKEN))}", "-H", f"X-API-Key: {TOKEN}"],
        [URL, "-b", f"a={TOKEN}; b={TOKEN}2", "-H", f"X-Note: {TOKEN}"],
        [f"https://me:{TOKEN}@api.example.com/{TOKEN}"],
        [URL, "-H", f"Authorization: Bearer {TOKEN}", "-u", "a:b", "-H", f"Proxy-Authorization: Basic {TOKEN}x"],
        [URL, "-U", f"a:{TOKEN}", "--json", json.dumps({"a": TOKEN})],
        [URL, "--json", json.dumps({"password": TOKEN, "again": TOKEN})],
        [f"https://hooks.example.com/a/{TOKEN}0123", "--json", json.dumps({"a": f"{TOKEN}0123"})],
    ],
    ids=range(13),
)
def test_a_credential_is_nowhere_wherever_else_it_occurs(words):
    result = draft(curl(*words))
    for text in (result.task_text, result.provider_text, str(result.notes), str(examples(result.template))):
        assert TOKEN not in text
        assert TOKEN[:9] not in text


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([f"https://{TOKEN}.example.com/", "-u", f"me:{TOKEN}"], "command: the host holds a credential of the command"),
        ([URL, "-H", f"X-{TOKEN}: a", "-u", f"me:{TOKEN}"], "command: the name of a header holds a credential"),
        ([f"{URL}?{TOKEN}=a", "-u", f"me:{TOKEN}"], "query: the name of a parameter is a credential"),
        ([URL, "--json", json.dumps({TOKEN: 1}), "-u", f"me:{TOKEN}"], "body: a key of the body is a variable or a credential"),
    ],
    ids=range(4),
)
def test_a_credential_in_a_name_is_refused(words, problem):
    (message,) = problems(draft, curl(*words))
    assert message.startswith(problem)
    assert TOKEN not in message.lower()


def test_every_slot_reports_its_problems_at_once():
    text = f'curl "{URL}//a?q=$Q" -H "X: $X" --json \'{{"a": \'"$A"\'}}\''
    assert len(problems(draft, text)) == 4


def test_ids_are_the_users_choice():
    result = draft(curl(URL), wanted=Wanted("mine", "do_it"))
    assert result.template.id == "mine.do_it"
    assert data(result.provider_text)["id"] == "mine"


def test_an_id_that_is_taken_gets_a_number():
    taken = {"example.list_things", "example.list_things_2"}
    assert draft(curl(URL), wanted=Wanted(taken=taken)).template.id == "example.list_things_3"


@pytest.mark.parametrize(
    ("task", "file"), [("provider", "provider_task.yaml"), ("schemas", "schemas_task.yaml"), ("a", "a.yaml")]
)
def test_a_task_takes_no_name_of_another_kind_of_file(task, file):
    assert draft(curl(URL), wanted=Wanted(task=task)).file_name == file


def test_a_placeholder_in_the_host_is_a_variable_of_the_server():
    result = draft(curl("https://{yourOktaDomain}/api", "-H", "Authorization: SSWS {token}"), wanted=Wanted("acme"))
    assert data(result.provider_text)["servers"] == [
        {"url": "https://{yourOktaDomain}", "variables": {"yourOktaDomain": {"default": "api.example.com"}}}
    ]
    assert draft(curl("https://{tenant}.example.com/api")).template.provider.default_url == "https://tenant.example.com"


SCHEMES = {
    "key": SecurityScheme("key", "apiKey", field_name="X-Api-Key"),
    "ssws": SecurityScheme("ssws", "apiKey", prefix="SSWS "),
    "inQuery": SecurityScheme("inQuery", "apiKey", location="query", field_name="api_key"),
    "login": SecurityScheme("login", "http", http_scheme="basic"),
    "oauth": SecurityScheme("oauth", "oauth2"),
}


@pytest.mark.parametrize(
    ("words", "scheme"),
    [
        (["-H", f"x-api-key: {TOKEN}"], "key"),
        (["-H", f"Authorization: SSWS {TOKEN}"], "ssws"),
        (["-u", f"me:{TOKEN}"], "login"),
        (["-H", f"Authorization: Bearer {TOKEN}"], "oauth"),
        ([], None),
    ],
)
def test_a_task_that_joins_a_provider_takes_its_scheme_and_leaves_out_its_base_path(words, scheme):
    joined = provider(server_url="https://api.example.com/v1", security_schemes=SCHEMES)
    result = draft(curl(URL, *words), joined=joined)
    assert (result.provider_text, result.scheme, result.base_url) == (None, scheme, "https://api.example.com/v1")
    assert (result.template.path, result.template.id) == ("/things", "acme.list_things")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            [URL, "-H", f"X-Other-Key: {TOKEN}"],
            "acme/provider.yaml: no security scheme of acme takes the credential of the command (add it",
        ),
        (["https://api.example.com/v2/things"], "URL: the path does not lie below /v1, where the server of acme begins"),
    ],
)
def test_a_task_that_does_not_fit_a_provider_is_refused(words, problem):
    joined = provider(server_url="https://api.example.com/v1", security_schemes=SCHEMES)
    (message,) = problems(lambda: draft(curl(*words), joined=joined))
    assert message.startswith(problem)
    assert TOKEN not in message


def test_files_of_the_command_are_read():
    result = draft(curl(URL, "--json", "@a.json"), reading(**{"a.json": b'{"a": 1}'}))
    assert rendered(result.template).body == b'{"a":1}'


#: Characters and words that have a meaning to some parser between a command and a server.
HOSTILE = st.sampled_from(
    [
        *(
            "/",
            "?",
            "#",
            "&",
            "=",
            "+",
            "%",
            ";",
            ":",
            "@",
            ",",
            " ",
            "'",
            '"',
            "\\",
            "$",
            "$A",
            "${A}",
            "$(a)",
            "`",
            "|",
            "<",
            ">",
            "!",
        ),
        *(
            "{{",
            "}}",
            "{{ a }}",
            "{%",
            "%}",
            "{#",
            "{a}",
            "[1]",
            "~",
            "*",
            "é",
            "😀",
            "\u2028",
            "\x85",
            "-",
            "--",
            "null",
            "~",
            "1e3",
            "no",
        ),
        *("%2e", "%00", "%", "\t", ": ", " #", "- ", "|", ">", "&a", "*a", "!!", "a", "b1"),
    ]
)
TEXT = st.one_of(st.lists(HOSTILE, max_size=5).map("".join), st.text("ab 1/é", max_size=8))
NAMES = st.sampled_from(["q", "filter[name]", "sort", "page", "limit", "a-b", "a.b", "$top", "x y", "é", "true"])
HEADER_NAMES = st.sampled_from(["X-One", "x-two", "Accept", "Accept-Language", "If-Match", "X_Three"])
HEADER_VALUES = st.one_of(TEXT, st.text('ab,;="/ ', max_size=8)).map(
    lambda text: "".join(character for character in text if " " <= character <= "~").strip(" ")
)
SEGMENTS = st.one_of(
    st.sampled_from(["users", "agentPools", "v1", "a:b", "$x", "é", "a b"]), st.sampled_from(["42", "0oaspf3cfatE1nDO31d7"])
)
JSONS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text("abé {}$", max_size=4), inner, max_size=3)),
    max_leaves=8,
)
BODIES = st.one_of(
    st.none(),
    JSONS.map(lambda value: ("json", value)),
    JSONS.map(lambda value: ("data", value)),
    TEXT.filter(bool).map(lambda text: ("text", text)),
)


@quick
@given(
    st.sampled_from([None, "GET", "PUT", "PATCH", "DELETE", "POST"]),
    st.lists(SEGMENTS, max_size=4),
    st.lists(st.tuples(NAMES, TEXT), max_size=4),
    st.dictionaries(HEADER_NAMES, HEADER_VALUES, max_size=3),
    BODIES,
)
@example(None, ["users", "42"], [("q", "{{ a }}")], {"X-One": "{{ a }}"}, ("json", {"a": "{{ b }}", "c": "{% d %}"}))
@example("GET", [], [("q", ""), ("q", "$A")], {"X-One": ""}, None)
def test_the_task_sends_what_the_command_would(method, segments, query, headers, body):
    has_body = body is not None
    method = "POST" if has_body and method in {"GET", "DELETE"} else method
    target = "/".join(quote(segment) for segment in segments)
    words = [f"https://api.example.com/{target}" + (f"?{urlencode(query)}" if query else "")]
    words += ["-X", method] if method else []
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}" if value else f"{name};"]
    if has_body:
        kind, content = body
        text = content if kind == "text" else json.dumps(content, ensure_ascii=False)
        words += ["--json", text] if kind == "json" else ["--data-raw", text]
        words += {"json": [], "data": ["-H", "Content-Type: application/json"], "text": ["-H", "Content-Type: text/x"]}[kind]
    request = rendered(draft(shlex.join(["curl", *words])).template)
    parts = urlsplit(request.url)
    assert request.method == (method or ("POST" if has_body else "GET"))
    assert [unquote(part) for part in parts.path.split("/")[1:]] == (segments or [""])
    for name, _ in query:
        assert query_values(request.url, name) == [value for key, value in query if key == name]
    assert len(parse_qsl(parts.query, keep_blank_values=True)) == len(query)
    for name, value in headers.items():
        assert request.headers.get(name) == value
    if not has_body:
        assert request.body is None
        assert "Content-Type" not in request.headers
    elif kind == "text":
        assert request.body == text.encode()
        assert request.headers.get("Content-Type") == "text/x"
    else:
        assert json.loads(request.body) == content
        assert request.headers.get("Content-Type") == "application/json"


PLACES = st.sampled_from(
    ["path", "query", "query name", "header", "header name", "cookie", "json", "json key", "text", "user", "host", "-x"]
)
FORMS = st.sampled_from([str, lambda text: f"a{text}b", quote, lambda text: base64.b64encode(text.encode()).decode(), str.upper])


def planted(place, value):
    """The words that put a value into a place of a command."""
    return {
        "path": [f"https://api.example.com/a/{quote(value, safe='')}"],
        "query": [f"{URL}?q=1&a={quote(value, safe='')}"],
        "query name": [f"{URL}?{quote(value, safe='')}=1"],
        "header": [URL, "-H", f"X-Note: {value}"],
        "header name": [URL, "-H", f"X-{value}: a"],
        "cookie": [URL, "-b", f"theme={value}"],
        "json": [URL, "--json", json.dumps({"a": [{"b": value}], "c": 1})],
        "json key": [URL, "--json", json.dumps({"a": {value: 1}})],
        "text": [URL, "-d", value, "-H", "Content-Type: text/plain"],
        "user": [URL, "-u", f"me:{value}"],
        "host": [f"https://{value}.example.com/a"],
        "-x": [URL, "-x", f"http://u:{value}@proxy.example.com"],
    }[place]


@quick
@given(
    st.text("abcXYZ019", min_size=8, max_size=20).filter(lambda text: len(set(text)) > 5),
    st.sampled_from(["-u", "bearer", "key", "cookie", "proxy", "body"]),
    PLACES,
    FORMS,
)
def test_no_credential_is_in_anything_that_is_made(secret, credential, place, form):
    secret = f"Kn8{secret}q"
    own = {
        "-u": ["-u", f"me:{secret}"],
        "bearer": ["-H", f"Authorization: Bearer {secret}"],
        "key": ["-H", f"X-Api-Key: {secret}"],
        "cookie": ["-b", f"sid={secret}"],
        "proxy": ["-U", f"me:{secret}"],
        "body": ["--json", json.dumps({"password": secret})],
    }[credential]
    shown = form(secret) if form is not str.upper else secret
    try:
        result = draft(curl(*planted(place, shown), *own))
        made = [
            result.task_text,
            result.provider_text,
            *map(str, result.notes),
            repr(result),
            *map(str, steps_for_draft(result, "t")),
        ]
    except ImportFailed as error:
        made = list(map(str, error.problems))
    for text in made:
        assert secret not in text
        assert secret.lower() not in text.lower()
        assert base64.b64encode(secret.encode()).decode().rstrip("=")[:-1] not in text


@quick
@given(
    st.lists(
        st.one_of(TEXT, st.sampled_from(["-H", "-d", "--json", "-u", "-b", "-G", "-I", "-T", "-X", URL, "https://", "--"])),
        max_size=8,
    )
)
def test_any_words_are_a_task_or_problems_that_say_what_to_do(words):
    problems_found = ()
    try:
        read_off = pasted_of(read_command(["curl", *words], reading()))
        draft_of(read_off, found_in(read_off), Wanted())
    except ImportFailed as error:
        problems_found = error.problems
    except KeyError as error:  # a file that is not there: the command line makes a problem of it
        assert error.args[0] in "".join(words)  # noqa: PT017 - both ends are right
    assert all(problem.message and problem.where for problem in problems_found)
