"""`httptask run`: run a workflow file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from httptask.cli import options
from httptask.cli.console import Console, is_terminal, refusal
from httptask.cli.exits import BY_STATUS
from httptask.cli.session import learn, observed, redact
from httptask.cli.wiring import Where, connections, http_runner, registry
from httptask.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from httptask.model import Connection, TaskTemplate, Workflow
    from httptask.registry import Registry
    from httptask.runs import RunResult

Connect = Callable[["TaskTemplate"], "Connection"]


@click.command("run", short_help="Run a workflow file.")
@click.argument("workflow", type=click.Path(path_type=Path))
@options.inputs
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="STEP=SCRIPT",
    help="Simulate: play a fault script against a step, without network or waiting. Repeatable.",
)
@click.option("--seed", default=1, help="What the jitter of a simulation is drawn from.")
@options.connection
@options.templates
@options.as_json
@options.verbose
def command(workflow: Path, folders: tuple[Path, ...], **flags: object) -> int:
    """Run a workflow file: its steps in order, outputs passed on, retries as the policy says.

    \b
    Example:
      httptask run examples/roll_out_agent_update.yaml --sandbox -i poolType=AD
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.cli.arguments import workflow_inputs
    from httptask.loader import load_workflow
    from httptask.workflow_inputs import checked_inputs as checked

    console = Console(json=bool(flags["as_json"]), verbose=bool(flags["verbose"]))
    catalogue = registry(folders)
    definition = load_workflow(workflow, catalogue)
    given = workflow_inputs(definition, flags["given"], flags["file"])  # type: ignore[arg-type] # click's types
    inputs = checked(definition, given)
    if flags["faults"]:
        return _simulated(definition, inputs, catalogue, flags, console)
    providers = dict.fromkeys(catalogue[task].provider.id for task in definition.tasks())
    if flags["base_url"] is not None and len(providers) > 1:
        message = f"--base-url names one server, and the workflow uses {' and '.join(providers)}"
        raise ConfigurationError(Problem("--base-url", message, "give each API a connection of its own"))
    where = Where(bool(flags["sandbox"]), flags["name"], flags["base_url"], flags["token"])  # type: ignore[arg-type] # click's types
    with connections(where, definition.sandbox, _connection(definition, inputs)) as connect:
        narration = _Narration(console, int(flags["verbose"]))  # type: ignore[call-overload] # click counts
        result, seconds = _run(definition, inputs, catalogue, connect, narration)
    _report(result, definition, catalogue, console=console, seconds=seconds)
    return BY_STATUS[result.status]


def _simulated(
    workflow: Workflow, inputs: Mapping[str, Any], catalogue: Registry, flags: Mapping[str, Any], console: Console
) -> int:
    from httptask.cli.narrator import Narrator
    from httptask.simulate import simulate_workflow

    scripts = dict(_script(text) for text in flags["faults"])
    observer = None if console.json else Narrator(console, requests=True)
    result = simulate_workflow(workflow, catalogue, inputs, scripts, observer=observer, seed=flags["seed"])
    _report(result, workflow, catalogue, console=console, seconds=None)
    return BY_STATUS[result.status]


def _script(text: str) -> tuple[str, str]:
    step, sign, script = text.partition("=")
    if not sign:
        raise click.UsageError("--fault is written STEP=SCRIPT, as in create='503x2, ok'")
    return step, script


class _Narration:
    """Whether and how the run is told as it goes: on a terminal, or when asked for."""

    def __init__(self, console: Console, verbosity: int) -> None:
        from httptask.cli.narrator import Narrator

        self.console = console
        self.verbosity = verbosity
        self.observer = Narrator(console, requests=True) if verbosity or is_terminal(sys.stderr) else None


def _connection(workflow: Workflow, inputs: Mapping[str, Any]) -> str | None:
    from httptask.expressions import evaluate_text

    if workflow.connection is None:
        return None
    return evaluate_text(workflow.connection, {"inputs": inputs})


def _run(
    workflow: Workflow, inputs: Mapping[str, Any], catalogue: Registry, connect: Connect, narration: _Narration
) -> tuple[RunResult, float]:
    """Run, with every connection resolved before the first request, so that a missing credential stops nothing half-way."""
    from httptask.clock import SystemClock
    from httptask.sensitive import mark
    from httptask.workflow import WorkflowRunner

    resolved = [connect(catalogue[task]) for task in dict.fromkeys(workflow.tasks())]
    console = narration.console
    redact(console, resolved)
    learn(console, mark(inputs, workflow.inputs, workflow.inputs.get("$defs", {})).secrets)
    clock = SystemClock()
    began = clock.monotonic()
    with (
        observed(console, narration.observer, verbosity=narration.verbosity) as observer,
        http_runner(resolved, catalogue, observer) as runner,
    ):
        result = WorkflowRunner(runner, catalogue, connect, clock, observer).run(workflow, inputs)
    return result, clock.monotonic() - began


def _report(result: RunResult, workflow: Workflow, catalogue: Registry, *, console: Console, seconds: float | None) -> None:
    from httptask.cli.masking_runs import masked_run
    from httptask.cli.outcomes import outcome_json, print_run, say_verdict

    result = masked_run(result, catalogue, console.redactor)
    if console.json:
        console.data(outcome_json(result.to_json(), console.redactor))
    else:
        print_run(result, console, seconds=seconds, steps=[step.id for step in workflow.steps])
    if refusal() is not None:  # requests may have been sent
        say_verdict(result.status, result.workflow, result.failure if console.json else None, console)
