"""Discarding of client messages on send-only WebSockets."""

import asyncio
from collections.abc import Coroutine
from time import monotonic
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

MESSAGES, WINDOW_SECONDS = 60, 60.0
"""Most messages per window before the connection is closed."""

_POLICY_VIOLATION = 1008


async def drain(socket: WebSocket) -> None:
    """Discard messages until the client disconnects; close with 1008 if it exceeds the limit."""
    began, count = monotonic(), 0
    while True:
        try:
            message = await socket.receive()
        except WebSocketDisconnect:
            return
        if message["type"] == "websocket.disconnect":
            return
        if monotonic() - began > WINDOW_SECONDS:
            began, count = monotonic(), 0
        count += 1
        if count > MESSAGES:
            return await socket.close(_POLICY_VIOLATION, "this stream accepts no messages")


async def first_to_end(*work: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends, then cancel the others. Raises the exception of the first, if any."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()
