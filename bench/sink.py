"""The sink into the engine in the process: rows a second, and the queries of `report` while it writes.

The topics hold the timeline of a town and what watch made of it. The sink runs as one process on one core, the engine in it;
the reports are asked from another thread of it, for the town and for every area below, one after the other.
"""

from bench import broker
from bench.places import tell
from bench.processes import PYTHON, measure, scratch
from bench.results import Results
from bench.scope import Scope
from bench.town import Town, town_of

SINK, REPORT = "sink", "report while the sink writes"
_PARTITIONS = 8


def run(scope: Scope, results: Results) -> None:
    """Measure writing alone and writing while reports are asked for, on the same topics."""
    town = Town(town_of(scope.people))
    for number in range(scope.rounds):
        tell(f"sink, round {number + 1} of {scope.rounds}")
        with broker.topics(_PARTITIONS) as prefix:
            records = broker.load_timeline(town, prefix, _PARTITIONS)
            watch = [PYTHON, "-m", "bench.subjects.workers", prefix, f"watch={records}"]
            measure(watch, broker.settings())
            for name, asks in ((SINK, "alone"), (f"{SINK}, reports asked", "asked")):
                with scratch() as directory:
                    settings = broker.settings(clickhouse__dsn=f"chdb://{directory / 'clickhouse'}")
                    command = [PYTHON, "-m", "bench.subjects.sinking", prefix, asks, str(town.settings.start_on)]
                    measured = measure(command, settings)
                results.add_measured(name, measured)
            for figure, value in measured.more.items():
                results.add(f"{REPORT}, {figure}", "ms", value)
                tell(f"    report {figure}: {value:,.0f} ms")
