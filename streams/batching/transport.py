"""The `batchkafka://` transport: Faust's aiokafka transport, one Faust message per partition and fetch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from collections.abc import Set as AbstractSet
from time import monotonic
from typing import Any, ClassVar, TypeVar, cast

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import ConsumerT, TPorTopicSet

from streams.batching.app import BatchApp, BatchSchema, assignment_listener, batch_options, failure
from streams.batching.batch import Batch, Fetched, split
from streams.batching.fetch import BatchConsumerThread
from streams.batching.ledger import PartitionLedger

T = TypeVar("T")


class RecordsLost(RuntimeError):
    """The log no longer holds records that the group has not read, or holds fewer than it has read."""


class Consumer(driver.Consumer):
    """Yield one message per batch for topics with a `BatchSchema`, one per record for all others."""

    _thread: BatchConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._ledgers: dict[TP, PartitionLedger] = {}
        self._schemas: dict[str, BatchSchema | None] = {}
        self._acks_of_revoked: dict[TP, list[int]] = {}
        self._thrown_away: set[TP] = set()
        self._committed_of_revoked: dict[TP, int | None] = {}
        super().__init__(*args, **kwargs)
        self._revoke_in_app, self._on_partitions_revoked = self._on_partitions_revoked, self._revoke_with_acks

    def _new_consumer_thread(self) -> BatchConsumerThread:
        # A loop of the application's kind, which may be uvloop's: Faust would make one of asyncio's for what is fetched.
        thread_loop = type(self.loop)()
        thread = BatchConsumerThread(self, loop=self.loop, thread_loop=thread_loop, beacon=self.beacon)
        thread._close_thread_loop_on_stop = True  # as that which Faust would have made
        return thread

    @property
    def fetch_records_max(self) -> int | None:
        """Return how many records one fetch may take out of the buffer: the largest batch of any topic."""
        return max(
            (schema.records_max for schema in self._schemas.values() if schema),
            default=None,
        )

    def schema_of(self, topic: str) -> BatchSchema | None:
        """Return the schema that says how to cut `topic` into batches, or None for a topic read record by record."""
        if topic not in self._schemas:
            channels = self.app.topics._topic_name_index.get(topic, ())  # type: ignore[attr-defined]
            schemas = [channel.schema for channel in channels]
            batched = [schema for schema in schemas if isinstance(schema, BatchSchema)]
            if batched and len(batched) != len(schemas):
                raise TypeError(f"topic {topic} has agents with a BatchSchema and agents without: use one for all")
            self._schemas[topic] = batched[0] if batched else None
        return self._schemas[topic]

    # -- reading

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Yield what one fetch brought, for as long as flow, generation and partition are what they were."""
        await self._go_back_where_thrown_away()
        fetched, active = await self._wait_next_records(timeout)
        generation_id = self.app.consumer_generation_id
        if not fetched or self.should_stop:
            return
        for tp, part in cast("Mapping[TP, Fetched]", fetched).items():
            self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
            async for message in self._messages(tp, part):
                is_current = self.flow_active and self.app.consumer_generation_id == generation_id
                if not is_current or not (active is None or tp in active or tp in self._buffered_partitions):
                    self._thrown_away.add(tp)  # the ledger still expects it
                    break
                self._note_delivery(tp, message)
                yield tp, message

    async def _go_back_where_thrown_away(self) -> None:
        """Read again what a pause made us throw away, without waiting for the next record to show that it is missing."""
        if not self.flow_active:
            return
        for tp in self._thrown_away - self._paused_partitions:
            self._thrown_away.discard(tp)
            ledger = self._ledgers.get(tp)
            if ledger is not None:
                await self.seek_wait({tp: ledger.expected})

    async def _messages(self, tp: TP, part: Fetched) -> AsyncIterator[ConsumerMessage]:
        schema = self.schema_of(tp.topic)
        if schema is None:
            for record in part.records:
                yield self._to_message(tp, record)
            return
        ledger = self._ledgers.get(tp)
        if ledger is None or not await self._is_continuous(tp, ledger, part):
            return
        if not part.records:
            ledger.skip(part.next_offset)
            self._acked[tp]  # partitions without an entry are not looked at for a commit
        limits = {"records_max": schema.records_max, "bytes_max": schema.bytes_max}
        for batch in split(tp.topic, tp.partition, part, **limits):
            yield self._to_batch_message(tp, batch)

    def _note_delivery(self, tp: TP, message: ConsumerMessage) -> None:
        value: object = message.value  # which Faust declares as bytes
        if isinstance(value, Batch) and (ledger := self._ledgers.get(tp)) is not None:
            ledger.deliver(message.offset, value.next_offset, monotonic())
            # Faust drops what lies before its own mark without a word, and sets the mark too late after a seek back.
            self._read_offset[tp] = None

    def _to_batch_message(self, tp: TP, batch: Batch) -> ConsumerMessage:
        last = batch.records[-1]
        return ConsumerMessage(
            batch.topic,
            batch.partition,
            last.offset,
            last.timestamp / 1000.0,
            last.timestamp_type,
            None,
            None,
            cast(bytes, batch),
            None,
            0,
            None,  # nobody asks, and counting costs
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _is_continuous(self, tp: TP, ledger: PartitionLedger, part: Fetched) -> bool:
        if part.start_offset == ledger.expected:
            return True
        begin = (await self.earliest_offsets(tp))[tp]
        # The embedded broker answers this with too low an end; what a fetch said is right, but may be missing.
        end = max((await self.highwaters(tp))[tp], self.highwater(tp) or 0)
        if ledger.expected > end:
            raise RecordsLost(
                f"{tp.topic}:{tp.partition} ends at offset {end}, the group has read up to {ledger.expected}: "
                "the topic was made anew or the broker lost records; reset the offsets of the group"
            )
        if ledger.expected < begin:
            await self._on_records_lost(tp, ledger, begin)
        self.log.info("Reading %s:%s again from %s", tp.topic, tp.partition, ledger.expected)
        await self.seek_wait({tp: ledger.expected})
        return False

    async def _on_records_lost(self, tp: TP, ledger: PartitionLedger, begin: int) -> None:
        lost = (
            f"{tp.topic}:{tp.partition} begins at offset {begin}, expected {ledger.expected}: deleted before being read"
        )
        if batch_options(self.app).fail_on_lost_records:
            raise RecordsLost(f"{lost}; reset the offsets of the group to go on without these records")
        self.log.error("%s, records in between are lost", lost)
        ledger.skip(begin)

    def on_buffer_full(self, tp: TP) -> None:
        """Keep fetching: a full stream buffer blocks the delivery, which bounds memory without a pause."""
        if self.schema_of(tp.topic) is None:
            super().on_buffer_full(tp)

    # -- positions

    async def perform_seek(self) -> None:
        """Go to the committed offsets, or where the listener wants to begin; before the first batch of an assignment."""
        await super().perform_seek()
        partitions = [tp for tp in self.assignment() if self.schema_of(tp.topic) is not None]
        positions = {tp: await self._resume_at(tp) for tp in partitions}
        self._ledgers = {tp: PartitionLedger(offset) for tp, offset in positions.items()}
        self._thrown_away.clear()
        listener = assignment_listener(self.app)
        if listener is None or not positions:
            return
        wanted = await self._listen(listener.on_assigned(positions)) or {}
        # What was taken away meanwhile ended for the listener before it had begun.
        gone = positions.keys() - self._ledgers.keys()
        if gone:
            await self._listen(listener.on_revoked(gone))
        starts = {tp: offset for tp, offset in wanted.items() if tp in self._ledgers}
        for tp, offset in starts.items():
            self._ledgers[tp].seek(offset)
        if starts:
            await self.seek_wait(starts)

    async def _resume_at(self, tp: TP) -> int:
        committed = self._committed_offset[tp]
        if committed is not None and committed >= 0:
            return committed
        self._committed_offset[tp] = None
        return cast(int, await self.position(tp))

    async def seek(self, partition: TP, offset: int) -> None:
        """Go on at `offset`. Going back repeats batches; the committed offset never goes back."""
        await super().seek(partition, offset)
        if (ledger := self._ledgers.get(partition)) is not None:
            ledger.seek(offset)

    # -- acks and commits

    def ack(self, message: Message) -> bool:
        """Mark a batch as done.

        What nobody has done counts for nothing: a batch that the stream skipped, because a rebalance had begun (Faust acks
        those), and one of an earlier assignment, whose partition may have been given out again meanwhile.
        """
        value: object = message.value  # which Faust declares as bytes
        is_old = message.generation_id != self.app.consumer_generation_id
        if isinstance(value, Batch) and (is_old or not message.tracked):
            message.acked = True
            self._unacked_messages.discard(message)
            return False
        is_new = super().ack(message)
        self._unacked_messages.discard(message)  # Faust keeps those below the committed offset
        return is_new

    async def commit(self, topics: TPorTopicSet | None = None, start_new_transaction: bool = True) -> bool:
        """Commit what is acked by now; Faust alone commits nothing when another commit is under way."""
        while self._commit_fut is not None:
            # Not by awaiting it, as Faust does: who is cancelled there cancels the future too, is not told, and would come
            # back to it for ever, in a loop that lets nobody else run.
            await asyncio.wait({self._commit_fut})
        return await super().commit(topics, start_new_transaction)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if self.schema_of(tp.topic) is None:
            await super()._add_gap(tp, offset_from, offset_to)

    def _new_offset(self, tp: TP) -> int | None:
        if self.schema_of(tp.topic) is None:
            return super()._new_offset(tp)
        ledger = self._ledgers.get(tp)
        offset = ledger.settle(self._acked_index[tp], self._committed_offset[tp]) if ledger else None
        if offset is not None:
            self._acked[tp] = [last for last in self._acked[tp] if last >= offset]
            self._acked_index[tp] = set(self._acked[tp])
        return offset

    # -- rebalance and end

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Wait for the batch in work, commit all that is acked, tell the listener, forget the partitions."""
        self._acks_of_revoked = {tp: self._acked.get(tp, []) for tp in revoked if tp in self._ledgers}
        self._committed_of_revoked = {tp: self._committed_offset.get(tp) for tp in self._acks_of_revoked}
        await super().on_partitions_revoked(revoked)
        for tp in revoked:
            for of_partition in (self._acked, self._acked_index, self._committed_offset):
                of_partition.pop(tp, None)
        await self._let_go(revoked)

    async def _revoke_with_acks(self, revoked: set[TP]) -> None:
        # Faust has just thrown away the acks that are not committed yet; whoever takes over would repeat their batches.
        self._acked.update(self._acks_of_revoked)
        self._acked_index.update({tp: set(acked) for tp, acked in self._acks_of_revoked.items()})
        self._committed_offset.update(self._committed_of_revoked)
        await self._revoke_in_app(revoked)

    async def wait_empty(self) -> None:
        """Wait for the batch in work, unless it failed: then commit what came before it."""
        if failure(self.app) is None:
            await super().wait_empty()
        else:
            await self.commit_and_end_transactions()

    async def on_stop(self) -> None:
        """Commit and tell the listener."""
        await super().on_stop()
        if not self.crashed and failure(self.app) is None:
            await self._let_go(set(self._ledgers))

    async def _let_go(self, partitions: AbstractSet[TP]) -> None:
        held = {tp for tp in partitions if self._ledgers.pop(tp, None) is not None}
        listener = assignment_listener(self.app)
        if held and listener:
            await self._listen(listener.on_revoked(held))

    async def _listen(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except Exception as error:
            if isinstance(self.app, BatchApp):
                self.app.fail(error)
            raise


class Transport(driver.Transport):
    """Transport of the URL scheme `batchkafka`; producer and topic handling are Faust's."""

    Consumer: ClassVar[type[ConsumerT]] = Consumer
