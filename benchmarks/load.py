"""Requests over HTTP at a fixed rate, or as fast as answers come, from a process on a core of its own.

`offer` is the open loop: requests arrive at a fixed rate whether or not earlier ones are answered, and a latency
counts from the moment a request was due, so a server that stalls pays for everybody who waited (Tene 2013, "How not to
measure latency": coordinated omission). `saturate` is the closed loop: each connection asks again once answered.
`benchmarks.servers` starts what is measured, on another core. Linux only: cores are chosen with sched_setaffinity.
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

SERVER_CORE, LOAD_CORE = 0, 1
PATIENCE = 30.0
"""Seconds after which an answer is given up and counts as status 0."""

_LAST_MILLISECOND = 0.0012


@dataclass(frozen=True)
class Load:
    """Results of a run: responses by status (0 for a broken connection), and all latencies in ms, ascending."""

    seconds: float
    statuses: Mapping[int, int]
    latencies: NDArray[np.float64]

    @property
    def rate(self) -> float:
        """Responses per second."""
        return self.latencies.size / self.seconds

    @property
    def errors(self) -> int:
        """Number of failures, broken connections included."""
        return sum(n for status, n in self.statuses.items() if not 200 <= status < 400)

    def percentile(self, share: float) -> float:
        """Percentile of the latency in ms."""
        return float(np.percentile(self.latencies, share))

    def summary(self) -> dict[str, Any]:
        """The figures for a table: answers a second, ms at 50, 95 and 99 percent, the worst, and the statuses."""
        figures = {f"p{share}": round(self.percentile(share), 2) for share in (50, 95, 99, 100)}
        return {"rate": round(self.rate, 1)} | figures | {"statuses": dict(self.statuses)}


def request(method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
    """An HTTP/1.1 request as bytes; `body` is bytes, or anything JSON can say."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {"Content-Type": "application/json", "Content-Length": str(len(content))} if content else {}
    lines = [f"{name}: {value}" for name, value in ({"Host": "localhost"} | kind | dict(headers or {})).items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode() + content


def offer(address: str, requests: Sequence[bytes], rate: float, seconds: float, connections: int = 64) -> Load:
    """Offer requests, taken in turn and from the start again, at a fixed rate for so many seconds."""
    return _elsewhere(address, requests, connections, rate=rate, total=round(rate * seconds))


def saturate(address: str, requests: Sequence[bytes], seconds: float, connections: int = 8) -> Load:
    """Send requests continuously over a number of connections for a number of seconds."""
    return _elsewhere(address, requests, connections, seconds=seconds)


def _elsewhere(address: str, requests: Sequence[bytes], connections: int, **plan: Any) -> Load:
    """Run in a new process, so that neither this one's threads nor its garbage collector disturb the clock."""
    if not requests:
        raise ValueError("there is nothing to ask: make the data that is asked about larger")
    with ProcessPoolExecutor(1, get_context("spawn"), _stay_on, (LOAD_CORE,)) as pool:
        return pool.submit(_run, address, requests, connections, **plan).result()


def _stay_on(core: int) -> None:
    os.sched_setaffinity(0, {core})


def _run(
    address: str,
    requests: Sequence[bytes],
    connections: int,
    rate: float | None = None,
    total: int | None = None,
    seconds: float | None = None,
) -> Load:
    host, _, port = address.rpartition("/")[2].partition(":")
    run = _Run(host, int(port), requests, rate, total, seconds)
    return asyncio.run(run.over(connections))


class _Run:
    """The requests of one run, handed to its connections in the order in which they are due."""

    def __init__(
        self,
        host: str,
        port: int,
        requests: Sequence[bytes],
        rate: float | None,
        total: int | None,
        seconds: float | None,
    ) -> None:
        self._place, self._requests = (host, port), requests
        self._rate, self._total, self._seconds = rate, total, seconds
        self._numbers = count()
        self._statuses: Counter[int] = Counter()
        self._latencies: list[float] = []

    async def over(self, connections: int) -> Load:
        opened = [_Connection(*self._place) for _ in range(connections)]
        await asyncio.gather(*(connection.open() for connection in opened))
        self._began = time.perf_counter()
        await asyncio.gather(*(self._work(connection) for connection in opened))
        seconds = time.perf_counter() - self._began
        return Load(seconds, dict(self._statuses), np.sort(np.array(self._latencies) * 1000))

    async def _work(self, connection: "_Connection") -> None:
        for number in self._numbers:
            due = self._began + number / self._rate if self._rate else time.perf_counter()
            if self._is_over(number, due):
                break
            await _until(due)
            self._statuses[await connection.ask(self._requests[number % len(self._requests)])] += 1
            self._latencies.append(time.perf_counter() - due)
        connection.close()

    def _is_over(self, number: int, due: float) -> bool:
        if self._total is not None and number >= self._total:
            return True
        return self._seconds is not None and due - self._began >= self._seconds


async def _until(moment: float) -> None:
    """Wait to the fraction of a millisecond: the event loop's own timers are a millisecond coarse."""
    while (left := moment - time.perf_counter()) > 0:
        await asyncio.sleep(left - _LAST_MILLISECOND if left > _LAST_MILLISECOND else 0)


class _Connection:
    """One keep-alive connection."""

    def __init__(self, host: str, port: int) -> None:
        self._place = host, port

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(*self._place)

    async def ask(self, request: bytes) -> int:
        """The status of the answer, 0 where the connection broke or nobody answered; it is opened anew then."""
        try:
            self._writer.write(request)
            return await asyncio.wait_for(self._answer(), PATIENCE)
        except (OSError, EOFError, TimeoutError):
            self.close()
            await self._reopen()
            return 0

    async def _reopen(self) -> None:
        try:
            await self.open()
        except OSError:
            await asyncio.sleep(0.05)  # the server is away: the next request finds out whether it is back

    async def _answer(self) -> int:
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        for length in _lengths(head):
            await self._reader.readexactly(length)
        if b"transfer-encoding: chunked" in head:
            while size := int(await self._reader.readline(), 16):
                await self._reader.readexactly(size + 2)
            await self._reader.readline()
        return int(head[9:12])

    def close(self) -> None:
        self._writer.close()


def _lengths(head: bytes) -> Iterator[int]:
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            yield int(line.partition(b":")[2])
