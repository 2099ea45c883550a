"""Which recorded exchange answers a request, and what is told where none does."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httptask.cassette.exchanges import Answered, Asked, Content, Exchange
from httptask.cassette.matching import ABSENT, Shelf, differences, digest, shown

SECRET = "__withheld_1__"


def asked(method="GET", target="/things", body=None, server="acme", headers=()):
    return Asked(server, method, target, tuple(headers), None if body is None else Content("json", body))


def shelf(*requests):
    return Shelf([Exchange(request, Answered(200 + index)) for index, request in enumerate(requests)])


def statuses(of, *requests):
    taken = [of.take(request) for request in requests]
    return [None if each is None else each.came.status for each in taken]


def told(recorded, sent):
    return [(each.where, each.recorded, each.sent) for each in differences(recorded, sent)]


def test_the_same_request_is_answered_in_order_and_then_no_more():
    assert statuses(shelf(asked(), asked(target="/others"), asked()), asked(), asked(), asked(), asked(target="/others")) == [
        200,
        202,
        None,
        201,
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (asked(), asked("DELETE")),
        (asked(), asked(target="/things/1")),
        (asked(), asked(server="other")),
        (asked(), asked(server=None)),
        (asked(target="/things?a=1"), asked()),
        (asked(target="/things?a=1"), asked(target="/things?a=2")),
        (asked(target="/things?a=1&a=2"), asked(target="/things?a=2&a=1")),
        (asked(target="/a/b"), asked(target="/a%2Fb")),
        (asked("POST", body={}), asked("POST")),
        (asked("POST", body={"a": 1}), asked("POST", body={"a": 1.0})),
        (asked("POST", body={"a": 1}), asked("POST", body={"a": True})),
        (asked("POST", body={"a": 0.0}), asked("POST", body={"a": -0.0})),
        (asked("POST", body={"a": "1"}), asked("POST", body={"a": 1})),
        (asked("POST", body={"a": None}), asked("POST", body={})),
        (asked("POST"), Asked("acme", "POST", "/things", (), Content("json", None))),
        (asked("POST", body=[1, 2]), asked("POST", body=[2, 1])),
        (asked("POST", body=[1]), asked("POST", body=[1, 2])),
        (asked("POST", body={"a": {}}), asked("POST", body={"a": []})),
    ],
)
def test_requests_that_differ_answer_for_themselves_alone(one, other):
    assert statuses(shelf(one), other, one) == [None, 200]
    assert statuses(shelf(other), one, other) == [None, 200]
    assert told(one, other)
    assert told(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (asked(target="/things?a=1&b=2"), asked(target="/things?b=2&a=1")),
        (asked(target="/things?q=a%20b"), asked(target="/things?q=a+b")),
        (asked(target="/a%2Db"), asked(target="/a-b")),
        (asked("POST", body={"a": 1, "b": [{"c": 1, "d": 2}]}), asked("POST", body={"b": [{"d": 2, "c": 1}], "a": 1})),
        (asked(headers=[("Idempotency-Key", "1")]), asked(headers=[("Idempotency-Key", "2"), ("Authorization", "x")])),
    ],
)
def test_spelling_order_and_headers_do_not_matter(one, other):
    assert digest(one) == digest(other)
    assert told(one, other) == []
    assert statuses(shelf(one), other) == [200]


@pytest.mark.parametrize(
    ("recorded", "sent"),
    [
        (asked(target=f"/things/{SECRET}"), asked(target="/things/any%20thing")),
        (asked(target=f"/things/{SECRET}"), asked(target=f"/things/{SECRET}")),
        (asked(target=f"/things?a={SECRET}&b=1"), asked(target="/things?b=1&a=x")),
        (asked("POST", body={"a": SECRET}), asked("POST", body={"a": "given anew"})),
        (asked("POST", body={"a": SECRET}), asked("POST", body={"a": 4711})),
        (asked("POST", body={"a": f"x {SECRET}, {SECRET} y"}), asked("POST", body={"a": f"x one, {SECRET} y"})),
        (asked("POST", body={"a": f"{SECRET}__withheld_2__"}), asked("POST", body={"a": f"{SECRET}__withheld_2__"})),
        (asked("POST", body={f"k-{SECRET}": 1, "b": 2}), asked("POST", body={"b": 2, "k-given": 1})),
        (asked("POST", body={"a": f"{SECRET},{SECRET}"}), asked("POST", body={"a": ",a,b"})),
        (asked("POST", body={"a": "***"}), asked("POST", body={"a": "anything"})),
    ],
)
def test_a_withheld_value_fits_itself_and_whatever_is_given_in_its_place(recorded, sent):
    assert told(recorded, sent) == []
    assert statuses(shelf(recorded), sent, sent) == [200, None]


@pytest.mark.parametrize(
    ("recorded", "sent"),
    [
        (asked(target=f"/things/{SECRET}"), asked(target="/things/__withheld_2__")),
        (asked(target=f"/things/{SECRET}"), asked(target="/things")),
        (asked(target=f"/things/{SECRET}/x"), asked(target="/things/a/y")),
        (asked(target=f"/things?a={SECRET}"), asked(target="/things")),
        (asked("POST", body={"a": f"x{SECRET}y"}), asked("POST", body={"a": "xy"})),
        (asked("POST", body={"a": f"x{SECRET}y"}), asked("POST", body={"a": "xvalue"})),
        (asked("POST", body={"a": SECRET}), asked("POST", body={"a": f"{SECRET}x"})),
        (asked("POST", body={"a": SECRET}), asked("POST", body={"a": None})),
        (asked("POST", body={"a": SECRET}), asked("POST", body={"a": True})),
        (asked("POST", body={"a": SECRET}), asked("POST", body={"a": ["x"]})),
        (asked("POST", body={"a": SECRET}), asked("POST", body={})),
        (asked("POST", body={"a": SECRET}), asked("POST", body={"a": ""})),
        (asked("POST", body={"a": "x"}), asked("POST", body={"a": SECRET})),
    ],
)
def test_a_withheld_value_does_not_fit_another_one_or_none(recorded, sent):
    assert told(recorded, sent)
    assert statuses(shelf(recorded), sent) == [None]


def test_what_an_answer_gave_keeps_requests_apart():
    recorded = shelf(asked(target="/sessions/__withheld_1__"), asked(target="/sessions/__withheld_2__"))
    assert statuses(recorded, asked(target="/sessions/__withheld_2__"), asked(target="/sessions/__withheld_1__")) == [201, 200]


def test_what_was_given_is_answered_in_order():
    recorded = shelf(asked("POST", body={"pin": "__withheld_1__"}), asked("POST", body={"pin": "__withheld_2__"}))
    assert statuses(recorded, asked("POST", body={"pin": "b"}), asked("POST", body={"pin": "a"})) == [200, 201]


def test_an_equal_request_goes_before_one_with_gaps():
    recorded = shelf(asked(target=f"/things?type={SECRET}"), asked(target="/things?type=LDAP"))
    assert statuses(recorded, asked(target="/things?type=LDAP"), asked(target="/things?type=AD")) == [201, 200]


def test_differences_say_where():
    recorded = asked(
        "POST", "/pools/1/updates?limit=5&after=x", {"name": "spring", "agents": [{"id": 1}, {"id": 2}], "old": True}
    )
    sent = asked("POST", "/pools/2/updates?limit=50", {"name": "summer", "agents": [{"id": 1}, {"id": 3}], "new key": None})
    assert told(recorded, sent) == [
        ("path", "/pools/1/updates", "/pools/2/updates"),
        ("query limit", "5", "50"),
        ("query after", "x", ABSENT),
        ("body.name", "spring", "summer"),
        ("body.agents[1].id", 2, 3),
        ("body.old", True, ABSENT),
        ("body['new key']", ABSENT, None),
    ]
    assert told(asked(), asked("PUT", server="other")) == [("server", "acme", "other"), ("method", "GET", "PUT")]


def test_values_are_shown_as_json_and_cut():
    assert (shown("x"), shown(None), shown(ABSENT), shown({"a": 1})) == ('"x"', "null", "nothing", '{"a": 1}')
    assert len(shown("x" * 1000)) < 100


def test_the_nearest_request_has_the_same_method_and_path_first_and_is_left():
    recorded = shelf(
        asked("POST", "/pools/1/updates", {"name": "a", "x": 1, "y": 2}),
        asked("POST", "/pools/1/updates", {"name": "b"}),
        asked("POST", "/pools/2/updates", {"name": "c"}),
    )
    assert recorded.nearest(asked("POST", "/pools/1/updates", {"name": "c"})) == 1
    assert recorded.nearest(asked("POST", "/pools/3/updates", {"name": "a"})) == 0
    assert recorded.nearest(asked("GET", "/pools/2/updates")) == 2
    assert recorded.nearest(asked(server="other")) is None
    twice = shelf(asked(target="/things?a=1"), asked(target="/things?a=1"))
    twice.take(asked(target="/things?a=1"))
    assert twice.nearest(asked(target="/things?a=2")) == 1


def test_times_counts_what_was_taken_too():
    recorded = shelf(asked(), asked(), asked("POST"))
    recorded.take(asked())
    assert (recorded.times(asked()), recorded.times(asked("PUT")), recorded.unused) == (2, 0, (1, 2))


def test_thousands_of_requests_are_found_quickly():
    plain = [asked(target=f"/things?page={number}") for number in range(5000)]
    secret = [asked(target=f"/things/__withheld_{number}__") for number in range(1000)]
    recorded = shelf(*plain, *secret)
    began = time.perf_counter()
    assert None not in statuses(recorded, *reversed(plain), *secret)
    assert time.perf_counter() - began < 15


def test_a_hostile_text_of_gaps_takes_no_time():
    began = time.perf_counter()
    assert told(asked("POST", body=[f"{SECRET}a" * 5000]), asked("POST", body=["a" * 20000 + "b"]))
    assert time.perf_counter() - began < 5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_two_bodies_match_if_and_only_if_they_are_the_same_json(one, other):
    first, second = asked("POST", body=["", one]), asked("POST", body=["", other])
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (told(first, second) == []) is same
    assert (digest(first) == digest(second)) is same
    assert told(first, first) == []


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from("abcd"), max_size=12), st.randoms())
def test_each_exchange_is_given_once_whatever_the_order(names, chance):
    recorded = shelf(*(asked(target=f"/{name}") for name in names))
    wanted = list(names)
    chance.shuffle(wanted)
    found = statuses(recorded, *(asked(target=f"/{name}") for name in wanted))
    assert sorted(found) == [200 + index for index in range(len(names))]
    for name in set(names):
        of_name = [status for wish, status in zip(wanted, found, strict=True) if wish == name]
        assert of_name == [200 + index for index, each in enumerate(names) if each == name]
    assert recorded.unused == ()
