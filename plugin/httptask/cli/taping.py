"""`--record` and `--replay` of the command line: what goes with them, and what is said of a cassette at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from httptask.cli.exits import FAILED, SUCCEEDED
from httptask.wording import counted

if TYPE_CHECKING:
    from httptask.cassette import Recorder
    from httptask.cli.console import Console
    from httptask.executing import Tape
    from httptask.registry import Registry
    from httptask.secrets import Secret
    from httptask.surroundings import Surroundings

#: Recorded requests that were not asked for, of which each is told.
_MOST_TOLD = 10


@dataclass(slots=True)
class Taped:
    """What goes along with the command: a tape, if any, and the command's exit code, which the end of the tape may change."""

    inner: Tape | None
    code: int = SUCCEEDED


def check(flags: Mapping[str, Any], unsent: str) -> None:
    """Refuse flags that contradict one another; `unsent` is the option that keeps anything from being sent, if there is one.

    Raises:
        UsageError: they do.

    """
    if flags["overwrite"] and not flags["record"]:
        raise click.UsageError("--overwrite says what --record may replace")
    chosen = [option for option, given in (("--record", flags["record"]), ("--replay", flags["replay"])) if given]
    if not chosen:
        return
    other = next(filter(None, [*chosen[1:], unsent]), "")
    if other:
        raise click.UsageError(f"{chosen[0]} and {other} do not go together; give one of them")
    named = {"--sandbox": "sandbox", "--connection": "name", "--base-url": "base_url", "--token": "token", "--journal": "journal"}
    kept = [option for option, name in named.items() if flags[name] not in {None, False}]
    if flags["replay"] and kept:
        raise click.UsageError(f"--replay answers from the cassette and keeps no journal; leave out {', '.join(kept)}")


def reader(flags: Mapping[str, Any], around: Surroundings) -> Callable[[str, str], Secret]:
    """Return what reads references of secret inputs; one that is not there at replay stands for itself: any value fits."""
    from httptask.errors import ConfigurationError
    from httptask.secrets import Secret

    def read(text: str, where: str) -> Secret:
        try:
            return around.secret(text, around.cwd, where)
        except ConfigurationError:
            if not flags["replay"]:
                raise
            return Secret(text, reference=text)

    return read


@contextmanager
def taped(flags: Mapping[str, Any], tasks: Registry, console: Console) -> Iterator[Taped]:
    """Yield the tape that the flags ask for. However the command ends, what was recorded is written, and said.

    Raises:
        CassetteInvalid: the cassette to be replayed, or the place for a new one, is wrong.

    """
    if flags["record"]:
        from httptask.cassette import Recorder
        from httptask.clock import SystemClock

        recorder = Recorder(flags["record"], tasks, SystemClock(), flags["overwrite"])
        tape = Taped(recorder)
        try:
            yield tape
        finally:
            _finish(recorder, tape, console)
    elif flags["replay"]:
        from httptask.taping import Replaying

        replaying = Replaying(flags["replay"], tasks)
        yield Taped(replaying)
        _say_what_is_left(replaying.unused, console)
    else:
        yield Taped(None)


def _finish(recorder: Recorder, tape: Taped, console: Console) -> None:
    """Write the cassette. One that cannot be written is no reason to hide how the command ended."""
    from httptask.errors import CassetteInvalid
    from httptask.loader import shown

    try:
        count = recorder.finish()
    except CassetteInvalid as error:
        for problem in error.problems:
            console.note(f"{console.style('error:', 'red', 'bold', stream=sys.stderr)} {problem}")
        tape.code = tape.code or FAILED
        return
    words = f"{counted(count, 'exchange')} recorded in {shown(recorder.file)}"
    words = words if count else "no exchange came to an end, so that no cassette was written"
    console.note(console.style(words, "dim", stream=sys.stderr))


def _say_what_is_left(unused: tuple[str, ...], console: Console) -> None:
    if not unused:
        return
    were = "was" if len(unused) == 1 else "were"
    console.note(f"note: {counted(len(unused), 'recorded exchange')} {were} not asked for")
    for each in unused[:_MOST_TOLD]:
        console.note(f"  {each}")
    if len(unused) > _MOST_TOLD:
        console.note(f"  and {len(unused) - _MOST_TOLD} more")
