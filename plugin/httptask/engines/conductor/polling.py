"""A worker of all tasks in one process: asks for what is due, never for more than it can begin, and tells what came of it.

It is no `TaskHandler` of the SDK: that one starts a process for each task, in its thread mode it cannot be stopped, and it drops
tasks that it was handed already when it ends, which nobody could tell from tasks that were sent.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from httptask.engines.conductor.deliveries import Delivery, Report
from httptask.engines.conductor.server import ConductorError, Server
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
#: The same for a worker that is to end.
PARTING = 30.0
#: Seconds between two looks at what runs for long.
BEAT = 0.5
#: How often within its lease a task says that its worker lives.
_BEATS = 3

_LOG = logging.getLogger("httptask.conductor")


@dataclass(slots=True)
class _Running:
    """A delivery that is worked on.

    The lock keeps what is said of it one after the other: the server writes a lease down with the whole task as it read it, over
    whatever was reported meanwhile.
    """

    delivery: Delivery
    heard: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_told: bool = False


@dataclass(slots=True)
class Worker:
    """Works as long as it is let, and ends when everything that it was handed is told.

    Attributes:
        tasks: names of the tasks to ask for.
        threads: tasks at a time.

    """

    server: Server
    tasks: Sequence[str]
    name: str
    clock: Clock
    threads: int = 8
    _stopping: threading.Event = field(default_factory=threading.Event)
    _running: dict[str, _Running] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _work: Callable[[Delivery], Report] = field(default=lambda _: Report("IN_PROGRESS"))

    @contextmanager
    def doing(self, work: Callable[[Delivery], Report]) -> Iterator[None]:
        """Work for as long as the context lasts; `work` says what becomes of a delivery."""
        self._work = work
        threads = [
            threading.Thread(target=each, name=f"conductor{each.__name__}", daemon=True) for each in (self._ask, self._beat)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()

    def _ask(self) -> None:
        found_at = 0.0
        with ThreadPoolExecutor(self.threads, thread_name_prefix="conductor") as pool:
            while not self._stopping.is_set():
                try:
                    found = sum(self._asked(task, pool) for task in self.tasks)
                except ConductorError as error:
                    _LOG.warning("Conductor cannot be asked: %s", error)
                    self._stopping.wait(PAUSE)
                except Exception as error:  # noqa: BLE001 - a worker that asks no more would still seem to be ready
                    _LOG.error("asking Conductor failed with %s; please report it", type(error).__name__)
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
            running = _Running(delivery, self.clock.monotonic())
            with self._lock:
                self._running[delivery.task_id] = running
            try:
                pool.submit(self._do, running)
            except BaseException:
                self._forget(delivery)  # nobody works on it, so nobody says that its worker lives
                raise
        return len(deliveries)

    def _do(self, running: _Running) -> None:
        delivery = running.delivery
        try:
            report = self._work(delivery)
        except Exception as error:  # noqa: BLE001 - whatever failed, it may have failed after something was sent
            # without its own words, which nobody has judged
            _LOG.error("httptask failed with %s at %s", type(error).__name__, delivery.reference)
            report = refusal(OUTCOME_UNKNOWN, f"httptask failed with {type(error).__name__}; please report it")
        try:
            with running.lock:
                running.is_told = True
                self._tell(delivery, report)
        finally:
            self._forget(delivery)

    def _forget(self, delivery: Delivery) -> None:
        with self._lock:
            self._running.pop(delivery.task_id, None)

    def store(self, delivery: Delivery, report: Report) -> None:
        """Report in the middle of a turn.

        Raises:
            ConductorError: it could not be stored.

        """
        running = self._running[delivery.task_id]
        with running.lock:
            self.server.report(delivery, report)

    def _tell(self, delivery: Delivery, report: Report) -> None:
        began = self.clock.monotonic()
        while True:
            try:
                return self.server.report(delivery, report)
            except ConductorError as error:
                tried = self.clock.monotonic() - began
                if error.lasts or tried > (PARTING if self._stopping.is_set() else TELLING):
                    return _LOG.error("what came of %s could not be told: %s", delivery.reference, error)
                self.clock.sleep(PAUSE)

    def _beat(self) -> None:
        """Extend the leases of what runs longer than a third of them."""
        while not self._stopping.wait(BEAT) or self._running:
            with self._lock:
                running = list(self._running.values())
            for each in running:
                self._extend(each)

    def _extend(self, running: _Running) -> None:
        delivery, now = running.delivery, self.clock.monotonic()
        if not delivery.lease or now - running.heard < delivery.lease / _BEATS or not running.lock.acquire(blocking=False):
            return
        try:
            if not running.is_told:
                self.server.extend(delivery)
                running.heard = now
        except ConductorError as error:
            _LOG.warning("the lease of %s could not be extended: %s", delivery.reference, error)
        finally:
            running.lock.release()
