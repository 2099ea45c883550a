"""What was begun, in the event log of the run and of those it goes on with: the one place that outlives a worker.

Run tags are no such place: Dagster changes them by reading and writing all of them, so that steps side by side lose each other's.
Events are only added. Each turn is told before it is taken, what it leaves before Dagster is asked to come again, and what failed
before the op raises; that a step succeeded, what it gives stored, is told by Dagster itself. Where an op does several units, each
one's success is told with what it leaves, since the op may still fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, MetadataValue, OpExecutionContext
from dagster._core.events import EngineEventData  # no public name, and the one event that is stored at once and carries data

from httptask.engines.dagster.passed import list_of
from httptask.hosted.marks import Mark
from httptask.hosted.turns import Ended

Kind = Literal["begun", "kept", "marked", "waits", "ended"]
#: Keys of an event's metadata.
_KIND, _USE, _DATA = "httptask event", "httptask step", "httptask data"
#: Tag of a run that nobody asked for: Dagster began it because another one failed.
_AUTOMATIC = "dagster/retry_number"
_OVER = frozenset({DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED, DagsterRunStatus.CANCELING})
_TYPES = {
    DagsterEventType.ENGINE_EVENT,
    DagsterEventType.STEP_SUCCESS,
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.STEP_UP_FOR_RETRY,
}


@dataclass(frozen=True, slots=True)
class Record:
    """One event: ours has a `kind`, what we said of a `use`; Dagster's has a `type`."""

    run: str
    step: str | None
    type: DagsterEventType
    kind: str = ""
    use: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a use before a turn of it.

    Attributes:
        mark: the newest one of the call that is under way.
        is_open: a turn was begun, and nobody told its end: its worker was lost, or the outcome is unknown.
        ends: calls that ended, so that a further one, which a person asked for, has an idempotency key of its own.
        stands: the end to be handed on or told once more, with nothing sent.
        until: epoch seconds before which nothing is to be done: what a server or a step said, whoever came in between.

    """

    mark: Mark = field(default_factory=Mark)
    is_open: bool = False
    ends: int = 0
    stands: Ended | None = None
    until: float | None = None
    run: str = ""
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The events of a run, and of those it goes on with.

    Attributes:
        runs: the first one first, this run last.
        is_whole: none of them was deleted; otherwise nobody knows what it sent.

    """

    instance: DagsterInstance
    runs: tuple[DagsterRun, ...]
    step: str
    is_whole: bool = True

    @classmethod
    def of(cls, context: OpExecutionContext) -> Ledger:
        """Return the ledger that an op reads and writes."""
        runs: list[DagsterRun] = [context.run]
        while (parent := runs[0].parent_run_id) is not None:
            found = context.instance.get_run_by_id(parent)
            if found is None:
                return cls(context.instance, tuple(runs), step_key(context), is_whole=False)
            runs.insert(0, found)
        return cls(context.instance, tuple(runs), step_key(context))

    @property
    def run(self) -> DagsterRun:
        """This run."""
        return self.runs[-1]

    @property
    def root(self) -> str:
        """Id of the run that the first attempt was made in: the same in each re-execution."""
        return str(self.run.root_run_id or self.run.run_id)

    def is_over(self) -> bool:
        """Whether the run was ended behind the back of this worker, which must not send any more then."""
        run = self.instance.get_run_by_id(self.run.run_id)
        return run is None or run.status in _OVER

    @property
    def since(self) -> float:
        """Epoch seconds before which nothing can have been sent; 0 where a run that may have sent something was deleted."""
        return (self.began() or 0.0) if self.is_whole else 0.0

    def began(self) -> float | None:
        """Return the epoch seconds at which the first of the runs began."""
        record = self.instance.get_run_record_by_id(self.root)
        return None if record is None else record.start_time

    def tell(self, use: str, kind: Kind, message: str, data: Mapping[str, Any] | None = None) -> None:
        """Store an event; it is durable when this returns."""
        metadata = {_KIND: kind, _USE: use, _DATA: MetadataValue.json(dict(data or {}))}
        self.instance.report_engine_event(message, self.run, EngineEventData(metadata), step_key=self.step)

    def records(self) -> Iterator[Record]:
        """Yield the events of each run, in order."""
        for run in self.runs:
            for entry in self.instance.all_logs(run.run_id, of_type=_TYPES):
                event = entry.dagster_event
                if event is not None:
                    yield _record(run.run_id, event)

    def past(self, use: str) -> Past:
        """Return what is known of a use."""
        past = Past(is_open=not self.is_whole)
        for record in self.records():
            if record.use == use:
                past = self._after(past, record)
            elif record.type == DagsterEventType.STEP_SUCCESS and (record.run, record.step) == (past.run, past.step):
                past = self._succeeded(past)
        return past

    def stands(self, run: str, ended: Ended) -> bool:
        """Tell whether the end of a call that failed in a run is told once more in this one, and nothing sent.

        It is this run's own, or nobody asked for another attempt, or the server has acted and would act twice.
        """
        return run == self.run.run_id or self._is_automatic() or bool(ended.result.get("final"))

    def _after(self, past: Past, record: Record) -> Past:
        match record.kind:
            case "begun":
                return replace(past, is_open=True, stands=None, until=None, run=record.run, step=record.step)
            case "kept":
                return replace(past, mark=Mark.from_json(record.data))
            case "marked":
                mark, until = Mark.from_json(record.data["mark"]), float(record.data["until"])
                return replace(past, mark=mark, is_open=False, until=until)
            case "waits":
                return replace(past, until=float(record.data["until"]), run=record.run, step=record.step)
        return self._ended(past, record, Ended.from_json(record.data))

    def _ended(self, past: Past, record: Record, ended: Ended) -> Past:
        if ended.status == "unknown":
            return past
        if ended.status != "failed":
            return self._went_well(past, record, ended)
        return Past(ends=past.ends + 1, stands=ended if self.stands(record.run, ended) else None)

    def _went_well(self, past: Past, record: Record, ended: Ended) -> Past:
        """Return what a unit left in an op that does several: it stands where that op goes on with the same list."""
        if record.step != self.step or self._is_listed_anew(record.run):
            return self._succeeded(past)
        return Past(ends=past.ends + 1, stands=ended)

    def _is_listed_anew(self, run: str) -> bool:
        """Whether the list that this step gathers was made once more after a run: its items may be others by now."""
        later = self.runs[[each.run_id for each in self.runs].index(run) + 1 :]
        return any(each.step_keys_to_execute is None or list_of(self.step) in each.step_keys_to_execute for each in later)

    def _succeeded(self, past: Past) -> Past:
        if self._is_automatic():  # of all steps, also of those that succeeded: nobody asked for another request
            return replace(past, is_open=True, run="", step=None)
        return Past(ends=past.ends + 1)

    def _is_automatic(self) -> bool:
        return _AUTOMATIC in self.run.tags


def step_key(context: OpExecutionContext) -> str:
    """Return the key of the step that an op is executed as, with that of the item."""
    return str(context.get_step_execution_context().step.key)


def _record(run: str, event: Any) -> Record:
    kind = DagsterEventType(event.event_type_value)
    if kind != DagsterEventType.ENGINE_EVENT:
        return Record(run, event.step_key, kind)
    said = {name: value.value for name, value in event.engine_event_data.metadata.items() if name in {_KIND, _USE, _DATA}}
    return Record(run, event.step_key, kind, said.get(_KIND, ""), said.get(_USE, ""), said.get(_DATA, {}))
