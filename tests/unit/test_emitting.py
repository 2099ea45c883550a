import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from httptask.documents import parse
from httptask.emitting import WIDTH, emit
from httptask.errors import TemplateInvalid
from httptask.loader import shipped

pytestmark = pytest.mark.broad

quick = settings(max_examples=200, derandomize=True, deadline=None, database=None)

#: Texts that some reader of YAML takes for something else.
ODD = st.sampled_from(
    [
        *("", "~", "null", "true", "False", "on", "no", "12", "017", "0o17", "0x1f", "1e3", "1.", ".5", "+7", ".inf", "12:30"),
        *("<<", "=", "-", "- a", "? a", ": a", "a: b", "a #b", "#a", "@a", "`a", "%a", "!a", "&a", "*a", "{a}", "[a]", "|", ">"),
        *("a,b", "{{ a }}", "'", '"', "it's", "\\", " a", "a ", "\ta", "a\tb", "\n", "a\n", "\na", "a\n\nb\n\n", " a\n b", "---"),
        *("...", "--- a", "\r", "a\r\nb", "\x00", "\x07", "\x85", "\u2028", "\ufeff", "\ufdd0", "\uffff", "é", "😀"),
    ]
)
TEXT = st.one_of(ODD, st.text(max_size=40), st.lists(ODD, max_size=4).map(" ".join), st.integers(1, 80).map("word ".__mul__))
LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT)
TREE = st.recursive(
    LEAF, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)), max_leaves=12
)


def read(text):
    return parse(text.encode(), file="t.yaml").data


@quick
@given(TREE)
def test_what_is_written_is_read_back_as_it_was(data):
    again = read(emit(data))
    assert again == data
    assert repr(again) == repr(data)


@quick
@given(TREE)
def test_readers_of_yaml_1_1_take_it_for_the_same(data):
    assert yaml.safe_load(emit(data)) == data


@quick
@given(st.dictionaries(TEXT, TREE, max_size=4))
def test_what_is_written_once_is_written_so_again(data):
    assert emit(read(emit(data))) == emit(data)


def test_it_is_written_as_a_person_would():
    task = {
        "id": "acme.create_pool",
        "path": "/pools/{{ poolId }}",
        "tags": ["Pools"],
        "description": "Two lines\nof text\n",
        "parameters": [{"name": "poolId", "in": "path", "required": True, "schema": {"type": "string"}}],
        "schema": {"type": "object", "properties": {"name": {"type": "string"}, "size": {"type": "integer"}}},
        "example": {"name": "north", "code": "1e3", "yes": "no", "empty": {}, "none": None},
        "responses": {"200": {"description": "OK: it worked"}, "2XX": {"description": "So did this"}},
        "security": [{"key": []}],
    }
    assert emit(task) == (
        "id: acme.create_pool\n"
        "path: /pools/{{ poolId }}\n"
        "tags: [Pools]\n"
        "description: |\n"
        "  Two lines\n"
        "  of text\n"
        "parameters:\n"
        "  - name: poolId\n"
        "    in: path\n"
        "    required: true\n"
        "    schema: {type: string}\n"
        "schema:\n"
        "  type: object\n"
        "  properties:\n"
        "    name: {type: string}\n"
        "    size: {type: integer}\n"
        "example: {name: north, code: '1e3', 'yes': 'no', empty: {}, none: null}\n"
        "responses:\n"
        "  '200': {description: 'OK: it worked'}\n"
        "  2XX: {description: So did this}\n"
        "security:\n"
        "  - {key: []}\n"
    )


@pytest.mark.parametrize("file", sorted(shipped("task_templates").glob("okta/**/*.yaml")), ids=lambda file: file.name)
def test_shipped_files_keep_their_meaning_and_their_lines_stay_short(file):
    data = parse(file.read_bytes(), file=file.name).data
    assert read(emit(data)) == data
    assert [line for line in emit(data).splitlines() if len(line) > WIDTH + 30 and " " in line.strip()[WIDTH:]] == []


@pytest.mark.parametrize("value", [math.nan, math.inf, "\ud800", {"a": {"\udfff": 1}}, object(), 10**5000], ids=range(6))
def test_what_cannot_be_written_is_refused(value):
    with pytest.raises(TemplateInvalid):
        emit({"a": value})


def test_what_is_too_deep_to_be_read_is_not_written():
    def deep(levels):
        return "x" if levels == 0 else [deep(levels - 1)]

    assert read(emit(deep(100))) == deep(100)
    with pytest.raises(TemplateInvalid):
        emit(deep(102))
