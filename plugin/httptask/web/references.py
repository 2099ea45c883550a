"""A task's reference page as a template draws it: tables of rows, each cell a text for a person. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from httptask import reference
from httptask.model import Location, TaskTemplate
from httptask.paging import in_words, paging_of
from httptask.reference import Field
from httptask.secrets import CUT

#: Rows of one table on the page; what a huge body has more is on further pages.
MOST_ROWS = 150
LONGEST_EXAMPLE = 4000
_PLACES: tuple[tuple[str, str, Location], ...] = (
    ("path", "Path parameters", "path"),
    ("query", "Query parameters", "query"),
    ("cookies", "Cookies", "cookie"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: name, type, whether it is required, description."""

    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of fields; `total` is how many rows there are, `start` the first that is shown."""

    id: str
    title: str
    rows: tuple[Row, ...]
    total: int
    start: int = 0

    @property
    def further(self) -> int | None:
        """The row that the next page begins with."""
        end = self.start + len(self.rows)
        return end if end < self.total else None


@dataclass(frozen=True, slots=True)
class Answer:
    """A documented response."""

    status: str
    description: str
    body: str
    example: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The page."""

    servers: tuple[str, ...]
    tables: tuple[Table, ...]
    answers: tuple[Answer, ...]
    schemes: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str, str], ...]
    paging: str
    command: str


def reference_of(template: TaskTemplate) -> Reference:
    """Return a task's reference page."""
    paging = paging_of(template)
    return Reference(
        servers=(template.provider.server_url,),
        tables=tuple(table for table in _tables(template) if table.rows),
        answers=tuple(_answers(template)),
        schemes=tuple((item.scheme, " ".join(item.scopes)) for item in template.security) or (("none", ""),),
        outputs=tuple(
            (name, reference.schema_words(reference.resolved(output.schema, template.definitions)), output.description)
            for name, output in template.outputs.items()
        ),
        paging="" if paging is None else in_words(paging),
        command=reference.command_line(template),
    )


def body_table(template: TaskTemplate, start: int = 0) -> Table:
    """Return one page of the table of body fields."""
    title = "Request body fields" if template.accepts_body else "Inputs of the request body"
    return _table("body", title, reference.body_fields(template), start)


def _tables(template: TaskTemplate) -> Iterable[Table]:
    for name, title, place in _PLACES:
        yield _table(name, title, reference.parameters(template, place))
    yield _table("headers", "Request headers", reference.headers(template))
    yield body_table(template)


def _table(name: str, title: str, fields: tuple[Field, ...], start: int = 0) -> Table:
    shown = fields[start : start + MOST_ROWS]
    rows = tuple(
        Row(field.name, reference.shown_type(field), field.required, reference.shown_description(field)) for field in shown
    )
    return Table(name, title, rows, len(fields), start)


def _answers(template: TaskTemplate) -> Iterable[Answer]:
    for status, spec in template.responses.items():
        example = "" if spec.example is None else json.dumps(spec.example, indent=2, ensure_ascii=False)
        cut = example if len(example) <= LONGEST_EXAMPLE else example[:LONGEST_EXAMPLE] + CUT
        yield Answer(status, spec.description, reference.schema_words(spec.schema), cut)
