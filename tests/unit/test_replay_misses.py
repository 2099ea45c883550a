"""Requests that no recorded exchange answers: what is told, and that the run ends there."""

import json

import pytest

from httptask.errors import ReplayMiss
from studio import Studio, each, get, named, reply, steps


@pytest.fixture
def make(tmp_path):
    return lambda answer=named, **more: Studio(tmp_path, answer, **more)


def missed(made, act):
    with pytest.raises(ReplayMiss) as caught:
        act()
    return [(problem.where, problem.message) for problem in caught.value.problems]


def test_a_request_that_comes_too_often_is_a_miss(make):
    made = make()
    made.record(steps(get("a"), get("a").replace("s_a", "b")))
    told = missed(made, lambda: made.replay(steps(get("a"), get("a").replace("s_a", "b"), get("a").replace("s_a", "c"))))
    assert told == [(str(made.file), "GET /get/a was recorded 2 times, and is asked for once more")]
    made.record(steps(get("a")), overwrite=True)
    told = missed(made, lambda: made.replay(steps(get("a"), get("a").replace("s_a", "b"))))
    assert told == [(str(made.file), "GET /get/a was recorded once, and is asked for once more")]


LOGIN = "{{id: l, task: acme.login, with: {{body: {body}}}}}"


def test_a_miss_tells_the_nearest_request_and_what_differs_and_no_secret(make):
    made = make(lambda request, times: reply(200, {"ticket": "t-1234567", "token": "k-1234567"}))
    made.record(steps(get("a"), LOGIN.format(body="{user: bob, pass: s3cret-one, more: [1, {deep: true}]}")))
    told = missed(
        made,
        lambda: made.replay(steps(LOGIN.format(body="{user: alice, pass: s3cret-two, more: [1, {deep: 1}], extra: s3cret-two}"))),
    )
    line = made.file.read_text(encoding="utf-8").splitlines().index("    target: /login") - 2
    assert told == [
        (f"{made.file}:{line}", "nothing recorded answers POST /login; the nearest request differs"),
        ("body.user", 'recorded "bob", sent "alice"'),
        ("body.more[1].deep", "recorded true, sent 1"),
        ("body.extra", 'recorded nothing, sent "***"'),
    ]


def test_a_path_of_its_own_is_compared_with_the_most_similar_one(make):
    made = make()
    made.record(steps(get("first"), get("second")))
    told = missed(made, lambda: made.replay(steps(get("sekond"))))
    assert told[1:] == [("path", 'recorded "/get/second", sent "/get/sekond"')]


def test_many_differences_are_not_all_told(make):
    made = make(lambda request, times: reply(200, {"ticket": "t-1234567", "token": "k-1234567"}))
    made.record(steps(LOGIN.format(body=json.dumps({f"k{number}": 1 for number in range(30)}))))
    told = missed(made, lambda: made.replay(steps(LOGIN.format(body=json.dumps({f"k{number}": 2 for number in range(30)})))))
    assert len(told) == 12
    assert told[-1] == ("", "and 20 more differences")


def test_a_secret_where_none_was_recorded_is_not_told(make):
    made = make(lambda request, times: reply(200, {"ticket": "t-1234567", "token": "k-1234567"}))
    made.record(steps(LOGIN.format(body="{user: bob}")))
    text = made.file.read_text(encoding="utf-8")
    made.file.write_text(text.replace("user: bob", "user: bob\n      pass: in-clear"), encoding="utf-8")
    told = missed(made, lambda: made.replay(steps(LOGIN.format(body="{user: bob, pass: s3cret-two}"))))
    assert told[1:] == [("", "it differs in a value that may not be shown")]


@pytest.mark.parametrize(
    "flow",
    [
        "{id: x, task: acme.make, with: {name: gone}, continueOnError: true}",
        each("1234", 3, ", onError: continue"),
        "{id: x, parallel: [{id: y, task: acme.get, with: {name: gone}}, {id: z, task: acme.get, with: {name: a}}]}",
        "{id: x, task: acme.get, with: {name: gone}, until: '{{ true }}', retry: {maxAttempts: 9}}",
    ],
)
def test_a_miss_ends_the_run_at_once_whatever_it_goes_on_after(make, flow):
    made = make()
    made.record(steps(get("a"), get("after")))
    with pytest.raises(ReplayMiss):
        made.replay(steps(flow, get("after")) + "onFailure:\n  - " + get("undo") + "\n")
    assert any("/get/after" in each for each in made.played.unused)


def test_what_was_not_asked_for_is_told_with_its_place(make):
    made = make()
    made.record(steps(get("a"), get("b"), get("c")))
    made.replay(steps(get("b")))
    lines = made.file.read_text(encoding="utf-8").splitlines()
    place = lines.index("    target: /get/c") - 2
    assert made.played.unused == (
        f"{made.file}:{lines.index('    target: /get/a') - 2}: GET /get/a",
        f"{made.file}:{place}: GET /get/c",
    )
