"""Reading of what a client sends over a WebSocket that only sends."""

import asyncio
from collections.abc import Coroutine
from time import monotonic
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

MESSAGES, WINDOW_SECONDS = 60, 60.0
"""Messages a client may send in each window; they are discarded."""

_POLICY_VIOLATION = 1008


async def drain(socket: WebSocket) -> None:
    """Read and discard messages until the client leaves; close with 1008 when it sends more than its share."""
    began, taken = monotonic(), 0
    while True:
        try:
            message = await socket.receive()
        except WebSocketDisconnect:
            return
        if message["type"] == "websocket.disconnect":
            return
        if monotonic() - began > WINDOW_SECONDS:
            began, taken = monotonic(), 0
        taken += 1
        if taken > MESSAGES:
            return await socket.close(_POLICY_VIOLATION, "this stream takes no messages")


async def first_to_end(*work: Coroutine[Any, Any, None]) -> None:
    """Run all until the first ends, and cancel the others. Raises what the first one raised."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()
