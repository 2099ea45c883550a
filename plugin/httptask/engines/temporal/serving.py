"""A worker as a process of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError
from temporalio.worker import Worker

from httptask.clock import SystemClock
from httptask.engines.temporal.names import QUEUE
from httptask.engines.temporal.plugin import HttpTaskPlugin
from httptask.errors import ConfigurationError, Problem
from httptask.serving import until_signal

#: Seconds.
LET_GO = 0.25


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person may choose; None leaves it to Temporal's own variables and configuration file."""

    address: str | None = None
    namespace: str | None = None
    queue: str = QUEUE
    connection: str | None = None
    templates: tuple[Path, ...] = ()


def serve_forever(choices: Choices, ready: Callable[[dict[str, Any]], None]) -> None:
    """Work until SIGINT or SIGTERM, then end what is under way and let go; `ready` is told once, as JSON.

    Raises:
        ConfigurationError: there is no such server, or the worker failed.

    """
    plugin = HttpTaskPlugin(templates=choices.templates, connection=choices.connection)
    try:
        with until_signal() as wait:
            asyncio.run(_work(choices, plugin, ready, wait))
    finally:
        # the SDK's own threads let go of Python a moment after their last answer: an interpreter that ends before is aborted
        SystemClock().sleep(LET_GO)


async def _work(
    choices: Choices, plugin: HttpTaskPlugin, ready: Callable[[dict[str, Any]], None], wait: Callable[[], None]
) -> None:
    client = await _connected(choices)
    worker = Worker(client, task_queue=choices.queue, plugins=[plugin])
    working = asyncio.create_task(worker.run())
    stopping = asyncio.create_task(_stopped(wait))
    address = client.service_client.config.target_host
    ready({"address": address, "namespace": client.namespace, "queue": choices.queue, "pid": os.getpid()})
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    if working.done() and (error := working.exception()) is not None:
        raise ConfigurationError(Problem("worker", f"Temporal's worker ended: {error}"))
    await worker.shutdown()
    await working


async def _stopped(wait: Callable[[], None]) -> None:
    """Wait until somebody asks to stop; the thread keeps no process alive that ends for another reason."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def watch() -> None:
        wait()
        loop.call_soon_threadsafe(asked.set)

    threading.Thread(target=watch, name="httptask-stop", daemon=True).start()
    await asked.wait()


async def _connected(choices: Choices) -> Client:
    try:
        found: dict[str, Any] = {"target_host": "localhost:7233", **ClientConfig.load_client_connect_config()}
        found |= {"target_host": choices.address} if choices.address else {}
        found |= {"namespace": choices.namespace} if choices.namespace else {}
        client = await Client.connect(**found)
    except (RuntimeError, ValueError) as error:
        hint = "start one with `temporal server start-dev`, or say where it is with --address"
        raise ConfigurationError(Problem("--address", f"no Temporal server was reached: {error}", hint)) from None
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        message = f"the server does not let this worker into '{client.namespace}': {error.message}"
        raise ConfigurationError(Problem("--namespace", message)) from None
    return client
