"""A parsed template file becomes a TaskTemplate: what its JSON Schema cannot say is checked here, all problems at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from httptask import paging, render, uri
from httptask.errors import ExpressionError
from httptask.expressions import Reference, compile_text, texts
from httptask.inputs import body_names, input_schema, parameter_names
from httptask.model import (
    BODILESS_METHODS,
    Body,
    Output,
    Parameter,
    Provider,
    ResponseSpec,
    Schema,
    SecurityRequirement,
    Success,
    TaskTemplate,
    Verify,
)
from httptask.notes import Notes, header_name, literal_header
from httptask.places import Document
from httptask.provider_file import paging_from
from httptask.schemas import is_endless
from httptask.suggest import did_you_mean

_LITERAL_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/%-]*\Z")
_OPENAPI_PLACEHOLDER = re.compile(r"(?<!\{)\{([^{}]+)\}(?!\})")


@dataclass(frozen=True, slots=True)
class SharedSchemas:
    """A provider's `schemas.yaml`, references rewritten to `#/$defs/Name`."""

    definitions: Mapping[str, Schema] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document) -> SharedSchemas:
        """Build from the file.

        Raises:
            TemplateInvalid: a reference that leads nowhere, or a schema that is none.

        """
        notes = Notes(document)
        names = list(document.data) if isinstance(document.data, dict) else []
        definitions = {name: notes.schema((name,), names, "") for name in names}
        for name in names:
            if is_endless(definitions[name], {"$defs": definitions}):
                notes.note((name,), f"schema '{name}' refers to itself before any property or item", "remove the circle")
        notes.finish()
        return cls(definitions)

    def reachable(self, *schemas: Schema) -> dict[str, Schema]:
        """Return the definitions that the schemas refer to, directly or not."""
        found: dict[str, Schema] = {}
        waiting = [name for schema in schemas for name in _referred(schema)]
        while waiting:
            name = waiting.pop()
            if name not in found and name in self.definitions:
                found[name] = self.definitions[name]
                waiting += _referred(self.definitions[name])
        return dict(sorted(found.items()))


def template_from(document: Document, provider: Provider, shared: SharedSchemas, schemas_file: str) -> TaskTemplate:
    """Build a template from a file that its JSON Schema accepts. `schemas_file` is the way from it to the provider's schemas.

    Raises:
        TemplateInvalid: every problem found, with file, line and column.

    """
    return _TemplateBuilder(document, provider, shared, schemas_file).build()


class _TemplateBuilder:
    """Builds one template, noting problems on the way."""

    def __init__(self, document: Document, provider: Provider, shared: SharedSchemas, schemas_file: str) -> None:
        self.data = document.data
        self.provider = provider
        self.shared = shared
        self.schemas_file = schemas_file
        self.notes = Notes(document)

    def build(self) -> TaskTemplate:
        data = self.data
        template = TaskTemplate(
            id=data["id"],
            operation_id=data.get("operationId", data["id"].partition(".")[2]),
            provider=self.provider,
            method=data["method"],
            path=data["path"],
            summary=data.get("summary", ""),
            description=data.get("description", ""),
            tags=tuple(data.get("tags", ())),
            parameters=tuple(self._parameters()),
            headers=data.get("headers", {}),
            body=self._body(),
            responses={status: self._response(status, spec) for status, spec in data["responses"].items()},
            success=Success(tuple(data.get("success", {}).get("status", ("2XX",))), data.get("success", {}).get("condition")),
            outputs={name: self._output(name, spec) for name, spec in data.get("outputs", {}).items()},
            security=tuple(
                SecurityRequirement(name, tuple(scopes)) for item in data.get("security", ()) for name, scopes in item.items()
            ),
            definitions=self.shared.reachable(*self._schemas()),
            retry=data.get("retry", {}),
            idempotent=data.get("idempotent"),
            deprecated=data.get("deprecated", False),
            source=self.notes.document.place(()),
            verify=_verify(data.get("verify")),
            follow_redirects=data.get("followRedirects", False),
            paging=False if data.get("paging") is False else paging_from(data.get("paging")),
        )
        self._check(template)
        self.notes.finish()
        return template

    def _schema(self, *path: str | int) -> Schema:
        return self.notes.schema(path, list(self.shared.definitions), self.schemas_file)

    def _schemas(self) -> Iterator[Any]:
        """Yield every part of the file that may hold references, rewritten ones included: names are all that is read."""
        yield self.data

    def _parameters(self) -> Iterator[Parameter]:
        for index, item in enumerate(self.data.get("parameters", ())):
            style = item.get("style", uri.DEFAULT_STYLE[item["in"]])
            parameter = Parameter(
                name=item["name"],
                location=item["in"],
                required=item.get("required", False),
                schema=self._schema("parameters", index, "schema") if "schema" in item else {},
                style=style,
                explode=item.get("explode", style == "form"),
                description=item.get("description", ""),
                example=item.get("example"),
            )
            self.notes.attempt(("parameters", index), lambda parameter=parameter: uri.encoder_for(parameter))  # type: ignore[misc]
            yield parameter

    def _body(self) -> Body | None:
        spec = self.data.get("requestBody")
        if spec is None:
            return None
        if self.data["method"] in BODILESS_METHODS:
            self.notes.note(("requestBody",), f"{self.data['method']} takes no body", "remove requestBody or change the method")
        content_type = spec.get("contentType", "application/json")
        self.notes.attempt(("requestBody",), lambda: render.check_body_kind(content_type, ""))
        if "template" in spec and "properties" not in spec["schema"]:
            self.notes.note(("requestBody", "schema"), "with `template`, the schema lists the named inputs under `properties`")
        for name in spec["schema"].get("required", ()) if "template" in spec else ():
            if name not in spec["schema"].get("properties", {}):
                self.notes.note(("requestBody", "schema", "required"), f"required input '{name}' is not among the properties")
        schema = self._schema("requestBody", "schema")
        named = schema if "template" in spec else {}
        return Body(
            required=spec.get("required", True),
            content_type=content_type,
            schema=schema,
            description=spec.get("description", ""),
            example=spec.get("example"),
            template=spec.get("template"),
            inputs=named.get("properties", {}),
            required_inputs=tuple(named.get("required", ())),
        )

    def _response(self, status: str, spec: Mapping[str, Any]) -> ResponseSpec:
        schema = self._schema("responses", status, "schema") if "schema" in spec else None
        return ResponseSpec(spec.get("description", ""), schema, spec.get("example"))

    def _output(self, name: str, spec: Mapping[str, Any]) -> Output:
        schema = self._schema("outputs", name, "schema") if "schema" in spec else {}
        return Output(spec["value"], schema, spec.get("description", ""))

    def _check(self, template: TaskTemplate) -> None:
        self._check_id(template)
        self._check_parameters(template)
        self._check_path(template)
        self._check_headers(template)
        self._check_expressions(template)
        self._check_security(template)
        self._check_paging(template)

    def _check_id(self, template: TaskTemplate) -> None:
        if not template.id.startswith(f"{self.provider.id}."):
            self.notes.note(("id",), f"the id must begin with '{self.provider.id}.', the provider of this folder")

    def _check_parameters(self, template: TaskTemplate) -> None:
        seen: set[tuple[str, str]] = set()
        for index, parameter in enumerate(template.parameters):
            if (parameter.name, parameter.location) in seen:
                self.notes.note(("parameters", index), f"parameter '{parameter.name}' in {parameter.location} stands here twice")
            seen.add((parameter.name, parameter.location))
            if parameter.location == "path" and not parameter.required:
                self.notes.note(("parameters", index), f"path parameter '{parameter.name}' must have required: true")
            if parameter.location == "header":
                self.notes.attempt(("parameters", index), lambda name=parameter.name: header_name(name))  # type: ignore[misc]
        named = len(parameter_names(template)) + len(body_names(template))
        if len(parameter_names(template)) < len(seen) or len(input_schema(template)["properties"]) < named:
            self.notes.note(("parameters",), "two inputs would have the same name")

    def _check_path(self, template: TaskTemplate) -> None:
        parts = self.notes.attempt(("path",), lambda: render.path_parts(template))
        if parts is None:
            return
        literal = "".join(part if isinstance(part, str) else "x" for part in parts)
        if match := _OPENAPI_PLACEHOLDER.search(template.path):
            self.notes.note(("path",), "a placeholder is written with two braces", "write {{ " + match[1] + " }}")
        elif not _LITERAL_PATH.match(literal) or any(segment in {"", ".", ".."} for segment in literal.split("/")[1:-1]):
            self.notes.note(
                ("path",), "the path holds characters or segments that do not belong there", "no query, space, // or dot segment"
            )
        used = {part.name for part in parts if isinstance(part, Parameter)}
        for index, parameter in enumerate(template.parameters):
            if parameter.location == "path" and parameter.name not in used:
                self.notes.note(("parameters", index), f"path parameter '{parameter.name}' does not occur in the path")

    def _check_headers(self, template: TaskTemplate) -> None:
        for name, value in template.headers.items():
            check = header_name if "{{" in value else lambda name, value=value: literal_header(name, value)
            self.notes.attempt(("headers", name), lambda name=name, check=check: check(name))  # type: ignore[misc]

    def _check_expressions(self, template: TaskTemplate) -> None:
        inputs = {"inputs": list(input_schema(template)["properties"])}
        answer = {"response": ["status", "headers", "body"], **inputs}
        for name, value in template.headers.items():
            self.notes.expression(("headers", name), value, inputs)
        for text in texts(template.body.template) if template.body else ():
            self.notes.expression(("requestBody", "template"), text, inputs)
        if template.success.condition:
            self.notes.expression(("success", "condition"), template.success.condition, answer)
        for name, output in template.outputs.items():
            self.notes.expression(("outputs", name, "value"), output.value, answer)
        self._check_verify(inputs)

    def _check_verify(self, inputs: Mapping[str, Any]) -> None:
        data = self.data.get("verify", {})
        answers = {name: ["status", "headers", "body"] for name in ("response", "before")}
        for text in texts(data.get("with", {})):
            self.notes.expression(("verify", "with"), text, inputs)
        for key in ("candidates", "applied", "notApplied", "outputs"):
            roots = {**inputs, **answers, **({} if key == "candidates" or "candidates" not in data else {"candidates": None})}
            for text in texts(data.get(key)):
                self.notes.expression(("verify", key), text, roots)
        condition = self.data.get("retry", {}).get("condition")
        if condition:
            self.notes.expression(("retry", "condition"), condition, {**inputs, "response": answers["response"]})

    def _check_security(self, template: TaskTemplate) -> None:
        for index, requirement in enumerate(template.security):
            scheme = self.provider.security_schemes.get(requirement.scheme)
            if scheme is None:
                known = list(self.provider.security_schemes)
                hint = did_you_mean(requirement.scheme, known) or f"known: {', '.join(known)}"
                self.notes.note(("security", index), f"the provider has no security scheme '{requirement.scheme}'", hint)
                continue
            for scope in requirement.scopes:
                if scheme.scopes and scope not in scheme.scopes:
                    self.notes.note(("security", index), f"the scheme has no scope '{scope}'", did_you_mean(scope, scheme.scopes))

    def _check_paging(self, template: TaskTemplate) -> None:
        if not template.paging:
            return
        if template.method != "GET":
            self.notes.note(("paging",), f"{template.method} cannot be paged, only GET", "remove it")
        takes = [parameter.name for parameter in template.parameters if parameter.location == "query"]
        for key in ("parameter", "limitParameter"):
            name = self.data["paging"].get(key)
            if name is not None and name not in takes:
                known = did_you_mean(name, takes) or f"query parameters: {', '.join(takes) or 'none'}"
                self.notes.note(("paging", key), f"the task has no query parameter '{name}'", known)
        if not paging.may_be_list(paging.documented_at(template, template.paging.items)):
            place = ("paging", "items") if template.paging.items else ("paging",)
            self.notes.note(place, "the documented answer has no list there", "name its place in `items`, as keys joined by dots")
        if paging.documented_at(template, template.paging.cursor) is None:
            self.notes.note(("paging", "cursor"), "the documented answer has no such key", "write keys joined by dots")


def _verify(data: Mapping[str, Any] | None) -> Verify | None:
    if data is None:
        return None
    read = [text for key in ("candidates", "applied", "notApplied", "outputs") for text in texts(data.get(key))]
    uses_before = any(reference[0] == "before" for text in read for reference in _readable(text))
    return Verify(
        task=data["task"],
        inputs=data.get("with", {}),
        applied=data["applied"],
        not_applied=data.get("notApplied"),
        candidates=data.get("candidates"),
        outputs=data.get("outputs", {}),
        uses_before=uses_before,
    )


def _readable(text: str) -> tuple[Reference, ...]:
    try:
        return compile_text(text).references
    except ExpressionError:
        return ()


def _referred(node: Any) -> list[str]:
    """Return the names behind every `$ref` of a tree, whatever file part they carry."""
    if isinstance(node, list):
        return [name for item in node for name in _referred(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].rpartition("/")[2]] if isinstance(node.get("$ref"), str) else []
    return own + [name for value in node.values() for name in _referred(value)]
