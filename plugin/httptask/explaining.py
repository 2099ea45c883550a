"""For every value of a request: where it came from, and which encoder it went through.

The parts are read off the slots that the request was put together from and off the request itself; nothing is rendered again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from httptask import masking, sensitive
from httptask.expressions import Compiled, compile_text
from httptask.inputs import BODY, parameter_names
from httptask.model import Connection, TaskTemplate
from httptask.render import OMIT, Slot, filled, leaf
from httptask.runner import Prepared
from httptask.secrets import MASK, Redactor, Secret
from httptask.uri import described
from httptask.withholding import dotted

From = Literal["httptask", "provider", "template", "connection", "call", "input", "credential"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a request, fit to be shown.

    Attributes:
        slot: where it stands.
        name: of the parameter, header or field; empty where there is none.
        value: as it is sent, secrets masked.
        origin: who gave it.
        detail: which one of those, in words.
        encoder: what was done to it; empty where nothing was.

    """

    slot: Literal["method", "baseUrl", "path", "query", "header", "body"]
    name: str
    value: str
    origin: From
    detail: str = ""
    encoder: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the JSON form, one key per attribute."""
        return {
            "slot": self.slot,
            "name": self.name,
            "value": self.value,
            "origin": self.origin,
            "detail": self.detail,
            "encoder": self.encoder,
        }


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains requests of one task over one connection.

    Attributes:
        redactor: knows the connection's credential; what the task's schemas call secret is masked besides.
        inputs_from: name of an input -> who gave it, as in `-i`, `form` or `steps.pools.outputs.pools`.
        headers_from: who gave the headers of the call.

    """

    template: TaskTemplate
    connection: Connection
    redactor: Redactor
    inputs_from: Mapping[str, str] = field(default_factory=dict)
    headers_from: str = "the call"

    def parts(self, inputs: Mapping[str, Any], prepared: Prepared) -> tuple[Part, ...]:
        """Return a part for each value of the prepared request, in the order in which it is sent."""
        return tuple(_Parts(self, inputs, prepared).all())


class _Parts:
    """The parts of one request."""

    def __init__(self, about: Explainer, inputs: Mapping[str, Any], prepared: Prepared) -> None:
        marked = sensitive.inputs(about.template, inputs)
        self.about = about
        self.template = about.template
        self.inputs = inputs
        self.request = prepared.request
        self.slots = prepared.slots
        self.redactor = about.redactor.extended(marked.secrets)
        self.shown = masking.request(about.template, prepared.request, self.redactor)
        self.secret = {name for name in inputs if marked.value[name] != inputs[name]}

    def all(self) -> Iterator[Part]:
        yield Part("method", "", self.request.method, "template", f"{self.template.id} ({self.template.source})")
        yield Part("baseUrl", "", self.redactor.text(self.about.connection.base_url), "connection", self._connection)
        yield from (self._slot(slot) for slot in self.slots if slot.kind == "path")
        yield from (self._slot(slot) for slot in self.slots if slot.kind == "query")
        for name, value in self.request.secret_query:
            yield Part("query", name, MASK, "credential", self._credential(value), "percent-encoded")
        yield from self._headers()
        if self.request.body is not None:
            yield from self._body()

    def _slot(self, slot: Slot) -> Part:
        """Return the part of a path or query slot."""
        if slot.origin != "input":
            return Part(slot.kind, slot.name, self.redactor.text(slot.text), "template")
        masked = self.redactor.url(f"?{slot.name}={slot.text}", sensitive.secret_parameters(self.template)).partition("=")[2]
        value = MASK if slot.key in self.secret else masked if slot.kind == "query" else self.redactor.text(slot.text)
        return Part(slot.kind, slot.name, value, "input", self._input(slot.key), self._encoder(slot.key))

    def _headers(self) -> Iterator[Part]:
        """Yield a part for each header as it is sent; who was outvoted is told too."""
        by_name: dict[str, list[Slot]] = {}
        for slot in self.slots:
            if slot.kind == "header":
                by_name.setdefault(slot.name.lower(), []).append(slot)
        for (name, value), (_, shown) in zip(self.request.headers, self.shown.headers, strict=True):
            text = shown if isinstance(shown, str) else MASK
            given = by_name.get(name.lower(), [])
            if not given or value != given[-1].text:
                yield Part("header", name, text, "credential", self._credential(value), _credential_encoder(text))
                continue
            *over, last = given
            detail = "; over ".join(filter(None, (self._header_detail(last), ", ".join(slot.origin for slot in reversed(over)))))
            encoder = self._encoder(last.key) if last.key else ""
            yield Part("header", name, MASK if self._reads_secret(last) else text, last.origin, detail, encoder)

    def _reads_secret(self, slot: Slot) -> bool:
        """Tell whether a header was made of an input that is secret; it may be too short to be found by its value."""
        text = self.template.headers.get(slot.name, "") if slot.origin == "template" else ""
        return slot.key in self.secret or bool(self.secret.intersection(self._read(compile_text(text))))

    def _header_detail(self, slot: Slot) -> str:
        if slot.origin == "httptask":
            return self._own_header(slot.name)
        return {
            "input": lambda: self._input(slot.key),
            "provider": lambda: self.template.provider.id,
            "connection": lambda: self._connection,
            "call": lambda: self.about.headers_from,
            "template": lambda: self._template_header(slot.name),
        }[slot.origin]()

    def _template_header(self, name: str) -> str:
        text = self.template.headers.get(name)
        return "requestBody" if text is None else self._of_template(text)

    def _own_header(self, name: str) -> str:
        key = self.template.provider.idempotency_key
        if key is not None and name == key.header:
            return "idempotency key, the same in every attempt"
        return "length of the body" if name == "Content-Length" else "built in"

    def _body(self) -> Iterator[Part]:
        (tree, kind), body = self.shown.content, self.template.body
        if body is None or kind != "json":
            yield Part("body", "", (self.shown.body or b"").decode("utf-8"), *self._body_origin(), "text in UTF-8")
        elif body.template is None:
            fields = tree.items() if isinstance(tree, dict) and tree else [("", tree)]
            yield from (Part("body", str(name), _json(value), *self._body_origin(), "JSON") for name, value in fields)
        else:
            yield from (self._field(path, text, tree) for path, text in self._leaves())

    def _field(self, path: Path, text: Any, tree: Any) -> Part:
        """Return the part of one value that a body template made; `text` is what stands in the template there."""
        read = self._read(compile_text(text)) if isinstance(text, str) else []
        value = MASK if self.secret.intersection(read) else _json(_at(tree, path))
        detail = self._of_template(text) if isinstance(text, str) else ""
        return Part("body", dotted(path), value, "input" if read else "template", detail, "JSON")

    def _leaves(self) -> Iterator[tuple[Path, Any]]:
        """Yield the place of each value that a body template makes, with what stands there in the template."""
        body = self.template.body

        def mark(text: str) -> Any:
            return OMIT if leaf(self.template, self.inputs, text) is OMIT else _Mark(text)

        yield from _walk(filled(body.template if body else None, mark), ())

    def _body_origin(self) -> tuple[From, str]:
        if self.template.body is not None and self.template.body.template is not None:
            return "template", self._of_template(str(self.template.body.template))
        return "input", self._input(BODY)

    @property
    def _connection(self) -> str:
        return self.about.connection.source or self.about.connection.name

    def _of_template(self, text: str) -> str:
        """Return an expression with the inputs that it reads; a literal explains itself."""
        compiled = compile_text(text)
        if compiled.is_literal:
            return ""
        return ": ".join(filter(None, (text, ", ".join(map(self._input, self._read(compiled))))))

    def _read(self, compiled: Compiled) -> list[str]:
        """Return the inputs that an expression reads, those that were given."""
        names = (reference[1] for reference in compiled.references if reference[0] == "inputs" and reference[1:])
        return [name for name in dict.fromkeys(names) if name in self.inputs]

    def _input(self, name: str) -> str:
        source = self.about.inputs_from.get(name, "")
        return f"{name} ({source})" if source else name

    def _encoder(self, key: str) -> str:
        return described(parameter_names(self.template)[key])

    def _credential(self, value: str | Secret) -> str:
        auth, reference = self.about.connection.auth, value.reference if isinstance(value, Secret) else ""
        scheme = f"scheme {auth.scheme}" if auth else ""
        if auth is not None and auth.endpoints:
            return f"{scheme}: got from {', '.join(auth.endpoints)} when it is needed"
        return ", ".join(filter(None, (reference, scheme)))


@dataclass(frozen=True, slots=True)
class _Mark:
    """Stands in a filled body template for the value of a text."""

    text: str


def _walk(tree: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield the leaves of a tree; an empty list or mapping is one."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    if not inner or not tree:
        yield path, tree.text if isinstance(tree, _Mark) else tree
        return
    for key, value in inner:
        yield from _walk(value, (*path, key))


def _at(tree: Any, path: Path) -> Any:
    """Return the value at a place; where masking changed a name on the way, the mask."""
    for key in path:
        try:
            tree = tree[key]
        except (LookupError, TypeError):
            return MASK
    return tree


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _credential_encoder(shown: str) -> str:
    return "base64 of name:password" if shown.startswith("Basic ") else ""
