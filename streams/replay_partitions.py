"""Replay of several partitions, one process each, as many at a time as there are cores.

Partitions do not touch each other, so each is decided on its own and what they bring is put together in their order: the
same bytes come out however many processes worked. A partition is a file, or one of the timeline on the brokers up to where
it ends now. Nothing is ever written to a topic.
"""

import asyncio
import shutil
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from events.policy import Policy
from events.results import encode_alert, encode_verdict
from streams.dead_letters import encode_dead_letter
from streams.garbage import collect_garbage_rarely
from streams.partition import LogRecord
from streams.replay import Replay
from streams.settings import Settings

_POLL_S = 0.2
_RESULTS = ("alerts", "checks", "dead-letters")


@dataclass(frozen=True, slots=True)
class FilePartition:
    """A partition that stands in a file."""

    path: Path


@dataclass(frozen=True, slots=True)
class LogPartition:
    """A partition of the timeline on the brokers, from its beginning up to offset `end`."""

    settings: Settings
    partition: int
    end: int


Partition = FilePartition | LogPartition
Writers = dict[str, Callable[[bytes], Any]]

_progress: Any = None  # how much is done, shared with the processes


def replay_partitions(
    partitions: Sequence[Partition],
    policy: Policy | None,
    results: tuple[BinaryIO, BinaryIO, BinaryIO],
    *,
    jobs: int,
    advance: Callable[[int], None],
) -> int:
    """Decide partitions, write alerts, checks and dead letters in their order, and return how many records were refused.

    `advance` is told how many bytes of files, or records of the log, were done since it was last told.
    """
    # A fork has everything imported; it is safe as long as nobody else is at work in this process.
    context = get_context("fork" if sys.platform == "linux" and threading.active_count() == 1 else "spawn")
    done = context.Value("Q", 0)
    with TemporaryDirectory(prefix="gridwatch-replay-") as directory:
        with ProcessPoolExecutor(jobs, mp_context=context, initializer=_share, initargs=(done,)) as pool:
            started = [
                pool.submit(replay_one, number, partition, policy, Path(directory))
                for number, partition in enumerate(partitions)
            ]
            told, waiting = 0, set(started)
            while waiting:
                finished, waiting = wait(waiting, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                now = done.value
                advance(now - told)
                told = now
                if any(not future.cancelled() and future.exception() for future in finished):
                    pool.shutdown(cancel_futures=True)
            for future in started:
                if not future.cancelled() and (error := future.exception()) is not None:
                    raise error  # the cause, not that others were cancelled for it
            refused = sum(future.result() for future in started)
        for number in range(len(partitions)):
            for name, whole in zip(_RESULTS, results, strict=True):
                with (Path(directory) / f"{number}.{name}").open("rb") as part:
                    shutil.copyfileobj(part, whole)
    return refused


def _share(done: Any) -> None:
    global _progress  # noqa: PLW0603  the only way a pool hands a shared value to its processes
    _progress = done


def _advance(count: int) -> None:
    if _progress is not None:
        with _progress.get_lock():
            _progress.value += count


def replay_one(number: int, partition: Partition, policy: Policy | None, directory: Path) -> int:
    """Decide one partition into files of its own and return how many records were refused."""
    collect_garbage_rarely()
    with ExitStack() as files:
        writers: Writers = {
            name: files.enter_context((directory / f"{number}.{name}").open("wb")).write for name in _RESULTS
        }
        if isinstance(partition, FilePartition):
            return _replay_file(number, partition, policy, writers)
        return asyncio.run(_replay_log(partition, policy, writers))


def _replay_file(number: int, partition: FilePartition, policy: Policy | None, writers: Writers) -> int:
    refused = 0
    with partition.path.open("rb") as file:
        for replayed in Replay(policy, number).run(file, _advance):
            for verdict in replayed.outcome.verdicts:
                writers["checks"](encode_verdict(verdict) + b"\n")
            for alert in replayed.outcome.alerts:
                writers["alerts"](encode_alert(alert) + b"\n")
            if replayed.dead_letter is not None:
                refused += 1
                writers["dead-letters"](encode_dead_letter(replayed.dead_letter) + b"\n")
    return refused


async def _replay_log(partition: LogPartition, policy: Policy | None, writers: Writers) -> int:
    from streams.core.state import new_state
    from streams.watch.decider import WatchPartition

    watch = WatchPartition(partition.partition, new_state(policy))
    refused = 0
    async for records in _read_log(partition):
        for output in watch.take(records, 0):
            if output.topic in writers:  # what is known of sources, and outages, are for the live log
                refused += output.topic == "dead-letters"
                writers[output.topic](output.value + b"\n")
        _advance(len(records))
    return refused


async def _read_log(partition: LogPartition) -> AsyncIterator[list[LogRecord]]:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    tp = TopicPartition(partition.settings.topic("timeline"), partition.partition)
    fetch_bytes = 8 << 20
    options = partition.settings.kafka.async_client_options()
    consumer = AIOKafkaConsumer(**options, enable_auto_commit=False, max_partition_fetch_bytes=fetch_bytes)
    await consumer.start()
    await asyncio.sleep(0)  # a consumer stopped before its tasks have begun raises CancelledError (aiokafka 0.14)
    try:
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        while await consumer.position(tp) < partition.end:
            fetched = await consumer.getmany(tp, timeout_ms=200)
            yield [record for record in fetched.get(tp, ()) if record.offset < partition.end]
    finally:
        await consumer.stop()


async def log_partitions(settings: Settings) -> list[LogPartition]:
    """Return the partitions of the timeline, each up to where it ends now.

    Raises LookupError where the timeline is not there, or does not begin with its first record: what stood before is needed.
    """
    from streams.broker.offsets import OffsetReader

    async with OffsetReader(settings) as offsets:
        partitions = await offsets.partitions(["timeline"])
        starts, ends = await offsets.starts(partitions), await offsets.ends(partitions)
    for tp in partitions:
        if starts[tp] > 0:
            raise LookupError(f"{tp.topic}:{tp.partition} begins at offset {starts[tp]}: its first records are gone")
    return [LogPartition(settings, tp.partition, ends[tp]) for tp in partitions]
