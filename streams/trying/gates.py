"""The gates of the demo's town: each is a registered source that posts its scans to a gateway, as a device does.

Only scans that are as the contract has them go this way. The town also holds lines that intake is to refuse; a gateway would
refuse them itself, and they go straight into the raw topic.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from secrets import token_bytes
from typing import Self

import aiohttp

from events.records import CheckpointScanned
from events.scan_wire import WireScan, is_future, read_scan
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.feeding import RawLine
from streams.gateway.bodies import MOST_RECORDS
from streams.gateway.registrar import PARTITION, TOPIC, add_source, new_source
from streams.replay import numbered_lines
from streams.trying.machine import PartFailedError

_AT_ONCE = 16
_ATTEMPTS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECEIVED_AT = b',"received_at":"'


def scan_of(raw: bytes) -> WireScan | None:
    """Return a scan that a gate can post, None for every other line."""
    if b'"checkpoint_scanned"' not in raw:
        return None
    scan = read_scan(raw)
    if scan is None or not isinstance(scan.received_at, str):
        return None
    received_at = datetime.fromisoformat(scan.received_at)
    return None if is_future(scan, int((received_at - _EPOCH).total_seconds() * 1000)) else scan


def as_posted(raw: bytes) -> bytes:
    """Return the line of a scan as the gate has it, without the time at which it was received."""
    begins = raw.index(_RECEIVED_AT)
    return raw[:begins] + raw[raw.index(b",", begins + 1) :]


def gates_of(events: Path) -> dict[str, set[str]]:
    """Return the gates in a town's file with the checkpoints at which they stand."""
    gates: dict[str, set[str]] = {}
    with events.open("rb") as file:
        for _, raw, _ in numbered_lines(file):
            if (scan := scan_of(raw)) is not None:
                gates.setdefault(scan.source_id, set()).add(scan.checkpoint_id)
    return gates


async def register_gates(publisher: Publisher, gates: Mapping[str, Iterable[str]], area: str) -> dict[str, str]:
    """Register the gates and return the key of each."""
    keys, outputs = {}, []
    for source_id, checkpoints in sorted(gates.items()):
        options = {
            "kinds": (CheckpointScanned.kind,),
            "areas": (area,),
            "checkpoints": tuple(sorted(checkpoints)),
            "records_per_s": 100_000.0,
            "burst": 1_000_000,
        }
        change = add_source(
            new_source(source_id, options),
            actor_id="gridwatch-demo",
            now=datetime.now(UTC),
            random_bytes=token_bytes,
        )
        assert change.key_text is not None, "a source that is added has a key"
        keys[source_id] = change.key_text
        assert change.value is not None, "a source that is added is there"
        outputs += [change.audit, Output(TOPIC, source_id.encode(), change.value, partition=PARTITION)]
    await publisher.publish(outputs)
    return keys


class Gates:
    """Posts the scans of gates; use as an async context."""

    def __init__(self, url: str, keys: Mapping[str, str]) -> None:
        """Post to the gateway at `url`, with the key of each gate."""
        self._url, self._keys = f"{url}/v1/events", keys
        self._session: aiohttp.ClientSession | None = None
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self.posted = self.duplicates = 0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_AT_ONCE))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def wait_until_ready(self, seconds: float) -> None:
        """Wait until the gateway takes records; raises PartFailedError when it does not get there."""
        assert self._session is not None, "used as a context"
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            with suppress(aiohttp.ClientError):
                async with self._session.get(self._url.replace("/v1/events", "/readyz")) as response:
                    if response.status == HTTPStatus.OK:
                        return
            await asyncio.sleep(0.1)
        raise PartFailedError(f"the gateway is not ready after {seconds:.0f} s")

    def divide(self, lines: Iterable[RawLine]) -> tuple[list[RawLine], dict[str, list[bytes]]]:
        """Return the lines that go straight into the raw topics, and those that each gate posts."""
        straight, posted = [], dict[str, list[bytes]]()
        for line in lines:
            scan = scan_of(line.output.value)
            if scan is None or scan.source_id not in self._keys:
                straight.append(line)
            else:
                posted.setdefault(scan.source_id, []).append(as_posted(line.output.value))
        return straight, posted

    async def post(self, lines: Mapping[str, list[bytes]]) -> None:
        """Post what gates have; raises PartFailedError where a record is refused, or nobody takes it for long."""
        await asyncio.gather(*(self._post_of(source_id, records) for source_id, records in lines.items()))

    async def _post_of(self, source_id: str, records: list[bytes]) -> None:
        headers = {"Authorization": f"Bearer {self._keys[source_id]}", "Content-Type": "application/x-ndjson"}
        for first in range(0, len(records), MOST_RECORDS):
            body = b"\n".join(records[first : first + MOST_RECORDS])
            async with self._turn:
                await self._post_one(headers, body)

    async def _post_one(self, headers: Mapping[str, str], body: bytes) -> None:
        assert self._session is not None, "used as a context"
        for _ in range(_ATTEMPTS):
            async with self._session.post(self._url, data=body, headers=headers) as response:
                answer = await response.read()
                if response.status == HTTPStatus.OK:
                    self._count(answer)
                    return
                if response.status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
                    raise PartFailedError(f"the gateway answers a gate with {response.status}")
                await asyncio.sleep(float(response.headers.get("Retry-After", "1")))
        raise PartFailedError("the gateway takes nothing")

    def _count(self, answer: bytes) -> None:
        told = json.loads(answer)
        if told["refused"]:
            raise PartFailedError("the gateway refuses scans that the town holds for good ones")
        self.posted += told["accepted"]
        self.duplicates += told["duplicate"]
