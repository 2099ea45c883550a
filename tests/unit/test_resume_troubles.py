"""Ways in which a run could once be made to send twice, undo too early or give a secret away. Each process is a `life.run`."""

import pytest

from httptask.errors import InputInvalid, JournalError, Problem, WithheldValue
from httptask.expressions import compile_text
from httptask.memory_journal import MemoryJournal
from httptask.model import ForEach, Place, Workflow
from httptask.outcome import FailureKind
from httptask.recording import APPROVAL, ASSUMED, RESULT
from httptask.resuming import Words
from httptask.secret_inputs import resolved
from httptask.secrets import Redactor, Secret
from httptask.withholding import kept, restored
from model_server import Killed, Life, answering, applied_then, failing, reply, statuses, step, workflow

TOKEN = "s3cr3t-t0k3n-of-a-user"
GATE = step("gate", None, approve="sure?")
HANDLED = step("group", None, parallel=(step("p1"), step("p2", "get")), continue_on_error=True)
REFUSED = answering(400)


def knowing():
    return Redactor([Secret(TOKEN)])


def words(life):
    return Words(life.flow, life.journal, life.clock, Redactor())


def test_a_member_of_a_group_whose_failure_was_handled_is_not_sent_again():
    life = Life(workflow(HANDLED, step("after"), GATE))
    assert life.run(REFUSED).status == "waiting"
    sent = list(life.server.sent())
    life.say("gate", APPROVAL, approved=True)
    result = life.run()
    assert (result.status, statuses(result)["p1"]) == ("succeeded", "failed")
    assert life.server.sent() == sent


@pytest.mark.parametrize("end", [REFUSED, failing(KeyboardInterrupt())])
def test_a_run_in_which_something_else_is_open_is_unknown_and_undoes_nothing(end):
    items = ForEach("{{ ['n0', 'n1'] }}", on_error="continue")
    many = step("many", inputs={"name": "{{ item }}"}, for_each=items)
    life = Life(workflow(many, on_failure=(step("undo"),)))
    life.run(REFUSED, applied_then(Killed()))
    stopping = step("many", inputs={"name": "{{ item }}"}, for_each=ForEach("{{ ['n0', 'n1'] }}"))
    result = life.run(end, flow=workflow(stopping, on_failure=(step("undo"),)))
    assert (result.status, result.on_failure) == ("unknown", ())
    assert "many[1]" in result.open_uses
    assert "may have been" in result.failure.message + result.failure.hint
    assert "/make/undo" not in life.server.sent()


def test_what_a_person_says_is_written_at_once_or_not_at_all():
    life = Life(workflow(step("a"), step("b")))
    life.run(applied_then(Killed()))
    said = words(life)
    said.assume_done("a", None)
    assert life.kept(ASSUMED) == []
    with pytest.raises(JournalError):
        said.assume_not_done("b")
    said.write()
    assert [entry.path for entry in life.kept(ASSUMED)] == ["a"]
    assert life.kept(RESULT)[-1].data["status"] == "succeeded"


def test_a_word_of_done_whose_result_is_missing_lets_nothing_be_sent_again():
    life = Life(workflow(step("a")))
    life.run(applied_then(Killed()))
    life.say("a", ASSUMED, done=True, attempts=1)
    assert life.run().status == "unknown"
    assert life.server.did == {"a": 1}


def test_an_assumed_success_may_be_corrected():
    life = Life(workflow(step("a"), step("b")))
    life.run(applied_then(Killed()))
    for did in (1, 2):
        said = words(life)
        said.assume_done("a", {"did": did})
        said.write()
    assert life.run().steps[0].outputs == {"did": 2}


def test_a_value_that_has_to_be_given_again_undoes_nothing():
    reading = step("b", inputs={"name": "{{ steps.a.outputs.key }}"})
    flow = workflow(step("a", outputs={"key": "{{ response.body.key }}"}), GATE, reading, on_failure=(step("undo"),))
    life = Life(flow)
    life.more = {"shown": knowing}
    life.run(lambda apply: reply(200, did=1, name="a", key=TOKEN))
    life.say("gate", APPROVAL, approved=True)
    result = life.run()
    assert (result.status, result.failure.kind, result.on_failure) == ("failed", FailureKind.WITHHELD, ())
    life.more["given"] = {"steps.a.outputs.key": "again"}
    assert life.run().status == "succeeded"
    assert life.server.sent()[-1] == "/make/again"


def test_a_value_given_again_is_that_of_one_path_alone():
    inner = workflow(
        step("a", outputs={"key": "{{ response.body.key }}"}), GATE, step("b", inputs={"name": "{{ steps.a.outputs.key }}"})
    )
    life = Life(workflow(step("w", None, workflow=inner), step("a")))
    life.more = {"shown": knowing}
    life.run(lambda apply: reply(200, did=1, name="a", key=TOKEN))
    life.say("w/gate", APPROVAL, approved=True)
    life.more["given"] = {"steps.a.outputs.key": "wrong"}
    assert life.run().failure.kind == FailureKind.WITHHELD
    life.more["given"] = {"steps.w/a.outputs.key": "right"}
    assert life.run().status == "succeeded"
    assert "/make/right" in life.server.sent()


@pytest.mark.parametrize("more", ["", ", default='zz'"])
def test_no_default_stands_in_for_what_was_withheld(more):
    expression = f"{{{{ v | map(attribute='a'{more}) | list }}}}"
    value = restored(kept([{"a": TOKEN}, {"a": "x"}], knowing()), "v")
    with pytest.raises(WithheldValue):
        compile_text(expression).evaluate({"v": value})


def test_a_mapping_with_a_secret_for_a_key_is_withheld_whole():
    data = kept({"m": {f"k-{TOKEN}": 1, "b": 2}}, knowing())
    assert data == {"value": {"m": None}, "withheld": [["m"]]}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"foo": {"format": "password"}}},
        {"additionalProperties": {"format": "password"}},
        {"allOf": [{"properties": {"foo": {"format": "password"}}}]},
        {"patternProperties": {"^fo": {"writeOnly": True}}},
    ],
)
def test_an_input_that_is_secret_by_any_part_of_the_schema_is_a_reference(schema):
    flow = Workflow("w", "", {"type": "object", **schema}, None, (), {}, Place("w.yaml"))
    values, references = resolved(flow, {"foo": "env:S"}, lambda text, where: Secret(f"read {text}"))
    assert (values, references) == ({"foo": "read env:S"}, {"foo": "env:S"})
    with pytest.raises(InputInvalid):
        resolved(flow, {"foo": ["clear"]}, lambda text, where: Secret(text))


class Unreadable(MemoryJournal):
    """A journal that can be read no more once something was sent."""

    def below(self, path, kind):
        if kind == "intent" and path == "":
            raise JournalError(Problem("runs.db", "it is damaged"))
        return MemoryJournal.below(self, path, kind)


def test_a_journal_that_cannot_say_what_is_open_makes_a_failed_run_unknown():
    life = Life(workflow(step("a"), on_failure=(step("undo"),)), journal=Unreadable)
    life.run(REFUSED)
    life = Life(workflow(step("a"), GATE, step("b"), on_failure=(step("undo"),)), journal=Unreadable)
    life.run()
    life.say("gate", APPROVAL, approved=True)
    result = life.run(REFUSED)
    assert (result.status, result.on_failure) == ("unknown", ())
