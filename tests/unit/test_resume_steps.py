"""What a later process does with waits, approvals, polls, groups, sub-workflows, `onFailure` and time limits."""

import pytest

from httptask.errors import JournalError, Problem
from httptask.halting import Halt, HaltableClock
from httptask.memory_journal import MemoryJournal
from httptask.message import Headers, Response
from httptask.model import ForEach, Output, ResponseSpec, Until
from httptask.outcome import FailureKind
from httptask.recording import APPROVAL, RESULT
from httptask.secrets import Redactor, Secret
from httptask.using import EXCERPT
from model_server import LOST, Killed, Life, answering, applied_then, failing, reply, statuses, step, task, workflow

TAKES = {"type": "object", "properties": {"of": {}}}
NOT_APPLIED, APPLIED = failing(Killed()), applied_then(Killed())


class Mortal:
    """A clock that ends the process at its next wait."""

    def __init__(self, inner):
        self.now, self.monotonic, self.random = inner.now, inner.monotonic, inner.random

    def sleep(self, seconds):
        raise Killed


def killed_while_waiting(life, *plays):
    assert life.run(*plays, clock=Mortal(life.clock)) is None


WAIT = step("w", None, wait=60.0)


@pytest.mark.parametrize(("down", "left"), [(0, 60), (20, 40), (60, 0), (1000, 0), (-500, 60)])
def test_a_wait_goes_on_with_what_is_left_and_never_longer_than_it_was(down, left):
    life = Life(workflow(WAIT, step("a")))
    killed_while_waiting(life)
    life.clock._start += down
    before = life.clock.monotonic()
    assert life.run().status == "succeeded"
    assert life.clock.monotonic() - before == left


def test_a_wait_that_is_over_is_not_waited_again():
    life = Life(workflow(WAIT, step("a")))
    life.run(NOT_APPLIED)
    life.assume("a")
    life.run()
    assert life.clock.sleeps == (60.0,)


@pytest.mark.parametrize(("down", "left"), [(0, 7), (5, 2), (100, 0), (-100, 7)])
@pytest.mark.parametrize("kind", ["get", "make", "put"])
def test_the_wait_before_a_retry_goes_on_with_what_is_left(kind, down, left):
    life = Life(workflow(step("a", kind)))
    killed_while_waiting(life, answering(429, {"Retry-After": "7"}))
    life.clock._start += down
    before = life.clock.monotonic()
    assert life.run().status == "succeeded"
    assert left <= life.clock.monotonic() - before <= left + 2


def poll(kind="get", **changes):
    return step("a", kind, until=Until("{{ response.body.did > 2 }}", None, 5.0, changes.pop("limit", 60.0)), **changes)


def test_polling_goes_on_with_the_next_poll_after_what_is_left_of_the_wait():
    life = Life(workflow(poll("make")))
    killed_while_waiting(life)
    life.clock._start += 3
    assert life.run().status == "succeeded"
    assert (life.clock.sleeps, life.server.did["a"]) == ((2.0, 5.0), 3)


def test_a_poll_that_changes_something_and_was_lost_is_unknown():
    life = Life(workflow(poll("make")))
    life.run(None, APPLIED)
    assert (life.run().status, life.server.did["a"]) == ("unknown", 2)


def test_a_poll_whose_answer_was_not_judged_yet_counts_as_lost():
    class Mortally(MemoryJournal):
        def commit(self, *entries):
            if any(entry.kind == "wait" for entry in entries):
                raise Killed
            super().commit(*entries)

    life = Life(workflow(poll("make")))
    life.run(journal=Mortally)
    assert (life.run().status, life.server.did["a"]) == ("unknown", 1)


def test_polling_that_took_too_long_begins_anew_when_the_failed_run_is_resumed():
    life = Life(workflow(poll(limit=12.0)))

    def slow(apply):
        life.clock.advance(9)
        return apply()

    assert life.run(None, slow).failure.kind == FailureKind.POLL_TIMEOUT
    life.server.did["a"] = 3
    assert life.run().status == "succeeded"


def test_downtime_is_no_part_of_a_time_limit():
    life = Life(workflow(poll(limit=12.0), timeout=30))
    killed_while_waiting(life)
    life.clock.advance(10_000)
    life.server.did["a"] = 3
    assert life.run().status == "succeeded"


def test_running_time_of_all_processes_counts_into_a_time_limit():
    life = Life(workflow(poll(limit=12.0)))
    assert life.run(None, None, failing(Killed())) is None
    assert life.run().failure.kind == FailureKind.POLL_TIMEOUT
    assert len(life.server.requests) == 4


def test_a_workflow_whose_time_is_over_still_looks_at_what_was_lost():
    slow = step("a")
    life = Life(workflow(slow, step("b"), timeout=20, on_failure=(step("undo"),)))

    def lost_late(apply):
        life.clock.advance(25)
        life.recorder.note("a", "note", {})
        life.journal.commit()
        return APPLIED(apply)

    life.run(lost_late)
    result = life.run()
    assert (result.status, result.on_failure) == ("unknown", ())
    life.assume("a", outputs={})
    result = life.run()
    assert (result.failure.kind, statuses(result)) == (
        FailureKind.DEADLINE,
        {"a": "succeeded", "b": "failed", "undo": "succeeded"},
    )


APPROVE = step("ok", None, task=None, approve="go on with {{ steps.a.outputs.name }}?")


def test_a_run_waits_for_a_person_over_any_number_of_processes_and_goes_on_with_a_yes():
    life = Life(workflow(step("a"), APPROVE, step("b")))
    for _ in range(3):
        result = life.run()
        assert (result.status, result.steps[-1].message) == ("waiting", "go on with a?")
    life.say("ok", APPROVAL, approved=True)
    assert (life.run().status, life.server.sent()) == ("succeeded", ["/make/a", "/make/b"])


def test_a_no_fails_the_run_and_starts_the_undoing():
    life = Life(workflow(step("a"), APPROVE, step("b"), on_failure=(step("undo"),)))
    life.run()
    life.say("ok", APPROVAL, approved=False)
    result = life.run()
    assert (result.status, result.failure.kind, statuses(result)["undo"]) == ("failed", FailureKind.REJECTED, "succeeded")


UNDO = (step("u1"), step("u2", inputs={"name": "{{ steps.a.outputs.name }}{{ steps.b.status }}{{ steps.c.status }}"}))


def test_a_resume_in_the_middle_of_undoing_goes_on_there_and_nowhere_else():
    life = Life(workflow(step("a"), step("b"), step("c"), on_failure=UNDO))
    life.run(None, answering(400), None, NOT_APPLIED)
    assert life.run().status == "unknown"
    life.assume("onFailure/u2")
    result = life.run()
    assert (result.status, result.failure.kind) == ("failed", FailureKind.BAD_REQUEST)
    assert life.server.sent() == ["/make/a", "/make/b", "/make/u1", "/make/afailednotRun", "/make/afailednotRun"]
    assert [found.id for found in result.steps] == ["a", "b"]


def test_undoing_that_is_done_is_not_done_again():
    life = Life(workflow(step("a"), on_failure=(step("u1"),)))
    assert [life.run(answering(400)).status for _ in range(3)] == ["failed"] * 3
    assert life.server.sent() == ["/make/a", "/make/u1"]


def test_undoing_within_a_sub_workflow_goes_on_there():
    inner = workflow(step("a"), on_failure=(step("u1"), step("u2")))
    life = Life(workflow(step("w", None, workflow=inner), on_failure=(step("outer"),)))
    life.run(answering(400), None, NOT_APPLIED)
    assert life.run().status == "unknown"
    life.assume("w/onFailure/u2")
    assert life.run().status == "failed"
    assert life.server.sent() == ["/make/a", "/make/u1", "/make/u2", "/make/u2", "/make/outer"]


def test_a_group_that_was_skipped_stays_skipped():
    life = Life(workflow(step("g", None, condition="{{ false }}", parallel=(step("a"), step("b"))), step("c")))
    life.run(NOT_APPLIED)
    life.assume("c")
    assert (life.run().status, life.server.sent()) == ("succeeded", ["/make/c", "/make/c"])


def test_of_a_group_only_the_members_that_failed_are_run_again():
    life = Life(
        workflow(step("g", None, parallel=(step("a"), step("b"), step("c"))), outputs={"b": "{{ steps.b.outputs.name }}"})
    )
    assert life.run(None, answering(400)).status == "failed"
    assert (life.run().outputs, life.server.sent()) == ({"b": "b"}, ["/make/a", "/make/b", "/make/c", "/make/b"])


def test_a_sub_workflow_goes_on_where_it_was():
    inner = workflow(
        step("a"), step("b", inputs={"name": "{{ steps.a.outputs.name }}b"}), outputs={"n": "{{ steps.b.outputs.name }}"}
    )
    life = Life(workflow(step("w", None, workflow=inner), outputs={"n": "{{ steps.w.outputs.n }}"}))
    life.run(None, NOT_APPLIED)
    life.assume("w/b")
    assert (life.run().outputs, life.run().outputs) == ({"n": "ab"}, {"n": "ab"})
    assert life.server.sent() == ["/make/a", "/make/ab", "/make/ab"]


def test_the_items_of_a_sub_workflow_go_on_each_where_it_was():
    steps = step("a", "put", inputs={"name": "{{ inputs.of }}"}), step("b", inputs={"name": "{{ inputs.of }}b"})
    inner = workflow(*steps, inputs=TAKES)
    uses = step("w", None, workflow=inner, for_each=ForEach("{{ ['x', 'y'] }}"), inputs={"of": "{{ item }}"})
    life = Life(workflow(uses))
    life.run(None, None, None, NOT_APPLIED)
    life.assume("w[1]/b")
    assert (life.run().status, life.server.did) == ("succeeded", {"x": 1, "xb": 1, "y": 1, "yb": 1})


TOKEN = "s3cr3t-t0k3n-of-a-user"


def knowing():
    return Redactor([Secret(TOKEN)])


def test_a_value_that_may_not_be_shown_is_withheld_and_whoever_reads_it_is_told():
    read = step("b", inputs={"name": "{{ steps.a.response.body.key }}"})
    life = Life(workflow(step("a"), WAIT, read))
    life.more = {"shown": knowing}
    killed_while_waiting(life, lambda apply: reply(200, did=1, name="a", key=TOKEN))
    assert TOKEN not in repr(life.journal.kept)
    assert "***" not in repr(life.journal.kept)
    result = life.run()
    assert (result.status, result.failure.kind) == ("failed", FailureKind.WITHHELD)
    assert "steps.a.response" in result.failure.message
    assert life.server.sent() == ["/make/a"]


def test_a_text_that_names_a_secret_is_withheld():
    life = Life(workflow(step("a", "get"), outputs={"read": "{{ steps.a.response.body }}"}))
    text = Response(200, Headers.of({"Content-Type": "text/plain"}), b"access_token=" + TOKEN.encode())
    assert life.run(lambda apply: text).status == "succeeded"
    assert TOKEN not in repr(life.journal.kept)
    assert life.kept(RESULT)[0].data["response"]["withheld"] == [["body"]]


def test_of_an_answer_that_nothing_reads_an_excerpt_is_kept_for_people():
    life = Life(workflow(step("a"), step("b")))
    life.run(None, lambda apply: reply(200, said=TOKEN + " again", long="x" * 1000))
    first, second = (entry.data for entry in life.kept(RESULT))
    assert first["excerpt"] == '{"did":1,"name":"a"}'
    assert first["response"]["value"] == {"status": 200}
    assert len(second["excerpt"]) == EXCERPT + 1
    life = Life(workflow(step("a")))
    life.more = {"shown": knowing}
    life.run(lambda apply: reply(200, said=TOKEN))
    assert "excerpt" not in life.kept(RESULT)[0].data


def test_what_the_schema_of_an_answer_calls_secret_is_withheld():
    schema = {"type": "object", "properties": {"pin": {"type": "string", "format": "password"}}}
    made = task("acme.make", responses={"200": ResponseSpec("", schema)}, outputs={"pin": Output("{{ response.body.pin }}", {})})
    life = Life(workflow(step("a")))
    life.tasks = {"acme.make": made}
    assert life.run(lambda apply: reply(200, pin=TOKEN)).steps[0].outputs == {"pin": TOKEN}
    assert TOKEN not in repr(life.journal.kept)


def test_a_lost_request_stays_unknown_when_it_cannot_be_rendered_again():
    read = step("b", "put", inputs={"name": "{{ steps.a.response.body.key }}"})
    life = Life(workflow(step("a"), read, on_failure=(step("undo"),)))
    life.more = {"shown": knowing}
    life.run(lambda apply: reply(200, did=1, name="a", key=TOKEN), APPLIED)
    result = life.run()
    assert (result.status, result.failure.kind, result.on_failure) == ("unknown", FailureKind.WITHHELD, ())
    assert "may have been applied" in result.failure.hint


def test_a_lost_request_below_a_sub_workflow_stays_unknown_when_that_cannot_be_rendered_again():
    inner = workflow(step("b"), inputs=TAKES)
    read = step("w", None, workflow=inner, inputs={"of": "{{ steps.a.response.body.key }}"})
    life = Life(workflow(step("a"), read, on_failure=(step("undo"),)))
    life.more = {"shown": knowing}
    life.run(lambda apply: reply(200, did=1, name="a", key=TOKEN), APPLIED)
    assert statuses(life.run()) == {"a": "succeeded", "w": "unknown"}


FULL = JournalError(Problem("runs.db", "the disk is full"))


def broken(kind):
    """Return a journal that can write nothing any more from the first entry of a kind on."""

    class Broken(MemoryJournal):
        def append(self, *entries):
            if any(entry.kind == kind for entry in (*entries, *self.kept[-1:])) and self.kept:
                raise FULL
            super().append(*entries)

        def commit(self, *entries):
            if any(entry.kind == kind for entry in entries):
                raise FULL
            super().commit(*entries)

    return Broken


def test_nothing_is_sent_that_cannot_be_written_down():
    life = Life(workflow(step("a"), on_failure=(step("undo"),)))
    result = life.run(journal=broken("intent"))
    assert (result.status, result.failure.kind, life.server.requests) == ("failed", FailureKind.JOURNAL, [])


def test_a_step_that_could_not_be_written_down_is_not_gone_on_after():
    life = Life(workflow(step("a", continue_on_error=True)))
    assert life.run(journal=broken("intent")).status == "failed"


@pytest.mark.parametrize("kind", ["make", "get"])
def test_an_outcome_that_cannot_be_written_ends_the_run_unknown(kind):
    life = Life(workflow(step("a", kind), step("b"), on_failure=(step("undo"),)))
    result = life.run(journal=broken("result"))
    assert (result.status, result.failure.kind, len(life.server.requests)) == ("unknown", FailureKind.JOURNAL, 1)
    assert result.steps[0].status == "succeeded", "what happened is told"


def test_a_retry_that_cannot_be_written_down_leaves_the_lost_request_unknown():
    class Second(MemoryJournal):
        def commit(self, *entries):
            if any(entry.path == "a/attempt:2" and entry.kind == "intent" for entry in entries):
                raise FULL
            super().commit(*entries)

    life = Life(workflow(step("a", "put"), on_failure=(step("undo"),)))
    result = life.run(answering(500), journal=Second)
    assert (result.status, result.on_failure, len(life.server.requests)) == ("unknown", (), 1)


def test_an_interrupt_while_a_lost_request_is_settled_leaves_it_unknown():
    life = Life(workflow(step("a", "checked")))
    life.run(NOT_APPLIED)
    halt = Halt()
    life.more = {"halt": halt}

    def asked(apply):
        halt.ask()
        return apply()

    assert life.run(asked, clock=HaltableClock(life.clock, halt)).status == "unknown"
    life.more = {}
    assert (life.run().status, life.server.did["a"]) == ("succeeded", 1)


def test_an_interrupt_before_a_request_cancels_the_run_which_can_be_resumed():
    life = Life(workflow(step("a"), step("b")))
    halt = Halt()
    life.more = {"halt": halt}

    def asked(apply):
        halt.ask()
        return apply()

    assert life.run(asked).status == "cancelled"
    life.more = {}
    assert (life.run().status, life.server.sent()) == ("succeeded", ["/make/a", "/make/b"])


def test_outputs_that_only_a_lost_answer_could_tell_are_missed_by_whoever_reads_them_and_nobody_else():
    made = step("a", "checked", outputs={"seen": "{{ response.status }}", "fixed": "yes"})
    life = Life(workflow(made, step("b", inputs={"name": "{{ steps.a.outputs.fixed }}{{ steps.a.outputs.did }}"}), step("c")))
    result = life.run(applied_then(LOST))
    assert (result.status, result.steps[0].outputs["seen"]) == ("succeeded", None)
    reading = Life(workflow(made, step("b", inputs={"name": "{{ steps.a.outputs.seen }}"})))
    result = reading.run(applied_then(LOST))
    assert result.status == "failed"
    assert "the answer that would tell this was lost" in result.failure.message


def test_the_timeout_of_a_group_bounds_each_of_its_members():
    group = step("both", None, parallel=(step("slow", None, wait=30.0), step("a", "get")), timeout=10.0)
    life = Life(workflow(group, step("after", "get"), timeout=60.0))
    result = life.run()
    assert (result.status, life.server.sent(), life.clock.sleeps) == ("failed", ["/get/a"], ())
    said = "step 'slow' waits 30 s, which is longer than the timeout of step 'both' leaves"
    assert said in result.failure.message


def test_a_group_that_has_more_time_than_the_workflow_has_that_of_the_workflow():
    group = step("both", None, parallel=(step("slow", None, wait=30.0),), timeout=40.0)
    assert "the timeout of workflow 'w' leaves" in Life(workflow(group, timeout=20.0)).run().failure.message
