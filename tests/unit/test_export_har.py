# A HAR file is one by the words of its specification (HAR 1.2), of which no JSON Schema was ever published: this is ours.
import json

import pytest
from jsonschema import Draft202012Validator

from builders import body, connection, parameter, template
from golden.examples import REGISTRY, TASKS, example_inputs
from httptask.auth import Basic, Bearer
from httptask.export import EXPORTERS
from httptask.export.gathering import Call, subject_of
from httptask.outcome import Answer, Attempt, Outcome
from httptask.runner import Options
from httptask.secrets import Secret
from httptask.version import VERSION


def closed(required, optional=()):
    """Return the schema of an object with these members, `comment` among the optional ones as everywhere in HAR."""
    members = {**required, **dict(optional), "comment": {"type": "string"}}
    return {"type": "object", "required": list(required), "properties": members, "additionalProperties": False}


TEXT, COUNT, TIME = {"type": "string"}, {"type": "integer", "minimum": -1}, {"type": "number", "minimum": 0}
MAYBE_TIME = {"anyOf": [TIME, {"const": -1}]}
PAIRS = {"type": "array", "items": closed({"name": TEXT, "value": TEXT})}
MESSAGE = {"httpVersion": TEXT, "cookies": PAIRS, "headers": PAIRS, "headersSize": COUNT, "bodySize": COUNT}
REQUEST = closed(
    {"method": TEXT, "url": {"type": "string", "pattern": "^https?://[^#]+$"}, "queryString": PAIRS, **MESSAGE},
    {"postData": closed({"mimeType": TEXT, "text": TEXT})},
)
CONTENT = closed({"size": COUNT, "mimeType": TEXT}, {"text": TEXT, "encoding": {"const": "base64"}, "compression": COUNT})
RESPONSE = closed(
    {"status": {"type": "integer"}, "statusText": TEXT, "content": CONTENT, "redirectURL": TEXT, **MESSAGE},
)
TIMINGS = closed({"send": TIME, "wait": TIME, "receive": TIME}, dict.fromkeys(("blocked", "dns", "connect", "ssl"), MAYBE_TIME))
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}
ENTRY = closed(
    {
        "startedDateTime": MOMENT,
        "time": TIME,
        "request": REQUEST,
        "response": RESPONSE,
        "cache": {"type": "object", "maxProperties": 0},
        "timings": TIMINGS,
    }
)
HAR = closed(
    {
        "log": closed(
            {
                "version": {"const": "1.2"},
                "creator": closed({"name": TEXT, "version": TEXT}),
                "entries": {"type": "array", "items": ENTRY, "minItems": 1},
            }
        )
    }
)


def entries(call, **more):
    text = EXPORTERS["har"].export(subject_of(call, **more)).text
    assert text.isascii()
    archive = json.loads(text)
    assert [error.message for error in Draft202012Validator(HAR).iter_errors(archive)] == []
    assert archive["log"]["creator"] == {"name": "httptask", "version": VERSION}
    return archive["log"]["entries"]


def pairs(named):
    return [(item["name"], item["value"]) for item in named]


@pytest.mark.parametrize("task", TASKS)
def test_the_archive_of_every_shipped_task_is_valid_and_says_what_is_sent(task):
    call = Call(REGISTRY[task], example_inputs(REGISTRY[task]), connection())
    (entry,) = entries(call, at=86400.5)
    request = REQUESTS[task]
    assert entry["startedDateTime"] == "1970-01-02T00:00:00.500Z"
    assert (entry["request"]["method"], entry["request"]["url"]) == (request.method, request.url)
    assert sorted(pairs(entry["request"]["headers"])) == sorted(request.headers)
    assert entry["request"].get("postData", {}).get("text", "").encode() == (request.body or b"")
    assert entry["request"]["bodySize"] == len(request.body or b"")
    assert (entry["response"]["status"], entry["comment"]) == (0, "nothing was sent")


def requests_by_task():
    from httptask.render import build

    return {task: build(REGISTRY[task], example_inputs(REGISTRY[task]), connection()) for task in TASKS}


REQUESTS = requests_by_task()


def test_query_and_cookies_are_told_apart_and_decoded():
    task = template(parameters=(parameter("a b"), parameter("tags", schema={"type": "array"})))
    call = Call(task, {"a b": "é&=", "tags": ["1", ""]}, connection())
    (entry,) = entries(call)
    assert pairs(entry["request"]["queryString"]) == [("a b", "é&="), ("tags", "1"), ("tags", "")]
    cookie = Call(template(), {}, connection(), Options(headers={"Cookie": "a=1; b=2"}))
    assert pairs(entries(cookie)[0]["request"]["cookies"]) == [("$HTTPTASK_HEADER_COOKIE", "")]


def test_secrets_are_told_by_name():
    auth = Bearer("b", Secret("token", reference="env:ACME"))
    (entry,) = entries(Call(template(method="POST", body=body()), {"body": {"password": "x"}}, connection(auth=auth)))
    headers = dict(pairs(entry["request"]["headers"]))
    assert headers["Authorization"] == "Bearer $ACME"
    assert "Content-Length" not in headers
    assert entry["request"]["postData"] == {
        "mimeType": "application/json",
        "text": '{"password":"$HTTPTASK_INPUT_BODY_PASSWORD"}',
    }
    assert entry["request"]["bodySize"] == -1
    basic = entries(Call(template(), {}, connection(auth=Basic("b", "amy", Secret("pw", reference="env:PW")))))
    assert ("Authorization", "Basic base64(amy:$PW)") in pairs(basic[0]["request"]["headers"])


def attempt(number, status=None, **changes):
    return Attempt(**{"number": number, "phase": "answered", "started_at": 5.0, "elapsed": 0.25, "status": status, **changes})


def test_each_attempt_is_an_entry_and_the_last_has_the_answer():
    timings = {"pacing": 100.0, "dns": 1.0, "connect": 2.0, "tls": 4.0, "wait": 8.0, "body": 16.0}
    headers = (("Content-Type", "application/json"), ("Location", "/x"), ("X-A", "1"), ("X-A", "2"))
    outcome = Outcome(
        "acme.do_thing",
        "succeeded",
        Answer(201, headers, {"a": [1]}, "json", truncated=True),
        attempts=(attempt(1, error="refused", phase="notSent"), attempt(2, 503), attempt(3, 201, timings=timings)),
    )
    refused, busy, made = entries(Call(template(), {}, connection()), outcome=outcome)
    assert (refused["response"]["status"], refused["comment"]) == (0, "attempt 1: refused")
    assert (refused["timings"], refused["time"]) == ({"send": 0, "wait": 250.0, "receive": 0}, 250.0)
    assert (busy["response"]["status"], busy["response"]["statusText"]) == (503, "Service Unavailable")
    assert made["response"]["content"] == {
        "size": 10,
        "mimeType": "application/json",
        "text": '{"a": [1]}',
        "comment": "the body was cut off",
    }
    assert pairs(made["response"]["headers"]) == list(headers)
    assert made["response"]["redirectURL"] == "/x"
    assert made["timings"] == {"blocked": 100, "dns": 1, "connect": 6, "ssl": 4, "send": 0, "wait": 8, "receive": 16}
    assert made["time"] == 131


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (Answer(200, (), "héllo", "text"), {"size": 6, "mimeType": "x-unknown", "text": "héllo"}),
        (Answer(200, (), "aGk=", "base64"), {"size": 4, "mimeType": "x-unknown", "text": "aGk=", "encoding": "base64"}),
        (Answer(204, (), None, "empty"), {"size": 0, "mimeType": "x-unknown"}),
        (Answer(200, (), "text", "json"), {"size": 6, "mimeType": "x-unknown", "text": '"text"'}),
        (Answer(599, (), None, "empty"), {"size": 0, "mimeType": "x-unknown"}),
    ],
    ids=["text", "base64", "empty", "json", "unknown-status"],
)
def test_every_kind_of_answer_has_its_content(answer, content):
    outcome = Outcome("acme.do_thing", "succeeded", answer, attempts=(attempt(1, answer.status),))
    (entry,) = entries(Call(template(), {}, connection()), outcome=outcome)
    assert entry["response"]["content"] == content
