"""What forms lose that hold one request and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from httptask.export.subject import Note

if TYPE_CHECKING:
    from httptask.export.subject import Subject


def of_one_request(subject: Subject) -> Iterator[Note]:
    """Yield what a call does beyond its request."""
    if subject.template.follow_redirects:
        yield Note("loss", "the task follows redirects on its own origin, this follows none")
    if subject.said.paginate is not None:
        yield Note("loss", "this is the request of the first page")
