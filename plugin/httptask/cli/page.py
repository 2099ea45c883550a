"""A task's reference page for people: the catalogue page of the API, on a terminal. The only user of rich's tables."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from io import StringIO

from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from httptask import reference
from httptask.cli.console import Console, is_terminal, on_one_line
from httptask.model import Location, TaskTemplate
from httptask.paging import in_words, paging_of
from httptask.reference import Field

#: Columns of a page that goes into a pipe or file.
PIPE_WIDTH = 120
_PLACES: tuple[tuple[str, Location], ...] = (("Path parameters", "path"), ("Query parameters", "query"))


def print_page(template: TaskTemplate, console: Console) -> None:
    """Print the page."""
    page = _Page(console)
    page.head(template)
    for title, place in _PLACES:
        page.fields(title, reference.parameters(template, place))
    page.fields("Request headers", reference.headers(template))
    title = "Request body fields" if template.accepts_body else "Inputs of the request body"
    page.fields(title, reference.body_fields(template))
    page.responses(template)
    page.outputs(template)
    page.footer(template)


class _Page:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else PIPE_WIDTH

    def head(self, template: TaskTemplate) -> None:
        out, style = self.console.out, self.console.style
        out(f"{style(template.id, 'bold')}  {on_one_line(template.summary)}" + ("  (deprecated)" if template.deprecated else ""))
        out(f"{style(template.method, 'cyan')} {template.openapi_path}")
        out()
        if template.description.strip():
            self.console.block(template.description.strip())
        self.title("Servers")
        out(f"  {template.provider.server_url}")

    def title(self, text: str) -> None:
        self.console.out()
        self.console.out(self.console.style(text, "bold"))

    def fields(self, title: str, fields: Iterable[Field]) -> None:
        rows = [
            (field.name, reference.shown_type(field), "Yes" if field.required else "No", reference.shown_description(field))
            for field in fields
        ]
        if rows:
            self.title(title)
            self.table(("Name", "Type", "Required", "Description"), rows)

    def table(self, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        table = Table(box=None, pad_edge=True, padding=(0, 2, 0, 0))
        for column in columns:
            table.add_column(column, overflow="fold", no_wrap=column == "Required")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        drawn = StringIO()
        # colours are the console's: it lets no others through
        RichConsole(file=drawn, width=self.width, color_system=None, highlight=False, markup=False, emoji=False).print(table)
        for number, line in enumerate(drawn.getvalue().splitlines()):
            self.console.out("  " + self.console.style(line.rstrip(), *(("dim",) if number == 0 else ())))

    def responses(self, template: TaskTemplate) -> None:
        self.title("Responses")
        rows = [(status, spec.description, reference.schema_words(spec.schema)) for status, spec in template.responses.items()]
        self.table(("Status", "Description", "Body"), rows)
        paging = paging_of(template)
        if paging is not None:
            self.title("Pages")
            self.console.out(f"  {in_words(paging)} `httptask test --all` reads them all.")
        self.title("Authorization")
        schemes = [(item.scheme, " ".join(item.scopes) or "-") for item in template.security] or [("none", "-")]
        self.table(("Scheme", "Scopes"), schemes)

    def outputs(self, template: TaskTemplate) -> None:
        if template.outputs:
            self.title("Outputs for later steps")
            rows = [
                (name, reference.schema_words(reference.resolved(output.schema, template.definitions)), output.description)
                for name, output in template.outputs.items()
            ]
            self.table(("Name", "Type", "Description"), rows)

    def footer(self, template: TaskTemplate) -> None:
        self.title("Try it")
        self.console.out(f"  {reference.command_line(template)}")
