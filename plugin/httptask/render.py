"""A template, checked inputs and a connection become a Request: a pure function.

Each value goes through the encoder of its slot, and the result must have the template's shape. Nothing here reads a clock, a
file or the network, and no input is ever compiled as a template.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import chain
from typing import Any

from httptask import uri
from httptask.errors import ExpressionError, Problem, RenderError, UnsupportedStyle
from httptask.expressions import Compiled, compile_text, evaluate_text, to_text
from httptask.inputs import BODY, parameter_names
from httptask.message import Headers, HeaderValue, Request
from httptask.model import BODILESS_METHODS, Connection, Parameter, TaskTemplate
from httptask.version import VERSION

USER_AGENT = f"httptask/{VERSION}"
#: Set by us alone: another value would break framing, routing or the credential (RFC 9110 sections 7.6.1 and 10.1.1, RFC 9112).
LOCKED_HEADERS = frozenset(
    {"authorization", "host", "content-length", "transfer-encoding", "expect", "connection", "keep-alive", "te", "trailer"}
    | {"upgrade", "proxy-authorization", "proxy-connection"}
)
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_OMIT = object()


def build(
    template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, headers: Mapping[str, str] | None = None
) -> Request:
    """Render the request without its credential. `headers` are those of the call or workflow step.

    Inputs must have passed `inputs.check`. Header precedence, highest first: header parameters, `headers`, connection,
    template, provider.

    Raises:
        RenderError: every value that would leave its slot, all at once.
        ExpressionError: an expression of the template cannot be evaluated over these inputs.

    """
    slots = _Slots(template, inputs)
    path = slots.collect(lambda: _path(template, inputs), "")
    query = slots.collect(lambda: list(_query(template, inputs)), [])
    body = slots.collect(lambda: _body(template, inputs), None)
    fields = slots.collect(lambda: _headers(template, inputs, connection, headers or {}), Headers())
    slots.finish()
    url = connection.base_url + path + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")
    return Request(template.method, url, _framed(template, fields, body), body)


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


class _Slots:
    """Runs the slots one by one and gathers what is wrong in each, so that a caller sees every problem at once."""

    def __init__(self, template: TaskTemplate, inputs: Mapping[str, Any]) -> None:
        self.template = template
        self.inputs = inputs
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


def _path(template: TaskTemplate, inputs: Mapping[str, Any]) -> str:
    names = {parameter: name for name, parameter in _named(template)}
    parts = path_parts(template)
    segments = iter(_each(partial(uri.encode_path, part, inputs[names[part.name, "path"]]) for part in _parameters(parts)))
    text = "".join(part if isinstance(part, str) else next(segments) for part in parts)
    literal = "".join(part for part in parts if isinstance(part, str))
    return uri.check_wire_path(text, literal.count("/") + 1)


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


def _parameters(parts: Iterable[str | Parameter]) -> Iterator[Parameter]:
    return (part for part in parts if isinstance(part, Parameter))


def _named(template: TaskTemplate) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, parameter in parameter_names(template).items():
        yield name, (parameter.name, parameter.location)


def _given(template: TaskTemplate, inputs: Mapping[str, Any], location: str) -> Iterator[tuple[Parameter, Any]]:
    for name, parameter in parameter_names(template).items():
        if parameter.location == location and name in inputs:
            yield parameter, inputs[name]


def _query(template: TaskTemplate, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    given = _given(template, inputs, "query")
    return chain.from_iterable(_each(partial(uri.encoder_for(parameter), parameter, value) for parameter, value in given))


def _body(template: TaskTemplate, inputs: Mapping[str, Any]) -> bytes | None:
    body = template.body
    if body is None:
        return None
    if template.method in BODILESS_METHODS:
        raise RenderError(Problem(BODY, f"{template.method} takes no body"))
    if body.template is not None:
        return _encoded(_filled(body.template, template, inputs), body.content_type)
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


def _filled(tree: Any, template: TaskTemplate, inputs: Mapping[str, Any]) -> Any:
    """Evaluate a body template's leaves; one that needs an omitted optional input leaves its key or item out."""
    if isinstance(tree, str):
        return _leaf(compile_text(tree), template, inputs)
    if isinstance(tree, Mapping):
        filled = ((key, _filled(value, template, inputs)) for key, value in tree.items())
        return {key: value for key, value in filled if value is not _OMIT}
    if isinstance(tree, list | tuple):
        return [value for value in (_filled(item, template, inputs) for item in tree) if value is not _OMIT]
    return tree


def _leaf(compiled: Compiled, template: TaskTemplate, inputs: Mapping[str, Any]) -> Any:
    try:
        return compiled.evaluate({"inputs": inputs})
    except ExpressionError:
        if compiled.whole and _is_omitted(compiled, template, inputs):
            return _OMIT
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


def _headers(template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, call: Mapping[str, str]) -> Headers:
    values: dict[str, HeaderValue] = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": USER_AGENT}
    locked = LOCKED_HEADERS | (connection.auth.headers if connection.auth else frozenset())
    problems: list[Problem] = []
    headers = Headers.of(values)
    for source, name, render in _header_layers(template, inputs, connection, call):
        try:
            value = render()
            if value is not _OMIT:
                headers = headers.replace(uri.check_header_name(name), uri.check_header_value(name, value))
        except (RenderError, ExpressionError) as error:
            problems += error.problems
        if name.lower() in locked:
            problems.append(
                Problem(
                    f"{source} header '{name}'",
                    "this header is set by httptask alone",
                    "remove it; credentials belong in the connection",
                )
            )
    if problems:
        raise RenderError(problems)
    return headers


def _header_layers(
    template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, call: Mapping[str, str]
) -> Iterator[tuple[str, str, Callable[[], Any]]]:
    """Yield who sets it, its name and how to get its value, which may fail: lowest precedence first."""
    yield from (("provider", name, partial(str, value)) for name, value in template.provider.headers.items())
    for name, text in template.headers.items():
        yield "template", name, partial(_template_header, text, template, inputs)
    yield from (("connection", name, partial(str, value)) for name, value in connection.headers.items())
    yield from (("call", name, partial(str, value)) for name, value in call.items())
    for parameter, value in _given(template, inputs, "header"):
        yield "parameter", parameter.name, partial(uri.encoder_for(parameter), parameter, value)


def _template_header(text: str, template: TaskTemplate, inputs: Mapping[str, Any]) -> Any:
    try:
        return evaluate_text(text, {"inputs": inputs})
    except ExpressionError:
        if _is_omitted(compile_text(text), template, inputs):
            return _OMIT
        raise


def _framed(template: TaskTemplate, headers: Headers, body: bytes | None) -> Headers:
    """Add what describes the body: Content-Type only with one, Content-Length also where POST, PUT or PATCH have none.

    Without that length some servers, Okta's among them, answer 411.
    """
    if body is None:
        headers = headers.without("Content-Type")
        return headers.replace("Content-Length", "0") if template.method in _BODY_METHODS else headers
    if "Content-Type" not in headers and template.body is not None:
        headers = headers.replace("Content-Type", template.body.content_type)
    return headers.replace("Content-Length", str(len(body)))
