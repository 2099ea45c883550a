"""Data and texts as Python source: what holds a reference reads a constant, which stands for an environment variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from httptask.export.subject import Reference, Text, Variable

#: What formatters let a line have.
WIDTH = 88
INDENT = "    "


def constants(variables: tuple[Variable, ...]) -> Iterator[str]:
    """Yield the lines that read each variable into a constant, with a comment that says what it holds."""
    for variable in variables:
        command = f"; in a shell: export {variable.name}=$({variable.command})" if variable.command else ""
        yield "# " + "".join(character if character.isprintable() else " " for character in variable.holds + command)
        line = f'{constant(variable)} = os.environ["{variable.name}"]'
        yield line if len(line) <= WIDTH else f'{constant(variable)} = os.environ[\n{INDENT}"{variable.name}"\n]'


def constant(variable: Variable) -> str:
    """Return the name of a variable as a constant, which no keyword and no name of the script is."""
    return variable.name.upper()


def assigned(name: str, value: Any) -> str:
    """Return an assignment of one line; in parentheses where the value alone would fit, as formatters have it."""
    text = literal(value)
    line = f"{name} = {text}"
    return line if len(line) <= WIDTH or len(INDENT + text) > WIDTH else f"{name} = (\n{INDENT}{text}\n)"


def is_nested(data: Any) -> bool:
    """Tell whether data takes several lines."""
    return isinstance(data, dict | list) and bool(data)


def literal(data: Any, pad: str = "") -> str:
    """Return data as Python, one item for each line."""
    if isinstance(data, Reference):
        return f"json.loads({constant(data.variable)})"
    if isinstance(data, str | Text):
        return string(Text.of(data) if isinstance(data, str) else data)
    if not is_nested(data):
        return repr(data).replace("e+", "e")  # an exponent, as formatters have it
    inner = pad + INDENT
    if isinstance(data, Mapping):
        lines = [f"{inner}{string(Text.of(key))}: {literal(value, inner)},\n" for key, value in data.items()]
        return f"{{\n{''.join(lines)}{pad}}}"
    return f"[\n{''.join(f'{inner}{literal(item, inner)},{chr(10)}' for item in data)}{pad}]"


def string(text: Text) -> str:
    """Return a text as a string, between the quotes that need fewer escapes; double ones if it is all the same."""
    literals = "".join(text.literals)
    mark = "'" if literals.count('"') > literals.count("'") else '"'
    pieces = (
        _escaped(piece, mark, doubled=bool(text.references)) if isinstance(piece, str) else f"{{{_value(piece)}}}"
        for piece in text.pieces
    )
    if len(text.pieces) == 1 and text.references and text.references[0].encoding == "raw":
        return constant(text.references[0].variable)
    return f"{'f' if text.references else ''}{mark}{''.join(pieces)}{mark}"


def _value(reference: Reference) -> str:
    name = constant(reference.variable)
    return f"quote({name}, safe='')" if reference.encoding == "percent" else name


def _escaped(text: str, mark: str, *, doubled: bool) -> str:
    plain = "".join(item if _is_plain(item) else item.encode("unicode_escape").decode("ascii") for item in text)
    plain = plain.replace(mark, f"\\{mark}")
    return plain.replace("{", "{{").replace("}", "}}") if doubled else plain


def _is_plain(character: str) -> bool:
    return character.isprintable() and character != "\\"
