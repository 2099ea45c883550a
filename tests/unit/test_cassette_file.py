"""A cassette as a file: it is read back as it was, is readable for people, and a wrong one is told with its places."""

import json
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httptask import atomic
from httptask.cassette.exchanges import (
    KINDS,
    Answered,
    Asked,
    Cassette,
    Content,
    Exchange,
    Lost,
    Server,
    body_of,
    came,
    content_of,
)
from httptask.cassette.file import check_place, load, text_of, write
from httptask.documents import parse
from httptask.errors import CassetteInvalid, ConnectionLost, TransportError
from httptask.message import Headers, Response
from httptask.results import parse as read_answer

JSON_TYPE = (("Content-Type", "application/json"),)
ONE = Exchange(Asked("acme", "GET", "/things?a=b"), Answered(200, JSON_TYPE, Content("json", {"a": [1, 1.0, None]})), 0.25)


def cassette(*exchanges, **more):
    return Cassette(1_700_000_000.5, {"acme": Server("https://api.example.com/v1", **more)}, exchanges)


def again(tmp_path, kept):
    file = tmp_path / "c.yaml"
    file.write_text(text_of(kept), encoding="utf-8")
    return load(file)


def names(folder):
    return [each.name for each in folder.iterdir()]


def problems(tmp_path, text):
    file = tmp_path / "c.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CassetteInvalid) as caught:
        load(file)
    return [(problem.where.rpartition("c.yaml")[2], problem.message) for problem in caught.value.problems]


def test_a_cassette_is_readable():
    kept = cassette(
        Exchange(
            Asked("acme", "POST", "/things", (*JSON_TYPE, ("X-A", "1")), Content("json", {"on": "yes", "n": 1.0})),
            Answered(
                201,
                (("Link", "<a>"), ("Link", "<b>"), ("Content-Type", "text/plain")),
                Content("text", "two\nlines\n"),
                "truncated",
                {"wait": 1.5},
                proxied=True,
            ),
            0.25,
        ),
        Exchange(
            Asked(None, "GET", "https://files.example.com/x"), Lost("timedOut", "readTimeout", "sentWithoutAnswer", "no answer")
        ),
        scheme="apiToken",
        refreshable=True,
        retry={"maxAttempts": 6},
        allowed_hosts=("files.example.com",),
    )
    assert (
        text_of(kept)
        == """\
httptaskCassette: 1
recordedAt: '2023-11-14T22:13:20.500Z'
servers:
  acme:
    baseUrl: https://api.example.com/v1
    scheme: apiToken
    refreshable: true
    retry:
      maxAttempts: 6
    allowedHosts:
    - files.example.com
exchanges:
- request:
    server: acme
    method: POST
    target: /things
    headers:
    - Content-Type: application/json
    - X-A: '1'
    json:
      'on': 'yes'
      n: 1.0
  response:
    status: 201
    headers:
    - Link: <a>
    - Link: <b>
    - Content-Type: text/plain
    text: |
      two
      lines
    incomplete: truncated
    proxied: true
    timings:
      wait: 1.5
  elapsedMs: 250.0
- request:
    method: GET
    target: https://files.example.com/x
  error:
    kind: timedOut
    code: readTimeout
    phase: sentWithoutAnswer
    detail: no answer
  elapsedMs: 0.0
"""
    )


def test_it_is_read_back_as_it_was_with_its_lines_and_placeholders(tmp_path):
    kept = cassette(
        ONE,
        Exchange(Asked(None, "GET", "https://files.example.com/__withheld_1__"), Lost("timedOut", "readTimeout", "notSent", "x")),
        Exchange(
            Asked("acme", "POST", "/x", JSON_TYPE, Content("json", {"t": "__withheld_2__"})),
            Answered(200, (), Content("base64", "AAH/"), "tooLarge", {"dns": 1.0}, proxied=True),
        ),
        scheme="a",
        refreshable=True,
        retry={"readTimeout": 60},
        allowed_hosts=("files.example.com:8443",),
    )
    found = again(tmp_path, kept)
    assert (found.recorded_at, found.servers, found.exchanges) == (kept.recorded_at, kept.servers, kept.exchanges)
    assert found.placeholders == ("__withheld_1__", "__withheld_2__")
    assert [found.lines[0], len(found.lines)] == [13, 3]
    assert found.file.endswith("c.yaml")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def exact(value):
    return json.dumps(value, ensure_ascii=False)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_every_json_body_is_played_as_it_came(value):
    body = json.dumps(value).encode()
    answer = came(Response(200, Headers(JSON_TYPE), body))
    text = text_of(cassette(Exchange(Asked("acme", "GET", "/"), answer)))
    data = parse(text.encode(), file="c.yaml").data["exchanges"][0]["response"]
    kind = next(kind for kind in ("json", "text", "base64") if kind in data)
    headers = Headers(JSON_TYPE)
    played = body_of(headers, Content(kind, data[kind]))
    assert exact(json.loads(played)) == exact(value)
    assert kind == "json" or "\\ud" in body.decode()


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=80), st.sampled_from(["text/plain", "application/json", "text/plain; charset=latin-1", "", "image/png"])
)
def test_every_body_is_read_at_replay_as_it_was_while_recording(body, content_type):
    headers = Headers((("Content-Type", content_type),) if content_type else ())
    played = body_of(headers, content_of(headers, body))
    before, after = read_answer(Response(200, headers, body)), read_answer(Response(200, headers, played))
    assert (before.body_kind, exact(before.body)) == (after.body_kind, exact(after.body))


@pytest.mark.parametrize(
    "charset",
    [
        "utf-16",
        "utf-16-le",
        "utf-8-sig",
        "latin-1",
        "cp1252",
        "shift_jis",
        "rot13",
        "idna",
        "unicode-escape",
        "punycode",
        "nonsense",
        "\x00",
    ],
)
def test_charsets_are_kept(charset):
    headers = Headers((("Content-Type", f"application/json; charset={charset}"),))
    for text in ('{"name": "Ångström"}', "Ångström"):
        try:
            body = text.encode(charset)
        except (LookupError, ValueError):
            body = text.encode()
        before = read_answer(Response(200, headers, body))
        after = read_answer(Response(200, headers, body_of(headers, content_of(headers, body))))
        assert (before.body_kind, before.body) == (after.body_kind, after.body)


def nested(levels):
    value = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("levels", [1, 90, 95, 96, 150])
def test_a_body_too_deep_for_yaml_stands_as_text(tmp_path, levels):
    kept = cassette(Exchange(Asked("acme", "GET", "/"), Answered(200, JSON_TYPE, Content("json", nested(levels)))))
    assert again(tmp_path, kept).exchanges == kept.exchanges
    assert ("text:" in text_of(kept)) is (levels > 95)


@pytest.mark.parametrize("value", [{"a": ["\ud800"]}, {"\udfff": 1}])
def test_half_of_a_surrogate_pair_stands_as_text(tmp_path, value):
    kept = cassette(Exchange(Asked("acme", "GET", "/"), Answered(200, JSON_TYPE, Content("json", value))))
    assert again(tmp_path, kept).exchanges == kept.exchanges


def test_long_keys_and_odd_header_values_are_kept(tmp_path):
    value = {"k" * 5000: 1, "a\nb": 2, "": {}}
    headers = (*JSON_TYPE, ("X-Odd", "\x80\xff é: # '\""), ("X-Empty", ""))
    kept = cassette(Exchange(Asked("acme", "GET", "/"), Answered(200, headers, Content("json", value))))
    assert again(tmp_path, kept).exchanges == kept.exchanges


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_raised_again_as_it_was(kind):
    error = KINDS[kind]("in words", phase="notSent", code="dns")
    lost = came(error)
    assert lost == Lost(kind, "dns", "notSent", "in words")
    made = lost.error()
    assert (type(made), str(made), made.code, made.phase) == (type(error), "in words", "dns", "notSent")


def test_an_error_of_no_known_kind_is_a_lost_connection():
    assert isinstance(came(TransportError("x", phase="notSent", code="dns")).error(), ConnectionLost)


GOOD = text_of(cassette(ONE))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", [(":1:1", "the file is empty")]),
        ("- a\n", [(":1:1", "this is no cassette")]),
        ("name: flow\nsteps: []\n", [(":1:1", "this is no cassette")]),
        (GOOD.replace("Cassette: 1", "Cassette: 2"), [(":1:19", "a cassette of another version than 1")]),
        (GOOD.replace("Cassette: 1", "Cassette: one"), [(":1:19", "httptaskCassette must be 1")]),
        (GOOD.replace("    method: GET\n", ""), [(":8:5", "'method' is missing in exchanges[0].request")]),
        (GOOD.replace("method: GET", "method: get"), [(":9:13", "exchanges[0].request.method is not written as it must be")]),
        (GOOD.replace("status: 200", "status: '200'"), [(":12:13", "exchanges[0].response.status must be integer, is string")]),
        (GOOD.replace("status: 200", "status: 99"), [(":12:13", "exchanges[0].response.status must be at least 100")]),
        (GOOD.replace("  elapsedMs", "  elapsed"), [(":20:3", "unknown key 'elapsed' in exchanges[0]")]),
        (GOOD.replace("elapsedMs: 250.0", "elapsedMs: -1"), [(":20:14", "exchanges[0].elapsedMs must be at least 0")]),
        (GOOD.replace("    json:", "    text: x\n    json:"), [(":15:5", "exchanges[0].response.text is not allowed here")]),
        (GOOD.replace("  elapsedMs", "  error: {kind: x}\n  elapsedMs"), None),
        (GOOD.replace("https://api.example.com/v1", "ftp://x"), [(":5:14", "servers.acme.baseUrl is not written as it must be")]),
        (GOOD.replace("https://api.example.com/v1", "'http://[::'"), [(":5:14", "this is no base URL")]),
        (
            GOOD.replace("https://api.example.com/v1", "https://u:p@x"),
            [(":5:14", "servers.acme.baseUrl is not written as it must be")],
        ),
        (
            GOOD.replace("    baseUrl: https://api.example.com/v1\n", "    scheme: x\n"),
            [(":5:5", "'baseUrl' is missing in servers.acme")],
        ),
        (GOOD.replace("2023-11-14T22:13:20.500Z", "yesterday"), None),
        (GOOD.replace("2023", "9999"), [(":2:13", "recordedAt is not written as it must be")]),
        (
            GOOD.replace("- Content-Type: application/json", "- {a: b, c: d}"),
            [(":14:7", "exchanges[0].response.headers[0] must have at most 1 keys")],
        ),
        (
            GOOD.replace("- Content-Type: application/json", "- {a: 1}"),
            [(":14:11", "exchanges[0].response.headers[0].a must be string, is integer")],
        ),
        (GOOD.replace("response:", "respons:"), None),
        (GOOD + "  \t- x", None),
        (b"\xff\xfe", [(":1:1", "the file is UTF-16 or UTF-32")]),
        (b"\x80", [(":1:1", "the file is not UTF-8")]),
        (GOOD.replace("application/json", "a\x07b"), [(":14:22", "the character U+0007 may not stand in a YAML file")]),
        ("[" * 3000, None),
        (GOOD.replace("- 1.0", "- " + "[" * 120 + "]" * 120), None),
        (
            "a: &a [x, x]\n"
            + "".join(f"b{n}: &b{n} [*{'a' if not n else f'b{n - 1}'}, *{'a' if not n else f'b{n - 1}'}]\n" for n in range(40)),
            None,
        ),
    ],
)
def test_a_wrong_cassette_is_told_with_its_places(tmp_path, text, told):
    found = problems(tmp_path, text)
    assert found
    assert told is None or found == told
    assert all(where.startswith(":") for where, _ in found)


def test_all_problems_are_told_at_once(tmp_path):
    text = GOOD.replace("method: GET", "method: 1").replace("status: 200", "status: x").replace("recordedAt", "recorded")
    assert len(problems(tmp_path, text)) >= 4


def test_what_is_no_file_or_too_large_is_told(tmp_path):
    with pytest.raises(CassetteInvalid, match="no such cassette"):
        load(tmp_path / "none.yaml")
    with pytest.raises(CassetteInvalid, match="cannot be read"):
        load(tmp_path)
    assert problems(tmp_path, b"a" * (16 * 2**20 + 1)) == [("", "larger than 16 MiB")]


@pytest.mark.parametrize(
    "moment", ["2026-01-31T12:00:00Z", "2026-01-31t12:00:00z", "2026-01-31T12:00:60+02:00", "1970-01-01T00:00:00-23:59"]
)
def test_moments_of_every_spelling_are_read(tmp_path, moment):
    assert again(tmp_path, cassette(ONE)).recorded_at
    (tmp_path / "c.yaml").write_text(GOOD.replace("2023-11-14T22:13:20.500Z", moment), encoding="utf-8")
    assert load(tmp_path / "c.yaml").recorded_at >= 0


# where it is written


def test_a_new_cassette_is_readable_by_its_owner_only_and_nothing_lies_beside_it(tmp_path):
    file = tmp_path / "c.yaml"
    write(file, cassette(ONE), overwrite=False)
    assert load(file).exchanges == (ONE,)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert names(tmp_path) == ["c.yaml"]


def refused(file, *, overwrite=False):
    with pytest.raises(CassetteInvalid) as caught:
        check_place(file, overwrite=overwrite)
    return str(caught.value)


def test_nothing_is_overwritten_that_nobody_named(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(GOOD, encoding="utf-8")
    assert "there is a cassette already" in refused(file)
    assert "--overwrite" in refused(file)
    check_place(file, overwrite=True)
    other = tmp_path / "flow.yaml"
    other.write_text("name: flow\n", encoding="utf-8")
    assert "something else than a cassette" in refused(other)
    assert "something else than a cassette" in refused(other, overwrite=True)
    assert "something else than a cassette" in refused(tmp_path, overwrite=True)
    assert "folder does not exist" in refused(tmp_path / "no" / "c.yaml")
    assert other.read_text(encoding="utf-8") == "name: flow\n"


def test_a_cassette_that_appeared_meanwhile_stands(tmp_path):
    file = tmp_path / "c.yaml"
    check_place(file, overwrite=False)
    file.write_text(GOOD, encoding="utf-8")
    with pytest.raises(CassetteInvalid, match="already"):
        write(file, cassette(ONE, ONE), overwrite=False)
    assert file.read_text(encoding="utf-8") == GOOD


def test_a_disk_that_is_full_loses_nothing(tmp_path, monkeypatch):
    file = tmp_path / "c.yaml"
    file.write_text(GOOD, encoding="utf-8")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(CassetteInvalid, match="No space left"):
        write(file, cassette(ONE, ONE), overwrite=True)
    assert file.read_text(encoding="utf-8") == GOOD
    assert names(tmp_path) == ["c.yaml"]


def test_what_could_not_be_read_again_is_not_written(tmp_path):
    large = Exchange(Asked("acme", "GET", "/"), Answered(200, JSON_TYPE, Content("text", "x" * (16 * 2**20))))
    with pytest.raises(CassetteInvalid, match="larger than 16 MiB"):
        write(tmp_path / "c.yaml", cassette(large), overwrite=False)
    assert names(tmp_path) == []


def test_a_link_stays_a_link(tmp_path):
    real = tmp_path / "real.yaml"
    real.write_text(GOOD, encoding="utf-8")
    (tmp_path / "c.yaml").symlink_to(real)
    write(tmp_path / "c.yaml", cassette(ONE, ONE), overwrite=True)
    assert (tmp_path / "c.yaml").is_symlink()
    assert len(load(real).exchanges) == 2
