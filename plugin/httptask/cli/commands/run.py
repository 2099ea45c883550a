"""`httptask run`: run a workflow file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from httptask.cli import options, session, taping
from httptask.cli.exits import BY_STATUS, SUCCEEDED
from httptask.errors import ConfigurationError, Problem
from httptask.wiring import Where, registry

if TYPE_CHECKING:
    from httptask.cli.console import Console
    from httptask.executing import Plan
    from httptask.journal import HeldRun, Journal
    from httptask.model import Connection, Workflow
    from httptask.registry import Registry


@click.command("run", short_help="Run a workflow file.")
@click.argument("workflow", type=click.Path(path_type=Path))
@options.inputs
@click.option("--dry-run", is_flag=True, help="Show the plan, with every request that needs no answer first; send nothing.")
@click.option("--explain", is_flag=True, help="As --dry-run, and say of each value where it came from and how it was encoded.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="STEP=SCRIPT",
    help="Simulate: play a fault script against a step, without network or waiting. Repeatable.",
)
@click.option("--seed", default=1, help="What the jitter of a simulation is drawn from.")
@options.cassette
@options.journal
@click.option("--no-journal", is_flag=True, help="Keep no record; the run cannot be resumed.")
@options.connection
@options.templates
@options.as_json
@options.verbose
def command(workflow: Path, folders: tuple[Path, ...], **flags: Any) -> int:
    """Run a workflow file: its steps in order, outputs passed on, retries as the policy says.

    Every step is written into a journal before and after it, so that `httptask resume` can go on after an approval, a failure,
    Ctrl-C or a crash, without sending anything twice.

    \b
    Example:
      httptask run examples/roll_out_agent_update.yaml --sandbox -i poolType=AD
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.cli.arguments import workflow_inputs
    from httptask.cli.planning import show_plan
    from httptask.cli.running import Telling, carry_out
    from httptask.cli.running import journal as open_journal
    from httptask.executing import Plan, named_connection
    from httptask.loader import load_workflow
    from httptask.secret_inputs import resolved
    from httptask.surroundings import Surroundings
    from httptask.workflow_inputs import checked_inputs

    console = session.console(json=flags["as_json"], verbose=flags["verbose"])
    unsent = ("--fault", "faults"), ("--dry-run", "dry_run"), ("--explain", "explain")
    taping.check(flags, next((option for option, name in unsent if flags[name]), ""))
    catalogue = registry(folders)
    definition = load_workflow(workflow, catalogue)
    around = Surroundings.current()
    given = workflow_inputs(definition, flags["given"], flags["file"])
    inputs, references = resolved(definition, given, taping.reader(flags, around))
    inputs = checked_inputs(definition, inputs)
    if flags["faults"] and flags["explain"]:
        raise click.UsageError("--fault plays attempts, --explain shows requests; give one of them")
    if flags["faults"]:
        return _simulated(definition, inputs, catalogue, flags, console)
    where = Where(bool(flags["sandbox"]), flags["name"], flags["base_url"], flags["token"])
    where.check()
    _one_api(definition, catalogue, where)
    _check_journal(definition, flags)
    plan = Plan(definition, catalogue, inputs, where, named_connection(definition, inputs))
    if flags["dry_run"] or flags["explain"]:
        show_plan(plan, console, explain=flags["explain"])
        return SUCCEEDED
    with taping.taped(flags, catalogue, console) as tape, ExitStack() as stack:
        telling = Telling(console, int(flags["verbose"]), flags["journal"], tape.inner)
        kept = None if flags["no_journal"] or flags["replay"] else stack.enter_context(open_journal(flags["journal"]))
        tape.code = carry_out(plan, lambda used: _begin(plan, used, kept, references, console), telling)
    return tape.code


def _check_journal(workflow: Workflow, flags: Mapping[str, Any]) -> None:
    from httptask.resuming import gates_of

    if flags["no_journal"] and flags["journal"] is not None:
        raise click.UsageError("give --journal or --no-journal, not both")
    if flags["no_journal"] and not flags["replay"] and gates_of(workflow):
        raise click.UsageError("without a journal nobody could approve what this workflow waits for")


def _one_api(workflow: Workflow, catalogue: Registry, where: Where) -> None:
    providers = dict.fromkeys(catalogue[task].provider.id for task in workflow.tasks())
    if where.base_url is not None and len(providers) > 1:
        message = f"--base-url names one server, and the workflow uses {' and '.join(providers)}"
        raise ConfigurationError(Problem("--base-url", message, "give each API a connection of its own"))


def _begin(
    plan: Plan, used: Mapping[str, Connection], journal: Journal | None, references: Mapping[str, str], console: Console
) -> HeldRun | None:
    """Note the new run, with what it executes and where its secrets come from."""
    if journal is None:
        return None
    from httptask.beginning import Beginning
    from httptask.definitions import definition_of

    held = Beginning(journal, definition_of(plan.workflow, plan.registry), references).note(plan, used, console.redactor)
    console.note(console.style(f"run {held.run_id}", "dim"))
    return held


def _simulated(
    workflow: Workflow, inputs: Mapping[str, Any], catalogue: Registry, flags: Mapping[str, Any], console: Console
) -> int:
    from httptask.cli.narrator import Narrator
    from httptask.cli.running import report
    from httptask.simulate import simulate_workflow

    scripts = dict(_script(text) for text in flags["faults"])
    observer = None if console.json else Narrator(console, requests=True)
    result = simulate_workflow(workflow, catalogue, inputs, scripts, observer=observer, seed=flags["seed"])
    report(result, workflow, catalogue, console=console, seconds=None)
    return BY_STATUS[result.status]


def _script(text: str) -> tuple[str, str]:
    step, sign, script = text.partition("=")
    if not sign:
        raise click.UsageError("--fault is written STEP=SCRIPT, as in create='503x2, ok'")
    return step, script
