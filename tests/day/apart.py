"""Devices that are processes: each records and sends until it is killed with -9, is started again, and so on.

    python -m tests.day.apart PLAN

Speaks with the process that started it as `tests.day.lanes` does. This one has no spool open while it forks.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from tests.chaos.journal import Journal
from tests.day.device import Client
from tests.day.lanes import DRAIN_S, tell
from tests.day.plan import Device, Plan, Wake, device_of
from tests.day.truth import read_truth

_LIVES = 4
_LIFE_S = (0.005, 0.12)
_RECORDS = 12


class Mortal:
    """A device in a process of its own; what it was told to be safe stands in a journal."""

    def __init__(self, plan: Plan, device: Device) -> None:
        self._plan, self.device = plan, device
        self._chance = random.Random(f"{plan.seed}/lives/{device.number}")
        self.counts: Counter[str] = Counter()
        self.client = Client(plan, device, self.counts)
        self._journal = Journal(self.client.path.parent / "journal")

    def live(self) -> bool:
        """Let it run for a moment and kill it; tells whether it was still there to be killed."""
        # Each life has a chance of its own: what the last one drew died with it.
        self.client.chance.seed(self._chance.random())
        child = os.fork()
        if child == 0:
            self._record_and_send()
        time.sleep(self._chance.uniform(*_LIFE_S))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0:
            raise RuntimeError(f"a device ended with {os.WEXITSTATUS(status)}")
        return os.WIFSIGNALED(status)

    def _record_and_send(self) -> None:
        """Record one by one and send in between; does not return."""
        status = 1
        try:
            for _ in range(_RECORDS):
                before = len(self.client.noted)
                self.client.wake(Wake(0.0, 1))
                for event_id in self.client.noted[before:]:
                    self._journal.note(event_id)
                self.client.seconds += 60.0
            status = 0
        finally:
            os._exit(status)

    def noted(self) -> list[str]:
        """Return what was said to be safe in any life."""
        return self._journal.path.read_text("ascii").split() if self._journal.path.exists() else []


def main(plan: Plan) -> int:
    """Play the share of the devices that are killed."""
    devices = [Mortal(plan, device_of(plan.seed, number)) for number in plan.apart()]
    tell(wakes=_LIVES * len(devices))
    killed = 0
    for life in range(_LIVES):
        for number, device in enumerate(devices, 1):
            killed += device.live()
            tell(woken=life * len(devices) + number)
    tell(is_over=True)
    sys.stdin.readline()
    until = time.monotonic() + DRAIN_S
    for device in devices:
        while device.client.drain() > 0 and time.monotonic() < until:
            time.sleep(0.2)
        device.client.off()
    with (Path(plan.directory) / "truth-apart.ndjson").open("w", encoding="utf-8") as file:
        for device in devices:
            file.write(read_truth(device.client.path, device.device.source_id, device.noted()).as_line())
    tell(counts={**sum((device.counts for device in devices), Counter()), "devices killed": killed}, errors=[])
    return 0


if __name__ == "__main__":
    sys.exit(main(Plan.from_json(sys.argv[1])))
