"""A gateway without brokers and server: a registry of one source, a door, a writer whose publisher is told what to do."""

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError

from streams.broker.outputs import Output
from streams.gateway.adapters.identity import Identity
from streams.gateway.app import make_app
from streams.gateway.denials import denial_output
from streams.gateway.door import Door
from streams.gateway.keys import make_key
from streams.gateway.recent import RecentRecords
from streams.gateway.registry import RegisteredSource, Registry, write_source
from streams.gateway.standing import Standings
from streams.gateway.taking import Gateway
from streams.gateway.writing import Writer
from tests.support.asgi import Reply, ask

NOW = datetime(2020, 2, 1, 1, 0, tzinfo=UTC)
SOURCE = "gate-1"


class ToldPublisher:
    """Takes what is published while `brokers` let it."""

    def __init__(self, brokers: "ToldBrokers") -> None:
        self._brokers = brokers

    async def start(self) -> None:
        if self._brokers.are_away:
            raise KafkaConnectionError("away")

    async def stop(self) -> None:
        pass

    async def publish(self, outputs: Iterable[Output]) -> int:
        found = list(outputs)
        self._brokers.writes.append(len(found))
        await self._brokers.gate.wait()
        if self._brokers.are_away:
            raise KafkaTimeoutError("away")
        self._brokers.outputs += found
        return len(found)


class ToldBrokers:
    """What a publisher meets: `gate` holds writes back, `are_away` fails them."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.writes: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.are_away = False

    def of(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(output.value) for output in self.outputs if output.topic == topic]


def zeros(count: int) -> bytes:
    return bytes(count)


def person_of(identity: Identity) -> str:
    if identity.number == "bad":
        raise ValueError("expected another number")
    return f"k1-{identity.type}-{len(identity.number)}"


class GatewayRig:
    """Use as an async context."""

    def __init__(self, *, most_records: int = 1000, person_id_of: Any = person_of, **source: Any) -> None:
        self.brokers, self.registry, self.standings = ToldBrokers(), Registry(), Standings()
        self.now, self.steady_s, self.is_ready = NOW, 0.0, True
        self.key, kept = make_key(SOURCE, zeros)
        given = {"kinds": ("checkpoint_scanned",), "areas": ("jintang/c001",), "checkpoints": ("cp-1",)} | source
        self.source = RegisteredSource(source_id=SOURCE, keys=(kept,), **given)
        self.register(self.source)
        self.writer = Writer(
            lambda: ToldPublisher(self.brokers),  # type: ignore[arg-type, return-value]
            most_records=most_records,
            write_records=500,
        )
        self.gateway = Gateway(
            self.registry,
            Door(RecentRecords(1000), person_id_of),
            self.writer,
            self.standings,
            denial_output,
            body_seconds=0.2,
            bodies_max=4,
            now=lambda: self.now,
            steady_s=lambda: self.steady_s,
            is_ready=lambda: self.is_ready,
        )
        self.app = make_app(self.gateway, b"{}")

    async def __aenter__(self) -> "GatewayRig":
        await self.writer.__aenter__()
        for _ in range(5):
            await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.brokers.gate.set()
        await self.writer.__aexit__()

    def register(self, source: RegisteredSource) -> None:
        self.registry.take(source.source_id, write_source(source))

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.steady_s += seconds

    async def post(self, body: Any, *, key: str | None = None, path: str = "/v1/events", **headers: str) -> Reply:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"authorization": f"Bearer {self.key if key is None else key}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await ask(self.app, "POST", path, content, given)


def scan(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Return a scan as the device of the rig sends it."""
    return {
        "kind": "checkpoint_scanned",
        "event_id": f"gate-1:{number}",
        "source_id": SOURCE,
        "sequence": number,
        "occurred_at": "2020-02-01T08:59:00+08:00",
        "person_id": f"p{number:06d}",
        "area": "jintang/c001/g01",
        "checkpoint_id": "cp-1",
        "direction": "in",
        "decision": "passed",
        **fields,
    }
