"""One run of one target: what became of its inputs, how long each may take, and what is kept of those that broke it."""

import json
import signal
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from types import FrameType

from tests.fuzz.target import Found, Target

# Of inputs that break a target in the same place so many are kept.
_KEPT_A_PLACE = 3


class TooSlowError(BaseException):
    """An input took more processor time than it may; no target can take it for an error of its own."""


@dataclass
class Tally:
    """What became of the inputs of a target so far; times are of the processor, in seconds."""

    inputs: int = 0
    crashes: int = 0
    records: int = 0
    dead_letters: int = 0
    unfound: int = 0
    seconds: float = 0.0
    slowest_seconds: float = 0.0

    def as_json(self) -> dict[str, int | float]:
        """Return the fields for a report."""
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


class Session:
    """Gives inputs to a target and counts; an input that breaks it is written into `crashes`, with what was said."""

    def __init__(self, target: Target, crashes: Path, slowness: float = 1.0) -> None:
        """Begin with nothing; `slowness` is how much slower than by itself the target runs."""
        self.target = target
        self.tally = Tally()
        self._crashes = crashes
        self._seconds = target.seconds * slowness
        self._kept: dict[str, int] = {}

    def run(self, data: bytes) -> None:
        """Give the target one input."""
        began = time.process_time()
        try:
            with _time_limit(self._seconds):
                found = self.target.run(data)
        except (Exception, TooSlowError) as error:
            found = Found()
            self.tally.crashes += 1
            self._keep(data, error)
        took = time.process_time() - began
        self._count(found, took)

    def _count(self, found: Found, took: float) -> None:
        tally = self.tally
        tally.inputs += 1
        tally.records += found.taken
        tally.dead_letters += found.refused
        tally.unfound += found.unfound
        tally.seconds += took
        tally.slowest_seconds = max(tally.slowest_seconds, took)

    def _keep(self, data: bytes, error: BaseException) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} {Path(last.filename).name}:{last.lineno}"
        self._kept[place] = self._kept.get(place, 0) + 1
        if self._kept[place] > _KEPT_A_PLACE:
            return
        self._crashes.mkdir(parents=True, exist_ok=True)
        path = self._crashes / f"{self.target.name}-{sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        report = "".join(traceback.format_exception(error))
        command = f"python -m tests.fuzz --target {self.target.name} --repeat {path}"
        path.with_suffix(".txt").write_text(f"{command}\n\n{report}", encoding="utf-8", errors="backslashreplace")

    def write(self, path: Path) -> None:
        """Write the tally down, whole at any time."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(self.tally.as_json()), encoding="utf-8")
        part.replace(path)


@contextmanager
def _time_limit(seconds: float) -> Generator[None, None, None]:
    """Raise TooSlowError once this process has used so much time; for the main thread."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlowError(f"expected at most {seconds:g} s of processor time")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
