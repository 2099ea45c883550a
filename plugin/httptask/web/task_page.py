"""The page of one task: its reference, its form, the request that the form makes, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from httptask.errors import InputInvalid, JournalError, Problem, ProblemsError
from httptask.simulate import Simulation, simulate
from httptask.web import drafts, tries
from httptask.web.answers import bars_of, result_of
from httptask.web.catalogue import Found
from httptask.web.confirmations import Question, gone
from httptask.web.copies import Copied, copied, forms
from httptask.web.desk import Desk, fresh, seated, sent_to
from httptask.web.entries import FAULT
from httptask.web.journals import Row
from httptask.web.previews import Preview, preview_of
from httptask.web.references import body_table, reference_of
from httptask.web.site import Site
from httptask.web.statuses import REFUSED, SEE_OTHER
from httptask.web.subjects import TaskForm
from httptask.web.submissions import Submission
from httptask.web.targets import targets_of
from httptask.web.tries import Ready
from httptask.web.works import Work


@dataclass(slots=True)
class _Shown:
    """What stands on the page beside the form."""

    preview: Preview | None = None
    question: tuple[str, Question] | None = None
    work: Work | None = None
    simulation: Simulation | None = None
    copied: Copied | None = None


class TaskPage:
    """Draws the page of a task and does what its buttons say."""

    def __init__(self, site: Site) -> None:
        """Serve the tasks of a site."""
        self._site = site

    def show(self, name: str, run: str = "", again: str = "", *, part: bool = False) -> str:
        """Return the page; with what came of a `run` of this page, or with the inputs of an earlier trial `again`.

        A `part` is what came of the run alone.

        Raises:
            DefinitionError: there is no such task, or its file is wrong.

        """
        found = self._site.catalogue.task(name)
        work = self._site.works.get(run)
        if work is not None and work.task == name and work.draft is not None:
            desk = seated(TaskForm(found.template), self._targets(found), work.draft)
            return self._draw("result" if part else "task", found, desk, _Shown(work=work))
        desk = self._again(found, again) if again else fresh(TaskForm(found.template), self._targets(found))
        return self._draw("task", found, desk, _Shown())

    def fields(self, name: str, start: int) -> str:
        """Return one further page of a huge body's fields.

        Raises:
            DefinitionError: there is no such task, or its file is wrong.

        """
        template = self._site.catalogue.task(name).template
        return self._site.pages.draw("fields", task=template, table=body_table(template, start))

    def act(self, name: str, sent: Submission, *, part: bool) -> tuple[int, str]:
        """Do what a button says; return the status, and the page or the part of it that changes.

        Raises:
            DefinitionError: there is no such task, or its file is wrong.

        """
        found = self._site.catalogue.task(name)
        desk = sent_to(TaskForm(found.template), self._targets(found), sent)
        shown = _Shown()
        action, place = sent.action
        if action in {"confirm", "back"}:
            desk = self._answered(found, desk, shown, place, goes=action == "confirm")
        elif action in {"preview", "send", "simulate", "copy"}:
            self._make(found, desk, shown, sent.action)
        else:
            desk.change(sent.action)
        if shown.work is not None and not part:
            return SEE_OTHER, f"/tasks/{quote(found.template.id)}?run={shown.work.id}"
        return REFUSED if desk.problems else 200, self._draw("try" if part else "task", found, desk, shown)

    def problems(self, name: str, sent: Submission) -> dict[str, Any]:
        """Return what is wrong with a form: the one check that there is.

        Raises:
            DefinitionError: there is no such task, or its file is wrong.

        """
        found = self._site.catalogue.task(name)
        desk = sent_to(TaskForm(found.template), self._targets(found), sent)
        return desk.faults()

    def _targets(self, found: Found) -> Any:
        return targets_of(found.template.provider, self._site.around(), self._site.sandbox)

    def _again(self, found: Found, run: str) -> Desk:
        """Return a desk with the inputs of an earlier trial."""
        form = TaskForm(found.template)
        try:
            again = self._site.journal.again(run, found.template.id)
        except JournalError as error:
            desk = fresh(form, self._targets(found))
            desk.blame("", error.problems)
            return desk
        if again is None:
            return fresh(form, self._targets(found))
        draft = drafts.of_inputs(form, again.inputs)
        desk = seated(form, self._targets(found), drafts.with_headers(draft, again.headers))
        if again.withheld:
            message = f"withheld from the journal, because it may not be stored: {', '.join(again.withheld)}"
            desk.blame("", (Problem("", message, "fill it in again"),))
        return desk

    def _make(self, found: Found, desk: Desk, shown: _Shown, named: tuple[str, str]) -> None:
        """Preview, send, simulate or copy what the form says."""
        action, form = named
        if action == "simulate":
            self._simulate(found, desk, shown)
            return
        ready = tries.made_ready(desk, found.template, self._site)
        if ready is None:
            return
        if action == "copy":
            self._copy(ready, desk, shown, form)
        elif action == "preview":
            shown.preview = preview_of(found.template, ready.prepared, ready.connection, desk.discretion)
            desk.focus = "preview"
        elif ready.needs_a_word:
            shown.preview = preview_of(found.template, ready.prepared, ready.connection, desk.discretion)
            shown.question = tries.asked(ready, self._site)
            desk.focus = "question"
        else:
            self._send(ready, desk, shown)

    def _answered(self, found: Found, desk: Desk, shown: _Shown, name: str, *, goes: bool) -> Desk:
        """Do what the answer to a question says; the form is the one that led to it."""
        ready = self._site.confirmations.answered(name, Ready)
        if ready is None or ready.trial.template.id != found.template.id:
            desk.blame("", (gone("send it again"),))
            return desk
        desk = seated(TaskForm(found.template), self._targets(found), ready.draft)
        if goes:
            self._send(ready, desk, shown)
        return desk

    def _send(self, ready: Ready, desk: Desk, shown: _Shown) -> None:
        try:
            shown.work = tries.sent(ready, self._site)
        except ProblemsError as error:
            desk.blame("", error.problems)
            return
        desk.focus = "result"

    def _copy(self, ready: Ready, desk: Desk, shown: _Shown, name: str) -> None:
        try:
            shown.copied = copied(ready, desk.draft, name, desk.discretion.redactor)
        except ProblemsError as error:
            desk.blame("", error.problems)
            return
        desk.focus = "copied" if shown.copied else desk.focus

    def _simulate(self, found: Found, desk: Desk, shown: _Shown) -> None:
        ready = desk.check()
        if desk.problems:
            return
        options = drafts.options_of(desk.draft, ready, simulated=True)
        try:
            shown.simulation = simulate(found.template, ready.inputs, desk.draft.fault or "ok", options=options)
        except InputInvalid as error:
            desk.blame(FAULT, error.problems)
            return
        desk.focus = "simulation"

    def _recent(self, name: str) -> tuple[list[Row], tuple[Problem, ...]]:
        try:
            return self._site.journal.recent(name), ()
        except JournalError as error:
            return [], error.problems

    def _draw(self, page: str, found: Found, desk: Desk, shown: _Shown) -> str:
        work = shown.work
        recent, unread = self._recent(found.template.id)
        result = result_of(work.tried, retries=bool(work.draft and work.draft.retry)) if work and work.tried else None
        return self._site.pages.draw(
            page,
            task=found.template,
            action=f"/tasks/{quote(found.template.id)}",
            stale=found.problems,
            reference=reference_of(found.template) if page == "task" else None,
            **desk.drawn(),
            preview=shown.preview,
            question=shown.question,
            work=work,
            result=result,
            bars=bars_of(work.attempts, retries=True) if work and not result else (),
            simulation=shown.simulation,
            copied=shown.copied,
            exporters=forms(),
            recent=recent,
            unread=unread,
        )
