"""A load of requests on one gateway, by raw sockets: what answers is measured, so what asks must be cheap.

    python -m bench.posting LOAD      LOAD is JSON, see `Load`; runs on a core that is not measured

Closed loop without a `rate`: every connection sends its next request when it has its answer. Open loop with one: requests
are due evenly whatever comes back, one waits where no connection is free, and the latency counts from when it was due.
CPU is that of the process `subject`, from outside. Every answer must say that all of its records are accepted.
"""

import asyncio
import gzip
import json
import os
import ssl
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import quantiles
from typing import Any

import uvloop

from bench.span import report

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_HEAD_ENDS = b"\r\n\r\n"
_LENGTH = b"content-length: "
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked for how long; `records` 0 asks for `/hello`. `keys` is a file of `source key` lines, used in turn."""

    port: int
    subject: int
    keys: str
    records: int = 1
    sources: int = 1
    seconds: float = 5.0
    warm_up_seconds: float = 1.0
    connections: int = 64
    rate: float = 0.0
    is_packed: bool = False
    certificate: str = ""

    def as_json(self) -> str:
        """Return it for the command line."""
        return json.dumps(asdict(self))


def requests(load: Load) -> Iterator[bytes]:
    """Yield requests without end, no two records of them the same."""
    if load.records == 0:
        hello = b"GET /hello HTTP/1.1\r\nHost: bench\r\n\r\n"
        while True:
            yield hello
    lines = Path(load.keys).read_text(encoding="ascii").splitlines()[: load.sources]
    sources = [tuple(line.split()) for line in lines]
    numbers = count(time.time_ns() // 1000)  # of a later run on the same gateway none came before
    while True:
        for source_id, key in sources:
            yield _request(load, source_id, key, [next(numbers) for _ in range(load.records)])


def _request(load: Load, source_id: str, key: str, numbers: list[int]) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = "\n".join(
        f'{{"kind":"checkpoint_scanned","event_id":"{source_id}:{number}","source_id":"{source_id}","sequence":{number},'
        f'"occurred_at":"{at}","person_id":"p{number % 1_000_000:06d}","area":"jintang/huaikou/c012/g03",'
        f'"checkpoint_id":"cp-012-3","direction":"in","decision":"passed"}}'
        for number in numbers
    ).encode()
    encoding = ""
    if load.is_packed:
        body, encoding = gzip.compress(body, 6, mtime=0), "Content-Encoding: gzip\r\n"
    return (
        f"POST /v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/x-ndjson\r\n{encoding}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, expected: bytes, on_answer: Callable[["_Connection"], None]) -> None:
        self._expected, self._on_answer = expected, on_answer
        self._received = bytearray()
        self.due_at = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # uvloop's are of no class that asyncio has

    def send(self, request: bytes, due_at: float) -> None:
        self.due_at = due_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head_ends = self._received.find(_HEAD_ENDS)
        if head_ends < 0:
            return
        begins = self._received.index(_LENGTH) + len(_LENGTH)
        whole = head_ends + len(_HEAD_ENDS) + int(self._received[begins : self._received.index(b"\r", begins)])
        if len(self._received) < whole:
            return
        body = bytes(self._received[head_ends + len(_HEAD_ENDS) : whole])
        if not body.startswith(self._expected):
            raise SystemExit(f"expected {self._expected!r}, got {bytes(self._received[:400])!r}")
        self._received.clear()
        self._on_answer(self)

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            raise SystemExit(f"a connection was lost: {error}")


class Poster:
    """Sends a load and notes what came back."""

    def __init__(self, load: Load) -> None:
        self._load, self._requests = load, requests(load)
        self._answers = 0
        self._latencies: list[float] = []
        self._free: list[_Connection] = []
        self._due: deque[float] = deque()
        self._until = float("inf")

    async def run(self) -> dict[str, float]:
        """Warm up, measure, and return what it took."""
        load, loop = self._load, asyncio.get_running_loop()
        told = b"hello" if load.records == 0 else f'{{"accepted":{load.records},"duplicate":0,"refused":0'.encode()
        tls = ssl.create_default_context(cafile=load.certificate) if load.certificate else None
        for _ in range(load.connections):
            _, connection = await loop.create_connection(
                lambda: _Connection(told, self._note), "127.0.0.1", load.port, ssl=tls
            )
            self._free.append(connection)
        if not load.rate:
            for connection in self._free:
                connection.send(next(self._requests), time.perf_counter())
        sending = asyncio.create_task(self._send_evenly()) if load.rate else None
        await asyncio.sleep(load.warm_up_seconds)
        began, cpu, answers = time.perf_counter(), _cpu_seconds(load.subject), self._answers
        self._latencies.clear()
        await asyncio.sleep(load.seconds)
        seconds, cpu = time.perf_counter() - began, _cpu_seconds(load.subject) - cpu
        answers, latencies = self._answers - answers, sorted(self._latencies)
        self._until = 0.0
        if sending is not None:
            await sending
        cuts = quantiles(latencies, n=1000) if len(latencies) > 1 else [0.0] * 999
        return {
            "records": answers * max(1, load.records),
            "seconds": seconds,
            "cpu_seconds": cpu,
            "rss_mb": 0.0,
            "requests": answers,
            **{name: 1000 * cuts[index] for name, index in (("p50_ms", 499), ("p99_ms", 989))},
        }

    def _note(self, connection: _Connection) -> None:
        self._answers += 1
        now = time.perf_counter()
        self._latencies.append(now - connection.due_at)
        if self._until == 0.0:
            return
        if not self._load.rate:
            connection.send(next(self._requests), now)
        elif self._due:
            connection.send(next(self._requests), self._due.popleft())
        else:
            self._free.append(connection)

    async def _send_evenly(self) -> None:
        began, sent = time.perf_counter(), 0
        while self._until:
            due = int((time.perf_counter() - began) * self._load.rate)
            for number in range(sent, due):
                due_at = began + number / self._load.rate
                if self._free:
                    self._free.pop().send(next(self._requests), due_at)
                else:
                    self._due.append(due_at)
            sent = due
            if self._due and time.perf_counter() - self._due[0] > _PATIENCE_S:
                raise SystemExit(f"no answer for {_PATIENCE_S:.0f} s at {self._load.rate:.0f} requests a second")
            await asyncio.sleep(0.001)


def _cpu_seconds(process_id: int) -> float:
    """Return user and system time of a process, all its threads."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


if __name__ == "__main__":
    uvloop.install()
    report(asyncio.run(Poster(Load(**json.loads(sys.argv[1]))).run()))
    os._exit(0)  # connections that are still open are nobody's concern
