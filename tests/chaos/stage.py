"""The stage on which many runs are played: the cluster, ClickHouse's engine, and the links before both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sinks.clickhouse.driver import Database, connect
from tests.chaos.clickhouse_link import Mood
from tests.chaos.cluster import NODES, Cluster
from tests.chaos.links import Weather
from tests.chaos.proxy import Proxy
from tests.support.clickhouse_http import USER, ClickHouseFront

_LINK_PORT = 8  # above the first port; the nodes leave it free


@dataclass(slots=True)
class Stage:
    """Real parts that outlive a run. `links` stand before the nodes in their order, `clickhouse_link` before the engine."""

    directory: Path
    port: int
    cluster: Cluster = field(init=False)
    links: Proxy = field(init=False)
    engine: ClickHouseFront = field(init=False)
    clickhouse_link: Proxy = field(init=False)

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.directory / "kafka", self.port)
        ports = [(self.cluster.proxy_port(node), self.cluster.client_port(node)) for node in NODES]
        self.links = Proxy("tcp", ports)
        self.engine = ClickHouseFront(self.directory / "engine")
        self.clickhouse_link = Proxy("clickhouse", [(self.port + _LINK_PORT, self.engine.port)])

    @property
    def clickhouse_dsn(self) -> str:
        """Return where gridwatch finds ClickHouse: behind the link."""
        return f"http://{USER}:p%40ss%2Fword@127.0.0.1:{self.port + _LINK_PORT}"

    def database(self, name: str) -> Database:
        """Open a database past the link; close it after use."""
        return connect(self.engine.dsn(), name)

    async def start_engine(self) -> None:
        """Start ClickHouse's engine on the data it has and wait until it answers."""
        await asyncio.to_thread(self.engine.start)

    async def heal(self) -> None:
        """Let all links carry as they should."""
        await self.links.weather(Weather())
        await self.clickhouse_link.weather(Weather())
        await self.clickhouse_link.mood(Mood())


@asynccontextmanager
async def stage(directory: Path, port: int) -> AsyncIterator[Stage]:
    """Start everything in a directory of its own, on `port` and the 28 after it; all of it is gone afterwards."""
    directory.mkdir(parents=True, exist_ok=True)
    built = Stage(directory, port)
    try:
        await built.cluster.clean()
        await asyncio.gather(built.cluster.start(), built.start_engine(), built.links.start())
        await built.clickhouse_link.start()
        yield built
    finally:
        await built.links.stop()
        await built.clickhouse_link.stop()
        await asyncio.to_thread(built.engine.kill)
        await built.cluster.clean()
