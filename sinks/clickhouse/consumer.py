"""The Kafka consumer the sink reads with, and the ends of its topics. The one module of the sinks that knows aiokafka."""

import asyncio
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.consumer.fetcher import READ_UNCOMMITTED, FetchResult
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    RebalanceInProgressError,
)
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.structs import TopicPartition as Partition
from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from sinks.clickhouse.runs import Place, Run

_log = structlog.get_logger(__name__)
_WATERMARK_POLLS = 20
_START_SECONDS, _START_PAUSE_S = 10.0, 0.5
_LEAVE_SECONDS = 5.0
_FETCH_FROM_BYTES, _FETCH_WAIT_MS = 1024 * 1024, 250
_FETCH_BYTES = 16 * 1024 * 1024
_PARTITION_FETCH_BYTES = 1024 * 1024
# Parsed records die in groups this small: with those of a whole fetch alive together, Python's garbage collector looks at
# all objects of the process again and again.
_GROUP = 128
# A sink that waits for ClickHouse reads nothing for a while and is a member all the same: its heartbeats say so.
_WITHOUT_READING_MS = 3_600_000


class Fetched(NamedTuple):
    """Messages of one partition as they came, and the end of the partition as far as it is known."""

    run: Run
    end_seen: int | None


class _Assignments(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Counts how often partitions are dealt out."""

    def __init__(self) -> None:
        self.count = 0

    def on_partitions_revoked(self, revoked: object) -> None:
        pass

    def on_partitions_assigned(self, assigned: object) -> None:  # noqa: ARG002  their names are aiokafka's
        self.count += 1


class LogReader:
    """Reads topics as a member of a group, inside an event loop; commits only what it is told to.

    It begins at the start of a topic nobody has read, never creates one, and takes up those that come into being later.
    While nothing is asked of it, one fetch of each partition waits here at most (1 MiB), and the membership goes on.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._consumer: Any = None
        self._assignments = _Assignments()

    @property
    def rebalances(self) -> int:
        """How often partitions were dealt out to this member."""
        return self._assignments.count

    @property
    def is_joining(self) -> bool:
        """Whether partitions are being dealt out, for the first time too. For any thread."""
        return self._consumer is None or bool(self._consumer._subscription.reassignment_in_progress)

    async def start(self, topics: Iterable[str]) -> None:
        """Join the group; raises aiokafka's KafkaConnectionError when no broker answers for ten seconds.

        Where brokers answer and the group does not come together it waits on; it may be cancelled.
        """
        give_up_at = time.monotonic() + _START_SECONDS
        while True:
            self._consumer = AIOKafkaConsumer(**self._options)
            # By their names alone: to subscribe to a topic would make a broker that is set so create it.
            pattern = f"^(?:{'|'.join(map(re.escape, topics))})$"
            self._consumer.subscribe(pattern=pattern, listener=self._assignments)
            try:
                await self._consumer.start()
            except BaseException as error:
                await self.stop()
                if not isinstance(error, KafkaConnectionError) or time.monotonic() > give_up_at:
                    raise
            else:
                return
            await asyncio.sleep(_START_PAUSE_S)

    async def read(self, seconds: float) -> list[Fetched]:
        """Return what has come, waiting so long for the first of it; at most one fetch of each partition."""
        fetcher = self._consumer._fetcher
        _leave_as_parsed(fetcher._records.values())
        polled = await self._consumer.getmany()
        if not polled:
            # Waited for here: what getmany itself waits for, it takes before it could be left as it was parsed.
            # Not by wait_for: before Python 3.12 it may lose a cancellation, and the sink would never end.
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await fetcher._create_fetch_waiter()
            _leave_as_parsed(fetcher._records.values())
            polled = await self._consumer.getmany()
        return [
            Fetched(_run(partition, records), self._consumer.highwater(partition))
            for partition, records in polled.items()
        ]

    def assigned(self) -> set[Place]:
        """Return the partitions that are this member's now."""
        return {(partition.topic, partition.partition) for partition in self._consumer.assignment()}

    async def positions(self) -> dict[Place, int]:
        """Return the offset that is read next, of every partition of this member of which it is known."""
        positions: dict[Place, int] = {}
        for partition in self._consumer.assignment():
            # A position that is known comes at once; one that is not is no reason to wait.
            with suppress(TimeoutError, IllegalStateError):
                async with asyncio.timeout(0):
                    positions[partition.topic, partition.partition] = await self._consumer.position(partition)
        return positions

    async def commit(self, offsets: Mapping[Place, int], seconds: float = 30.0) -> None:
        """Commit the offset to be read next of those partitions that are this member's, or raise KafkaError in time."""
        ours = {Partition(*place): offset for place, offset in offsets.items() if place in self.assigned()}
        if not ours:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._consumer.commit(ours)
        except (CommitFailedError, IllegalStateError, RebalanceInProgressError) as error:
            # The partitions are changing owner, and the new one writes the same rows once more.
            _log.warning("commit_refused", partitions=len(ours), error=type(error).__name__)
        except TimeoutError:
            raise KafkaConnectionError(f"no answer to a commit in {seconds:.0f} s") from None

    async def stop(self) -> None:
        """Leave the group, so that the others need not wait for the session to time out; not for long where nobody hears."""
        try:
            async with asyncio.timeout(_LEAVE_SECONDS):
                await self._leave()
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            # aiokafka 0.14 lets that of a fetch which it has cancelled itself out, where it waits to be tried again.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise

    async def _leave(self) -> None:
        coordinator: Any = getattr(self._consumer, "_coordinator", None)
        if coordinator is not None and coordinator.generation == 0:
            # aiokafka takes generation 0 for "never joined", but the embedded broker begins to count there.
            with suppress(KafkaError):
                await coordinator._send_req(LeaveGroupRequest(coordinator.group_id, coordinator.member_id))
        await self._consumer.stop()


def build_consumer(client_options: Mapping[str, Any], group: str, **overrides: Any) -> LogReader:
    """Build the reader of a sink; `client_options` are bootstrap servers and security as aiokafka names them."""
    options = {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        # So long aiokafka may ask for the beginning of a new partition where it is led no more.
        "metadata_max_age_ms": 10_000,
        "session_timeout_ms": 10_000,
        "heartbeat_interval_ms": 3_000,
        "max_poll_interval_ms": _WITHOUT_READING_MS,
        # The sink writes large batches anyway: it need not be told of every few records.
        "fetch_min_bytes": _FETCH_FROM_BYTES,
        "fetch_max_wait_ms": _FETCH_WAIT_MS,
        "fetch_max_bytes": _FETCH_BYTES,
        "max_partition_fetch_bytes": _PARTITION_FETCH_BYTES,
        # Brokers verify it when a record is written, and librdkafka leaves it out by default too.
        "check_crcs": False,
        **client_options,
        **overrides,
    }
    return LogReader(options)


def _leave_as_parsed(results: Iterable[Any]) -> None:
    """Have aiokafka hand out runs of what it parsed, where it would make a ConsumerRecord of each message in Python.

    That is most of what reading costs. Whose turn it is, errors and all else stay aiokafka's, and so do fetches that are
    not that simple: with checksums, or where transactions are looked at.
    """
    for result in results:
        parts = getattr(result, "_partition_records", None)
        if type(result) is not FetchResult or parts is None:
            continue
        if parts._isolation_level == READ_UNCOMMITTED and not parts._check_crcs:
            result.getall = partial(_take_all, result)


def _take_all(result: Any, _max_records: int | None = None) -> Run | None:
    """Take a fetch as FetchResult.getall does: without control records and what lies before the position."""
    del result.getall  # which refers to the result itself
    partition = result._topic_partition
    if not result.check_assignment(partition) or not result.has_more():
        return None
    parts, taken = result._partition_records, Run(partition.topic, partition.partition, [], [], [])
    # Whatever is raised below, the rest of the fetch is not taken later: it would stand behind a gap.
    result._partition_records = None
    while parts._records.has_next():
        batch = parts._records.next_batch()
        # A chain, because aiokafka's batch begins again when it is asked once more at its end.
        records = chain(() if batch.is_control_batch else batch)
        while group := list(islice(records, _GROUP)):
            if group[0].offset < parts.next_fetch_offset:
                group = [record for record in group if record.offset >= parts.next_fetch_offset]
            taken.extend(_run(partition, group))
        parts.next_fetch_offset = batch.next_offset
    result._assignment.state_value(partition).consumed_to(parts.next_fetch_offset)
    return taken


def _run(partition: Partition, records: Any) -> Run:
    """Return the run of records of aiokafka's, in either form, or what is a run already."""
    if isinstance(records, Run):
        return records
    return Run(
        partition.topic,
        partition.partition,
        [record.offset for record in records],
        [record.timestamp for record in records],
        [record.value for record in records],
    )


def end_offsets(client_options: Mapping[str, Any], topics: Iterable[str]) -> dict[Place, int]:
    """Return the present end of every partition of the topics; a topic that does not exist has none.

    The ends are the high watermarks that come with a fetch of the last record. The broker's list of offsets alone is
    not enough: the embedded broker answers it with the first offset of the last batch, plus one.
    """
    consumer = KafkaConsumer(**{"enable_auto_commit": False, "allow_auto_create_topics": False, **client_options})
    try:
        partitions = [
            TopicPartition(topic, partition) for topic in topics for partition in consumer.partitions_for_topic(topic)
        ]
        if not partitions:
            return {}
        ends = consumer.end_offsets(partitions)
        starts = consumer.beginning_offsets(partitions)
        _raise_to_watermarks(consumer, ends, {part for part in partitions if starts[part] < ends[part]})
        return {tuple(partition): end for partition, end in ends.items()}
    finally:
        consumer.close(autocommit=False)


def _raise_to_watermarks(consumer: KafkaConsumer, ends: dict[TopicPartition, int], filled: set[TopicPartition]) -> None:
    if not filled:
        return
    consumer.assign(filled)
    for partition in filled:
        consumer.seek(partition, ends[partition] - 1)
    # Bounded, for what was there may be gone in the meantime: then the list has to do.
    for _ in range(_WATERMARK_POLLS):
        if not filled:
            return
        for partition in consumer.poll(timeout_ms=500):
            ends[partition] = max(ends[partition], consumer.highwater(partition) or 0)
            consumer.pause(partition)
            filled.discard(partition)
