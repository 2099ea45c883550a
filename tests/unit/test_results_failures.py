import json
from dataclasses import replace

import pytest

from builders import provider, template
from httptask.errors import ConnectFailed, ConnectionLost, TimedOut, TlsFailed
from httptask.message import Headers, Response
from httptask.model import ErrorShape, SecurityRequirement, Success
from httptask.outcome import Failure, FailureKind
from httptask.results import read, transport_failure

OKTA = ErrorShape(
    "errorCode", "errorSummary", "errorCauses", "errorSummary", "X-Okta-Request-Id", {"E0000001": "Mend it.", "409": "Later."}
)
TASK = template(provider=provider(errors=OKTA))


def failure(status, body=b"", task=TASK, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(task, {}, Response(status, Headers.of({"Content-Type": "application/json", **headers}), raw)).failure


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (400, "badRequest", "400 Bad Request"),
        (401, "unauthorized", "401 Unauthorized"),
        (402, "clientError", "402 Payment Required"),
        (403, "forbidden", "403 Forbidden"),
        (404, "notFound", "404 Not Found"),
        (409, "conflict", "409 Conflict"),
        (422, "badRequest", "422 Unprocessable Entity"),
        (429, "rateLimited", "429 Too Many Requests"),
        (499, "clientError", "499 status"),
        (500, "serverError", "500 Internal Server Error"),
        (503, "serverError", "503 Service Unavailable"),
        (599, "serverError", "599 status"),
        (304, "redirected", "304 Not Modified"),
        (101, "unexpectedStatus", "101 Switching Protocols"),
        (999, "unexpectedStatus", "999 status"),
    ],
)
def test_a_status_has_its_kind_and_its_name(status, kind, message):
    found = failure(status)
    assert (found.kind, found.message, found.status) == (kind, message, status)


def test_oktas_error_shape_gives_code_causes_request_id_and_hint():
    body = {
        "errorCode": "E0000001",
        "errorSummary": "Api validation failed: name",
        "errorCauses": [{"errorSummary": "errors in the field: name"}, {"errorSummary": "errors in the field: agentType"}],
    }
    assert failure(400, body, **{"x-okta-request-id": "r1"}) == Failure(
        FailureKind.BAD_REQUEST,
        "400 Bad Request: E0000001 Api validation failed: name; errors in the field: name; errors in the field: agentType",
        "Mend it.",
        status=400,
        code="E0000001",
        request_id="r1",
    )


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"errorCode": "E1", "errorSummary": None, "errorCauses": None}, "E1", "E1"),
        ({"errorCode": "E1", "errorCauses": [{}, "x", {"errorSummary": None}, {"errorSummary": "why"}]}, "E1", "E1; why"),
        ({"errorCode": "E1", "errorCauses": {"errorSummary": "x"}}, "E1", "E1"),
        ({"type": "urn:full", "title": "Full", "detail": "No room"}, "urn:full", "Full: No room"),
        ({"title": "Full"}, None, "Full"),
        ({"type": 5, "detail": "No room"}, None, "No room"),
        ({"error": "invalid_client", "error_description": "No such client"}, "invalid_client", "invalid_client: No such client"),
        ({"error": "invalid_client"}, "invalid_client", "invalid_client"),
        ({"error": {"code": 5}, "message": "Broken"}, None, "Broken"),
        ({"message": "Broken"}, None, "Broken"),
        ({"errorCode": 7, "message": "Broken"}, None, "Broken"),
        ({}, None, ""),
        ([{"message": "x"}], None, ""),
        (None, None, ""),
        (b"Internal error", None, ""),
        (b"<h1>502</h1>", None, ""),
    ],
)
def test_code_and_text_come_from_whatever_error_shape_there_is(body, code, message):
    found = failure(500, body)
    assert (found.code, found.message) == (code, "500 Internal Server Error" + (f": {message}" if message else ""))


def test_a_long_vendor_text_is_cut():
    assert len(failure(500, {"message": "x" * 10_000}).message) < 600


def test_a_hint_may_be_bound_to_a_status():
    assert failure(409).hint == "Later."


def test_a_forbidden_answer_names_the_scopes_of_the_task():
    task = template(
        provider=provider(errors=OKTA), security=(SecurityRequirement("a", ("x.read", "x.manage")), SecurityRequirement("b"))
    )
    assert failure(403, task=task).hint == "This task needs the scope x.read or x.manage."


def test_where_the_provider_knows_why_scopes_are_not_spoken_of():
    shape = replace(OKTA, hints={"403": "Ask an administrator."})
    task = template(provider=provider(errors=shape), security=(SecurityRequirement("a", ("x.read",)),))
    assert failure(403, task=task).hint == "Ask an administrator."


REFUSED_TOKEN = {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="expired"'}


def test_an_access_token_that_is_refused_gets_no_advice_for_other_credentials():
    assert failure(401, task=template(), **REFUSED_TOKEN).hint.startswith("The access token was not accepted")
    hinted = replace(OKTA, hints={"invalid_token": "Get a new one.", "E1": "Check the API token.", "401": "Check the API token."})
    assert failure(401, {"errorCode": "E1"}, template(provider=provider(errors=hinted)), **REFUSED_TOKEN).hint == "Get a new one."


def test_a_redirect_says_what_to_change():
    assert failure(302).hint == "redirects are not followed; point the connection's base URL at the final host"


def test_without_a_name_for_it_the_request_id_is_looked_for_where_most_servers_put_it():
    assert failure(500, task=template(), **{"X-Request-ID": "r7"}).request_id == "r7"


@pytest.mark.parametrize(
    ("error", "kind", "hint"),
    [
        (ConnectFailed("the host name was not found", phase="notSent", code="dns"), "dns", "check the host name"),
        (ConnectFailed("refused", phase="notSent", code="refused"), "refused", "nothing listens there"),
        (TimedOut("no answer in time", phase="sentWithoutAnswer", code="readTimeout"), "readTimeout", "the server took longer"),
        (
            ConnectionLost("the peer closed", phase="sentWithoutAnswer", code="connectionLost"),
            "connectionLost",
            "A server that asks for a client certificate",
        ),
        (TlsFailed("the TLS handshake failed", phase="notSent", code="tlsHandshake"), "tlsHandshake", "check that the port"),
    ],
)
def test_an_attempt_without_an_answer_becomes_a_failure_of_the_same_code(error, kind, hint):
    found = transport_failure(error, "https://a.example.com/")
    assert (found.kind, found.message, found.status) == (kind, str(error), None)
    assert found.hint.startswith(hint)


@pytest.mark.parametrize(
    ("statuses", "status", "succeeds"),
    [
        (("2XX",), 200, True),
        (("2XX",), 299, True),
        (("2XX",), 300, False),
        (("201",), 201, True),
        (("201",), 200, False),
        (("200", "404"), 404, True),
        (("4XX",), 404, True),
    ],
)
def test_the_template_says_which_statuses_are_successes(statuses, status, succeeds):
    reading = read(template(success=Success(statuses)), {}, Response(status))
    assert reading.success is succeeds


def test_a_2xx_that_is_no_success_is_called_unexpected_and_not_unreadable():
    found = failure(200, {}, template(success=Success(("201", "202"))))
    assert (found.kind, found.status) == (FailureKind.UNEXPECTED_STATUS, 200)
    assert found.message == "status 200 does not count as success here: 201, 202 does"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"ok": False}, "the success condition does not hold: {{ response.body.ok }}"),
        ({}, "the success condition cannot be evaluated: {{ response.body.ok }}: 'ok' is not defined"),
        (
            {"ok": "yes"},
            "the success condition cannot be evaluated: {{ response.body.ok }}: a condition must be true or false, this is text",
        ),
    ],
)
def test_a_success_condition_that_does_not_hold_is_a_failure(body, message):
    found = failure(200, body, template(success=Success(("2XX",), "{{ response.body.ok }}")))
    assert (found.kind, found.status) == (FailureKind.CONDITION, 200)
    assert found.message.startswith(message)


def test_a_success_condition_that_holds_is_a_success():
    task = template(success=Success(("2XX",), "{{ response.body.ok and response.headers['X-A'] == '1' }}"))
    assert failure(200, {"ok": True}, task, **{"x-a": "1"}) is None


@pytest.mark.parametrize("code", ["tlsHandshake", "connectionLost"])
def test_a_server_that_may_ask_for_a_client_certificate_is_spoken_of(code):
    lost = ConnectionLost("closed", phase="sentWithoutAnswer", code=code)
    assert "clientCertificate" in transport_failure(lost, "https://a.example.com/").hint


def test_without_tls_nobody_asks_for_a_client_certificate():
    lost = ConnectionLost("closed", phase="sentWithoutAnswer", code="connectionLost")
    assert transport_failure(lost, "http://127.0.0.1/").hint == ""
