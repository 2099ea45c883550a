"""A response becomes a parsed body, outputs, warnings and, where it did not work, a Failure: pure functions.

A body is read defensively: its Content-Type may be missing or wrong, it may be empty, cut off or no JSON at all.
"""

from __future__ import annotations

import base64
import codecs
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from itertools import islice
from typing import Any

from httptask import advice
from httptask.errors import ExpressionError, TransportError
from httptask.expressions import HeaderView, compile_text, evaluate_condition
from httptask.message import Response
from httptask.model import ResponseSpec, Schema, TaskTemplate
from httptask.outcome import Answer, BodyKind, Failure, FailureKind, Warn
from httptask.paging import more_pages
from httptask.schemas import Validator, excerpt, json_path, too_deep
from httptask.secrets import CUT

MAX_WARNINGS = 20
#: Parts of a body that are compared with the document; the lists of a larger one are cut short for it.
MAX_CHECKED = 50_000
MAX_MESSAGE = 500
_OK = range(200, 300)
_REDIRECTS = range(300, 400)
_SERVER_ERRORS = range(500, 600)
_KINDS: Mapping[int, FailureKind] = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.UNAUTHORIZED,
    403: FailureKind.FORBIDDEN,
    404: FailureKind.NOT_FOUND,
    409: FailureKind.CONFLICT,
    422: FailureKind.BAD_REQUEST,
    429: FailureKind.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a response says. `readable` is False when the template documents JSON and what came cannot be used as such."""

    answer: Answer
    success: bool
    readable: bool
    outputs: Mapping[str, Any]
    warnings: tuple[Warn, ...]
    failure: Failure | None


def read(template: TaskTemplate, inputs: Mapping[str, Any], response: Response) -> Reading:
    """Read a response as the template says."""
    answer = parse(response)
    spec = documented(template, answer.status)
    promised_json = spec is not None and spec.schema is not None and spec.schema.get("type") != "string" and answer.status in _OK
    readable = response.incomplete is None and not (promised_json and answer.body_kind in {"text", "base64"})
    context = {"response": response_view(answer), "inputs": inputs}
    matches = any(_status_matches(pattern, answer.status) for pattern in template.success.statuses)
    holds, failure = _condition(template, context) if matches and readable else (True, None)
    success = matches and readable and holds
    if not success:
        return Reading(
            answer,
            success=False,
            readable=readable,
            outputs={},
            warnings=_unchecked(response),
            failure=failure
            or (_failure(template, answer, response) if readable or not matches else _unreadable(answer, response)),
        )
    outputs, missing = outputs_of(template, context)
    drift = (*more_pages(template, answer), *islice(_drift(template, answer), MAX_WARNINGS))
    warnings = drift + missing + _unchecked(response)
    return Reading(answer, success=True, readable=True, outputs=outputs, warnings=warnings, failure=None)


def retry_condition(condition: str | None, inputs: Mapping[str, Any], reading: Reading) -> bool:
    """Tell whether the policy's own condition holds on an answer; one that cannot be evaluated does not hold."""
    if condition is None:
        return False
    try:
        return evaluate_condition(condition, {"response": response_view(reading.answer), "inputs": inputs})
    except ExpressionError:
        return False


def response_view(answer: Answer) -> dict[str, Any]:
    """Return what expressions see as `response`."""
    return {"status": answer.status, "headers": HeaderView(answer.headers), "body": answer.body}


def parse(response: Response) -> Answer:
    """Parse a body by what it is, helped by what it is said to be. Never raises."""
    body, kind = _parsed(response)
    fields = tuple((name, value) for name, value in response.headers if isinstance(value, str))
    return Answer(response.status, fields, body, kind, truncated=response.incomplete is not None)


def documented(template: TaskTemplate, status: int) -> ResponseSpec | None:
    """Return the documented response of a status: exact, by class (`2XX`), for a success any documented one, else `default`."""
    exact = template.responses.get(str(status)) or template.responses.get(f"{status // 100}XX")
    if exact is None and status in _OK:
        exact = next((spec for code, spec in template.responses.items() if code.startswith("2")), None)
    return exact or template.responses.get("default")


def transport_failure(error: TransportError, url: str) -> Failure:
    """Return the failure of an attempt without an answer."""
    return Failure(FailureKind(error.code), str(error), advice.for_transport(error.code, url))


def _parsed(response: Response) -> tuple[Any, BodyKind]:
    if not response.body:
        return None, "empty"
    media, charset = content_type(response)
    text = _decoded(response.body, charset)
    if text is not None and _may_be_json(media, text):
        try:
            value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        except (ValueError, RecursionError):
            pass
        else:
            if not too_deep(value):
                return value, "json"
    if text is not None and ("\x00" not in text):
        return text, "text"
    return base64.b64encode(response.body).decode("ascii"), "base64"


def _may_be_json(media: str, text: str) -> bool:
    """Tell whether to parse: what is said to be text is data only where it is an object or a list, so that `1e5` stays text."""
    if media in {"text/plain", "text/html"}:
        return text.lstrip()[:1] in {"{", "["}
    return not media or "json" in media or media.startswith("application/")


#: Python's own codecs, which are no charsets of the web and may warn.
_NO_CHARSETS = frozenset({"unicode-escape", "raw-unicode-escape", "idna", "punycode"})


def content_type(response: Response) -> tuple[str, str]:
    """Return the media type in lower case and the charset, UTF-8 where none is named."""
    media, _, parameters = (response.headers.get("Content-Type") or "").partition(";")
    charset = next(
        (value for key, _, value in (part.strip().partition("=") for part in parameters.split(";")) if key.lower() == "charset"),
        "",
    )
    return media.strip().lower(), charset.strip('"').strip() or "utf-8"


def _decoded(body: bytes, charset: str) -> str | None:
    for name in (charset, "utf-8"):
        try:
            codec = codecs.lookup(name).name
            if codec not in _NO_CHARSETS:
                return body.decode(codec).removeprefix("\ufeff")
        except (LookupError, ValueError):  # ValueError: bytes that do not fit, or NUL in the name
            continue
    return None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    """Refuse a number beyond a double: it would become Infinity, which no JSON can hold."""
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value


def _status_matches(pattern: str, status: int) -> bool:
    return pattern == str(status) or (pattern.endswith("XX") and pattern[0] == str(status)[0])


def _condition(template: TaskTemplate, context: Mapping[str, Any]) -> tuple[bool, Failure | None]:
    if template.success.condition is None:
        return True, None
    try:
        if evaluate_condition(template.success.condition, context):
            return True, None
        message = f"the success condition does not hold: {template.success.condition}"
    except ExpressionError as error:
        message = f"the success condition cannot be evaluated: {error}"
    return False, Failure(
        FailureKind.CONDITION, message, "the server answered; look at the response body", status=context["response"]["status"]
    )


def _unchecked(response: Response) -> tuple[Warn, ...]:
    message = "a proxy looked up the host, so the addresses behind its name were not checked"
    return (Warn("proxyUnchecked", "connection", message),) if response.proxied else ()


def outputs_of(template: TaskTemplate, context: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Warn, ...]]:
    """Return a task's outputs over `response` and `inputs`, with a warning for each that has no value or another type."""
    outputs: dict[str, Any] = {}
    warnings: list[Warn] = []
    for name, output in template.outputs.items():
        try:
            outputs[name] = compile_text(output.value).evaluate(context)
        except ExpressionError as error:
            warnings.append(Warn("outputMissing", f"outputs.{name}", f"this output has no value: {error}"))
            continue
        warnings += [
            Warn("outputMismatch", json_path(violation.path, f"outputs.{name}"), violation.message)
            for violation in _output_validator(template, name).violations(outputs[name], MAX_WARNINGS)
        ]
    return outputs, tuple(warnings)


@lru_cache(maxsize=1024)
def _output_validator(template: TaskTemplate, name: str) -> Validator:
    """Check an output's type only: its content is the response's, which drift already covers."""
    return Validator({key: value for key, value in template.outputs[name].schema.items() if key == "type"})


@lru_cache(maxsize=1024)
def _response_validator(template: TaskTemplate, status: int) -> Validator:
    spec = documented(template, status)
    return Validator({**(spec.schema if spec and spec.schema else {}), "$defs": dict(template.definitions)})


def _drift(template: TaskTemplate, answer: Answer) -> Iterator[Warn]:
    """Yield where a real answer differs from the document: status, types and enumerations, and fields that are not listed."""
    spec = documented(template, answer.status)
    if not any(_status_matches(code, answer.status) for code in template.responses):
        known = ", ".join(code for code in template.responses if code.startswith("2"))
        yield Warn(
            "undocumentedStatus",
            "response.status",
            f"the server answered {answer.status}, the document says {known or 'nothing'}",
        )
    if spec is None or spec.schema is None:
        return
    if answer.body_kind == "empty":
        yield Warn("emptyBody", "response.body", "the document promises a body and none came")
        return
    body = excerpt(answer.body, MAX_CHECKED)
    for violation in _response_validator(template, answer.status).violations(body, MAX_WARNINGS) if body is not None else ():
        yield Warn(
            _DRIFT_CODES.get(violation.keyword, "schemaMismatch"), json_path(violation.path, "response.body"), violation.message
        )
    found: set[str] = set()
    for path in _unlisted(body, spec.schema, template.definitions, "response.body"):
        if path not in found:
            found.add(path)
            yield Warn("unlistedField", path, "the document does not list this field")


_DRIFT_CODES = {"enum": "unknownEnumValue"}


def _unlisted(value: Any, schema: Schema, definitions: Mapping[str, Schema], path: str) -> Iterator[str]:
    """Yield the paths of object keys that the schema does not name; items share one path, `agents[].x`."""
    branches = list(_branches(schema, definitions))
    properties: dict[str, Schema] = {}
    for branch in branches:
        properties |= branch.get("properties", {})
    if isinstance(value, dict) and properties and not any("additionalProperties" in branch for branch in branches):
        for key, item in value.items():
            if key not in properties:
                yield f"{path}.{key}"
            else:
                yield from _unlisted(item, properties[key], definitions, f"{path}.{key}")
    items = next((branch["items"] for branch in branches if "items" in branch), None)
    if isinstance(value, list) and isinstance(items, Mapping):
        for item in value:
            yield from _unlisted(item, items, definitions, f"{path}[]")


def _branches(schema: Any, definitions: Mapping[str, Schema]) -> Iterator[Schema]:
    """Yield the schema and what it refers to or combines, references followed once each."""
    if isinstance(schema, bool):  # true and false are schemas too
        return
    yield schema
    if "$ref" in schema:
        yield from _branches(definitions.get(str(schema["$ref"]).rsplit("/", 1)[-1], {}), definitions)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(keyword, ()):
            yield from _branches(branch, definitions)


_INCOMPLETE = {
    "tooLarge": "the body is larger than the limit",
    "truncated": "the body was cut off",
    "timedOut": "the body did not arrive in time",
    "undecodable": "the body could not be decompressed",
}


def _unreadable(answer: Answer, response: Response) -> Failure:
    why = _INCOMPLETE.get(response.incomplete or "", "the body is not the JSON that was expected")
    hint = "what the server answered cannot be used: check the base URL, and that no proxy or login page is in between"
    return Failure(FailureKind.UNREADABLE_BODY, f"status {answer.status}, but {why}", hint, status=answer.status)


def _failure(template: TaskTemplate, answer: Answer, response: Response) -> Failure:
    if answer.status in _OK:
        message = f"status {answer.status} does not count as success here: {', '.join(template.success.statuses)} does"
        return Failure(FailureKind.UNEXPECTED_STATUS, message, "look at the response body", status=answer.status)
    code, vendor = _vendor_error(template, answer)
    phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else "status"
    request_id = response.headers.get(template.provider.errors.request_id_header or "X-Request-Id")
    return Failure(
        kind=_kind(answer.status),
        message=f"{answer.status} {phrase}" + (f": {_cut(vendor)}" if vendor else ""),
        hint=advice.for_answer(template, response, code),
        status=answer.status,
        code=code,
        request_id=request_id,
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + CUT


def _kind(status: int) -> FailureKind:
    if status in _KINDS:
        return _KINDS[status]
    if status in _REDIRECTS:
        return FailureKind.REDIRECTED
    if status in _SERVER_ERRORS:
        return FailureKind.SERVER_ERROR
    return FailureKind.CLIENT_ERROR if status // 100 == 4 else FailureKind.UNEXPECTED_STATUS  # noqa: PLR2004 - RFC 9110 section 15.5


def _vendor_error(template: TaskTemplate, answer: Answer) -> tuple[str | None, str]:
    """Return the vendor's code and text: the provider's error shape, RFC 9457 problem details, or RFC 6749 section 5.2."""
    body = answer.body
    if not isinstance(body, dict):
        return None, ""
    shape = template.provider.errors
    if shape.code and isinstance(body.get(shape.code), str):
        causes = body.get(shape.causes or "")
        texts = (
            [str(cause[shape.cause_message]) for cause in causes if isinstance(cause, dict) and cause.get(shape.cause_message)]
            if isinstance(causes, list)
            else []
        )
        return body[shape.code], "; ".join([f"{body[shape.code]} {body.get(shape.message or '') or ''}".strip(), *texts])
    if "title" in body or "detail" in body:
        kind = body.get("type")
        return kind if isinstance(kind, str) else None, ": ".join(str(body[key]) for key in ("title", "detail") if body.get(key))
    if isinstance(body.get("error"), str):
        return body["error"], ": ".join(str(body[key]) for key in ("error", "error_description") if body.get(key))
    return None, str(body.get("message") or "")
