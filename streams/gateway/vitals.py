"""How a gateway process is, seen from outside."""

import asyncio
from collections.abc import Callable, Iterator

from streams.gateway.taking import Gateway
from streams.health.beats import LoopBeat
from streams.health.pulses import Pulse, StalledError
from streams.health.vitals import Check, Sample
from streams.settings import Settings

_PART = "gateway"


class GatewayVitals:
    """Pulses, checks and metrics of a gateway; brokers that are away are no stall, since devices are told to come again."""

    part = _PART

    def __init__(
        self, gateway: Gateway, settings: Settings, is_ready: Callable[[], bool], end: Callable[[StalledError], object]
    ) -> None:
        """Watch a gateway of the running loop; `end` is called in that loop with the reason."""
        loop = asyncio.get_running_loop()
        self._gateway, self._settings, self._is_ready = gateway, settings, is_ready
        self._beat = LoopBeat("event loop", loop)
        self._loop, self._end = loop, end

    def beats(self) -> Iterator[LoopBeat]:
        """Yield the loop that answers."""
        yield self._beat

    def end(self, reason: StalledError) -> None:
        """End the process."""
        self._loop.call_soon_threadsafe(self._end, reason)

    def pulses(self) -> Iterator[Pulse]:
        """Yield the one thing that must go on: records on their way to the brokers."""
        writer = self._gateway.writer
        is_due = writer.held_records > 0 and writer.is_connected
        yield Pulse(
            self.part,
            "records on their way to the brokers",
            writer.written_records,
            is_due,
            self._settings.watchdog.stall_seconds,
            {"records held": writer.held_records},
        )

    def checks(self) -> Iterator[Check]:
        """Yield whether records can be written, and whether all sources are known."""
        is_connected, is_ready = self._gateway.writer.is_connected, self._is_ready()
        yield Check(self.part, "writing", is_connected, "" if is_connected else "the brokers do not take records")
        yield Check(self.part, "sources", is_ready, "" if is_ready else "the sources are not read to their end yet")

    def samples(self) -> Iterator[Sample]:
        """Yield counters as they stand."""
        insight, writer = self._gateway.insight, self._gateway.writer
        for status, count in sorted(insight.requests.items()):
            yield Sample("gridwatch_gateway_requests_total", (str(status),), count)
        for result, count in sorted(insight.records.items()):
            yield Sample("gridwatch_gateway_records_total", (result.value,), count)
        for reason, count in sorted(insight.refusals.items()):
            yield Sample("gridwatch_gateway_refusals_total", (reason,), count)
        yield Sample("gridwatch_gateway_requests_under_way", (), insight.under_way)
        yield Sample("gridwatch_gateway_waiting_records", (), writer.held_records)
        yield Sample("gridwatch_gateway_sources", (), len(self._gateway.registry))
