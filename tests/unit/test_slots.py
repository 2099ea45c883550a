# The slots of a request are what it is put together from, so nothing that is said about them can differ from what is sent.
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import body, connection, parameter, provider, template
from golden.examples import REGISTRY, TASKS, example_inputs
from httptask.errors import UsageError
from httptask.inputs import parameter_names
from httptask.render import build, rendered

LAYERS = ("provider", "template", "connection", "call", "input")
TASK = template(
    method="POST",
    path="/api/{{ id }}/x/{{ other }}",
    parameters=(
        *(parameter("id", "path"), parameter("other", "path"), parameter("after"), parameter("X-One", "header")),
        *(parameter("tags", schema={"type": "array"}), parameter("ids", schema={"type": "array"}, explode=False)),
    ),
    body=body(),
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
INPUTS = st.fixed_dictionaries(
    {"id": TEXT, "other": TEXT},
    optional={
        "after": TEXT,
        "X-One": st.text("abc ;", min_size=1).map(lambda text: f"x{text}x"),
        "tags": st.lists(TEXT, max_size=3),
        "ids": st.lists(TEXT, max_size=3),
        "body": st.dictionaries(TEXT, TEXT),
    },
)


def assembled(base_url, slots):
    """Put a URL and headers together from slots alone."""
    path = "".join(slot.text for slot in slots if slot.kind == "path")
    query = "&".join(f"{slot.name}={slot.text}" for slot in slots if slot.kind == "query")
    headers = {slot.name.lower(): (slot.name, slot.text) for slot in slots if slot.kind == "header"}
    return base_url + path + ("?" + query if query else ""), list(headers.values())


def assert_made_of_its_slots(task, inputs, to):
    request, slots = rendered(task, inputs, to)
    assert request == build(task, inputs, to)
    assert (request.url, list(request.headers)) == assembled(to.base_url, slots)


@pytest.mark.parametrize("task", TASKS)
def test_shipped_requests_are_their_slots(task):
    assert_made_of_its_slots(REGISTRY[task], example_inputs(REGISTRY[task]), connection())


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(INPUTS)
def test_any_request_is_its_slots(inputs):
    to = connection(base_url="https://api.example.com/base")
    try:
        build(TASK, inputs, to)
    except UsageError:
        return
    assert_made_of_its_slots(TASK, inputs, to)
    inputs_told = {slot.key for slot in rendered(TASK, inputs, to).slots if slot.origin == "input"}
    sent = {name for name in inputs if name != "body" and inputs[name] != []}
    assert inputs_told == sent


@pytest.mark.parametrize("layers", [c for n in range(1, 6) for c in itertools.combinations(LAYERS, n)])
def test_every_layer_of_a_header_is_told_the_one_that_holds_last(layers):
    task = template(
        provider=provider(headers={"X-Who": "1"} if "provider" in layers else {}),
        headers={"x-who": "2"} if "template" in layers else {},
        parameters=(parameter("x-WHO", "header"),) if "input" in layers else (),
    )
    to = connection(headers={"X-WHO": "3"} if "connection" in layers else {})
    inputs = {"x-WHO": "5"} if "input" in layers else {}
    slots = rendered(task, inputs, to, {"x-Who": "4"} if "call" in layers else None).slots
    assert tuple(slot.origin for slot in slots if slot.name.lower() == "x-who") == layers


def test_a_slot_names_the_input_and_not_the_parameter():
    task = template(path="/{{ id }}", parameters=(parameter("id", "path"), parameter("id")))
    slots = rendered(task, {"path_id": "a", "query_id": "b"}, connection()).slots
    assert set(parameter_names(task)) == {slot.key for slot in slots if slot.key}
    assert [(slot.kind, slot.key, slot.text) for slot in slots if slot.key] == [
        ("path", "path_id", "a"),
        ("query", "query_id", "b"),
    ]


def test_what_frames_the_body_is_a_slot_of_ours():
    post = template(method="POST", body=body(content_type="text/plain"))
    told = {slot.name: (slot.text, slot.origin) for slot in rendered(post, {"body": "ab"}, connection()).slots}
    assert told["Content-Type"] == ("text/plain", "template")
    assert told["Content-Length"] == ("2", "httptask")
    without = rendered(post, {}, connection(), {"Content-Type": "text/html"}).slots
    assert "Content-Type" not in {slot.name for slot in without}
