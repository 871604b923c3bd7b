"""How far the groups of a run are, asked past the proxies and with patience for a cluster that is broken just now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Self, TypeVar

from aiokafka.errors import KafkaError as AsyncKafkaError
from faust.types import TP
from kafka.errors import KafkaError

from events.records import RAW_TOPICS
from streams.broker.offsets import OffsetReader, behind
from streams.settings import Settings

T = TypeVar("T")

SUNK_TOPICS = ("timeline", "checks", "alerts", "dead-letters")
POLL_S = 0.2
_ANSWER_S = 15.0
_PASSING = (AsyncKafkaError, KafkaError, LookupError, OSError, TimeoutError)


class NotRecoveredError(RuntimeError):
    """Something did not come about in time; the message says what, and how far the groups were."""


class GroupProgress:
    """Ends of topics and commits of groups; what fails is asked again over new connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader: OffsetReader | None = None
        self._partitions: dict[tuple[str, ...], list[TP]] = {}
        self.waits_for = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._disconnect()

    async def ends(self, *topics: str) -> dict[TP, int]:
        """Return where the partitions of topics end."""

        async def ask(reader: OffsetReader) -> dict[TP, int]:
            if topics not in self._partitions:
                self._partitions[topics] = await reader.partitions(topics)
            return await reader.ends(self._partitions[topics])

        return await self._ask(ask)

    async def committed(self, role: str) -> Mapping[TP, int]:
        """Return what the group of a role has committed."""
        return await self._ask(lambda reader: reader.committed(role))

    async def count(self, *topics: str) -> int:
        """Return how many records were ever appended to topics."""
        return sum((await self.ends(*topics)).values())

    async def wait_for_all(self, has_ticked: Callable[[], bool], limit_s: float) -> None:
        """Wait until every group has what stood in the log at the beginning, and all that follows from it.

        That is: intake the raw records; then a tick written since, which watch has decided; and the sink all of it.
        Raises NotRecoveredError after `limit_s`.
        """
        try:
            async with asyncio.timeout(limit_s):
                await self._wait_for("intake", *RAW_TOPICS)
                self.waits_for = "the clock has not moved on"
                while not has_ticked():
                    await asyncio.sleep(POLL_S)
                await self._wait_for("watch", "timeline")
                await self._wait_for("sink", *SUNK_TOPICS)
        except TimeoutError:
            raise NotRecoveredError(f"after {limit_s:.0f} s {self.waits_for}") from None

    async def _wait_for(self, role: str, *topics: str) -> None:
        self.waits_for = f"the brokers do not say how far {role} is"
        ends = await self.ends(*topics)
        while lag := behind(ends, await self.committed(role)):
            self.waits_for = f"{role} is behind by {sum(lag.values())} in {len(lag)} partitions"
            await asyncio.sleep(POLL_S)

    # -- connections

    async def _ask(self, question: Callable[[OffsetReader], Awaitable[T]]) -> T:
        while True:
            try:
                if self._reader is None:
                    reader = OffsetReader(self._settings)
                    await reader.__aenter__()
                    self._reader = reader
                async with asyncio.timeout(_ANSWER_S):
                    return await question(self._reader)
            except _PASSING:
                await self._disconnect()
                await asyncio.sleep(POLL_S)

    async def _disconnect(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            with suppress(*_PASSING):
                await reader.__aexit__()
