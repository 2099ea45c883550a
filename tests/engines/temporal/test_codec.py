"""With a payload codec nothing of a run can be read on the server, and marks, definitions and answers travel all the same."""

import base64
import dataclasses
from pathlib import Path

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: tests/engines/run temporal")

from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import DataConverter, PayloadCodec
from temporalio.worker import Worker

from httptask.engines.temporal import WORKFLOW, HttpTaskPlugin, start_argument

ROLL_OUT = Path(__file__).resolve().parents[3] / "examples" / "roll_out_agent_update.yaml"


class Scrambled(PayloadCodec):
    """Turns each byte over; any encryption would do."""

    async def encode(self, payloads):
        data = [bytes(255 - byte for byte in each.SerializeToString()) for each in payloads]
        return [Payload(metadata={"encoding": b"binary/scrambled"}, data=each) for each in data]

    async def decode(self, payloads):
        return [Payload.FromString(bytes(255 - byte for byte in each.data)) for each in payloads]


def test_a_codec_of_the_clients_is_the_plugins(rig, monkeypatch):
    rig.box.reset()
    for name, value in rig.box.environment.items():
        monkeypatch.setenv(name, value)
    rig.box.play("GET /api/v1/agentPools", "429(Retry-After=1), ok")

    async def run():
        converter = dataclasses.replace(DataConverter.default, payload_codec=Scrambled())
        client = await Client.connect(rig.address, data_converter=converter, plugins=[HttpTaskPlugin()])
        async with Worker(client, task_queue="coded"):
            handle = await client.start_workflow(WORKFLOW, start_argument(ROLL_OUT), id="coded", task_queue="coded")
            return await handle.result()

    assert rig.call(run())["notOperational"] == []
    history = rig.history(rig.client.get_workflow_handle("coded")).to_json()
    plain, scrambled = (base64.b64encode(encoding).decode() for encoding in (b"json/plain", b"binary/scrambled"))
    assert plain not in history
    assert history.count(scrambled) > 20
