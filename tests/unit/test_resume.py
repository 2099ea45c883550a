"""What a later process does with what an earlier one wrote down. Each `life.run` is a process; `Killed` ends one."""

import pytest

from builders import connection, provider
from httptask.clock import FakeClock
from httptask.errors import CredentialError
from httptask.memory_journal import MemoryJournal
from httptask.model import ForEach, IdempotencyKey, Until
from httptask.outcome import FailureKind
from model_server import (
    LOST,
    VALID_FOR,
    Killed,
    Life,
    answering,
    applied_then,
    failing,
    statuses,
    step,
    task,
    workflow,
)

NOT_APPLIED, APPLIED = failing(Killed()), applied_then(Killed())


def each(count, **changes):
    items = "{{ [" + ", ".join(f"'i{number}'" for number in range(count)) + "] }}"
    return {"for_each": ForEach(items, **changes), "inputs": {"name": "{{ item }}"}}


@pytest.mark.parametrize("kind", ["get", "make", "checked", "keyed", "put", "delete"])
def test_what_succeeded_is_not_sent_again_and_keeps_its_outputs(kind):
    life = Life(
        workflow(
            step("a", kind), step("b", inputs={"name": "x{{ steps.a.outputs.did }}"}), outputs={"of": "{{ steps.a.outputs }}"}
        )
    )
    first = life.run()
    second = life.run()
    assert (second.status, second.outputs) == (first.status, first.outputs)
    assert len(life.server.requests) == 2
    assert [found.reused for found in second.steps] == [True, True]


def test_the_response_of_a_reused_step_can_be_read_as_before():
    response = "steps.a.response"
    read = {
        "name": f"n{{{{ {response}.status }}}}{{{{ {response}.headers['content-type'] | length }}}}{{{{ {response}.body.did }}}}"
    }
    life = Life(workflow(step("a"), step("b", inputs=read)))
    life.run(None, NOT_APPLIED)
    life.assume("b")
    assert life.run().status == "succeeded"
    assert life.server.sent() == ["/make/a", "/make/n200161", "/make/n200161"]


def test_a_skipped_step_stays_skipped_whatever_its_condition_would_yield_now():
    life = Life(workflow(step("a", condition="{{ false }}"), step("b")))
    life.run(NOT_APPLIED)
    life.assume("b")
    changed = workflow(step("a", condition="{{ true }}"), step("b"))
    assert statuses(life.run(flow=changed)) == {"a": "skipped", "b": "succeeded"}


def test_a_condition_that_held_is_not_asked_again():
    life = Life(workflow(step("a", "get", condition="{{ true }}")))
    life.run(NOT_APPLIED)
    assert statuses(life.run(flow=workflow(step("a", "get", condition="{{ false }}")))) == {"a": "succeeded"}


def test_a_handled_failure_is_reused_and_not_tried_again():
    life = Life(workflow(step("a", continue_on_error=True), step("b", "get")))
    life.run(answering(400), failing(Killed()))
    second = life.run()
    assert (second.status, statuses(second)) == ("succeeded", {"a": "failed", "b": "succeeded"})
    assert life.server.sent("POST") == ["/make/a"]


def test_a_failed_step_is_run_again():
    life = Life(workflow(step("a"), step("b")))
    assert life.run(None, answering(400)).status == "failed"
    assert life.run().status == "succeeded"
    assert life.server.sent() == ["/make/a", "/make/b", "/make/b"]


def test_of_a_repeated_step_only_the_items_that_failed_are_run_again():
    life = Life(workflow(step("a", **each(4, on_error="continue"))))
    assert life.run(None, answering(400), None, answering(404)).status == "failed"
    second = life.run()
    assert (second.status, [item.reused for item in second.steps[0].items]) == ("succeeded", [True, False, True, False])
    assert second.steps[0].outputs == [{"did": 1, "name": f"i{number}"} for number in range(4)]


def test_the_items_of_a_list_stay_those_of_the_first_execution():
    life = Life(workflow(step("a", "put", **each(3))))
    life.run(None, NOT_APPLIED)
    result = life.run(flow=workflow(step("a", "put", **each(9))))
    assert len(result.steps[0].items) == 3


def test_a_repeated_step_that_succeeded_is_reused_with_its_list_of_outputs():
    flow = workflow(
        step("a", **each(2)), step("b", "get"), outputs={"names": "{{ steps.a.outputs | map(attribute='name') | list }}"}
    )
    life = Life(flow)
    life.run(None, None, failing(Killed()))
    assert life.run().outputs == {"names": ["i0", "i1"]}
    assert life.server.sent("POST") == ["/make/i0", "/make/i1"]


LOST_BY_KIND = {
    # kind, applied before the end: status of the next process, times done
    ("get", False): ("succeeded", 0),
    ("put", True): ("succeeded", 1),
    ("put", False): ("succeeded", 1),
    ("delete", True): ("succeeded", 1),
    ("keyed", True): ("succeeded", 1),
    ("keyed", False): ("succeeded", 1),
    ("checked", True): ("succeeded", 1),
    ("checked", False): ("succeeded", 1),
    ("make", True): ("unknown", 1),
    ("make", False): ("unknown", 0),
}
PLACES = {
    "alone": lambda kind: step("a", kind),
    "item": lambda kind: step("a", kind, **{**each(1), "inputs": {"name": "a"}}),
    "side by side": lambda kind: step("a", kind, **{**each(1, max_parallel=3), "inputs": {"name": "a"}}),
    "sub-workflow": lambda kind: step("w", None, workflow=workflow(step("a", kind))),
    "sub-workflow of an item": lambda kind: step("w", None, workflow=workflow(step("a", kind)), for_each=ForEach("{{ [1] }}")),
    "group": lambda kind: step("g", None, parallel=(step("a", kind),)),
    "until": lambda kind: step("a", kind, until=Until("{{ true }}", None, 5.0, 60.0)),
}


@pytest.mark.parametrize(("kind", "was_applied"), LOST_BY_KIND)
@pytest.mark.parametrize("place", PLACES)
def test_a_request_whose_end_nobody_saw_is_sent_again_only_where_that_is_safe(place, kind, was_applied):
    life = Life(workflow(PLACES[place](kind)))
    assert life.run(APPLIED if was_applied else NOT_APPLIED) is None
    result = life.run()
    assert (result.status, life.server.did["a"]) == LOST_BY_KIND[kind, was_applied]


def test_a_lost_request_that_is_unknown_says_where_to_look_and_starts_no_undoing():
    life = Life(workflow(step("a"), on_failure=(step("undo"),)))
    life.run(APPLIED)
    for _ in range(2):
        result = life.run()
        assert (result.status, result.on_failure, result.failure.kind) == ("unknown", (), FailureKind.INTERRUPTED)
        assert "may have been applied" in result.failure.hint


@pytest.mark.parametrize("was_applied", [True, False])
def test_after_a_persons_word_the_run_goes_on(was_applied):
    life = Life(workflow(step("a"), step("b")))
    life.run(APPLIED if was_applied else NOT_APPLIED)
    life.run()
    life.assume("a", outputs={"did": 1, "name": "a"} if was_applied else None)
    assert (life.run().status, dict(life.server.did)) == ("succeeded", {"a": 1, "b": 1})


def test_a_persons_word_holds_only_for_the_attempts_it_was_said_of():
    life = Life(workflow(step("a")))
    life.run(NOT_APPLIED)
    life.assume("a")
    life.run(APPLIED)
    assert (life.run().status, life.server.did["a"]) == ("unknown", 1)


def test_the_verify_task_must_find_it_not_applied_twice_one_read_timeout_apart():
    life = Life(workflow(step("a", "checked")))
    life.run(NOT_APPLIED)
    began = life.clock.now()
    assert life.run().status == "succeeded"
    assert life.server.sent() == ["/checked/a", "/get/a", "/get/a", "/checked/a"]
    assert life.clock.now() - began >= 10


def test_a_lost_request_that_lands_while_the_run_settles_is_found():
    life = Life(workflow(step("a", "checked")))
    life.run(NOT_APPLIED)

    def landing(apply):
        answer = apply()
        life.server.did["a"] += 1
        return answer

    assert (life.run(landing).status, life.server.did["a"]) == ("succeeded", 1)
    assert life.server.sent("POST") == ["/checked/a"]


def test_a_verify_task_that_gives_no_answer_leaves_it_unknown():
    life = Life(workflow(step("a", "checked")))
    life.run(APPLIED)
    assert (life.run(answering(404)).status, life.server.did["a"]) == ("unknown", 1)
    assert (life.run().status, life.server.did["a"]) == ("succeeded", 1)


def test_the_answer_from_before_the_first_attempt_is_kept_for_the_next_process():
    life = Life(workflow(step("a", "since", verify_before=True)))
    life.server.did["a"] = 3
    life.run(None, APPLIED)
    assert (life.run().status, life.server.did["a"]) == ("succeeded", 4)
    assert life.server.sent() == ["/get/a", "/since/a", "/get/a"]


def test_without_the_answer_from_before_it_stays_unknown():
    life = Life(workflow(step("a", "since")))
    life.run(APPLIED)
    assert life.run().status == "unknown"


def test_a_step_that_failed_takes_a_fresh_answer_from_before():
    life = Life(workflow(step("a", "since", verify_before=True)))
    life.run(None, answering(400))
    life.server.did["a"] += 1  # somebody did it by hand since
    life.run(None, NOT_APPLIED)
    assert (life.run().status, life.server.did["a"]) == ("succeeded", 2)
    assert life.server.sent()[2:] == ["/get/a", "/since/a", "/get/a", "/get/a", "/since/a"]


def test_an_expired_key_is_no_reason_to_send_again():
    life = Life(workflow(step("a", "keyed")))
    life.run(APPLIED)
    life.clock.advance(VALID_FOR + 1)
    assert (life.run().status, life.server.did["a"]) == ("unknown", 1)


def test_a_key_of_a_clock_that_was_set_back_is_not_trusted():
    life = Life(workflow(step("a", "keyed")))
    life.run(APPLIED)
    life.clock._start -= 120
    assert life.run().status == "unknown"


class DyingAsleep(FakeClock):
    def sleep(self, seconds):
        raise Killed


@pytest.mark.parametrize("changes", [{"idempotent": True}, {"retry": {"statuses": [503]}}], ids=["idempotent", "by its status"])
def test_a_repetition_that_was_decided_is_made_by_a_later_process_after_what_is_left_of_the_wait(changes):
    life = Life(workflow(step("a", **changes)))
    life.run(answering(503), clock=DyingAsleep())
    wait = life.kept("conclusion")[0].data["decision"]["waitMs"] / 1000
    result = life.run()
    assert (result.status, len(life.server.requests), life.clock.sleeps) == ("succeeded", 2, (wait,))
    assert [attempt.number for attempt in result.steps[0].outcome.attempts] == [2]


def test_a_poll_that_was_settled_is_not_looked_at_again_though_an_attempt_of_it_left_open_what_it_did():
    until = Until("{{ response.body.did == 2 }}", None, 5.0, 60.0)
    life = Life(workflow(step("a", retry={"statuses": [503]}, until=until)))
    life.run(answering(503), clock=DyingAsleep())  # before the repetition
    life.run(clock=DyingAsleep(life.clock.now() + 1))  # before the second poll
    assert (life.run().status, life.server.sent()) == ("succeeded", ["/make/a"] * 3)


def test_what_may_have_been_applied_before_the_repetition_stays_open_after_a_refusal():
    life = Life(workflow(step("a", idempotent=True)))
    life.run(answering(503), clock=DyingAsleep())
    assert life.run(answering(400)).status == "unknown"


@pytest.mark.parametrize(("wait", "end"), [(5, ("succeeded", 1)), (20, ("unknown", 1))])
def test_no_retry_outlives_the_key_of_a_lost_request(wait, end):
    life = Life(workflow(step("a", "keyed")))
    key = IdempotencyKey("Idempotency-Key", valid_for=10)
    life.tasks = {"keyed.keyed": task("keyed.keyed", provider=provider(idempotency_key=key))}

    def later(apply):
        if wait > key.valid_for:
            life.server.keys.clear()
        return apply()

    result = life.run(applied_then(LOST), answering(503, {"Retry-After": str(wait)}), later)
    assert (result.status, life.server.did["a"]) == end


def test_the_same_key_is_sent_again():
    life = Life(workflow(step("a", "keyed")))
    life.run(APPLIED)
    life.run()
    assert len({request.headers.get("Idempotency-Key") for request in life.server.requests}) == 1


@pytest.mark.parametrize("kind", ["put", "keyed", "checked", "make"])
def test_another_rendering_of_a_lost_request_stops_the_run(kind):
    life = Life(workflow(step("a", kind, inputs={"name": "a", "of": "x"}), on_failure=(step("undo"),)))
    life.run(APPLIED)
    result = life.run(flow=workflow(step("a", kind, inputs={"name": "a", "of": "y"}), on_failure=(step("undo"),)))
    assert (result.status, result.failure.kind, result.on_failure) == ("unknown", FailureKind.REQUEST_CHANGED, ())
    assert len(life.server.requests) == 1


def test_another_rendering_of_a_request_that_was_refused_is_sent():
    life = Life(workflow(step("a", inputs={"name": "a", "of": "x"})))
    life.run(answering(400))
    assert life.run(flow=workflow(step("a", inputs={"name": "a", "of": "y"}))).status == "succeeded"


def test_a_post_whose_answer_does_not_fit_the_outputs_is_never_sent_again():
    life = Life(workflow(step("a", outputs={"x": "{{ response.body.missing }}"})))
    for _ in range(2):
        result = life.run()
        assert (result.status, result.failure.kind, life.server.did["a"]) == ("failed", FailureKind.EXPRESSION, 1)


def test_a_get_whose_answer_does_not_fit_the_outputs_is_asked_again():
    life = Life(workflow(step("a", "get", outputs={"x": "{{ response.body.missing }}"})))
    life.run()
    life.run()
    assert life.server.sent() == ["/get/a", "/get/a"]


@pytest.mark.parametrize("kind", ["make", "checked", "keyed"])
def test_a_success_whose_result_was_not_written_counts_as_lost(kind):
    """The journal keeps nothing of how an attempt ended before the result of its step is written."""

    class Eager(MemoryJournal):
        """A journal whose writer is quick: what is appended is durable at once. It ends the process at the result."""

        def append(self, *entries):
            self.commit(*entries)

        def commit(self, *entries):
            if any(entry.kind == "result" for entry in entries):
                raise Killed
            super().commit(*entries)

    life = Life(workflow(step("a", kind)))
    assert life.run(journal=Eager) is None
    result = life.run()
    assert (result.status, life.server.did["a"]) == ("unknown" if kind == "make" else "succeeded", 1)


class NoCredential:
    """A scheme whose credential cannot be got."""

    scheme, headers, secrets, endpoints, refreshable = "apiToken", frozenset(), (), (), False

    def apply(self, request, means):
        raise CredentialError("there is none")


def test_an_attempt_that_was_never_sent_does_not_conclude_a_later_one():
    life = Life(workflow(step("a")))
    assert life.run(connection=connection(auth=NoCredential())).failure.kind == FailureKind.CREDENTIAL
    life.run(APPLIED)
    assert (life.run().status, life.server.did["a"]) == ("unknown", 1)


def test_a_lost_request_stays_unknown_when_its_retry_cannot_be_sent():
    life = Life(workflow(step("a", "put"), on_failure=(step("undo"),)))
    life.run(APPLIED)
    assert life.run(connection=connection(auth=NoCredential())).status == "unknown"


def test_attempts_are_numbered_over_all_processes():
    life = Life(workflow(step("a", "put")))
    life.run(answering(500), NOT_APPLIED)
    life.run()
    assert [entry.data["number"] for entry in life.kept("intent")] == [1, 2, 3]


def test_a_lost_attempt_may_be_followed_by_one_even_where_the_rules_allow_no_retry():
    life = Life(workflow(step("a", "put", retry={"maxAttempts": 1})))
    life.run(NOT_APPLIED)
    assert life.run().status == "succeeded"


def test_a_delete_that_finds_nothing_after_a_lost_one_has_done_its_work():
    life = Life(workflow(step("a", "delete")))
    life.run(APPLIED)
    assert life.run(answering(404)).status == "succeeded"


def test_every_intention_is_durable_before_its_request_leaves():
    life = Life(workflow(step("a"), step("b", "get"), step("c", **each(2))))

    def looking(apply):
        seen.append((len(life.kept("intent")), len(life.journal.waiting)))
        return apply()

    seen = []
    life.run(looking, looking, looking, looking)
    assert seen == [(1, 0), (2, 0), (3, 0), (4, 0)]


def test_an_attempt_takes_two_commits():
    class Counting(MemoryJournal):
        def commit(self, *entries):
            commits.append([entry.kind for entry in entries])
            super().commit(*entries)

    commits = []
    life = Life(workflow(step("a")))
    life.run(journal=Counting)
    assert commits == [["intent"], ["conclusion", "result"]]


def test_the_intention_of_an_attempt_names_its_idempotency_key():
    life = Life(workflow(step("a", "keyed"), step("b")))
    life.run()
    keys = {entry.path.partition("/")[0]: entry.data.get("key") for entry in life.kept("intent")}
    assert keys["a"] == next(iter(life.server.keys))
    assert keys["b"] is None
