"""Expressions of a workflow against the schemas of what they read and of where their values go; only what is certain is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from httptask.errors import ExpressionError
from httptask.expressions import Compiled, Reference, compile_text
from httptask.inputs import input_schema
from httptask.model import Step
from httptask.path_types import Absent, Look, Shape, cannot_fit, follow, named, types_of
from httptask.places import Path
from httptask.schemas import json_path
from httptask.suggest import did_you_mean
from httptask.workflow_checks import given_schema
from httptask.workflow_names import expressions, leaves
from httptask.workflow_notes import Placed, WorkflowNotes, every
from httptask.workflow_paths import FindTemplate, Paths

_LIST = Shape.of("array")
_CONDITION = Shape.of("boolean")
_COMPARE = "compare explicitly, as in {{ value == 'x' }} or {{ list | length > 0 }}"
_SCALARS = frozenset({"string", "integer", "number"})
_FILTERS: Mapping[str, str] = {"string": "string", "integer": "int", "number": "float"}


class TypeCheck:
    """Checks every expression of a file; `main` and `on_failure` are its steps."""

    def __init__(self, notes: WorkflowNotes, paths: Paths, main: tuple[Placed, ...], on_failure: tuple[Placed, ...]) -> None:
        """Take what the checks of names have looked at too."""
        self.notes = notes
        self.paths = paths
        self.main = main
        self.on_failure = on_failure

    @classmethod
    def of(
        cls,
        notes: WorkflowNotes,
        inputs: Mapping[str, Any],
        steps: tuple[tuple[Placed, ...], tuple[Placed, ...]],
        template: FindTemplate,
    ) -> TypeCheck:
        """Check a file's steps, those of `onFailure` last."""
        found: Iterable[Step] = [placed.step for row in steps for placed in every(row)]
        return cls(notes, Paths(inputs, found, template), *steps)

    def run(self, outputs: Mapping[str, Any]) -> None:
        """Note keys that there cannot be and values that cannot fit."""
        for placed in every(self.main):
            self._step(placed, failed=False)
        for place, text in leaves(("outputs",), outputs):
            self._keys(place, text, None, failed=False)
        for placed in every(self.on_failure):
            self._step(placed, failed=True)

    def _step(self, placed: Placed, *, failed: bool) -> None:
        for place, text, _ in expressions(placed):
            if place in self.notes.noted:  # what it reads is not there: its type says nothing
                continue
            self._keys(place, text, placed.step, failed=failed)
            path = _compiled_path(text)
            if path is not None:
                self._fits(placed, place, path, self.paths.look(path, placed.step, failed=failed))

    def _fits(self, placed: Placed, place: Path, path: Reference, given: Look) -> None:
        slot, subject = self._slot(placed, place)
        if not cannot_fit(given, slot):
            return
        have, need = types_of(given), types_of(slot)
        hint = _COMPARE if slot is _CONDITION else _conversion(_shown(path), have, need)
        self.notes.note(place, f"{subject} must be {named(need)}, {_shown(path)} is {named(have)}", hint)

    def _slot(self, placed: Placed, place: Path) -> tuple[Look, str]:
        """Return the shape that a value must have at a place of a step, and how a message names it."""
        key, *below = place[len(placed.path) :]
        if key == "with":
            return _given(placed, below), json_path(below)
        if key == "forEach":
            return _LIST, "forEach"
        return (_CONDITION, f"the condition `{key}`") if key in {"if", "until", "failIf"} else (None, "")

    def _keys(self, place: Path, text: str, step: Step | None, *, failed: bool) -> None:
        for reference in _references(text):
            for end in range(2, len(reference) + 1):
                look = self.paths.look(reference[:end], step, failed=failed)
                if isinstance(look, Absent):
                    hint = did_you_mean(look.key, look.known) or f"known: {', '.join(look.known) or 'none'}"
                    self.notes.note(place, f"there is no '{look.key}' in {_shown(reference[: end - 1])}", hint)
                    break


def _given(placed: Placed, below: list[str | int]) -> Look:
    path = [str(part) for part in below]
    if placed.template is not None:
        schema = input_schema(placed.template)
    elif placed.step.workflow is not None:
        schema = given_schema(placed.step.workflow)
    else:
        return None
    return follow(Shape(schema, schema), path)


def _conversion(path: str, have: frozenset[str] | None, need: frozenset[str] | None) -> str:
    """Say which filter makes the one type of the other, where a text or number is wanted and given."""
    made = _FILTERS.get(named(need))
    return f"convert it: {{{{ {path} | {made} }}}}" if made and have and have <= _SCALARS else ""


def _shown(path: Reference) -> str:
    return json_path(int(part) if part.isdigit() else part for part in path)


def _references(text: str) -> tuple[Reference, ...]:
    compiled = _compiled(text)
    return compiled.references if compiled else ()


def _compiled_path(text: str) -> Reference | None:
    compiled = _compiled(text)
    return compiled.path if compiled else None


def _compiled(text: str) -> Compiled | None:
    try:
        return compile_text(text)
    except ExpressionError:
        return None  # reported where names are checked
