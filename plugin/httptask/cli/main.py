"""The entry point: builds the command group, and turns every error into a message and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

import click

from httptask.cli.console import Console, forget_refusals, refusal, silence
from httptask.cli.exits import FAILED, INTERRUPTED, SUCCEEDED, USAGE
from httptask.cli.options import debug
from httptask.cli.session import DEBUG_VARIABLE, Session
from httptask.errors import HttpTaskError, Interrupted, Problem, ProblemsError
from httptask.suggest import did_you_mean
from httptask.version import VERSION

COMMANDS = (
    "list",
    "show",
    "test",
    "run",
    "resume",
    "runs",
    "validate",
    "graph",
    "import-curl",
    "connections",
    "sandbox",
    "serve",
    "worker",
    "deploy",
    "manifest",
    "completion",
)

_EPILOG = """\b
Exit codes:
  0  succeeded                      3  unknown: it may have been applied
  1  failed                         4  waiting for approval
  2  usage or definition error    130  interrupted"""


class _Commands(click.Group):
    """Loads a command's module when it is used, and suggests the nearest command for a mistyped one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"httptask.cli.commands.{cmd_name.replace('-', '_')}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            hint = did_you_mean(args[0], COMMANDS) or f"commands: {', '.join(COMMANDS)}"
            raise click.UsageError(f"No such command '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)


@click.group(
    "httptask",
    cls=_Commands,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110, "show_default": True},
)
@debug
@click.version_option(VERSION, message="httptask %(version)s")
@click.pass_context
def root(context: click.Context) -> int:
    """HTTP tasks for workflow engines: see what would be sent, try it, run it in a workflow."""
    if context.invoked_subcommand is None:
        for line in context.get_help().splitlines():
            Console().note(line)
    return USAGE  # a command's own code takes its place


def run() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    _open_missing_streams()
    for name in ("SIGTERM", "SIGHUP"):  # what orchestrators and closing terminals send means what Ctrl-C means
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP on purpose
            signal.signal(number, _interrupt)
    sys.exit(main(sys.argv[1:]))


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; a success whose result could not be written is none."""
    forget_refusals()
    code = _main(arguments)
    error = refusal()
    if error is None:
        return code
    _say_refused(error)
    return FAILED if code == SUCCEEDED else code


def _main(arguments: Sequence[str]) -> int:
    session = Session()
    try:
        result = root.main(list(arguments), prog_name="httptask", standalone_mode=False, obj=session)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug's own traceback could hold a credential
        own = takewhile(lambda word: word != "curl", arguments)  # behind it stand a pasted command's options
        console = Console(json="--json" in own, discretion=session.discretion)
        if session.wants_tracebacks():
            console.lines(session.traceback(error))
        return _refused(error) if isinstance(error, OSError) else _reported(console, error)
    return result if isinstance(result, int) else SUCCEEDED


def _reported(console: Console, error: BaseException) -> int:
    """Say what went wrong and return the exit code."""
    if isinstance(error, click.ClickException):
        return _usage(console, error)
    if isinstance(error, ProblemsError):
        console.problems(error.kind, error.problems)
        return USAGE
    if isinstance(error, HttpTaskError):
        console.problems(error.kind, (Problem("", str(error)),))
        return USAGE
    if isinstance(error, click.Abort | KeyboardInterrupt):
        # click wraps what Ctrl-C raised, and with it what is known about the request in flight
        return _interrupted(console, error.__cause__ or error)
    return _bug(console, error)


def _usage(console: Console, error: click.ClickException) -> int:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see `{context.command_path} --help`" if context else ""
    console.problems("usage", (Problem("", " ".join(error.format_message().split()).rstrip("."), hint),))
    return USAGE


def _interrupted(console: Console, stopped: BaseException) -> int:
    if isinstance(stopped, Interrupted):
        failure = stopped.outcome.failure
        hint = failure.hint if failure else ""
        console.problems(
            "interrupted", (Problem(stopped.outcome.task, f"interrupted; the outcome is {stopped.outcome.status}", hint),)
        )
    else:
        console.problems("interrupted", (Problem("", "interrupted"),))
    return INTERRUPTED


def _bug(console: Console, error: BaseException) -> int:
    """Say that the program itself failed: the error's own words are left out, because nobody has judged them."""
    hint = f"{DEBUG_VARIABLE}=1 shows where, with credentials masked; please report it"
    console.problems("internal", (Problem("", f"httptask failed with {type(error).__name__}", hint),))
    return FAILED


def _refused(error: OSError) -> int:
    """Say what the system refused: the help page on a full disk, a current folder that was deleted."""
    with suppress(OSError):
        sys.stdout.flush()
    silence(sys.stdout)
    _say_refused(error)
    return FAILED


def _say_refused(error: OSError) -> None:
    where = str(error.filename) if error.filename else ""
    Console().problems("system", (Problem(where, f"the system says: {error.strerror or type(error).__name__}"),))


def _open_missing_streams() -> None:
    """Replace standard streams that the caller closed, so that the next file opened does not take their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - open until the process ends
