"""Runs a task or workflow against a fault script on a clock that takes no time: the retry schedule, at once.

The same `Runner`, the same policy, the same decisions; only transport, clock and verify answers are scripted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from httptask import results
from httptask.clock import START, FakeClock
from httptask.errors import InputInvalid, Problem
from httptask.events import Event, StepStarted
from httptask.faults import Fault, Finding, parse_faults
from httptask.message import Request, Response, Timeouts
from httptask.model import Connection, TaskTemplate, Workflow
from httptask.outcome import Answer, Attempt, Outcome
from httptask.ports import Observer
from httptask.registry import Registry
from httptask.runner import Options, Runner
from httptask.runs import RunResult
from httptask.scripted import ScriptedTransport
from httptask.settings import dry_connection
from httptask.suggest import did_you_mean
from httptask.verifying import Verdict
from httptask.version import SCHEMA_VERSION
from httptask.workflow import WorkflowRunner

DEFAULT_SEED = 1


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a policy did with a script: the outcome, and the schedule as rows that can be kept as a golden file."""

    outcome: Outcome
    seed: int

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The schedule: attempt, moment, phase, answer, decision, wait, reason."""
        return tuple(_row(attempt) for attempt in self.outcome.attempts)

    def text(self) -> str:
        """Return the schedule as an aligned table with a last line for the outcome."""
        table = [("#", "at", "phase", "answer", "decision", "wait", "reason"), *self.rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
        return "\n".join([*lines, f"outcome: {self.outcome.status}"]) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return `{schemaVersion, task, seed, status, schedule, failure}`."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "task": self.outcome.task,
            "seed": self.seed,
            "status": self.outcome.status,
            "schedule": [_json_row(attempt) for attempt in self.outcome.attempts],
            "failure": self.outcome.failure.to_json() if self.outcome.failure else None,
        }


def simulate(
    template: TaskTemplate,
    inputs: Mapping[str, Any],
    script: str,
    *,
    options: Options | None = None,
    seed: int = DEFAULT_SEED,
) -> Simulation:
    """Run a task against a fault script such as `503x2, 429(Retry-After=7), read-timeout, verify:applied`.

    Raises:
        UsageError: the inputs or the script are wrong.

    """
    faults = _checked(template, script, "--fault")
    clock = FakeClock(jitter=Random(seed).random)  # noqa: S311 - spreads retries; a seed must give the same schedule
    runner = Runner(
        ScriptedTransport(template, _answers(faults), clock), clock, verifier=_ScriptedVerifier(_findings(faults), clock)
    )
    return Simulation(runner.run(template, inputs, dry_connection(template.provider), options), seed)


def simulate_workflow(  # noqa: PLR0913 - a workflow, its inputs and its scripts; the rest has defaults
    workflow: Workflow,
    registry: Registry,
    inputs: Mapping[str, Any],
    scripts: Mapping[str, str],
    *,
    observer: Observer | None = None,
    seed: int = DEFAULT_SEED,
) -> RunResult:
    """Run a workflow with a fault script per step; steps without one answer with the documented examples.

    Raises:
        UsageError: the inputs or a script are wrong, or a step is unknown.

    """
    clock = FakeClock(jitter=Random(seed).random)  # noqa: S311 - as above
    steps = _Steps(workflow, registry, scripts, clock=clock, observer=observer)
    runner = Runner(steps, clock, steps, verifier=steps)
    return WorkflowRunner(runner, registry, _dry, clock, steps).run(workflow, inputs, run_id=f"simulated-{seed}")


class _ScriptedVerifier:
    """Gives the script's findings in order; the last one repeats, and without any it is inconclusive.

    A rule that compares with the answer from before is inconclusive without it, as it really is.
    """

    def __init__(self, findings: Sequence[Finding], clock: FakeClock) -> None:
        self._findings = list(findings) or ["inconclusive"]
        self._clock = clock
        self._knows_before = False

    def before(self, template: TaskTemplate, inputs: Mapping[str, Any], left: float) -> Answer | None:  # noqa: ARG002 - scripted
        self._knows_before = True
        return None

    def ask(self, template: TaskTemplate, inputs: Mapping[str, Any], *, before: Answer | None, left: float) -> Verdict:  # noqa: ARG002
        finding = self._findings.pop(0) if len(self._findings) > 1 else self._findings[0]
        if template.verify is not None and template.verify.uses_before and not self._knows_before:
            return Verdict("inconclusive")
        return Verdict(finding, self._outputs(template, inputs) if finding == "applied" else {})

    def _outputs(self, template: TaskTemplate, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what the documented example gives, in place of what the verify task would find."""
        example = ScriptedTransport(template, (), self._clock).example()
        return results.read(template, inputs, example).outputs


class _Steps:
    """Transport, verifier and observer of a simulated workflow: each step plays its own script."""

    def __init__(
        self, workflow: Workflow, registry: Registry, scripts: Mapping[str, str], *, clock: FakeClock, observer: Observer | None
    ) -> None:
        uses = dict.fromkeys(_uses(workflow))
        known = list(dict.fromkeys(step for step, _ in uses))
        unknown = [Problem(step, "no such step", did_you_mean(step, known)) for step in scripts if step not in known]
        if unknown:
            raise InputInvalid(unknown)
        self._observer = observer
        self._use = next(iter(uses), ("", ""))
        self._transports: dict[tuple[str, str], ScriptedTransport] = {}
        self._verifiers: dict[tuple[str, str], _ScriptedVerifier] = {}
        for step, task in uses:
            faults = _checked(registry[task], scripts.get(step, "ok"), step)
            self._transports[step, task] = ScriptedTransport(registry[task], _answers(faults), clock)
            self._verifiers[step, task] = _ScriptedVerifier(_findings(faults), clock)

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._use = (event.step, event.task)
        if self._observer:
            self._observer(event)

    def send(self, request: Request, timeouts: Timeouts) -> Response:
        return self._transports[self._use].send(request, timeouts)

    def before(self, template: TaskTemplate, inputs: Mapping[str, Any], left: float) -> Answer | None:
        return self._verifiers[self._use].before(template, inputs, left)

    def ask(self, template: TaskTemplate, inputs: Mapping[str, Any], *, before: Answer | None, left: float) -> Verdict:
        return self._verifiers[self._use].ask(template, inputs, before=before, left=left)


def _uses(workflow: Workflow) -> Iterator[tuple[str, str]]:
    """Yield step and task of each use, those of groups, `onFailure` and sub-workflows too; steps of one name share a script."""
    for step in workflow.every_step():
        if step.task is not None:
            yield step.id, step.task
        if step.workflow is not None:
            yield from _uses(step.workflow)


def _dry(template: TaskTemplate) -> Connection:
    return dry_connection(template.provider)


def _checked(template: TaskTemplate, script: str, where: str) -> tuple[Fault, ...]:
    faults = parse_faults(script)
    if _findings(faults) and template.verify is None:
        message = f"{template.id} has no verify task, so its answer cannot be scripted"
        raise InputInvalid(Problem(where, message, "leave verify: out of the script"))
    if "notApplied" in _findings(faults) and template.verify is not None and template.verify.not_applied is None:
        message = f"the verify rule of {template.id} never finds notApplied"
        raise InputInvalid(Problem(where, message, "script verify:applied or verify:inconclusive"))
    return faults


def _answers(faults: Sequence[Fault]) -> list[Fault]:
    return [fault for fault in faults if fault.kind != "verify"]


def _findings(faults: Sequence[Fault]) -> list[Finding]:
    return [fault.finding for fault in faults if fault.finding is not None]


def _row(attempt: Attempt) -> tuple[str, ...]:
    decision = attempt.decision
    answer = str(attempt.status) if attempt.status is not None else str(attempt.error)
    action, wait, reason = (decision.action, decision.wait, decision.reason) if decision else ("", 0.0, "")
    shown_wait = f"{wait:.3f} s" if action == "retry" else "-"
    return (str(attempt.number), f"{_moment(attempt):.3f} s", attempt.phase, answer, action, shown_wait, reason)


def _json_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "attempt": attempt.number,
        "atMs": round(_moment(attempt) * 1000),
        "elapsedMs": round(attempt.elapsed * 1000),
        "phase": attempt.phase,
        "status": attempt.status,
        "error": attempt.error,
        "decision": attempt.decision.to_json() if attempt.decision else None,
    }


def _moment(attempt: Attempt) -> float:
    """Return seconds since the simulation began."""
    return round(attempt.started_at - START, 3)
