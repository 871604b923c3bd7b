"""How far a consumer group is, against where the log ends."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from typing import Any, Self

from faust.types import TP
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from streams.batching.ends import LogEnds
from streams.settings import Settings

_COORDINATOR_SECONDS, _COORDINATOR_PAUSE_S = 30.0, 0.2


def behind(ends: Mapping[TP, int], committed: Mapping[TP, int]) -> dict[TP, int]:
    """Return how many records a group has still to read in each partition where it is behind.

    A partition without a committed offset was not read at all, so everything in it is still to come.
    """
    lags = {tp: end - max(committed.get(tp, 0), 0) for tp, end in ends.items()}
    return {tp: lag for tp, lag in sorted(lags.items()) if lag > 0}


class OffsetReader:
    """Asks the brokers anew every time, over standing connections.

    Ends come from `LogEnds`; committed offsets through kafka-python, whose admin client understands every broker.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare for the brokers of the settings."""
        self._settings = settings
        self._log = LogEnds(settings.kafka.brokers, **settings.kafka.async_client_options())
        self._admin: Any = None

    async def __aenter__(self) -> Self:
        await self._log.start()
        try:
            await self._connect_admin()
        except BaseException:
            await self._log.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._log.stop()
        if self._admin is not None:
            await asyncio.to_thread(self._admin.close)

    async def _connect_admin(self) -> None:
        admin = await asyncio.to_thread(KafkaAdminClient, **self._settings.kafka.client_options())
        before, self._admin = self._admin, admin
        if before is not None:
            await asyncio.to_thread(before.close)

    async def partitions(self, topics: Iterable[str]) -> list[TP]:
        """Return every partition of topics of the catalogue; raises LookupError for one that does not exist."""
        names = [self._settings.topic(topic) for topic in topics]
        found = []
        for description in await asyncio.to_thread(self._admin.describe_topics, names):
            if description["error_code"] != 0 or not description["partitions"]:
                raise LookupError(f"topic {description['name']} does not exist; `gridwatch topics --apply` creates it")
            found += [TP(description["name"], part["partition_index"]) for part in description["partitions"]]
        return sorted(found)

    async def ends(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return the offset after the last record of each partition."""
        return await self._log.read(partitions)

    async def starts(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """Return the offset of the first record that each partition still holds."""
        asked = list(partitions)
        found = await asyncio.to_thread(_starts, self._settings, asked) if asked else {}
        return {tp: found[tp] for tp in asked}

    async def committed(self, role: str) -> dict[TP, int]:
        """Return what the group of a role has committed, by partition.

        A broker that has only just come up has no coordinator for a while, and a coordinator may move; that is waited for.
        Raises KafkaError.
        """
        group = self._settings.group(role)
        found = await self._group_offsets(group)
        return {TP(tp.topic, tp.partition): int(entry.offset) for tp, entry in found.get(group, {}).items()}

    async def _group_offsets(self, group: str) -> Any:
        give_up_at = time.monotonic() + _COORDINATOR_SECONDS
        while True:
            try:
                return await asyncio.to_thread(self._admin.list_group_offsets, group)
            except KafkaError as error:
                if not error.retriable or time.monotonic() > give_up_at:
                    raise
            await asyncio.sleep(_COORDINATOR_PAUSE_S)
            # kafka-python's client asks the coordinator that it has found once, and never looks for another.
            with suppress(KafkaError):
                await self._connect_admin()


def _starts(settings: Settings, partitions: list[TP]) -> dict[TP, int]:
    with closing(KafkaConsumer(**settings.kafka.client_options())) as consumer:
        found = consumer.beginning_offsets([TopicPartition(*tp) for tp in partitions])
    return {TP(tp.topic, tp.partition): int(offset) for tp, offset in found.items()}
