"""`httptask worker`: a process that does an orchestration engine's work, one command for each engine that has such processes."""

from __future__ import annotations

from importlib import import_module

import click

from httptask.cli.exits import SUCCEEDED
from httptask.suggest import did_you_mean

WORKERS = ("temporal",)


class _Workers(click.Group):
    """Loads an engine's command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(WORKERS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in WORKERS:
            return None
        command: click.Command = import_module(f"httptask.cli.workers.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in WORKERS and not args[0].startswith("-"):
            hint = did_you_mean(args[0], WORKERS) or f"engines: {', '.join(WORKERS)}"
            raise click.UsageError(f"No worker for '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)


@click.group("worker", cls=_Workers, short_help="Work for an orchestration engine.")
def command() -> int:
    """Work for an orchestration engine until Ctrl-C: run tasks and workflow files that it hands out.

    \b
    Example:
      httptask worker temporal --address localhost:7233
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    return SUCCEEDED  # the engine's own code takes its place
