"""The watch worker on the broker by what it has to carry: people under observation, workers, partitions.

people       one worker on one core, state of day 7 loaded from its topic, then 400,000 records of the next hours
workers      1, 2, 3 processes that share a timeline of 12 partitions, a core each while there are any, from the first batch
             of the first to the end, joining included. Of two cores the second worker has the broker's: what can be told
             then is the CPU that sharing costs
partitions   one worker on one core, timelines of 1, 8, 64 partitions
"""

import asyncio
from itertools import repeat

from bench import broker, crowd
from bench.places import cores, tell, touch_memory
from bench.processes import PYTHON, Measured, measure, measure_all
from bench.results import CPU, RATE, Results
from bench.saving import save_crowd
from bench.scope import Scope
from bench.town import Town, town_of

_PARTITIONS = 8
_RECORDS = 400_000
_WORKERS, _PARTITIONS_SHARED = (1, 2, 3), 12
_PARTITION_COUNTS = (1, 8, 64)
_STATE_MB, _PERSON_KB = 500, 2  # what a worker needs at most while it loads


def run(scope: Scope, results: Results) -> None:
    """Measure each in turn."""
    town = Town(town_of(scope.people))
    for number in range(scope.rounds):
        tell(f"scale, round {number + 1} of {scope.rounds}")
        for people in scope.scale_people:
            results.add_measured(f"watch, {people:,} observed", _people(people))
        for workers in _WORKERS:
            measured = _workers(town, workers)
            records, seconds = sum(one.records for one in measured), max(one.seconds for one in measured)
            results.add(f"watch, {workers} workers", RATE, records / seconds)
            results.add(f"watch, {workers} workers", CPU, 1e6 * sum(one.cpu_seconds for one in measured) / records)
        for partitions in _PARTITION_COUNTS:
            results.add_measured(f"watch, {partitions} partitions", _partitions(town, partitions))
    first = f"watch, {scope.scale_people[0]:,} observed"
    for people in scope.scale_people[1:]:
        results.compare(f"watch, {people:,} observed", first)
    for workers in _WORKERS[1:]:
        results.compare(f"watch, {workers} workers", "watch, 1 workers")
    for partitions in _PARTITION_COUNTS[1:]:
        results.compare(f"watch, {partitions} partitions", "watch, 1 partitions")


def _people(people: int) -> Measured:
    with broker.topics(_PARTITIONS) as prefix:
        lines = crowd.hours_after(people, _RECORDS)
        asyncio.run(save_crowd(people, prefix, _PARTITIONS))
        records = asyncio.run(broker.write(zip(repeat("timeline"), lines, strict=False), prefix, _PARTITIONS))
        touch_memory(_STATE_MB + people * _PERSON_KB // 1024)
        return measure(_watch(prefix, records), broker.settings())


def _workers(town: Town, workers: int) -> list[Measured]:
    """Return what each of several workers measured; each ends when its group has read everything."""
    with broker.topics(_PARTITIONS_SHARED) as prefix:
        records = broker.load_timeline(town, prefix, _PARTITIONS_SHARED)
        commands = [_watch(prefix, records, sharing=True)] * workers
        return measure_all(commands, broker.settings(), cores=sorted(cores(), reverse=True))


def _partitions(town: Town, partitions: int) -> Measured:
    with broker.topics(partitions) as prefix:
        return measure(_watch(prefix, broker.load_timeline(town, prefix, partitions)), broker.settings())


def _watch(prefix: str, records: int, *, sharing: bool = False) -> list[str]:
    program = ["-m", "bench.subjects.sharing"] if sharing else ["-m", "bench.subjects.workers"]
    return [PYTHON, *program, prefix, f"watch={records}"]
