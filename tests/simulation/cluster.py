"""Everything of a run together: who is started, who is started again, and the faults that come at some moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from faust.types import TP

from events.instants import parse_instant
from sinks.clickhouse.columns import TOPICS as SINK_TOPICS
from tests.simulation.broker import Broker, tick_at
from tests.simulation.devices import RAW_TOPICS, Devices
from tests.simulation.faults import Faults
from tests.simulation.groups import Group
from tests.simulation.loop import Process, World
from tests.simulation.network import Network
from tests.simulation.roles import Parts, Stop, run_clock, run_sink, run_worker
from tests.simulation.scenario import Scenario
from tests.simulation.store import Store
from tests.simulation.verdict_state import lost_scopes

_COMPACTED_AFTER_S = 7 * 86_400
_HOUR_S, _DAY_S = 3600.0, 86_400.0


@dataclass
class Slot:
    """A place for a process of a role: it is started again there when it ends, while it is wanted."""

    role: str
    name: str
    is_wanted: bool = False
    process: Process | None = None
    stop: Stop | None = None
    started: int = 0
    failures: int = 0
    last_error: str = ""


class Cluster:
    """The brokers, the database, and the processes on them."""

    def __init__(
        self, scenario: Scenario, faults: Faults, random: Random, note: Callable[[float, str], None] | None
    ) -> None:
        self.scenario = scenario
        self.faults = faults
        self.random = random
        self.world = World(random, note)
        self.network = Network(self.world, faults)
        start_ms = int(scenario.start_at.timestamp() * 1000)
        self.broker = Broker(self.world, self.network, scenario.partitions, scenario.nodes, start_ms)
        topics = {"intake": RAW_TOPICS, "watch": ("timeline",), "sink": SINK_TOPICS}
        self.groups = {
            role: Group(role, self.broker.of_topics(names), self.world, self.network) for role, names in topics.items()
        }
        self.store = Store(self.world, self.network, faults)
        self.parts = Parts(
            settings=scenario.settings,
            sink_settings=scenario.sink_settings,
            broker=self.broker,
            groups=self.groups,
            store=self.store,
            start_at=scenario.start_at,
            request_records=scenario.request_records,
        )
        self.devices = Devices(self.broker, faults, random)
        self.lost_scopes: list[str] = []  # at some moment there was no state of them, though there had been one
        self.slots = [
            Slot(role, f"{role}-{number}") for role, count in scenario.workers.items() for number in range(1, count + 1)
        ]

    # -- processes

    def want(self, slot: Slot) -> None:
        """Start a slot's process, and again whenever it ends."""
        slot.is_wanted = True
        if slot.process is None or not slot.process.is_alive:
            self._start(slot)

    def let_go(self, slot: Slot) -> None:
        """Stop a slot's process in good order."""
        slot.is_wanted = False
        if slot.stop is not None:
            slot.stop.set()

    def _start(self, slot: Slot) -> None:
        if not slot.is_wanted or (slot.process is not None and slot.process.is_alive):
            return
        slot.started += 1
        slot.process = process = Process(self.world, f"{slot.name}#{slot.started}")
        slot.stop = stop = Stop()
        process.on_killed = lambda: self._ended(slot, process, None)
        process.on_frozen = lambda seconds: self._frozen(slot, process)  # noqa: ARG005
        self.world.note(process.name, "starts")
        if slot.role == "clock":
            main = run_clock(self.parts, process, slot.name, stop)
        elif slot.role == "sink":
            main = run_sink(self.parts, process, stop)
        else:
            main = run_worker(self.parts, process, slot.role, stop)
        process.start(main, lambda ended, error: self._ended(slot, ended, error))

    def _ended(self, slot: Slot, process: Process, error: BaseException | None) -> None:
        group = self.groups.get(slot.role)
        if group is not None:
            group.expire(process, is_over=lambda: True)
        slot.failures = 0 if error is None else slot.failures + 1
        if error is not None:
            slot.last_error = f"{type(error).__name__}: {error}"
            self.world.note(process.name, f"ends with {slot.last_error}")
        else:
            self.world.note(process.name, "is gone")
        longest_s = 5.0 if self.faults.is_calm else min(5.0 * 2**slot.failures, 600.0)
        self.world.after(self.faults.seconds(0.5, longest_s), self._start, slot)

    def _frozen(self, slot: Slot, process: Process) -> None:
        group = self.groups.get(slot.role)
        if group is not None:
            since = self.world.now
            group.expire(process, is_over=lambda: process.is_frozen and process.frozen_since == since)

    def living(self, *roles: str) -> list[Slot]:
        """Return the slots of roles in which a process lives."""
        return [
            slot
            for slot in self.slots
            if slot.process is not None and slot.process.is_alive and (not roles or slot.role in roles)
        ]

    # -- the story

    def begin(self, moments: dict[str, int]) -> None:
        """Plan the records, the processes and the faults that come at some moment."""
        for second, line in self.scenario.arrivals:
            self.devices.plan(second, line)
        for slot in self.slots:
            if slot.role == "sink":
                self._plan_sessions(slot)
            else:
                self.want(slot)
        for kind, count in moments.items():
            strike: Callable[[], object] = getattr(self, "_" + kind.replace(" ", "_").replace("'", ""))
            for _ in range(count):
                self.world.at(self._moment(), self._strike, kind, strike)

    def _moment(self) -> float:
        """Draw a moment, most of them when there is something to do."""
        second, _ = self.random.choice(self.scenario.arrivals)
        return second + self.faults.seconds(0.001, 60.0)

    def _strike(self, kind: str, strike: Callable[[], object]) -> None:
        if not self.faults.is_calm and strike() is not False:
            self.faults.count(kind)
            self.world.note("fault", kind)

    def _plan_sessions(self, slot: Slot) -> None:
        """Let a sink run now and then: it looks for records all the time, and days of that would take long."""
        for _ in range(self.scenario.sink_sessions):
            begin = self._moment()
            self.world.at(begin, self._begin_session, slot)
            self.world.at(begin + self.faults.seconds(60.0, 3 * _HOUR_S), self._end_session, slot)

    def _begin_session(self, slot: Slot) -> None:
        if not self.faults.is_calm:
            self.want(slot)

    def _end_session(self, slot: Slot) -> None:
        if not self.faults.is_calm:
            self.let_go(slot)

    # -- faults that come at some moment; one that finds nothing to strike returns False

    def _worker_joins(self) -> bool | None:
        role = self.random.choice(["intake", "watch"])
        slot = Slot(role, f"{role}-{len(self.slots) + 1}")
        self.slots.append(slot)
        self.want(slot)
        self.world.after(self.faults.seconds(30.0, _DAY_S), self.let_go, slot)
        return None

    def _worker_leaves(self) -> bool | None:
        slots = self.living("intake", "watch", "clock")
        if not slots:
            return False
        slot = self.random.choice(slots)
        self.let_go(slot)
        self.world.after(self.faults.seconds(1.0, _HOUR_S), self.want, slot)
        return None

    def _worker_killed(self) -> bool | None:
        slots = self.living()
        if not slots:
            return False
        process = self.random.choice(slots).process
        assert process is not None
        self.network.kill(process, "at some moment")
        return None

    def _group_without_coordinator(self) -> bool | None:
        slots = self.living("intake", "watch", "sink")
        if not slots:
            return False
        slot = self.random.choice(slots)
        assert slot.process is not None
        self.groups[slot.role].cut_off(slot.process, self.faults.seconds(3.0, 300.0))
        return None

    def _partition_unreachable(self) -> None:
        self._cut_off([self.random.choice(sorted(self.broker.partitions))], self.faults.seconds(1.0, _HOUR_S))

    def _raw_topics_unreachable(self) -> None:
        self._cut_off(self.broker.of_topics(RAW_TOPICS), self.faults.seconds(30.0, 6 * _HOUR_S))

    def _cut_off(self, partitions: list[TP], seconds: float) -> None:
        for tp in partitions:
            self.broker.cut_off(tp)
            self.world.after(seconds, self._restore, tp)

    def _restore(self, tp: TP) -> None:
        self.broker.restore(tp)
        self.devices.flush()

    def _clock_jumps_ahead(self) -> None:
        self._clock_jumps(self.faults.seconds(1.0, _DAY_S))

    def _clock_jumps_back(self) -> None:
        self._clock_jumps(-self.faults.seconds(1.0, _DAY_S))

    def _clock_jumps(self, seconds: float) -> None:
        machine = self.random.choice([slot.name for slot in self.slots if slot.role == "clock"])
        ahead = self.parts.machines_ahead_s
        ahead[machine] = ahead.get(machine, 0.0) + seconds

    def _brokers_time_jumps(self) -> None:
        self.broker.offset_ms += int(self.random.choice([-1, 1]) * self.faults.seconds(1.0, _DAY_S) * 1000)

    def _state_compacted(self) -> None:
        for tp in self.broker.of_topics(["watch-state", "intake-state"]):
            partition = self.broker.partitions[tp]
            are_old = self.random.random() < 0.5
            partition.compact(partition.end - self.random.randint(0, 4), lambda record: are_old)  # noqa: ARG005, B023
        self.lost_scopes += lost_scopes(self.broker)

    def _results_compacted(self) -> None:
        before_s = self.world.now - _COMPACTED_AFTER_S
        for tp in self.broker.of_topics(["checks", "alerts"]):
            partition = self.broker.partitions[tp]
            before = next((n for n, second in enumerate(partition.appended_at) if second > before_s), partition.end)
            # A sink that stands still for longer than topics are kept misses revisions: nobody promises otherwise.
            before = min(before, self.groups["sink"].offsets.get(tp, 0))
            partition.compact(before, lambda record: False)  # noqa: ARG005

    def _tables_merged(self) -> None:
        self.store.merge()

    def _tables_out_of_reach(self) -> None:
        self.store.down_until = self.world.now + self.faults.seconds(5.0, _HOUR_S)

    # -- the end

    def calm(self) -> None:
        """Let faults cease: everything can be reached, everybody wakes, clocks are right.

        One that did not believe its machine is started again, as its alarm says.
        """
        self.faults.is_calm = True
        for tp in self.broker.partitions:
            self.broker.restore(tp)
        self.devices.flush()
        self.store.down_until = 0.0
        self.parts.machines_ahead_s.clear()
        if self.scenario.settings.clock.ahead_seconds:
            self.broker.offset_ms = int(self.scenario.start_at.timestamp() * 1000)
            for slot in self.living("clock"):
                assert slot.process is not None
                self.network.kill(slot.process, "to be started again")
        for slot in self.slots:
            if slot.process is not None:
                slot.process.wake()
            if slot.role == "sink" or not slot.is_wanted:
                self.want(slot)

    def log_ahead_s(self) -> float:
        """Return by how much the last tick is ahead of the time: for so long no clock writes another."""
        records = (record for tp in self.broker.of_topics(["timeline"]) for record in self.broker.partitions[tp].ever)
        ticks = [parse_instant(at) for record in records if (at := tick_at(record.value)) is not None]
        now = self.scenario.start_at + timedelta(seconds=self.world.now)
        return max(((at - now).total_seconds() for at in ticks), default=0.0)

    def end(self) -> None:
        """Let nobody live on."""
        for slot in self.slots:
            if slot.process is not None:
                slot.process.kill()
                slot.process.bury()

    def behind(self, role: str) -> dict[TP, int]:
        """Return of each partition that a group reads how many records it has still to commit."""
        group = self.groups[role]
        lags = {tp: self.broker.partitions[tp].end - group.offsets.get(tp, 0) for tp in group.partitions}
        return {tp: lag for tp, lag in lags.items() if lag}
