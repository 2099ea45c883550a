"""A task's form as data: sections of nodes with their labels, hints, values and problems. Pure; the templates draw it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from httptask.errors import Problem
from httptask.reference import type_words
from httptask.secrets import Redactor
from httptask.web.entries import ABSENT, OWN, WHOLE, Entry, Json, below, holds_secret, masked
from httptask.web.parts import Kind, Part
from httptask.web.subjects import Subject

#: A group of more fields than this shows those of its example first, and the others on demand.
FEW_FIELDS = 6
_LAST_STEP = re.compile(r"(?:\.[^.\[\]]+|\[[^\]]*\])\Z")


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of an enumeration."""

    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One place of a form. `name` is the field's name and the JSON path of the input; `folded` are fields shown on demand."""

    name: str
    label: str
    kind: Kind
    type: str
    required: bool
    hint: str
    value: str = ""
    choices: tuple[Choice, ...] = ()
    is_secret: bool = False
    is_withheld: bool = False
    read_only: bool = False
    is_row: bool = False
    is_absent: bool = False
    can_switch: bool = False
    is_short: bool = False
    children: tuple[Node, ...] = ()
    folded: tuple[Node, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def id(self) -> str:
        """The id of its element."""
        return element_id(self.name)

    @property
    def is_open(self) -> bool:
        """Whether what is folded has to be seen."""
        return any(node.needs_attention for node in self.folded)

    @property
    def needs_attention(self) -> bool:
        """Whether it or anything in it has a problem."""
        return bool(self.problems) or any(node.needs_attention for node in (*self.children, *self.folded))


@dataclass(frozen=True, slots=True)
class Section:
    """Inputs of one place of the request."""

    title: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A problem in the summary above the form, and the field that its link leads to, if there is one."""

    problem: Problem
    id: str | None


@dataclass(frozen=True, slots=True)
class Form:
    """The whole form. `whole` is set when all inputs are written as one JSON text."""

    sections: tuple[Section, ...]
    whole: Node | None
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a form is drawn from, beside its entry.

    Attributes:
        problems: what is wrong, by the name of the field.
        redactor: what it would mask is not written back into the page.

    """

    problems: Sequence[tuple[str, Problem]] = ()
    redactor: Redactor = field(default_factory=Redactor)


def element_id(name: str) -> str:
    """Return the id of a field's element, which a link can lead to."""
    return "in-" + quote(name, safe="[].:-_~'")


def form_of(subject: Subject, entry: Entry, shown: Shown) -> Form:
    """Return the form."""
    root = subject.root
    known = frozenset((*names(root, entry), *OWN))
    placed = [(_nearest(name, known), problem) for name, problem in shown.problems]
    by_name: dict[str, list[Problem]] = {}
    for name, problem in placed:
        by_name.setdefault(name, []).append(problem)
    builder = _Builder(by_name, shown.redactor)
    said = tuple(Said(problem, element_id(name) if name else None) for name, problem in placed)
    if isinstance(entry, Json):
        return Form((), builder.node(_Spot(WHOLE, "All inputs", required=True), root, entry), said)
    assert isinstance(entry, dict)  # noqa: S101 - the root is a group
    nodes = builder.children(root, entry, WHOLE, subject.documented())
    return Form(tuple(_sections(subject, nodes)), None, said)


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a node stands, and the example of what stands there."""

    name: str
    label: str
    required: bool = False
    example: Any = ABSENT


class _Builder:
    def __init__(self, problems: Mapping[str, list[Problem]], redactor: Redactor) -> None:
        self.problems = problems
        self.redactor = redactor

    def children(self, part: Part, entry: dict[str, Any], name: str, example: Any) -> tuple[Node, ...]:
        """Return the nodes of a group: required ones first, then those of the example."""
        examples = example if isinstance(example, Mapping) else {}
        keys = sorted(part.fields, key=lambda key: (key not in part.required, key not in examples))
        spots = (_Spot(below(name, key), key, key in part.required, examples.get(key, ABSENT)) for key in keys)
        return tuple(self.node(spot, part.fields[spot.label], entry[spot.label]) for spot in spots)

    def node(self, spot: _Spot, part: Part, entry: Entry) -> Node:
        """Return the node of one place, with what is below it."""
        node = Node(
            name=spot.name,
            label=spot.label,
            kind=Kind.JSON if isinstance(entry, Json) else part.kind,
            type=_type(part),
            required=spot.required,
            hint=_hint(part),
            is_secret=part.is_secret,
            read_only=bool(part.schema.get("readOnly")),
            problems=tuple(self.problems.get(spot.name, ())),
            can_switch=part.depth <= 1 and part.kind in {Kind.GROUP, Kind.LIST},
        )
        if isinstance(entry, dict):
            return replace(node, **self._group(part, entry, spot))
        if isinstance(entry, list):
            return replace(node, children=tuple(self._rows(part, entry, spot)))
        if isinstance(entry, tuple):
            return replace(node, choices=tuple(Choice(text, text in entry) for text in part.choices))
        return replace(node, is_absent=True) if entry is None else replace(node, **self._control(part, entry))

    def _group(self, part: Part, entry: dict[str, Any], spot: _Spot) -> dict[str, Any]:
        examples = spot.example if isinstance(spot.example, Mapping) else {}
        nodes = self.children(part, entry, spot.name, spot.example)
        few = len(nodes) <= FEW_FIELDS or not examples
        folded = tuple(node for node in nodes if _is_folded(node, examples, few=few))
        return {"children": tuple(node for node in nodes if node not in folded), "folded": folded}

    def _rows(self, part: Part, rows: list[Entry], spot: _Spot) -> Iterator[Node]:
        first = spot.example[0] if isinstance(spot.example, list) and spot.example else ABSENT
        for index, row in enumerate(rows):
            here = _Spot(below(spot.name, index), f"{spot.label}[{index}]", example=first)
            yield replace(self.node(here, part.item, row), is_row=True)

    def _control(self, part: Part, entry: str | Json) -> dict[str, Any]:
        text = entry.text if isinstance(entry, Json) else entry
        shown, withheld = text, False
        if isinstance(entry, Json) and holds_secret(part, text):
            shown, withheld = masked(part, text), True
        elif part.is_secret or self.redactor.text(text) != text:
            shown, withheld = "", bool(text)
        choices = part.choices if part.kind is Kind.CHOICE and not isinstance(entry, Json) else {}
        return {
            "value": shown,
            "is_withheld": withheld,
            "is_short": part.kind not in {Kind.GROUP, Kind.LIST, Kind.JSON},
            "choices": tuple(Choice(choice, choice == shown) for choice in choices),
        }


def _is_folded(node: Node, examples: Mapping[str, Any], *, few: bool) -> bool:
    if node.required or node.label in examples or _is_filled(node):
        return False
    return node.read_only or not few


def _is_filled(node: Node) -> bool:
    return (
        bool(node.value or node.is_withheld)
        or any(choice.chosen for choice in node.choices)
        or any(_is_filled(inner) for inner in (*node.children, *node.folded))
    )


def _sections(subject: Subject, nodes: Iterable[Node]) -> Iterator[Section]:
    by_title: dict[str, list[Node]] = {subject.title_of(name): [] for name in subject.root.fields}
    for node in nodes:
        by_title[subject.title_of(node.label)].append(node)
    return (Section(title, tuple(found)) for title, found in by_title.items())


def names(part: Part, entry: Entry, name: str = WHOLE) -> Iterator[str]:
    """Yield the name of every place that a form shows."""
    if name != WHOLE or isinstance(entry, Json):
        yield name
    if isinstance(entry, dict):
        for key, inner in part.fields.items():
            yield from names(inner, entry[key], below(name, key))
    elif isinstance(entry, list):
        for index, row in enumerate(entry):
            yield from names(part.item, row, below(name, index))


def _nearest(name: str, known: frozenset[str]) -> str:
    """Return the name of the innermost place that is shown and holds what is at fault, or the empty text."""
    if WHOLE in known and name not in known:
        return WHOLE
    while name and name not in known:
        shorter = _LAST_STEP.sub("", name)
        name = "" if shorter == name else shorter
    return name


def _type(part: Part) -> str:
    words = type_words(part.schema)
    if part.kind in {Kind.LIST, Kind.CHOICES}:
        words = f"List of {type_words(part.item.schema)}"
    elif part.kind is Kind.CHOICE and not part.types:
        words = "Choice"
    return f"{words} ({part.schema['format']})" if part.schema.get("format") else words


def _hint(part: Part) -> str:
    schema = part.schema
    said = [" ".join(str(schema.get("description", "")).split()), _limits(schema)]
    if part.is_reference:
        said.append("A reference to the secret, as env:NAME or file:PATH")
    if schema.get("default") is not None:
        said.append(_default(part))
    if schema.get("examples") and part.kind not in {Kind.GROUP, Kind.LIST, Kind.JSON} and not part.is_secret:
        said.append(f"For example {_spelled(schema['examples'][0])}")
    if schema.get("readOnly"):
        said.append("Read-only")
    return ". ".join(text.rstrip(".") for text in said if text)


def _default(part: Part) -> str:
    value = part.schema["default"]
    text = _spelled(value)
    return f"Default on the server: {text}" if part.is_of_a_request else f"Default: {text or 'empty'}"


def _limits(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"From {least} to {most}"
    words = [
        f"{text} {schema[key]}{unit}"
        for key, text, unit in (
            ("minimum", "at least", ""),
            ("maximum", "at most", ""),
            ("exclusiveMinimum", "more than", ""),
            ("exclusiveMaximum", "less than", ""),
            ("minLength", "at least", " characters"),
            ("maxLength", "at most", " characters"),
            ("minItems", "at least", " items"),
            ("maxItems", "at most", " items"),
        )
        if key in schema
    ]
    text = ", ".join(words)
    return text[:1].upper() + text[1:]


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
