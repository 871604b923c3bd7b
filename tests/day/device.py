"""A device of the day: the client as it is, with the day's time, a line that fails, and power that goes away.

A loss of power leaves what the disk holds at that moment: the files are copied, in the middle of a transaction where the
plan says so, and the copy is what the device finds when it starts again. The shared memory beside them is gone.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from streams.device.answers import KeyRefused
from streams.device.errors import SpoolError
from streams.device.keys import parse_key
from streams.device.spool import Spool
from streams.device.uploader import Uploader
from tests.day.line import Line, PowerFailedError
from tests.day.plan import Device, Plan, Wake, key_text

_TURNS = 12
_STEPS = 90  # of SQLite's machine, in which a record is written


class Client:
    """One device; `noted` are the event ids of records that the client had said were safe."""

    def __init__(self, plan: Plan, device: Device, counts: Counter[str]) -> None:
        self.device, self._plan, self._counts = device, plan, counts
        self.chance = random.Random(f"{plan.seed}/chance/{device.number}")
        self._key = parse_key(key_text(plan, device))
        self._home = Path(plan.directory) / f"{device.number % 100:02d}" / device.source_id
        self._boots = 0
        self._home.joinpath("0").mkdir(parents=True)
        self.noted: list[str] = []
        self.seconds = 0.0
        self._line: Line | None = None
        self._spool: Spool | None = None
        self._uploader: Uploader | None = None

    @property
    def path(self) -> Path:
        """Return where its spool is now."""
        return self._home / str(self._boots) / "spool.db"

    def now(self) -> datetime:
        """Return what its clock shows."""
        return self._plan.begin + timedelta(seconds=self.seconds + self.device.clock_offset_s(self.seconds))

    def wake(self, wake: Wake) -> None:
        """Record and send, and lose the power where the plan has it so."""
        self.seconds = max(self.seconds, wake.at_s)
        spool, line, uploader = self.on()
        line.is_down = self.device.is_offline(wake.at_s)
        if line.is_down:
            line.close()
        line.power_fails = wake.loss
        try:
            self._record(spool, wake)
            for _ in range(_TURNS):
                if uploader.turn() > 0:
                    break
            if isinstance(uploader.trouble, KeyRefused):
                self._counts["keys refused"] += 1
            if wake.loss == "idle":
                raise PowerFailedError
        except PowerFailedError:
            self._lose_power()
        if self.is_on and not self.device.stays_on:
            self.off()

    def drain(self) -> float:
        """Send what waits; returns for how many seconds there is nothing to be done, 0 when nothing waits any more."""
        spool, line, uploader = self.on()
        line.is_down, line.is_good, line.power_fails = False, True, ""
        for _ in range(_TURNS):
            seconds = uploader.turn()
            if not spool.has_waiting():
                self.off()
                return 0.0
            self.seconds += seconds
            if uploader.sending.failures:
                return max(seconds, 0.001)
        return 0.001

    # -- power

    @property
    def is_on(self) -> bool:
        """Tell whether it runs."""
        return self._spool is not None

    def on(self) -> tuple[Spool, Line, Uploader]:
        """Start it, if it does not run."""
        if self._spool is None or self._line is None or self._uploader is None:
            self._spool = Spool(self.path, self.device.source_id, clock=self.now)
            self._line = Line(self._plan.ports, self._key, self.chance, self._counts)
            self._uploader = Uploader(
                self._spool,
                self._line,
                monotonic=lambda: self.seconds,
                clock=self.now,
                chance=self.chance.random,
            )
        return self._spool, self._line, self._uploader

    def off(self) -> None:
        """End it as a program ends."""
        if self._spool is not None and self._line is not None:
            self._spool.close()
            self._line.close()
        self._spool = self._line = self._uploader = None

    def _lose_power(self) -> None:
        self._counts["power losses"] += 1
        image = self._image_path()
        if not image.exists():
            self._take_image()
        self.off()
        shutil.rmtree(self.path.parent)
        self._boots += 1

    def _image_path(self) -> Path:
        return self._home / str(self._boots + 1)

    def _take_image(self) -> None:
        shutil.copytree(self.path.parent, self._image_path(), ignore=shutil.ignore_patterns("*-shm"))

    # -- recording

    def _record(self, spool: Spool, wake: Wake) -> None:
        fails_at = self.chance.randrange(wake.records) if wake.loss == "recording" else -1
        number = len(self.noted)
        for each in range(wake.records):
            if each == fails_at:
                self._record_and_fail(spool, number + each)
            self.noted.append(spool.record(self.device.kind, self.device.fields(number + each)))

    def _record_and_fail(self, spool: Spool, number: int) -> None:
        """Lose the power somewhere in the middle of writing a record, or just behind it."""
        steps = self.chance.randrange(1, _STEPS)

        def count_down() -> int:
            nonlocal steps
            steps -= 1
            if steps == 0:
                self._take_image()
            return int(steps <= 0)  # whatever is written from here on is not on the disk that is found again

        spool._connection.set_progress_handler(count_down, 1)
        try:
            event_id = spool.record(self.device.kind, self.device.fields(number))
        except SpoolError:
            if steps > 0:
                raise
            raise PowerFailedError from None
        if steps > 0:
            self.noted.append(event_id)
        raise PowerFailedError
