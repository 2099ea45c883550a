import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from httptask import schemas
from httptask.expressions import PartialList, PartialMapping
from httptask.schemas import Validator

pytestmark = pytest.mark.broad

NAMES = ("a", "b", "c")
SCALARS = st.none() | st.booleans() | st.integers(-(2**33), 2**33) | st.floats(allow_nan=False) | st.sampled_from(("x", "y", ""))
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
        | st.lists(inner, max_size=2).map(PartialList)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2).map(PartialMapping)
    ),
    max_leaves=6,
)
TYPES = st.sampled_from(("string", "boolean", "integer", "number", "array", "object", "null"))
KEYWORDS = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "enum": st.lists(SCALARS, min_size=1, max_size=3),
    "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
    "format": st.sampled_from(("int32", "int64", "date-time", "ipv4", "nonsense")),
    "minimum": st.integers(-2, 2),
    "description": st.just("said"),
    "$ref": st.sampled_from(("#/$defs/one", "#/$defs/two")),
}
SCHEMAS = st.recursive(
    st.booleans() | st.fixed_dictionaries({}, optional=KEYWORDS),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            **KEYWORDS,
            "properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
            "patternProperties": st.dictionaries(st.just("^a"), inner, max_size=1),
            "additionalProperties": inner,
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
        },
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=100)
@given(
    st.fixed_dictionaries({"$defs": st.fixed_dictionaries({"one": SCHEMAS, "two": SCHEMAS}), "allOf": st.tuples(SCHEMAS)}), VALUES
)
def test_what_is_accepted_at_once_breaks_no_rule(schema, value):
    schema = {**schema, "allOf": list(schema["allOf"])}
    validator = Validator(schema)
    if validator._certainly_fits(value):
        assert not list(Draft202012Validator(schema, format_checker=schemas._FORMATS).iter_errors(value))


@pytest.mark.parametrize("value", [[], {}, {"k": [1, "x", None]}, PartialList([1]), "x"])
def test_no_rule_accepts_everything(value):
    assert Validator({"description": "anything"})._certainly_fits(value)


def test_an_answer_of_an_api_is_accepted_at_once():
    thing = {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "readOnly": True},
            "state": {"$ref": "#/$defs/State"},
            "at": {"type": "integer", "format": "int64"},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/Thing"}},
        },
    }
    schema = {"$ref": "#/$defs/Thing", "$defs": {"Thing": thing, "State": {"type": "string", "enum": ["ON", "OFF"]}}}
    value = {"id": "1", "state": "ON", "at": 2**40, "parts": [{"id": "2", "parts": []}], "new": None}
    assert Validator(schema)._certainly_fits(value)
    assert not Validator(schema)._certainly_fits({**value, "state": "LOST"})
    assert not Validator(schema)._certainly_fits({**value, "at": 2**70})


def test_a_reference_without_end_is_left_to_the_full_check():
    assert not Validator({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}})._certainly_fits(1)
