"""What the page has under way: each trial and run in a thread of its own, told line by line, and stopped in an orderly way."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from httptask import events
from httptask.errors import HttpTaskError, Problem, ProblemsError
from httptask.halting import GRACE, Halt
from httptask.web.telling import line_of

if TYPE_CHECKING:
    from httptask.model import Workflow
    from httptask.outcome import Attempt
    from httptask.runs import RunResult
    from httptask.trying import Tried
    from httptask.web.drafts import Draft

#: Works that are remembered after they ended, the latest.
MOST_KEPT = 10
#: Lines that are kept of one work; the first ones of a long run are in its journal.
MOST_LINES = 2000
#: Seconds that the end of the page waits for works, beyond those that requests on their way get.
_MARGIN = 1.0


@dataclass
class Work:
    """One trial or run that this page executes.

    Attributes:
        id: of the run in the journal.
        task: the task that is tried; empty for a run of a workflow.
        lines: what happened, in words; `dropped` ones came before.
        attempts: of a trial, so far.
        running: paths of the steps that have begun and not ended.
        tried: what came of a trial.
        workflow: what is executed.
        result: what came of a run, masked.
        draft: the form that it was sent from.
        problems: why nothing was sent, or why it could not go on.

    """

    id: str
    task: str = ""
    draft: Draft | None = None
    target: str = ""
    halt: Halt = field(default_factory=Halt)
    lines: list[str] = field(default_factory=list)
    dropped: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    running: dict[str, int] = field(default_factory=dict)
    tried: Tried | None = None
    workflow: Workflow | None = None
    result: RunResult | None = None
    problems: tuple[Problem, ...] = ()
    ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, event: events.Event) -> None:
        """Take an event, masked."""
        with self._lock:
            if isinstance(event, events.AttemptFinished) and event.task == self.task:
                self.attempts.append(event.attempt)
            elif isinstance(event, events.StepStarted):
                self.running[event.path] = 0
            elif isinstance(event, events.StepFinished):
                self.running.pop(event.path, None)
            elif isinstance(event, events.ItemFinished):
                path = event.path.rpartition("[")[0]
                self.running[path] = self.running.get(path, 0) + 1
            self._tell(line_of(event))

    def _tell(self, line: str) -> None:
        if line:
            self.lines.append(line)
            if len(self.lines) > MOST_LINES:
                del self.lines[0]
                self.dropped += 1

    def since(self, number: int) -> tuple[list[str], int]:
        """Return the lines that came after the first `number`, and how many there are by now."""
        with self._lock:
            return self.lines[max(number - self.dropped, 0) :], self.dropped + len(self.lines)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.ended.is_set()


class Works:
    """All works of the page. Safe to share between threads."""

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        """Begin with none; `failed` is told of errors that nobody expected."""
        self._failed = failed
        self._works: OrderedDict[str, Work] = OrderedDict()
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        self.closing = False

    def start(self, work: Work, do: Callable[[], None]) -> None:
        """Do a work in a thread; one that this page has under way under the same id is not begun again.

        Raises:
            ProblemsError: it is under way, or the page is ending.

        """
        with self._lock:
            known = self._works.get(work.id)
            if self.closing or (known is not None and not known.is_over):
                raise ProblemsError(Problem(work.id, "this run is being executed", "wait until it has ended, or stop it"))
            self._works.pop(work.id, None)
            self._works[work.id] = work
            over = [name for name, one in self._works.items() if one.is_over]
            for name in over[: max(len(self._works) - MOST_KEPT, 0)]:
                del self._works[name]
            thread = threading.Thread(target=self._do, args=(work, do), name=f"httptask-work-{work.id}", daemon=True)
            self._threads[work.id] = thread
        thread.start()

    def get(self, work_id: str) -> Work | None:
        """Return a work that is under way or was lately."""
        return self._works.get(work_id)

    def close(self) -> None:
        """Ask all works to stop, and wait for them a little."""
        with self._lock:
            self.closing = True
            threads = list(self._threads.values())
            for work in self._works.values():
                work.halt.ask()
        for thread in threads:
            thread.join(GRACE + _MARGIN)

    def _do(self, work: Work, do: Callable[[], None]) -> None:
        try:
            do()
        except ProblemsError as error:
            work.problems = error.problems
        except HttpTaskError as error:
            work.problems = (Problem("", str(error)),)
        except Exception as error:  # noqa: BLE001 - a bug's own words could hold a credential
            self._failed(error)
            work.problems = (Problem("", f"httptask failed with {type(error).__name__}", "the terminal says more"),)
        finally:
            work.ended.set()
            with self._lock:
                self._threads.pop(work.id, None)
