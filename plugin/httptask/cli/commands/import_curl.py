"""`httptask import-curl`: a pasted curl command becomes a task template. It is read, never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from httptask.cli import options
from httptask.cli.exits import SUCCEEDED
from httptask.cli.session import console

#: Options of ours with a value: a word `curl` behind one of them is that value.
_WITH_VALUE = ("--out", "--id", "--provider", "--templates")


class _Import(click.Command):
    """Takes everything from the word `curl` on as the command, so that its options are not ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        from httptask.curl.command import is_curl

        begins = (n for n, word in enumerate(args) if is_curl(word) and (n == 0 or args[n - 1] not in _WITH_VALUE))
        begin = next(begins, len(args))
        ends = [] if begin == len(args) or "--" in args[:begin] else ["--"]
        return super().parse_args(ctx, [*args[:begin], *ends, *args[begin:]])


@click.command("import-curl", cls=_Import, short_help="Make a task template from a curl command.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[curl ...|TEXT|@FILE|-]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Write the files below this folder.")
@click.option("--id", "task", metavar="ID", help="Id of the task, alone or as PROVIDER.TASK. Default: made from method and path.")
@click.option("--provider", metavar="ID", help="Id of the provider. Default: made from the host.")
@click.option("--force", is_flag=True, help="Make a template though a task does the same, and replace the task's file.")
@options.templates
@options.as_json
@options.debug
def command(words: tuple[str, ...], folders: tuple[Path, ...], **flags: Any) -> int:
    """Make a task template from a pasted curl command: as it is behind the options, as one text, from @FILE, or from standard
    input. The command is read, never run, and its credential is not kept: a reference takes its place.

    Without --out the files are shown and nothing is written.

    \b
    Examples:
      httptask import-curl --out my_templates curl --json @widget.json https://api.example.com/v1/widgets
      httptask import-curl --out my_templates @pasted.txt
    """  # noqa: D205, D301 - the summary is longer than a line; \b is click's mark for text that is not rewrapped
    from httptask.cli.importing import Choices, import_curl

    choices = Choices(flags["out"], flags["task"], flags["provider"], flags["force"], folders)
    import_curl(words, choices, console(json=flags["as_json"]))
    return SUCCEEDED
