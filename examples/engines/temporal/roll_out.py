"""The agent roll-out as a Temporal workflow of one's own, with HTTP tasks as its activities: worker and starter in one program.

python roll_out.py localhost:7233
"""

import asyncio
import json
import sys
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from httptask.engines.temporal import HttpTaskPlugin, execute_task

QUEUE = "roll-out"
DONE = "{{ response.body.status not in ['Scheduled', 'InProgress'] }}"


@workflow.defn
class RollOut:
    """Brings every agent pool of a type that is not operational to the latest version."""

    @workflow.run
    async def run(self, pool_type: str) -> list[dict[str, Any]]:
        """Update the pools, side by side, and return how each update ended."""
        listed = await execute_task("okta.list_agent_pools", {"poolType": pool_type, "limitPerPoolType": 50})
        pools = [pool for pool in listed["outputs"]["pools"] if pool["operationalStatus"] != "OPERATIONAL"]
        return list(await asyncio.gather(*(self._updated(pool, pool_type) for pool in pools)))

    async def _updated(self, pool: dict[str, Any], pool_type: str) -> dict[str, Any]:
        body = {
            "name": f"Update {pool['name']}",
            "agentType": pool_type,
            "agents": pool["agents"],
            "notifyAdmin": True,
            "schedule": {"cron": "0 3 * * WED", "timezone": "America/New_York", "duration": 120},
        }
        # the answer from before the first attempt is what a creation is found again by, should its own answer be lost
        made = await execute_task("okta.create_agent_pools_update", {"poolId": pool["id"], "body": body}, {"verifyBefore": True})
        update = {"poolId": pool["id"], "updateId": made["outputs"]["updateId"]}
        await execute_task("okta.activate_agent_pools_update", update)
        status = await self._settled(update)
        if status == "Failed":
            await execute_task("okta.retry_agent_pools_update", update)
            status = await self._settled(update)
        return {"pool": pool["name"], "status": status}

    async def _settled(self, update: dict[str, str]) -> str:
        options = {"until": DONE, "every": "250ms", "timeout": "10m"}  # against a real org write 30s
        told = await execute_task("okta.get_agent_pools_update_instance", update, options)
        return str(told["outputs"]["status"])


async def main(address: str) -> None:
    """Work on the queue for as long as the roll-out lasts."""
    client = await Client.connect(address)
    async with Worker(client, task_queue=QUEUE, workflows=[RollOut], plugins=[HttpTaskPlugin()]):
        print(json.dumps(await client.execute_workflow(RollOut.run, "AD", id="roll-out", task_queue=QUEUE)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
