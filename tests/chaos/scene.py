"""One run: topics, a town and all processes of its own on the stage; where it is, and when it has recovered."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from events.topics import CATALOGUE
from streams.broker.publisher import Publisher
from streams.broker.topics import create_topics, plan_topics
from streams.feeding import RawLine, read_line
from streams.settings import Settings
from streams.town.settings import MAX_DAYS, MIN_DAYS, TownSettings
from streams.town.write import write_town
from tests.chaos.parts import Ended, Part
from tests.chaos.progress import GroupProgress
from tests.chaos.sender import Plan
from tests.chaos.settings import settings_of, variables_of
from tests.chaos.stage import Stage
from tests.chaos.town_clock import VARIABLE as LOAD_VARIABLE

RECOVERY_S = 240.0
DRAIN_S = 600.0
TICK_S = 0.6  # at least, between two ticks: an hour of the town
NOISE_PER_S = 200.0
PARTS = {"intake": 2, "watch": 2, "sink": 1, "clock": 1}
_COMMANDS = {"intake": ("worker", "intake"), "watch": ("worker", "watch"), "sink": ("sink",), "clock": ("clock",)}
SOUND = "streams.cli"
_TAIL_DAYS = 2  # days of a town in which what is open comes to its end


@dataclass(slots=True)
class Scene:
    """A run that goes on. `findings` are things that must not be, in words; each counts as wrong."""

    stage: Stage
    name: str
    seed: int
    directory: Path
    settings: Settings
    plan: Plan
    progress: GroupProgress
    has_names: bool  # workers have a lasting name (worker.instance_id)
    modules: Mapping[str, str]  # what stands in for `gridwatch` itself, by role
    parts: dict[str, Part] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)  # by role
    ticks: int = 0
    _retired: list[Part] = field(default_factory=list)

    # -- parts

    def add(self, name: str) -> Part:
        """Start a process named ROLE-NUMBER and keep it running."""
        role = name.partition("-")[0]
        more = {LOAD_VARIABLE: self.plan.directory}
        if self.has_names and role in ("intake", "watch"):
            more["GRIDWATCH_WORKER__INSTANCE_ID"] = name
        variables = variables_of(self.stage, self.name, **more)
        part = Part(name, self.modules.get(role, SOUND), _COMMANDS[role], variables, self.directory / f"{name}.log")
        self.parts[name] = part
        part.start()
        return part

    def _add_sender(self) -> None:
        variables = variables_of(self.stage, self.name)
        log = self.directory / "sender.log"
        part = Part("sender", "tests.chaos.sender", (self.plan.as_json(),), variables, log)
        part.is_once = True
        self.parts["sender"] = part
        part.start()

    async def take_away(self, name: str) -> None:
        """Stop a process with SIGTERM for good; it must end well, unless it had not even begun."""
        part = self.parts.pop(name)
        self._retired.append(part)
        status = await part.stop()
        had_begun = part.has_begun or status != -signal.SIGTERM
        if status not in (0, None) and had_begun and not part.is_cramped:
            self.findings.append(f"{name} ended with {status} after SIGTERM")

    def of_role(self, role: str) -> list[Part]:
        """Return the processes of a role, by name."""
        return [part for name, part in sorted(self.parts.items()) if name.partition("-")[0] == role]

    # -- where it is

    @property
    def topics(self) -> list[str]:
        """Return the names of the run's topics."""
        return [self.settings.topic(spec.name) for spec in CATALOGUE]

    @property
    def ticks_left(self) -> int:
        """Return how many ticks of the town are still to come."""
        return self.ticks - self.plan.ticks.count()

    async def recovered(self, since: float) -> float:
        """Wait until all groups are where the log ended when this was called and the clock has moved on since.

        Returns the seconds from the instant `since`. Raises NotRecoveredError.
        """
        ticked = self.plan.ticks.count()
        await self.progress.wait_for_all(lambda: self.plan.ticks.count() > ticked or self.ticks_left <= 0, RECOVERY_S)
        return time.monotonic() - since

    async def drain(self) -> None:
        """Let the town come to its end as quickly as it goes, and everybody with it; raises NotRecoveredError."""
        self.plan.hurry.touch()
        await self.progress.wait_for_all(lambda: self.parts["sender"].is_over, DRAIN_S)
        await self.progress.wait_for_all(lambda: True, RECOVERY_S)  # also what was sent while the last tick was written

    async def stop(self) -> None:
        """Stop all processes with SIGTERM, side by side."""
        await asyncio.gather(*(self.take_away(name) for name in list(self.parts)))

    def unasked_ends(self) -> list[tuple[Part, Ended]]:
        """Return the ends of processes that nobody had told to end."""
        return [
            (part, end)
            for part in (*self.parts.values(), *self._retired)
            for end in part.ends
            if not end.was_ours and not (part.is_once and end.status == 0)
        ]

    def count_unasked_ends(self) -> Counter[str]:
        """Return how many there were, by role and status."""
        return Counter(f"{part.name.partition('-')[0]} {end.status}" for part, end in self.unasked_ends())


def days_for(injections: int, ticks_each: int = 12) -> int:
    """Return how many days of daily life a town needs so that so many faults find it under load."""
    hours = injections * ticks_each + 30
    return min(MAX_DAYS, max(MIN_DAYS, -(-hours // 24) - _TAIL_DAYS))


@asynccontextmanager
async def scene(
    stage: Stage, name: str, seed: int, days: int, modules: Mapping[str, str] | None = None
) -> AsyncIterator[Scene]:
    """Write the town, make topics, start all processes and the load; what is left is killed at the end.

    `modules` stand in for `gridwatch` itself, by role. The directory stays where there are findings, or an exception leaves
    the block.
    """
    directory = stage.directory / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    town = TownSettings(seed=seed, compounds=3, households=60, residents=160, returnees=12, days=days, scan_share=0.05)
    summary = await asyncio.to_thread(write_town, town, directory / "town")
    settings = settings_of(stage, name)
    plan = Plan(str(directory / "town" / "events.ndjson"), str(directory), seed, TICK_S, NOISE_PER_S)
    await asyncio.to_thread(lambda: create_topics(settings, plan_topics(settings)))
    async with GroupProgress(settings) as progress:
        has_names = random.Random(f"{seed}/names").random() < 0.5
        all_modules = {"clock": "tests.chaos.town_clock", **(modules or {})}
        built = Scene(
            stage, name, seed, directory, settings, plan, progress, has_names, all_modules, ticks=summary.ticks
        )
        try:
            await _begin(built)
            yield built
        finally:
            await asyncio.gather(*(part.end() for part in built.parts.values()))
    await asyncio.to_thread(_remove, built)
    if not built.findings:
        shutil.rmtree(directory, ignore_errors=True)


async def _begin(built: Scene) -> None:
    """Start the parts, and the load when the policy stands in the log."""
    for role, count in PARTS.items():
        for number in range(1, count + 1):
            built.add(f"{role}-{number}")
    with Path(built.plan.events).open("rb") as file:
        policy = read_line(next(file).rstrip(b"\n"))
    assert isinstance(policy, RawLine)
    assert policy.is_policy
    async with Publisher(built.settings) as publisher:
        await publisher.publish([policy.output])
    await built.progress.wait_for_all(lambda: True, RECOVERY_S)
    built._add_sender()


def _remove(built: Scene) -> None:
    database = built.stage.database(built.settings.clickhouse.database)
    try:
        database.command(f"DROP DATABASE IF EXISTS `{built.settings.clickhouse.database}`")
    finally:
        database.close()
    admin = built.stage.cluster.admin()
    try:
        admin.delete_topics(built.topics)
    finally:
        admin.close()
