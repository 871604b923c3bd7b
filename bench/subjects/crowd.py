"""Watch's decider with many people under observation on day 7: memory a person, cost of the next records, of a hard tick.

    python -m bench.subjects.crowd PEOPLE RECORDS

The state is spread over 8 partitions as a worker has it. Reports what the records took, and beside it `bytes_each`.
"""

import gc
import sys

from bench import crowd
from bench.span import Span, report, rss_mb
from bench.town import Line, RawLine
from streams.watch.decider import WatchPartition, new_watch

_PARTITIONS = 8
_BATCH = 5000


def main(people: int, records: int) -> None:
    """Load the state, then decide what comes next."""
    each = people // _PARTITIONS
    lines = list(crowd.hours_after(people, records))
    gc.collect()
    held_mb = rss_mb()
    deciders = [new_watch(number, crowd.state_with(each, number * each)) for number in range(_PARTITIONS)]
    gc.collect()
    bytes_each = (rss_mb() - held_mb) * (1 << 20) / people
    batches = [_by_partition(lines[first : first + _BATCH], each, first) for first in range(0, records, _BATCH)]
    for decider in deciders:
        decider.changes()
    span = Span()
    for batch in batches:
        for decider, raw in zip(deciders, batch, strict=True):
            decider.take(raw, 0)
    measured = span.as_json(records, bytes_each=bytes_each)
    report(measured | {"tick_us": _hard_tick(deciders, people)})


def _by_partition(lines: list[Line], each: int, first: int) -> list[list[RawLine]]:
    batch: list[list[RawLine]] = [[] for _ in range(_PARTITIONS)]
    for offset, (key, value) in enumerate(lines, first):
        person_id = (key or b"").decode()
        number = int(person_id[1:]) // each if person_id[0] == "c" else offset
        batch[number % _PARTITIONS].append(RawLine(offset, 0, value))
    return batch


def _hard_tick(deciders: list[WatchPartition], people: int) -> float:
    """Return the microseconds of CPU a verdict of the tick that ends the morning: nearly every check was missed."""
    span, verdicts = Span(), 0
    for decider in deciders:
        outputs = decider.take([RawLine(10**9, 0, crowd.end_of_window())], 0)
        verdicts += sum(output.topic == "checks" for output in outputs)
    assert verdicts > people // 4
    return 1e6 * span.as_json(verdicts)["cpu_seconds"] / verdicts


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
