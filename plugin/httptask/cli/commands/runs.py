"""`httptask runs`: what the journal knows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from httptask.cli import options, session
from httptask.errors import JournalError, Problem
from httptask.version import SCHEMA_VERSION
from httptask.wording import counted

if TYPE_CHECKING:
    from httptask.cli.console import Console
    from httptask.journal import Journal, RunRecord
    from httptask.kept_runs import KeptRun
    from httptask.model import Workflow

_COLOURS = {"succeeded": "green", "failed": "red", "unknown": "yellow", "waiting": "cyan"}
#: Characters of an id that say what is to be deleted.
_LEAST = 6
_ENDED = ("succeeded", "failed", "cancelled")


@click.group("runs", short_help="List, show and delete runs.", invoke_without_command=True)
@options.journal
@options.as_json
@click.pass_context
def command(context: click.Context, /, **flags: Any) -> int:
    """List the newest runs, or say more of one.

    \b
    Examples:
      httptask runs
      httptask runs show 4be1c0ffee
      httptask runs prune --older-than 30d
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    if context.invoked_subcommand is None:
        return _list(flags, 20)
    return 0


@command.command("list")
@click.option("--limit", type=click.IntRange(min=1, max=100_000), default=20, help="How many.")
@options.journal
@options.as_json
def list_runs(limit: int, **flags: Any) -> int:
    """List the newest runs."""
    return _list(flags, limit)


@command.command("show")
@click.argument("run")
@click.option("--items", metavar="STEP", help="Write the items of a list read page by page, or what a forEach gave.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Where --items go, as JSON Lines.")
@options.journal
@options.as_json
def show(run: str, **flags: Any) -> int:
    """Show one run: its steps, why it stands, and how to go on."""
    from httptask.cli.running import journal as open_journal
    from httptask.cli.running import journal_option
    from httptask.definitions import Definition, loaded
    from httptask.kept_runs import KeptRun, in_order

    console = session.console(json=flags["as_json"])
    if flags["output"] is not None and flags["items"] is None:
        raise click.UsageError("--output says where --items go; name a step with --items")
    with open_journal(flags["journal"]) as journal:
        record = journal.record(run)
        if flags["items"] is not None:
            return _items(journal, record, flags, console)
        kept = KeptRun.of(journal, record)
        with loaded(Definition.from_bytes(journal.definition(record.definition))) as (workflow, _):
            shown = {"schemaVersion": SCHEMA_VERSION, **kept.to_json(), "steps": in_order(kept.steps(), workflow)}
            lines = _ways_on(kept, workflow, journal_option(flags["journal"]))
    if console.json:
        console.data(shown)
        return 0
    _print_run(shown, console)
    for line in lines:
        console.note(line)
    return 0


@command.command("delete")
@click.argument("runs", nargs=-1, required=True)
@options.journal
@options.as_json
def delete(runs: tuple[str, ...], **flags: Any) -> int:
    """Forget runs."""
    from httptask.cli.running import journal as open_journal

    console = session.console(json=flags["as_json"])
    with open_journal(flags["journal"]) as journal:
        if any(len(run) < _LEAST for run in runs):
            raise click.UsageError(f"write at least {_LEAST} characters of each id")
        records = [journal.record(run) for run in runs]
        for record in records:
            journal.delete(record.id)
    return _told([record.id for record in records], console)


@command.command("prune")
@click.option("--older-than", required=True, metavar="TIME", help="As in 30d, 12h, 90m.")
@click.option(
    "--all", "everything", is_flag=True, help="Also runs that a person has to decide on: waiting, unknown, interrupted."
)
@options.journal
@options.as_json
def prune(older_than: str, everything: bool, **flags: Any) -> int:  # noqa: FBT001 - click's signature
    """Forget old runs that have ended; those that a person may still have to look at are kept."""
    from httptask.cli.running import journal as open_journal
    from httptask.clock import SystemClock

    console = session.console(json=flags["as_json"])
    before = SystemClock().now() - _age(older_than)
    gone = []
    with open_journal(flags["journal"]) as journal:
        for record in journal.records(limit=-1):
            stands = record.status not in _ENDED and not everything
            if record.updated < before and not stands and not journal.is_held(record.id):
                journal.delete(record.id)
                gone.append(record.id)
    return _told(gone, console)


def _list(flags: dict[str, Any], limit: int) -> int:
    from httptask.cli.running import journal as open_journal
    from httptask.kept_runs import KeptRun

    console = session.console(json=flags["as_json"])
    with open_journal(flags["journal"]) as journal:
        rows = [KeptRun.of(journal, record).to_json() for record in journal.records(limit)]
    if console.json:
        console.data({"schemaVersion": SCHEMA_VERSION, "runs": rows})
        return 0
    if not rows:
        console.note("no runs yet; `httptask run WORKFLOW` begins one")
    width = max((len(row["workflow"]) for row in rows), default=0)
    for row in rows:
        status = console.style(row["status"].ljust(11), _COLOURS.get(row["status"], "dim"))
        began = row["startedAt"][:19].replace("T", " ")
        console.out(f"{row['runId']}  {status}  {began}  {row['workflow'].ljust(width)}  {row['message']}".rstrip())
    return 0


def _told(ids: list[str], console: Console) -> int:
    if console.json:
        console.data({"schemaVersion": SCHEMA_VERSION, "deleted": ids})
    else:
        console.out(f"deleted {counted(len(ids), 'run')}{': ' if ids else ''}{', '.join(ids)}")
    return 0


def _age(text: str) -> float:
    from httptask.durations import seconds

    try:
        return float(text[:-1]) * 86400 if text.endswith("d") else seconds(text)
    except ValueError:
        raise click.UsageError("--older-than is written like 30d, 12h or 90m") from None


def _items(journal: Journal, record: RunRecord, flags: dict[str, Any], console: Console) -> int:
    """Write items one by one, so that a list of any length needs no memory."""
    from httptask.paging_use import stored_items

    found = stored_items(lambda path, kind: journal.entries(record.id, kind, path), flags["items"])
    first = next(found, None)
    if first is None:
        hint = "`httptask runs show` lists the steps"
        raise JournalError(Problem(flags["items"], "the journal holds no items of this step", hint))
    if flags["output"] is not None:
        count = 1
        with flags["output"].open("w", encoding="utf-8") as stream:
            stream.write(_line(first) + "\n")
            for item in found:
                stream.write(_line(item) + "\n")
                count += 1
        console.note(f"wrote {count} items to {flags['output']}")
        return 0
    console.out(_line(first))
    for item in found:
        console.out(_line(item))
    return 0


def _ways_on(kept: KeptRun, workflow: Workflow, options: str) -> list[str]:
    from httptask.onward import ways_on

    if kept.status in {"succeeded", "running"}:
        return []
    if kept.record.connections["where"]["sandbox"]:
        return ["the sandbox of this run has ended with it; it cannot be resumed"]
    return ways_on(kept.standing(), workflow, options)


def _line(item: Any) -> str:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def _print_run(shown: dict[str, Any], console: Console) -> None:
    status = console.style(shown["status"], _COLOURS.get(shown["status"], "dim"), "bold")
    console.out(f"{console.style(shown['workflow'], 'bold')}  run {shown['runId']}  {status}")
    when = datetime.fromisoformat(shown["startedAt"]).astimezone(UTC)
    console.out(f"  began {when:%Y-%m-%d %H:%M:%S} UTC, ran {shown['ranSeconds']:g} s, {shown['file']}")
    console.out()
    width = max((len(step["id"]) for step in shown["steps"]), default=0)
    for step in shown["steps"]:
        counts = ", ".join(f"{count} {name}" for name, count in step.get("items", {}).items())
        if "paged" in step:
            counts = f"{step['paged']['items']} items on {step['paged']['pages']} pages"
        console.out(f"  {step['id'].ljust(width)}  {step['status']}{f'  ({counts})' if counts else ''}")
        if step["failure"]:
            console.out(f"  {' ' * width}  {step['failure']['message']}")
            if "excerpt" in step:
                console.out(console.style(f"  {' ' * width}  answered: {step['excerpt']}", "dim"))
    told = [step["failure"]["message"] for step in shown["steps"] if step["failure"]]
    if shown["message"] and not any(message in shown["message"] for message in told):
        console.out()
        console.out(f"  {shown['message']}")
