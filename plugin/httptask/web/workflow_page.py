"""The page of one workflow: its steps, the form of its inputs, and the button that runs it."""

from __future__ import annotations

from textwrap import dedent
from typing import Any
from urllib.parse import quote

from httptask.errors import ProblemsError
from httptask.graph import graph_of, text_of
from httptask.model import Workflow
from httptask.web.confirmations import Question, gone
from httptask.web.desk import Desk, fresh, seated, sent_to
from httptask.web.entries import CONNECTION
from httptask.web.executions import RunReady, begun, made_ready
from httptask.web.site import Site
from httptask.web.statuses import REFUSED, SEE_OTHER
from httptask.web.subjects import WorkflowForm
from httptask.web.submissions import Submission
from httptask.web.targets import Target, targets_of_workflow


class WorkflowPage:
    """Draws workflows and begins runs of them."""

    def __init__(self, site: Site) -> None:
        """Serve the workflows of a site."""
        self._site = site

    def every(self) -> str:
        """Return the list of workflow files."""
        return self._site.pages.draw("workflows", workflows=self._site.workflows.listed())

    def show(self, name: str) -> str:
        """Return the page of a workflow as it begins.

        Raises:
            DefinitionError: there is no such workflow, or its file is wrong.

        """
        workflow = self._load(name)
        return self._draw("workflow", name, workflow, fresh(WorkflowForm(workflow), self._targets(workflow)))

    def act(self, name: str, sent: Submission, *, part: bool) -> tuple[int, str]:
        """Do what a button says; return the status, and the page, the part of it that changes, or where to go.

        Raises:
            DefinitionError: there is no such workflow, or its file is wrong.

        """
        workflow = self._load(name)
        desk = sent_to(WorkflowForm(workflow), self._targets(workflow), sent)
        action, place = sent.action
        question = None
        if action in {"confirm", "back"}:
            return self._answered(workflow, desk, (name, place), goes=action == "confirm", part=part)
        if action in {"run", "check"}:
            ready = self._ready(desk, workflow)
            if ready is not None and ready.target.is_real:
                question = self._question(ready)
            elif ready is not None:
                return self._begin(ready, name, desk, part=part)
        else:
            desk.change(sent.action)
        drawn = self._draw("run_form" if part else "workflow", name, workflow, desk, question)
        return REFUSED if desk.problems else 200, drawn

    def problems(self, name: str, sent: Submission) -> dict[str, Any]:
        """Return what is wrong with a form.

        Raises:
            DefinitionError: there is no such workflow, or its file is wrong.

        """
        workflow = self._load(name)
        desk = sent_to(WorkflowForm(workflow), self._targets(workflow), sent)
        return desk.faults()

    def _load(self, name: str) -> Workflow:
        return self._site.workflows.load(name, self._site.catalogue.registry())

    def _targets(self, workflow: Workflow) -> tuple[Target, ...]:
        return targets_of_workflow(workflow, self._site.catalogue.registry(), self._site.around(), self._site.sandbox)

    def _ready(self, desk: Desk, workflow: Workflow) -> RunReady | None:
        checked = desk.check()
        if desk.problems:
            return None
        try:
            return made_ready(workflow, checked.inputs, desk, self._site)
        except ProblemsError as error:
            names = set(desk.subject.root.fields)
            for problem in error.problems:
                desk.blame(problem.where if problem.where in names else CONNECTION, (problem,))
            return None

    def _question(self, ready: RunReady) -> tuple[str, Question]:
        servers = ", ".join(dict.fromkeys(ready.bases.values())) or "no server"
        methods = [ready.registry[task].method for task in ready.workflow.tasks()]
        counted = ", ".join(f"{methods.count(method)} {method}" for method in dict.fromkeys(methods))
        facts = (
            ("Workflow", f"{ready.workflow.name} ({ready.workflow.source.file})"),
            ("Connection", f"{ready.target.title} ({ready.target.detail})"),
            ("Server", servers),
            ("Tasks", counted),
        )
        return self._site.confirmations.ask(Question(f"Run this workflow against {servers}?", "Run it", facts, ready))

    def _answered(self, workflow: Workflow, desk: Desk, named: tuple[str, str], *, goes: bool, part: bool) -> tuple[int, str]:
        """Do what the answer to a question says; the form is the one that led to it."""
        name, question = named
        ready = self._site.confirmations.answered(question, RunReady)
        if ready is None or ready.workflow.name != workflow.name:
            desk = fresh(WorkflowForm(workflow), self._targets(workflow))
            desk.blame("", (gone("run it again"),))
            return REFUSED, self._draw("run_form" if part else "workflow", name, workflow, desk)
        if goes:
            return self._begin(ready, name, desk, part=part)
        desk = seated(WorkflowForm(workflow), self._targets(workflow), ready.draft)
        return 200, self._draw("run_form" if part else "workflow", name, workflow, desk)

    def _begin(self, ready: RunReady, name: str, desk: Desk, *, part: bool) -> tuple[int, str]:
        try:
            work = begun(ready, self._site)
        except ProblemsError as error:
            desk.blame("", error.problems)
            return REFUSED, self._draw("run_form" if part else "workflow", name, ready.workflow, desk)
        return SEE_OTHER, f"/runs/{work.id}"

    def _draw(self, page: str, name: str, workflow: Workflow, desk: Desk, question: tuple[str, Question] | None = None) -> str:
        return self._site.pages.draw(
            page,
            name=name,
            workflow=workflow,
            tree=dedent("\n".join(text_of(graph_of(workflow))[1:])),
            problems=(),
            question=question,
            preview=None,
            action=f"/workflows/{quote(name, safe='')}",
            **desk.drawn(),
        )
