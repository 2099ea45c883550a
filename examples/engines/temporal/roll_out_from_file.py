"""Starts the agent roll-out of a workflow file on Temporal, waits for it, and prints its outputs.

httptask worker temporal --address localhost:7233 &
python roll_out_from_file.py ../../roll_out_agent_update.yaml localhost:7233
"""

import asyncio
import json
import sys

from temporalio.client import Client

from httptask.engines.temporal import QUEUE, WORKFLOW, start_argument


async def main(file: str, address: str) -> None:
    """Start the workflow; it runs on where this program is ended."""
    client = await Client.connect(address)
    outputs = await client.execute_workflow(WORKFLOW, start_argument(file), id="roll-out-agent-update", task_queue=QUEUE)
    print(json.dumps(outputs))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
