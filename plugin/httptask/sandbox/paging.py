"""Pages of pools: so many per type, with an opaque cursor in `Link` headers."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from httptask.sandbox.seed import make_id
from httptask.sandbox.wire import ApiError

if TYPE_CHECKING:
    from httptask.sandbox.wire import Fields, SandboxRequest


def cursor(start: int, expiries: int = 0) -> str:
    """Return the opaque cursor of a page; its second half shows that this server made it, after so many expiries."""
    proof = make_id("cur", start, expiries) if expiries else make_id("cur", start)
    return base64.b64encode(f"{start}:{proof}".encode()).decode()


def start_of(request: SandboxRequest, expiries: int) -> int:
    """Return where the page that `after` names starts.

    Raises:
        ApiError: 400 E0000029 for a cursor that this server did not make, 400 E0000031 for one that has expired.

    """
    after = request.query.get("after")
    if after is None:
        return 0
    try:
        digits = base64.b64decode(after, validate=True).decode("ascii").partition(":")[0]
        start = int(digits) if digits.isdigit() else None
    except (binascii.Error, ValueError):
        start = None
    if start is None or after not in (cursor(start, past) for past in range(expiries, -1, -1)):
        raise ApiError(400, "E0000029")
    if after != cursor(start, expiries):
        raise ApiError(400, "E0000031")
    return start


def links(request: SandboxRequest, following: str | None) -> Fields:
    """Return the `Link` headers: `self`, and `next` in a header of its own where there is a cursor of a following page."""
    url = f"{request.origin}{request.path}"
    query = request.query
    fields = [("link", f'<{_with_query(url, query)}>; rel="self"')]
    if following is not None:
        rest = {name: value for name, value in query.items() if name != "after"}
        fields.append(("link", f'<{_with_query(url, {"after": following, **rest})}>; rel="next"'))
    return tuple(fields)


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}?{urlencode(query)}" if query else url
