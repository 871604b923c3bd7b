"""Workers, a clock and a sink that get stuck once a record with a marker comes: faults of ours, planted.

Takes the command line of `gridwatch`; GRIDWATCH_TEST_STUCK says how:

    unsettled   results are handed over and never acknowledged
    held        results are handed over and acknowledged once the file GRIDWATCH_TEST_RELEASED is there
    blocked     the event loop is blocked while the record is decided
    deaf        unsettled, and the stop waits for ever as well
    unread      the thread that fetches brings nothing any more
    silent      the tick writer's second tick is never acknowledged
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import streams.running
import streams.workers
from streams.batching.fetch import BatchConsumerThread
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.cli.main import main
from streams.intake.decider import IntakePartition
from streams.partition import LogRecord

MARKER = b"planted-fault"
HOW = os.environ.get("GRIDWATCH_TEST_STUCK", "")
RELEASED = Path(os.environ.get("GRIDWATCH_TEST_RELEASED", "/nowhere"))
_never = threading.Event()


class UnsettledPublisher(Publisher):
    """Waits for ever for the acknowledgement of what holds the marker, and in a second tick."""

    ticks = 0

    async def publish(self, outputs: Iterable[Output], on_handed_over: Callable[[], object] = lambda: None) -> int:
        given = list(outputs)
        self.ticks += any(b'"kind":"tick"' in output.value for output in given)
        if any(MARKER in output.value for output in given) or (HOW == "silent" and self.ticks > 1):
            on_handed_over()
            while HOW != "held" or not RELEASED.exists():
                await asyncio.sleep(0.05)
        return await super().publish(given, on_handed_over)

    async def stop(self) -> None:
        if HOW == "deaf":
            await asyncio.Event().wait()
        await super().stop()


def block_at_marker() -> None:
    """Have intake wait within its event loop when it decides the marker."""
    decide = IntakePartition.take

    def take_and_wait_for_ever(self: IntakePartition, records: Iterable[LogRecord], publish_from: int) -> list[Output]:
        given = list(records)
        if any(MARKER in (record.value or b"") for record in given):
            _never.wait()
        return decide(self, given, publish_from)

    IntakePartition.take = take_and_wait_for_ever  # type: ignore[method-assign]


def bring_nothing_after_marker() -> None:
    """Have the thread that fetches bring nothing once it has seen the marker, and raise nothing either."""
    fetch = BatchConsumerThread._fetch_records
    seen = False

    async def fetch_until_marker(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal seen
        fetched = {} if seen else await fetch(self, *arguments, **options)
        if seen:
            await asyncio.sleep(0.2)
        seen = seen or any(MARKER in (record.value or b"") for part in fetched.values() for record in part.records)
        return {} if seen else fetched

    BatchConsumerThread._fetch_records = fetch_until_marker  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    if HOW == "blocked":
        block_at_marker()
    elif HOW == "unread":
        bring_nothing_after_marker()
    else:
        streams.workers.Publisher = UnsettledPublisher  # type: ignore[misc]
        streams.running.Publisher = UnsettledPublisher  # type: ignore[misc]
    main(prog_name="gridwatch")
