"""A run: a loaded scene, faults one after the other at random moments, each recovered from, and the judgement at the end."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from events.records import RAW_TOPICS
from tests.chaos.faults import FAULTS
from tests.chaos.faults.kinds import Fault
from tests.chaos.judge import judge
from tests.chaos.progress import NotRecoveredError
from tests.chaos.results import Result
from tests.chaos.scene import Scene, days_for, scene
from tests.chaos.stage import Stage
from tests.chaos.verdict import Judgement

FAULTS_A_RUN = 24
_TICKS_KEPT = 20  # so many of the town must be left for a fault to find load
_QUIET_S = (0.2, 3.0)
_LONG_S = 10.0
_PERSON = re.compile(r"\b(?:p|n|noise-|planted-fault-)\d{6,}\b")

Tell = Callable[[str], None]


@dataclass(slots=True)
class Run:
    """One run as it goes: what is left of its faults, and the results by kind."""

    name: str
    seed: int
    waiting: list[str]
    tell: Tell
    modules: Mapping[str, str] = field(default_factory=dict)  # what stands in for gridwatch, by role

    async def play(self, stage: Stage) -> list[Result]:
        """Play the run and return what came out; faults that found no load any more stay in `waiting`."""
        results: dict[str, Result] = {}
        began = time.monotonic()
        async with scene(stage, self.name, self.seed, days_for(len(self.waiting)), self.modules) as built:
            self.tell(f"{self.name}: town of {built.ticks} ticks, seed {self.seed}, named workers: {built.has_names}")
            judgement = await self._break_and_judge(built, results)
            await built.stop()
            judgement.fault("findings", built.findings)
            if not judgement.is_good:
                built.findings += judgement.examples
            for result in results.values():
                result.lost, result.duplicated, result.wrong = judgement.lost, judgement.duplicated, judgement.wrong
                result.repeats, result.overtaken = judgement.repeats, judgement.overtaken
                result.checked = judgement.checked
                result.examples = list(built.findings)
            ended = dict(sorted(built.count_unasked_ends().items()))
        for part, end in built.unasked_ends():
            self.tell(f"{self.name}: {part.name} ended with {end.status}: {end.last_words}")
        self.tell(
            f"{self.name}: lost {judgement.lost}, duplicated {judgement.duplicated}, wrong {judgement.wrong}, "
            f"{judgement.repeats} harmless repeats ({judgement.overtaken} overtaken), {judgement.checked} compared, "
            f"ended by themselves {ended}, {time.monotonic() - began:.0f} s"
        )
        for example in built.findings:
            self.tell(f"{self.name}: FOUND {example}")
        return list(results.values())

    async def _break_and_judge(self, built: Scene, results: dict[str, Result]) -> Judgement:
        """Break and mend until the town is through; what does not even come when it is given time is not looked into."""
        try:
            await self._break(built, results)
        except NotRecoveredError as error:
            built.findings.append(f"not recovered: {error}")
            await built.stage.heal()
        try:
            await built.drain()
        except NotRecoveredError as error:
            built.findings.append(f"never recovered: {error}")
            return Judgement()
        _look_for_people(built)
        return await judge(built)

    async def _break(self, built: Scene, results: dict[str, Result]) -> None:
        chance = random.Random(f"{self.seed}/moments")
        while self.waiting and built.ticks_left > _TICKS_KEPT:
            await asyncio.sleep(chance.uniform(*_QUIET_S))
            fault = FAULTS[self.waiting.pop(0)]
            result = results.setdefault(fault.kind, Result(fault.kind, self.name, self.seed))
            try:
                await self._inject(built, fault, chance, result)
            except TimeoutError:
                raise NotRecoveredError(f"{fault.kind} was not over in {fault.limit_s:.0f} s") from None
            except NotRecoveredError as error:
                raise NotRecoveredError(f"{fault.kind}: {error}") from None

    async def _inject(self, built: Scene, fault: Fault, chance: random.Random, result: Result) -> None:
        records = await built.progress.count(*RAW_TOPICS)
        killed, ended = Counter(built.killed), built.count_unasked_ends()
        result.times += 1
        began = time.monotonic()
        async with asyncio.timeout(fault.limit_s):
            mended_at = await fault.inject(built, chance)
        broken_s = mended_at - began
        recovery_s = await built.recovered(mended_at)
        result.recoveries_s.append(round(recovery_s, 2))
        result.records += await built.progress.count(*RAW_TOPICS) - records
        _add(result.killed, built.killed - killed)
        _add(result.ended, built.count_unasked_ends() - ended)
        self.tell(
            f"{self.name}: {fault.kind}, broken {broken_s:.1f} s, recovered in {recovery_s:.1f} s, "
            f"{built.ticks_left} ticks left, ended {dict(built.count_unasked_ends() - ended)}"
        )
        began = time.monotonic()
        await fault.settle(built)
        if time.monotonic() - began > _LONG_S:
            self.tell(f"{self.name}: {fault.kind}, whole again after another {time.monotonic() - began:.1f} s")


def _add(into: dict[str, int], more: Counter[str]) -> None:
    for name, count in more.items():
        into[name] = into.get(name, 0) + count


def _look_for_people(built: Scene) -> None:
    """See that no process has said who anybody is."""
    for path in sorted(built.directory.glob("*.log")):
        found = set(_PERSON.findall(path.read_text("utf-8", "replace")))
        if found:
            built.findings.append(f"{path.name} names {len(found)} people or records")


def shuffled(times: Mapping[str, int], done: Counter[str], seed: int) -> list[str]:
    """Return each kind as often as it is still to come, in random order."""
    left = [kind for kind, count in times.items() for _ in range(max(0, count - done[kind]))]
    random.Random(f"{seed}/order").shuffle(left)
    return left
