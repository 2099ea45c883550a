"""How a list goes on after an answer: what the page holds, and where the next one is. Pure functions.

The next page is always a URL on the connection's own origin: of a link path and query are taken (RFC 8288, RFC 3986 section 5), a
cursor or number goes through the encoder of its query parameter, so that it cannot become another part of the URL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from httptask import uri
from httptask.errors import EgressRefused, PagingError, Problem, RenderError
from httptask.expressions import type_name
from httptask.links import next_target
from httptask.message import Request
from httptask.model import Paging, Parameter, TaskTemplate
from httptask.origins import same_origin_target
from httptask.outcome import Answer, Warn
from httptask.reference import resolved

#: Code of the warning that a list goes on.
MORE_PAGES = "morePages"
_DIGEST_BYTES = 8
#: Digits of a page number or offset; a longer one is none, and turning it into a number would take long.
_MAX_DIGITS = 18


def paging_of(template: TaskTemplate) -> Paging | None:
    """Return how a task's list goes on, None where its documented answer is no list and only the provider speaks of paging."""
    paging = template.effective_paging
    if paging is None or template.paging:
        return paging
    return paging if may_be_list(documented_at(template, paging.items)) else None


def described(paging: Paging) -> dict[str, Any]:
    """Return the JSON form, in the words of a definition file; what is not said is left out."""
    values = {
        "style": paging.style,
        "items": paging.items,
        "parameter": paging.parameter,
        "cursor": paging.cursor,
        "cursorHeader": paging.cursor_header,
        "limitParameter": paging.limit_parameter,
        "limit": paging.limit,
        "firstPage": paging.first_page if paging.style == "page" else None,
    }
    return {key: value for key, value in values.items() if value not in ("", None)}


def in_words(paging: Paging) -> str:
    """Return how a list goes on as one sentence for people."""
    holder = f"`{paging.items}` of the body" if paging.items else "the body"
    source = f"the header {paging.cursor_header}" if paging.cursor_header else f"`{paging.cursor}` of the body"
    how = {
        "link": "the Link header names the next page (rel=next)",
        "cursor": f"{source} holds the cursor of the next page, which goes into `{paging.parameter}`",
        "page": f"`{paging.parameter}` is counted up from {paging.first_page} until a page is short or empty",
        "offset": f"`{paging.parameter}` is counted up by the items of each page until a page is short or empty",
    }
    return f"The list is {holder}; {how[paging.style]}."


def documented_at(template: TaskTemplate, path: str) -> Mapping[str, Any] | None:
    """Return what a task's document says of a key path in the body of a success: empty for nothing, None for no such key."""
    specs = (spec.schema for status, spec in template.responses.items() if status.startswith("2") and spec.schema)
    schema = resolved(next(specs, {}), template.definitions)
    for key in _keys(path):
        if "properties" not in schema:
            return {}
        if key not in schema["properties"] and "additionalProperties" not in schema:
            return None
        schema = resolved(schema["properties"].get(key, {}), template.definitions)
    return schema


def may_be_list(schema: Mapping[str, Any] | None) -> bool:
    """Tell whether a list may stand where this schema was found."""
    if schema is None:
        return False
    kinds = schema.get("type", "array")
    return "array" in ([kinds] if isinstance(kinds, str) else kinds)


def items_of(paging: Paging, answer: Answer) -> list[Any]:
    """Return the items of a page; null in place of the list is an empty one, as some servers write it.

    Raises:
        PagingError: the body has no list there.

    """
    found = _at(answer.body, paging.items)
    if isinstance(found, list):
        return found
    if found is None and paging.items and _holds(answer.body, paging.items):
        return []
    where = f"response.body.{paging.items}" if paging.items else "response.body"
    what = type_name(found) if answer.body is not None and (found is not None or not paging.items) else "nothing"
    hint = "`items` of `paging` names where the list stands, as keys joined by dots"
    raise PagingError(Problem(where, f"the page has no list there, but {what}", hint))


def with_items(paging: Paging, body: Any, items: Sequence[Any]) -> Any:
    """Return a body with its list replaced."""
    return _replaced(body, _keys(paging.items), list(items))


def at_page(request: Request, url: str, base_url: str) -> Request:
    """Return a rendered request for a page whose URL was kept from the page before; nothing but the URL changes.

    Raises:
        RenderError: it is no GET, or the URL is not on the connection's own origin and below its path.

    """
    if request.method != "GET":
        raise RenderError(Problem("pageUrl", f"{request.method} has no further pages", "only a GET can be paged"))
    try:
        return replace(request, url=same_origin_target(base_url, url))
    except EgressRefused:
        hint = "read the list again from its first page"
        raise RenderError(Problem("pageUrl", "the page is not on the connection's own origin", hint)) from None


def more_pages(template: TaskTemplate, answer: Answer) -> Iterator[Warn]:
    """Yield a warning where a list goes on and only this page was asked for."""
    paging = template.effective_paging
    if paging is not None and goes_on(paging, answer):
        message = "the list goes on: this is one page; --all of `test` and `paginate` of a step read them all"
        yield Warn(MORE_PAGES, "response", message)


def goes_on(paging: Paging, answer: Answer) -> bool:
    """Tell whether an answer itself says that there is a next page; with page numbers and offsets it cannot."""
    if paging.style == "link":
        return next_target(_fields(answer, "link")) is not None
    try:
        return paging.style == "cursor" and _cursor(paging, answer) is not None
    except PagingError:
        return False


def next_url(  # noqa: PLR0913 - each is a fact of its own about the page
    paging: Paging,
    template: TaskTemplate,
    request_url: str,
    answer: Answer,
    *,
    base_url: str,
    aliases: tuple[str, ...],
    page: int,
    items_so_far: int,
    items_on_page: int,
) -> str | None:
    """Return the absolute URL of the next page on the connection's own origin, None where the list ends.

    Args:
        paging: how the list goes on.
        template: whose query parameters encode a cursor or number.
        request_url: the URL that this page was asked with, without a credential.
        answer: the page.
        base_url: the connection's.
        aliases: the provider's `originAliases`.
        page: number of this page, from 1.
        items_so_far: items of all pages, this one included.
        items_on_page: items of this one.

    Raises:
        PagingError: a cursor that is neither text nor a number, or a number in the URL that is none.
        EgressRefused: a link to another origin.

    """
    if paging.style == "link":
        target = next_target(_fields(answer, "link"), request_url)
        return None if target is None else same_origin_target(base_url, target, aliases, against=request_url)
    if paging.style == "cursor":
        value: str | int | float | None = _cursor(paging, answer)
    elif _is_last(paging, request_url, items_on_page):
        value = None
    elif paging.style == "page":
        value = _number(request_url, paging.parameter, paging.first_page + page - 1) + 1
    else:
        value = _number(request_url, paging.parameter, items_so_far - items_on_page) + items_on_page
    if value is None:
        return None
    following = _set(template, request_url, paging.parameter, value)
    return same_origin_target(base_url, following, against=request_url)


@dataclass(slots=True)
class Seen:
    """The URLs that were asked, eight bytes of a digest each, so that a list that leads back to itself ends."""

    digests: set[bytes] = field(default_factory=set)

    def again(self, url: str) -> bool:
        """Remember a URL and tell whether it was there before."""
        digest = hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
        known = digest in self.digests
        self.digests.add(digest)
        return known


def _cursor(paging: Paging, answer: Answer) -> str | int | float | None:
    """Return the next cursor, None at the end: it is absent, null, empty, false, or 0, where no list goes on."""
    if paging.cursor_header:
        return next(iter(_fields(answer, paging.cursor_header)), "").strip() or None
    found = _at(answer.body, paging.cursor)
    if not found and not isinstance(found, list | dict):
        return None
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        message = f"the cursor of the next page must be text or a number, this is {type_name(found)}"
        raise PagingError(Problem(f"response.body.{paging.cursor}", message, "`cursor` of `paging` names where it stands"))
    return found


def _is_last(paging: Paging, request_url: str, items_on_page: int) -> bool:
    asked = uri.query_values(request_url, paging.limit_parameter) if paging.limit_parameter else []
    limit = int(asked[0]) if asked and _is_number(asked[0]) else paging.limit
    return items_on_page == 0 or (limit is not None and items_on_page < limit)


def _number(request_url: str, name: str, default: int) -> int:
    values = uri.query_values(request_url, name)
    if not values:
        return default
    if not _is_number(values[0]):
        raise PagingError(Problem(f"query parameter '{name}'", "it must be a whole number to be counted up", "leave it out"))
    return int(values[0])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


def _set(template: TaskTemplate, url: str, name: str, value: str | float) -> str:
    of_task = (item for item in template.parameters if item.location == "query" and item.name == name)
    parameter = next(of_task, Parameter(name, "query", required=False, schema={}, style="form", explode=True))
    try:
        return uri.with_query(url, parameter, value)
    except RenderError as error:
        raise PagingError(error.problems) from None


def _fields(answer: Answer, name: str) -> list[str]:
    return [value for key, value in answer.headers if key.lower() == name.lower()]


def _keys(path: str) -> list[str]:
    return path.split(".") if path else []


def _at(body: Any, path: str) -> Any:
    for key in _keys(path):
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _holds(body: Any, path: str) -> bool:
    before, _, last = path.rpartition(".")
    holder = _at(body, before)
    return isinstance(holder, dict) and last in holder


def _replaced(body: Any, keys: list[str], items: list[Any]) -> Any:
    if not keys:
        return items
    holder = body if isinstance(body, dict) else {}
    return {**holder, keys[0]: _replaced(holder.get(keys[0]), keys[1:], items)}
