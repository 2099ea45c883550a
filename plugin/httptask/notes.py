"""Problems of a definition file, gathered by place so that one reading reports them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from httptask import render, uri
from httptask.errors import ExpressionError, Problem, ProblemsError, TemplateInvalid
from httptask.expressions import compile_text
from httptask.model import Schema
from httptask.places import Document, Path
from httptask.schemas import OTHER_REFERENCES
from httptask.suggest import did_you_mean


class Notes:
    """Gathers problems by place, so that one run over a file reports them all."""

    def __init__(self, document: Document) -> None:
        """Start with none."""
        self.document = document
        self.problems: list[Problem] = []

    def note(self, path: Path, message: str, hint: str = "") -> None:
        """Keep a problem at its place in the file."""
        self.problems.append(Problem(str(self.document.place(path)), message, hint))

    def attempt(self, path: Path, check: Callable[[], Any]) -> Any:
        """Return what a check returns; its problems are noted at this place, and it counts as None."""
        try:
            return check()
        except ProblemsError as error:
            for problem in error.problems:
                subject = problem.where if problem.where.startswith("{{") else ""
                self.note(path, f"{subject}: {problem.message}" if subject else problem.message, problem.hint)
            return None

    def expression(self, path: Path, text: str, roots: Mapping[str, Any]) -> None:
        """Check an expression's syntax and that what it reads exists; `roots` maps a root to its known names, or None for any."""
        compiled = self.attempt(path, lambda: compile_text(text))
        for reference in compiled.references if compiled else ():
            self._reference(path, reference, roots)

    def _reference(self, path: Path, reference: tuple[str, ...], roots: Mapping[str, Any]) -> None:
        root, *rest = reference
        if root not in roots:
            self.note(path, f"unknown name '{root}'", did_you_mean(root, roots) or f"known here: {', '.join(roots)}")
        elif roots[root] is not None and rest and rest[0] not in roots[root]:
            known = did_you_mean(rest[0], roots[root]) or f"known: {', '.join(roots[root]) or 'none'}"
            self.note(path, f"unknown name '{root}.{rest[0]}'", known)

    def schema(self, path: Path, names: list[str], schemas_file: str) -> Schema:
        """Return the schema at a path with its references rewritten; `true` and `false` are schemas too."""
        rewritten: Schema | bool = self._rewrite(_at(self.document.data, path), path, names, schemas_file)
        if isinstance(rewritten, bool):
            return {} if rewritten else {"not": {}}
        return rewritten

    def _rewrite(self, node: Any, path: Path, names: list[str], schemas_file: str) -> Any:
        if isinstance(node, list):
            return [self._rewrite(item, (*path, index), names, schemas_file) for index, item in enumerate(node)]
        if not isinstance(node, dict):
            return node
        rewritten = {key: self._rewrite(value, (*path, key), names, schemas_file) for key, value in node.items()}
        if isinstance(node.get("$ref"), str):
            rewritten["$ref"] = self._target((*path, "$ref"), node["$ref"], names, schemas_file)
        for key in OTHER_REFERENCES:
            if isinstance(node.get(key), str):
                self.note((*path, key), f"{key} is not supported", "refer to a schema by its name: $ref: FILE#/NAME")
        return rewritten

    def _target(self, path: Path, reference: str, names: list[str], schemas_file: str) -> str:
        file, _, pointer = reference.partition("#/")
        if file != schemas_file:
            self.note(path, "a $ref must point into the provider's schemas", f"write {schemas_file}#/NAME")
        elif pointer not in names:
            self.note(path, f"no schema is called '{pointer}'", did_you_mean(pointer, names))
        return f"#/$defs/{pointer}"

    def finish(self) -> None:
        """Raise if anything was noted.

        Raises:
            TemplateInvalid: every problem.

        """
        if self.problems:
            raise TemplateInvalid(self.problems)


def header_name(name: str) -> str:
    """Return a header name that a definition may set.

    Raises:
        ExpressionError, RenderError: it is set by httptask alone, or is no token.

    """
    if name.lower() in render.LOCKED_HEADERS:
        raise ExpressionError(Problem("", f"header '{name}' is set by httptask alone", "credentials belong in the connection"))
    return uri.check_header_name(name)


def literal_header(name: str, value: str) -> None:
    """Check a header with a value that holds no expression.

    Raises:
        ExpressionError, RenderError: name or value may not be sent.

    """
    header_name(name)
    if "{{" in value:
        raise ExpressionError(Problem("", f"header '{name}' of a provider cannot hold an expression"))
    uri.check_header_value(name, value)


def _at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data
