"""The small pure pieces of the page: examples, lines, bars, questions, works, descriptions."""

import threading

import pytest

from builders import body, parameter, template
from httptask import events
from httptask.errors import Problem, ProblemsError, RequestChanged
from httptask.message import Headers, Request
from httptask.outcome import Answer, Attempt, Decision, Outcome
from httptask.secrets import Secret
from httptask.trying import Tried
from httptask.web import works
from httptask.web.answers import MOST_SHOWN, WIDTH, bars_of, cut, result_of
from httptask.web.confirmations import MOST, Confirmations, Question, check_same, digest_of
from httptask.web.prose import Piece, pieces
from httptask.web.run_page import _given, _outputs
from httptask.web.subjects import TaskForm
from httptask.web.telling import line_of
from httptask.web.works import MOST_KEPT, Work, Works

# --- examples ---


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "string", "minLength": 9},
        {"type": "string", "maxLength": 2},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "uuid"},
        {"type": "string", "format": "email"},
        {"type": "integer", "minimum": 7},
        {"type": "integer", "maximum": -7},
        {"type": "number"},
        {"type": "boolean"},
        {"enum": ["x", "y"]},
        {"const": 5},
        {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        {"type": "array", "items": {"enum": ["x"]}},
        {"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}},
        {"type": "object"},
        {"type": "array"},
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {"type": "string", "default": "d"},
        {"type": "string", "examples": ["e"]},
    ],
)
def test_an_example_fills_what_is_required_with_what_the_schema_accepts(schema):
    whole = {"type": "object", "required": ["a"], "properties": {"a": schema, "b": {"type": "string"}}}
    form = TaskForm(template(method="POST", body=body(schema=whole, required=True)))
    made = form.example()
    assert set(made["body"]) == {"a"}
    assert form.faults(made, allow_unknown_enum=False) == ((), ())


def test_an_example_holds_what_somebody_gave_one_of_and_no_secret():
    fields = {
        "name": {"type": "string"},
        "note": {"type": "string", "examples": ["n"]},
        "key": {"type": "string", "format": "password"},
    }
    made = template(
        method="POST",
        parameters=(parameter("id", "path", example="i"), parameter("token"), parameter("limit")),
        body=body(schema={"type": "object", "properties": fields, "required": ["key"]}, required=True),
    )
    assert TaskForm(made).example() == {"id": "i", "body": {"note": "n"}}


def test_the_example_of_a_body_wins_and_its_empty_texts_say_that_they_may_be_left_out():
    made = template(method="POST", body=body(schema={"type": "object"}, example={"a": "", "b": [{"c": "", "d": 0}]}))
    assert TaskForm(made).example() == {"body": {"b": [{"d": 0}]}}


def test_the_example_of_a_body_that_is_made_from_inputs_gives_those():
    inputs = {"name": {"type": "string"}}
    made = template(
        method="POST", body=body(template={"n": "x"}, inputs=inputs, schema={"properties": inputs}, example={"name": "a", "n": 1})
    )
    assert TaskForm(made).example() == {"name": "a"}


# --- lines ---


def attempt(number=1, status=200, **changes):
    values = {"phase": "answered", "started_at": 100.0 + number, "elapsed": 0.25, "status": status}
    return Attempt(number, **{**values, **changes})


RETRY = Decision("retry", 1.5, "status 503: GET may be repeated")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (events.TaskStarted("a.b", "GET", "https://x/y"), "GET https://x/y"),
        (events.AttemptFinished("a.b", attempt()), "attempt 1: 200 after 250 ms"),
        (
            events.AttemptFinished("a.b", attempt(status=503, decision=RETRY)),
            "attempt 1: 503 after 250 ms; waiting 1.5 s: status 503: GET may be repeated",
        ),
        (
            events.AttemptFinished("a.b", attempt(status=None, error="readTimeout", phase="sentWithoutAnswer")),
            "attempt 1: readTimeout (sentWithoutAnswer) after 250 ms",
        ),
        (events.Pacing("a.b", 6.6), "waiting 7 s for the rate limit to reset"),
        (events.Verified("a.b", "applied"), "asked whether it was applied: applied"),
        (events.PageRead("a.b", 2, 1, 51), "page 2: 1 item, 51 so far"),
        (events.PollWaiting("s", 1, 5.0), "s: not yet; asking again in 5 s"),
        (events.StepStarted("s", "a.b", None, path="x/s"), "x/s begins"),
        (events.StepStarted("s", "a.b", 2), "s begins, 2 items"),
        (events.ItemFinished("s", 1, "failed", "s[1]"), "s[1] failed"),
        (events.StepFinished("s", "failed", "no"), "s failed: no"),
        (events.CredentialUsed("a.b", ()), ""),
        (events.TaskFinished(Outcome("a.b", "succeeded")), ""),
    ],
)
def test_what_happens_is_told_in_a_line(event, line):
    assert line_of(event) == line


# --- what came of it ---


def test_bars_lie_in_time_and_within_the_picture():
    bars = bars_of([attempt(1, 503, decision=RETRY), attempt(2, elapsed=2.0), attempt(3, elapsed=0.0)], retries=True)
    assert [bar.at for bar in bars] == ["+0.00 s", "+1.00 s", "+2.00 s"]
    assert bars[0].start == 0
    assert bars[0].start < bars[1].start < bars[2].start
    assert all(bar.length >= 6 and bar.start + bar.length <= WIDTH for bar in bars)
    assert [bar.is_good for bar in bars] == [False, True, True]
    assert bars[0].decision == "retried in 1.5 s: status 503: GET may be repeated"
    assert bars_of([attempt(1, 503, decision=RETRY)], retries=False)[0].decision.startswith("would be retried")
    assert bars_of([], retries=True) == ()


def test_a_clock_that_was_set_back_breaks_no_picture():
    bars = bars_of([attempt(1, started_at=100.0), attempt(2, started_at=10.0)], retries=True)
    assert all(0 <= bar.start <= WIDTH for bar in bars)


@pytest.mark.parametrize(
    ("answer", "text", "suffix"),
    [
        (Answer(200, (), {"a": "é"}, "json"), '{\n  "a": "é"\n}', ".json"),
        (Answer(200, (), "plain", "text"), "plain", ".txt"),
        (Answer(200, (), "AAEC", "base64"), "AAEC", ".txt"),
        (Answer(204, (), None, "empty"), "", ".txt"),
        (None, "", ".txt"),
    ],
)
def test_a_body_is_shown_as_people_read_it(answer, text, suffix):
    shown = result_of(Tried("r", "succeeded", Outcome("a.b", "succeeded", answer)), retries=False)
    assert (shown.body.text, shown.body.suffix, shown.body.is_empty) == (text, suffix, not text)


def test_a_long_text_is_cut_at_the_limit():
    assert not cut("x" * MOST_SHOWN, ".txt").is_cut
    over = cut("x" * (MOST_SHOWN + 1), ".txt")
    assert (over.is_cut, len(over.text), over.size) == (True, MOST_SHOWN, MOST_SHOWN + 1)


# --- questions ---


def question(subject="a"):
    return Question("Do it?", "Do", (), subject)


def test_a_question_is_answered_once_by_what_it_is_about():
    asked = Confirmations(lambda: 0.0)
    name, _ = asked.ask(question("a"))
    assert asked.answered(name, int) is None
    assert asked.answered(name, str) == "a"
    assert asked.answered(name, str) is None
    assert asked.answered("nothing", str) is None


def test_only_the_latest_questions_stand():
    asked = Confirmations(lambda: 0.0)
    names = [asked.ask(question(str(number)))[0] for number in range(MOST + 1)]
    assert asked.answered(names[0], str) is None
    assert asked.answered(names[-1], str) == str(MOST)


REQUEST = Request("POST", "https://x/y", Headers.of({"A": "1", "Authorization": Secret("s")}), b"{}")


@pytest.mark.parametrize(
    "changed",
    [
        Request("PUT", REQUEST.url, REQUEST.headers, REQUEST.body),
        Request("POST", "https://x/z", REQUEST.headers, REQUEST.body),
        Request("POST", "https://z/y", REQUEST.headers, REQUEST.body),
        Request("POST", REQUEST.url, REQUEST.headers.replace("A", "2"), REQUEST.body),
        Request("POST", REQUEST.url, REQUEST.headers.replace("B", "1"), REQUEST.body),
        Request("POST", REQUEST.url, REQUEST.headers, b"{ }"),
        Request("POST", REQUEST.url, REQUEST.headers, b""),
        Request("POST", REQUEST.url, REQUEST.headers, None),
    ],
)
def test_another_request_than_the_confirmed_one_is_refused(changed):
    with pytest.raises(RequestChanged):
        check_same(changed, {"dpop"}, digest_of(REQUEST, {"dpop"}))


def test_a_credential_that_is_new_each_time_changes_nothing():
    renewed = REQUEST.with_header("Authorization", Secret("t")).with_header("DPoP", "proof")
    check_same(renewed, {"dpop"}, digest_of(REQUEST, {"dpop"}))


# --- works ---


def test_a_work_is_remembered_after_it_ended_and_the_oldest_is_forgotten():
    known = Works(print)
    for number in range(MOST_KEPT + 3):
        work = Work(str(number))
        known.start(work, lambda: None)
        assert work.ended.wait(10)
    assert known.get("0") is None
    assert known.get(str(MOST_KEPT + 2)) is not None
    known.close()


def test_one_run_is_executed_once_at_a_time_and_nothing_begins_when_the_page_ends():
    known, go = Works(print), threading.Event()
    first = Work("a")
    known.start(first, lambda: go.wait(10) and None)
    with pytest.raises(ProblemsError, match="being executed"):
        known.start(Work("a"), lambda: None)
    go.set()
    assert first.ended.wait(10)
    known.close()
    with pytest.raises(ProblemsError):
        known.start(Work("b"), lambda: None)


def test_what_is_wrong_with_a_work_is_kept_and_a_bug_is_told_by_its_type_alone():
    seen = []
    known = Works(seen.append)

    def refused():
        raise ProblemsError(Problem("a", "no"))

    def broken():
        raise RuntimeError("canary-7f3a9b")

    works_done = [Work("a"), Work("b")]
    for work, do in zip(works_done, (refused, broken), strict=True):
        known.start(work, do)
        assert work.ended.wait(10)
    assert works_done[0].problems == (Problem("a", "no"),)
    assert "RuntimeError" in works_done[1].problems[0].message
    assert "canary" not in str(works_done[1].problems)
    assert [type(error) for error in seen] == [RuntimeError]


def test_the_lines_of_a_long_work_are_its_last_ones_and_keep_their_numbers(monkeypatch):
    monkeypatch.setattr(works, "MOST_LINES", 3)
    work = Work("a")
    for number in range(5):
        work.take(events.StepFinished(f"s{number}", "succeeded"))
    assert work.since(0) == (["s2 succeeded", "s3 succeeded", "s4 succeeded"], 5)
    assert work.since(4) == (["s4 succeeded"], 5)
    assert work.since(9) == ([], 5)


def test_a_work_knows_which_steps_are_under_way():
    work = Work("a")
    work.take(events.StepStarted("each", "a.b", 2, path="each"))
    work.take(events.ItemFinished("each", 0, "succeeded", "each[0]"))
    work.take(events.StepStarted("s", "a.b", None, path="x/s"))
    assert work.running == {"each": 1, "x/s": 0}
    work.take(events.StepFinished("each", "succeeded", path="each"))
    assert work.running == {"x/s": 0}


# --- descriptions ---


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain", [Piece("plain")]),
        ("a `b` c", [Piece("a "), Piece("b", is_code=True), Piece(" c")]),
        ("[a](https://x.example/y)", [Piece("a", link="https://x.example/y")]),
        ("[a](javascript:alert)", [Piece("[a](javascript:alert)")]),
        ("[a](http://x y)", [Piece("[a](http://x y)")]),
        ("`open", [Piece("`open")]),
        ("", []),
    ],
)
def test_a_description_is_text_code_and_links_to_the_web(text, found):
    assert list(pieces(text)) == found


# --- what a person says ---


def test_values_that_are_given_again_are_references_one_per_line():
    assert _given(" login.token = env:T \n\nb.c=file:/x") == {"login.token": "env:T", "b.c": "file:/x"}
    with pytest.raises(ProblemsError, match=r"STEP\.NAME=REF"):
        _given("token")


def test_outputs_are_a_json_object_or_left_out():
    assert _outputs(" ") is None
    assert _outputs('{"a": 1}') == {"a": 1}
    for text in ("[1]", "{", "[" * 100_000):
        with pytest.raises(ProblemsError, match="no JSON object"):
            _outputs(text)
