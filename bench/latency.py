"""From the reading that is sent to the alert that can be read, while the broker is loaded evenly (open loop).

Intake and watch run in one process on one core, as `gridwatch worker` does; sender and reader run on the other, beside
the broker. The load is what the town's gates send; a hundred times a second somebody is read with a fever at a confirming
site, which raises a critical alert at once. Time counts from the moment at which the reading was due to be sent, whenever it
really went. Loads are shares of the highest rate, which is measured first: a backlog of the same records.

    ten, fifty, eighty of a hundred                   the rate alone
    half, while 100,000 checks fall due in one tick   50,000 people are enrolled; nobody was visited that morning
    half, while the sink catches up                   `gridwatch sink` reads everything again from the beginning
"""

import asyncio
import subprocess
from pathlib import Path
from statistics import quantiles

from bench import broker
from bench.places import other_cores, tell
from bench.processes import PYTHON, end, measure, scratch, started
from bench.results import Results
from bench.scope import Scope
from bench.sending import Readings, enrol, hard_tick, policy_and_clock
from bench.town import Town, town_of

MS = "ms"
_PARTITIONS = 8
_SHARES = (10, 50, 80)
_FOR_EVER = 10**12


class Calm:
    """Nothing happens beside the load; others put something into the log before, or begin something while it runs."""

    async def prepare(self, town: Town, prefix: str) -> None:
        """Put into the log what is there before the workers start."""

    async def begin(self, prefix: str) -> None:
        """Begin the disturbance."""

    def end(self) -> None:
        """End what was begun."""


class _ChecksDue(Calm):
    async def prepare(self, town: Town, prefix: str) -> None:
        await enrol(town, prefix)

    async def begin(self, prefix: str) -> None:
        await hard_tick(prefix)


class _SinkBehind(Calm):
    """Starts a sink that has a town's whole timeline to read, beside the broker."""

    def __init__(self, directory: Path) -> None:
        self._dsn = f"chdb://{directory / 'clickhouse'}"
        self._sink: subprocess.Popen[str] | None = None

    async def prepare(self, town: Town, prefix: str) -> None:
        await broker.write((("timeline", line) for line in town.timeline()), prefix, _PARTITIONS)

    async def begin(self, prefix: str) -> None:
        settings = broker.settings(topic_prefix=prefix, group_prefix=prefix, clickhouse__dsn=self._dsn)
        self._sink = started([PYTHON, "-m", "streams.cli", "sink"], settings, core=min(other_cores()))

    def end(self) -> None:
        if self._sink is not None:
            end(self._sink)


def run(scope: Scope, results: Results) -> None:
    """Measure the highest rate, then the latencies below it."""
    town = Town(town_of(min(scope.people, 20_000)))
    seconds = scope.latency_seconds
    for number in range(scope.rounds):
        tell(f"latency, round {number + 1} of {scope.rounds}")
        highest = _highest_rate(town)
        results.add("intake and watch in one process, highest rate", "records/s", highest)
        for share in _SHARES:
            _measure(results, f"reading to alert at {share} of 100", town, highest * share / 100, seconds, Calm())
        with scratch() as directory:
            half = highest / 2
            _measure(results, "reading to alert at half, 100,000 checks due", town, half, seconds, _ChecksDue())
            _measure(results, "reading to alert at half, sink behind", town, half, seconds, _SinkBehind(directory))


def _highest_rate(town: Town) -> float:
    with broker.topics(_PARTITIONS) as prefix:
        raw = broker.load_raw(town, prefix, _PARTITIONS)
        # Repeats and bad lines do not reach watch.
        command = [PYTHON, "-m", "bench.subjects.workers", prefix, f"intake={raw}", f"watch={raw * 95 // 100}"]
        return measure(command, broker.settings()).rate / 2  # both count every record


def _measure(results: Results, name: str, town: Town, rate: float, seconds: float, beside: Calm) -> None:
    tell(f"  {name}: {rate:,.0f} records/s")
    with broker.topics(_PARTITIONS) as prefix:
        latencies = asyncio.run(_latencies(town, prefix, Readings(town, prefix, rate), seconds, beside))
    cuts = quantiles(latencies, n=1000)
    p50, p99, p999 = (1000 * cuts[index] for index in (499, 989, 998))
    for percentile, value in (("p50", p50), ("p99", p99), ("p99.9", p999)):
        results.add(f"{name}, {percentile}", MS, value)
    tell(f"    p50 {p50:,.0f} ms, p99 {p99:,.0f} ms, p99.9 {p999:,.0f} ms")


async def _latencies(town: Town, prefix: str, readings: Readings, seconds: float, beside: Calm) -> list[float]:
    await beside.prepare(town, prefix)
    await policy_and_clock(town, prefix)
    roles = (f"intake={_FOR_EVER}", f"watch={_FOR_EVER}")
    workers = started([PYTHON, "-m", "bench.subjects.workers", prefix, *roles], broker.settings())
    try:
        async with readings:
            await readings.warm_up()
            running = asyncio.create_task(readings.send(seconds))
            await asyncio.sleep(seconds / 4)
            await beside.begin(prefix)
            return await running
    finally:
        beside.end()
        end(workers)
