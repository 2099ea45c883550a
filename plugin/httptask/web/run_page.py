"""The pages of runs: the list, one run as it is now, and what a person says to go on with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from httptask.definitions import Definition, loaded
from httptask.errors import InputInvalid, JournalError, Problem, ProblemsError, UsageError
from httptask.journal import RunRecord
from httptask.kept_runs import KeptRun, in_order
from httptask.model import Workflow
from httptask.resumption import object_in
from httptask.trying import TASK
from httptask.web.answers import whole_body
from httptask.web.confirmations import Question, gone
from httptask.web.executions import Going, gone_on, lent_to
from httptask.web.journals import where_of
from httptask.web.run_views import RunView, outputs_of, rows_of, unknown_of
from httptask.web.site import Site
from httptask.web.statuses import REFUSED, SEE_OTHER
from httptask.web.submissions import Submission
from httptask.web.works import Work

#: Seconds between two looks at a work that is watched, and between two signs of life to a browser.
_LOOK, _ALIVE = 0.05, 15.0
_OVER = frozenset({"succeeded", "running"})


class RunPage:
    """Draws runs and goes on with them."""

    def __init__(self, site: Site) -> None:
        """Serve the runs of a site's journal."""
        self._site = site

    def every(self) -> str:
        """Return the list of runs.

        Raises:
            JournalError: the journal cannot be read.

        """
        return self._site.pages.draw("runs", rows=self._site.journal.rows())

    def show(self, run: str, *, part: bool = False) -> str:
        """Return the page of a run, or the part of it that changes.

        Raises:
            JournalError: there is no such run, or it cannot be read.

        """
        return self._draw(self._view(run), part=part)

    def act(self, run: str, sent: Submission, *, part: bool) -> tuple[int, str]:
        """Do what a button says; return the status, and the page or where to go.

        Raises:
            JournalError: there is no such run, or it cannot be read.

        """
        action, place = sent.action
        if action == "stop":
            return self._stop(run, sent)
        try:
            if action == "confirm":
                going = self._site.confirmations.answered(place, Going)
                if going is None or going.run_id != run:
                    raise UsageError(gone("say it again"))
            else:
                going = _going(run, action, place, sent)
            question = None if going is None or action == "confirm" else self._question(going)
            if going is not None and question is None:
                gone_on(going, self._site)
        except ProblemsError as error:
            return REFUSED, self._draw(self._view(run), part=part, problems=error.problems)
        if question is not None or part:
            return 200, self._draw(self._view(run), part=part, question=question)
        return SEE_OTHER, f"/runs/{run}"

    def body(self, run: str) -> tuple[str, str] | None:
        """Return the whole body of a trial's answer, secrets masked, and its media type; None when it is no longer held."""
        work = self._site.works.get(run)
        if work is None or work.tried is None:
            return None
        answer = work.tried.outcome.response
        is_json = answer is not None and answer.body_kind == "json"
        return whole_body(work.tried.outcome), "application/json" if is_json else "text/plain"

    async def events(self, run: str, after: int) -> AsyncIterator[str]:
        """Yield what happens in a run of this page, after a line, as server-sent events; the last one says that it ended."""
        work = self._site.works.get(run)
        quiet = 0.0
        while work is not None and not self._site.works.closing:
            over = work.is_over
            lines, after = work.since(after)
            for number, line in enumerate(lines, after - len(lines) + 1):
                yield f"id: {number}\nevent: line\ndata: {json.dumps(line)}\n\n"
            if over:
                break
            quiet = 0.0 if lines else quiet + _LOOK
            if quiet >= _ALIVE:
                quiet = 0.0
                yield ": still here\n\n"
            await asyncio.sleep(_LOOK)
        yield "event: end\ndata: {}\n\n"

    def _stop(self, run: str, sent: Submission) -> tuple[int, str]:
        """Ask a work to stop; the second time it is not waited for."""
        work = self._site.works.get(run)
        if work is not None and not work.is_over:
            work.halt.ask()
        to = sent.first("~to")
        own = work is not None and to == f"/tasks/{work.task}?run={run}"
        return SEE_OTHER, to if own else f"/runs/{run}"

    def _question(self, going: Going) -> tuple[str, Question] | None:
        """Return what is asked before a run goes on; nothing for one in a sandbox."""
        record = self._site.journal.opened().record(going.run_id)
        if lent_to(record, self._site) is not None:
            return None
        servers = ", ".join(record.connections["origins"].values())
        facts = (
            ("Run", f"{record.workflow} {record.id}"),
            ("Connection", where_of(record)),
            ("Server", servers),
            ("You say", _words(going)),
        )
        return self._site.confirmations.ask(Question(f"Go on with this run against {servers}?", "Go on", facts, going))

    def _view(self, run: str) -> RunView:
        journal = self._site.journal.opened()
        work = self._site.works.get(run)
        try:
            record = journal.record(run)
        except JournalError:
            if work is None or work.workflow is None:
                raise
            return _unwritten(work, work.workflow)
        work = work or self._site.works.get(record.id)
        kept = KeptRun.of(journal, record)
        if work is not None and work.workflow is not None:
            return self._seen(kept, work.workflow, work)
        with loaded(Definition.from_bytes(journal.definition(record.definition))) as (workflow, _):
            return self._seen(kept, workflow, work)

    def _seen(self, kept: KeptRun, workflow: Workflow, work: Work | None) -> RunView:
        shown, standing = kept.to_json(), kept.standing()
        running = dict(work.running) if work is not None and not work.is_over else {}
        stays = self._stays(kept.record) if kept.status not in _OVER else ""
        goes_on = kept.status not in _OVER and not stays and not standing.lasting
        return RunView(
            kept.record.id,
            kept.record.workflow,
            kept.record.connections.get(TASK, ""),
            kept.status,
            shown["startedAt"][:19].replace("T", " "),
            f"{shown['ranSeconds']:g} s",
            where_of(kept.record),
            kept.record.message,
            rows_of(in_order(kept.steps(), workflow), workflow, running),
            standing.waiting if goes_on else (),
            unknown_of(standing, workflow) if goes_on and kept.status != "waiting" else (),
            goes_on,
            stays,
            outputs_of(work.result if work else None),
        )

    def _stays(self, record: RunRecord) -> str:
        try:
            lent_to(record, self._site)
        except UsageError as error:
            return error.problems[0].message
        return ""

    def _draw(
        self,
        view: RunView,
        *,
        part: bool,
        problems: tuple[Problem, ...] = (),
        question: tuple[str, Question] | None = None,
    ) -> str:
        work = self._site.works.get(view.id)
        found = problems or (work.problems if work else ())
        return self._site.pages.draw("run_part" if part else "run", run=view, work=work, problems=found, question=question)


def _unwritten(work: Work, workflow: Workflow) -> RunView:
    """Return a run that the journal does not know yet, or never came to know."""
    status = "failed" if work.is_over else "running"
    return RunView(work.id, workflow.name, work.task, status, "", "", "", "", rows_of([], workflow, {}))


def _going(run: str, action: str, place: str, sent: Submission) -> Going | None:
    """Return what a person says.

    Raises:
        InputInvalid: outputs that are no JSON object, or values that are not written as they must be.

    """
    given = _given(sent.first("~given"))
    match action:
        case "approve" | "reject":
            return Going(run, approve={place: action == "approve"}, given=given)
        case "done":
            return Going(run, done={place: _outputs(sent.first(f"~outputs:{place}"))}, given=given)
        case "not-done":
            return Going(run, not_done=(place,), given=given)
        case "resume":
            return Going(run, given=given)
    return None


def _outputs(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    value = object_in(text)
    if value is None:
        raise InputInvalid(Problem("outputs", "this is no JSON object", """write {"name": "value"}"""))
    return value


def _given(text: str) -> dict[str, str]:
    """Return references of values that the journal did not keep: one `STEP.NAME=REF` per line."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, sign, reference = line.partition("=")
        if not (sign and "." in name):
            raise InputInvalid(Problem("withheld values", "a value is written STEP.NAME=REF", "as in login.token=env:TOKEN"))
        found[name.strip()] = reference.strip()
    return found


def _words(going: Going) -> str:
    said = [f"{path} is {'approved' if approved else 'rejected'}" for path, approved in going.approve.items()]
    said += [f"{path} was applied" for path in going.done]
    said += [f"{path} was not applied, and is sent again" for path in going.not_done]
    return ", ".join(said) or "what failed or was not reached is done"
