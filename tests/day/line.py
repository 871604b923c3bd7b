"""The line between a device and the gateways: the client's own, with what goes wrong on lines put into its connection.

lost      the request is sent, the answer is never read
reset     the same, and the client hears of it: it may send the same once more by itself
cut       half of the request is sent
twice     the request is sent, answered, and sent once more, perhaps to another gateway
before    the power fails, and nothing is sent        behind    it fails when the answer has come
"""

from __future__ import annotations

import http.client
import random
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from streams.device.answers import Answer
from streams.device.gateway import Gateway
from streams.device.keys import Key

FAULTS = {"lost": 0.03, "reset": 0.02, "cut": 0.01, "twice": 0.02}
_TIMEOUT_S = 5.0
_LATE_S = 0.03


class PowerFailedError(BaseException):
    """The device is off from here on; nothing of it runs, no handler either."""


class Line(Gateway):
    """A client's way to whichever gateway answers first at an address that several share."""

    def __init__(self, ports: tuple[int, ...], key: Key, chance: random.Random, counts: Counter[str]) -> None:
        super().__init__(f"http://127.0.0.1:{ports[0]}", lambda: key, timeout_s=_TIMEOUT_S)
        self._ports, self._chance, self.counts = ports, chance, counts
        self.is_down = self.is_good = False
        self.power_fails = ""
        self.fault = ""

    def post(self, lines: list[bytes]) -> Answer:
        """Send records as the client does, with what goes wrong meanwhile."""
        if self.power_fails == "before":
            raise PowerFailedError
        self.fault = "" if self.is_good or self.is_down else self._drawn()
        self.counts[self.fault] += 1
        if self.fault == "twice":
            super().post(lines)
            self.close()
        try:
            answer = super().post(lines)
        finally:
            self.fault = ""
        if self.power_fails == "behind":
            raise PowerFailedError
        return answer

    def _drawn(self) -> str:
        chance = self._chance.random()
        for fault, share in FAULTS.items():
            if chance < share:
                return fault
            chance -= share
        return ""

    def _connect(self) -> http.client.HTTPConnection:
        return _Connection(self, self._chance.choice(self._ports), _TIMEOUT_S)


class _Connection(http.client.HTTPConnection):
    def __init__(self, line: Line, port: int, timeout_s: float) -> None:
        super().__init__("127.0.0.1", port, timeout=timeout_s)
        self._line = line

    def request(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        line, given = self._line, dict(headers or {})
        if line.is_down:
            raise ConnectionRefusedError
        line.counts["requests"] += 1
        if line.fault != "cut":
            super().request(method, url, body, given, **more)
            return
        super().request(method, url, body[: len(body) // 2], given | {"Content-Length": str(len(body))}, **more)
        raise ConnectionAbortedError

    def getresponse(self) -> http.client.HTTPResponse:
        fault = self._line.fault
        if fault not in ("lost", "reset"):
            return super().getresponse()
        self._line.fault = ""  # once
        if self._line.counts[fault] % 2:
            time.sleep(_LATE_S)  # so that it was taken for certain
        self.close()
        raise TimeoutError if fault == "lost" else ConnectionResetError
