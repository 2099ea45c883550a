"""Jinja for expressions, with every door closed but mapping lookup, and a cap on whatever an operator or filter builds.

Jinja's own sandbox blocks attributes that begin with an underscore and unsafe calls, but bounds neither time nor memory. Here
a dot looks up a mapping key and nothing else, the only calls are `range(n)` and `response.headers.all(name)`, filters and
tests are a short list. `MAX_TEXT` and `MAX_ITEMS` cap what one step builds, `MAX_WORK` what all steps of one evaluation do.
"""

from __future__ import annotations

import inspect
import json
import math
import operator as operators
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
#: What the call of a test costs: as much as two items, by the time that it takes.
_TEST = 2 * _ITEM
#: Characters that are compared in the time of one step.
_STRIDE = 32
#: Longer texts are searched in linear time, shorter ones in the product of both lengths.
_SEARCHED = 100
#: Python reads and writes integers below this; JSON cannot hold others.
_UNPRINTABLE = 10**4300
#: Where a lookup fails for want of a value, not of a name.
NOTHING = "there is nothing to take: a list is empty, or an `if` without `else` does not hold"

_work_left: ContextVar[int] = ContextVar("work_left", default=MAX_WORK)

_FILTERS = frozenset(
    {"abs", "count", "d", "default", "dictsort", "first", "items", "last", "length", "map", "max", "min", "reject"}
    | {"rejectattr", "reverse", "select", "selectattr", "sort", "unique"}
)
_TEXT_FILTERS = ("capitalize", "lower", "title", "trim", "upper")
_TESTS = frozenset(
    {"defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "true", "false", "mapping", "sequence"}
    | {"iterable", "in", "lower", "upper", "eq", "equalto", "ne", "lt", "lessthan", "le", "gt"}
    | {"greaterthan", "ge", "==", "!=", "<", "<=", ">", ">="}
)
_NUMBER_TESTS = ("divisibleby", "even", "odd")
_TEXT_TESTS = ("lower", "upper")
#: These take a list item by item, where text would be taken character by character.
_LIST_FILTERS = frozenset({"map", "max", "min", "reject", "rejectattr", "select", "selectattr", "sort", "sum", "unique"})
_ITERATING_FILTERS = _LIST_FILTERS | {"dictsort", "items", "join", "list", "reverse"}
#: These compare the items, or copy their texts to compare them.
_ORDERING_FILTERS = frozenset({"max", "min", "sort", "unique"})
#: These build numbers that no operand need have held.
_NUMBER_FILTERS = frozenset({"float", "int", "round", "sum"})
#: These cost the same whatever the length of the value; `tojson` counts for itself.
_CHEAP_FILTERS = frozenset({"abs", "count", "d", "default", "first", "last", "length", "string", "tojson"})
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operators.eq,
    "ne": operators.ne,
    "lt": operators.lt,
    "lteq": operators.le,
    "gt": operators.gt,
    "gteq": operators.ge,
    "in": lambda part, whole: part in whole,
    "notin": lambda part, whole: part not in whole,
}
_COMPARING_TESTS = frozenset(
    {"eq", "equalto", "ne", "lt", "lessthan", "le", "gt", "greaterthan", "ge", "==", "!=", "<", "<=", ">", ">="}
)


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


class Barred(Undefined):
    """A value that is there and cannot be had: whoever looks at it, filters and tests for undefined names too, gets the error."""

    def __init__(self, name: str, error: Callable[[str], Exception]) -> None:
        """Remember the name, as in `steps.login.outputs.token`, and the error that tells why."""
        super().__init__(name=name, exc=error)  # type: ignore[arg-type] # anything that makes an exception of a text will do
        self.error = error


class PartialMapping(dict[str, Any]):
    """A mapping that holds something barred, so that it is looked through before it is passed on."""


class PartialList(list[Any]):
    """A list that holds something barred."""


class _Generator(jinja2.compiler.CodeGenerator):
    """Writes `~` so that it joins texts as JSON writes them, where Jinja's would take Python's `str`."""

    def visit_Concat(self, node: jinja2.nodes.Concat, frame: jinja2.compiler.Frame) -> None:  # noqa: N802 - Jinja finds it by name
        """Write the call for one `a ~ b ~ c`."""
        self.write("environment.join_text((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Compare(self, node: jinja2.nodes.Compare, frame: jinja2.compiler.Frame) -> None:  # noqa: N802 - as above
        """Write the call for one `a < b == c`."""
        self.write("environment.compare(")
        self.visit(node.expr, frame)
        self.write(", (")
        for operand in node.ops:
            self.write(f"({operand.op!r}, ")
            self.visit(operand.expr, frame)
            self.write("), ")
        self.write("))")


class Environment(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """A Jinja environment in which lookups, calls and operators go through the rules of this module."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "**", "%"})
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
        return _charge(_finite(super().call_binop(context, operator, left, right)))

    def compare(self, left: Any, operands: tuple[tuple[str, Any], ...]) -> Any:
        """Return `left < a == b`: each comparison of a chain must hold."""
        held: Any = True
        for operator, right in operands:
            _charge_comparison(operator, left, right)
            held = _COMPARISONS[operator](left, right)
            if not held:
                return held
            left = right
        return held

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
    _look(value)
    if isinstance(value, jinja2.Undefined):
        raise _undefined(value)
    if isinstance(value, str):
        return _charge(str(value))
    if value is None or isinstance(value, bool | int | float):
        return _printable(value)
    if isinstance(value, Mapping):
        _spend(sum(map(len, value)))
        return _charge({str(key): plain(item) for key, item in value.items()})
    if isinstance(value, list | tuple | range | GeneratorType | Iterator):
        return [plain(item) for item in _charge(list(_bounded(value)))]
    raise TypeError("the result is not a JSON value")


def _look(value: Any) -> None:
    """Raise if the value is barred: a filter such as `default` would take it for one that does not exist."""
    if isinstance(value, Barred):
        str(value)


def _look_within(value: Any) -> None:
    """Raise if anything in a value is barred."""
    _look(value)
    if isinstance(value, PartialMapping | PartialList):
        for item in value.values() if isinstance(value, PartialMapping) else value:
            _look_within(item)


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
    _spend(_size(built))
    return built


def _spend(work: int) -> None:
    left = _work_left.get() - work
    if left < 0:
        raise TooLarge("the expression builds too much")
    _work_left.set(left)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return _ITEM * len(value) if isinstance(value, list | tuple | dict | range) else 1


def _metered(items: Iterator[Any]) -> Iterator[Any]:
    """Charge for each item as it is taken: a filter that keeps none of them has read them all the same."""
    for item in items:
        _spend(_ITEM)
        yield item


def _weigh(value: Any) -> None:
    """Charge for everything that a value holds."""
    _spend(_size(value))
    if isinstance(value, list | tuple):
        for item in value:
            _weigh(item)


def _charge_comparison(operator: str, left: Any, right: Any) -> None:
    """Charge for what a comparison may read before it is made."""
    if operator not in {"in", "notin"}:
        _charge_equality(left, right)
    elif isinstance(right, str) and isinstance(left, str):
        _spend(len(right) * (1 + min(len(left), _SEARCHED) // _STRIDE))
    elif isinstance(right, list | tuple) and isinstance(left, list | tuple | dict):
        for item in right:
            _charge_equality(left, item)
    elif isinstance(right, list | tuple | range):
        _spend(len(right) * (1 + (len(left) // _STRIDE if isinstance(left, str) else 0)))


def _charge_equality(left: Any, right: Any) -> None:
    if isinstance(left, str) and isinstance(right, str):
        _spend(1 + min(len(left), len(right)) // _STRIDE)
    elif isinstance(left, list | tuple) and isinstance(right, list | tuple):
        _spend(_ITEM * min(len(left), len(right)))
        for one, other in zip(left, right, strict=False):
            _charge_equality(one, other)
    elif isinstance(left, dict) and isinstance(right, dict):
        _spend(_ITEM * min(len(left), len(right)))
        for key in left if len(left) == len(right) else ():
            _charge_equality(left[key], right.get(key))
    else:
        _spend(1)


def _finite(value: Any) -> Any:
    """Return what an operator or filter computed, if it is no number or one that JSON can hold."""
    if isinstance(value, int):
        _check_bits(value.bit_length())
    return _printable(value)


def _printable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise OverflowError("the result is no finite number")
    if isinstance(value, int) and not -_UNPRINTABLE < value < _UNPRINTABLE:
        raise TooLarge("the number would be too large")
    return value


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


def _list(items: Any) -> list[Any]:
    return list(_bounded(items))


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


def _charged(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that is charged for what it reads and for what it builds."""
    given = 1 if hasattr(function, "jinja_pass_arg") else 0  # Jinja's own argument stands before the value

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        passed, values, rest = args[:given], args[given : given + 1], args[given + 1 :]
        if "default" in kwargs:  # which would stand in for what cannot be had
            for value in values:
                _look_within(value)
        values = tuple(_read(name, value) for value in values)
        if name in _ORDERING_FILTERS:
            values = tuple(_list(value) if isinstance(value, Iterator) else value for value in values)
            _weigh_keys(function, (*passed, *values, *rest), kwargs)
        built = function(*passed, *values, *rest, **kwargs)
        return _charge(_finite(built) if name in _NUMBER_FILTERS else built)

    return call


def _read(name: str, value: Any) -> Any:
    """Charge for a filter's value as far as the filter reads it, and return what it is to read."""
    _look(value)
    if isinstance(value, str) and name in _LIST_FILTERS:
        raise TypeError("text is not a list")
    if name in _CHEAP_FILTERS or isinstance(value, jinja2.Undefined):
        return value
    if isinstance(value, Iterator):
        return _metered(value)
    _spend(_ITEM * len(value) if isinstance(value, str) and name in _ITERATING_FILTERS else _size(value))
    return value


def _weigh_keys(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Charge for the keys by which items are compared: their texts are copied, and read more than once."""
    bound = inspect.signature(function).bind(*args, **kwargs).arguments
    made, value, attribute = args[0], bound["value"], bound.get("attribute")
    if not isinstance(value, list | tuple | range | dict):
        return
    for path in attribute.split(",") if isinstance(attribute, str) else (attribute,):
        pick = jinja2.filters.make_attrgetter(made, path)
        for item in value:
            _weigh(pick(item))


def _charged_test(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a test that is charged for what it reads."""

    @wraps(function)
    def call(value: Any, *args: Any) -> Any:
        if type(value) is Barred:
            _look(value)
        _spend(_TEST)
        if args and (name == "in" or name in _COMPARING_TESTS):
            _charge_comparison(name, value, args[0])
        elif name in _TEXT_TESTS:
            _spend(_size(value))
        return function(value, *args)

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
    own |= {"list": _list, "sum": _sum, "round": _round, "replace": _only(str, "text", _replace)}
    own |= {name: _only(str, "text", jinja2.filters.FILTERS[name]) for name in _TEXT_FILTERS}
    filters = {name: jinja2.filters.FILTERS[name] for name in _FILTERS} | own
    made.filters = {name: _charged(name, function) for name, function in filters.items()}
    jinjas: Mapping[str, Callable[..., Any]] = jinja2.tests.TESTS  # type: ignore[assignment] # one of them is typed as `function`
    tests = {name: jinjas[name] for name in _TESTS}
    tests |= {name: _only(int | float, "a number", jinjas[name]) for name in _NUMBER_TESTS}  # type: ignore[arg-type]
    tests |= {name: _only(str, "text", jinjas[name]) for name in _TEXT_TESTS}
    made.tests = {name: _charged_test(name, function) for name, function in tests.items()}
    made.globals = {"range": _range}
    return made
