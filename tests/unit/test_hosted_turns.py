"""Turns of one unit: polls, bounds, what a lost worker's successor knows, what is handed on and what is shown."""

import json

import pytest

from hosting import TOKEN, Killed, MemoryEngine
from httptask.hosted.marks import Mark, MarkInvalid
from httptask.hosted.one_task import OneTask
from httptask.hosted.turns import OUTCOME_UNKNOWN, Again, Ended, Turn, take
from httptask.hosted.units import Unit, UnknownStep
from httptask.loader import Library, load_workflow
from httptask.secrets import Secret

REGISTRY = Library().registry()
LIST, CREATE = "GET /api/v1/agentPools", "okta.create_agent_pools_update"


def alone(task, inputs=None, **more):
    return OneTask.used(REGISTRY[task], inputs or {}, more).unit(REGISTRY)


def pool_of(engine):
    return engine.run(alone("okta.list_agent_pools", {"poolType": "AD"})).outputs["pools"][0]


def creating(engine, **more):
    pool = pool_of(engine)
    body = {"name": "n", "agentType": "AD", "agents": pool["agents"], "notifyAdmin": False}
    return alone(CREATE, {"poolId": pool["id"], "body": body}, **more)


def test_a_poll_is_a_turn_that_uses_up_no_attempt():
    engine = MemoryEngine()
    until = "{{ response.headers['x-rate-limit-remaining'] | int < 7 }}"
    ended = engine.run(alone("okta.list_agent_pools", until=until, every=3, retry={"maxAttempts": 1}))
    assert (ended.status, engine.waits) == ("succeeded", [3.0, 3.0, 3.0])
    assert {turn.why for turn in engine.turns[:-1]} == {"poll"}
    assert [turn.mark.failures for turn in engine.turns[:-1]] == [0, 0, 0]


def test_polling_ends_when_its_time_is_over_over_all_turns():
    engine = MemoryEngine()
    ended = engine.run(alone("okta.list_agent_pools", until="{{ response.status == 404 }}", every=4, timeout="9s"))
    assert (ended.status, ended.failure.kind.value, engine.waits) == ("failed", "pollTimeout", [4.0, 4.0])


def test_a_failed_poll_is_retried_and_the_next_good_one_forgets_it():
    engine = MemoryEngine(faults=[(LIST, "503, ok, 503, 503, ok")])
    until = "{{ response.headers['x-rate-limit-remaining'] | int < 8 }}"
    ended = engine.run(alone("okta.list_agent_pools", until=until, every=2, retry={"maxAttempts": 3, "backoffBase": 1}))
    assert ended.status == "succeeded"
    assert [turn.why for turn in engine.turns[:-1]] == ["retry", "poll", "retry", "retry", "poll"]
    assert [turn.mark.failures for turn in engine.turns[:-1]] == [1, 0, 1, 2, 0]


def test_the_backoff_grows_from_turn_to_turn():
    engine = MemoryEngine(faults=[(LIST, "503x3")])
    engine.run(alone("okta.list_agent_pools", retry={"backoffBase": 2, "maxAttempts": 4}))
    assert engine.waits == [1.0, 2.0, 4.0]


def test_attempts_are_bounded_in_time_over_all_turns():
    engine = MemoryEngine(faults=[(LIST, "429(Retry-After=40)x9")])
    ended = engine.run(alone("okta.list_agent_pools", retry={"maxElapsed": 100, "maxAttempts": 9}))
    assert (ended.status, engine.waits) == ("failed", [40.0, 40.0])
    assert "server asks for 40 s, 20 s left" in json.dumps(ended.outcome)


def test_an_engine_may_allow_fewer_attempts_than_the_policy():
    engine = MemoryEngine(faults=[(LIST, "503x9")], most=2)
    assert engine.run(alone("okta.list_agent_pools")).status == "failed"
    assert len(engine.waits) == 1


def test_a_last_turn_is_an_end_that_tells_what_is_known():
    engine = MemoryEngine(faults=[(LIST, "503")])
    ended = take(alone("okta.list_agent_pools"), Turn("run", last=True), engine.host)
    assert isinstance(ended, Ended)
    assert ended.failure.retryable


def test_a_repeatable_request_of_a_lost_worker_is_sent_again_and_judged_with_it():
    engine = MemoryEngine(faults=[("DELETE /api/v1/agentPools/*/updates/*", "404")])
    unit = alone("okta.delete_agent_pools_update", {"poolId": pool_of(engine)["id"], "updateId": "gone"})
    ended = take(unit, Turn("run", lost=True), engine.host)
    assert (ended.status, ended.outcome["warnings"][0]["code"]) == ("succeeded", "settledByAbsence")


def test_an_unknown_end_has_a_name_of_its_own_in_every_engine():
    engine = MemoryEngine()
    ended = take(creating(engine), Turn("run", lost=True), engine.host)
    assert (ended.error, ended.goes_on) == (OUTCOME_UNKNOWN, False)
    assert "may have been applied" in ended.message


def test_what_was_found_before_the_first_attempt_outlives_the_worker():
    engine = MemoryEngine(kills=["after"])
    engine.retry["readTimeout"] = 1
    ended = engine.run(creating(engine, verify_before=True))
    assert (ended.status, ended.outcome["warnings"][0]["code"]) == ("succeeded", "verified")
    assert ended.outputs["updateId"]
    assert engine.applied("POST /api/v1/agentPools/{poolId}/updates") == 1


def test_without_a_store_for_it_the_outcome_stays_unknown():
    engine = MemoryEngine(kills=["after"], keeps=False)
    assert engine.run(creating(engine, verify_before=True)).status == "unknown"


def test_a_worker_lost_twice_does_not_make_the_second_loss_a_success():
    engine = MemoryEngine(kills=["after", "after"])
    assert engine.run(creating(engine)).status == "unknown"
    assert engine.applied("POST /api/v1/agentPools/{poolId}/updates") == 1


def test_a_workers_loss_after_an_orderly_retry_is_noticed():
    engine = MemoryEngine(kills=["", "after"])
    unit = creating(engine)
    engine.play([("POST /api/v1/agentPools/*/updates", "429(Retry-After=1)")])
    ended = engine.run(unit)
    assert [turn if isinstance(turn, str) else type(turn).__name__ for turn in engine.turns[1:]] == ["Again", "lost", "Ended"]
    assert ended.status == "unknown"


UPDATES = "POST /api/v1/agentPools/*/updates"


def repeated(script, **use):
    """Create an update under a script of faults; return its end, the requests that were sent and the waits of the engine."""
    engine = MemoryEngine()
    unit = creating(engine, **use)
    engine.wire.sent.clear()
    engine.play([(UPDATES, script)])
    return engine.run(unit), len(engine.wire.sent), engine.waits


@pytest.mark.parametrize(
    "use",
    [{"idempotent": True}, {"retry": {"statuses": [503]}}, {"retry": {"condition": "{{ response.status == 503 }}"}}],
    ids=["idempotent", "by its status", "by a condition"],
)
def test_what_may_be_sent_again_though_it_may_have_been_applied_is_sent_as_often_as_the_policy_says(use):
    retry = {"maxAttempts": 3, "backoffBase": 2, **use.get("retry", {})}
    ended, sent, waits = repeated("503x9", **{**use, "retry": retry})
    assert (ended.status, sent, waits) == ("unknown", 3, [1.0, 2.0])
    ended, sent, _ = repeated("503, ok", **{**use, "retry": retry})
    assert (ended.status, sent) == ("succeeded", 2)
    assert [(attempt["number"], attempt["status"]) for attempt in ended.outcome["attempts"]] == [(2, 200)]


def test_a_refusal_after_an_attempt_that_may_have_been_applied_leaves_open_whether_it_was():
    ended, sent, _ = repeated("503, 400", idempotent=True)
    assert (ended.status, sent) == ("unknown", 2)


def test_a_mark_survives_json_and_nothing_else_is_taken_for_one():
    engine = MemoryEngine(faults=[(LIST, "503")])
    again = take(alone("okta.list_agent_pools"), Turn("run"), engine.host)
    assert isinstance(again, Again)
    assert Mark.from_json(json.loads(json.dumps(again.mark.to_json()))) == again.mark
    for wrong in ({}, {"number": 1}, {"number": "x", "failures": 0, "since": 0, "entries": []}, {"entries": [[1]]}):
        with pytest.raises(MarkInvalid):
            Mark.from_json(wrong)


def test_no_connection_is_a_failure_that_sent_nothing():
    from httptask.errors import ConfigurationError, Problem
    from httptask.hosted.host import Host

    def none(provider, name):
        raise ConfigurationError(Problem("connection", "there is none", "add one"))

    ended = take(alone("okta.list_agent_pools"), Turn("run"), Host(none, "Memory"))
    assert (ended.status, ended.failure.kind.value) == ("failed", "input")
    assert "there is none (add one)" in ended.message
    assert "nothing was sent" in ended.message


def test_no_connection_after_a_lost_worker_is_unknown():
    from httptask.errors import ConfigurationError, Problem
    from httptask.hosted.host import Host

    def none(provider, name):
        raise ConfigurationError(Problem("connection", "there is none"))

    unit = creating(MemoryEngine())
    assert take(unit, Turn("run", lost=True), Host(none, "Memory")).status == "unknown"


def test_wrong_inputs_are_told_all_at_once_and_nothing_is_sent():
    engine = MemoryEngine()
    wrong = alone(CREATE, {"poolId": 7, "body": {"agentType": "XX"}})
    ended = engine.run(wrong)
    assert (ended.status, ended.failure.kind.value) == ("failed", "input")
    assert take(wrong, Turn("run", lost=True), engine.host).status == "unknown"
    assert "poolId" in ended.message
    assert "agentType" in ended.message
    assert engine.wire.sent == []


def test_a_large_body_is_left_out_of_what_the_engine_keeps():
    engine = MemoryEngine(host_options={"most_shown": 100})
    ended = engine.run(alone("okta.list_agent_pools"))
    assert ended.outcome["response"]["body"] is None
    assert ended.outcome["warnings"][-1]["code"] == "bodyLeftOut"
    assert ended.outputs["pools"]


def test_an_output_that_holds_a_secret_or_is_too_large_is_named_in_place_of_being_passed():
    engine = MemoryEngine(host_options={"most_passed": 600})
    assert engine.run(alone("okta.list_agent_pools")).withheld == ("pools",)
    engine = MemoryEngine()
    unit = creating(engine)
    unit.inputs["given"]["body"]["name"] = f"n {TOKEN}"
    ended = engine.run(unit)
    assert ended.withheld == ("update",)
    assert TOKEN not in json.dumps([ended.to_json()])


def test_an_end_survives_json():
    engine = MemoryEngine()
    for unit in (alone("okta.list_agent_pools"), alone("okta.get_agent_pools_update_settings", {"poolId": "nowhere"})):
        ended = engine.run(unit)
        assert Ended.from_json(json.loads(json.dumps(ended.to_json()))) == ended


def test_a_step_that_was_taken_out_of_the_file_is_told(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text("name: w\nsteps:\n  - id: a\n    task: okta.list_agent_pools\n")
    unit = Unit(load_workflow(file, REGISTRY), REGISTRY, "b", {})
    with pytest.raises(UnknownStep, match="has no step b: it was changed since the run began"):
        take(unit, Turn("run"), MemoryEngine().host)


def test_the_timeout_of_a_workflow_counts_from_its_beginning(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text("name: w\ntimeout: 60\nsteps:\n  - id: a\n    task: okta.list_agent_pools\n")
    engine = MemoryEngine()
    unit = Unit(load_workflow(file, REGISTRY), REGISTRY, "a", {}, began=engine.clock.now() - 61)
    ended = engine.run(unit)
    assert (ended.failure.kind.value, engine.wire.sent) == ("deadline", [])


def test_a_token_endpoint_that_is_down_is_tried_again_by_the_engine():
    from httptask.errors import CredentialError

    engine = MemoryEngine()
    connection = engine.host.connection(REGISTRY["okta.list_agent_pools"].provider)
    calls = []

    class Flaky(type(connection.auth)):
        def apply(self, request, means):
            calls.append(request)
            if len(calls) == 1:
                raise CredentialError("the endpoint is down", retryable=True, retry_after=5.0)
            return super().apply(request, means)

    auth = Flaky(connection.auth.scheme, Secret(TOKEN))
    object.__setattr__(connection, "auth", auth)
    assert (engine.run(alone("okta.list_agent_pools")).status, engine.waits) == ("succeeded", [5.0])


def test_a_list_that_is_asked_for_by_what_may_change_something_is_not_asked_for_again_after_a_lost_worker(tmp_path):
    file = tmp_path / "w.yaml"
    step = "{id: a, task: okta.list_agent_pools, idempotent: false, paginate: {}}"
    file.write_text(f"name: w\nsteps:\n  - {step}\n")
    engine = MemoryEngine()
    unit = Unit(load_workflow(file, REGISTRY), REGISTRY, "a", {})
    assert take(unit, Turn("run", lost=True), engine.host).status == "unknown"
    assert engine.wire.sent == []


def test_a_late_turn_after_an_attempt_that_may_have_been_applied_is_unknown(tmp_path):
    file = tmp_path / "w.yaml"
    step = "{id: a, task: okta.delete_agent_pools_update, with: {poolId: p, updateId: u}}"
    file.write_text(f"name: w\ntimeout: 60\nsteps:\n  - {step}\n")
    engine = MemoryEngine(faults=[("DELETE /api/v1/agentPools/*/updates/*", "reset-after")])
    began = engine.clock.now()
    unit = Unit(load_workflow(file, REGISTRY), REGISTRY, "a", {}, began=began)
    again = take(unit, Turn("run"), engine.host)
    assert again.so_far.status == "unknown"
    engine.clock.advance(100)
    assert take(unit, Turn("run", again.mark), engine.host).status == "unknown"
    assert len(engine.wire.sent) == 1


def test_a_lost_connection_is_no_failure_of_what_may_have_been_applied():
    from httptask.errors import ConfigurationError, Problem
    from httptask.hosted.host import Host

    def none(provider, name):
        raise ConfigurationError(Problem("connection", "there is none"))

    engine = MemoryEngine(faults=[("DELETE /api/v1/agentPools/*/updates/*", "reset-after")])
    deleting = alone("okta.delete_agent_pools_update", {"poolId": "p", "updateId": "u"})
    again = take(deleting, Turn("run"), engine.host)
    assert take(deleting, Turn("run", again.mark), Host(none, "Memory")).status == "unknown"
    asking = alone("okta.list_agent_pools")
    assert take(asking, Turn("run", lost=True), Host(none, "Memory")).status == "failed"


def test_a_get_that_is_declared_not_repeatable_is_not_repeated_after_a_lost_worker():
    engine = MemoryEngine()
    ended = take(alone("okta.list_agent_pools", idempotent=False), Turn("run", lost=True), engine.host)
    assert (ended.status, engine.wire.sent) == ("unknown", [])


def test_what_was_done_and_is_too_large_to_pass_is_not_to_be_done_again(tmp_path):
    file = tmp_path / "w.yaml"
    body = "{name: n, agentType: AD, agents: '{{ inputs.agents }}'}"
    file.write_text(
        "name: w\ninputs: {type: object, properties: {poolId: {}, agents: {}}}\nsteps:\n"
        f"  - {{id: a, task: {CREATE}, with: {{poolId: '{{{{ inputs.poolId }}}}', body: {body}}}}}\n"
        "  - {id: b, task: okta.list_agent_pools, if: '{{ steps.a.response.body.id != steps.a.outputs.status }}'}\n"
    )
    engine = MemoryEngine(host_options={"most_passed": 60})
    pool = pool_of(MemoryEngine())
    inputs = {"poolId": pool["id"], "agents": pool["agents"]}
    ended = engine.run(Unit(load_workflow(file, REGISTRY), REGISTRY, "a", inputs))
    assert (ended.status, ended.failure.kind.value, ended.is_final) == ("failed", "expression", True)
    assert ended.outcome["status"] == "succeeded"


def test_a_size_changes_no_status(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text(
        "name: w\nsteps:\n  - {id: a, task: okta.list_agent_pools, continueOnError: true}\n"
        "  - {id: b, task: okta.list_agent_pools, if: '{{ steps.a.response.body | string | length > 3 }}'}\n"
    )
    engine = MemoryEngine(faults=[(LIST, "404")], host_options={"most_passed": 150})
    ended = engine.run(Unit(load_workflow(file, REGISTRY), REGISTRY, "a", {}))
    assert (ended.status, ended.goes_on, "response" in ended.result) == ("failed", True, False)


def test_a_wait_for_a_token_that_does_not_fit_is_an_end():
    from httptask.errors import CredentialError

    engine = MemoryEngine()
    connection = engine.host.connection(REGISTRY["okta.list_agent_pools"].provider)

    class Down(type(connection.auth)):
        def apply(self, request, means):
            raise CredentialError("the endpoint is down", retryable=True, retry_after=50.0)

    object.__setattr__(connection, "auth", Down(connection.auth.scheme, Secret(TOKEN)))
    for more in ({"retry": {"maxElapsed": 40}}, {"timeout": 30}, {"retry": {"serverWaitCap": 20}}):
        assert engine.run(alone("okta.list_agent_pools", **more)).status == "failed"
    assert engine.waits == []


def test_an_attempt_is_not_waited_for_twice():
    engine = MemoryEngine(faults=[("DELETE /api/v1/agentPools/*/updates/*", "503, ok")])
    engine.run(alone("okta.delete_agent_pools_update", {"poolId": pool_of(engine)["id"], "updateId": "u"}))
    assert sum(engine.clock.sleeps) == 0


def test_another_request_than_the_lost_one_is_not_verified_as_if_it_were_that_one():
    engine = MemoryEngine(kills=["after"])
    unit = creating(engine, verify_before=True)
    kept = []
    with pytest.raises(Killed):
        take(unit, Turn("run", keep=kept.append), engine.host)
    unit.inputs["given"]["body"]["name"] = "another"
    ended = take(unit, Turn("run", kept[-1], lost=True), engine.host)
    assert (ended.status, ended.failure.kind.value) == ("unknown", "requestChanged")


def test_what_a_person_is_asked_holds_no_secret(tmp_path):
    file = tmp_path / "w.yaml"
    text = "name: w\ninputs: {type: object, properties: {n: {type: string}}}\nsteps:\n"
    text += "  - {id: a, task: okta.list_agent_pools}\n  - {id: b, approve: 'go on with {{ inputs.n }}?'}\n"
    file.write_text(text + "outputs: {n: '{{ inputs.n }}'}\n")
    engine, inputs = MemoryEngine(), {"n": TOKEN}
    workflow = load_workflow(file, REGISTRY)
    asked = engine.run(Unit(workflow, REGISTRY, "b", inputs, "ask"))
    assert asked.message == "go on with ***?"
    ended = engine.run(Unit(workflow, REGISTRY, "", inputs, "outputs"))
    assert (ended.outputs, ended.withheld) == ({}, ("n",))
