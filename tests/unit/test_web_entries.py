"""From a value into a form, through a browser, and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import body, parameter, template
from httptask.errors import Problem
from httptask.inputs import Fault
from httptask.web import entries
from httptask.web.entries import (
    ABSENT,
    AS_JSON,
    HAS,
    WHOLE,
    Json,
    Reading,
    as_fields,
    as_json,
    blank,
    fill,
    parse,
    read,
    read_all,
)
from httptask.web.forms import Shown, form_of
from httptask.web.parts import part_of, root_of
from httptask.web.subjects import TaskForm

TEXT = {"type": "string"}


def task(schema, **changes):
    return template(method="POST", body=body(schema=schema, **changes), parameters=(parameter("id", required=True),))


def sent(nodes):
    """What a browser sends of these nodes."""
    fields = {}
    for name, value in (pair for node in nodes for pair in pairs(node)):
        fields.setdefault(name, []).append(value)
    return fields


def pairs(node):
    if node.is_absent:
        return
    if node.kind in {"group", "json"}:
        yield {"group": HAS, "json": AS_JSON}[node.kind], node.name
    if node.kind == "choices":
        yield from ((node.name, choice.text) for choice in node.choices if choice.chosen)
    elif node.kind not in {"group", "list"}:
        yield node.name, node.value.replace("\n", "\r\n")
    for inner in (*node.children, *node.folded):
        yield from pairs(inner)


def through_a_browser(made, entry):
    form = form_of(TaskForm(made), entry, Shown())
    nodes = [form.whole] if form.whole else [node for section in form.sections for node in section.nodes]
    return parse(sent(nodes), root_of(made))


def said(made, entry):
    reading = read_all(root_of(made), entry)
    assert not reading.faults, reading.faults
    return reading.inputs


names = st.sampled_from(["a", "b", "c d", "e'f", "g.h", "i[0]", "0", "~has"])
leaf_schemas = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "maxLength": 500},
        {"type": ["string", "null"]},
        {"type": "integer"},
        {"type": "number"},
        {"type": "boolean"},
        {"enum": ["x", "y", ""]},
        {"enum": [1, "1", None, True]},
        {"const": {"k": 1}},
        {"type": "array", "items": {"enum": ["x", "y"]}},
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {"oneOf": [{"type": "object"}, {"type": "array"}]},
        {"type": "object"},
        {"type": "array"},
        {},
        True,
    ]
)
schemas = st.recursive(
    leaf_schemas,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda properties, required: {"type": "object", "properties": properties, "required": sorted(properties)[:required]},
            st.dictionaries(names, inner, max_size=4),
            st.integers(0, 2),
        ),
    ),
    max_leaves=8,
)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=8)
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts)
values = st.recursive(
    leaves, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)), max_leaves=8
)


@given(schemas, values)
def test_whatever_a_value_is_it_goes_into_a_form_and_comes_back(schema, value):
    part = part_of(schema, {}, "a")
    entry = fill(part, value)
    back = read(part, entry, "a", Reading())
    assert json.dumps(_without_empty(back), sort_keys=True) == json.dumps(_without_empty(value), sort_keys=True)


def test_a_required_list_of_objects_opens_with_one_although_it_was_left_out():
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {"b": TEXT}}}}}
    part = part_of({**schema, "required": ["a"]}, {}, "body")
    assert read(part, fill(part, {}), "body", Reading()) == {"a": [{}]}


@given(schemas, values)
def test_a_browser_changes_nothing(schema, value):
    made = task({} if schema is True else schema)
    entry = fill(root_of(made), {"id": "x", "body": value})
    assert json.dumps(said(made, through_a_browser(made, entry)), sort_keys=True) == json.dumps(said(made, entry), sort_keys=True)


def _without_empty(value):
    """A value without empty objects, and lists of nothing else: a group that is required opens although it was left out."""
    if isinstance(value, dict):
        return {key: kept for key, item in value.items() if (kept := _without_empty(item)) != {}}
    if isinstance(value, list):
        items = [_without_empty(item) for item in value]
        return {} if items and all(item == {} for item in items) else items
    return value


def test_an_empty_control_is_an_absent_input():
    made = task({"type": "object", "properties": {"name": TEXT, "size": {"type": "integer"}}}, required=True)
    assert said(made, blank(root_of(made), always=True)) == {"body": {}}


def test_an_optional_body_begins_left_out_and_is_sent_empty_once_it_is_added():
    made = task({"type": "object", "properties": {"name": TEXT}}, required=False)
    root = root_of(made)
    entry = blank(root, always=True)
    assert said(made, entry) == {}
    assert said(made, entries.with_row(root, entry, "body")) == {"body": {}}


def test_an_empty_text_an_empty_list_and_null_can_be_written_as_json():
    made = task({"type": "object", "properties": {"name": TEXT, "tags": {"type": "array", "items": TEXT}}})
    value = {"id": "a", "body": {"name": "", "tags": []}}
    entry = fill(root_of(made), value)
    assert entry["body"] == {"name": Json('""'), "tags": Json("[]")}
    assert said(made, through_a_browser(made, entry)) == value


def test_texts_become_what_the_schema_asks_for_by_the_command_lines_own_rules():
    made = task({"type": "object", "properties": {"n": {"type": "integer"}, "t": TEXT, "b": {"type": "boolean"}}})
    fields = {"id": ["7"], HAS: ["body"], "body.n": ["7"], "body.t": ["7"], "body.b": ["true"]}
    assert said(made, parse(fields, root_of(made))) == {"id": "7", "body": {"n": 7, "t": "7", "b": True}}


def test_a_text_that_does_not_fit_is_kept_for_the_check():
    made = task({"type": "object", "properties": {"n": {"type": "integer"}}})
    fields = {"id": ["a"], HAS: ["body"], "body.n": ["seven"]}
    assert said(made, parse(fields, root_of(made)))["body"] == {"n": "seven"}


def test_line_ends_are_those_that_were_typed():
    made = task({"type": "object", "properties": {"t": TEXT}})
    fields = {"id": ["a"], HAS: ["body"], "body.t": ["one\r\ntwo"]}
    assert said(made, parse(fields, root_of(made)))["body"] == {"t": "one\ntwo"}


def test_rows_lose_their_gaps_and_faults_find_their_fields():
    made = task({"type": "object", "properties": {"tags": {"type": "array", "items": {"type": "integer"}}}}, required=True)
    fields = {"id": ["a"], HAS: ["body"], "body.tags[2]": ["1"], "body.tags[5]": [""], "body.tags[9]": ["x"]}
    entry = parse(fields, root_of(made))
    assert entry["body"]["tags"] == ["1", "", "x"]
    reading = read_all(root_of(made), entry)
    assert reading.inputs["body"] == {"tags": [1, "x"]}
    assert reading.field_of("body.tags[1]") == "body.tags[2]"
    assert reading.field_of("body.tags[0]") == "body.tags[0]"
    assert reading.field_of("body.tagsX") == "body.tagsX"


def test_a_row_that_is_added_is_sent_though_it_is_empty():
    item = {"type": "object", "properties": {"id": TEXT}}
    made = task({"type": "object", "properties": {"agents": {"type": "array", "items": item}}}, required=True)
    root = root_of(made)
    entry = entries.with_row(root, blank(root, always=True), "body.agents")
    assert said(made, through_a_browser(made, entry)) == {"body": {"agents": [{}]}}
    assert said(made, entries.without(root, entry, "body.agents[0]")) == {"body": {}}


def test_the_right_row_is_removed():
    made = task({"type": "object", "properties": {"tags": {"type": "array", "items": TEXT}}})
    root = root_of(made)
    entry = fill(root, {"id": "a", "body": {"tags": ["a", "b", "c"]}})
    assert said(made, entries.without(root, entry, "body.tags[1]"))["body"] == {"tags": ["a", "c"]}


def test_a_group_that_is_removed_is_left_out():
    made = task({"type": "object", "properties": {"when": {"type": "object", "properties": {"cron": TEXT}}}})
    root = root_of(made)
    entry = fill(root, {"id": "a", "body": {"when": {"cron": "x"}}})
    assert said(made, entries.without(root, entry, "body.when"))["body"] == {}


@pytest.mark.parametrize("place", ["body.nothing", "nothing", "body.tags[7]", "", "body.tags[0].x"])
def test_a_button_for_a_place_that_is_not_there_changes_nothing(place):
    made = task({"type": "object", "properties": {"tags": {"type": "array", "items": TEXT}}})
    root = root_of(made)
    entry = fill(root, {"id": "a", "body": {"tags": ["a"]}})
    for change in (entries.with_row, entries.without, as_json, as_fields):
        assert change(root, entry, place) == entry


def test_fields_become_json_and_json_becomes_fields_again():
    made = task({"type": "object", "properties": {"n": {"type": "integer"}, "tags": {"type": "array", "items": TEXT}}})
    root = root_of(made)
    entry = fill(root, {"id": "a", "body": {"n": 1, "tags": ["x"]}})
    for place in ("body", WHOLE):
        written = as_json(root, entry, place)
        assert said(made, through_a_browser(made, written)) == said(made, entry)
        assert as_fields(root, written, place) == entry


def test_what_fields_cannot_say_stays_json():
    made = task({"type": "object", "properties": {"n": {"type": "integer"}}})
    root = root_of(made)
    entry = fill(root, {"id": "a", "body": {"n": 1, "unlisted": 2}})
    assert isinstance(entry["body"], Json)
    assert as_fields(root, entry, "body") == entry


def test_nothing_typed_as_json_becomes_open_fields():
    made = task({"type": "object", "properties": {"n": {"type": "integer"}}}, required=False)
    root = root_of(made)
    entry = as_json(root, entries.with_row(root, blank(root, always=True), "body"), "body")
    assert entry["body"] == Json("")
    assert as_fields(root, entry, "body")["body"] == {"n": ""}


def test_json_that_is_none_is_told_with_its_line_and_the_field():
    made = task({"type": "object"})
    entry = parse({"id": ["a"], AS_JSON: ["body"], "body": ['{"a": 1,\r\n  b}']}, root_of(made))
    [fault] = read_all(root_of(made), entry).faults
    assert fault == Fault("body", Problem("body", "not JSON at line 2 column 3", "text needs double quotes"))


@pytest.mark.parametrize("text", ["[1]", "1", '"x"', "null"])
def test_all_inputs_at_once_are_an_object(text):
    made = task({"type": "object"})
    [fault] = read_all(root_of(made), Json(text)).faults
    assert (fault.at, fault.problem.message) == (WHOLE, "inputs must be a mapping of names to values")


def test_a_mask_is_never_sent_for_the_secret_that_it_stands_for():
    secret = {"type": "object", "properties": {"key": {"type": "string", "format": "password"}}}
    made = task(secret)
    reading = read_all(root_of(made), {"id": "a", "body": Json('{"key": "***"}')})
    assert [fault.problem.message for fault in reading.faults] == ["a secret in it is shown as *** and has to be typed again"]
    assert "body" not in reading.inputs


def test_choices_that_look_alike_are_told_apart():
    part = part_of({"enum": [1, "1", None, "null", ""]}, {}, "a")
    for value in part.choices.values():
        back = read(part, fill(part, value), "a", Reading())
        assert (type(back), back) == (type(value), value)
    assert len(part.choices) == 5


def test_a_value_outside_its_enumeration_is_kept_for_the_check():
    part = part_of({"enum": ["x"], "type": "string"}, {}, "a")
    assert read(part, "new", "a", Reading()) == "new"


def test_a_value_that_is_not_there_is_absent():
    assert read(part_of(TEXT, {}), "", "a", Reading()) is ABSENT
