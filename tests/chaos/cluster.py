"""Three Kafka nodes, each started, stopped, killed and frozen alone; clients reach them through proxies."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from tests.support.processes import REPOSITORY

SCRIPT = REPOSITORY / "deploy" / "kafka" / "kafka.sh"
NODES = (1, 2, 3)
WHOLE_S = 120.0


class ClusterError(RuntimeError):
    """The cluster did not do what it was told; the message says what kafka.sh said."""


class Cluster:
    """Nodes on `port`, `port + 10` and `port + 20`, each with some ports behind it; the fourth is the proxy's."""

    def __init__(self, directory: Path, port: int) -> None:
        self._directory, self._port = directory, port

    def client_port(self, node: int) -> int:
        """Return where a node itself listens for clients."""
        return self._port + 10 * (node - 1)

    def proxy_port(self, node: int) -> int:
        """Return where clients are told to find a node."""
        return self.client_port(node) + 3

    @property
    def bootstrap(self) -> str:
        """Return the nodes as clients see them: behind the proxies."""
        return ",".join(f"127.0.0.1:{self.proxy_port(node)}" for node in NODES)

    @property
    def direct(self) -> str:
        """Return the nodes as they see each other: nothing in between."""
        return ",".join(f"127.0.0.1:{self.client_port(node) + 2}" for node in NODES)

    # -- nodes

    async def start(self) -> None:
        """Start all nodes."""
        await self._script("start")

    async def start_node(self, node: int) -> None:
        """Start one and wait until it serves; there must be a majority with it."""
        await self._script("start", node)

    async def start_nodes(self, nodes: Iterable[int]) -> None:
        """Start some side by side."""
        await asyncio.gather(*(self.start_node(node) for node in nodes))

    async def stop_node(self, node: int) -> None:
        """Have one hand over its partitions and end."""
        await self._script("stop", node)

    def kill_node(self, node: int) -> None:
        """End one with SIGKILL."""
        self.signal_node(node, signal.SIGKILL)

    def signal_node(self, node: int, number: signal.Signals) -> None:
        """Send a signal to one."""
        pid_file = self._directory / f"cluster-{self._port}" / f"node-{node}" / "kafka.pid"
        os.kill(int(pid_file.read_text("ascii")), number)

    async def clean(self) -> None:
        """End all nodes and delete their data."""
        await self._script("kill")
        await self._script("clean")

    async def _script(self, command: str, node: int | None = None) -> None:
        clients = ",".join(str(self.proxy_port(each)) for each in NODES)
        which = [] if node is None else ["--node", str(node)]
        process = await asyncio.create_subprocess_exec(
            *(str(SCRIPT), command, "--port", str(self._port), "--dir", str(self._directory)),
            *("--nodes", str(len(NODES)), "--clients", clients, *which),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        if process.returncode != 0:
            raise ClusterError(said.decode())

    # -- what is known of topics

    def admin(self) -> KafkaAdminClient:
        """Return an admin client that goes past the proxies; close it after use."""
        return KafkaAdminClient(bootstrap_servers=self.direct.split(","), bootstrap_timeout_ms=10_000)

    async def leader(self, topic: str, partition: int) -> int:
        """Return the node that leads a partition, 0 while there is none."""
        described = await asyncio.to_thread(self._describe, [topic])
        parts = {part["partition_index"]: part["leader_id"] for part in described[0]["partitions"]}
        return max(int(parts.get(partition, 0)), 0)

    async def wait_until_whole(self, topics: Iterable[str]) -> None:
        """Wait until every partition has a leader and all its copies in sync."""
        names = ["__consumer_offsets", *topics]
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + WHOLE_S
        while (missing := await asyncio.to_thread(self._not_whole, names)) != 0:
            if loop.time() > give_up_at:
                raise ClusterError(f"{missing} partitions are not in sync after {WHOLE_S:.0f} s")
            await asyncio.sleep(0.5)

    def _not_whole(self, names: list[str]) -> int:
        try:
            described = self._describe(names)
        except KafkaError:
            return -1
        parts = [part for topic in described for part in topic["partitions"]]
        return sum(part["leader_id"] < 0 or len(part["isr_nodes"]) < len(part["replica_nodes"]) for part in parts)

    def _describe(self, names: list[str]) -> list[dict[str, Any]]:
        with closing(self.admin()) as admin:
            described: list[dict[str, Any]] = admin.describe_topics(names)
        return described
