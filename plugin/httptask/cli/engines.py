"""A group of commands with one for each engine, loaded when it is used: no engine is imported for another one's sake."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from httptask.suggest import did_you_mean


class EngineCommands(click.Group):
    """Finds the command of an engine in the module of its name."""

    def __init__(self, name: str, *, package: str, engines: Sequence[str], **choices: Any) -> None:
        """Keep where the commands are."""
        super().__init__(name, **choices)
        self._package = package
        self._engines = tuple(engines)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the engines."""
        return list(self._engines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Return the command of an engine."""
        if cmd_name not in self._engines:
            return None
        command: click.Command = import_module(f"{self._package}.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the engines that there are."""
        if args and args[0] not in self._engines and not args[0].startswith("-"):
            hint = did_you_mean(args[0], self._engines) or f"engines: {', '.join(self._engines)}"
            raise click.UsageError(f"No {self.name} for '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)
