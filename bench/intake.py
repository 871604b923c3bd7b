"""Intake alone, and intake, watch and sink together on one core: raw records in, figures in ClickHouse.

The raw topics hold what the devices of the town sent: repeats, bad lines and all. Together they are three processes as a
deployment has them, all on the measured core, from intake's first batch until the sink has written the last result of
watch. ClickHouse runs elsewhere, as the broker does: its engine behind the HTTP front of the tests, on the other core; once
more it is the engine in the sink's process, which then writes and merges on the measured core too. How the clock goes stands
in `bench.subjects.together`.
"""

from contextlib import ExitStack
from pathlib import Path

from bench import broker
from bench.places import other_cores, pin, tell, touch_memory
from bench.processes import PYTHON, Measured, measure, scratch
from bench.results import RATE, Results
from bench.scope import Scope
from bench.town import Town, town_of
from bench.watching import FAUST, WATCH
from tests.support.clickhouse_http import ClickHouseFront

INTAKE, TOGETHER = "intake", "intake, watch and sink on one core"
TOGETHER_EMBEDDED = f"{TOGETHER}, the database's engine too"
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
            for name, is_embedded in ((TOGETHER, False), (TOGETHER_EMBEDDED, True)):
                results.add_measured(name, _together(town, is_embedded=is_embedded))
    results.compare(INTAKE, WATCH)
    results.compare(TOGETHER, FAUST, units=(RATE,))
    results.compare(TOGETHER_EMBEDDED, FAUST, units=(RATE,))


def _together(town: Town, *, is_embedded: bool) -> Measured:
    days = town.settings.days + 2
    with ExitStack() as stack:
        prefix, directory = stack.enter_context(broker.topics(_PARTITIONS)), stack.enter_context(scratch())
        dsn = f"chdb://{directory / 'clickhouse'}" if is_embedded else _database_elsewhere(stack, directory)
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
        return measure(command, broker.settings(clickhouse__dsn=dsn))


def _database_elsewhere(stack: ExitStack, directory: Path) -> str:
    """Start ClickHouse's engine behind HTTP off the measured core, and return how it is reached."""
    front = stack.enter_context(ClickHouseFront(directory))
    pin(front.process_id, other_cores())
    return front.dsn("gridwatch")
