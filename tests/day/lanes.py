"""A process of many devices: they share some threads, and each thread wakes its own in the order of the day.

    python -m tests.day.lanes PLAN INDEX COUNT

It says on standard output, a JSON object a line, how many have woken; `{"is_over": true}` when all have; after a line on
standard input, when everything is mended, it has everybody send what waits, and says what it counted.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.day.device import Client
from tests.day.plan import DAY_S, Device, Plan, device_of
from tests.day.truth import read_truth

LANES = 8
_TELL_S = 0.2
DRAIN_S = 120.0


class Lane:
    """Some devices, one after the other; one thread."""

    def __init__(self, plan: Plan, devices: Iterable[Device]) -> None:
        self._plan, self._devices = plan, list(devices)
        self.counts: Counter[str] = Counter()
        self.woken = 0
        self.error = ""
        self._clients: list[Client] = []

    def play(self) -> None:
        """Let the day pass."""
        self._clients = [Client(self._plan, device, self.counts) for device in self._devices]
        due = [
            (wake.at_s, index, number)
            for index, device in enumerate(self._devices)
            for number, wake in enumerate(device.wakes)
        ]
        began = time.monotonic()
        for at_s, index, number in sorted(due):
            time.sleep(max(0.0, began + at_s / DAY_S * self._plan.seconds - time.monotonic()))
            self._clients[index].wake(self._devices[index].wakes[number])
            self.woken += 1

    def drain(self, until: float) -> None:
        """Have everybody send what waits; who cannot is left as it is when the time is over."""
        waiting = self._clients
        while waiting and time.monotonic() < until:
            rests = [(client, client.drain()) for client in waiting]
            waiting = [client for client, rest_s in rests if rest_s > 0]
            if waiting:
                time.sleep(0.2)
        for client in waiting:
            client.off()

    def truths(self) -> Iterable[str]:
        """Yield a line for each device."""
        for client in self._clients:
            yield read_truth(client.path, client.device.source_id, client.noted).as_line()


def _run_all(lanes: list[Lane], name: str, *arguments: float) -> list[threading.Thread]:
    def run(lane: Lane) -> None:
        try:
            getattr(lane, name)(*arguments)
        except BaseException as error:
            lane.error = f"{type(error).__name__}: {error}"
            raise

    threads = [threading.Thread(target=run, args=(lane,), daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    return threads


def tell(**words: object) -> None:
    """Say something to the process that started this one."""
    print(json.dumps(words), flush=True)


def main(plan: Plan, index: int, count: int) -> int:
    """Play the share of one process."""
    numbers = plan.in_lanes()[index::count]
    lanes = [Lane(plan, (device_of(plan.seed, number) for number in numbers[lane::LANES])) for lane in range(LANES)]
    tell(wakes=sum(len(device.wakes) for lane in lanes for device in lane._devices))
    threads = _run_all(lanes, "play")
    while any(thread.is_alive() for thread in threads):
        time.sleep(_TELL_S)
        tell(woken=sum(lane.woken for lane in lanes))
    tell(is_over=True)
    sys.stdin.readline()
    for thread in _run_all(lanes, "drain", time.monotonic() + DRAIN_S):
        thread.join()
    path = Path(plan.directory) / f"truth-{index}.ndjson"
    with path.open("w", encoding="utf-8") as file:
        for lane in lanes:
            file.writelines(lane.truths())
    errors = [lane.error for lane in lanes if lane.error]
    tell(counts=sum((lane.counts for lane in lanes), Counter()), errors=errors)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(Plan.from_json(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
