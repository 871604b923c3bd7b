"""Watch against its floor and its peers: the same timeline of 8 partitions, from the first record handled to the last.

Every subject is one process on one core, the broker on the other; in each round all of them run in turn. Slow ones read
fewer records, the same ones from the beginning. The floor is fetching and decoding alone.

    floor           aiokafka and the decoding that watch does, nothing else
    watch           the watch worker: all rules, results acknowledged, state written down, offsets committed
    plain Faust     the same rules one event at a time, what must outlast a restart in Tables: a write an event
                    (once more with people alone in Tables, written when they change)
    confluent       the same rules in a bare confluent-kafka loop, no saved state
    Quix, Streams   decode, one threshold, one state write a record: less work than watch
"""

import subprocess
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from kafka import KafkaAdminClient

from bench import broker
from bench.peering import java_peer, python_peer
from bench.places import tell
from bench.processes import PYTHON, Measured, measure, scratch
from bench.results import Results
from bench.scope import Scope
from bench.town import Town, town_of

FLOOR, FETCH = "floor: fetch and decode", "fetch alone"
FAUST, FAUST_KIND = "plain Faust", "plain Faust, writing changes alone"
QUIX, CONFLUENT = "Quix Streams, lesser job", "confluent-kafka loop"
STREAMS, STREAMS_IN_MEMORY = "Kafka Streams, lesser job", "Kafka Streams, lesser job, state in memory"
WATCH = "watch"

_PARTITIONS = 8
_FAUST_PATIENCE_S = 90.0

Subject = Callable[[str, int, Path], Measured]


def run(scope: Scope, results: Results) -> None:
    """Measure all subjects in turn, as often as the scope says."""
    town = Town(town_of(scope.people))
    tell(f"input: {town.shares}")
    for number in range(scope.rounds):
        tell(f"watch and its peers, round {number + 1} of {scope.rounds}")
        with broker.topics(_PARTITIONS) as prefix:
            records = broker.load_timeline(town, prefix, _PARTITIONS)
            for name, subject in _subjects(scope).items():
                tell(f"  {name}")
                with scratch() as directory:
                    results.add_measured(name, subject(prefix, records, directory))
    results.compare(WATCH, FLOOR, FAUST, FAUST_KIND, QUIX, CONFLUENT, STREAMS, STREAMS_IN_MEMORY)


def _subjects(scope: Scope) -> dict[str, Subject]:
    subjects: dict[str, Subject] = {
        FLOOR: partial(_floor, "decode"),
        WATCH: _watch,
        FAUST: partial(_plain_faust, "every", scope.faust_records, not scope.is_quick),
    }
    if not scope.is_quick:
        subjects |= {
            FETCH: partial(_floor, "bytes"),
            FAUST_KIND: partial(_plain_faust, "changed", scope.faust_records, True),
            CONFLUENT: _confluent,
            QUIX: partial(_quix, scope.quix_records),
            STREAMS: partial(_streams, "rocksdb"),
            STREAMS_IN_MEMORY: partial(_streams, "memory"),
        }
    return subjects


def _floor(mode: str, prefix: str, records: int, _: Path) -> Measured:
    return measure([PYTHON, "-m", "bench.subjects.floor", broker.brokers(), f"{prefix}timeline", str(records), mode])


def _watch(prefix: str, records: int, _: Path) -> Measured:
    return measure([PYTHON, "-m", "bench.subjects.workers", prefix, f"watch={records}"], broker.settings())


def _plain_faust(writes: str, most: int, own_environment: bool, prefix: str, records: int, directory: Path) -> Measured:
    arguments = (*_arguments(prefix, min(records, most), directory), writes)
    command = python_peer("faust", *arguments, own_environment=own_environment)
    _make_changelogs(f"{prefix}plain-{writes}-{directory.name}")
    try:
        return measure(command, timeout_s=_FAUST_PATIENCE_S)
    except subprocess.TimeoutExpired:
        # Plain Faust may wait for ever before its first event (seen on topics that were just made): a second start is fair.
        tell("    hangs; once more")
        with scratch() as other:
            arguments = (*_arguments(prefix, min(records, most), other), writes)
            _make_changelogs(f"{prefix}plain-{writes}-{other.name}")
            return measure(python_peer("faust", *arguments, own_environment=own_environment))


def _make_changelogs(app: str) -> None:
    """Make the topics of plain Faust's Tables; where it makes them itself it sometimes waits for them for ever."""
    with closing(KafkaAdminClient(bootstrap_servers=broker.brokers())) as admin:
        names = [f"{app}-{table}-changelog" for table in ("people", "passed")]
        broker.make_topics(admin, [(name, _PARTITIONS, {"cleanup.policy": "compact"}) for name in names])


def _confluent(prefix: str, records: int, directory: Path) -> Measured:
    return measure(python_peer("confluent", *_arguments(prefix, records, directory)))


def _quix(most: int, prefix: str, records: int, directory: Path) -> Measured:
    return measure(python_peer("quix", *_arguments(prefix, min(records, most), directory)))


def _streams(store: str, prefix: str, records: int, directory: Path) -> Measured:
    names = (f"{prefix}timeline", f"{prefix}alerts", f"{prefix}streams-{store}")
    return measure(java_peer("kafka-streams", broker.brokers(), *names, str(records), str(directory), store))


def _arguments(prefix: str, records: int, directory: Path) -> tuple[str, ...]:
    return (broker.brokers(), f"{prefix}timeline", prefix, str(records), str(directory))
