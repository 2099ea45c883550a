"""Does what the walk of a workflow asks for: task runs for what sends or waits, pauses for approvals, threads side by side."""

from __future__ import annotations

import contextvars
import hashlib
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from prefect.client.schemas.objects import State
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.states import Scheduled

from httptask.engines.prefect.kinds import OURS, HttpTask
from httptask.engines.prefect.ledger import Ledger
from httptask.engines.prefect.places import Place
from httptask.engines.prefect.turning import Call, Done, at, told_to_prefect, turned
from httptask.hosted.host import Host
from httptask.hosted.performing import perform, told
from httptask.hosted.turns import Again, Turn
from httptask.hosted.units import Item, Unit
from httptask.hosted.walking import Approve, Command, Do, Sleep, Together, Told
from httptask.model import Workflow
from httptask.registry import Registry

#: Seconds between two looks at a paused run.
_LOOK = 2


class Decision(RunInput):
    """What a person says to an approval, in Prefect's form."""

    approved: bool


def _worked(work: Callable[[], Any]) -> Any:
    """Do what a task run is for."""
    return work()


_TASK = HttpTask(_worked, **OURS)


@dataclass(slots=True)
class Run:
    """One execution of a workflow's flow run."""

    workflow: Workflow
    registry: Registry
    inputs: Mapping[str, Any]
    host: Host
    ledger: Ledger
    place: Place
    began: float
    approve_within: float
    _told: dict[str, Told] = field(default_factory=dict)
    _submitting: threading.Lock = field(default_factory=threading.Lock)
    _pausing: threading.Lock = field(default_factory=threading.Lock)

    def note(self, name: str, fact: Mapping[str, Any], words: str) -> None:
        """Note a fact by which a later execution goes another way.

        As with a request that may leave, whoever takes the run over reads the ledger after Prefect counted its execution.

        Raises:
            CannotGoOn: Prefect took the run away from this process.

        """
        self.place.check()
        self.ledger.note(name, fact, words)
        self.place.check()

    def drive(self, walking: Generator[Command, Any, Any]) -> Any:
        """Walk to the end and return how it ended."""
        answer: Any = None
        while True:
            try:
                command = walking.send(answer)
            except StopIteration as end:
                return end.value
            answer = self._answer(command)

    def _answer(self, command: Command) -> Any:
        match command:
            case Do(action="send"):
                return self._send(command)
            case Do():
                return self._decide(command)
            case Sleep(node, seconds):
                return self._as_task(node.path, node.path, lambda: self._wait(node.path, seconds))
            case Approve(node, message):
                return self._approve(node.path, message)
            case Together():
                return self._together(command)

    def _unit(self, command: Do) -> Unit:
        item = None if command.item is None else Item.from_json(command.item)
        return Unit(
            self.workflow, self.registry, command.node.path, self.inputs, command.action, command.results, item, began=self.began
        )

    def _decide(self, command: Do) -> Told:
        done = perform(self._unit(command), Turn(self.place.key), self.host, command.more)
        if isinstance(done, Again):
            raise AssertionError("what sends nothing is done at once")  # noqa: TRY004 - no type was handed over
        return told(done)

    def _send(self, command: Do) -> Told:
        unit = self._unit(command)
        call = Call(unit, unit.use, self.place.key, self.place, self.ledger, self.host)

        def work() -> Any:
            done = turned(call)
            if not isinstance(done, Done):
                return done
            self._told[unit.use] = done.ended.to_json()
            return told_to_prefect(done)

        self._as_task(unit.path, unit.use, work, fails=False)
        return self._told[unit.use]

    def _as_task(self, name: str, run_name: str, work: Callable[[], Any], *, fails: bool = True) -> Any:
        """Do something as a task run; a failure of the unit itself is told by the unit, any other one is raised."""
        task = _TASK.with_options(name=name, task_run_name=run_name)
        with self._submitting:
            future = task.submit(work)
        future.wait()
        is_told = run_name in self._told
        return future.result(raise_on_failure=fails or not is_told)

    def _wait(self, name: str, seconds: float) -> State[Any] | None:
        """Wait as a scheduled state of the task run, until the moment that was settled when the wait began."""
        now, known = self.host.clock.now(), self.ledger.of(name)
        if known is None or known.told is None:
            until = now + seconds
            self.ledger.note(name, {"until": until}, f"waits {seconds:g} s")
        else:
            until = float(known.told["until"])
        return None if now >= until else Scheduled(name="Waiting", scheduled_time=at(until - now))

    def _approve(self, name: str, message: str) -> bool:
        with self._pausing:
            known = self.ledger.of(name)
            if known is not None and known.told is not None:
                return bool(known.told["approved"])
            key = hashlib.sha256(f"{self.place.execution}/{name}".encode()).hexdigest()[:16]
            asked = Decision.with_initial_data(description=message)
            said = pause_flow_run(wait_for_input=asked, timeout=int(self.approve_within), poll_interval=_LOOK, key=key)
            self.ledger.note(name, {"approved": said.approved}, "approved" if said.approved else "rejected")
            return bool(said.approved)

    def _together(self, together: Together) -> list[Told]:
        """Walk several at a time; after one that ends the others none is begun, and those that run go on to their end."""
        lock, walks, done, over = threading.Lock(), iter(enumerate(together.walks)), dict[int, Told](), threading.Event()

        def lane() -> None:
            while True:
                with lock:
                    index, walk = (None, None) if over.is_set() else next(walks, (None, None))
                if index is None or walk is None:
                    return
                try:
                    done[index] = self.drive(walk())
                except BaseException:
                    over.set()
                    raise
                if together.ends(done[index]):
                    over.set()

        width = min(together.width, len(together.walks))
        with ThreadPoolExecutor(max(1, width), thread_name_prefix="httptask") as lanes:
            for each in [lanes.submit(contextvars.copy_context().run, lane) for _ in range(width)]:
                each.result()
        return [done[index] for index in sorted(done)]
