"""Heartbeats of one attempt: they prove that the worker lives, and keep what the attempts before it left.

The first one opens the attempt, and is stored before anything is sent; each further one says the same; only an attempt that has
ended in an orderly way closes it. Who begins the next attempt and finds it open knows that a worker was lost that may have sent
something.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.client import AsyncActivityCancelledError, AsyncActivityHandle
from temporalio.converter import ActivitySerializationContext
from temporalio.service import RPCError

from httptask.clock import SystemClock

#: Heartbeats within the time after which a worker without any is lost.
BEATS = 4


def server_of(info: activity.Info) -> AsyncActivityHandle:
    """Return what sends heartbeats of the running activity, encoded as the SDK encodes its own."""
    context = ActivitySerializationContext(
        namespace=info.namespace,
        workflow_id=info.workflow_id,
        workflow_type=info.workflow_type,
        activity_type=info.activity_type,
        activity_id=info.activity_id,
        activity_task_queue=info.task_queue,
        is_local=info.is_local,
    )
    return activity.client().get_async_activity_handle(task_token=info.task_token).with_context(context)


@dataclass(slots=True)
class Pulse:
    """Sends heartbeats for as long as `beating` lasts.

    The SDK's own heartbeats are sent when it sees fit; a call to the server has stored its details when it returns. Both are
    made, in one order, so that none of the SDK's overwrites a newer one.
    """

    server: AsyncActivityHandle
    kept: Mapping[str, Any]
    every: float | None
    has_sent: bool = False
    _reached: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Open the attempt, and send heartbeats.

        Raises:
            RPCError: the server cannot be reached, or gave this attempt up.

        """
        await self.store({**self.kept, "attempt": activity.info().attempt, "open": True})
        beats = asyncio.create_task(self._beat()) if self.every is not None else None
        try:
            yield
        finally:
            self._over.set()
            if beats is not None:
                await beats  # one that is under way must not arrive after what is stored next

    def is_held(self) -> bool:
        """Tell whether the attempt is surely not given to another worker: half of the time for that has not passed."""
        return self.every is None or SystemClock().monotonic() - self._reached < self.every * BEATS / 2

    def lets_send(self) -> bool:
        """Tell whether a request may leave, and remember that one does: only its answer tells what it did."""
        held = self.is_held()
        self.has_sent = self.has_sent or held
        return held

    async def close(self, mark: Mapping[str, Any] | None) -> None:
        """Store that the attempt has ended in an orderly way, and what it leaves.

        Raises:
            RPCError: the server cannot be reached, or gave this attempt up.

        """
        await self.store({**self.kept, "mark": mark, "open": False})

    async def store(self, kept: Mapping[str, Any]) -> None:
        """Keep something from now on, stored when this returns.

        Raises:
            RPCError: the server cannot be reached, or gave this attempt up.

        """
        async with self._lock:
            self.kept, began = kept, SystemClock().monotonic()
            activity.heartbeat(kept)
            await self._stored(kept)
            self._reached = began

    async def _stored(self, kept: Mapping[str, Any]) -> None:
        """Store details; of a cancelled attempt too, but a server that failed the attempt over them says the same at first.

        Raises:
            RPCError: the server cannot be reached, or gave this attempt up.

        """
        try:
            await self.server.heartbeat(kept)
        except AsyncActivityCancelledError:
            with suppress(AsyncActivityCancelledError):  # an attempt that was given up is no longer found
                await self.server.heartbeat(kept)

    async def _beat(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self.every)
                return
            with suppress(RPCError):  # the next one, or the attempt's own end, tells what there is to tell
                await self.store(self.kept)
