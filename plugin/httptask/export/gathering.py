"""A call becomes a Subject: what a dry run shows, with a reference wherever the dry run has a mask.

The request is rendered a second time with stand-ins for its secrets, so that each reference stands exactly where its value
goes. What a mask would cover for another reason, its name or its looks, becomes a reference of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from httptask import masking, render, sensitive
from httptask.errors import ExpressionError, RenderError
from httptask.export import naming
from httptask.export.bodies import Bodies, kind_of
from httptask.export.credential import Credential
from httptask.export.naming import DRY_RUN, SANDBOX, Variables
from httptask.export.sensitive_slots import inputs_of_sensitive_slots
from httptask.export.standins import StandIns
from httptask.export.subject import Message, Note, Reference, Said, Subject, Target, Text
from httptask.expressions import compile_text
from httptask.message import Request
from httptask.model import Connection, Paginate, TaskTemplate
from httptask.outcome import Outcome
from httptask.render import Slot
from httptask.runner import Options, Prepared, prepare
from httptask.secrets import MASK, Redactor, Secret, is_blank, is_sensitive_header


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be exported, its secrets still in it."""

    template: TaskTemplate
    inputs: Mapping[str, Any]
    connection: Connection
    options: Options = field(default_factory=Options)


def subject_of(call: Call, *, at: float = 0.0, paginate: Paginate | None = None, outcome: Outcome | None = None) -> Subject:
    """Return a call as exporters see it; nothing is sent. The inputs are checked as for a request.

    Args:
        call: the task, and what it is called with.
        at: the moment, in epoch seconds.
        paginate: the following pages are wanted too.
        outcome: what came of it, if it was sent.

    Raises:
        UsageError: inputs or header values are wrong; every problem at once.

    """
    return _Gathering(call, prepare(call.template, call.inputs, call.connection, call.options)).subject(at, paginate, outcome)


class _Rendered(NamedTuple):
    """What rendering with stand-ins gave."""

    slots: tuple[Slot, ...]
    body: bytes | None


class _Gathering:
    """One call on its way to being a Subject."""

    def __init__(self, call: Call, prepared: Prepared) -> None:
        self.call = call
        self.template = call.template
        self.request = prepared.request
        self.slots = prepared.slots
        marked = sensitive.inputs(call.template, call.inputs)
        self.redactor = Redactor((*call.connection.secrets, *marked.secrets))
        self.variables = Variables()
        self.credential = Credential(call.template, call.connection, self.variables)
        self.login = self.credential.login
        self.stand_ins = StandIns.unlike(_everything(call, self.request))
        self.inputs = self._stood_in(marked.value)
        self.rendered = self._rendered()
        self.headers = self._text_headers()

    def subject(self, at: float, paginate: Paginate | None, outcome: Outcome | None) -> Subject:
        message, options = self._message(), self.call.options
        said = Said(
            {name: self._header(name, text, text) for name, text in options.headers.items()},
            options.retry,
            options.idempotent,
            options.deadline,
            options.allow_unknown_enum,
            paginate,
        )
        shown = None if outcome is None else masking.outcome(self.template, outcome, self.redactor)
        inputs = {name: self._referring(value) for name, value in self.inputs.items()}
        notes = (*_connection_notes(self.call.connection), *self.credential.notes)
        target = _target(self.call)
        return Subject(self.template, inputs, message, target, said, notes, at, shown)

    def _stood_in(self, shown: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs with a stand-in for each secret: what a schema or a name calls so, and what is known to be one."""
        named = inputs_of_sensitive_slots(self.template)
        return {
            name: self._replaced(value, MASK if name in named else shown[name], (name,))
            for name, value in self.call.inputs.items()
        }

    def _replaced(self, value: Any, shown: Any, path: naming.Path) -> Any:
        if isinstance(value, Mapping):
            return {
                key: self._replaced(item, shown if shown == MASK else shown[key], (*path, key)) for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            items = enumerate(value)
            return [self._replaced(item, shown if shown == MASK else shown[index], (*path, index)) for index, item in items]
        if is_blank(value) or value == MASK or (value == shown and self.redactor.json(value) == value):
            return value
        return self.stand_ins.make(value, self.variables.input(path, kind_of(value)))

    def _referring(self, value: Any) -> Any:
        """Return an input with references in the places of its stand-ins."""
        if isinstance(value, Mapping):
            return {key: self._referring(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._referring(item) for item in value]
        alone = self.stand_ins.value(value)
        return value if alone is None else alone

    def _rendered(self) -> _Rendered:
        """Render with stand-ins; where an expression cannot take one, what the template makes of inputs is left out."""
        call = self.call
        if not self.stand_ins:
            return _Rendered(self.slots, self.request.body)
        try:
            made = render.rendered(call.template, self.inputs, call.connection, call.options.headers)
        except (ExpressionError, RenderError):
            body = call.template.body
            plain = replace(call.template, headers={}, body=None if body is None or body.template is not None else body)
            made = render.rendered(plain, self.inputs, call.connection, call.options.headers)
        return _Rendered(made.slots, made.request.body)

    def _text_headers(self) -> dict[str, Text]:
        """Return the headers that are no credential, by name in lower case."""
        rendered, last = _last_headers(self.rendered.slots), _last_headers(self.slots)
        return {
            name: self._header(slot.name, slot.text, rendered[name].text if name in rendered else self._literal(slot))
            for name, slot in last.items()
            if name != "content-length"
        }

    def _literal(self, slot: Slot) -> str | None:
        """Return the text of a header that was not rendered with stand-ins, if it is sure to hold none."""
        made = slot.origin == "template" and not compile_text(self.template.headers.get(slot.name, "")).is_literal
        return None if made else slot.text

    def _header(self, name: str, real: str, rendered: str | None) -> Text:
        found = None if rendered is None else self.stand_ins.text(real, rendered, "raw")
        if found is not None and found.references:
            clear = all(self.redactor.free(piece) == piece for piece in found.literals)
            if clear and (not is_sensitive_header(name) or _is_word_and_reference(name, found)):
                return found
        shown = MASK if name.lower() in sensitive.secret_parameters(self.template) else self.redactor.header(name, real)
        if found is not None and shown == real:
            return found
        word = shown.removesuffix(MASK) if is_sensitive_header(name) else ""
        return Text.of(word, Reference(self.variables.header(name, real)))

    def _message(self) -> Message:
        request = self.request
        content = None
        if request.body is not None:
            bodies = Bodies(self.template, self.redactor, self.variables, self.stand_ins)
            content = bodies.content(request.body, self.rendered.body, is_json=request.says_json)
        says_empty = content is None and "Content-Length" in request.headers
        return Message(request.method, self._url(), tuple(self._request_headers()), content, self.login, says_empty)

    def _request_headers(self) -> Iterator[tuple[str, Text]]:
        own = _last_headers(self.slots)
        for name, value in self.request.headers:
            lower = name.lower()
            if isinstance(value, Secret):
                if self.login is None:
                    yield name, self.credential.header(name, value, self.headers.get(lower))
            elif lower in own and own[lower].text == value:
                yield from ((name, self.headers[lower]),) if lower in self.headers else ()
            else:  # the scheme set it, and it is no secret
                yield name, self._header(name, value, value)

    def _url(self) -> Text:
        text, mark = Text.of(self.call.connection.base_url), "?"
        rendered = _target_slots(self.rendered.slots)
        for number, (slot, stand_in) in enumerate(zip(_target_slots(self.slots), rendered, strict=True)):
            if slot.kind == "query":
                text, mark = text + Text.of(f"{mark}{slot.name}="), "&"
            text += self._part(slot, stand_in, number)
        for name, value in self.request.secret_query:
            text, mark = text + Text.of(f"{mark}{quote(name, safe='')}=") + self.credential.query(value), "&"
        return text

    def _part(self, slot: Slot, stand_in: Slot, number: int) -> Text:
        """Return the text of a path or query slot, encoded."""
        found = self.stand_ins.text(slot.text, stand_in.text, "percent")
        if slot.origin != "input":
            return Text.of(slot.text)
        if found is not None and all(self.redactor.text(piece) == piece for piece in found.literals):
            pair = f"?{slot.name}={slot.text}"
            if (
                slot.kind == "path"
                or found.references
                or self.redactor.url(pair, sensitive.secret_parameters(self.template)) == pair
            ):
                return found
        return Text.of(Reference(self.variables.part(slot.kind, slot.name, number)))


def _target_slots(slots: tuple[Slot, ...]) -> list[Slot]:
    return [slot for slot in slots if slot.kind != "header"]


def _last_headers(slots: tuple[Slot, ...]) -> dict[str, Slot]:
    """Return the header slots that hold, by name in lower case."""
    return {slot.name.lower(): slot for slot in slots if slot.kind == "header"}


def _is_word_and_reference(name: str, text: Text) -> bool:
    """Tell whether a header's value is a reference, with no more before it than a scheme word, which is shown."""
    before = "".join(text.literals)
    is_word = not before or Redactor().header(name, f"{before}x") == f"{before}{MASK}"
    return is_word and isinstance(text.pieces[-1], Reference) and len(text.references) == 1


def _everything(call: Call, request: Request) -> str:
    """Return a text that holds every text of the request."""
    headers = "".join(f"{name}{value}" for name, value in request.headers if isinstance(value, str))
    return request.url + headers + (request.body or b"").decode("utf-8") + str(call.template.path)


def _target(call: Call) -> Target:
    connection = call.connection
    return Target(
        connection.name,
        connection.base_url,
        connection.source,
        call.template.retry_policy(connection.retry, call.options.retry).timeouts,
        connection.verify,
        isinstance(connection.verify, str) and Path(connection.verify).is_dir(),
        connection.client_certificate,
    )


def _connection_notes(connection: Connection) -> tuple[Note, ...]:
    """Return what is to be known of a connection that is none."""
    if connection.name == SANDBOX:
        message = "the sandbox ends with the command that started it: start one with `httptask sandbox`, and give --base-url"
        return (Note("loss", message),)
    if connection.name == DRY_RUN:
        return (Note("hint", "no connection is configured: the address is the documented server's"),)
    return ()
