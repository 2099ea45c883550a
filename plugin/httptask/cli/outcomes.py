"""Requests, outcomes and runs for people, and their JSON with secrets masked."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from httptask.cli.console import Console, is_terminal, json_text
from httptask.message import Headers, Request
from httptask.onward import messages
from httptask.outcome import Answer, Attempt, Failure, Outcome, Warn
from httptask.runs import RunResult, StepResult
from httptask.secrets import Redactor
from httptask.version import SCHEMA_VERSION
from httptask.wording import counted

_COLOURS = {
    "succeeded": "green",
    "failed": "red",
    "unknown": "yellow",
    "skipped": "dim",
    "cancelled": "yellow",
    "waiting": "cyan",
}
_MARKS = {"succeeded": "✓", "failed": "✗", "unknown": "?", "skipped": "-", "cancelled": "?", "waiting": "…"}
#: Where an outcome lies within the JSON of a run; nothing else is looked into, a body least of all.
_HOLDS_OUTCOMES = frozenset({"steps", "items", "outcome"})
#: Lines of a body shown to people; `--json` has it whole.
MAX_BODY_LINES = 200
#: Warnings that say how an answer differs from the API's document without touching what the task gives.
HARMLESS_DRIFT = frozenset({"unlistedField", "undocumentedStatus", "schemaMismatch", "unknownEnumValue"})
_JSON_TOKEN = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*"(?=:))|(?P<text>"(?:[^"\\]|\\.)*")|-?\d[\d.eE+-]*|\b(?:true|false|null)\b')
#: Phases of an attempt whose names are written otherwise by people.
_PHASES = {"dns": "DNS", "tls": "TLS"}
_CONNECTIONS = {"reused": "connection reused", "proxied": "through a proxy"}
#: Seconds; shorter waits for the rate limit are not worth a word.
SHOWN_WAIT = 0.05


def request_json(task: str, request: Request, redactor: Redactor) -> dict[str, Any]:
    """Return the JSON of a dry run: `{schemaVersion, task, request}`, secrets masked."""
    body, kind = request.content
    shown = {
        "method": request.method,
        "url": request.shown_url,
        "headers": [list(pair) for pair in _shown_headers(request.headers, redactor)],
        "body": body,
        "bodyKind": kind,
    }
    return {"schemaVersion": SCHEMA_VERSION, "task": task, "request": shown}


def outcome_json(value: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return an outcome's or run's JSON with sensitive response headers masked by name."""
    shown = {key: _masked(item, redactor) if key in _HOLDS_OUTCOMES else item for key, item in value.items()}
    if response := value.get("response"):
        headers = [[name, redactor.header(name, text)] for name, text in response["headers"]]
        shown["response"] = {**response, "headers": headers}
    return shown


def print_request(request: Request, console: Console) -> None:
    """Print a request as it goes on the wire, the credential masked."""
    shown = replace(request, url=request.shown_url)
    console.out(f"{console.style(request.method, 'bold', 'cyan')} {shown.target} HTTP/1.1")
    console.out(f"{console.style('Host', 'cyan')}: {request.origin.partition('://')[2]}")
    for name, value in _shown_headers(request.headers, console.redactor):
        console.out(f"{console.style(name, 'cyan')}: {value}")
    if request.body is not None:
        console.out()
        body, kind = request.content
        _print_body(body, kind, console)


def print_outcome(outcome: Outcome, console: Console, *, retries: bool, answer: bool = True) -> None:
    """Print the response, unless it was shown before, warnings, attempts and what it means."""
    if outcome.response is not None and answer:
        print_answer(outcome.response, console)
    print_warnings(outcome.warnings, console)
    for attempt in outcome.attempts:
        console.note(_attempt_line(attempt, console, would=not retries))
    say_verdict(outcome.status, outcome.task, outcome.failure, console)


def say_verdict(status: str, subject: str, failure: Failure | None, console: Console) -> None:
    """Say on stderr how it ended, for a caller whose standard output took no more."""
    console.note(f"{_status(status, console)}  {subject}")
    if failure is not None:
        print_failure(failure, console)


def print_warnings(warnings: Iterable[Warn], console: Console) -> None:
    """Print what matters to the result, and how many harmless differences from the document there are beside it."""
    drift = 0
    for warning in warnings:
        if warning.code in HARMLESS_DRIFT and not console.verbose:
            drift += 1
        else:
            console.note(f"{console.style('warning:', 'yellow', stream=sys.stderr)} {warning.path}: {warning.message}")
    if drift:
        console.note(
            console.style(f"{counted(drift, 'difference')} from the API's document; -v shows them", "dim", stream=sys.stderr)
        )


def print_status(outcome: Outcome, console: Console) -> None:
    """Print how it ended."""
    console.note(f"{_status(outcome.status, console)}  {outcome.task}")


def print_failure(failure: Failure, console: Console) -> None:
    """Print why it did not work and what to do."""
    console.note(f"  {failure.message}")
    if failure.hint:
        console.note(console.style(f"  {failure.hint}", "dim"))
    if failure.request_id:
        console.note(console.style(f"  request id {failure.request_id}", "dim"))


def print_run(result: RunResult, console: Console, *, seconds: float | None, steps: Sequence[str]) -> None:
    """Print a run: its steps, its outputs, and where it stopped; a simulated run took no time."""
    done = {step.id for step in result.steps}
    width = max(map(len, (*steps, *(step.id for step in result.on_failure))), default=0)
    console.out(f"{console.style(result.workflow, 'bold')}  run {result.run_id}")
    console.out()
    _print_steps(result.steps, console, width)
    for step_id in (step for step in steps if step not in done):
        console.out(console.style(f"  · {step_id.ljust(width)}  not run", "dim"))
    if result.on_failure:
        console.out(console.style("  onFailure", "dim"))
        _print_steps(result.on_failure, console, width)
        for step in result.on_failure:
            if step.outputs:
                console.out(f"    {step.id}: {json_text(step.outputs)}".replace("\n", "\n    "))
    if result.outputs:
        console.out()
        for line in json_text(dict(result.outputs)).splitlines():
            console.out(f"  {line}")
    console.out()
    took = "simulated" if seconds is None else f"in {seconds:.1f} s"
    console.out(f"{_status(result.status, console)} {took}")
    if result.failure is not None:
        print_failure(_in_step(result, result.failure), console)


def _print_steps(steps: Iterable[StepResult], console: Console, width: int) -> None:
    for step in steps:
        mark = console.style(_MARKS[step.status], _COLOURS[step.status])
        reused = console.style("  (from before)", "dim") if step.reused else ""
        console.out(f"  {mark} {step.id.ljust(width)}  {_step_words(step)}{reused}")
        for message in messages([step]) if step.status == "waiting" else filter(None, [step.message]):
            console.out(f"    {' ' * width}  {message}")
        for warning in dict.fromkeys(item for outcome in step.outcomes() for item in outcome.warnings):
            if warning.code not in HARMLESS_DRIFT or console.verbose:
                console.note(console.style(f"      warning: {warning.path}: {warning.message}", "yellow", stream=sys.stderr))


def _in_step(result: RunResult, failure: Failure) -> Failure:
    """Return a run's failure with the step that it stopped at in its message."""
    last = result.steps[-1] if result.steps else None
    if last is None or last.failure != failure or f"'{last.id}'" in failure.message:
        return failure
    return replace(failure, message=f"step '{last.id}': {failure.message}")


def _step_words(step: StepResult) -> str:
    words: str = step.status
    if step.items is not None:
        counts = {status: sum(item.status == status for item in step.items) for status in _MARKS}
        words = ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "no items"
    if step.paged is not None:
        words = f"{words}, {counted(step.paged.items, 'item')} on {counted(step.paged.pages, 'page')}"
    if step.counts is not None:
        words = ", ".join(f"{count} {status}" for status, count in step.counts.items())
    waits = _waits(step)
    return f"{words}  ({waits})" if waits else words


def _waits(step: StepResult) -> str:
    """Return what a step waited for: refused attempts, and room in the server's rate limit."""
    attempts = [attempt for outcome in step.outcomes() for attempt in outcome.attempts]
    retried = [
        f"retried: {item.status or item.error} after {item.decision.wait:.1f} s"
        for item in attempts
        if _is_retried(item) and item.decision
    ]
    paced = sum(attempt.timings.get("pacing", 0.0) for attempt in attempts) / 1000
    return "; ".join([*retried, *([f"waited {paced:.1f} s for the rate limit"] if paced >= SHOWN_WAIT else [])])


def _is_retried(attempt: Attempt) -> bool:
    return attempt.decision is not None and attempt.decision.action == "retry"


def _status(status: str, console: Console) -> str:
    return console.style(f"{_MARKS[status]} {status}", _COLOURS[status], "bold")


def _attempt_line(attempt: Attempt, console: Console, *, would: bool) -> str:
    answer = str(attempt.status) if attempt.status is not None else f"{attempt.error} ({attempt.phase})"
    line = f"attempt {attempt.number}: {answer}  {attempt.elapsed * 1000:.0f} ms{_timing_words(attempt)}"
    decision = attempt.decision
    if decision is None or (decision.action == "stop" and attempt.error is None):
        return line
    verb = {"retry": "would retry" if would else "retried", "stop": "not retried"}[decision.action]
    wait = f" in {decision.wait:.1f} s" if decision.action == "retry" else ""
    return f"{line}; {console.style(verb + wait, 'yellow')}: {decision.reason}"


def print_answer(answer: Answer, console: Console, reason: str = "") -> None:
    """Print a response: its head, and its body decoded; `reason` is the server's own word beside the status."""
    colour = "green" if answer.status // 100 == 2 else "red"  # noqa: PLR2004 - RFC 9110 section 15.3
    console.out(f"HTTP/1.1 {console.style(str(answer.status), 'bold', colour)} {reason}".rstrip())
    for name, value in answer.headers:
        console.out(f"{console.style(name, 'cyan')}: {console.redactor.header(name, value)}")
    if answer.body_kind != "empty":
        console.out()
        _print_body(answer.body, answer.body_kind, console)


def _print_body(body: Any, kind: str, console: Console) -> None:
    text = json_text(body) if kind == "json" else str(body)
    lines = text.splitlines()
    shown = "\n".join(lines[:MAX_BODY_LINES])
    console.block(_coloured(shown, console) if kind == "json" else shown)
    if len(lines) > MAX_BODY_LINES:
        console.note(f"... {len(lines) - MAX_BODY_LINES} more lines; --json has the whole body")


def _coloured(text: str, console: Console) -> str:
    """Return JSON with names, texts and other values told apart on a terminal."""

    def colour(token: re.Match[str]) -> str:
        kind = "blue" if token["name"] else "green" if token["text"] else "cyan"
        return console.style(token[0], kind)

    return _JSON_TOKEN.sub(colour, text) if is_terminal(sys.stdout) else text


def _timing_words(attempt: Attempt) -> str:
    """Return what the time of an attempt went into, phase by phase, in milliseconds."""
    shown = ((name, spent) for name, spent in attempt.timings.items() if name != "pacing" or spent >= SHOWN_WAIT * 1000)
    measured = [f"{_PHASES.get(name, name)} {spent:.1f}" for name, spent in shown]
    said = [_CONNECTIONS[attempt.connection]] if attempt.connection in _CONNECTIONS else []
    return f" ({', '.join([*said, *measured])})" if said or measured else ""


def _shown_headers(headers: Headers, redactor: Redactor) -> list[tuple[str, str]]:
    return [(name, redactor.header(name, value)) for name, value in headers]


def _masked(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, list):
        return [outcome_json(item, redactor) for item in value]
    return value and outcome_json(value, redactor)
