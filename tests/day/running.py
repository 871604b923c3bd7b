"""A day from its beginning to the judgement: the processes of the devices, and what is killed while they run."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from events.records import RAW_TOPICS
from tests.chaos.progress import GroupProgress
from tests.chaos.reading import read_topic
from tests.chaos.scene import SOUND
from tests.day.judge import Judgement, judge
from tests.day.plan import Plan, device_of
from tests.day.stage import Stage, StageError, stage
from tests.day.truth import read_truths
from tests.support.processes import REPOSITORY

# When so much of the day is over: what is killed with -9. A short day has no time for more than a few.
_SHORT_S = 180.0
_FEW_KILLS = ((0.10, "gateway-1"), (0.30, "broker"), (0.55, "intake"), (0.60, "gateways"))
_KILLS = (
    (0.10, "gateway-1"),
    (0.20, "gateway-2"),
    (0.30, "intake"),
    (0.40, "broker"),
    (0.55, "gateways"),
    (0.65, "gateway-1"),
    (0.75, "broker"),
    (0.85, "gateway-2"),
    (0.92, "intake"),
)
_BROKER_AWAY_S = (0.5, 3.0)
_SHORTEST_S, _DEVICES_A_SECOND = 75.0, 30
_INTAKE_S = 240.0
_LINE_BYTES = 1 << 20

Tell = Callable[[str], None]


class Devices:
    """A process of devices: how far it is, and what it said in the end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.wakes = self.woken = 0
        self.is_over = False
        self.counts: Counter[str] = Counter()
        self.errors: list[str] = []
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, log: Path, *arguments: str) -> Devices:
        """Start `python -m ARGUMENTS`."""
        with log.open("ab") as said:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *arguments),
                cwd=REPOSITORY,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=said,
                limit=_LINE_BYTES,
            )
        return cls(process)

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            self.wakes, self.woken = said.get("wakes", self.wakes), said.get("woken", self.woken)
            self.is_over = self.is_over or said.get("is_over", False)
            self.counts.update(said.get("counts", {}))
            self.errors += said.get("errors", [])
        await self._process.wait()

    @property
    def has_ended(self) -> bool:
        """Tell whether the process is gone."""
        return self._listening.done()

    async def finish(self) -> int:
        """Let everybody send what waits, and return the exit status."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        await self._process.stdin.drain()
        await self._listening
        return self._process.returncode or 0

    async def end(self) -> None:
        """Kill it, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
        await asyncio.gather(self._listening, return_exceptions=True)


class Day:
    """One day."""

    def __init__(self, plan: Plan, directory: Path, port: int, processes: int, tell: Tell) -> None:
        self._plan, self._directory, self._port, self._processes = plan, directory, port, processes
        self._tell = tell
        self.gateway = SOUND
        self.kills_to_come = list(_FEW_KILLS if plan.seconds < _SHORT_S else _KILLS)
        self._chance = random.Random(f"{plan.seed}/kills")
        self._devices: list[Devices] = []
        self.kills: Counter[str] = Counter()
        self.readies_s: list[float] = []

    async def play(self) -> dict[str, Any]:
        """Play it and return what is to be shown."""
        began = time.monotonic()
        shutil.rmtree(self._plan.directory, ignore_errors=True)
        Path(self._plan.directory).mkdir(parents=True)
        try:
            async with (
                stage(self._directory, self._port, self._plan, self.gateway) as built,
                GroupProgress(built.settings) as progress,
            ):
                self._tell(f"ready after {time.monotonic() - began:.0f} s: {self._plan.devices:,} sources")
                await self._pass_day(built)
                day_s = time.monotonic() - began
                errors = await self._drain(built)
                await built.wait_for_intake(progress, _INTAKE_S)
                self._tell("everybody has sent, intake has read all of it")
                judgement = await self._judge(built, progress)
        finally:
            await asyncio.gather(*(each.end() for each in self._devices))
        judgement.count("strange", "processes of devices failed", errors)
        shutil.rmtree(self._plan.directory, ignore_errors=True)
        return self._result(judgement, day_s, time.monotonic() - began)

    async def _pass_day(self, built: Stage) -> None:
        text = self._plan.as_json()
        for index in range(self._processes):
            command = ("tests.day.lanes", text, str(index), str(self._processes))
            self._devices.append(await Devices.start(self._directory / f"devices-{index}.log", *command))
        apart = await Devices.start(self._directory / "devices-apart.log", "tests.day.apart", text)
        self._devices.append(apart)
        waiting = self.kills_to_come
        while not all(each.is_over or each.has_ended for each in self._devices):
            await asyncio.sleep(0.1)
            if waiting and self._share() >= waiting[0][0]:
                await self._kill(built, waiting.pop(0)[1])
        if waiting:
            raise StageError(f"the day was over before {len(waiting)} kills")

    def _share(self) -> float:
        """Return how much of the day is over, by the processes that have many devices."""
        wakes = sum(each.wakes for each in self._devices[:-1])
        return sum(each.woken for each in self._devices[:-1]) / wakes if wakes else 0.0

    async def _kill(self, built: Stage, what: str) -> None:
        began = time.monotonic()
        kinds: dict[str, Callable[[Stage], Awaitable[None]]] = {
            "broker": self._kill_broker,
            "gateways": self._kill_gateways,
            "intake": self._kill_intake,
        }
        await kinds.get(what, lambda stage: self._kill_gateway(stage, what))(built)
        self._tell(f"{100 * self._share():3.0f} %: kill -9 of {what}, back after {time.monotonic() - began:.1f} s")

    async def _kill_gateway(self, built: Stage, name: str) -> None:
        began = time.monotonic()
        await built.parts[name].kill()
        self.kills["gateways"] += 1
        await built.wait_until_ready([built.gateway_ports[int(name[-1]) - 1]])
        self.readies_s.append(time.monotonic() - began)

    async def _kill_gateways(self, built: Stage) -> None:
        names = [name for name in built.parts if name.startswith("gateway")]
        await asyncio.gather(*(self._kill_gateway(built, name) for name in names))

    async def _kill_intake(self, built: Stage) -> None:
        await built.parts["intake-1"].kill()
        self.kills["intake"] += 1

    async def _kill_broker(self, built: Stage) -> None:
        await built.kafka("kill")
        self.kills["broker"] += 1
        await asyncio.sleep(self._chance.uniform(*_BROKER_AWAY_S))
        await built.kafka("start")
        await built.wait_until_ready()

    async def _drain(self, built: Stage) -> list[str]:
        """Let everybody send what is left; returns what went wrong with processes."""
        await built.wait_until_ready()
        self._tell("the day is over; who still has something sends it")
        statuses = await asyncio.gather(*(each.finish() for each in self._devices))
        errors = [error for each in self._devices for error in each.errors]
        errors += [f"status {status}" for status in statuses if status != 0]
        unasked = [(part, end) for part in built.parts.values() for end in part.ends if not end.was_ours]
        return errors + [f"{part.name} ended with {end.status}: {end.last_words}" for part, end in unasked]

    async def _judge(self, built: Stage, progress: GroupProgress) -> Judgement:
        raw = [
            record.value or b"" for topic in RAW_TOPICS for record in await read_topic(progress, built.settings, topic)
        ]
        timeline = [record.value or b"" for record in await read_topic(progress, built.settings, "timeline")]
        letters = [record.value or b"" for record in await read_topic(progress, built.settings, "dead-letters")]
        truths = read_truths(Path(self._plan.directory))
        has_killed = self.kills["intake"] > 0
        return await asyncio.to_thread(lambda: judge(truths, raw, timeline, letters, rewrites=has_killed))

    def _result(self, judgement: Judgement, day_s: float, whole_s: float) -> dict[str, Any]:
        counts = sum((each.counts for each in self._devices), Counter())
        devices = [device_of(self._plan.seed, number) for number in range(self._plan.devices)]
        return {
            "measured_on": datetime.now(UTC).date().isoformat(),
            "seed": self._plan.seed,
            "devices": self._plan.devices,
            "requests": counts["requests"],
            "kills": {**self.kills, "devices": counts["devices killed"]},
            "power_losses": counts["power losses"],
            "outages": sum(len(device.offline) for device in devices),
            "clocks_off": sum(abs(device.clock_off_s) > 60 or device.clock_set_at_s > 0 for device in devices),
            "line": {fault: counts[fault] for fault in ("lost", "reset", "cut", "twice")},
            "keys_refused": counts["keys refused"],
            "gateway_ready_s_max": round(max(self.readies_s), 1),
            **judgement.as_dict(),
            "day_s": round(day_s),
            "seconds": round(whole_s),
        }


def plan_of(seed: int, devices: int, directory: Path, port: int) -> Plan:
    """Return the plan of a day that ends now; one device in a hundred, and three at least, is a process of its own."""
    ports = Stage(directory, port).gateway_ports
    seconds = max(_SHORTEST_S, devices / _DEVICES_A_SECOND)
    return Plan(seed, devices, max(3, devices // 100), seconds, str(directory), ports, datetime.now(UTC).isoformat())
