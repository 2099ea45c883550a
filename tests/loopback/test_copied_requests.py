# A copied request is the request: the same method, target, headers (Host apart) and body as httptask itself sends.
import json
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import body, connection, parameter, template
from golden.examples import REGISTRY, TASKS, TOKEN, example_inputs
from httptask.auth import ApiToken, Basic, Bearer, CookieKey, QueryKey, auth_for
from httptask.auth.client import ClientSecret
from httptask.auth.endpoint import TokenEndpoint
from httptask.auth.oauth2 import ClientCredentials
from httptask.errors import UsageError
from httptask.export.gathering import Call
from httptask.inputs import check
from httptask.runner import Options
from httptask.secrets import Secret
from loopback.copying import SHELLS, exported, needs_curl, own, sent_by_curl, sent_by_python
from loopback.servers import OK, OPENSSL, RawServer, answering, make_certificate, server_context

pytestmark = pytest.mark.broad

FORMS = [pytest.param("curl", marks=needs_curl), "python"]
#: Everything that a shell, curl, JSON, a URL or Python might take for its own.
NASTY = "a'b\"c $HOME `id` $(id) \\n \\\\ %s %41 {x} [1-3] #! é日😀 ~ & ; | < > * ? = + @"
SECRET = {"type": "string", "format": "password"}
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12) | st.sampled_from(
    [NASTY, "@file", "-", "--data", "'", '"', "\\", "\n", "\r\n", "\t", "\x7f\x9b\u202e", "{{ x }}", "%00", "a\n"]
)
VISIBLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12).map(
    lambda text: text.strip() or "x"
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
TASK = template(
    method="POST",
    path="/a/{{ id }}/b",
    parameters=(
        parameter("id", "path"),
        parameter("q"),
        parameter("X-In", "header"),
        parameter("tags", schema={"type": "array"}),
    ),
    body=body(),
)
SAME_SERVER = settings(
    max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(scope="module")
def server():
    with RawServer(answering(OK)) as made:
        yield made


def to(server, **changes):
    return connection(base_url=f"{server.url}/base", **changes)


def assert_same(call, server, form, env=(), shell="sh"):
    text = exported(call, form)
    sent = sent_by_curl(text, server, env, shell) if form == "curl" else sent_by_python(text, server, env)
    assert sent == own(call, server), text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("task", TASKS)
def test_every_shipped_task_is_copied(task, form, server):
    auth = auth_for(REGISTRY[task].provider, None, secret=Secret(TOKEN, reference="env:GOLDEN_TOKEN"))
    call = Call(REGISTRY[task], example_inputs(REGISTRY[task]), to(server, auth=auth))
    assert_same(call, server, form, {"GOLDEN_TOKEN": TOKEN})


def test_a_script_runs_as_a_program_of_its_own(server):
    call = Call(TASK, {"id": "a", "body": {"x": [NASTY]}}, to(server))
    server.received.clear()
    env = {"PATH": os.environ["PATH"], "no_proxy": "*"}
    done = subprocess.run(
        [sys.executable, "-"], input=exported(call, "python"), env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "200 OK\nok\n"
    assert json.loads(server.received[0].partition(b"\r\n\r\n")[2]) == {"x": [NASTY]}


@needs_curl
@pytest.mark.parametrize("shell", SHELLS)
def test_a_command_works_in_every_shell(shell, server):
    secret = f"{NASTY}\n"
    task = template(
        method="POST",
        path="/{{ id }}",
        parameters=(parameter("id", "path", schema=SECRET),),
        body=body(schema={"format": "password"}),
    )
    call = Call(task, {"id": secret, "body": secret}, to(server))
    assert_same(call, server, "curl", {"HTTPTASK_INPUT_ID": secret, "HTTPTASK_INPUT_BODY": secret}, shell)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("auth", "env"),
    [
        (ApiToken("key", Secret("to ken", reference="env:KEY"), header="X-Key", prefix=""), {"KEY": "to ken"}),
        (ApiToken("key", Secret("token", reference="file:/run/token"), prefix="Token token="), {"HTTPTASK_TOKEN": "token"}),
        (Bearer("bearer", Secret("token", reference="keyring:acme/amy")), {"HTTPTASK_TOKEN": "token"}),
        (Basic("login", "amy smith", Secret(NASTY, reference="env:PASS")), {"PASS": NASTY}),
        (Basic("login", Secret("Zoë", reference="env:WHO"), Secret("", reference="env:PASS")), {"WHO": "Zoë", "PASS": ""}),
        (Basic("login", "", Secret("only", reference="env:PASS")), {"PASS": "only"}),
        (QueryKey("query", Secret("b&c=/?+'", reference="env:KEY"), "api key", "v "), {"KEY": "b&c=/?+'"}),
        (CookieKey("cookie", Secret("s3cret!", reference="env:SID"), "sid"), {"SID": "s3cret!"}),
        (
            ClientCredentials(
                "oauth2", TokenEndpoint("https://acme.test/token", ClientSecret("id", Secret("s", reference="env:S")))
            ),
            {"HTTPTASK_TOKEN": "no-token-was-asked-for"},
        ),
    ],
    ids=["key", "prefixed", "bearer", "basic", "secret-name", "no-name", "query", "cookie", "oauth2"],
)
def test_a_credential_comes_from_the_environment(auth, env, form, server):
    assert_same(Call(TASK, {"id": "a", "q": "b"}, to(server, auth=auth)), server, form, env)


@pytest.mark.parametrize("form", FORMS)
def test_a_key_in_a_cookie_stands_behind_the_cookies_of_the_task(form, server):
    auth = CookieKey("cookie", Secret("s3cret!", reference="env:SID"), "sid")
    call = Call(template(), {}, to(server, auth=auth), Options(headers={"Cookie": "a=1; b=2"}))
    assert_same(call, server, form, {"SID": "s3cret!", "HTTPTASK_HEADER_COOKIE": "a=1; b=2"})
    assert "a=1" not in exported(call, form)


@pytest.mark.parametrize("form", FORMS)
def test_secret_inputs_come_from_the_environment_wherever_they_go(form, server):
    visible = "ca'n\"a$r`y \\%+/x=Q"
    task = template(
        method="POST",
        path="/a/{{ id }}/{{ file }}.json",
        headers={"X-Made": "v {{ inputs.note }}", "X-Both": "{{ inputs.note }}{{ inputs.pin }}"},
        parameters=(
            *(parameter("id", "path", schema=SECRET), parameter("file", "path"), parameter("q", schema=SECRET)),
            *(parameter("X-In", "header", schema=SECRET), parameter("list", schema={"type": "array", "items": SECRET})),
        ),
        body=body(
            template={
                "a": "{{ inputs.note }}",
                "b": ["{x} {{ inputs.note }}-{{ inputs.pin }} {{ '}' }}"],
                "n": "{{ inputs.pin }}",
                "up": "{{ inputs.note | upper }}",
                "is": "{{ inputs.note == 'x' }}",
                "o": {"password": "fixed", "plain": "{{ inputs.file }}"},
            },
            inputs={"note": SECRET, "pin": {"type": "integer", "format": "password"}},
        ),
    )
    inputs = {"id": NASTY, "file": "f", "q": NASTY, "X-In": visible, "list": ["", NASTY, "x"], "note": visible, "pin": 1234}
    names = {"ID": NASTY, "Q": NASTY, "X_IN": visible, "LIST_1": NASTY, "LIST_2": "x", "NOTE": visible, "PIN": "1234"}
    env = {f"HTTPTASK_INPUT_{name}": value for name, value in names.items()}
    made = {"UP": visible.upper(), "IS": "false", "O_PASSWORD": "fixed"}
    env |= {f"HTTPTASK_BODY_{name}": value for name, value in made.items()}
    assert_same(Call(task, inputs, to(server)), server, form, env)


@pytest.mark.parametrize("form", FORMS)
def test_what_no_stand_in_could_be_put_into_comes_whole(form, server):
    task = template(
        method="POST",
        headers={"X-Made": "v {{ inputs.note }}", "X-Sum": "{{ inputs.pin + 1 }}", "X-Fixed": "f"},
        parameters=(parameter("q", schema=SECRET),),
        body=body(
            template={"more": "{{ inputs.pin + 1 }}", "note": "{{ inputs.note }}"},
            inputs={"note": SECRET, "pin": {"type": "integer", "format": "password"}},
        ),
    )
    env = {"Q": "secret", "HEADER_X_MADE": "v n0te", "HEADER_X_SUM": "1235", "BODY": '{"more":1235,"note":"n0te"}'}
    env = {"HTTPTASK_" + ("INPUT_Q" if name == "Q" else name): value for name, value in env.items()}
    assert_same(Call(task, {"note": "n0te", "pin": 1234, "q": "secret"}, to(server)), server, form, env)


@pytest.mark.parametrize("form", FORMS)
def test_fields_with_a_sensitive_name_come_from_the_environment(form, server):
    given = {
        "name": "n",
        "password": NASTY,
        "deep": [{"client_secret": "x", "pin": 12, "token": {"a": "b", "c": None, "d": 1.5}}],
    }
    schema = {"properties": {"deep": {"items": {"properties": {"pin": {"type": "integer", "writeOnly": True}}}}}}
    names = {"PASSWORD": NASTY, "DEEP_0_CLIENT_SECRET": "x", "DEEP_0_PIN": "12", "DEEP_0_TOKEN_A": "b", "DEEP_0_TOKEN_D": "1.5"}
    task = template(method="POST", body=body(schema=schema))
    env = {f"HTTPTASK_INPUT_BODY_{name}": value for name, value in names.items()}
    assert_same(Call(task, {"body": given}, to(server)), server, form, env)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_without_a_body_is_copied(method, form):
    answer = OK if method != "HEAD" else b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    with RawServer(answering(answer)) as server:
        to_quick = to(server, retry={"connectTimeout": 1, "readTimeout": 1})
        assert_same(Call(template(method=method), {}, to_quick), server, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "@/etc/passwd",
            "@-",
            "-",
            "a\nb\n\n",
            "\n",
            "\r\n",
            "\x00",
            "nul\x00within",
            "\x1b[31m\x9b\u202e\u2028",
            "%s \\101 \\",
        ),
        *(
            NASTY,
            "{}",
            "[]",
            "null",
            " 1 ",
            '{"a": 1}',
            "x" * 1500,
            "é" * 150_000,
            "x" * 1_100_000,
            "\x00 %s %% \\101 'é",
            "password=hunter2&x=1",
        ),
        *("-n a\x01b", "-v\x01", "--\x02%s %d", "-e " + "y" * 120_000, "-vx[$(false)\x01]"),  # printf would take them for options
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_every_body_is_copied(text, kind, form, server):
    call = Call(template(method="POST", body=body(content_type=kind)), {"body": text}, to(server))
    assert_same(call, server, form, {"HTTPTASK_BODY": text} if "password" in text else {})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["application/json", "", "text/html"])
def test_a_text_body_with_any_content_type_is_copied(kind, form, server):
    task = template(method="POST", body=body(content_type="text/plain"))
    for text in ('{ "a" : 1 }', '{"a":1}', "{", "1"):
        assert_same(Call(task, {"body": text}, to(server), Options(headers={"Content-Type": kind})), server, form)


@pytest.mark.parametrize("form", FORMS)
def test_headers_are_copied_as_they_are(form, server):
    headers = {
        "X-Empty": "",
        "Accept": "",
        "X-Quoted": NASTY.encode("ascii", "ignore").decode(),
        "x-case": "a:b;c,d",
        "User-Agent": "me",
    }
    assert_same(Call(template(), {}, to(server), Options(headers=headers)), server, form)


@pytest.mark.parametrize("form", FORMS)
def test_a_base_path_with_every_character_that_it_may_hold_is_copied(form, server):
    base = f"{server.url}/a.b_c~d!e$f&g'h(i)j*k+l,m;n=o:p@q-r%2F%41"
    assert_same(Call(template(), {}, connection(base_url=base)), server, form)


@pytest.mark.parametrize("form", FORMS)
def test_no_redirect_is_followed(form):
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with RawServer(answering(moved)) as server:
        assert_same(Call(template(follow_redirects=True), {}, to(server)), server, form)


@needs_curl
def test_a_users_own_settings_of_curl_change_nothing(server, tmp_path):
    (tmp_path / ".curlrc").write_text('header = "X-Mine: 1"\nlocation\n')
    assert_same(Call(template(), {}, to(server)), server, "curl", {"HOME": str(tmp_path), "CURL_HOME": str(tmp_path)})


@needs_curl
def test_nothing_is_sent_without_its_secrets(server):
    call = Call(TASK, {"id": "a"}, to(server, auth=Bearer("bearer", Secret("token", reference="env:KEY"))))
    for env in ({}, {"KEY": ""}):
        with pytest.raises(AssertionError, match="KEY"):
            assert_same(call, server, "curl", env)
        assert server.received == []


@pytest.mark.skipif(OPENSSL is None, reason="there is no openssl here")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("apart", [True, False], ids=["key-apart", "one-file"])
def test_certificates_of_the_connection_are_used(form, apart, tmp_path, monkeypatch):
    folder = tmp_path / "it's: a\\folder"
    folder.mkdir()
    certificate, key = make_certificate(folder)
    context = server_context(certificate, key)
    context.load_verify_locations(certificate)
    context.verify_mode = 2
    both = folder / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    proof = (str(certificate), str(key)) if apart else (str(both), None)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with RawServer(answering(OK), tls=context) as server:
        call = Call(TASK, {"id": "a"}, to(server, verify=str(certificate), client_certificate=proof))
        text = exported(call, form)
        sent = sent_by_curl(text, server) if form == "curl" else sent_by_python(text, server)
        assert sent[:2] == ("POST", "/base/a/a/b")


@pytest.mark.parametrize("form", FORMS)
@SAME_SERVER
@given(data=st.data())
def test_whatever_the_values_are_the_copy_is_the_request(form, server, data):
    inputs = data.draw(
        st.fixed_dictionaries(
            {"id": TEXT}, optional={"q": TEXT, "X-In": VISIBLE, "tags": st.lists(TEXT, max_size=3), "body": JSON}
        )
    )
    call = Call(TASK, inputs, to(server), Options(headers=data.draw(st.dictionaries(st.just("X-Call"), VISIBLE))))
    try:
        check(TASK, inputs)
        exported(call, form)
    except UsageError:
        return
    env = {name: value for name, value in named_secrets(call).items() if "\x00" not in value}
    assert_same(call, server, form, env)


def named_secrets(call):
    """Return what the variables of a call hold, found by where they stand: only names of bodies can call for any here."""
    from httptask.export.gathering import subject_of

    values = {}
    for variable in subject_of(call).message.variables:
        value = {"body": call.inputs.get("body")}
        for part in variable.holds.removeprefix("the input ").split("."):
            value = value[part]
        values[variable.name] = value if isinstance(value, str) else json.dumps(value)
    return values
