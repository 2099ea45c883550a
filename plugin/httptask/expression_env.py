"""Jinja for expressions, with every door closed but mapping lookup, and a cap on whatever an operator or filter builds.

Jinja's own sandbox blocks attributes that begin with an underscore and unsafe calls, but bounds neither time nor memory. Here
a dot looks up a mapping key and nothing else, the only calls are `range(n)` and `response.headers.all(name)`, filters and
tests are a short list. `MAX_TEXT` and `MAX_ITEMS` cap what one step builds, `MAX_WORK` what all steps of one evaluation do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import wraps
from types import GeneratorType, MethodType
from typing import Any

import jinja2
import jinja2.compiler
import jinja2.exceptions
import jinja2.filters
import jinja2.nodes
import jinja2.sandbox
import jinja2.tests

MAX_TEXT = 1_000_000
MAX_ITEMS = 100_000
MAX_POWER_BITS = 4096
MAX_DIGITS = 100
#: Characters, and items at ten each.
MAX_WORK = 20_000_000
_ITEM = 10
#: Where a lookup fails for want of a value, not of a name.
NOTHING = "there is nothing to take: a list is empty, or an `if` without `else` does not hold"

_work_left: ContextVar[int] = ContextVar("work_left", default=MAX_WORK)

_FILTERS = frozenset(
    {"abs", "count", "d", "default", "dictsort", "first", "items", "last", "length", "list", "map", "max", "min", "reject"}
    | {"rejectattr", "reverse", "select", "selectattr", "sort", "unique"}
)
_TEXT_FILTERS = ("capitalize", "lower", "title", "trim", "upper")
_TESTS = frozenset(
    {"defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "true", "false", "mapping", "sequence"}
    | {"iterable", "in", "lower", "upper", "eq", "equalto", "ne", "lt", "lessthan", "le", "gt"}
    | {"greaterthan", "ge", "==", "!=", "<", "<=", ">", ">="}
)
_NUMBER_TESTS = ("divisibleby", "even", "odd")


class TooLarge(ValueError):
    """A result would pass a limit of this module; its text is ours and names no value."""


class HeaderView(Mapping[str, str]):
    """Response headers as an expression sees them: lookup without case gives the first value, `all(name)` the list."""

    def __init__(self, fields: tuple[tuple[str, str], ...]) -> None:
        """Wrap the fields in the order received."""
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        """Return the first value of a name."""
        for key, value in self._fields:
            if key.lower() == name.lower():
                return value
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        """Tell whether a field of this name was received."""
        return isinstance(name, str) and any(key.lower() == name.lower() for key, _ in self._fields)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the distinct names, in lower case."""
        return iter(dict.fromkeys(key.lower() for key, _ in self._fields))

    def __len__(self) -> int:
        """Return the number of distinct names."""
        return len(list(iter(self)))

    def all(self, name: str) -> list[str]:
        """Return every value of a name, in the order received."""
        return [value for key, value in self._fields if key.lower() == name.lower()]


class Undefined(jinja2.StrictUndefined):
    """Strict, and its message is the bare name: what surrounds it stays unsaid."""

    @property
    def _undefined_message(self) -> str:
        return NOTHING if self._undefined_hint else str(self._undefined_name)


class _Generator(jinja2.compiler.CodeGenerator):
    """Writes `~` so that it joins texts as JSON writes them, where Jinja's would take Python's `str`."""

    def visit_Concat(self, node: jinja2.nodes.Concat, frame: jinja2.compiler.Frame) -> None:  # noqa: N802 - Jinja finds it by name
        """Write the call for one `a ~ b ~ c`."""
        self.write("environment.join_text((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """A Jinja environment in which lookups, calls and operators go through the rules of this module."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    code_generator_class = _Generator

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look up `obj.attribute`: a mapping key, or `all` of response headers."""
        if isinstance(obj, HeaderView) and attribute == "all":
            return obj.all
        return self._lookup(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Look up `obj[argument]`: a mapping key, an index or a slice."""
        return self._lookup(obj, argument)

    def _lookup(self, obj: Any, key: Any) -> Any:
        if isinstance(obj, jinja2.Undefined):
            return obj[key]
        if isinstance(obj, Mapping):
            return obj[key] if isinstance(key, str) and key in obj else self.undefined(obj=obj, name=key)
        if isinstance(obj, str | list | tuple) and isinstance(key, slice):
            return obj[key]
        if isinstance(obj, str | list | tuple) and isinstance(key, int) and -len(obj) <= key < len(obj):
            return obj[key]
        return self.undefined(obj=obj, name=key)

    def is_safe_callable(self, obj: Any) -> bool:
        """Allow `range` and `headers.all`, nothing else."""
        return obj is _range or (isinstance(obj, MethodType) and obj.__func__ is HeaderView.all)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call, with the undefined name in the message where there is nothing to call."""
        if isinstance(obj, jinja2.Undefined):
            raise _undefined(obj)
        return super().call(context, obj, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Check what an operator would build before it builds it."""
        _check_size(operator, left, right)
        return _charge(super().call_binop(context, operator, left, right))

    def join_text(self, parts: tuple[Any, ...]) -> str:
        """Return `a ~ b ~ c`."""
        text = _join(parts)
        _charge(text)
        return text


def type_name(value: Any) -> str:
    """Return a value's JSON type in words, for messages."""
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "text",
        dict: "an object",
        list: "a list",
        HeaderView: "headers",
    }
    return names.get(type(value), "a value of another kind")


def to_text(value: Any) -> str:
    """Return the text of a scalar as JSON writes it: `true`, `5`, `1.5`; text as it is.

    Raises:
        TypeError: null, a list, an object, NaN or Infinity, which have no text form.
        jinja2.UndefinedError: an undefined name.

    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        try:
            return json.dumps(value, allow_nan=False)
        except ValueError:
            raise TypeError("NaN, Infinity or a number of thousands of digits cannot be put into text") from None
    if isinstance(value, jinja2.Undefined):
        raise _undefined(value)
    raise TypeError(f"{type_name(value)} cannot be put into text")


def plain(value: Any) -> Any:
    """Return a value as JSON types: generators and tuples become lists.

    Raises:
        jinja2.UndefinedError: an undefined name.
        TypeError, TooLarge: no JSON value, or one past the limits.

    """
    if isinstance(value, jinja2.Undefined):
        raise _undefined(value)
    if isinstance(value, str):
        return _charge(str(value))
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return _charge({str(key): plain(item) for key, item in value.items()})
    if isinstance(value, list | tuple | range | GeneratorType | Iterator):
        return [plain(item) for item in _charge(list(_bounded(value)))]
    raise TypeError("the result is not a JSON value")


def _bounded(items: Any) -> Iterator[Any]:
    for count, item in enumerate(items):
        if count >= MAX_ITEMS:
            raise TooLarge(f"more than {MAX_ITEMS} items")
        yield item


def start_work() -> None:
    """Give the evaluation that begins its whole allowance."""
    _work_left.set(MAX_WORK)


def _charge(built: Any) -> Any:
    """Take what was built off the allowance of this evaluation, and return it."""
    size = len(built) if isinstance(built, str) else _ITEM * len(built) if isinstance(built, list | tuple | dict) else 1
    left = _work_left.get() - size
    if left < 0:
        raise TooLarge("the expression builds too much")
    _work_left.set(left)
    return built


def _check_size(operator: str, left: Any, right: Any) -> None:
    if operator == "%" and isinstance(left, str):
        raise TypeError("% formats no text here; join parts with ~")
    if operator == "*":
        times, sized = (left, right) if isinstance(left, int) else (right, left)
        if isinstance(sized, str | list | tuple) and isinstance(times, int):
            _check_length(sized, len(sized) * max(times, 0))
        elif isinstance(sized, int) and isinstance(times, int):
            _check_bits(sized.bit_length() + times.bit_length())
    if operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        _check_length(left, len(left) + len(right))
    if operator == "**" and isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() * abs(right))


def _check_length(sized: Any, length: int) -> None:
    limit = MAX_TEXT if isinstance(sized, str) else MAX_ITEMS
    if length > limit:
        raise TooLarge(f"the result would pass the limit of {limit}")


def _check_bits(bits: int) -> None:
    if bits > MAX_POWER_BITS:
        raise TooLarge("the number would be too large")


def _undefined(value: jinja2.Undefined) -> jinja2.UndefinedError:
    hint, name = value._undefined_hint, value._undefined_name  # noqa: SLF001 - it has no public face
    return jinja2.UndefinedError(NOTHING if hint else str(name))


def reason(error: BaseException) -> str:
    """Return why an evaluation failed, from errors whose text names types and limits but never values."""
    if isinstance(error, jinja2.exceptions.SecurityError):
        return "only range() and response.headers.all() can be called"
    if isinstance(error, TypeError | ArithmeticError | jinja2.exceptions.FilterArgumentError | TooLarge):
        return str(error) or type(error).__name__
    if isinstance(error, jinja2.TemplateRuntimeError):
        return "there is no such filter or test here"
    return type(error).__name__


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_ITEMS:
        raise TooLarge(f"range() is limited to {MAX_ITEMS} items")
    return numbers


def _tojson(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _join(items: Any, separator: str = "") -> str:
    pieces = [to_text(item) for item in _bounded(items)]
    _check_length("", sum(map(len, pieces)) + len(separator) * len(pieces))
    return separator.join(pieces)


def _replace(text: str, old: str, new: str) -> str:
    _check_length("", len(text) + text.count(old) * len(new))
    return text.replace(old, new)


@jinja2.pass_environment
def _sum(environment: Environment, items: Iterable[Any], attribute: str | int | None = None, start: Any = 0) -> Any:
    pick = jinja2.filters.make_attrgetter(environment, attribute)
    total = list(start) if isinstance(start, list | tuple) else start
    for item in map(pick, items):
        if isinstance(item, str):
            raise TypeError("text is not summed; use join")
        if isinstance(total, list) and isinstance(item, list | tuple):
            _check_length(total, len(total) + len(item))
            total.extend(item)
        else:
            total = total + item
    return total


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    if abs(precision) > MAX_DIGITS:
        raise TooLarge(f"round is limited to {MAX_DIGITS} digits")
    return jinja2.filters.do_round(value, precision, method)


def _only(kind: type[Any], word: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function for arguments of this kind only: Jinja's turn any object into text, and `%` of a text formats it."""

    @wraps(function)
    def checked(*values: Any) -> Any:
        for value in values:
            if isinstance(value, jinja2.Undefined):
                raise _undefined(value)
            if not isinstance(value, kind):
                raise TypeError(f"{type_name(value)} is not {word}")
        return function(*values)

    return checked


def _charged(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return _charge(function(*args, **kwargs))

    return call


def _number(kind: type[int | float]) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        try:
            return kind(value)
        except (TypeError, ValueError):
            raise TypeError(f"{type_name(value)} is not {'an integer' if kind is int else 'a number'}") from None

    return convert


def environment() -> Environment:
    """Return the one environment that every expression is compiled in."""
    made = Environment(
        undefined=Undefined,
        keep_trailing_newline=True,
        comment_start_string="\x00{#",
        comment_end_string="#}\x00",
        optimized=False,  # constants are folded with Jinja's own operators and without our caps
    )
    own = {"tojson": _tojson, "join": _join, "string": to_text, "int": _number(int), "float": _number(float)}
    own |= {"sum": _sum, "round": _round, "replace": _only(str, "text", _replace)}
    own |= {name: _only(str, "text", jinja2.filters.FILTERS[name]) for name in _TEXT_FILTERS}
    filters = {name: jinja2.filters.FILTERS[name] for name in _FILTERS} | own
    made.filters = {name: _charged(function) for name, function in filters.items()}
    made.tests = {name: jinja2.tests.TESTS[name] for name in _TESTS}
    made.tests |= {name: _only(int | float, "a number", jinja2.tests.TESTS[name]) for name in _NUMBER_TESTS}  # type: ignore[arg-type]
    made.globals = {"range": _range}
    return made
