"""Intake alone, and intake, watch and sink together on one core: raw records in, figures in ClickHouse.

The raw topics hold what the devices of the town sent: repeats, bad lines and all. Together they are three processes as a
deployment has them, all on the measured core, from intake's first batch until the sink has written the last result of
watch; ClickHouse is the engine in the sink's process. How the clock goes stands in `bench.subjects.together`.
"""

from bench import broker
from bench.places import tell, touch_memory
from bench.processes import PYTHON, measure, scratch
from bench.results import RATE, Results
from bench.scope import Scope
from bench.town import Town, town_of
from bench.watching import FAUST, WATCH

INTAKE, TOGETHER = "intake", "intake, watch and sink on one core"
_PARTITIONS = 8
_MEMORY_MB = 2000  # of the three together


def run(scope: Scope, results: Results) -> None:
    """Measure both in turn, each on topics of its own."""
    town = Town(town_of(scope.people))
    for number in range(scope.rounds):
        tell(f"intake, round {number + 1} of {scope.rounds}")
        with broker.topics(_PARTITIONS) as prefix:
            records = broker.load_raw(town, prefix, _PARTITIONS)
            command = [PYTHON, "-m", "bench.subjects.workers", prefix, f"intake={records}"]
            results.add_measured(INTAKE, measure(command, broker.settings()))
        if not scope.is_quick:
            _together(town, results)
    results.compare(INTAKE, WATCH)
    results.compare(TOGETHER, FAUST, units=(RATE,))


def _together(town: Town, results: Results) -> None:
    days = town.settings.days + 2
    with broker.topics(_PARTITIONS) as prefix, scratch() as directory:
        records = broker.load_raw(town, prefix, _PARTITIONS)
        command = [
            PYTHON,
            "-m",
            "bench.subjects.together",
            prefix,
            str(records),
            str(town.settings.start_on),
            str(days),
        ]
        touch_memory(_MEMORY_MB)
        settings = broker.settings(clickhouse__dsn=f"chdb://{directory / 'clickhouse'}")
        results.add_measured(TOGETHER, measure(command, settings))
