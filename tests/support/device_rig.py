"""A device whose time and chance are the test's, and whose power can fail at any moment."""

import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from streams.device.answers import Answer
from streams.device.gateway import Gateway, Way
from streams.device.keys import parse_key
from streams.device.sending import Limits
from streams.device.spool import Keeping, Spool
from streams.device.uploader import Uploader
from tests.support.scripted_gateway import KEY, SOURCE, ScriptedGateway

_BEGIN = datetime(2020, 2, 1, 8, tzinfo=UTC)


class PowerFailedError(BaseException):
    """The device is off from here on; nothing of it runs, no handler either."""


class FailingWay:
    """A way on which the power fails before or behind the next request, where it is told to."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self.fails: str | None = None

    def post(self, lines: list[bytes]) -> Answer:
        """Send records, or fail."""
        fails, self.fails = self.fails, None
        if fails == "before":
            raise PowerFailedError
        answer = self._way.post(lines)
        if fails == "behind":
            raise PowerFailedError
        return answer

    def ask(self) -> Answer:
        """Ask."""
        return self._way.ask()


class Device:
    """A spool and its uploader; `seconds` is the time since the beginning."""

    def __init__(
        self, directory: Path, gateway: ScriptedGateway, *, limits: Limits | None = None, keeping: Keeping | None = None
    ) -> None:
        self._directory, self._gateway, self._limits = directory, gateway, limits
        self._keeping, self._boots = keeping or Keeping(), 0
        self._random = random.Random(7)
        self.seconds = 0.0
        self.recorded: list[str] = []
        self.path = directory / "boot-0" / "spool.db"
        self.path.parent.mkdir()
        self._begin()

    def _begin(self) -> None:
        self.spool = Spool(self.path, SOURCE, keeping=self._keeping, clock=self.now)
        self._http = Gateway(self._gateway.url, lambda: parse_key(KEY), timeout_s=10)
        self.way = FailingWay(self._http)
        self.uploader = Uploader(
            self.spool,
            self.way,
            limits=self._limits,
            monotonic=lambda: self.seconds,
            clock=self.now,
            chance=self._random.random,
        )

    def now(self) -> datetime:
        """Return the device's time."""
        return _BEGIN + timedelta(seconds=self.seconds)

    def record(self, count: int = 1) -> None:
        """Record readings of new persons."""
        for _ in range(count):
            person = f"p-{len(self.recorded) + 1:06}"
            self.spool.record("temperature_taken", reading(person))
            self.recorded.append(person)

    def turn(self) -> float:
        """Do the next thing; where the power fails, start again."""
        try:
            return self.uploader.turn()
        except PowerFailedError:
            self.lose_power()
            return 0.0

    def drain(self, most_turns: int = 500) -> None:
        """Let time go on until nothing waits and nothing is to be sent again."""
        for _ in range(most_turns):
            seconds = self.turn()
            sending = self.uploader.sending
            if not self.spool.has_waiting() and sending.is_acquainted and not sending.holes and not sending.failures:
                return
            self.seconds += seconds
        raise AssertionError(f"not drained after {most_turns} turns: {self.uploader.trouble}")

    def image(self) -> Path:
        """Copy the disk as it is now, while the spool is open: what a killed process leaves."""
        self._boots += 1
        there = self._directory / f"boot-{self._boots}"
        shutil.copytree(self.path.parent, there)
        return there

    def lose_power(self, image: Path | None = None) -> None:
        """Go on with what is on the disk, or with an earlier image of it, and with nothing else."""
        there = image or self.image()
        self.close()
        self.path = there / "spool.db"
        self._begin()

    def close(self) -> None:
        """Let go of everything."""
        self.spool.close()
        self._http.close()


def reading(person: str) -> dict[str, object]:
    """Return the fields of a reading."""
    return {"person_id": person, "area": "jintang/huaikou/c001/g01", "temperature_c": 36.6, "site": "axillary"}
