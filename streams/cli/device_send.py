"""The threads of `gridwatch device send`: one reads, one sends, and the first one waits for both and for signals."""

import logging
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streams.device.answers import KeyRefused
from streams.device.errors import DeviceError
from streams.device.feeder import Feeder
from streams.device.gateway import Gateway
from streams.device.spool import Spool
from streams.device.uploader import Uploader

_JOIN_S = 0.5
_STDIN = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of it."""

    recorded: int
    left_out: int
    delivered: int
    refused: int
    waiting: bool
    has_read_all: bool
    was_stopped: bool
    is_key_refused: bool
    error: Exception | None

    def summary(self) -> str:
        """Say it in a line."""
        rest = "records are still waiting" if self.waiting else "nothing is waiting"
        lines = f"; lines that are no records: {self.left_out}" if self.left_out else ""
        unread = "" if self.has_read_all else "; not read to the end"
        return f"recorded {self.recorded}, delivered {self.delivered}, refused {self.refused}; {rest}{lines}{unread}"


class Sender:
    """Feeds a spool from a file and sends it, until done or stopped."""

    def __init__(self, spool: Spool, gateway: Gateway, *, follows: bool) -> None:
        self._spool, self._gateway, self._follows = spool, gateway, follows
        self._stop, self._wake, self._is_signalled = threading.Event(), threading.Event(), False
        self._uploader = Uploader(spool, gateway)
        self._feeder = Feeder(spool, self._stop, self._wake.set, follows=follows)
        self._error: Exception | None = None

    def run(self, file: Path, *, from_start: bool, give_up_after_s: float | None) -> Ended:
        """Run to the end; SIGTERM and SIGINT are one, and a second of them ends the process at once."""
        _show_log()
        former = {number: signal.signal(number, self._on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        timer = threading.Timer(give_up_after_s or 0, self._end)
        timer.daemon = True
        if give_up_after_s is not None:
            timer.start()
        try:
            self._run_threads(file, from_start)
        finally:
            timer.cancel()
            for number, handler in former.items():
                signal.signal(number, handler)
            self._gateway.close()
        return self._ended()

    def _run_threads(self, file: Path, from_start: bool) -> None:
        def feed() -> None:
            if str(file) == "-":
                self._feeder.feed_pipe(_STDIN)
            else:
                self._feeder.feed_file(file, from_start=from_start)

        threads = [threading.Thread(target=self._kept(target), daemon=True) for target in (feed, self._send)]
        for thread in threads:
            thread.start()
        # The events' locks are never held by this thread: a signal that comes at any moment can set them.
        for thread in reversed(threads):
            while thread.is_alive():
                thread.join(_JOIN_S)

    def _kept(self, target: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                target()
            except Exception as error:
                self._error = error
                self._end()

        return run

    def _send(self) -> None:
        try:
            self._uploader.run(self._stop, self._wake, self._is_done)
        finally:
            self._stop.set()

    def _is_done(self) -> bool:
        if not self._feeder.is_finished:
            return False
        if isinstance(self._uploader.trouble, KeyRefused) and not self._follows:
            return True
        return not self._spool.has_waiting() and (
            not self._uploader.sending.holes or self._uploader.trouble is not None
        )

    def _end(self) -> None:
        self._stop.set()
        self._wake.set()

    def _on_signal(self, *_: object) -> None:
        self._is_signalled = True
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_DFL)
        self._end()

    def _ended(self) -> Ended:
        error = self._error or self._feeder.error
        if error is not None and not isinstance(error, DeviceError | OSError):
            raise error
        return Ended(
            recorded=self._feeder.recorded,
            left_out=self._feeder.left_out,
            delivered=self._uploader.delivered,
            refused=self._uploader.refused,
            waiting=self._spool.has_waiting(),
            has_read_all=self._feeder.has_read_all or self._follows,
            was_stopped=self._is_signalled,
            is_key_refused=isinstance(self._uploader.trouble, KeyRefused),
            error=error,
        )


def _show_log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log = logging.getLogger("streams.device")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
