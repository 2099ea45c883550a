"""`httptask completion`: the script that teaches a shell to complete commands, options and task ids."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from httptask.cli.console import Console
from httptask.cli.exits import SUCCEEDED


@click.command("completion", short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the completion script of a shell.

    \b
    Example:
      eval "$(httptask completion bash)"
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.cli.main import root

    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"no completion for {shell}")
    Console().block(script(root, {}, "httptask", "_HTTPTASK_COMPLETE").source())
    return SUCCEEDED
