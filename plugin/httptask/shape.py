"""A definition file against its JSON Schema: every broken rule as a Problem with file, line and column."""

from __future__ import annotations

from httptask.errors import Problem
from httptask.model import Place
from httptask.places import Document
from httptask.schemas import Validator, Violation, json_path


def shape_problems(document: Document, validator: Validator) -> list[Problem]:
    """Return what in a file breaks its schema, in the order of the file."""
    located = [(_place(document, violation), violation) for violation in validator.violations(document.data)]
    located.sort(key=lambda pair: (pair[0].line, pair[0].column))
    return [Problem(str(place), _message(violation), violation.hint) for place, violation in located]


def _place(document: Document, violation: Violation) -> Place:
    if violation.keyword in {"additionalProperties", "propertyNames"} and violation.key is not None:
        return document.key_place((*violation.path, violation.key))
    if violation.keyword == "not":
        return document.key_place(violation.path)
    return document.place(violation.path)


def _message(violation: Violation) -> str:
    subject = json_path(violation.path)
    names_key = violation.keyword in {"additionalProperties", "propertyNames", "required"}
    return (
        f"{violation.message} in {subject}"
        if names_key and subject
        else violation.message
        if names_key
        else f"{subject or 'the file'} {violation.message}"
    )
