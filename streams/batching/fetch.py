"""The thread that fetches: records of the partitions in turn, and where each partition stood before and after."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from time import monotonic
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.batching.app import batch_options
from streams.batching.batch import Fetched
from streams.batching.parsed import is_parsed_here, take_parsed
from streams.batching.settling import is_cancelled_itself

# Without a record for so long, fetches wait at the brokers instead of being repeated.
_QUIET_S = 0.1


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """Fetch, and report with the records where each partition stood before and after."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._turn = 0
        self._served: dict[Any, int] = {}  # when each partition had its last turn

    async def on_thread_stop(self) -> None:
        """Leave the group, so that the others need not wait for the session to time out; a static member stays in it."""
        coordinator = getattr(self._consumer, "_coordinator", None)
        is_static = self.app.conf.consumer_group_instance_id is not None
        if coordinator is not None and coordinator.generation == 0 and not is_static:
            # aiokafka takes generation 0 for "never joined", but the embedded broker begins to count there.
            with suppress(KafkaError):
                await coordinator._send_req(LeaveGroupRequest(coordinator.group_id, coordinator.member_id))
        try:
            await super().on_thread_stop()
        except asyncio.CancelledError:
            # aiokafka 0.14 lets that of a fetch which it has cancelled itself out, where it waits to be tried again.
            if is_cancelled_itself():
                raise

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer = super()._create_worker_consumer(transport)
        options = batch_options(self.app)
        # Faust fixes the wait at 1500 ms and has no setting for the sizes; all are read when the consumer starts.
        consumer._fetch_max_wait_ms = options.fetch_wait_ms_max
        consumer._fetch_min_bytes = options.fetch_bytes_min
        consumer._fetch_max_bytes = options.fetch_bytes_max
        return consumer

    async def _fetch_records(  # type: ignore[override]
        self,
        consumer: Any,
        active_partitions: AbstractSet[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> Mapping[TP, Fetched]:
        deadline = monotonic() + (timeout or 0.0)
        fetcher = consumer._fetcher
        with fetcher._subscriptions.fetch_context():
            while self.consumer.flow_active:
                if consumer._closed or fetcher._closed:
                    raise self.consumer.consumer_stopped_errors[0]
                fetched = await self._drain(fetcher, active_partitions, self._records_max(max_records))
                wait_s = deadline - monotonic()
                if fetched or wait_s <= 0 or fetcher._subscriptions.reassignment_in_progress:
                    return fetched
                if not await self._has_fetched(fetcher, min(wait_s, _QUIET_S)):
                    self._be_quiet(fetcher)
                    await self._has_fetched(fetcher, deadline - monotonic())
        return {}

    def _be_busy(self, fetcher: Any) -> None:
        """Have brokers gather: the next fetch brings many records, or waits a little."""
        options = batch_options(self.app)
        fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = options.fetch_wait_ms_max, options.fetch_bytes_min

    def _be_quiet(self, fetcher: Any) -> None:
        """Have brokers answer with the first record, and otherwise keep us waiting: nothing has come for a while."""
        options = batch_options(self.app)
        fetcher._fetch_max_wait_ms, fetcher._fetch_min_bytes = options.quiet_wait_ms_max, 1

    async def _drain(self, fetcher: Any, active: AbstractSet[TP], records_max: int | None) -> dict[TP, Fetched]:
        # Between reading the positions and the records there is no await that suspends: `fetched_records` with no
        # timeout returns at once unless a reassignment is in progress. So the two belong together.
        if fetcher._subscriptions.reassignment_in_progress:
            return {}
        if fetcher._records:  # the next fetch goes out when these are taken
            self._be_busy(fetcher)
        before = self._positions(fetcher)
        drained: dict[Any, Any] = {}
        bounds: dict[Any, int | None] = {}
        for tp in sorted(active & fetcher._records.keys(), key=lambda tp: self._served.get(tp, 0)):
            # One at a time, who waited longest first: aiokafka would empty one partition before it looks at the next.
            records, bounds[tp] = await self._take(fetcher, tp, records_max)
            if records:
                drained[tp] = records
            self._turn += 1
            self._served[tp] = self._turn
            if records_max is not None and (records_max := records_max - len(records)) == 0:
                break
        after = self._positions(fetcher)
        return {
            TP(tp.topic, tp.partition): Fetched(before[tp], after[tp], drained.get(tp, ()), bounds.get(tp))
            for tp in before.keys() & after.keys()
            if before[tp] != after[tp] or tp in drained
        }

    async def _take(self, fetcher: Any, tp: Any, records_max: int | None) -> tuple[Sequence[Any], int | None]:
        result = fetcher._records[tp]
        schema_of = self.consumer.schema_of  # type: ignore[attr-defined]  # it is ours
        if schema_of(tp.topic) is None or not is_parsed_here(result):
            part = await fetcher.fetched_records({tp}, timeout=0, max_records=records_max)
            return part.get(tp, ()), None
        records, bytes_max = take_parsed(result, tp, records_max)
        if not result.has_more():
            del fetcher._records[tp]
            fetcher._notify(fetcher._wait_consume_future)  # the next may be fetched
        return records, bytes_max

    @staticmethod
    def _positions(fetcher: Any) -> dict[Any, int]:
        subscription = fetcher._subscriptions.subscription
        assignment = subscription.assignment if subscription is not None else None
        if assignment is None or not assignment.active:
            return {}
        states = ((tp, assignment.state_value(tp)) for tp in assignment.tps)
        return {tp: state.position for tp, state in states if state.has_valid_position}

    def _records_max(self, configured: int | None) -> int | None:
        limit: int | None = getattr(self.consumer, "fetch_records_max", None)
        return configured or limit

    @staticmethod
    async def _has_fetched(fetcher: Any, wait_s: float) -> bool:
        """Wait for records, and tell whether some came; none in 0 seconds or less."""
        waiter = fetcher._create_fetch_waiter()
        try:
            await asyncio.wait_for(waiter, max(wait_s, 0.0))
        except TimeoutError:
            return False
        return True
