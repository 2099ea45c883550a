"""Expressions in definition files; with `expression_env` below it, the only door to Jinja.

A string may hold `{{ expr }}` parts. A string that is wholly one expression yields the object itself, anything else text, so
typed values never travel through text. Only text from definition files is ever compiled; inputs and responses are data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from keyword import iskeyword
from typing import Any

import jinja2
import jinja2.nodes

from httptask.errors import ExpressionError, Problem
from httptask.expression_env import (
    NOTHING,
    Barred,
    HeaderView,
    PartialList,
    PartialMapping,
    environment,
    plain,
    reason,
    start_work,
    to_text,
    type_name,
)

__all__ = [
    "Compiled",
    "HeaderView",
    "PartialList",
    "PartialMapping",
    "Reference",
    "barred",
    "compile_text",
    "evaluate_condition",
    "evaluate_text",
    "evaluate_tree",
    "is_barred",
    "texts",
    "to_text",
    "type_name",
    "why_barred",
]

#: A dotted path read by an expression, as far as it is literal: `("steps", "create", "outputs", "updateId")`.
Reference = tuple[str, ...]

_NOT_FOUND = object()
_JSON_TYPES = frozenset({dict, list, str, int, float, bool, type(None)})
_ENVIRONMENT = environment()
_FAILURES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, jinja2.TemplateError)


@dataclass(frozen=True, slots=True)
class Compiled:
    """One string of a definition, compiled: literal text and expressions in order; `whole` marks a lone expression."""

    text: str
    parts: tuple[str | _Expression, ...]
    whole: bool

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every literal path that the expressions read."""
        return tuple(ref for part in self.parts if isinstance(part, _Expression) for ref in part.references)

    @property
    def path(self) -> Reference | None:
        """The path that is read when the string is wholly one lookup, as in `{{ steps.a.outputs.id }}`, else None."""
        lone = [part for part in self.parts if isinstance(part, _Expression)]
        return lone[0].references[0] if self.whole and lone[0].is_path else None

    @property
    def is_literal(self) -> bool:
        """Tell whether the string holds no expression at all."""
        return all(isinstance(part, str) for part in self.parts)

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        """Return the object of a lone expression, else text.

        Raises:
            ExpressionError: an undefined name, a failing operation, a result that is too large or has no text form.

        """
        if self.whole:
            return next(part for part in self.parts if isinstance(part, _Expression)).evaluate(context)
        return "".join(part if isinstance(part, str) else part.text(context) for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Expression:
    """One expression. `names` is the path that it reads, if it reads one and nothing in it is an index."""

    source: str
    references: tuple[Reference, ...]
    is_path: bool
    names: Reference
    call: Callable[..., Any]

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        found = self._looked_up(context)
        if found is not _NOT_FOUND:
            return found
        start_work()
        try:
            value = self.call(**context)
            return value if self.is_path and type(value) in _JSON_TYPES else plain(value)
        except jinja2.UndefinedError as error:
            raise self._undefined(str(error)) from None
        except _FAILURES as error:
            raise ExpressionError(Problem(self._where, f"cannot be evaluated: {reason(error)}")) from None

    def _looked_up(self, context: Mapping[str, Any]) -> Any:
        """Return what plain names lead to through plain mappings; all else Jinja looks up, and explains, in ten times as long."""
        found: Any = context
        for name in self.names:
            if type(found) is not dict or name not in found:
                return _NOT_FOUND
            found = found[name]
        return found if self.names and type(found) in _JSON_TYPES else _NOT_FOUND

    def text(self, context: Mapping[str, Any]) -> str:
        try:
            return to_text(self.evaluate(context))
        except (TypeError, ValueError) as error:
            raise ExpressionError(Problem(self._where, str(error), "pipe it through tojson")) from None

    @property
    def _where(self) -> str:
        return "{{ " + self.source + " }}"

    def _undefined(self, name: str) -> ExpressionError:
        if name == NOTHING:
            return ExpressionError(Problem(self._where, NOTHING))
        shown = f"'{name}' is not defined" if name and name in self.source else "a computed name is not defined"
        return ExpressionError(Problem(self._where, shown))


def compile_text(text: str) -> Compiled:
    """Compile one string of a definition file.

    Raises:
        ExpressionError: a syntax error, a `{% %}` block, or a filter or test that does not exist here.

    """
    if "{{" not in text and "{%" not in text:
        return Compiled(text, (text,), whole=False)
    return _compile(text)


def evaluate_tree(tree: Any, context: Mapping[str, Any]) -> Any:
    """Return a copy of a JSON tree in which every string leaf is evaluated; keys are taken as written."""
    if isinstance(tree, str):
        return compile_text(tree).evaluate(context)
    if isinstance(tree, Mapping):
        return {key: evaluate_tree(value, context) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [evaluate_tree(value, context) for value in tree]
    return tree


def evaluate_text(text: str, context: Mapping[str, Any]) -> str:
    """Return a string's value where only text will do, as in a header: a lone expression too must have a text form.

    Raises:
        ExpressionError: as `Compiled.evaluate`.

    """
    compiled = compile_text(text)
    parts = (part for part in compiled.parts if not (compiled.whole and isinstance(part, str)))
    return "".join(part if isinstance(part, str) else part.text(context) for part in parts)


def evaluate_condition(text: str, context: Mapping[str, Any]) -> bool:
    """Return a condition's value, which must be a boolean: truthiness is not guessed.

    Raises:
        ExpressionError: as `Compiled.evaluate`, or the value is no boolean.

    """
    value = compile_text(text).evaluate(context)
    if not isinstance(value, bool):
        hint = "compare explicitly, as in {{ value == 'x' }} or {{ list | length > 0 }}"
        raise ExpressionError(Problem(text, f"a condition must be true or false, this is {type_name(value)}", hint))
    return value


def quoted(text: str) -> str:
    """Return a text as an expression spells it between quotes, where a backslash means what it does in Python."""
    escaped = (item if item.isprintable() and item != "\\" else item.encode("unicode_escape").decode("ascii") for item in text)
    return "'" + "".join(escaped).replace("'", "\\'") + "'"


def barred(name: str, error: Callable[[str], Exception]) -> Any:
    """Return what stands in place of a value that cannot be had: an expression that looks at it raises `error(name)`."""
    return Barred(name, error)


def is_barred(value: Any) -> bool:
    """Tell whether a value is one that cannot be had."""
    return isinstance(value, Barred)


def why_barred(value: Any) -> Callable[[str], Exception]:
    """Return what makes the error of a value that cannot be had."""
    error: Callable[[str], Exception] = value.error
    return error


def texts(tree: Any) -> Iterator[str]:
    """Yield every string leaf of a JSON tree."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from texts(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from texts(value)


@lru_cache(maxsize=4096)
def _compile(text: str) -> Compiled:
    parts = tuple(_split(text))
    lone = [part for part in parts if not (isinstance(part, str) and not part.strip())]
    whole = len(lone) == 1 and isinstance(lone[0], _Expression)
    return Compiled(text, parts, whole)


def _split(text: str) -> Iterator[str | _Expression]:
    source: list[str] | None = None
    try:
        for _, kind, value in _ENVIRONMENT.lex(text):
            if kind in {"block_begin", "raw_begin"}:
                raise ExpressionError(
                    Problem("", "{% %} blocks are not supported", "use {{ expression }}; conditions belong in `if`")
                )
            if kind == "variable_begin":
                source = []
            elif kind == "variable_end":
                yield _expression("".join(source or []).strip())
                source = None
            elif source is not None:
                source.append(value)
            else:
                yield value
    except jinja2.TemplateSyntaxError as error:
        raise ExpressionError(Problem("", f"not an expression: {error.message}", "write {{ expression }}")) from None
    if source is not None:
        raise ExpressionError(Problem("", "an expression is not closed", "end it with }}"))


def _expression(source: str) -> _Expression:
    try:
        body = _ENVIRONMENT.parse("{{ " + source + " }}").body
        _refuse_unpacking(body[0])
        _refuse_infinity(body[0])
        call = _ENVIRONMENT.compile_expression(source, undefined_to_none=False)
    except (jinja2.TemplateError, RecursionError, SyntaxError, ValueError) as error:
        message = error.message if isinstance(error, jinja2.TemplateError) else "it is nested too deep or holds a huge number"
        raise ExpressionError(Problem("{{ " + source + " }}", f"not an expression: {message}")) from None
    node = body[0].nodes[0] if isinstance(body[0], jinja2.nodes.Output) else None
    chain = _chain(node)
    names = chain if chain is not None and all(part.isidentifier() and not iskeyword(part) for part in chain) else ()
    return _Expression(source, tuple(_references(node)), chain is not None, names, call)


def _refuse_unpacking(tree: jinja2.nodes.Node) -> None:
    """Refuse `f(*list)` and `f(**mapping)`: the names of arguments would be values, and Python's messages quote them."""
    node: Any
    for node in tree.find_all((jinja2.nodes.Call, jinja2.nodes.Filter, jinja2.nodes.Test)):
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise jinja2.TemplateSyntaxError("arguments are written out, not unpacked with * or **", node.lineno)


def _refuse_infinity(tree: jinja2.nodes.Node) -> None:
    """Refuse `1e999`: Python reads it as Infinity, which no JSON can hold."""
    for node in tree.find_all(jinja2.nodes.Const):
        if isinstance(node.value, float) and math.isinf(node.value):
            raise jinja2.TemplateSyntaxError("a number is too large", node.lineno)


def _chain(node: Any) -> Reference | None:
    """Return the literal path of a lookup chain (`a.b['c'][0]` is a, b, c, 0), or None for anything computed."""
    if isinstance(node, jinja2.nodes.Name):
        return (node.name,)
    if isinstance(node, jinja2.nodes.Getattr):
        parent, key = _chain(node.node), node.attr
    elif isinstance(node, jinja2.nodes.Getitem) and isinstance(node.arg, jinja2.nodes.Const):
        parent, key = _chain(node.node), str(node.arg.value)
    else:
        return None
    return None if parent is None else (*parent, key)


def _calls_a_function(node: Any) -> bool:
    """Tell whether this is `range(...)`: the function's name is no path that is read."""
    called = node.node if isinstance(node, jinja2.nodes.Call) else None
    return isinstance(called, jinja2.nodes.Name) and called.name in _ENVIRONMENT.globals


def _references(node: Any) -> Iterator[Reference]:
    if node is None:
        return
    if _calls_a_function(node):
        for child in (*node.args, *node.kwargs):
            yield from _references(child)
        return
    chain = _chain(node)
    if chain is not None:
        yield chain
        return
    for child in node.iter_child_nodes():
        yield from _references(child)
