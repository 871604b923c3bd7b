"""The application side: an app with sound defaults, topics that give batches, agents that cannot lose any."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import faust
from faust.streams import Stream
from faust.transport.consumer import Consumer
from faust.types import TP, AppT, Message, StreamT, TopicT

from streams.batching.batch import Batch
from streams.batching.recovery import PatientTableManager
from streams.batching.settling import Settling, is_cancelled_itself

Handler = Callable[[Batch], Awaitable[Awaitable[object] | None]]

SCHEME = "batchkafka"


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """Set how the transport reads; one per application.

    A broker answers a fetch when it has `fetch_bytes_min`, or after `fetch_wait_ms_max` with what it has: who follows a
    busy log closely gets batches worth their cost, and no fetch is held back longer. Where nothing comes it is asked to
    answer with the first record, within `quiet_wait_ms_max`: that is sooner, and spares most of the questions.
    `fetch_bytes_max` bounds one answer of one broker. With `fail_on_lost_records` a partition whose next records are gone
    (retention overtook the group) ends the worker; otherwise it goes on at the first record there is, with an error in the
    log.
    """

    fetch_wait_ms_max: int = 20
    quiet_wait_ms_max: int = 150
    fetch_bytes_min: int = 128 * 1024
    fetch_bytes_max: int = 16 * 1024 * 1024
    fail_on_lost_records: bool = True


class AssignmentListener(Protocol):
    """What a user with state per partition hears. An exception in either ends the worker, nothing acked."""

    async def on_assigned(self, positions: Mapping[TP, int]) -> Mapping[TP, int] | None:
        """Take partitions over, before their first batch; `positions` is where each goes on (the committed offset).

        May return other offsets to begin at, for example that of a snapshot: batches up to the committed offset then come
        again, their acks commit nothing.
        """

    async def on_revoked(self, partitions: AbstractSet[TP]) -> None:
        """Let partitions go: their last batch is acked and committed. Comes at a graceful stop too, not after a crash."""


class BatchSchema(faust.Schema[None, Batch]):
    """Pass batches through untouched; topics with this schema are those the transport reads in batches."""

    def __init__(self, *, records_max: int = 5000, bytes_max: int = 4 * 1024 * 1024) -> None:
        """Bound one batch: `records_max` records, `bytes_max` bytes of keys and values (one record may be larger)."""
        if records_max < 1 or bytes_max < 1:
            raise ValueError(f"a batch holds at least one record and one byte, got {records_max=} {bytes_max=}")
        super().__init__(key_serializer="raw", value_serializer="raw")
        self.records_max = records_max
        self.bytes_max = bytes_max

    def loads_key(self, app: AppT, message: Message, **options: Any) -> None:
        """Return nothing: every record of the batch has its own key."""

    def loads_value(self, app: AppT, message: Message, **options: Any) -> Any:  # noqa: ARG002  the signature is Faust's
        """Return the batch."""
        value: object = message.value  # which Faust declares as bytes
        if not isinstance(value, Batch):
            raise TypeError(f"topic {message.topic} has a BatchSchema, but the broker URL is not {SCHEME}://...")
        return value


class BatchApp(faust.App):
    """Faust application whose worker ends at the first error instead of going on without the failed batch."""

    batching: BatchOptions
    assignment_listener: AssignmentListener | None = None
    failure: BaseException | None = None

    def fail(self, reason: BaseException) -> None:
        """End the worker with `reason`; what is not acked stays so, and is read again after the restart."""
        if self.failure is not None:
            return
        self.failure = reason
        if self._consumer is not None:
            # A rebalance or a stop may be waiting for the ack of the batch that failed, which never comes.
            cast("Consumer", self._consumer)._unacked_messages.clear()

    def _create_directories(self) -> None:
        # Faust makes NAME-data in the working directory of every worker; only Tables put anything there.
        if self.tables:
            super()._create_directories()


def batch_app(
    group: str,
    bootstrap: str,
    *,
    session_timeout: float = 45.0,
    heartbeat_interval: float = 3.0,
    rebalance_timeout: float = 60.0,
    commit_interval: float = 1.0,
    options: BatchOptions | None = None,
    **settings: Any,
) -> BatchApp:
    """Return an application of consumer group `group` on `bootstrap` ("host:port", several separated by commas).

    Durations in seconds. Batches under way must take far less than `rebalance_timeout`: a rebalance waits for them.
    No web server, no topics of its own, nothing written to disk, begins at the earliest record where the group has
    committed nothing. `settings` are Faust's own and win over these.
    """
    defaults: dict[str, Any] = {
        "broker": ";".join(f"{SCHEME}://{address.strip()}" for address in bootstrap.split(",")),
        "web_enabled": False,
        # Never made. tempfile would try where it can write: a worker must start on a full disk too.
        "datadir": str(Path(os.environ.get("TMPDIR") or "/tmp") / "faust-unused"),
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "reply_create_topic": False,
        "table_standby_replicas": 0,
        "consumer_auto_offset_reset": "earliest",
        "stream_wait_empty": True,  # a hand-over waits for the batch in work
        "stream_buffer_maxsize": 2,  # batches, not records
        "stream_publish_on_commit": False,
        "broker_session_timeout": session_timeout,
        "broker_heartbeat_interval": heartbeat_interval,
        "broker_rebalance_timeout": rebalance_timeout,
        # No longer than the answer that takes longest, that to a join: for so long nobody notices a connection that died.
        "broker_request_timeout": max(rebalance_timeout, session_timeout) + 10,
        "broker_commit_interval": commit_interval,
        "consumer_max_fetch_size": 4 * 1024 * 1024,
        # Of a partition that is assigned and has nothing committed aiokafka asks the leader it knows for the beginning, and
        # goes on asking one that leads no more until it looks at the cluster again: 5 minutes unless told otherwise.
        "consumer_metadata_max_age_ms": 10_000,
        "TableManager": PatientTableManager,
    }
    app = BatchApp(group, **(defaults | settings))
    app.batching = options or BatchOptions()
    return app


def batch_topic(
    app: faust.App,
    *names: str,
    records_max: int = 5000,
    bytes_max: int = 4 * 1024 * 1024,
) -> TopicT:
    """Return a Faust topic over `names` whose agents receive `Batch` values."""
    return app.topic(*names, schema=BatchSchema(records_max=records_max, bytes_max=bytes_max))


def consume(app: BatchApp, topic: TopicT, handler: Handler, *, batches_max: int = 4) -> None:
    """Register `handler` for every batch of `topic`: one at a time, in offset order within a partition.

    A batch is acked when the handler returns. A handler may return an awaitable instead: results of the batch are on
    their way, and the batch is acked when it is done. The handler gets the next batch meanwhile, up to `batches_max` are
    under way. Acks keep the order of delivery. When the handler or what it returned raises, the worker ends without this
    ack or any after it, and `run_worker` raises. Faust alone would ack the batch and start the agent again, which loses it.
    """

    async def process(stream: StreamT[Any]) -> None:
        settling = Settling(batches_max, app.fail)
        try:
            async for event in cast("Stream[Batch]", stream).noack().events():
                await settling.place()
                try:
                    settled = await handler(event.value)
                except (Exception, asyncio.CancelledError) as error:  # whatever it is, it ends the worker
                    if isinstance(error, asyncio.CancelledError) and is_cancelled_itself():
                        raise
                    app.fail(error)
                    await asyncio.Event().wait()  # never take another batch; the stop cancels this
                settling.add(settled, event.ack)
        finally:
            await settling.stop()

    app.agent(
        topic,
        name=f"{app.conf.id}.{topic.get_topic_name() if len(topic.topics) == 1 else 'batches'}",
    )(process)


def batch_options(app: Any) -> BatchOptions:
    """Return the options of a `BatchApp`, the defaults for any other Faust app."""
    return getattr(app, "batching", None) or BatchOptions()


def assignment_listener(app: Any) -> AssignmentListener | None:
    """Return who wants to hear of assignments, if anybody."""
    return cast("AssignmentListener | None", getattr(app, "assignment_listener", None))


def failure(app: Any) -> BaseException | None:
    """Return why a `BatchApp` has to end, None for any other Faust app."""
    return cast("BaseException | None", getattr(app, "failure", None))
