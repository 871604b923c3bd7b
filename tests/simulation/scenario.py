"""What a seed says of its run: the story, the processes, the settings, and constants of the code that are scaled down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from unittest.mock import patch

from sinks.clickhouse import loop as sink_loop
from sinks.clickhouse.loop import SinkSettings
from streams.broker import state_log
from streams.clock import writer as clock_writer
from streams.settings import ClockSettings, KafkaSettings, Settings, TopicSettings, WorkerSettings
from tests.simulation.devices import RAW_TOPICS, in_bursts
from tests.support.histories import arrivals

_DAY_S = 86_400.0
_LONGEST = timedelta(days=20)
_TICK_FROM_OUTSIDE = b'{"kind":"tick","at":"2100-01-01T00:00:00Z"}'
RESULTS = ("checks", "alerts", "source-states", "dead-letters")


@dataclass(frozen=True)
class Scenario:
    """One run, as it is meant to go; faults are drawn beside it."""

    start_at: datetime
    arrivals: list[tuple[float, bytes]]  # by the second
    settings: Settings
    sink_settings: SinkSettings
    workers: dict[str, int]
    sink_sessions: int
    nodes: int
    request_records: int
    chunk_bytes: int
    shares: int
    poll_s: float

    @property
    def ends_s(self) -> float:
        """Return the second of the last record."""
        return self.arrivals[-1][0]

    @property
    def partitions(self) -> dict[str, int]:
        """Return how many partitions each topic has."""
        topics = self.settings.topics
        raw, timeline = topics.raw_partitions, topics.timeline_partitions
        return {
            **dict.fromkeys(RAW_TOPICS, raw),
            **dict.fromkeys(RESULTS, topics.result_partitions),
            "timeline": timeline,
            "watch-state": timeline,
            "intake-state": raw,
        }


def draw_scenario(seed: int, random: Random) -> Scenario:
    """Draw the run of a seed."""
    story = arrivals(seed, random.choice(["tiny", "tiny", "small"]))
    first = story[0][0]
    # What is forgotten after 30 days (contract section 4) the model never forgets.
    story = [(comes_at, line) for comes_at, line in story if comes_at - first <= _LONGEST]
    planned = in_bursts(story, random.choice([0, 0, 3600, 6 * 3600, 24 * 3600]))
    if random.random() < 0.3:
        planned.insert(0, (0.0, _TICK_FROM_OUTSIDE))
    tick_s = (planned[-1][0] + 2 * _DAY_S) / random.choice([15, 40, 100])
    return Scenario(
        start_at=first,
        arrivals=planned,
        settings=_draw_settings(random, tick_s),
        sink_settings=SinkSettings(
            batch_records=random.choice([5, 20, 1000]),
            flush_seconds=random.choice([20.0, 200.0]),
            waiting_records=random.choice([30, 1000]),
        ),
        workers={
            "intake": random.choice([1, 2, 3]),
            "watch": random.choice([1, 2, 3]),
            "clock": random.choice([1, 1, 2]),
            "sink": random.choice([1, 1, 2]),
        },
        sink_sessions=random.randint(1, 4),
        nodes=random.choice([1, 3]),
        request_records=random.choice([1, 2, 5, 50]),
        chunk_bytes=random.choice([200, 2000, 512 * 1024]),
        shares=random.choice([2, 4, 32]),
        poll_s=max(1.0, tick_s / 50),
    )


def _draw_settings(random: Random, tick_s: float) -> Settings:
    # A clock this slow cannot be set; here days must pass in a moment.
    clock = ClockSettings.model_construct(
        tick_seconds=tick_s,
        lag_seconds=random.choice([0.0, 5.0, 60.0]),
        spread_seconds=random.choice([0.0, 4.0, 600.0]),
        ahead_seconds=random.choice(
            [0.0, 60.0]
        ),  # believes any time, which makes the clock of the log jump, or a true one
    )
    worker = WorkerSettings(
        batch_records=random.choice([1, 3, 10, 100]),
        snapshot_records=random.choice([1, 5, 20, 1000]),
        snapshot_seconds=random.choice([60.0, 3600.0, 1e9]),
    )
    kafka = KafkaSettings(idempotence=random.random() < 0.85, commit_interval_seconds=random.choice([0.1, 1.0, 5.0]))
    topics = TopicSettings(
        raw_partitions=random.choice([1, 1, 2]),
        timeline_partitions=random.choice([1, 2, 3]),
        result_partitions=random.choice([1, 2]),
    )
    return Settings.model_construct(clock=clock, worker=worker, kafka=kafka, topics=topics)


@contextmanager
def scaled(scenario: Scenario) -> Iterator[None]:
    """Make small what is large in the code, and slow what polls: the same steps in fewer records and less time."""
    pause_s = scenario.sink_settings.flush_seconds / 2
    with (
        patch.object(state_log, "CHUNK_BYTES", scenario.chunk_bytes),
        patch.object(state_log, "SHARES", scenario.shares),
        patch.object(clock_writer, "_POLL_LONGEST_S", scenario.poll_s),
        patch.object(sink_loop, "_PAUSE_SECONDS", pause_s),
        patch.object(sink_loop, "_READ_SECONDS", pause_s),
    ):
        yield
