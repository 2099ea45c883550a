"""A worker of all tasks in one process: asks for what is due, never for more than it can begin, and tells what came of it.

It is no `TaskHandler` of the SDK: that one starts a process for each task, in its thread mode it cannot be stopped, and it drops
tasks that it was handed already when it ends, which nobody could tell from tasks that were sent.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from httptask.engines.conductor.deliveries import Delivery, Report
from httptask.engines.conductor.server import Server, ServerError
from httptask.engines.conductor.working import refusal
from httptask.hosted.turns import OUTCOME_UNKNOWN
from httptask.ports import Clock

#: Seconds between two rounds of asking when nothing was due, and while something was due a moment ago.
IDLE, BUSY = 0.25, 0.02
#: Seconds that are a moment: the next step of a workflow is due at once.
MOMENT = 3.0
#: Seconds after which the server is asked again that did not answer.
PAUSE = 2.0
#: Seconds for which a report is tried again: what was sent must not be told as lost because the server was restarted.
TELLING = 600.0
#: How often within its lease a task says that its worker lives.
_BEATS = 3

#: Answers that will be the same whenever a report is sent again: it is wrong, or the task is gone.
_REFUSED = frozenset({400, 404})

_LOG = logging.getLogger("httptask.conductor")


@dataclass(slots=True)
class Worker:
    """A context manager: works from its beginning to its end, and ends when everything it was handed is told.

    Attributes:
        tasks: names of the tasks to ask for.
        work: says what becomes of a delivery.
        threads: tasks at a time.

    """

    server: Server
    tasks: Sequence[str]
    work: Callable[[Delivery], Report]
    name: str
    clock: Clock
    threads: int = 8
    _stopping: threading.Event = field(default_factory=threading.Event)
    _running: dict[str, tuple[Delivery, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _own: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Begin to work."""
        for target in (self._ask, self._beat):
            thread = threading.Thread(target=target, name=f"conductor-{target.__name__}", daemon=True)
            thread.start()
            self._own.append(thread)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Ask for nothing more, and wait until what was begun is told."""
        self._stopping.set()
        for thread in self._own:
            thread.join()

    def _ask(self) -> None:
        found_at = 0.0
        with ThreadPoolExecutor(self.threads, thread_name_prefix="conductor") as pool:
            while not self._stopping.is_set():
                try:
                    found = sum(self._asked(task, pool) for task in self.tasks)
                except ServerError as error:
                    _LOG.warning("Conductor cannot be asked: %s", error)
                    self._stopping.wait(PAUSE)
                else:
                    now = self.clock.monotonic()
                    found_at = now if found or self._running else found_at
                    self._stopping.wait(BUSY if now - found_at < MOMENT else IDLE)

    def _asked(self, task: str, pool: ThreadPoolExecutor) -> int:
        room = self.threads - len(self._running)
        if room < 1 or self._stopping.is_set():
            return 0
        deliveries = self.server.poll(task, worker=self.name, most=room)
        for delivery in deliveries:
            with self._lock:
                self._running[delivery.task_id] = delivery, self.clock.monotonic()
            pool.submit(self._do, delivery)
        return len(deliveries)

    def _do(self, delivery: Delivery) -> None:
        try:
            report = self.work(delivery)
        except Exception as error:  # noqa: BLE001 - whatever failed, it may have failed after something was sent
            # without its own words, which nobody has judged
            _LOG.error("httptask failed with %s at %s", type(error).__name__, delivery.reference)
            report = refusal(OUTCOME_UNKNOWN, f"httptask failed with {type(error).__name__}; please report it")
        try:
            self._tell(delivery, report)
        finally:
            with self._lock:
                self._running.pop(delivery.task_id, None)

    def _tell(self, delivery: Delivery, report: Report) -> None:
        end = self.clock.monotonic() + TELLING
        while True:
            try:
                return self.server.report(delivery, report)
            except ServerError as error:
                if error.status in _REFUSED or self.clock.monotonic() > end:
                    return _LOG.error("what came of %s could not be told: %s", delivery.reference, error)
                self.clock.sleep(PAUSE)

    def _beat(self) -> None:
        """Extend the leases of what runs longer than a third of them."""
        while not self._stopping.wait(0.5) or self._running:
            now = self.clock.monotonic()
            with self._lock:
                late = [one for one, since in self._running.values() if one.lease and now - since > one.lease / _BEATS]
                self._running.update({one.task_id: (one, now) for one in late})
            for delivery in late:
                try:
                    self.server.extend(delivery)
                except ServerError as error:
                    _LOG.warning("the lease of %s could not be extended: %s", delivery.reference, error)
