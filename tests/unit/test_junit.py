from xml.etree import ElementTree as ET

from httptask.expecting import Finding
from httptask.junit import report
from httptask.outcome import Answer, Attempt, Failure, FailureKind, Outcome

ATTEMPT = Attempt(1, "answered", 0.0, 0.25, status=200, timings={"pacing": 500.0})
FINE = Outcome("a.b", "succeeded", Answer(200, (), None, "empty"), attempts=(ATTEMPT,))
FAILED = Outcome("a.b", "failed", Answer(500, (), None, "empty"), failure=Failure(FailureKind.SERVER_ERROR, "no", "try"))
UNKNOWN = Outcome("a.b", "unknown", failure=Failure(FailureKind.READ_TIMEOUT, "no answer", "look first"))


def suite(outcome, *findings):
    root = ET.fromstring(report(outcome, findings))  # noqa: S314 - our own
    assert root.tag == "testsuites"
    return root[0]


def test_without_expectations_the_task_itself_is_the_case():
    found = suite(FINE)
    assert {name: found.get(name) for name in ("tests", "failures", "errors", "time")} == {
        "tests": "1",
        "failures": "0",
        "errors": "0",
        "time": "0.750",
    }
    assert found.get("timestamp") == "1970-01-01T00:00:00.000"
    assert [case.get("name") for case in found] == ["succeeds"]
    assert len(found[0]) == 0


def test_a_failed_task_is_a_failure_that_says_why():
    found = suite(FAILED)
    assert found.get("failures") == "1"
    assert (found[0][0].tag, found[0][0].get("type")) == ("failure", "serverError")
    assert "no" in found[0][0].text
    assert "try" in found[0][0].text


def test_each_expectation_is_a_case_whatever_the_outcome():
    found = suite(FAILED, Finding("{{ response.status == 500 }}", holds=True), Finding("{{ x }}", holds=False, message="gone"))
    assert (found.get("tests"), found.get("failures")) == ("2", "1")
    assert len(found[0]) == 0
    assert found[1][0].get("message") == "gone"


def test_an_unknown_outcome_is_an_error_even_where_expectations_hold():
    found = suite(UNKNOWN, Finding("{{ outcome.status == 'unknown' }}", holds=True))
    assert (found.get("failures"), found.get("errors")) == ("0", "1")
    assert found[0][0].tag == "error"


def test_what_xml_cannot_hold_is_replaced():
    found = suite(FAILED, Finding("{{ '\x00\x1b<&\ud800' }}", holds=False, message="a\x08b"))
    assert found[0].get("name") == "{{ '\ufffd\ufffd<&\ufffd' }}"
    assert found[0][0].get("message") == "a\ufffdb"
