"""Text of definition files -> plain data with the place of every value, and data -> text. The only module that imports yaml.

YAML is read by the 1.2 core schema, not by PyYAML's YAML 1.1: `on`, `no`, `12:30`, `1_000` and `2026-01-01` stay text, and a
key is always text. The data is built from parse events with a stack of our own: PyYAML's composer recurses in C and ends the
process with a segmentation fault on deep nesting, and events carry everything that is needed in a fifth of the time.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from httptask.errors import Problem, TemplateInvalid
from httptask.model import Place
from httptask.places import TOO_DEEP, TOO_DEEP_HINT, Document, Source, TreeBuilder

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

#: Forbidden characters named in one error; a binary file would list thousands.
MAX_REPORTED = 20

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
# Beside control characters: U+2028 and U+2029, which YAML 1.1 readers take for line ends, and a byte-order mark inside the text.
_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]")
_SURROGATE = re.compile("[\\ud800-\\udfff]")
_CORE = re.compile(
    r"(?P<null>|~|null|Null|NULL)|(?P<bool>true|True|TRUE|false|False|FALSE)"
    r"|(?P<int>[-+]?[0-9]+)|(?P<oct>0o[0-7]+)|(?P<hex>0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<special>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_JSON_TOKEN = re.compile(r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<open>[{\[])|(?P<close>[}\]])|(?P<plain>[^\s,:{}\[\]"]+)')
_TAG = "tag:yaml.org,2002:"
_SCALAR_TAGS = {
    _TAG + "null": {"null"},
    _TAG + "bool": {"bool"},
    _TAG + "int": {"int", "oct", "hex"},
    _TAG + "float": {"float", "int", "special"},
}
#: Text whose lines a block can show as they are; any other text of several lines stands in double quotes.
_LINE = "[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ufeff]*(?<! )"
_BLOCK = re.compile(rf"(?![ \n])(?:{_LINE}\n)+(?<!\n\n){_LINE}")
#: No line is folded: a long text stays on one line, which a search finds.
_WIDTH = 2**30
_SYNTAX_HINTS = (
    ("mapping values are not allowed", "check the indentation, and put quotes around text that contains ': '"),
    ("cannot start any token", "indent with spaces, and put quotes around text that starts with @, %, ` or a tab"),
    ("escape c", "in double quotes a backslash starts an escape; use single quotes for text with backslashes"),
    ("expected <block end>", "check the indentation: siblings start in the same column"),
    ("found unexpected end of stream", "a quote or bracket opened here is not closed"),
)


def parse(text: bytes, *, file: str) -> Document:
    """Read YAML, or JSON when the name ends in `.json`.

    Raises:
        TemplateInvalid: the file is not UTF-8, not well formed, or uses what data cannot hold (tags, cycles, repeated keys).

    """
    source = Source.decode(text, file)
    builder = TreeBuilder(file)
    if file.lower().endswith(".json"):
        _read_json(source, builder)
    else:
        _refuse_characters(source)
        _read_yaml(source, builder)
    return builder.document()


def to_yaml(data: Any) -> str:
    """Return JSON data as YAML for people, in block style and its own order; every reader takes it for the same, by 1.1 and 1.2.

    It holds no half of a surrogate pair, no number beyond a double, and no more levels than `parse` reads.
    """
    text: str = yaml.dump(data, Dumper=_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False, width=_WIDTH)
    return text


@cache
def _dumper() -> Any:
    made: Any = type("_Dumper", (_DUMPER,), {"ignore_aliases": lambda *_: True})
    made.add_representer(str, _text_node)
    made.add_representer(float, _float_node)
    return made


def _text_node(dumper: Any, text: str) -> Any:
    """Quote what a reader of YAML 1.2 would take for another type; what readers of YAML 1.1 would, PyYAML quotes by itself."""
    style = None
    if "\n" in text:
        style = "|" if _BLOCK.fullmatch(text) else '"'
    elif _FORBIDDEN.search(text):
        style = '"'
    elif _CORE.fullmatch(text):
        style = "'"
    return dumper.represent_scalar(_TAG + "str", text, style=style)


def _float_node(dumper: Any, number: float) -> Any:
    """Write an exponent behind a point: readers of YAML 1.1 take `1e+16` for text."""
    text = repr(number)
    return dumper.represent_scalar(_TAG + "float", text if "." in text else text.replace("e", ".0e"))


def is_plain_text(text: str) -> bool:
    """Tell whether an unquoted scalar of these characters would be read as this very text, not as a number, a truth or null."""
    return _CORE.fullmatch(text) is None and text != "<<"


class _Unfit(Exception):
    """A scalar that JSON data cannot hold."""

    def __init__(self, message: str, hint: str) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


def _refuse_characters(source: Source) -> None:
    found = [
        Problem(
            str(source.place(match.start())),
            f"the character U+{ord(match[0]):04X} may not stand in a YAML file",
            "remove it, or write it as an escape in double quotes",
        )
        for match in islice(_FORBIDDEN.finditer(source.text), MAX_REPORTED)
    ]
    if found:
        raise TemplateInvalid(found)


def _read_yaml(source: Source, builder: TreeBuilder) -> None:
    documents = 0
    for event in _events(source, builder):
        mark = event.start_mark
        place = Place(source.file, mark.line + 1, mark.column + 1)
        match event:
            case yaml.ScalarEvent():
                _scalar(event, place, builder)
            case yaml.MappingStartEvent():
                _check_tag(event.tag, "map", place, builder)
                builder.begin({}, place, event.anchor)
            case yaml.SequenceStartEvent():
                _check_tag(event.tag, "seq", place, builder)
                builder.begin([], place, event.anchor)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                builder.end()
            case yaml.AliasEvent():
                builder.alias(event.anchor or "", place)
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    builder.fatal(place, "a second document starts here", "keep one document in a file")


def _events(source: Source, builder: TreeBuilder) -> Iterator[Any]:
    try:
        yield from yaml.parse(source.text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source.file, mark.line + 1, mark.column + 1) if mark else Place(source.file)
        problem = error.problem or "cannot be read"
        if "nesting depth" in problem:  # libyaml looks ahead, and may meet its own limit before we meet ours
            builder.fatal(place, TOO_DEEP, TOO_DEEP_HINT)
        hint = next((hint for part, hint in _SYNTAX_HINTS if part in problem), "")
        builder.fatal(place, f"not valid YAML: {problem}", hint)


def _scalar(event: yaml.ScalarEvent, place: Place, builder: TreeBuilder) -> None:
    plain = not event.style
    if builder.wants_key:
        if event.anchor is not None:
            builder.fatal(place, "an anchor at a key", "anchor the value instead")
        if plain and event.value == "<<":
            builder.note(place, "merge keys (<<) are not part of YAML 1.2", "write the keys out, or share a schema with $ref")
        _check_tag(event.tag, "str", place, builder)
        builder.key(_text(event.value, place, builder), place)
        return
    try:
        value = _resolve(event.value, event.tag, plain=plain)
    except _Unfit as unfit:
        builder.note(place, unfit.message, unfit.hint)
        value = None
    builder.value(_text(value, place, builder), place, event.anchor)


def _check_tag(tag: str | None, expected: str, place: Place, builder: TreeBuilder) -> None:
    if tag not in (None, "!", _TAG + expected):
        builder.note(place, "a tag that is not allowed here", "remove the tag; only the core types of YAML 1.2 are read")


def _text(value: T, place: Place, builder: TreeBuilder) -> T:
    if isinstance(value, str) and _SURROGATE.search(value):
        builder.note(place, "half of a surrogate pair", "write the character itself, or one \\U escape of eight digits")
    return value


def _resolve(text: str, tag: str | None, *, plain: bool) -> Any:
    if tag in ("!", _TAG + "str") or (tag is None and not plain):
        return text
    found = _CORE.fullmatch(text)
    kind = found.lastgroup if found else None
    if tag is not None and kind not in _SCALAR_TAGS.get(tag, ()):
        raise _Unfit("a tag that is not allowed here", "remove the tag; only the core types of YAML 1.2 are read")
    return text if kind is None else _convert(text, "float" if kind == "int" and tag == _TAG + "float" else kind)


def _convert(text: str, kind: str) -> Any:
    match kind:
        case "null":
            return None
        case "bool":
            return text[0] in "tT"
        case "int":
            return _whole(text)
        case "oct" | "hex":
            return _whole(text, 0)
    number = math.inf if kind == "special" else float(text)
    if not math.isfinite(number):
        raise _Unfit("a number that JSON cannot hold", "put quotes around it to keep it as text")
    return number


def _whole(text: str, base: int = 10) -> int:
    try:
        number = int(text, base)
        str(number)  # a hexadecimal number that can be read may still be too long to be written
    except ValueError as error:  # Python reads and writes at most 4300 decimal digits
        raise _Unfit("a number with too many digits", "put quotes around it to keep it as text") from error
    return number


def _read_json(source: Source, builder: TreeBuilder) -> None:
    """Check the syntax with the json module, then walk the tokens for the places that it does not tell."""
    if not source.text.strip():
        return
    try:
        json.loads(source.text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        builder.fatal(source.place(error.pos), f"not valid JSON: {error.msg[0].lower()}{error.msg[1:]}")
    except RecursionError:
        builder.fatal(source.place(0), TOO_DEEP, TOO_DEEP_HINT)
    for token in _JSON_TOKEN.finditer(source.text):
        place = source.place(token.start())
        match token.lastgroup:
            case "open":
                builder.begin({} if token[0] == "{" else [], place)
            case "close":
                builder.end()
            case _ if builder.wants_key:
                builder.key(_text(json.loads(token[0]), place, builder), place)
            case _:
                builder.value(_text(_json_scalar(token[0], place, builder), place, builder), place)


def _json_scalar(token: str, place: Place, builder: TreeBuilder) -> Any:
    try:
        value = json.loads(token, parse_int=_whole)
        if isinstance(value, float) and not math.isfinite(value):
            raise _Unfit("a number that JSON cannot hold", "write it as text")  # noqa: TRY301 - one handler for both kinds
    except _Unfit as unfit:
        builder.note(place, unfit.message, unfit.hint)
        return None
    return value
