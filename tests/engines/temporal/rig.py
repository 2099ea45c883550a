"""What the tests run against: the server's processes, and the questions that are asked of them."""

import asyncio
import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from engines.contract import READ_TIMEOUT
from engines.sandboxes import LiveSandbox, sandbox
from engines.temporal.flows import Called, OneTask

DEADLY = Path(__file__).resolve().parents[1] / "deadly"
TESTS = "tests"


@dataclass
class Workers:
    """Worker processes, one at a time; each dies where its kill file says."""

    address: str
    folder: Path
    environment: dict
    process: subprocess.Popen | None = None

    @property
    def kill(self):
        return self.folder / "kill"

    @property
    def log(self):
        return self.folder / "worker.log"

    def start(self):
        command = [sys.executable, "-m", "httptask", "worker", "temporal", "--address", self.address, "--connection", "box"]
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(DEADLY), "HTTPTASK_TEST_KILL": str(self.kill)}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        self.ready = json.loads(self.process.stdout.readline())

    def replace_dead(self):
        """Wait until the worker was killed, and start another."""
        assert self.process.wait(timeout=30) == -9
        self.process.stdout.close()
        self.start()

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code


@dataclass
class Rig:
    box: LiveSandbox
    client: Client
    workers: Workers
    loop: asyncio.AbstractEventLoop
    address: str
    started: list = field(default_factory=list)

    def call(self, work, timeout=120):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def start(self, flow, args, queue=TESTS):
        name = f"test-{uuid.uuid4()}"
        handle = self.call(self.client.start_workflow(flow, args=args, id=name, task_queue=queue))
        self.started.append(handle)
        return handle

    def end(self, handle):
        """Return the result of a workflow, or the error that it ended with."""
        try:
            return self.call(handle.result())
        except WorkflowFailureError as error:
            return error

    def history(self, handle):
        return self.call(handle.fetch_history())

    def told(self, handle):
        """Return everything that the server keeps of a workflow, its payloads decoded; and apart from that the arguments."""
        return split(json.loads(self.history(handle).to_json()))


def split(value):
    """Return the texts of a history that are not arguments, and those that are, payloads decoded."""
    plain, arguments = [], []

    def look(node, into):
        if isinstance(node, dict):
            if "data" in node and "metadata" in node:
                into.append(base64.b64decode(node["data"]).decode())
                return
            for key, each in node.items():
                look(each, arguments if key == "input" else into)
        elif isinstance(node, list):
            for each in node:
                look(each, into)
        else:
            into.append(str(node))

    look(value, plain)
    return "\n".join(plain), "\n".join(arguments)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def server(binary, folder):
    """Run the server for as long as the context lasts; everything that it keeps is in the folder."""
    address = f"127.0.0.1:{free_port()}"
    port = address.rpartition(":")[2]
    command = [binary, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", port, "--log-level", "error"]
    command += ["--db-filename", folder / "temporal.db"]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(folder)})
    try:
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


async def connected(address):
    for _ in range(100):
        try:
            client = await Client.connect(address)
            await client.count_workflows()
        except (RuntimeError, RPCError):
            await asyncio.sleep(0.2)
        else:
            return client
    raise AssertionError("the server did not start")


@contextmanager
def looping():
    """Run an event loop in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def rigged(binary, folder):
    with ExitStack() as stack:
        box = stack.enter_context(sandbox())
        address = stack.enter_context(server(binary, folder))
        loop = stack.enter_context(looping())
        client = asyncio.run_coroutine_threadsafe(connected(address), loop).result(60)
        workers = Workers(
            address, folder, {"HTTPTASK_CONFIG": str(profile(folder, box)), "BOX_TOKEN": box.token, "BOX_TICKET": "ticket-7f3a9c"}
        )
        workers.start()
        rig = Rig(box, client, workers, loop, address)
        # unsandboxed: pytest's importer has no path by which the sandbox could import this test's own module again
        own = Worker(client, task_queue=TESTS, workflows=[OneTask, Called], workflow_runner=UnsandboxedWorkflowRunner())
        running = asyncio.run_coroutine_threadsafe(own.run(), loop)
        try:
            yield rig
        finally:
            rig.call(own.shutdown())
            running.result(20)
            workers.stop()


def profile(folder, box):
    file = folder / "connections.toml"
    lines = ["[connections.box]", 'provider = "okta"', f'baseUrl = "{box.url}"', 'token = "env:BOX_TOKEN"']
    file.write_text("\n".join([*lines, f"retry = {{readTimeout = {READ_TIMEOUT}}}", ""]))
    return file


def until(holds, seconds=30):
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
