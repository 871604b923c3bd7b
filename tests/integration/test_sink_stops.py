"""A sink that is told to stop stops, also where nobody answers: while it joins, and while partitions are dealt out."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sinks.clickhouse.batches import Batch
from sinks.clickhouse.columns import TOPICS
from sinks.clickhouse.consumer import build_consumer
from sinks.clickhouse.loop import SinkLoop, SinkSettings
from streams.embedded.broker import EmbeddedBroker
from tests.support.brokers import BrokerUnderTest
from tests.support.processes import wait_until

GROUP = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 1_000}
# Reading is given up after a second, the group after five.
SOON_S = 15.0


class Forgetful:
    """A writer for whom everything is written."""

    def write(self, batch: Batch) -> int:  # noqa: ARG002  the protocol's
        return 0


class Running:
    """A sink in a thread of this process, and how it ended."""

    def __init__(self, bootstrap: str) -> None:
        self.stop = threading.Event()
        self.errors: list[BaseException] = []
        options = {"bootstrap_servers": bootstrap}
        self.loop = SinkLoop(lambda: build_consumer(options, "sink", **GROUP), Forgetful(), SinkSettings())
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.loop.run(self.stop)
        except Exception as error:
            self.errors.append(error)

    def ends_soon(self) -> bool:
        self.thread.join(SOON_S)
        return not self.thread.is_alive()


@contextmanager
def mute_server() -> Iterator[tuple[str, threading.Event]]:
    """Accept connections and answer nothing; tells when the first has come."""
    called = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        connections = []

        def accept() -> None:
            while True:
                try:
                    connections.append(server.accept()[0])
                except OSError:
                    return
                called.set()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}", called
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                connection.close()


def test_while_it_joins() -> None:
    """Somebody accepts the connection and never answers."""
    with mute_server() as (bootstrap, called):
        sink = Running(bootstrap)
        assert called.wait(20)

        sink.stop.set()

        assert sink.ends_soon()
    assert sink.errors == []


@pytest.mark.slow
def test_while_partitions_are_dealt_out_and_the_brokers_are_gone(tmp_path: Path) -> None:
    """It waits for an assignment that nobody can make any more."""
    with EmbeddedBroker(tmp_path) as broker:
        for topic in TOPICS:
            BrokerUnderTest("embedded", broker.bootstrap).create_topic(topic, 1)
        sink = Running(broker.bootstrap)
        wait_until(lambda: bool(sink.loop.insight().assigned), "the sink to have partitions")
        other = Running(broker.bootstrap)
        wait_until(lambda: sink.loop.insight().is_joining, "partitions to be dealt out anew")
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGKILL)
        assert sink.loop.insight().is_joining

        sink.stop.set()
        other.stop.set()

        assert sink.ends_soon()
        assert other.ends_soon()


def test_a_sink_that_is_told_to_end_raises_the_reason(
    embedded_broker: BrokerUnderTest, fresh_name: Callable[[str], str]
) -> None:
    """Told by its watchdog, from another thread."""
    prefix = f"{fresh_name('told')}."
    for topic in TOPICS:
        embedded_broker.create_topic(f"{prefix}{topic}", 1)
    sink = Running(embedded_broker.bootstrap)
    wait_until(lambda: not sink.loop.insight().is_joining, "the sink to be a member")

    sink.loop.fail(RuntimeError("it stands still"))

    assert sink.ends_soon()
    assert [str(error) for error in sink.errors] == ["it stands still"]
