"""The sandbox's core as an ASGI application: bytes in, bytes out, and faults played on the raw connection."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from typing import TYPE_CHECKING, Any

from httptask.sandbox.core import MAX_BODY
from httptask.sandbox.wire import SandboxReply, SandboxRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from httptask.sandbox.core import Sandbox

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")


class SandboxApp:
    """Hands each HTTP request to the sandbox and puts its reply, or its fault, on the wire."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Serve this sandbox."""
        self._sandbox = sandbox
        self._closing = False
        self._held: dict[asyncio.Transport, asyncio.AbstractEventLoop] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request; the server is set up so that no other kind of scope arrives."""
        body = await _body(receive)
        if body is None:
            return
        reply = self._sandbox.handle(_request(scope, body))
        kind = reply.fault.kind if reply.fault else "ok"
        if kind in ("reset-before", "reset-after"):
            await _reset(receive, send)
        elif kind == "read-timeout":
            await self._held_back(None, receive, send)
        elif kind == "truncated":
            await _truncate(reply, receive, send)
        elif kind != "slow" or await self._held_back(reply.fault.seconds if reply.fault else None, receive, send):
            await _answer(reply, send)

    def close(self) -> None:
        """Let go of every connection that a fault holds; called from another thread when the server stops."""
        self._closing = True
        for transport, loop in list(self._held.items()):
            loop.call_soon_threadsafe(transport.abort)

    async def _held_back(self, seconds: float | None, receive: Receive, send: Send) -> bool:
        """Wait, without end for None; tell whether the caller is still there."""
        transport = _transport(send)
        self._held[transport] = asyncio.get_running_loop()
        try:
            if self._closing:
                transport.abort()
            await asyncio.wait_for(_until_gone(receive), seconds)
        except TimeoutError:
            return True
        finally:
            del self._held[transport]
        return False


async def _body(receive: Receive) -> bytes | None:
    """Return the body, or None when the caller left before its end.

    It is cut one byte past what the core takes, so that the core sees what is too large and memory stays bounded.
    """
    kept = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        kept += message.get("body", b"")[: MAX_BODY + 1 - len(kept)]
        more = message.get("more_body", False)
    return bytes(kept)


def _request(scope: Message, body: bytes) -> SandboxRequest:
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    host = next((value for name, value in headers if name == "host"), "")
    origin = f"{scope['scheme']}://{host if _HOST.fullmatch(host) else 'localhost'}"
    return SandboxRequest(scope["method"], target.decode("latin-1"), headers, body, origin)


async def _answer(reply: SandboxReply, send: Send) -> None:
    await _start(reply, send)
    await send({"type": "http.response.body", "body": reply.body})


async def _start(reply: SandboxReply, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})


async def _truncate(reply: SandboxReply, receive: Receive, send: Send) -> None:
    await _start(reply, send)
    await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
    _transport(send).close()
    await _until_gone(receive)


async def _reset(receive: Receive, send: Send) -> None:
    transport = _transport(send)
    # Lingering for zero seconds makes the close a TCP reset instead of an orderly end.
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _transport(send: Send) -> asyncio.Transport:
    # ASGI has no word for breaking a connection. uvicorn's `send` is a method of its request cycle, which holds the
    # transport; `serving` pins uvicorn's h11 protocol, for which this is so.
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]  # see above
    return transport
