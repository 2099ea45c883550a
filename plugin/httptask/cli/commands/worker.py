"""`httptask worker`: do the tasks that an engine hands out."""

from __future__ import annotations

from httptask.cli.engines import EngineCommands

#: Engines whose workers are processes of ours; each has a module in `cli/workers`.
WORKERS = ("temporal", "conductor")

command = EngineCommands(
    "worker",
    package="httptask.cli.workers",
    engines=WORKERS,
    short_help="Work for an orchestration engine.",
    help="""Work for an orchestration engine until Ctrl-C: run tasks and workflow files that it hands out.

    \b
    Example:
      httptask worker temporal --address localhost:7233
    """,
)
