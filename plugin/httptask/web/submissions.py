"""What a browser sends with a form, read within limits: fields, files as text, and the button that was pressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from httptask.errors import InputInvalid, Problem
from httptask.web.guard import LARGEST_BODY

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request

ACTION = "~action"
#: Before the name of a place: a file whose text takes the place's own.
FILE = "~file:"
MOST_FIELDS = 5000


@dataclass(frozen=True, slots=True)
class Submission:
    """One submitted form. `problems` are files that could not be read, by the name of their place."""

    fields: Mapping[str, list[str]]
    problems: tuple[tuple[str, Problem], ...] = field(default=())

    @property
    def action(self) -> tuple[str, str]:
        """The button that was pressed, and the place that it is for."""
        name, _, place = self.first(ACTION).partition(":")
        return name, place

    def first(self, name: str) -> str:
        """Return a field's first value; the empty text if it is not there."""
        return next(iter(self.fields.get(name, ())), "")


async def submitted(request: Request) -> Submission:
    """Read a form.

    Raises:
        InputInvalid: it is malformed, or has more fields than any page of ours.

    """
    from starlette.datastructures import UploadFile
    from starlette.formparsers import MultiPartException
    from starlette.requests import ClientDisconnect

    fields: dict[str, list[str]] = {}
    problems: list[tuple[str, Problem]] = []
    try:
        form = await _parsed(request)
    except (MultiPartException, ClientDisconnect):
        raise InputInvalid(Problem("form", "the form cannot be read", "reload the page")) from None
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            fields.setdefault(name, []).append(value)
        elif name.startswith(FILE) and value.filename:
            place = name.removeprefix(FILE)
            try:
                fields[place] = [(await value.read()).decode("utf-8-sig")]
            except UnicodeDecodeError:
                problems.append((place, Problem(place.lstrip("~"), "the file is not UTF-8")))
    await form.close()
    return Submission(fields, tuple(problems))


async def _parsed(request: Request) -> FormData:
    from starlette.formparsers import FormParser, MultiPartParser

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await FormParser(request.headers, request.stream()).parse()
    limits = {"max_files": 20, "max_fields": MOST_FIELDS, "max_part_size": LARGEST_BODY}
    parser = MultiPartParser(request.headers, request.stream(), **limits)
    parser.spool_max_size = LARGEST_BODY  # a part may hold a secret, which belongs into no file
    return await parser.parse()
