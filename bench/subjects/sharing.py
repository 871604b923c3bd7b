"""A watch worker that shares the timeline with others, until the group has read it to its end.

    python -m bench.subjects.sharing PREFIX watch=RECORDS      with the settings in the environment

Reports its own records, from its first batch until the group is done; that is asked of the brokers.
"""

import asyncio
import sys

from bench.span import Span, report
from streams.broker.offsets import OffsetReader, behind
from streams.loops import run
from streams.running import Part, run_parts, worker_part
from streams.settings import Settings, load_settings
from streams.workers import Worker

_LOOK_EVERY_S = 0.05


async def main(settings: Settings) -> None:
    """Serve until the group has committed the ends of the timeline."""
    worker = Worker("watch", settings)
    await run_parts([worker_part(worker), _observer(worker, settings)], asyncio.Event())


def _observer(worker: Worker, settings: Settings) -> Part:
    async def observe(stop: asyncio.Event) -> None:
        progress = worker.partitions.progress
        async with OffsetReader(settings) as offsets:
            ends = await offsets.ends(await offsets.partitions(["timeline"]))
            while not progress.records and behind(ends, await offsets.committed("watch")):
                await asyncio.sleep(_LOOK_EVERY_S)
            span, first = Span(), progress.records
            while behind(ends, await offsets.committed("watch")):
                await asyncio.sleep(_LOOK_EVERY_S)
        report(span.as_json(max(progress.records - first, 1)))
        stop.set()

    return observe


if __name__ == "__main__":
    run(main(load_settings(topic_prefix=sys.argv[1], group_prefix=sys.argv[1])))
