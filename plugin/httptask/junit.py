"""A test report for CI systems: one suite for one trial, a case for each expectation, in the XML that they read (JUnit's)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from httptask.expecting import Finding
from httptask.outcome import Outcome, iso8601

#: What XML 1.0 cannot hold (section 2.2).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: The one case where nothing else is expected.
_SUCCEEDS = "succeeds"


def report(outcome: Outcome, findings: Sequence[Finding]) -> bytes:
    """Return the report of an outcome that is fit to be shown; without expectations the task itself is the case."""
    seconds = sum(attempt.elapsed + attempt.timings.get("pacing", 0.0) / 1000 for attempt in outcome.attempts)
    unknown = outcome.status == "unknown"
    cases = findings or (Finding(_SUCCEEDS, outcome.ok, _words(outcome)),)
    failed = 0 if unknown else sum(not case.holds for case in cases)
    suite = ET.Element("testsuite")
    counts = {"tests": len(cases), "failures": failed, "errors": len(cases) if unknown else 0, "skipped": 0}
    attributes = {"name": f"httptask test {outcome.task}", **counts, "time": f"{seconds:.3f}"}
    if outcome.attempts:
        attributes["timestamp"] = iso8601(outcome.attempts[0].started_at).removesuffix("Z")
    for name, value in attributes.items():
        suite.set(name, _text(str(value)))
    for case in cases:
        _add(suite, case, outcome, seconds / len(cases))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _add(suite: ET.Element, case: Finding, outcome: Outcome, seconds: float) -> None:
    element = ET.SubElement(
        suite, "testcase", {"classname": outcome.task, "name": _text(case.expression), "time": f"{seconds:.3f}"}
    )
    if outcome.status == "unknown":
        _complain(element, "error", "unknown", f"nobody knows whether it was applied: {_words(outcome)}")
    elif not case.holds:
        kind = outcome.failure.kind.value if outcome.failure and case.expression == _SUCCEEDS else "expectation"
        _complain(element, "failure", kind, case.message)
    if case.holds and outcome.status != "unknown":
        return
    element[0].text = _text("\n".join(filter(None, [_words(outcome), outcome.failure.hint if outcome.failure else ""])))


def _complain(element: ET.Element, tag: str, kind: str, message: str) -> None:
    ET.SubElement(element, tag, {"type": kind, "message": _text(message)})


def _words(outcome: Outcome) -> str:
    answered = f"status {outcome.response.status}" if outcome.response else "no answer"
    return f"{answered}: {outcome.failure.message}" if outcome.failure else answered


def _text(value: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", value)
