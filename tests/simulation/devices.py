"""Records as sources send them: what a history says, in the raw topics, held back while these cannot be reached."""

import json
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from random import Random
from zlib import crc32

from faust.types import TP

from tests.simulation.broker import Broker
from tests.simulation.faults import Faults

# Contract section 2: which kind goes where.
TOPIC_OF_KIND: Mapping[str, str] = {
    "observation_opened": "observations",
    "observation_extended": "observations",
    "observation_closed": "observations",
    "check_waived": "observations",
    "visit_recorded": "visits",
    "temperature_taken": "temperatures",
    "checkpoint_scanned": "checkpoints",
    "alert_acknowledged": "commands",
    "alert_resolved": "commands",
    "policy_changed": "commands",
    "outage_opened": "commands",
    "outage_closed": "commands",
    "source_defined": "commands",
}
RAW_TOPICS = ("visits", "temperatures", "checkpoints", "observations", "commands")
_RESENT_AFTER_S = 3 * 86_400


class Devices:
    """All sources together; each keeps what it could not deliver, and its order."""

    def __init__(self, broker: Broker, faults: Faults, random: Random) -> None:
        self._broker = broker
        self._faults = faults
        self._random = random
        self._waiting: dict[TP, deque[tuple[bytes | None, bytes]]] = {}

    def plan(self, second: float, line: bytes) -> None:
        """Send a line at a second."""
        tp, key = self._place(line)
        self._broker.world.at(second, self._send, tp, key, line)

    def _place(self, line: bytes) -> tuple[TP, bytes | None]:
        kind, source = _kind_and_source(line)
        topic = TOPIC_OF_KIND.get(kind) or self._random.choice(RAW_TOPICS)
        if self._random.random() < 0.01:
            topic = self._random.choice(RAW_TOPICS)  # somebody who is mistaken about topics
        return TP(topic, crc32(source or b"") % self._broker.counts[topic]), source

    def _send(self, tp: TP, key: bytes | None, line: bytes) -> None:
        self._waiting.setdefault(tp, deque()).append((key, line))
        self.flush()
        if self._faults.strikes("source sends twice"):
            self._broker.world.after(self._faults.seconds(0.1, _RESENT_AFTER_S), self._send, tp, key, line)

    def flush(self) -> None:
        """Deliver what can be delivered."""
        for tp, waiting in self._waiting.items():
            if self._broker.partitions[tp].is_reachable:
                while waiting:
                    self._broker.append(tp, [waiting.popleft()], "source")


def _kind_and_source(line: bytes) -> tuple[str, bytes | None]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return "", None
    if not isinstance(document, dict):
        return "", None
    kind, source = document.get("kind"), document.get("source_id")
    return kind if isinstance(kind, str) else "", source.encode() if isinstance(source, str) else None


def in_bursts(arrivals: list[tuple[datetime, bytes]], seconds: int) -> list[tuple[float, bytes]]:
    """Return arrivals by the second since the first; with `seconds`, held back to the next multiple of it."""
    first = arrivals[0][0]
    found = []
    for comes_at, line in arrivals:
        second = (comes_at - first).total_seconds()
        found.append((-(-second // seconds) * seconds if seconds else second, line))
    return found
