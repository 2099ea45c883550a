"""The inputs of a workflow: defaults filled in, and every problem found at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from httptask.errors import InputInvalid, Problem
from httptask.inputs import input_problem
from httptask.model import Workflow
from httptask.schemas import MAX_DEPTH, Validator, too_deep
from httptask.secrets import Secret
from httptask.sensitive import mark


def secrets_of_inputs(workflow: Workflow, inputs: Mapping[str, Any]) -> tuple[Secret, ...]:
    """Return the inputs, and what stands within them, that the workflow's schema calls secret."""
    return mark(dict(inputs), workflow.inputs, workflow.inputs.get("$defs", {})).secrets


def checked_inputs(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with the workflow's defaults filled in.

    Raises:
        InputInvalid: a missing, unknown or wrong input; every problem at once.

    """
    properties = workflow.inputs.get("properties", {})
    defaults = {
        name: schema["default"] for name, schema in properties.items() if isinstance(schema, dict) and "default" in schema
    }
    inputs = {**defaults, **given}
    if too_deep(inputs):
        raise InputInvalid(Problem("inputs", "nested too deeply", f"at most {MAX_DEPTH} levels"))
    violations = Validator({"additionalProperties": False, **workflow.inputs}).violations(inputs)
    if violations:
        raise InputInvalid([input_problem(violation, workflow.name, properties) for violation in violations])
    return inputs
