"""The watchdog: looks once a second, from a thread of its own, and ends a process that cannot go on.

A stall is told to its part first, which leaves its group and ends with the reason. Who does not hear that, or whose event
loop answers nobody, is ended hard: with where every thread stands on standard error, and exit status 70. What was not
acknowledged is read again by whoever takes over, as after a kill.
"""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from streams.batching.worker import EXIT_STUCK
from streams.health.beats import LoopBeat
from streams.health.pulses import Ending, Pulse, Stall, StalledError, Standing, find_stall, take_look
from streams.health.survey import Survey
from streams.health.vitals import Vitals
from streams.logs import get_logger
from streams.settings import Settings

log = get_logger(__name__)

LOOK_S = 1.0
PROCESS = "process"
EXIT_OUTAGE = 4
# A stop writes state down; whoever stops us waits for a minute (docs/OPERATIONS.md).
_STOP_LIMIT_S = 50.0
_HEARD_LIMIT_S = 30.0
# A loop whose thread computes is given so much more time than one that waits.
_BUSY_FACTOR = 10
_LAST_WORDS_S = 5.0


class Watchdog:
    """Looks at the parts of a process; `standing_s` and `progress_at` are for whoever shows them."""

    def __init__(
        self,
        settings: Settings,
        parts: Sequence[Vitals],
        survey: Survey,
        is_stopping: Callable[[], bool],
        *,
        end_hard: Callable[[str, int], object] | None = None,
    ) -> None:
        """Look at `parts`; once `is_stopping` only at whether the process gets to its end."""
        self.looks = 0
        self.stall: Stall | None = None
        self.progress_at = {part.part: time.time() for part in parts}
        self._settings = settings
        self._parts = parts
        self._survey = survey
        self._is_stopping = is_stopping
        self._end_hard = end_hard or end_hard_with_traces
        self._standings: dict[tuple[str, str], Standing] = {}
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._closed.set()

    @property
    def is_looking(self) -> bool:
        """Tell whether somebody looks."""
        return self._thread.is_alive()

    def standing_s(self, part: str) -> float:
        """Return for how long something of a part has been due and has not moved."""
        looks = (standing.looks for (of, _), standing in tuple(self._standings.items()) if of == part)
        return max(looks, default=0) * LOOK_S

    def _run(self) -> None:
        while not self._closed.wait(LOOK_S):
            try:
                self.look()
            except Exception:  # a look that fails is none: it must not end the looking
                log.exception("the watchdog could not look")

    def look(self) -> None:
        """Look once, and end what stands still for its limit."""
        pulses, unheard = list(self._of_process()), set[str]()
        for part in () if self._is_ending else self._parts:
            beats = list(part.beats())
            pulses += [pulse for beat in beats for pulse in self._beat(part.part, beat)]
            # While a loop does not answer, what it would have done says nothing.
            if all(beat.is_heard for beat in beats):
                pulses += part.pulses()
            else:
                unheard.add(part.part)
        before, self._standings = self._standings, take_look(self._standings, pulses, unheard)
        self._note_progress(before)
        self.looks += 1
        if (stall := find_stall(self._standings, pulses, LOOK_S)) is not None:
            self._end(stall)

    def _note_progress(self, before: dict[tuple[str, str], Standing]) -> None:
        for (part, what), standing in self._standings.items():
            known = before.get((part, what))
            if part in self.progress_at and known is not None and known.mark != standing.mark:
                self.progress_at[part] = time.time()

    # -- what is looked at

    @property
    def _is_ending(self) -> bool:
        return self.stall is not None or self._is_stopping()

    def _of_process(self) -> Iterator[Pulse]:
        """Yield whether it gets to its end, once it is told to; else whether the brokers are there."""
        if self._is_ending:
            limit_s = _STOP_LIMIT_S if self.stall is None else _HEARD_LIMIT_S
            yield Pulse(PROCESS, "the stop", self.stall is None, is_due=True, limit_s=limit_s, ending=Ending.AT_ONCE)
            return
        is_away = not self._survey.is_answering
        detail = {"last answer": self._survey.error or "none for too long"}
        limit_s, what = self._settings.watchdog.outage_seconds, "the connection to the brokers"
        yield Pulse(PROCESS, what, self._survey.answers, is_away, limit_s, detail, exit_status=EXIT_OUTAGE)

    def _beat(self, part: str, beat: LoopBeat) -> Iterator[Pulse]:
        beat.look(LOOK_S)
        limit_s, name = self._settings.watchdog.blocked_seconds, f"the {beat.name} of {part}"
        for what, mark, limit in (
            (name, (beat.answers, beat.busy_looks), limit_s),
            (f"{name}, at work", beat.answers, limit_s * _BUSY_FACTOR),
        ):
            yield Pulse(PROCESS, what, mark, beat.is_open, limit, ending=Ending.AT_ONCE)

    # -- the end

    def _end(self, stall: Stall) -> None:
        if stall.pulse.ending is Ending.AT_ONCE:
            told = self.stall
            reason = str(stall) if told is None else f"{told}; told so, it does not end"
            self._end_hard(reason, EXIT_STUCK if told is None else told.pulse.exit_status)
            return
        self.stall = stall
        log.critical("a stall ends the process", reason=str(stall), **_for_log(stall))
        for part in self._parts:
            with suppress(RuntimeError):  # a loop that is closed: the part has ended already
                part.end(StalledError(stall))


def _for_log(stall: Stall) -> dict[str, object]:
    detail = {name.replace(" ", "_"): value for name, value in stall.pulse.detail.items()}
    return {"part": stall.pulse.part, "what": stall.pulse.what, "seconds": round(stall.seconds), **detail}


def end_hard_with_traces(reason: str, exit_status: int) -> None:
    """End this process at once: the reason and where every thread stands go to standard error as far as anybody reads it."""

    def speak() -> None:
        # The logger's lock may be held by who stands still, and standard error may be a pipe that nobody empties.
        os.write(
            sys.__stderr__.fileno() if sys.__stderr__ else 2, f"gridwatch ends, it stands still: {reason}\n".encode()
        )
        faulthandler.dump_traceback(all_threads=True)

    words = threading.Thread(target=speak, daemon=True)
    words.start()
    words.join(_LAST_WORDS_S)
    os._exit(exit_status)
