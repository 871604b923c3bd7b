"""Intake alone, and intake, watch and sink together in one process on one core: raw records in, figures in ClickHouse.

The raw topics hold what the devices of the town sent: repeats, bad lines and all. Together, the clock follows intake: a tick
for every hour of the town when that share of the raw records was taken, into every partition. The span ends when intake has
taken all and watch and sink have read all that is in the topics then. The engine is the one in the process.
"""

from bench import broker
from bench.places import tell
from bench.processes import PYTHON, measure, scratch
from bench.results import RATE, Results
from bench.scope import Scope
from bench.town import Town, town_of
from bench.watching import FAUST, WATCH

INTAKE, TOGETHER = "intake", "intake, watch and sink in one process"
_PARTITIONS = 8


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
        settings = broker.settings(clickhouse__dsn=f"chdb://{directory / 'clickhouse'}")
        results.add_measured(TOGETHER, measure(command, settings))
