"""OpenAPI parameter styles as encoders, one per slot, so that no value can leave its slot.

Sources: RFC 3986 (percent-encoding, dot segments), RFC 6570 and the OpenAPI style table, RFC 9110 section 5.5 (field values).
Everything outside RFC 3986's unreserved set is percent-encoded in a path or query; a value is refused where no encoding can
keep it in place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from httptask.errors import Problem, RenderError, UnsupportedStyle
from httptask.expressions import to_text, type_name
from httptask.model import Location, Parameter
from httptask.origins import hides_dot_segment

DEFAULT_STYLE: Mapping[Location, str] = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_FIELD_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?\Z|\Z")

Pairs = tuple[tuple[str, str], ...]


def encode_path(parameter: Parameter, value: Any) -> str:
    """Return a value as part of one path segment.

    Raises:
        RenderError: an empty value, a dot segment in any encoding, or a value without a text form.

    """
    items = value if isinstance(value, list | tuple) else [value]
    pieces = [_scalar(parameter, item) for item in items]
    for piece in pieces:
        _refuse_dot_segments(parameter, piece)
    if not pieces:
        raise RenderError(Problem(parameter.name, "a path parameter must not be empty"))
    return ",".join(_percent(parameter, piece) for piece in pieces)


def encode_query(parameter: Parameter, value: Any) -> Pairs:
    """Return a value as encoded query pairs: one per item when exploded, else one with commas; an empty list sends nothing."""
    name = _percent(parameter, parameter.name)
    if not isinstance(value, list | tuple):
        return ((name, _percent(parameter, _scalar(parameter, value))),)
    pieces = [_percent(parameter, _scalar(parameter, item)) for item in value]
    if parameter.explode:
        return tuple((name, piece) for piece in pieces)
    return ((name, ",".join(pieces)),) if pieces else ()


def with_query(url: str, parameter: Parameter, value: Any) -> str:
    """Return an encoded URL in which a query parameter has this one value; the others stay as they are, in their order."""
    before, mark, query = url.partition("?")
    pieces = query.split("&") if mark else []
    places = [place for place, piece in enumerate(pieces) if _named(piece) == parameter.name]
    kept = [piece for place, piece in enumerate(pieces) if piece and place not in places[1:]]
    new = "&".join(f"{name}={text}" for name, text in encode_query(parameter, value))
    if not places:
        return f"{before}?{'&'.join([*kept, new])}"
    return f"{before}?{'&'.join(new if _named(piece) == parameter.name else piece for piece in kept)}"


def without_query(url: str, names: Container[str]) -> str:
    """Return an encoded URL without the query parameters of these names."""
    before, mark, query = url.partition("?")
    kept = "&".join(piece for piece in query.split("&") if _named(piece) not in names)
    return f"{before}{mark}{kept}" if kept else before


def query_values(url: str, name: str) -> list[str]:
    """Return the values of a query parameter of an encoded URL, in order."""
    pieces = (piece.partition("=") for piece in url.partition("?")[2].split("&"))
    return [unquote_plus(value) for key, _, value in pieces if unquote_plus(key) == name]


def encode_header(parameter: Parameter, value: Any) -> str:
    """Return a header parameter's value; headers are not percent-encoded (OpenAPI, style `simple`)."""
    items = value if isinstance(value, list | tuple) else [value]
    return check_header_value(parameter.name, ",".join(_scalar(parameter, item) for item in items))


#: Every style that can be sent. A style that is not here is refused when the definition is loaded.
ENCODERS: Mapping[tuple[Location, str], Callable[[Parameter, Any], Any]] = {
    ("path", "simple"): encode_path,
    ("query", "form"): encode_query,
    ("header", "simple"): encode_header,
}
#: What each of them does, in words.
_WORDS: Mapping[tuple[Location, str], str] = {
    ("path", "simple"): "within one path segment, percent-encoded",
    ("query", "form"): "percent-encoded",
    ("header", "simple"): "visible ASCII as it is",
}


def described(parameter: Parameter) -> str:
    """Return in words what the encoder of a parameter does, in OpenAPI's terms."""
    explode = ", explode" if parameter.explode else ""
    return f"style {parameter.style}{explode}: {_WORDS[parameter.location, parameter.style]}"


def encoder_for(parameter: Parameter, where: str = "") -> Callable[[Parameter, Any], Any]:
    """Return the encoder of a parameter.

    Raises:
        UnsupportedStyle: no encoder exists for this place and style, or the schema asks for an object.

    """
    encoder = ENCODERS.get((parameter.location, parameter.style))
    if encoder is None:
        known = ", ".join(f"{place} {style}" for place, style in ENCODERS)
        message = f"parameter '{parameter.name}': style '{parameter.style}' in {parameter.location} has no encoder yet"
        raise UnsupportedStyle(Problem(where or parameter.name, message, f"supported: {known}"))
    if parameter.schema.get("type") == "object":
        message = f"parameter '{parameter.name}': an object in {parameter.location} has no encoder yet"
        raise UnsupportedStyle(Problem(where or parameter.name, message, "send it in the body, or as separate parameters"))
    return encoder


def check_header_name(name: str) -> str:
    """Return a header name that is a token (RFC 9110 section 5.1).

    Raises:
        RenderError: it is not.

    """
    if not _TOKEN.match(name):
        raise RenderError(Problem("headers", "a header name must be a token: letters, digits and !#$%&'*+-.^_`|~"))
    return name


def check_header_value(name: str, value: str) -> str:
    """Return a header value of visible ASCII, spaces and tabs.

    Raises:
        RenderError: a line break, NUL, other control or non-ASCII character, or space at an end, which servers strip.

    """
    if not _FIELD_VALUE.match(value):
        message = "a header value must be visible ASCII without line breaks and without space at its ends"
        raise RenderError(Problem(name, message, "encode other text first, for example as RFC 8187 or base64"))
    return value


def check_wire_path(path: str, template_segments: int) -> str:
    """Return a path that has the template's shape.

    Raises:
        RenderError: another number of segments, or a dot segment: the request would go somewhere else.

    """
    segments = path.split("/")
    if len(segments) != template_segments or any(unquote(segment) in {".", ".."} for segment in segments):
        raise RenderError(Problem("path", "the rendered path does not have the shape of the template's path"))
    return path


def _named(piece: str) -> str:
    return unquote_plus(piece.partition("=")[0])


def _scalar(parameter: Parameter, value: Any) -> str:
    try:
        if isinstance(value, float) and value.is_integer() and parameter.schema.get("type") == "integer":
            return str(int(value))
        return to_text(value)
    except (TypeError, ValueError):
        message = f"{type_name(value)} cannot be sent in {parameter.location}"
        raise RenderError(Problem(parameter.name, message)) from None


def _percent(parameter: Parameter, text: str) -> str:
    try:
        return quote(text.encode("utf-8"), safe="")
    except UnicodeEncodeError:
        raise RenderError(Problem(parameter.name, "the text holds a lone surrogate and cannot be written as UTF-8")) from None


def _refuse_dot_segments(parameter: Parameter, value: str) -> None:
    if not value:
        raise RenderError(Problem(parameter.name, "a path parameter must not be empty"))
    if hides_dot_segment(value):
        message = "a path parameter must not be or hold a dot segment (. or ..), plain or encoded"
        raise RenderError(Problem(parameter.name, message, "servers resolve it to another path"))
