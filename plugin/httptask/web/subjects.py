"""What a form is for, a task or a workflow: its parts, their titles, its examples, and what is wrong with inputs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from httptask.errors import InputInvalid
from httptask.inputs import Fault, faults, parameter_names
from httptask.model import TaskTemplate, Workflow
from httptask.outcome import Warn
from httptask.web import examples
from httptask.web.parts import Part, root_of, root_of_workflow
from httptask.workflow_inputs import checked_inputs

_PLACES: Mapping[str, str] = {
    "path": "Path parameters",
    "query": "Query parameters",
    "header": "Header parameters",
    "cookie": "Cookies",
}
Faults = tuple[tuple[Fault, ...], tuple[Warn, ...]]


class Subject(Protocol):
    """What a form is drawn and checked by."""

    @property
    def root(self) -> Part:
        """All inputs as one group."""
        ...

    def title_of(self, name: str) -> str:
        """Return the section in which an input is shown."""
        ...

    def documented(self) -> dict[str, Any]:
        """Return the inputs that somebody gave an example of."""
        ...

    def example(self) -> dict[str, Any]:
        """Return inputs to begin with."""
        ...

    def first(self) -> dict[str, Any]:
        """Return the inputs that a fresh form holds."""
        ...

    def faults(self, inputs: Mapping[str, Any], *, allow_unknown_enum: bool) -> Faults:
        """Return what is wrong with inputs, and warnings: the check of the command line."""
        ...


@dataclass(frozen=True)
class TaskForm:
    """The form of a task."""

    template: TaskTemplate

    @cached_property
    def root(self) -> Part:
        """All inputs as one group."""
        return root_of(self.template)

    def title_of(self, name: str) -> str:
        """Return the place of the request that the input goes into."""
        parameter = parameter_names(self.template).get(name)
        return _PLACES[parameter.location] if parameter else "Request body"

    def documented(self) -> dict[str, Any]:
        """Return the template's own examples."""
        return examples.documented(self.template)

    def example(self) -> dict[str, Any]:
        """Return the template's examples, and values for what else is required."""
        return examples.at_the_beginning(self.template, examples.completed(self.root, self.documented()))

    def first(self) -> dict[str, Any]:
        """Return nothing: an API's defaults are shown and not sent."""
        return {}

    def faults(self, inputs: Mapping[str, Any], *, allow_unknown_enum: bool) -> Faults:
        """Return what is wrong with inputs."""
        return faults(self.template, inputs, allow_unknown_enum=allow_unknown_enum)


@dataclass(frozen=True)
class WorkflowForm:
    """The form of a workflow. Its secrets are given as references, because a run's inputs are written down."""

    workflow: Workflow

    @cached_property
    def root(self) -> Part:
        """All inputs as one group."""
        return root_of_workflow(self.workflow)

    def title_of(self, name: str) -> str:  # noqa: ARG002 - all are of one kind
        """Return the one section."""
        return "Inputs"

    def documented(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def example(self) -> dict[str, Any]:
        """Return the defaults, and values for what else is required."""
        return examples.completed(self.root, self.first())

    def first(self) -> dict[str, Any]:
        """Return the defaults of the file; a run takes those that are empty too, and fields cannot show them."""
        properties = self.workflow.inputs.get("properties", {})
        found = {name: schema.get("default") for name, schema in properties.items() if isinstance(schema, dict)}
        return {name: value for name, value in found.items() if value not in (None, "", [], {})}

    def faults(self, inputs: Mapping[str, Any], *, allow_unknown_enum: bool) -> Faults:  # noqa: ARG002 - a task's switch
        """Return what is wrong with inputs."""
        try:
            checked_inputs(self.workflow, inputs)
        except InputInvalid as error:
            names = {name for name, part in self.root.fields.items() if part.is_reference}
            # a reference need not look like the secret that it stands for
            told = [problem for problem in error.problems if problem.where not in names or problem.where not in inputs]
            return tuple(Fault(problem.where, problem) for problem in told), ()
        return (), ()
