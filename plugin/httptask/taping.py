"""A run that is played from a cassette in place of the world, in time that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from httptask.cassette import Replay, load
from httptask.events import Event
from httptask.executing import Stage
from httptask.model import Connection, TaskTemplate
from httptask.ports import Transport
from httptask.secrets import Redactor
from httptask.virtual_time import VirtualClock, VirtualLanes


class Replaying:
    """The port `executing.Tape` that plays a cassette; `cassette.Recorder` is the one that records."""

    def __init__(self, file: Path, tasks: Mapping[str, TaskTemplate]) -> None:
        """Read the cassette.

        Raises:
            CassetteInvalid: every problem of it.

        """
        cassette = load(file)
        clock = VirtualClock(cassette.recorded_at)
        self._replay = Replay(cassette, tasks, clock)
        self.stage = Stage(self._replay.connect, clock, VirtualLanes(clock))

    @property
    def unused(self) -> tuple[str, ...]:
        """The recorded requests that were not asked for, with their places."""
        return self._replay.unused

    def connected(self, used: Mapping[str, Connection]) -> None:
        """Take nothing: the connections are its own."""

    def knowing(self, known: Callable[[], Redactor]) -> None:
        """Let messages about a request mask what the run knows."""
        self._replay.known = known

    def wrap(self, transport: Transport) -> Transport:
        """Return what answers from the cassette."""
        return self._replay.wrap(transport)

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._replay(event)
