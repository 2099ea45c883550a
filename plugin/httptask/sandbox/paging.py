"""Pages of pools: so many per type, with an opaque cursor in `Link` headers."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from httptask.sandbox.seed import make_id
from httptask.sandbox.wire import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from httptask.sandbox.seed import Pool
    from httptask.sandbox.wire import Fields, SandboxRequest


def page_of(pools: Iterable[Pool], start: int, size: int) -> tuple[list[Pool], bool]:
    """Return the pools that stand at `start` up to `start + size` among those of their own type, and whether more follow."""
    seen: dict[str, int] = {}
    page: list[Pool] = []
    for pool in pools:
        place = seen.get(pool.type, 0)
        seen[pool.type] = place + 1
        if start <= place < start + size:
            page.append(pool)
    return page, any(count > start + size for count in seen.values())


def cursor(start: int) -> str:
    """Return the opaque cursor of a page; its second half shows that this server made it."""
    return base64.b64encode(f"{start}:{make_id('cur', start)}".encode()).decode()


def start_of(request: SandboxRequest) -> int:
    """Return where the page that `after` names starts.

    Raises:
        ApiError: 400 E0000029 for a cursor that this server did not make.

    """
    after = request.query.get("after")
    if after is None:
        return 0
    try:
        start = base64.b64decode(after, validate=True).decode("ascii").partition(":")[0]
        known = start.isdigit() and after == cursor(int(start))
    except (binascii.Error, ValueError):
        known = False
    if not known:
        raise ApiError(400, "E0000029")
    return int(start)


def links(request: SandboxRequest, following: int | None) -> Fields:
    """Return the `Link` headers: `self`, and `next` in a header of its own unless this is the last page."""
    url = f"{request.origin}{request.path}"
    query = request.query
    fields = [("link", f'<{_with_query(url, query)}>; rel="self"')]
    if following is not None:
        rest = {name: value for name, value in query.items() if name != "after"}
        fields.append(("link", f'<{_with_query(url, {"after": cursor(following), **rest})}>; rel="next"'))
    return tuple(fields)


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url
