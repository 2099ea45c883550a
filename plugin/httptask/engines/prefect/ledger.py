"""What became of each unit of a flow run, kept by Prefect's server as artifacts: what a run that begins again goes on from.

A unit has one artifact, which is rewritten as the unit goes on. That a request is about to leave is durable before it leaves.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterTaskRunId, ArtifactFilterType
from prefect.client.schemas.objects import Artifact
from prefect.client.schemas.sorting import ArtifactSort

from httptask.engines.prefect.places import Place
from httptask.hosted.marks import Mark
from httptask.hosted.turns import Again, Ended

#: Type of the artifacts.
TYPE = "httptask"
_PAGE = 200

#: `begun`: a turn that may send something was begun; `again`: it ended, and another is due; `noted`: a fact, and no turn.
Phase = Literal["begun", "again", "ended", "noted"]


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one unit.

    Attributes:
        told: its end as JSON, or the fact that was noted.
        inputs: digest of what it was given, where its name says nothing of that.
        since: epoch seconds before which nothing can have been sent for the unit, but for what is known to have failed; 0: none.

    """

    phase: Phase
    mark: Mark = field(default_factory=Mark)
    told: Mapping[str, Any] | None = None
    words: str = ""
    inputs: str = ""
    since: float = 0.0
    artifact: UUID | None = None

    @property
    def is_over(self) -> bool:
        """Whether the unit is not to be done again: it went well, the workflow goes on after it, or the server had acted."""
        return self.phase == "ended" and self.told is not None and Ended.from_json(self.told).is_final

    @property
    def is_open(self) -> bool:
        """Whether a request may have left of which nobody knows what became."""
        return self.phase == "begun" or (self.phase == "ended" and self.told is not None and self.told["status"] == "unknown")

    @property
    def begins_anew(self) -> bool:
        """Whether the unit is known to have failed, and nothing of it was carried out: it is tried anew."""
        return self.phase == "ended" and not self.is_over and not self.is_open

    def to_json(self) -> dict[str, Any]:
        """Return the artifact's data, but for the name of the unit."""
        data = {"phase": self.phase, "mark": self.mark.to_json(), "told": self.told}
        return {**data, "inputs": self.inputs, "since": self.since}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], artifact: UUID) -> Record:
        """Return the record that an artifact has; one that an older release wrote says less."""
        more = {"inputs": data.get("inputs", ""), "since": float(data.get("since", 0))}
        return cls(data["phase"], Mark.from_json(data["mark"]), data["told"], **more, artifact=artifact)


class Ledger:
    """The records of one flow run, or of one task run that stands in no flow. Safe in several threads."""

    def __init__(self, place: Place) -> None:
        """Read what earlier executions of the run left."""
        self._place = place
        self._lock = threading.Lock()
        self._records = dict(_read(place))
        self._given: dict[str, str] = {}

    def of(self, name: str) -> Record | None:
        """Return what is known of a unit."""
        with self._lock:
            return self._records.get(name)

    def opened(self, prefix: str) -> list[str]:
        """Return the names of the units, of those that begin so, of which nobody knows what became."""
        with self._lock:
            return [name for name, record in self._records.items() if name.startswith(prefix) and record.is_open]

    def given(self, name: str, inputs: str) -> None:
        """Keep a digest of what a unit is given with its records from now on."""
        with self._lock:
            self._given[name] = inputs

    def begin(self, name: str, mark: Mark, task_run: UUID | None, *, now: float) -> None:
        """Note that a request may leave from now on, if none has left before."""
        known, words = self.of(name), "begun: what became of it is not known yet"
        since = now if known is None or known.begins_anew else known.since
        self._write(name, Record("begun", mark, words=words, since=since), task_run)

    def again(self, name: str, again: Again, task_run: UUID | None) -> None:
        """Note that a turn ended in an orderly way and another is due."""
        words = f"{again.why} after {again.wait:g} s: {again.reason}"
        self._write(name, Record("again", again.mark, words=words), task_run)

    def end(self, name: str, ended: Ended, mark: Mark, task_run: UUID | None) -> None:
        """Note how a unit ended, and the mark that its last turn began with."""
        words = f"{ended.status}: {ended.message}" if ended.failure else ended.status
        self._write(name, Record("ended", mark, ended.to_json(), words), task_run)

    def note(self, name: str, fact: Mapping[str, Any], words: str, task_run: UUID | None = None) -> None:
        """Note a fact that another execution of the run must find again."""
        self._write(name, Record("noted", told=dict(fact), words=words), task_run)

    def _write(self, name: str, record: Record, task_run: UUID | None) -> None:
        known = self.of(name)
        since = record.since or (0.0 if known is None else known.since)
        record = replace(record, inputs=self._given.get(name, ""), since=since)
        data = {"unit": name, "chain": self._place.chain, **record.to_json()}
        description = f"`{name}` {record.words}"
        with get_client(sync_client=True) as client:
            if known is not None and known.artifact is not None:
                artifact = known.artifact
                client.update_artifact(artifact, ArtifactUpdate(data=data, description=description))
            else:
                owner = {"flow_run_id": self._place.root, "task_run_id": task_run or self._place.alone}
                artifact = client.create_artifact(ArtifactCreate(type=TYPE, data=data, description=description, **owner)).id
        with self._lock:
            self._records[name] = replace(record, artifact=artifact)


def _read(place: Place) -> dict[str, Record]:
    """Return the records that the server has of a run.

    Of two of one unit, as a repeated request may leave or a process that was given up, the newer one; but what is over stays so.
    """
    found: dict[str, Record] = {}
    for artifact in sorted(_artifacts(place), key=lambda each: each.updated):
        data = artifact.data
        record = Record.from_json(data, artifact.id)
        known = found.get(data["unit"])
        if data["chain"] == place.chain and (record.is_over or known is None or not known.is_over):
            found[data["unit"]] = record
    return found


def _artifacts(place: Place) -> Iterator[Artifact]:
    whose = (
        {"task_run_id": ArtifactFilterTaskRunId(any_=[place.alone])}
        if place.root is None
        else {"flow_run_id": ArtifactFilterFlowRunId(any_=[place.root])}
    )
    wanted = ArtifactFilter(type=ArtifactFilterType(any_=[TYPE]), **whose)
    with get_client(sync_client=True) as client:
        offset = 0
        while page := client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.ID_DESC, limit=_PAGE, offset=offset):
            yield from page
            offset += len(page)
