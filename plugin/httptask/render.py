"""A template, checked inputs and a connection become a Request: a pure function.

Each value goes through the encoder of its slot, and the result must have the template's shape. The request is put together from
slots that say where each text came from, so that an explanation cannot differ from what is sent. Nothing here reads a clock, a
file or the network, and no input is ever compiled as a template.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

from httptask import uri
from httptask.errors import ExpressionError, Problem, RenderError, UnsupportedStyle
from httptask.expressions import Compiled, compile_text, evaluate_text, to_text
from httptask.inputs import BODY, parameter_names
from httptask.message import Headers, Request
from httptask.model import BODILESS_METHODS, Connection, Parameter, TaskTemplate
from httptask.version import VERSION

USER_AGENT = f"httptask/{VERSION}"
#: Set by us alone: another value would break framing, routing or the credential (RFC 9110 sections 7.6.1 and 10.1.1, RFC 9112).
LOCKED_HEADERS = frozenset(
    {"authorization", "host", "content-length", "transfer-encoding", "expect", "connection", "keep-alive", "te", "trailer"}
    | {"upgrade", "proxy-authorization", "proxy-connection"}
)
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
#: What a text of a template yields that needs an optional input which was left out.
OMIT: Any = object()


Origin = Literal["httptask", "provider", "template", "connection", "call", "input"]


class Slot(NamedTuple):
    """One text of a request, encoded as it is sent, and who gave it. A tuple, because each call makes a dozen.

    Of two headers with one name the later holds.
    """

    kind: Literal["path", "query", "header"]
    name: str
    text: str
    origin: Origin
    #: The input's name, where one gave it.
    key: str = ""


_OWN_HEADERS = tuple(
    Slot("header", name, text, "httptask")
    for name, text in (("Accept", "application/json"), ("Accept-Encoding", "gzip"), ("User-Agent", USER_AGENT))
)


class Rendered(NamedTuple):
    """A request without its credential, and the slots that it was put together from."""

    request: Request
    slots: tuple[Slot, ...]


def build(
    template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, headers: Mapping[str, str] | None = None
) -> Request:
    """Render the request without its credential, as `rendered` does."""
    return rendered(template, inputs, connection, headers).request


def rendered(
    template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, headers: Mapping[str, str] | None = None
) -> Rendered:
    """Render the request without its credential. `headers` are those of the call or workflow step.

    Inputs must have passed `inputs.check`. Header precedence, highest first: header parameters, `headers`, connection,
    template, provider.

    Raises:
        RenderError: every value that would leave its slot, all at once.
        ExpressionError: an expression of the template cannot be evaluated over these inputs.

    """
    gathered = _Gathered()
    path = gathered.collect(lambda: _path(template, inputs), [])
    query = gathered.collect(lambda: list(_query(template, inputs)), [])
    body = gathered.collect(lambda: _body(template, inputs), None)
    fields = gathered.collect(lambda: _headers(template, inputs, connection, headers or {}), [])
    gathered.finish()
    fields = _framed(template, fields, body)
    pairs = "&".join([f"{slot.name}={slot.text}" for slot in query])
    url = connection.base_url + "".join([slot.text for slot in path]) + ("?" + pairs if query else "")
    last = {slot.name.lower(): (slot.name, slot.text) for slot in fields}
    return Rendered(Request(template.method, url, Headers(tuple(last.values())), body), (*path, *query, *fields))


def check_body_kind(content_type: str, where: str) -> None:
    """Refuse a body kind that has no encoder.

    Raises:
        UnsupportedStyle: the media type is neither JSON nor text.

    """
    media = content_type.partition(";")[0].strip().lower()
    if not (media == "application/json" or media.endswith("+json") or media.startswith("text/")):
        raise UnsupportedStyle(
            Problem(where, f"a body of type '{media}' has no encoder yet", "supported: application/json, +json, text/*")
        )


@lru_cache(maxsize=1024)
def path_parts(template: TaskTemplate) -> tuple[str | Parameter, ...]:
    """Return the path as literal text and path parameters, in order.

    Raises:
        ExpressionError: a placeholder that is not one path parameter of the template.

    """
    parameters = {parameter.name: parameter for parameter in template.parameters if parameter.location == "path"}
    return tuple(
        part if isinstance(part, str) else _path_parameter(part, parameters) for part in compile_text(template.path).parts
    )


class _Gathered:
    """Renders the parts one by one and gathers what is wrong in each, so that a caller sees every problem at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def collect(self, render: Any, nothing: Any) -> Any:
        try:
            return render()
        except (RenderError, ExpressionError) as error:
            self.problems += error.problems
            return nothing

    def finish(self) -> None:
        if self.problems:
            raise RenderError(self.problems)


def _path_parameter(part: Any, parameters: Mapping[str, Parameter]) -> Parameter:
    reference = part.references[0] if part.is_path else ()
    name = reference[-1] if reference[:-1] in {(), ("inputs",)} and reference else ""
    if name not in parameters:
        hint = f"path parameters: {', '.join(parameters) or 'none'}"
        raise ExpressionError(Problem("{{ " + part.source + " }}", "a placeholder in a path must be one path parameter", hint))
    return parameters[name]


def _path(template: TaskTemplate, inputs: Mapping[str, Any]) -> list[Slot]:
    parts = _path_inputs(template)
    texts = iter(_each(partial(uri.encode_path, part[1], inputs[part[0]]) for part in parts if not isinstance(part, Slot)))
    slots = [part if isinstance(part, Slot) else Slot("path", part[1].name, next(texts), "input", part[0]) for part in parts]
    literal = "".join([part.text for part in parts if isinstance(part, Slot)])
    uri.check_wire_path("".join([slot.text for slot in slots]), literal.count("/") + 1)
    return slots


@lru_cache(maxsize=1024)
def _path_inputs(template: TaskTemplate) -> tuple[Slot | tuple[str, Parameter], ...]:
    """Return the path as literal slots and inputs with their parameters, in order."""
    names = {parameter: name for name, parameter in _named(template)}
    return tuple(
        Slot("path", "", part, "template") if isinstance(part, str) else (names[part.name, "path"], part)
        for part in path_parts(template)
    )


def _each(renders: Iterable[Callable[[], Any]]) -> list[Any]:
    """Call them all, and report what is wrong in each of them at once."""
    problems: list[Problem] = []
    results = []
    for render in renders:
        try:
            results.append(render())
        except (RenderError, ExpressionError) as error:
            problems += error.problems
    if problems:
        raise RenderError(problems)
    return results


def _named(template: TaskTemplate) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, parameter in parameter_names(template).items():
        yield name, (parameter.name, parameter.location)


def _given(template: TaskTemplate, inputs: Mapping[str, Any], location: str) -> Iterator[tuple[str, Parameter, Any]]:
    for name, parameter in parameter_names(template).items():
        if parameter.location == location and name in inputs:
            yield name, parameter, inputs[name]


def _query(template: TaskTemplate, inputs: Mapping[str, Any]) -> Iterator[Slot]:
    given = list(_given(template, inputs, "query"))
    encoded = _each(partial(uri.encoder_for(parameter), parameter, value) for _, parameter, value in given)
    for (key, _, _), pairs in zip(given, encoded, strict=True):
        for name, text in pairs:
            yield Slot("query", name, text, "input", key)


def _body(template: TaskTemplate, inputs: Mapping[str, Any]) -> bytes | None:
    body = template.body
    if body is None:
        return None
    if template.method in BODILESS_METHODS:
        raise RenderError(Problem(BODY, f"{template.method} takes no body"))
    if body.template is not None:
        return _encoded(filled(body.template, partial(leaf, template, inputs)), body.content_type)
    return _encoded(inputs[BODY], body.content_type) if BODY in inputs else None


def _encoded(value: Any, content_type: str) -> bytes:
    try:
        if content_type.lower().startswith("text/"):
            return to_text(value).encode("utf-8")
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        raise RenderError(Problem(BODY, "the text holds a lone surrogate and cannot be written as UTF-8")) from None
    except TypeError as error:
        raise RenderError(Problem(BODY, str(error))) from None
    except ValueError:
        raise RenderError(Problem(BODY, "NaN, Infinity and numbers of thousands of digits cannot be sent as JSON")) from None
    except RecursionError:
        raise RenderError(Problem(BODY, "it is nested too deep to be written as JSON")) from None


def filled(tree: Any, value_of: Callable[[str], Any]) -> Any:
    """Return a body template with the value of each text in it; what has none leaves its key or item out."""
    if isinstance(tree, str):
        return value_of(tree)
    if isinstance(tree, Mapping):
        values = ((key, filled(value, value_of)) for key, value in tree.items())
        return {key: value for key, value in values if value is not OMIT}
    if isinstance(tree, list | tuple):
        return [value for value in (filled(item, value_of) for item in tree) if value is not OMIT]
    return tree


def leaf(template: TaskTemplate, inputs: Mapping[str, Any], text: str) -> Any:
    """Return the value of one text of a body template; none if it needs an optional input that was left out."""
    compiled = compile_text(text)
    try:
        return compiled.evaluate({"inputs": inputs})
    except ExpressionError:
        if compiled.whole and _is_omitted(compiled, template, inputs):
            return OMIT
        raise


def _is_omitted(compiled: Compiled, template: TaskTemplate, inputs: Mapping[str, Any]) -> bool:
    references = compiled.references
    plain = len(references) == 1 and len(references[0]) > 1 and references[0][0] == "inputs"
    return plain and references[0][1] in _optional(template) and references[0][1] not in inputs


@lru_cache(maxsize=1024)
def _optional(template: TaskTemplate) -> frozenset[str]:
    from httptask.inputs import input_schema

    schema = input_schema(template)
    return frozenset(schema["properties"]) - frozenset(schema["required"])


def _headers(template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, call: Mapping[str, str]) -> list[Slot]:
    locked = LOCKED_HEADERS | connection.owned_headers
    problems: list[Problem] = []
    slots = list(_OWN_HEADERS)
    for origin, name, render, key in _header_layers(template, inputs, connection, call):
        try:
            value = render()
            if value is not OMIT:
                slots.append(Slot("header", uri.check_header_name(name), uri.check_header_value(name, value), origin, key))
        except (RenderError, ExpressionError) as error:
            problems += error.problems
        if name.lower() in locked:
            problems.append(
                Problem(
                    f"{'parameter' if key else origin} header '{name}'",
                    "this header is set by httptask alone",
                    "remove it; credentials belong in the connection",
                )
            )
    if problems:
        raise RenderError(problems)
    return slots


def _header_layers(
    template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, call: Mapping[str, str]
) -> Iterator[tuple[Origin, str, Callable[[], Any], str]]:
    """Yield who sets it, its name, how to get its value, which may fail, and the input: lowest precedence first."""
    yield from (("provider", name, partial(str, value), "") for name, value in template.provider.headers.items())
    for name, text in template.headers.items():
        yield "template", name, partial(_template_header, text, template, inputs), ""
    yield from (("connection", name, partial(str, value), "") for name, value in connection.headers.items())
    yield from (("call", name, partial(str, value), "") for name, value in call.items())
    for key, parameter, value in _given(template, inputs, "header"):
        yield "input", parameter.name, partial(uri.encoder_for(parameter), parameter, value), key


def _template_header(text: str, template: TaskTemplate, inputs: Mapping[str, Any]) -> Any:
    try:
        return evaluate_text(text, {"inputs": inputs})
    except ExpressionError:
        if _is_omitted(compile_text(text), template, inputs):
            return OMIT
        raise


def _framed(template: TaskTemplate, fields: list[Slot], body: bytes | None) -> list[Slot]:
    """Add what describes the body: Content-Type only with one, Content-Length also where POST, PUT or PATCH have none.

    Without that length some servers, Okta's among them, answer 411.
    """
    is_typed = any(slot.name.lower() == "content-type" for slot in fields)
    if body is None:
        kept = [slot for slot in fields if slot.name.lower() != "content-type"] if is_typed else fields
        return [*kept, Slot("header", "Content-Length", "0", "httptask")] if template.method in _BODY_METHODS else kept
    if not is_typed and template.body is not None:
        fields = [*fields, Slot("header", "Content-Type", template.body.content_type, "template")]
    return [*fields, Slot("header", "Content-Length", str(len(body)), "httptask")]
