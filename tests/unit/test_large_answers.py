import json
import time

import pytest

from builders import connection, template
from httptask.clock import FakeClock
from httptask.documents import parse
from httptask.message import Headers, Response
from httptask.model import Output, ResponseSpec
from httptask.registry import Registry
from httptask.results import MAX_WARNINGS, read
from httptask.runner import Runner
from httptask.schemas import Validator, excerpt
from httptask.workflow import WorkflowRunner
from httptask.workflow_file import workflow_from

pytestmark = pytest.mark.slow

THING = {"type": "object", "properties": {"id": {"type": "string"}, "parts": {"type": "array", "items": {"type": "integer"}}}}
THINGS = {"type": "array", "items": THING}


def warnings(raw, schema=THINGS, **more):
    task = template(responses={"200": ResponseSpec("ok", schema)}, **more)
    started = time.process_time()
    found = read(task, {}, Response(200, Headers.of({"Content-Type": "application/json"}), raw)).warnings
    assert time.process_time() - started < 4
    return found


def listed(item, times):
    return b"[" + b",".join([json.dumps(item).encode()] * times) + b"]"


def test_a_long_answer_that_breaks_the_schema_everywhere_costs_a_bounded_time():
    found = warnings(listed(1, 1_000_000))
    assert len(found) == MAX_WARNINGS
    assert (found[0].code, found[0].path) == ("schemaMismatch", "response.body[0]")


def test_a_long_answer_that_fits_the_schema_costs_a_bounded_time():
    assert warnings(listed({"id": "a"}, 400_000)) == ()


def test_a_long_list_inside_many_items_is_cut_too():
    found = warnings(listed({"id": "a", "parts": [1] * 500 + ["x"], "new": 1}, 800))
    assert [(warning.code, warning.path) for warning in found] == [("unlistedField", "response.body[].new")]


def test_many_unlisted_fields_are_not_all_looked_for():
    body = json.dumps({f"k{number}": 1 for number in range(40_000)}).encode()
    found = warnings(body, THING)
    assert len(found) == MAX_WARNINGS
    assert {warning.code for warning in found} == {"unlistedField"}


def test_an_object_with_too_many_keys_is_not_compared():
    assert warnings(json.dumps({f"k{number}": 1 for number in range(200_000)}).encode(), THING) == ()


def test_repeated_items_are_found_without_comparing_each_with_each():
    schema = {"type": "array", "uniqueItems": True}
    body = [{"n": number} for number in range(15_000)]
    assert warnings(json.dumps(body).encode(), schema) == ()
    [found] = warnings(json.dumps([*body, {"n": 7}]).encode(), schema)
    assert found.message == "must not repeat an item"


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([1, True], True),
        ([1, 1.0], False),
        ([0, False, "", None, [], {}], True),
        ([[1], [True]], True),
        ([{"a": 1, "b": [2]}, {"b": [2], "a": 1}], False),
        ([["a"], "a"], True),
        ([["list", 1], [1]], True),
    ],
)
def test_items_are_the_same_when_their_json_is(items, unique):
    assert (Validator({"uniqueItems": True}).violations(items) == ()) is unique


def test_a_validator_stops_at_its_limit():
    assert len(Validator({"items": {"type": "string"}}).violations([1] * 1000, 3)) == 3
    assert len(Validator({"items": {"type": "string"}}).violations([1] * 1000)) == 1000


def test_an_excerpt_keeps_what_is_small_and_cuts_lists_of_what_is_large():
    small = {"a": [1, 2, 3]}
    assert excerpt(small, 10) is small
    assert excerpt({"a": [[1] * 50] * 50, "b": 1}, 200) == {"a": [[1] * 10] * 10, "b": 1}
    assert excerpt(dict.fromkeys("abcdef", 1), 5) is None


def test_outputs_of_a_long_answer_fail_soon_and_leave_the_answer():
    outputs = {"ids": Output("{{ response.body | map(attribute='id') | list }}", {"type": "array"})}
    found = warnings(listed(1, 1_000_000), outputs=outputs)
    assert [warning.code for warning in found][-1] == "outputMissing"


class Answering:
    def __init__(self, body):
        self.body = body
        self.sent = 0

    def send(self, request, timeouts):
        self.sent += 1
        return Response(200, Headers.of({"Content-Type": "application/json"}), self.body)


FLOW = """\
name: w
steps:
  - {id: all, task: acme.ask}
  - {id: each, task: acme.ask, forEach: '{{ steps.all.response.body }}'}
"""


def run(body, flow=FLOW):
    transport, clock = Answering(body), FakeClock()
    registry = Registry({"acme.ask": None}, None)
    registry._loaded = {"acme.ask": template(id="acme.ask")}
    workflow = workflow_from(parse(flow.encode(), file="flow.yaml"), registry)
    runner = Runner(transport, clock)
    return WorkflowRunner(runner, registry, lambda _: connection(), clock).run(workflow, {}), transport.sent


def test_for_each_over_more_items_than_the_limit_fails_before_the_first():
    result, sent = run(listed(1, 100_001))
    assert (result.status, sent) == ("failed", 1)
    assert result.failure.message.endswith("forEach has more than 100000 items")


def test_for_each_may_count_with_range():
    flow = "name: w\nsteps:\n  - {id: each, task: acme.ask, forEach: '{{ range(3) | list }}'}\n"
    result, sent = run(b"{}", flow)
    assert (result.status, sent) == ("succeeded", 3)
