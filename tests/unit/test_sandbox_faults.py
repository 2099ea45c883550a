import pytest

from httptask.errors import InputInvalid
from httptask.faults import FAULT_WORDS, Fault, parse_faults
from httptask.sandbox.options import FaultRule, RateLimit, SandboxOptions


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("503", [Fault("status", 503)]),
        ("503x2", [Fault("status", 503)] * 2),
        ("429(Retry-After=7)", [Fault("status", 429, (("Retry-After", "7"),))]),
        ("429(Retry-After=7)x2", [Fault("status", 429, (("Retry-After", "7"),))] * 2),
        (
            "503(Retry-After=Wed, 21 Oct 2015 07:28:00 GMT; X-A=b), ok",
            [Fault("status", 503, (("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"), ("X-A", "b"))), Fault("ok")],
        ),
        ("slow(2s)", [Fault("slow", seconds=2.0)]),
        ("slow(250ms),slow(1.5)", [Fault("slow", seconds=0.25), Fault("slow", seconds=1.5)]),
        (" reset-beforex2 , ok", [Fault("reset-before"), Fault("reset-before"), Fault("ok")]),
        ("html", [Fault("html")]),
    ],
)
def test_a_script_is_a_list_of_words_and_statuses(text, faults):
    assert parse_faults(text) == tuple(faults)


@pytest.mark.parametrize("word", [word for word in FAULT_WORDS if word != "slow"])
def test_every_word_is_read(word):
    assert [str(fault) for fault in parse_faults(word)] == [word]


def test_a_finding_of_a_verify_task_is_read():
    assert parse_faults("verify:notApplied") == (Fault("verify", finding="notApplied"),)


@pytest.mark.parametrize("text", ["verify", "verify:", "verify:maybe", "verify:applied(x=1)", "ok:applied"])
def test_another_finding_is_refused(text):
    with pytest.raises(InputInvalid):
        parse_faults(text)


@pytest.mark.parametrize("text", ["503", "429(Retry-After=7; X-A=b)", "slow(0.25s)", "reset-after", "ok"])
def test_a_fault_is_written_as_it_is_read(text):
    assert str(parse_faults(text)[0]) == text


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("", "fault 1, column 1", "an empty entry"),
        ("503,, ok", "fault 2, column 5", "an empty entry"),
        ("ok, reset-befor", "fault 2, column 5", "did you mean 'reset-before'?"),
        ("Refused", "fault 1, column 1", "did you mean 'refused'?"),
        ("zzzzqq", "fault 1, column 1", "truncated, slow, html, ok"),
        ("status", "fault 1, column 1", "not a fault word"),
        ("???", "fault 1, column 1", "not a fault"),
        ("199", "fault 1, column 1", "from 200 to 599"),
        ("600", "fault 1, column 1", "from 200 to 599"),
        ("503x0", "fault 1, column 1", "repeat count"),
        ("503(7)", "fault 1, column 1", "an option of a status is a header"),
        ("503()", "fault 1, column 1", "an option of a status is a header"),
        ("503(A=\r\nB: c)", "fault 1, column 1", "an option of a status is a header"),
        ("503(Content-Length=5)", "fault 1, column 1", "frames the message"),
        ("slow", "fault 1, column 1", "slow(500ms)"),
        ("slow(soon)", "fault 1, column 1", "slow needs a time"),
        ("slow(601s)", "fault 1, column 1", "at most 600 seconds"),
        ("ok(1)", "fault 1, column 1", "takes no options"),
        ("503x1000, ok", "fault script", "more than 1000 faults"),
        ("ok," * 5000, "fault script", "longer than"),
    ],
)
def test_a_script_that_cannot_be_read_says_where_and_what(text, where, says):
    with pytest.raises(InputInvalid) as caught:
        parse_faults(text)
    assert caught.value.problems[0].where == where
    assert says in str(caught.value)


def test_every_wrong_entry_is_reported_and_none_is_repeated():
    with pytest.raises(InputInvalid) as caught:
        parse_faults("s3cret-value, ok, 503(t0ken)")
    assert [problem.where for problem in caught.value.problems] == ["fault 1, column 1", "fault 3, column 19"]
    assert "s3cret" not in str(caught.value)
    assert "t0ken" not in str(caught.value)


@pytest.mark.parametrize(
    ("match", "method", "path", "matches"),
    [
        ("", "GET", "/anything", True),
        ("GET", "GET", "/anything", True),
        ("GET", "POST", "/anything", False),
        ("* /a", "POST", "/a", True),
        ("/a/*/c", "GET", "/a/b/c", True),
        ("/a/*/c", "GET", "/a/b/b/c", False),
        ("POST /a/*", "POST", "/a/b", True),
        ("POST /a/*", "GET", "/a/b", False),
        ("POST /a/*", "POST", "/a", False),
    ],
)
def test_a_matcher_names_a_method_and_a_path_with_one_star_per_segment(match, method, path, matches):
    assert FaultRule.parse("ok", match).matches(method, path) is matches


@pytest.mark.parametrize("match", ["get /a", "GET a", "GET /a /b", "GET/a"])
def test_a_matcher_of_another_form_is_refused(match):
    with pytest.raises(InputInvalid, match="METHOD /path"):
        FaultRule.parse("ok", match)


@pytest.mark.parametrize("word", ["refused", "dns", "tls", "connect-timeout", "verify:applied"])
def test_a_server_refuses_faults_that_happen_before_it(word):
    with pytest.raises(InputInvalid, match="on the client's side"):
        FaultRule.parse(f"ok, {word}")


def test_options_are_read_from_a_mapping():
    options = SandboxOptions.from_json(
        {
            "rateLimit": "10/2",
            "speed": 20,
            "seed": 7,
            "statuses": "spec",
            "faults": [{"match": "GET /a", "script": "503"}, {"script": "ok"}],
        }
    )
    assert options == SandboxOptions(
        rate_limit=RateLimit(10, 2),
        speed=20.0,
        seed=7,
        statuses="spec",
        faults=(FaultRule((Fault("status", 503),), "GET", "/a"), FaultRule((Fault("ok"),))),
    )
    assert [rule.match for rule in options.faults] == ["GET /a", ""]


def test_an_empty_mapping_gives_the_defaults():
    assert SandboxOptions.from_json({}) == SandboxOptions()
    assert SandboxOptions().rate_limit == RateLimit(10, 60)


@pytest.mark.parametrize(
    ("values", "where", "says"),
    [
        ({"rateLimit": "fast"}, "x-sandbox.rateLimit", "10/60"),
        ({"rateLimit": 10}, "x-sandbox.rateLimit", "10/60"),
        ({"rateLimit": "0/60"}, "x-sandbox.rateLimit", "10/60"),
        ({"speed": 0}, "x-sandbox.speed", "above 0"),
        ({"speed": float("nan")}, "x-sandbox.speed", "above 0"),
        ({"speed": 10**400}, "x-sandbox.speed", "above 0"),
        ({"speed": True}, "x-sandbox.speed", "above 0"),
        ({"seed": "1"}, "x-sandbox.seed", "not an integer"),
        ({"statuses": ["spec"]}, "x-sandbox.statuses", "recorded or spec"),
        ({"faults": "503"}, "x-sandbox.faults", "a list"),
        ({"faults": [{"match": "GET"}]}, "x-sandbox.faults[0]", "script"),
        ({"faults": [{"script": "ok"}, {"script": "okk"}]}, "x-sandbox.faults[1].fault 1, column 1", "did you mean 'ok'?"),
        ({"faults": [{"script": "ok", "mach": "GET"}]}, "x-sandbox.faults[0]", "did you mean 'match'?"),
        ({"ratelimit": "1/1"}, "x-sandbox", "did you mean 'rateLimit'?"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(values, where, says):
    with pytest.raises(InputInvalid) as caught:
        SandboxOptions.from_json(values)
    assert caught.value.problems[0].where == where
    assert says in str(caught.value)


def test_every_wrong_option_is_reported():
    with pytest.raises(InputInvalid) as caught:
        SandboxOptions.from_json({"speed": -1, "seed": None, "other": 1})
    assert len(caught.value.problems) == 3
