"""One request's work on one form, of a task or a workflow: what it says, where it leads, what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from httptask.discretion import Discretion
from httptask.errors import ConfigurationError, Problem
from httptask.web import drafts, forms
from httptask.web.drafts import Checked, Draft
from httptask.web.entries import CONNECTION, OWN, Json, below, entry_at
from httptask.web.subjects import Subject
from httptask.web.submissions import Submission
from httptask.web.targets import Target, chosen

Placed = tuple[str, Problem]


@dataclass(slots=True)
class Desk:
    """A form on its way through one request. `problems` are by the name of the field, `focus` is where the page goes on."""

    subject: Subject
    draft: Draft
    targets: tuple[Target, ...]
    target: Target
    problems: tuple[Placed, ...] = ()
    focus: str = ""
    discretion: Discretion = field(default_factory=Discretion)

    def blame(self, name: str, problems: tuple[Problem, ...]) -> None:
        """Note what is wrong with one field."""
        self.problems = (*self.problems, *((name, problem) for problem in problems))

    def check(self) -> Checked:
        """Check the form; what is wrong is noted."""
        ready = drafts.checked(self.subject, self.draft)
        self.problems = (*self.problems, *ready.problems)
        return ready

    def faults(self) -> dict[str, Any]:
        """Check the form; return what is wrong, with the id of each element that it concerns."""
        self.check()
        return {"problems": [{"id": said.id, **said.problem.to_json()} for said in self.form().said]}

    def change(self, action: tuple[str, str]) -> None:
        """Do what one of the form's own buttons says; any other changes nothing."""
        self.draft = drafts.changed(self.subject, self.draft, action)
        self.problems = (*self.problems, *self._stays_json(action))
        self.focus = self._focus(action)

    def form(self) -> forms.Form:
        """Return the form to be drawn."""
        return forms.form_of(self.subject, self.draft.entry, forms.Shown(self.problems, self.discretion.redactor))

    def drawn(self) -> dict[str, Any]:
        """Return what the template of a form needs."""
        return {
            "form": self.form(),
            "targets": self.targets,
            "target": self.target,
            "draft": self.draft,
            "headers": drafts.shown_headers(self.draft.headers, self.discretion.redactor),
            "own_problems": {key: [problem for at, problem in self.problems if at == key] for key in OWN},
            "focus": "problems" if self.problems else self.focus,
        }

    def _focus(self, action: tuple[str, str]) -> str:
        """Return the id of the element that goes on with what a button began."""
        name, place = action
        if name == "add":
            entry = entry_at(self.subject.root, self.draft.entry, place)
            return forms.element_id(below(place, len(entry) - 1) if isinstance(entry, list) else place)
        return forms.element_id(place) if place else "inputs"

    def _stays_json(self, action: tuple[str, str]) -> tuple[Placed, ...]:
        """Say why a place is still written as JSON although fields were asked for."""
        name, place = action
        if name != "fields" or not isinstance(entry_at(self.subject.root, self.draft.entry, place), Json):
            return ()
        unread = drafts.unread(self.subject, self.draft)
        message = "it holds what fields cannot say, so that it stays JSON"
        return unread or ((place, Problem(place.lstrip("~"), message, "unlisted keys, empty texts and lists, null")),)


def seated(subject: Subject, targets: tuple[Target, ...], draft: Draft) -> Desk:
    """Return a desk with a draft; a connection that cannot be chosen is a problem, and the first one takes its place."""
    problems = draft.problems
    try:
        target = chosen(targets, draft.target)
    except ConfigurationError as error:
        target = chosen(targets, None)
        problems = (*problems, *((CONNECTION, problem) for problem in error.problems))
    return Desk(subject, draft, targets, target, problems)


def sent_to(subject: Subject, targets: tuple[Target, ...], sent: Submission) -> Desk:
    """Return a desk with the form that a browser sent."""
    return seated(subject, targets, drafts.of_submission(subject, sent))


def fresh(subject: Subject, targets: tuple[Target, ...], target: str | None = None) -> Desk:
    """Return a desk with the form as it begins."""
    return seated(subject, targets, drafts.of_inputs(subject, subject.first(), target))
