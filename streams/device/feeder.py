"""A thread that puts the lines of a file or pipe into a spool, while another one sends them."""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streams.device.errors import RecordError, SpoolError, SpoolFullError
from streams.device.lines import Cutter, Tail, parse_line, read_pipe
from streams.device.spool import Place, Spool

_log = logging.getLogger(__name__)
_GROUP_LINES = 500
_POLL_S = 0.3
_FULL_S = 5.0

_Line = tuple[bytes, int]


class Feeder:
    """Reads until the end, or with `follows` until stopped.

    `on_progress` is called when there is more to send, and at the end. A line that is no record is named by its place and
    left out. `error` is what ended it too early; `has_read_all` tells whether the end was reached.
    """

    def __init__(
        self, spool: Spool, stop: threading.Event, on_progress: Callable[[], None], *, follows: bool = False
    ) -> None:
        self._spool, self._stop, self._on_progress, self._follows = spool, stop, on_progress, follows
        self.recorded = self.left_out = 0
        self.error: Exception | None = None
        self.is_finished = self.has_read_all = False

    def feed_file(self, path: Path, *, from_start: bool = False) -> None:
        """Read a file from where the last run stopped; how far it was read is on the disk together with its records."""

        def read() -> None:
            tail = Tail(path, (lambda _: None) if from_start else self._spool.place_in)
            try:
                self._read_file(tail)
            finally:
                tail.close()

        self._guard(read)

    def feed_pipe(self, descriptor: int) -> None:
        """Read a pipe until its end."""
        os.fstat(descriptor)
        self._guard(lambda: self._read_pipe(descriptor))

    def _guard(self, read: Callable[[], None]) -> None:
        try:
            read()
        except (OSError, SpoolError) as error:
            self.error = error
        finally:
            self.is_finished = True
            self._on_progress()

    def _read_file(self, tail: Tail) -> None:
        cutter, offset = Cutter(), tail.offset
        while not self._stop.is_set():
            chunk = tail.read()
            if chunk:
                tail.offset += len(chunk)
                offset = self._take(cutter.feed(chunk), offset, tail.place)
            elif self._follows and not tail.was_replaced():
                self._stop.wait(_POLL_S)
            else:
                # The last line of a file that nobody writes any more.
                offset = self._take(cutter.end(), offset, None if self._follows else tail.place)
                if not self._follows:
                    self.has_read_all = not self._stop.is_set()
                    return
                cutter, offset = Cutter(), tail.offset

    def _read_pipe(self, descriptor: int) -> None:
        cutter, offset = Cutter(), 0
        while not self._stop.is_set():
            chunk = read_pipe(descriptor, _POLL_S)
            if chunk:
                offset = self._take(cutter.feed(chunk), offset, None)
            elif chunk is not None:
                self._take(cutter.end(), offset, None)
                self.has_read_all = not self._stop.is_set()
                return

    def _take(self, lines: list[_Line], offset: int, place_at: Callable[[int], Place] | None) -> int:
        """Record lines in groups, each with the place behind it; returns the offset behind the last."""
        for start in range(0, len(lines), _GROUP_LINES):
            group = lines[start : start + _GROUP_LINES]
            self._record(group, offset, place_at)
            if self._stop.is_set():
                return offset
            offset += sum(size for _, size in group)
        return offset

    def _record(self, lines: list[_Line], offset: int, place_at: Callable[[int], Place] | None) -> None:
        records: list[tuple[str, dict[str, Any]]] = []
        end = offset + sum(size for _, size in lines)
        try:
            for line, _ in lines:
                if line.strip():
                    records.append(parse_line(line))
            if records or place_at:
                self._record_when_there_is_room(records, place_at(end) if place_at else None)
        except RecordError as error:
            if len(lines) > 1:
                self._one_by_one(lines, offset, place_at)
                return
            self.left_out += 1
            _log.warning("the line at byte %d is no record: %s", offset, error)
            if place_at:
                self._record_when_there_is_room([], place_at(end))

    def _one_by_one(self, lines: list[_Line], offset: int, place_at: Callable[[int], Place] | None) -> None:
        for line in lines:
            self._record([line], offset, place_at)
            offset += line[1]

    def _record_when_there_is_room(self, records: list[tuple[str, dict[str, Any]]], place: Place | None) -> None:
        while not self._stop.is_set():
            try:
                self._spool.record_all(records, place)
            except SpoolFullError as error:
                if not self._follows:
                    raise
                _log.warning("%s; next attempt in %.0f s", error, _FULL_S)
                self._stop.wait(_FULL_S)
            else:
                self.recorded += len(records)
                self._on_progress()
                return
