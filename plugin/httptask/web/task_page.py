"""The page of one task: its reference, its form, and the request that the form makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from httptask import sensitive
from httptask.discretion import Discretion
from httptask.errors import ConfigurationError, Problem, UsageError
from httptask.identity import new_idempotency_key
from httptask.model import Connection, TaskTemplate
from httptask.runner import Options, prepare
from httptask.web import drafts, forms
from httptask.web.catalogue import Found
from httptask.web.drafts import Draft
from httptask.web.entries import CONNECTION, HEADERS, Json, below, entry_at
from httptask.web.examples import documented
from httptask.web.parts import Part, root_of
from httptask.web.previews import Preview, preview_of
from httptask.web.references import body_table, reference_of
from httptask.web.site import Site
from httptask.web.submissions import Submission
from httptask.web.targets import Target, chosen, connection_of, targets_of

#: Of an answer to a form that has problems (RFC 9110 section 15.5.21).
REFUSED = 422
ANSWERED = 200


@dataclass(slots=True)
class _Desk:
    """One request's work on one task: its form, what is wrong with it, and what came of it."""

    found: Found
    root: Part
    draft: Draft
    targets: tuple[Target, ...]
    target: Target
    problems: tuple[tuple[str, Problem], ...] = ()
    preview: Preview | None = None
    focus: str = ""
    discretion: Discretion = field(default_factory=Discretion)

    @property
    def template(self) -> TaskTemplate:
        return self.found.template


class TaskPage:
    """Draws the page of a task and does what its buttons say."""

    def __init__(self, site: Site) -> None:
        """Serve the tasks of a site."""
        self._site = site

    def show(self, name: str) -> str:
        """Return the page as it begins.

        Raises:
            DefinitionError: there is no such task, or its file is wrong.

        """
        return self._draw("task", self._desk(name, None))

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
        desk = self._desk(name, sent)
        action, place = sent.action
        if action == "preview":
            self._preview(desk)
        else:
            desk.draft = drafts.changed(desk.template, desk.root, desk.draft, sent.action)
            desk.problems = (*desk.problems, *_stays_json(desk, action, place))
            desk.focus = _focus(desk, action, place)
        if desk.problems:
            desk.focus = "problems"
        return REFUSED if desk.problems else ANSWERED, self._draw("try" if part else "task", desk)

    def problems(self, name: str, sent: Submission) -> dict[str, Any]:
        """Return what is wrong with a form: the one check that there is.

        Raises:
            DefinitionError: there is no such task, or its file is wrong.

        """
        desk = self._desk(name, sent)
        found = drafts.checked(desk.template, desk.root, desk.draft).problems
        shown = self._form(desk, (*desk.problems, *found)).said
        return {"problems": [{"id": said.id, **said.problem.to_json()} for said in shown]}

    def _desk(self, name: str, sent: Submission | None) -> _Desk:
        found = self._site.catalogue.task(name)
        root = root_of(found.template)
        targets = targets_of(found.template.provider, self._site.around(), self._site.sandbox)
        draft = drafts.empty(root) if sent is None else drafts.of_submission(root, sent)
        problems = draft.problems
        try:
            target = chosen(targets, draft.target)
        except ConfigurationError as error:
            target = chosen(targets, None)
            problems = (*problems, *((CONNECTION, problem) for problem in error.problems))
        return _Desk(found, root, draft, targets, target, problems)

    def _preview(self, desk: _Desk) -> None:
        ready = drafts.checked(desk.template, desk.root, desk.draft)
        desk.problems = (*desk.problems, *ready.problems)
        connection = self._connection(desk)
        if desk.problems or connection is None:
            return
        options = Options(
            headers=ready.headers, allow_unknown_enum=desk.draft.allow_unknown, idempotency_key=new_idempotency_key()
        )
        try:
            prepared = prepare(desk.template, ready.inputs, connection, options)
        except UsageError as error:
            desk.problems = drafts.placed(error.problems, ready)
            return
        desk.preview = preview_of(desk.template, prepared, connection, desk.discretion)
        desk.focus = "preview"

    def _connection(self, desk: _Desk) -> Connection | None:
        """Return the chosen connection; its secrets, and those among the inputs, are masked from here on."""
        reading = drafts.checked(desk.template, desk.root, desk.draft)
        desk.discretion.learn(sensitive.inputs(desk.template, reading.inputs).secrets)
        try:
            connection = connection_of(desk.target, desk.template.provider, self._site.sandbox)
        except ConfigurationError as error:
            desk.problems = (*desk.problems, *((CONNECTION, problem) for problem in error.problems))
            return None
        secrets = connection.auth.secrets if connection.auth else ()
        self._site.meet(secrets)
        desk.targets = targets_of(
            desk.template.provider, self._site.around(), self._site.sandbox
        )  # the sandbox has an address now
        desk.target = chosen(desk.targets, desk.target.key)
        desk.discretion.learn(secrets)
        return connection

    def _form(self, desk: _Desk, problems: tuple[tuple[str, Problem], ...]) -> forms.Form:
        shown = forms.Shown(problems, documented(desk.template), desk.discretion.redactor)
        return forms.form_of(desk.template, desk.root, desk.draft.entry, shown)

    def _draw(self, name: str, desk: _Desk) -> str:
        return self._site.pages.draw(
            name,
            task=desk.template,
            stale=desk.found.problems,
            reference=reference_of(desk.template) if name == "task" else None,
            form=self._form(desk, desk.problems),
            targets=desk.targets,
            target=desk.target,
            draft=desk.draft,
            headers=drafts.shown_headers(desk.draft.headers, desk.discretion.redactor),
            own_problems={key: [problem for at, problem in desk.problems if at == key] for key in (CONNECTION, HEADERS)},
            preview=desk.preview,
            focus=desk.focus,
        )


def _focus(desk: _Desk, action: str, place: str) -> str:
    """Return the id of the element that goes on with what a button began."""
    if action == "add":
        entry = entry_at(desk.root, desk.draft.entry, place)
        return forms.element_id(below(place, len(entry) - 1) if isinstance(entry, list) else place)
    return forms.element_id(place) if place else "inputs"


def _stays_json(desk: _Desk, action: str, place: str) -> tuple[tuple[str, Problem], ...]:
    """Say why a place is still written as JSON although fields were asked for."""
    if action != "fields" or not isinstance(entry_at(desk.root, desk.draft.entry, place), Json):
        return ()
    faults = drafts.unread(desk.root, desk.draft)
    if faults:
        return faults
    message = "it holds what fields cannot say, so that it stays JSON"
    return ((place, Problem(place.lstrip("~"), message, "unlisted keys, empty texts and lists, null")),)
