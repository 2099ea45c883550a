"""A worker that stood still for too long sends nothing that changes something: another one has the step by then."""

import asyncio
import signal
import time
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: tests/engines/run temporal")

from temporalio.client import AsyncActivityCancelledError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment

from engines.contract import prepare, update_of
from engines.temporal.flows import OneTask
from engines.temporal.rig import until
from engines.temporal.test_contract import kind, state
from httptask.engines.temporal.lease import LEASE, Lease, Leased
from httptask.engines.temporal.pulse import BEATS, Pulse
from httptask.errors import ConnectFailed
from httptask.hosted.one_task import OneTask as Alone
from httptask.wiring import registry


def test_a_worker_that_stood_still_sends_nothing_when_it_goes_on(rig):
    rig.box.reset()
    pool, _ = prepare(lambda task, inputs: rig.end(rig.start(OneTask.run, [task, inputs, {}]))["outputs"])
    updates = f"/api/v1/agentPools/{pool['id']}/updates"
    sent = len(rig.box.sent(f"POST {updates}"))
    rig.box.play(f"GET {updates}", "slow(800ms)")
    inputs = {"poolId": pool["id"], "body": update_of(pool)}
    still = rig.workers.process
    handle = rig.start(OneTask.run, ["okta.create_agent_pools_update", inputs, {"verifyBefore": True}])
    until(lambda: rig.box.sent(f"GET {updates}"))
    still.send_signal(signal.SIGSTOP)  # it looks at what there is, and is about to create
    rig.workers.start()
    result = rig.end(handle)
    assert (state(result), kind(result)) == ("unknown", "interrupted")
    still.send_signal(signal.SIGCONT)
    time.sleep(2)
    assert len(rig.box.sent(f"POST {updates}")) == sent
    still.terminate()
    assert still.wait(timeout=30) == 0
    still.stdout.close()


def test_a_step_that_was_handed_to_a_worker_which_was_gone_is_sent_by_the_next(rig):
    rig.box.reset()
    pool, _ = prepare(lambda task, inputs: rig.end(rig.start(OneTask.run, [task, inputs, {}]))["outputs"])
    updates = f"/api/v1/agentPools/{pool['id']}/updates"
    sent = len(rig.box.sent(f"POST {updates}"))
    gone = rig.workers.process
    gone.send_signal(signal.SIGSTOP)  # its questions for work are still open at the server
    handle = rig.start(OneTask.run, ["okta.create_agent_pools_update", {"poolId": pool["id"], "body": update_of(pool)}, {}])
    until(lambda: attempts(rig, handle) == 1)
    rig.workers.start()
    assert rig.end(handle)["status"] == "succeeded"
    gone.send_signal(signal.SIGCONT)
    time.sleep(2)
    assert len(rig.box.sent(f"POST {updates}")) == sent + 1
    gone.terminate()
    assert gone.wait(timeout=30) == 0
    gone.stdout.close()


def attempts(rig, handle):
    pending = rig.call(handle.describe()).raw_description.pending_activities
    started = [each.attempt for each in pending if each.HasField("last_started_time")]
    return max(started, default=0)


def test_no_request_that_changes_something_leaves_without_the_lease():
    sent = []
    transport = Leased(SimpleNamespace(send=lambda request, timeouts: sent.append(request.method)))
    token = LEASE.set(Lease(lambda: False))
    try:
        transport.send(SimpleNamespace(method="GET"), None)
        with pytest.raises(ConnectFailed) as caught:
            transport.send(SimpleNamespace(method="POST"), None)
    finally:
        LEASE.reset(token)
    transport.send(SimpleNamespace(method="POST"), None)
    assert (sent, caught.value.phase) == (["GET", "POST"], "notSent")


@pytest.mark.parametrize(
    ("task", "inputs", "idempotent", "refused"),
    [
        ("okta.list_agent_pools", {}, None, False),
        ("okta.list_agent_pools", {}, False, True),
        ("okta.create_agent_pools_update", {"poolId": "p", "body": {}}, None, False),  # what its verify rule asks
    ],
)
def test_a_get_that_is_declared_to_change_something_needs_the_lease(task, inputs, idempotent, refused):
    tasks, sent = registry(()), []
    transport = Leased(SimpleNamespace(send=lambda request, timeouts: sent.append(request)))
    token = LEASE.set(Lease.of(Alone.used(tasks[task], inputs, {"idempotent": idempotent}).unit(tasks), lambda: False))
    try:
        with pytest.raises(ConnectFailed) if refused else nullcontext():
            transport.send(SimpleNamespace(method="GET"), None)
    finally:
        LEASE.reset(token)
    assert (sent == []) is refused


def test_the_lease_ends_when_half_of_the_time_has_passed_without_a_heartbeat():
    assert Pulse(None, {}, None).is_held()
    pulse = Pulse(None, {}, 0.1 / BEATS)
    assert not pulse.is_held()
    pulse._reached = time.monotonic()
    assert pulse.is_held()
    time.sleep(0.06)
    assert not pulse.is_held()


class Server:
    """Takes heartbeats and answers each as a Temporal server does, with the next of these answers."""

    def __init__(self, *answers):
        self.answers = [*answers]

    async def heartbeat(self, kept):
        if (answer := self.answers.pop(0)) is not None:
            raise answer


def test_a_heartbeat_of_a_cancelled_run_is_stored_but_one_that_the_server_refused_is_not():
    gone = RPCError("activity already completed", RPCStatusCode.NOT_FOUND, b"")
    cancelled = AsyncActivityCancelledError()
    for answers, is_stored in (((cancelled, cancelled), True), ((cancelled, gone), False)):
        pulse = Pulse(Server(*answers), {}, 60)
        with nullcontext() if is_stored else pytest.raises(RPCError):
            ActivityEnvironment().run(asyncio.run, pulse.store({}))
        assert pulse.is_held() is is_stored
