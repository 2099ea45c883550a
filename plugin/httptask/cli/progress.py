"""How far a `forEach` has come, for people who wait: one line that is written over on a terminal, else a line now and then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from httptask.cli.console import Console
from httptask.events import ItemFinished, StepStarted

#: A list of more items is told by its progress, a shorter one by its requests.
FEW = 10
#: Seconds between two looks of the line on a terminal.
_OFTEN = 0.2
#: Items between two lines where none is written over.
_EVERY = 100
_FINE = frozenset({"succeeded", "skipped"})


@dataclass(slots=True)
class Progress:
    """Counts the items of one `forEach`.

    Attributes:
        in_place: write over one line of a terminal; otherwise each line stays.

    """

    console: Console
    monotonic: Callable[[], float]
    step: str
    total: int
    in_place: bool
    done: int = 0
    troubles: dict[str, int] = field(default_factory=dict)
    _shown_at: float | None = None

    def take(self, item: ItemFinished) -> None:
        """Count an item."""
        self.done += 1
        if item.status not in _FINE:
            self.troubles[item.status] = self.troubles.get(item.status, 0) + 1
        if self.in_place:
            self.show()
        elif self.done % _EVERY == 0 and self.done < self.total:
            self.console.note(self._text())

    def show(self, remark: str = "") -> None:
        """Write the line over, unless that was done a moment ago: a terminal must not slow the requests down."""
        now = self.monotonic()
        if self._shown_at is None or now - self._shown_at >= _OFTEN:
            self._shown_at = now
            self.console.transient(self._text() + (f"  {remark}" if remark else ""))

    def _text(self) -> str:
        troubles = ", ".join(f"{count} {status}" for status, count in self.troubles.items())
        return f"  {self.step}  {self.done} of {self.total}" + (f"  ({troubles})" if troubles else "")


def progress_of(started: StepStarted, console: Console, monotonic: Callable[[], float], *, in_place: bool) -> Progress | None:
    """Return what counts the items of a step, None where these are few or none."""
    if started.items is None or started.items <= FEW:
        return None
    return Progress(console, monotonic, started.step, started.items, in_place)
