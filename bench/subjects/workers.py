"""Workers of gridwatch in one process, as `gridwatch worker` runs them, until they have taken what there is.

    python -m bench.subjects.workers PREFIX ROLE=RECORDS [ROLE=RECORDS ...]      with the settings in the environment

The parts are those of the command line; beside them only a look at their progress every few milliseconds. The span begins
with the first batch and ends when the results of the last are acknowledged. `sink` writes into the engine that the
settings name; its RECORDS are what it reads.
"""

import asyncio
import sys
from collections.abc import Callable

from bench.span import Span, report
from streams.loops import run
from streams.running import Part, run_parts, worker_part
from streams.settings import Settings, load_settings
from streams.workers import Worker

_LOOK_EVERY_S = 0.005


async def main(settings: Settings, wanted: dict[str, int]) -> None:
    """Serve roles until each has taken so many records, and report what it took."""
    parts: list[Part] = []
    counts: list[tuple[Callable[[], int], int]] = []
    for role, records in wanted.items():
        worker = Worker(role, settings)
        parts.append(worker_part(worker))
        counts.append((_count_of(worker), records))
    await run_parts([*parts, _observer(counts)], asyncio.Event())


def _count_of(worker: Worker) -> Callable[[], int]:
    return lambda: worker.partitions.progress.records


def _observer(counts: list[tuple[Callable[[], int], int]]) -> Part:
    """Return the part that looks on, reports, and lets the others end."""

    async def observe(stop: asyncio.Event) -> None:
        while not any(count() for count, _ in counts):
            if stop.is_set():
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        span, first = Span(), sum(count() for count, _ in counts)
        while any(count() < records for count, records in counts):
            if stop.is_set():
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        report(span.as_json(sum(count() for count, _ in counts) - first))
        stop.set()

    return observe


if __name__ == "__main__":
    pairs = (argument.partition("=") for argument in sys.argv[2:])
    run(
        main(
            load_settings(topic_prefix=sys.argv[1], group_prefix=sys.argv[1]),
            {role: int(records) for role, _, records in pairs},
        )
    )
