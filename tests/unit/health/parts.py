"""A part of a process whose vitals are what the test says."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from streams.health.beats import LoopBeat
from streams.health.pulses import Pulse, StalledError
from streams.health.survey import Survey
from streams.health.vitals import Check, Sample
from streams.health.watchdog import Watchdog
from streams.settings import Settings, WatchdogSettings


@dataclass
class Part:
    """Shows one thing that must go on; `ended` is what it was told."""

    part: str = "watch"
    mark: object = 0
    is_due: bool = True
    limit_s: float = 3.0
    checked: list[Check] = field(default_factory=list)
    sampled: list[Sample] = field(default_factory=list)
    loops: list[LoopBeat] = field(default_factory=list)
    ended: list[StalledError] = field(default_factory=list)

    def beats(self) -> Iterable[LoopBeat]:
        return self.loops

    def pulses(self) -> Iterator[Pulse]:
        yield Pulse(self.part, "timeline:3", self.mark, self.is_due, self.limit_s, {"records to commit": 7})

    def checks(self) -> Iterable[Check]:
        return self.checked

    def samples(self) -> Iterable[Sample]:
        return self.sampled

    def end(self, reason: StalledError) -> None:
        self.ended.append(reason)


class AnsweringSurvey(Survey):
    """Brokers that answer as the test says; never asked."""

    is_answering = True  # type: ignore[assignment]  # a value here


class Kennel:
    """A watchdog that looks when it is told to, and what it did in the end."""

    def __init__(self, *parts: Part, **watchdog: float) -> None:
        self.settings = Settings(watchdog=WatchdogSettings(**watchdog))
        self.parts = list(parts) or [Part()]
        self.survey = AnsweringSurvey(self.settings, dict)
        self.is_stopping = False
        self.hard: list[tuple[str, int]] = []
        self.watchdog = Watchdog(
            self.settings,
            self.parts,
            self.survey,
            lambda: self.is_stopping,
            end_hard=lambda reason, status: self.hard.append((reason, status)),
        )

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.watchdog.look()


def closed_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop that runs no more."""
    loop = asyncio.new_event_loop()
    loop.close()
    return loop
