import pytest

from httptask.errors import ConnectionLost
from httptask.exchanges import MOST, Tap, shown
from httptask.message import Headers, Request, Response, Timeouts
from httptask.secrets import Redactor, Secret
from model_server import TASKS

TOKEN = Secret("s3cr3t-t0k3n-of-a-user")
TEMPLATE = TASKS["acme.get"]
ASKED = Request("GET", "https://a.example/x", Headers((("Authorization", TOKEN.derive(lambda it: f"SSWS {it}")),)))


class Answers:
    def __init__(self, *answers):
        self.answers = list(answers)

    def send(self, request, timeouts):
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def passed(*answers, request=ASKED, endpoints=frozenset()):
    tap = Tap(endpoints)
    transport = tap.around()(Answers(*answers))
    for answer in answers:
        if isinstance(answer, Exception):
            with pytest.raises(type(answer)):
                transport.send(request, Timeouts())
        else:
            assert transport.send(request, Timeouts()) is answer
    return tap


def test_what_passes_is_kept_and_not_changed():
    tap = passed(Response(503), Response(200, body=b"{}"))
    assert [exchange.response.status for exchange in tap.kept] == [503, 200]


def test_a_lost_answer_is_kept_in_words():
    tap = passed(ConnectionLost("the connection was closed", phase="sentWithoutAnswer", code="connectionLost"))
    assert (tap.kept[0].response, tap.kept[0].error) == (None, "the connection was closed")


def test_of_very_many_the_last_ones_are_kept_and_the_others_counted():
    tap = passed(*(Response(200) for _ in range(MOST + 5)))
    assert (len(tap.kept), tap.passed) == (MOST, MOST + 5)


def test_nothing_that_is_shown_holds_a_secret():
    body = b'{"token": "an-answered-token-1", "said": "an-answered-token-1 and s3cr3t-t0k3n-of-a-user"}'
    tap = passed(Response(200, Headers((("Content-Type", "application/json"), ("X-Echo", TOKEN.reveal()))), body, reason="OK"))
    fit = shown(tap.kept[0], TEMPLATE, Redactor([TOKEN]))
    text = repr(fit)
    assert TOKEN.reveal() not in text
    assert "an-answered-token-1" not in text
    assert fit.reason == "OK"
    assert ("Authorization", "SSWS ***") in fit.request.headers.fields


def test_a_key_in_the_query_is_masked():
    request = Request("GET", "https://a.example/x", Headers(), secret_query=(("key", TOKEN),))
    fit = shown(passed(Response(200), request=request).kept[0], TEMPLATE, Redactor([TOKEN]))
    assert fit.request.url == "https://a.example/x?key=***"


def test_of_a_request_for_a_token_only_the_lines_are_shown():
    request = Request("POST", "https://a.example/token", Headers.of({"X-Proof": "p"}), b"client_assertion=abc")
    tap = passed(Response(200, body=b'{"access_token": "t"}'), request=request, endpoints=frozenset({request.url}))
    fit = shown(tap.kept[0], TEMPLATE, Redactor())
    assert (fit.purpose, fit.request.url, fit.answer.status) == ("token", request.url, 200)
    assert (fit.request.headers.fields, fit.request.body, fit.answer.body) == ((), None, None)
