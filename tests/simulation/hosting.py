"""What Faust and the batch transport do for a worker, around the real parts of both that need no threads.

Fetches become batches (`split`), which the agent of `consume` takes one after the other; their acks go through
`PartitionLedger` into commits. In a rebalance everything is revoked: batches in work are waited for, what is acked is
committed, the listener lets go, and all is assigned anew. A listener that is still taking over when the next rebalance
comes is told to let go meanwhile, and cancelled when the new assignment is there, as Faust does it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Self

from aiokafka.errors import CommitFailedError, KafkaError
from faust.types import TP

from streams.batching import Batch, consume
from streams.batching.app import AssignmentListener, Handler
from streams.batching.batch import Fetched, split
from streams.batching.ledger import PartitionLedger
from tests.simulation.broker import Broker
from tests.simulation.clients import Member
from tests.simulation.groups import Group
from tests.simulation.loop import Process

_BUFFERED_BATCHES = 2
_BACKOFF_S = 0.5
_LOOKS_EVERY_S = 0.1
_BYTES_MAX = 1 << 20


class WorkerFailed(RuntimeError):
    """The worker ended because of an error of a handler or listener."""


class _Event:
    """A batch with its ack, as an agent gets it."""

    def __init__(self, batch: Batch, ack: Callable[[], object]) -> None:
        self.value = batch
        self.ack = ack


class _Stream:
    """The stream of an agent."""

    def __init__(self, events: Callable[[], AsyncIterator[_Event]]) -> None:
        self.events = events

    def noack(self) -> Self:
        """Return the stream: it acks nothing by itself."""
        return self


class Host:
    """A worker process but for what it decides; stands in for the Faust application too, as far as `consume` needs one."""

    def __init__(self, process: Process, broker: Broker, group: Group, *, batch_records: int, commit_s: float) -> None:
        self.failure: BaseException | None = None
        self.listener: AssignmentListener
        self._process = process
        self._broker = broker
        self._member = Member(process, group)
        self._batch_records = batch_records
        self._commit_s = commit_s
        self._agent: Any = None
        self._news = asyncio.Event()  # something of this may be true: failed, told to stop, to join again
        self._stop = asyncio.Event()
        self._ledgers: dict[TP, PartitionLedger] = {}
        self._acked: dict[TP, set[int]] = {}
        self._committed: dict[TP, int | None] = {}
        self._queue: asyncio.Queue[Batch] = asyncio.Queue(_BUFFERED_BATCHES)
        self._in_work = 0
        self._rounds = 0
        self._has_acks = asyncio.Event()
        self._is_committing = asyncio.Lock()
        self._is_taking_over = False

    # -- as a Faust application

    def serve(self, handler: Handler, batches_max: int) -> None:
        """Give every batch to a handler, through the agent that `consume` makes."""
        app: Any = self
        consume(app, app, handler, batches_max=batches_max)

    conf = property(lambda self: self)
    id = property(lambda self: self._process.name)
    topics = property(lambda self: (self,))

    def get_topic_name(self) -> str:
        """Return a name for the agent."""
        return "batches"

    def agent(self, topic: object, *, name: str) -> Callable[[Any], None]:  # noqa: ARG002
        """Take the agent that `consume` made."""

        def register(process: Any) -> None:
            self._agent = process

        return register

    def fail(self, reason: BaseException) -> None:
        """End the worker; what is not acked stays so."""
        if self.failure is None:
            self.failure = reason
            self._in_work = 0
            self._news.set()

    # -- life

    def stop(self) -> None:
        """End in good order."""
        self._stop.set()
        self._news.set()

    async def run(self) -> None:
        """Serve until told to stop; raises WorkerFailed."""
        agent = asyncio.create_task(self._agent(_Stream(self._events)))
        committing = asyncio.create_task(self._commit_now_and_then())
        taking: asyncio.Task[None] | None = None
        while not self._must_end:
            joined = await self._join()
            if taking is not None:
                taking.cancel()
            if joined:
                taking = await self._one_generation()
        await asyncio.sleep(_LOOKS_EVERY_S)
        await self._end(agent, committing)

    @property
    def _must_end(self) -> bool:
        return self.failure is not None or self._stop.is_set()

    async def _join(self) -> bool:
        joining = asyncio.create_task(self._member.join())
        while not joining.done() and not self._must_end:
            self._news.clear()
            news = asyncio.create_task(self._news.wait())
            await asyncio.wait([joining, news], return_when=asyncio.FIRST_COMPLETED)
            news.cancel()
        joining.cancel()
        return not self._must_end

    async def _one_generation(self) -> asyncio.Task[None]:
        """Serve what is assigned until all are to join again; returns the taking over, which may not be done."""
        self._rounds += 1
        fetching: list[asyncio.Task[None]] = []
        taking = asyncio.create_task(self._take_over(self._member.assigned, fetching))
        watching = asyncio.create_task(self._wake_on_rebalance())
        while not self._must_end and not self._member.must_rejoin.is_set():
            self._news.clear()
            await self._news.wait()
        watching.cancel()
        for task in fetching:
            task.cancel()
        fetching.clear()
        if not self._must_end:
            await self._revoke()
        return taking

    async def _wake_on_rebalance(self) -> None:
        await self._member.must_rejoin.wait()
        self._news.set()

    async def _end(self, agent: asyncio.Task[None], committing: asyncio.Task[None]) -> None:
        with suppress(CommitFailedError):
            if self.failure is None:
                await self._wait_empty()
            await self._commit()
        if self.failure is None:
            await self._let_go()
        for task in (agent, committing):
            task.cancel()
        await asyncio.gather(agent, committing, return_exceptions=True)
        await self._member.leave()
        if self.failure is not None:
            raise WorkerFailed(f"{type(self.failure).__name__}: {self.failure}") from self.failure

    # -- assignment

    async def _take_over(self, assigned: tuple[TP, ...], fetching: list[asyncio.Task[None]]) -> None:
        rounds = self._rounds
        self._note("takes over")
        committed = await self._member.committed()
        positions = {tp: committed.get(tp, 0) for tp in assigned}
        self._committed = {tp: committed.get(tp) for tp in assigned}
        self._ledgers = {tp: PartitionLedger(offset) for tp, offset in positions.items()}
        self._acked = {tp: set() for tp in assigned}
        self._is_taking_over = True
        try:
            starts = await self.listener.on_assigned(positions) if positions else None
        except Exception as error:
            self.fail(error)
            raise
        finally:
            self._is_taking_over = False
        if rounds != self._rounds or self._member.must_rejoin.is_set():
            return
        self._note("has taken over")
        for tp, offset in (starts or {}).items():
            self._ledgers[tp].seek(offset)
        fetching += [asyncio.create_task(self._fetch(tp, self._ledgers[tp])) for tp in assigned]

    def _note(self, what: str) -> None:
        self._process.world.note(self._process.name, what)

    async def _revoke(self) -> None:
        self._note("lets go")
        if self._in_work:
            self._process.world.met("a rebalance while batches are in work")
        while not self._queue.empty():
            self._queue.get_nowait()
        await self._wait_empty()
        with suppress(CommitFailedError):
            await self._commit()
        await self._let_go()

    async def _wait_empty(self) -> None:
        """Wait for what is in work to be acked."""
        while self._in_work and self.failure is None:
            await asyncio.sleep(_LOOKS_EVERY_S)

    async def _let_go(self) -> None:
        held = set(self._ledgers)
        self._ledgers = {}
        if self._is_taking_over:
            self._process.world.met("a rebalance while partitions are taken over")
        if held:
            try:
                await self.listener.on_revoked(held)
            except Exception as error:
                self.fail(error)

    # -- batches

    async def _fetch(self, tp: TP, ledger: PartitionLedger) -> None:
        while True:
            start = ledger.expected
            try:
                records, next_offset = await self._broker.fetch(self._process, tp, start, 4 * self._batch_records)
            except KafkaError:
                await asyncio.sleep(_BACKOFF_S)
                continue
            if not records:
                ledger.skip(next_offset)
            fetched = Fetched(start, next_offset, records)
            for batch in split(*tp, fetched, records_max=self._batch_records, bytes_max=_BYTES_MAX):
                ledger.deliver(batch.last_offset, batch.next_offset)
                await self._queue.put(batch)

    async def _events(self) -> AsyncIterator[_Event]:
        while True:
            batch = await self._queue.get()
            self._in_work += 1
            yield _Event(batch, self._ack_of(batch, self._rounds))

    def _ack_of(self, batch: Batch, rounds: int) -> Callable[[], None]:
        def ack() -> None:
            self._in_work -= 1
            if rounds == self._rounds:
                self._acked[TP(batch.topic, batch.partition)].add(batch.last_offset)
                self._has_acks.set()

        return ack

    # -- commits

    async def _commit_now_and_then(self) -> None:
        while True:
            await self._has_acks.wait()
            self._has_acks.clear()
            await asyncio.sleep(self._commit_s)
            with suppress(CommitFailedError):
                await self._commit()

    async def _commit(self) -> None:
        async with self._is_committing:
            found = {tp: ledger.settle(self._acked[tp], self._committed[tp]) for tp, ledger in self._ledgers.items()}
            offsets = {
                tp: offset for tp, offset in found.items() if offset is not None and offset > (self._committed[tp] or 0)
            }
            if not offsets:
                return
            # As Faust: believed to be committed, whatever comes of it.
            self._committed.update(offsets)
            await self._member.commit(offsets)
