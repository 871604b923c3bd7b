"""Replay of a file: records in log order go in, verdicts and alerts come out, no broker, database or clock.

Shared by the command line and by tests that compare what the pipeline decided with what a file decides.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from events.codec import Refusal, decode, decode_under_fixed_policy, refuse_future
from events.policy import Policy
from events.records import DeadLetter, SourceRecord
from events.scan_wire import NO_SCAN, is_after_receipt, is_future, read_scan, read_timed_scans
from streams.core.engine import step
from streams.core.outcome import NOTHING, Outcome
from streams.core.passing import pass_over, passes_by
from streams.core.state import State, new_state
from streams.dead_letters import dead_letter

# The log that a file stands for; its dead letters name it so.
_FILE_TOPIC = "timeline"
# A line without end must not fill the memory; what is kept of it is enough to find it again.
_LONGEST_LINE_KEPT_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one line brought, where it brought anything; `dead_letter` is why it was refused, if it was."""

    outcome: Outcome
    dead_letter: DeadLetter | None


class Replay:
    """Decides the lines of one partition one after the other. Memory grows with the people, not with the lines."""

    def __init__(self, policy: Policy | None = None, partition: int = 0) -> None:
        """Begin before the first line; with a policy, that one holds throughout. Dead letters name the partition."""
        self.state: State = new_state(policy)
        self._partition = partition
        self._has_fixed_policy = policy is not None

    def decide(self, raw: bytes) -> Outcome:
        """Decide one record; an unreadable one comes back as the outcome's refusal."""
        scan = read_scan(raw)
        if scan is not None and not is_future(scan) and passes_by(self.state, scan):
            return NOTHING
        return self._decide_at_length(raw)

    def _decide_at_length(self, raw: bytes) -> Outcome:
        try:
            record = decode_under_fixed_policy(raw) if self._has_fixed_policy else decode(raw)
            if record is None:
                return NOTHING
            if isinstance(record, SourceRecord):
                refuse_future(record)
        except Refusal as refusal:
            return Outcome(refusal=refusal)
        return step(self.state, record)

    def run(self, file: BinaryIO, advance: Callable[[int], None] = lambda _: None) -> Iterator[Replayed]:
        """Decide every line of a file and yield what some of them brought; blank lines are skipped but counted.

        `advance` is told how many bytes are done, now and then.
        """
        for first, lines, size_bytes in line_blocks(file):
            yield from self._run_lines(first, lines)
            advance(size_bytes)

    def _run_lines(self, first: int, lines: Sequence[bytes]) -> Iterator[Replayed]:
        scans = [
            NO_SCAN if is_after_receipt(occurred_at, received_at) else (event_id, person_id, screening)
            for event_id, occurred_at, received_at, person_id, screening in read_timed_scans(lines)
        ]
        index = -1
        while (index := pass_over(self.state, scans, index + 1)) < len(scans):
            number, raw = first + index, lines[index]
            if not raw.strip():
                continue
            outcome = self._decide_at_length(raw)
            if outcome.refusal is not None:
                letter = dead_letter(outcome.refusal, _FILE_TOPIC, self._partition, number, raw)
                yield Replayed(outcome, letter)
            elif outcome is not NOTHING:
                yield Replayed(outcome, None)


def line_blocks(file: BinaryIO) -> Iterator[tuple[int, list[bytes], int]]:
    """Yield lines many at a time: number of the first (from 0), contents without line ends, and bytes read for them.

    Of a line longer than 1 MiB the beginning is kept. Lines of a pipe come as soon as they are there.
    """
    read: Callable[[int], bytes] = getattr(file, "read1", file.read)
    number, rest = 0, b""
    while block := read(_BLOCK_BYTES):
        data = rest + block
        *lines, rest = data.split(b"\n")
        rest = rest[:_LONGEST_LINE_KEPT_BYTES]
        if lines:
            lines[0] = lines[0][:_LONGEST_LINE_KEPT_BYTES]  # a block is no longer than that, so no other line can be
        if b"\r" in data:
            lines = [line.rstrip(b"\r") for line in lines]
        yield number, lines, len(block)
        number += len(lines)
    if rest:
        yield number, [rest.rstrip(b"\r")], 0


def numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Yield number (from 0), content without line end, and size in bytes of every line, however long the line is."""
    number = 0
    while chunk := file.readline(_LONGEST_LINE_KEPT_BYTES):
        size_bytes = len(chunk)
        line = chunk
        while not chunk.endswith(b"\n") and (chunk := file.readline(_LONGEST_LINE_KEPT_BYTES)):
            size_bytes += len(chunk)
        yield number, line.rstrip(b"\r\n"), size_bytes
        number += 1
