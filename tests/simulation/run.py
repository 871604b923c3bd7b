"""One seed from beginning to end: the story under faults, calm, rest, and the judgement."""

import gc
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import NoReturn

import structlog

from tests.simulation.broker import tick_at
from tests.simulation.cluster import Cluster
from tests.simulation.devices import RAW_TOPICS
from tests.simulation.faults import draw_faults
from tests.simulation.scenario import draw_scenario, scaled
from tests.simulation.verdict import Judgement, judge_log
from tests.simulation.verdict_state import judge_state
from tests.simulation.verdict_store import judge_store

_LOOKS_EVERY_S = 1.0
_REST_WITHIN_S = 3600.0

Note = Callable[[float, str], None]
Plant = Callable[[Cluster], None]


@dataclass
class Outcome:
    """What came of a seed; no problems is right."""

    seed: int
    problems: list[str]
    steps: int = 0
    records: int = 0
    simulated_s: float = 0.0
    decided_s: float | None = None  # from the end of faults until intake and watch have committed everything
    recovered_s: float | None = None  # until the sink has too
    lost: int = 0
    duplicated: int = 0
    overtaken: int = 0
    wrong: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    situations: Counter[str] = field(default_factory=Counter)


def run_seed(seed: int, note: Note | None = None, plant: Plant | None = None) -> Outcome:
    """Run a seed and judge it; `plant` may put a fault of ours into the pipeline before it starts."""
    random = Random(f"simulation/{seed}")
    scenario = draw_scenario(seed, random)
    faults, moments = draw_faults(random)
    before = structlog.get_config()
    structlog.configure(
        processors=[_drop],
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        cache_logger_on_first_use=False,
    )
    was_collecting = gc.isenabled()
    gc.disable()  # nothing here waits for it, and it takes a third of the time
    try:
        with scaled(scenario):
            cluster = Cluster(scenario, faults, random, note)
            if plant is not None:
                plant(cluster)
            try:
                return _Run(seed, cluster).outcome(moments)
            finally:
                cluster.end()
    finally:
        structlog.configure(**before)
        if was_collecting:
            gc.enable()


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


class _Run:
    """The phases of a run."""

    def __init__(self, seed: int, cluster: Cluster) -> None:
        self.seed = seed
        self.cluster = cluster
        self.world = cluster.world

    def outcome(self, moments: dict[str, int]) -> Outcome:
        cluster, world = self.cluster, self.world
        cluster.begin(moments)
        world.run(cluster.scenario.ends_s + cluster.faults.seconds(0.01, 600.0))
        calm_s = world.now
        cluster.calm()
        world.note("calm", "faults cease")
        problems = self._come_to_rest("intake", "watch")
        decided_s = None if problems else world.now - calm_s
        problems = problems or self._come_to_rest()
        recovered_s = None if problems else world.now - calm_s
        if not problems:
            problems = self._tick_and_rest(calm_s)
        judgement = Judgement() if problems else self._judge()
        return Outcome(
            seed=self.seed,
            problems=problems + judgement.problems,
            steps=world.steps,
            records=sum(cluster.broker.partitions[tp].end for tp in cluster.broker.of_topics(RAW_TOPICS)),
            simulated_s=world.now,
            decided_s=decided_s,
            recovered_s=recovered_s,
            lost=judgement.lost,
            duplicated=judgement.duplicated,
            overtaken=judgement.overtaken,
            wrong=judgement.wrong,
            faults=cluster.faults.struck,
            situations=world.situations,
        )

    def _judge(self) -> Judgement:
        cluster = self.cluster
        judgement = judge_log(cluster.broker, cluster.parts.intended)
        judge_store(judgement, cluster.broker, cluster.store)
        judge_state(judgement, cluster.broker)
        # The clock waits for intake's commits: one that goes back while its owner goes on would stop it.
        back = [what for role in ("intake", "watch") for what in cluster.groups[role].taken_back]
        judgement.add_wrong("commits that were taken back", back)
        judgement.add_lost("scopes of which no snapshot was whole for a while", cluster.lost_scopes)
        return judgement

    def _come_to_rest(self, *roles: str) -> list[str]:
        """Let everything be read and committed, by all roles or some."""
        return self._wait(lambda: self._behind(*roles), _REST_WITHIN_S, "is still behind")

    def _tick_and_rest(self, calm_s: float) -> list[str]:
        """Let the clock, as it runs, tick once for everything that was received; then stop it and let all come to rest."""
        cluster = self.cluster
        problems = self._stop("sink")  # which looks for records all the time, and ticks are far apart
        tick_s = cluster.scenario.settings.clock.tick_seconds
        problems = problems or self._wait(
            lambda: self._partitions_without_tick(calm_s),
            max(0.0, cluster.log_ahead_s()) + 2 * tick_s + _REST_WITHIN_S,
            "has no tick since faults ceased",
            tick_s / 20,
        )
        problems = problems or self._stop("clock")
        for slot in cluster.slots:
            if slot.role == "sink":
                cluster.want(slot)
        return problems or self._come_to_rest()

    def _stop(self, role: str) -> list[str]:
        slots = [slot for slot in self.cluster.slots if slot.role == role]
        for slot in slots:
            self.cluster.let_go(slot)
        living = self.cluster.living
        return self._wait(lambda: [slot.name for slot in living(role)], _REST_WITHIN_S, "does not stop")

    def _behind(self, *roles: str) -> list[str]:
        return [
            f"{role} of {tp.topic}:{tp.partition} by {lag}"
            for role in roles or self.cluster.groups
            for tp, lag in self.cluster.behind(role).items()
        ]

    def _partitions_without_tick(self, since_s: float) -> list[str]:
        cluster = self.cluster
        missing = []
        for tp in cluster.broker.of_topics(["timeline"]):
            partition = cluster.broker.partitions[tp]
            if not any(
                second >= since_s and is_tick_since(cluster, record.value, since_s)
                for record, second in zip(reversed(partition.ever), reversed(partition.appended_at), strict=True)
                if second >= since_s
            ):
                missing.append(f"{tp.topic}:{tp.partition}")
        return missing

    def _wait(
        self, who: Callable[[], list[str]], within_s: float, what: str, every_s: float = _LOOKS_EVERY_S
    ) -> list[str]:
        """Let time pass until nobody is left of whom something is true; returns who stalls, and how all stand."""

        def look() -> None:
            if who():
                self.world.after(every_s, look)
            else:
                self.world.stop()

        self.world.at(self.world.now, look)
        if self.world.run(self.world.now + within_s):
            return []
        stalled = [f"stalled: {each} {what}" for each in who()]
        standing = [
            f"stalled: {slot.name}: {'alive' if slot.process and slot.process.is_alive else 'dead'}, "
            f"started {slot.started} times, last error {slot.last_error or 'none'}"
            for slot in self.cluster.slots
        ]
        return stalled + standing


def is_tick_since(cluster: Cluster, value: bytes | None, since_s: float) -> bool:
    """Tell whether a record is a tick that was decided on at or after a second."""
    at = tick_at(value)
    return at is not None and cluster.parts.intended.get(at, -1.0) >= since_s
