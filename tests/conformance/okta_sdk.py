"""Okta's own Python client completes all 14 operations: python okta_sdk.py BASE_URL TOKEN [spec|recorded].

Against a server that answers POST with 200, as real ones were recorded to, this client gives back nothing: a created
update is then found by listing, and every change is read again.
"""

import asyncio
import os
import sys

from okta.client import Client
from okta.models import Agent, AgentPoolUpdate, AgentPoolUpdateSetting, AutoUpdateSchedule

SCHEDULE = {"cron": "0 3 * * WED", "delay": 0, "duration": 1020, "timezone": "Asia/Calcutta"}


class NamedAgent(Agent):
    """An agent that keeps its id: the client's own drops it from bodies, as the document calls it read-only."""

    def to_dict(self):
        return {"id": self.id, "poolId": self.pool_id}


class Run:
    def __init__(self, base_url, token, statuses):
        self.client = Client({"orgUrl": base_url, "token": token})
        self.statuses = statuses
        self.called = set()
        self.pool = None

    async def call(self, name, *arguments, **options):
        data, response, error = await getattr(self.client, name)(*arguments, **options)
        self.called.add(name)
        assert error is None, f"{name}: {error}"
        return data, response

    async def change(self, name, *arguments):
        data, _ = await self.call(name, *arguments)
        assert (data is None) is (self.statuses == "recorded"), f"{name}: unexpected data {data}"
        return data

    async def create(self, name):
        update = AgentPoolUpdate.from_dict({"name": name, "agentType": "AD", "notifyAdmin": True, "schedule": SCHEDULE})
        update.agents = [NamedAgent(id=agent.id, poolId=self.pool.id) for agent in self.pool.agents]
        created = await self.change("create_agent_pools_update", self.pool.id, update)
        listed, _ = await self.call("list_agent_pools_updates", self.pool.id, scheduled=True)
        found = next(update for update in listed if update.name == name)
        assert created is None or created.id == found.id
        return found

    async def status(self, update):
        read, _ = await self.call("get_agent_pools_update_instance", self.pool.id, update.id)
        return read.status

    async def move(self, update, action, status):
        moved = await self.change(f"{action}_agent_pools_update", self.pool.id, update.id)
        assert moved is None or moved.status == status, f"{action}: {moved}"
        assert await self.status(update) == status, f"{action}: not {status}"


async def walk(run):
    pools, _ = await run.call("list_agent_pools", limit_per_pool_type=50, pool_type="AD")
    assert len(pools) >= 3, pools
    run.pool = next(pool for pool in pools if pool.operational_status == "DEGRADED")
    await walk_settings(run)
    update = await run.create("first")
    edited = update.model_copy(update={"agents": None, "schedule": AutoUpdateSchedule(**SCHEDULE | {"cron": "0 3 * * MON"})})
    await run.change("update_agent_pools_update", run.pool.id, update.id, edited)
    read, _ = await run.call("get_agent_pools_update_instance", run.pool.id, update.id)
    assert read.schedule.cron == "0 3 * * MON", read
    for action, status in (
        ("activate", "InProgress"),
        ("pause", "Paused"),
        ("resume", "InProgress"),
        ("stop", "Cancelled"),
        ("retry", "InProgress"),
    ):
        await run.move(update, action, status)
    second = await run.create("second")
    await run.move(second, "deactivate", "Cancelled")
    for done in (update, second):
        await run.call("delete_agent_pools_update", run.pool.id, done.id)
    left, _ = await run.call("list_agent_pools_updates", run.pool.id)
    assert left == [], left


async def walk_settings(run):
    before, _ = await run.call("get_agent_pools_update_settings", run.pool.id)
    assert before.pool_name == run.pool.name, before
    wanted = AgentPoolUpdateSetting.from_dict({"agentType": "AD", "continueOnError": True})
    await run.change("update_agent_pools_update_settings", run.pool.id, wanted)
    after, _ = await run.call("get_agent_pools_update_settings", run.pool.id)
    assert after.continue_on_error is True, after


def main(base_url, token, statuses="spec"):
    os.environ["OKTA_TESTING_TESTINGDISABLEHTTPSCHECK"] = "true"  # the constructor cannot be told
    run = Run(base_url, token, statuses)
    asyncio.run(walk(run))
    assert len(run.called) == 14, sorted(run.called)
    print(f"{len(run.called)} operations completed with statuses as in {statuses}")  # noqa: T201 - this is a program


if __name__ == "__main__":
    main(*sys.argv[1:])
