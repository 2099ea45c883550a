"""Which turn an Airflow try is: the marks of turns, in the store that Airflow keeps for a task over its tries.

Airflow tries a task again in three cases: because a try said so, because its worker was lost, and because a person cleared it
after its end. Only in the first does the mark name the try before; in the last Airflow has raised `max_tries`. The end may be one
that Airflow itself made, because the worker was lost: a success counts as such only once Airflow has taken note of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from httptask.hosted.marks import Mark, is_open
from httptask.hosted.turns import Again, Ended, Turn

#: Keys in `task_state_store`: of what the last try left; and of an item that was begun, whatever came of it.
NAME, BEGUN = "httptask", "httptask-begun"
#: Why there is a mark: the try asks for another, or for itself to be gone on with; it is done, and Airflow is yet to take note of
#: that; it is over; or it may not have ended.
Why = Literal["retry", "poll", "done", "over", "kept"]


@dataclass(frozen=True, slots=True)
class Tries:
    """The tries of one task of a DAG run; one that `polls` goes on in the same try after every wait."""

    context: Mapping[str, Any]

    polls: bool = False

    def turn(self, key: str, *, most: int | None = None) -> Turn:
        """Return the turn that this try, or the rest of it, begins; `most` are the attempts that the DAG's author allows."""
        mark, lost = self._left()
        last = not self.polls and self._ti.try_number > self._ti.max_tries
        since = self.context["dag_run"].run_after.timestamp()  # no clearing changes it
        return Turn(key, mark, lost, most, last, since, keep=lambda found: self._store("kept", found), varies=True)

    def leave(self, again: Again) -> None:
        """Store what the next turn needs, before Airflow is told that there is to be one."""
        self._store("poll" if self.polls else "retry", again.mark)

    def leave_unbegun(self) -> None:
        """Say that this try ended without anything having been sent; after a lost one it cannot say more than that one did."""
        mark, lost = self._left()
        if not lost:
            self._store("retry", mark)

    def begin(self) -> None:
        """Say that an item is begun: what keeps items from being begun no longer concerns it."""
        self.context["task_state_store"].set(BEGUN, self._ti.try_number)

    def end(self, use: str = "", ended: Ended | None = None) -> None:
        """Say that the task is over: a try that a person then begins does it anew.

        A success is over with `note` alone: if Airflow did not learn of it, it has failed the task, and the person knows of none.
        An end that is final, because the server has acted, is kept: whoever begins the task again is told it again.
        """
        final = ended is not None and ended.result.get("final")
        more = {"use": use, "final": {**ended.to_json(), "outcome": None}} if ended is not None and final else {}
        succeeds = ended is not None and ended.goes_on and ended.status != "skipped"
        self._store("done" if succeeds else "over", self._left()[0], **more)

    def note(self) -> None:
        """Say that Airflow has taken note of a success; where Airflow removed what was kept of it, nothing is kept anew."""
        kept = self._kept()
        if kept.get("why") == "done":
            self.context["task_state_store"].set(NAME, {**kept, "why": "over"})

    @property
    def final(self) -> tuple[str, Ended] | None:
        """The use and its end, where that stands whoever begins the task again."""
        kept = self._kept()
        return (kept["use"], Ended.from_json(kept["final"])) if "final" in kept else None

    @property
    def is_pending(self) -> bool:
        """Whether something may have been sent before, of whose end nobody knows."""
        mark, lost = self._left()
        return lost or is_open(mark.entries)

    @property
    def is_begun(self) -> bool:
        """Whether an item was begun before, or a person wants it done anew."""
        return bool(self.context["task_state_store"].get(BEGUN)) or self._is_cleared(self._kept())

    @property
    def _ti(self) -> Any:
        return self.context["ti"]

    def _left(self) -> tuple[Mark, bool]:
        """Return the newest mark, and whether a worker was lost after it."""
        kept = self._kept()
        why, tried, number = kept.get("why"), kept.get("try", 0), self._ti.try_number
        if self._is_cleared(kept):
            return Mark(), False
        last = number if why == "poll" else number - 1
        return Mark.from_json(kept.get("mark")), why in {"done", "over", "kept"} or tried != last

    def _kept(self) -> Mapping[str, Any]:
        kept: Mapping[str, Any] = self.context["task_state_store"].get(NAME) or {}
        return kept

    def _is_cleared(self, kept: Mapping[str, Any]) -> bool:
        """Tell whether a person cleared the task after its end."""
        return kept.get("why") == "over" and self._ti.max_tries > kept["maxTries"]

    def _store(self, why: Why, mark: Mark, **more: Any) -> None:
        kept = {"try": self._ti.try_number, "maxTries": self._ti.max_tries, "why": why, "mark": mark.to_json(), **more}
        self.context["task_state_store"].set(NAME, kept)
