"""Writes the state of a crowd into watch's state topic, as a worker that had decided a week of it would have left it."""

import uuid
import zlib

from bench import broker, crowd
from bench.town import Line
from streams.broker.publisher import Publisher
from streams.broker.state_log import SnapshotChain
from streams.broker.state_store import StateStore
from streams.partition import SavedState

# A snapshot stands at an offset: so many records stand before it in every partition.
_BEFORE = 1


class _Whole:
    """A state as a snapshot is taken of it, all of it changed since the last one."""

    def __init__(self, saved: SavedState) -> None:
        self._saved = saved

    @property
    def parts(self) -> tuple[str, ...]:
        return ()  # whatever is there counts as changed

    def head(self) -> dict[str, object]:
        return self._saved.head

    def changes(self) -> dict[str, bytes | None]:
        return dict(self._saved.entries)

    def keys(self) -> list[str]:
        return list(self._saved.entries)

    def entry(self, key: str) -> bytes | None:
        return self._saved.entries.get(key)


async def save_crowd(people: int, prefix: str, partitions: int) -> None:
    """Write the snapshots of all partitions, and the record that stands before each in the timeline."""
    tick = Line(None, crowd.tick_before())
    await broker.write((("timeline", tick) for _ in range(_BEFORE)), prefix, partitions)
    settings = broker.settings_under(prefix)
    owners: list[list[int]] = [[] for _ in range(partitions)]
    for number in range(people):
        owners[zlib.crc32(crowd.clone_id(number).encode()) % partitions].append(number)
    async with Publisher(settings) as publisher:
        store = StateStore(settings, publisher, "watch-state")
        for partition, numbers in enumerate(owners):
            chain = SnapshotChain(f"timeline/{partition}", uuid.uuid4().hex)
            saved = crowd.state_of(numbers)
            await store.write(chain, chain.collect(_BEFORE, _Whole(saved)), partition)
