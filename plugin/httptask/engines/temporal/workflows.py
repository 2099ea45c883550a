"""The workflow `httptask.run`: walks a workflow file's outline. It reads no file and evaluates no expression: its activities do.

What it has learned so far are answers to commands; a run that continues as new carries them along, and walks the same way again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from httptask.engines.temporal.arguments import outline_of
    from httptask.engines.temporal.ends import Known
    from httptask.engines.temporal.names import (
        CONTINUE_AT,
        CONTINUE_AT_BYTES,
        LARGEST,
        MOST_SAID,
        MOST_TOGETHER,
        WORKFLOW,
        length,
    )
    from httptask.engines.temporal.units import begin, identity, kept, unit
    from httptask.hosted.outline import Outline
    from httptask.hosted.turns import OUTCOME_UNKNOWN
    from httptask.hosted.walking import Approve, Do, End, Sleep, Together, walk

Argument = dict[str, Any]
#: A timer after which a workflow's code goes on with another message to the server.
_MOMENT = timedelta(milliseconds=1)


@workflow.defn(name=WORKFLOW)
class HttpTaskRun:
    """One run of a workflow file."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._argument: Argument = {}
        self._answers: dict[str, Any] = {}
        self._polls: dict[str, Any] = {}
        self._due: dict[str, float] = {}
        self._said: dict[str, bool] = {}
        self._asked: dict[str, str] = {}
        self._asking: frozenset[str] | None = None  # paths of steps that ask; None before the beginning
        self._running = 0
        self._has_begun = False
        self._together_at, self._together_bytes = 0, 0
        self._stays = False

    @workflow.run
    async def run(self, argument: Any = None) -> dict[str, Any]:
        """Run the workflow and return its outputs.

        Args:
            argument: what `start_argument` returns; of any type here, as Temporal hands over again for ever what fits none.

        Raises:
            ApplicationError: it did not succeed; the type says why, the details hold the end of the step that ended it.

        """
        outline = self._begun(argument)
        walking = asyncio.create_task(self._walked(walk(outline)))
        while not walking.done():
            try:
                await workflow.wait_condition(lambda: walking.done() or self._rests())
            except asyncio.CancelledError:
                walking.cancel()  # ends once each request under way was answered
                await asyncio.wait([walking])
                raise
            if not walking.done():
                self._continue_as_new()
        end: End = await walking
        if end.status == "succeeded":
            return dict(end.outputs)
        raise _failed(end)

    @workflow.signal
    def approve(self, answer: dict[str, Any]) -> None:
        """Take a person's answer: `{path, approved}`; the first one for a step counts."""
        if problem := self._wrong_with(answer):
            workflow.logger.warning("an answer does not count: %s", problem)
            return
        self._said.setdefault(answer["path"], answer["approved"])

    @workflow.update(name="approve")
    def answered(self, answer: dict[str, Any]) -> None:
        """Take an answer as the signal does; what does not count is told to whoever gives it."""
        self.approve(answer)

    @answered.validator
    def _countable(self, answer: dict[str, Any]) -> None:
        if problem := self._wrong_with(answer):
            raise ApplicationError(problem, type="input", non_retryable=True)

    @workflow.query
    def waiting(self) -> list[dict[str, str]]:
        """Return the steps that wait for a person, and what they ask."""
        return [{"path": path, "message": message} for path, message in self._asked.items()]

    def _begun(self, argument: Any) -> Outline:
        info = workflow.info()
        if info.cron_schedule or info.attempt > 1:  # runs of a chain share what idempotency keys are made from
            message = "start it by a Temporal Schedule, or again: a cron schedule or retry policy of the workflow is not kept"
            raise ApplicationError(message, type="input", non_retryable=True)
        outline = outline_of(argument)
        self._argument = {"began": workflow.time(), **argument}
        state = argument.get("state") or {}
        self._answers, self._polls = dict(state.get("answers", {})), dict(state.get("polls", {}))
        self._due, early = dict(state.get("due", {})), self._said  # a signal may come before the beginning
        self._said = dict(state.get("said", {}))
        self._asking = frozenset(node.path for node in outline.every() if node.kind == "approve")
        for path, approved in early.items():
            self.approve({"path": path, "approved": approved})
        return outline

    def _wrong_with(self, answer: Mapping[str, Any]) -> str | None:
        """Return why a person's answer cannot count; None where it can."""
        if not isinstance(answer.get("approved"), bool):
            return "'approved' must be true or false"
        if not isinstance(answer.get("path"), str):
            return "'path' must be the path of the step that asks"
        if self._asking is not None and answer["path"] not in self._asking:
            return f"no step of this run asks under that 'path'; those that ask: {', '.join(sorted(self._asking)) or 'none'}"
        return None

    async def _walked(self, walking: Generator[Any, Any, Any]) -> Any:
        answer = None
        while True:
            try:
                command = walking.send(answer)
            except StopIteration as end:
                return end.value
            answer = await self._answer(command)

    async def _answer(self, command: Do | Sleep | Approve | Together) -> Any:
        match command:
            case Do():
                return await self._done(command)
            case Sleep(node, seconds):
                return await self._slept(node.path, seconds)
            case Approve(node, message):
                return await self._approved(node.path, message)
            case Together():
                return await self._together(command)

    async def _done(self, do: Do) -> Mapping[str, Any]:
        name = identity(do)
        if name in self._answers:
            return dict(self._answers[name])
        while True:
            again = self._polls.get(name)
            if again is not None:
                await self._slept(name, again["wait"])
            told = await self._active(do, again)
            if "again" not in told:
                break
            self._polls[name] = {**told["again"], "wait": told["wait"]}
            self._due.pop(name, None)
        self._polls.pop(name, None)
        self._due.pop(name, None)
        self._answers[name] = kept(told)
        return told

    async def _active(self, do: Do, again: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Do one turn of a unit, as soon as the run has room for it."""
        data = unit(do, self._argument["began"], workflow.info().first_execution_run_id, again)
        await workflow.wait_condition(lambda: not self._is_full())
        while not self._fits(length(data)):
            await workflow.sleep(_MOMENT)
            await workflow.wait_condition(lambda: not self._is_full())
        self._has_begun, self._running = True, self._running + 1
        try:
            return await begin(do, data, Known.of(self._argument))
        finally:
            self._running -= 1

    async def _slept(self, name: str, seconds: float) -> None:
        due = self._due.setdefault(name, workflow.time() + seconds)
        if due > workflow.time():
            await workflow.sleep(timedelta(seconds=due - workflow.time()))

    async def _approved(self, path: str, message: str) -> bool:
        self._asked[path] = message
        await workflow.wait_condition(lambda: path in self._said)
        del self._asked[path]
        return self._said[path]

    async def _together(self, command: Together) -> list[Any]:
        """Walk several; each lane takes the next one, so that those begun are the first ones."""
        waiting, done = iter(enumerate(command.walks)), dict[int, Any]()

        async def lane() -> None:
            for index, one in waiting:
                if any(command.ends(told) for told in done.values()):
                    return
                done[index] = await self._walked(one())

        lanes = (lane() for _ in range(min(command.width, len(command.walks))))
        # each to its end: the first that is cancelled must not end the run while another's request is under way
        for end in await asyncio.gather(*lanes, return_exceptions=True):
            if end is not None:
                raise end
        return [done[index] for index in sorted(done)]

    def _fits(self, size: int) -> bool:
        """Tell whether an argument fits into the message that what was begun at this point of the history is sent in."""
        now = workflow.info().get_current_history_length()
        others = self._together_bytes if self._together_at == now else 0
        if others and others + size > MOST_TOGETHER:
            return False
        self._together_at, self._together_bytes = now, others + size
        return True

    def _is_full(self) -> bool:
        """Tell whether the history is long enough; it never is before this run did something, or none ever would."""
        return self._has_begun and not self._stays and self._is_long()

    def _is_long(self) -> bool:
        info, argument = workflow.info(), self._argument
        return (
            info.is_continue_as_new_suggested()
            or info.get_current_history_length() >= argument.get("continueAt", CONTINUE_AT)
            or info.get_current_history_size() >= argument.get("continueAtBytes", CONTINUE_AT_BYTES)
        )

    def _rests(self) -> bool:
        return self._is_full() and self._running == 0

    def _continue_as_new(self) -> None:
        """Continue as new, with everything that was learned; where that is too much to be carried along, go on here."""
        state = {"answers": self._answers, "polls": self._polls, "due": self._due, "said": self._said}
        argument = {**self._argument, "state": state}
        if length(argument) > LARGEST:
            self._stays = True
            workflow.logger.warning("what this run has learned is too much to continue as new: its history grows on")
            return
        workflow.continue_as_new(argument)


def _failed(end: End) -> ApplicationError:
    told = end.told or {}
    failure = told.get("failure") or {}
    kind = OUTCOME_UNKNOWN if end.status == "unknown" else failure.get("kind", end.status)
    message = failure.get("message", end.status)[:MOST_SAID]  # it stands beside the end, which may fill a payload
    hint = failure.get("hint")
    return ApplicationError(f"{message} ({hint})" if hint else message, dict(told), type=kind, non_retryable=True)
