"""Plain data -> the text of a definition file, as a person would write it; with `documents`, the door to yaml.

One form for the same data: keys in the order given, blocks, small collections of scalars on one line, text of several lines as a
literal block, and quotes only where a reader would take something else without them: `documents`, or one of YAML 1.1, which reads
`no` and `12:30` as no texts. What is written is read back as it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from httptask.documents import is_plain_text
from httptask.errors import Problem, TemplateInvalid
from httptask.places import MAX_DEPTH, TOO_DEEP, TOO_DEEP_HINT

#: Columns, as in the shipped files.
WIDTH = 130
#: A collection on one line with its key; longer ones are written as blocks.
_LONGEST_LINE = 100
#: What only double quotes can hold: control characters, and what some readers take for a line end.
_ESCAPED = re.compile("[^\\n\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]")
_OLDER: Any = yaml.resolver.Resolver()
_TEXT = "tag:yaml.org,2002:str"
_SURROGATE = re.compile("[\\ud800-\\udfff]")


def emit(data: Any) -> str:
    """Return the YAML of JSON data.

    Raises:
        TemplateInvalid: it is nested deeper than a definition file may be, or holds what UTF-8 or JSON cannot.

    """
    text: str = yaml.emit(_document(data), Dumper=_Dumper, width=WIDTH, allow_unicode=True, indent=2)
    return text


class _Dumper(yaml.SafeDumper):
    """PyYAML's emitter, with the items of a list indented below its key."""

    def expect_block_sequence(self) -> None:
        """Begin a list: PyYAML would write its items in the column of the key."""
        self.increase_indent(flow=False, indentless=False)
        self.state = self.expect_first_block_sequence_item


def _document(data: Any) -> Iterator[yaml.Event]:
    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    yield from _node(data, depth=0, key=0, flow=False)
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _node(data: Any, *, depth: int, key: int, flow: bool) -> Iterator[yaml.Event]:
    """Yield the events of a value; `key` is the length of the key before it."""
    if depth > MAX_DEPTH:
        raise TemplateInvalid(Problem("", TOO_DEEP, TOO_DEEP_HINT))
    if isinstance(data, Mapping):
        flow = flow or _fits_a_line(data, depth, key)
        yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=flow)
        for name, value in data.items():
            yield _scalar(name, flow=True)
            yield from _node(value, depth=depth + 1, key=len(name) + 2, flow=flow)
        yield yaml.MappingEndEvent()
    elif isinstance(data, Sequence) and not isinstance(data, str):
        flow = flow or _fits_a_line(data, depth, key)
        yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=flow)
        for item in data:
            yield from _node(item, depth=depth + 1, key=2, flow=flow)
        yield yaml.SequenceEndEvent()
    else:
        yield _scalar(data, flow=flow)


def _fits_a_line(data: Any, depth: int, key: int) -> bool:
    """Tell whether a collection is small: scalars and what is empty, all on one line. The file itself never is."""
    if not data:
        return True
    parts = list(data.values() if isinstance(data, Mapping) else data)
    if depth == 0 or any(part and isinstance(part, Mapping | list | tuple) for part in parts):
        return False
    texts = [part for part in (*parts, *(data if isinstance(data, Mapping) else ())) if isinstance(part, str)]
    if any("\n" in text for text in texts):
        return False
    return 2 * depth + key + len(json.dumps(data, ensure_ascii=False).replace('"', "")) <= _LONGEST_LINE


def _scalar(value: Any, *, flow: bool) -> yaml.ScalarEvent:
    if not isinstance(value, str):
        return yaml.ScalarEvent(None, None, (True, False), _number(value))
    if _SURROGATE.search(value):
        raise TemplateInvalid(Problem("", "half of a surrogate pair", "write the character itself"))
    style = '"' if _ESCAPED.search(value) else "|" if "\n" in value and not flow else None
    is_plain = is_plain_text(value) and _OLDER.resolve(yaml.ScalarNode, value, (True, False)) == _TEXT
    return yaml.ScalarEvent(None, None, (is_plain, True), value, style=style)


def _number(value: Any) -> str:
    """Return a number, a truth or null as JSON writes it; YAML 1.1 takes an exponent only behind a dot."""
    try:
        text = json.dumps(value, allow_nan=False)
        return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text
    except (ValueError, TypeError):
        raise TemplateInvalid(Problem("", "a value that JSON cannot hold", "write it as text")) from None
