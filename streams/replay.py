"""Replay of a file: records in log order go in, verdicts and alerts come out, no broker, database or clock.

Shared by the command line and by tests that compare what the pipeline decided with what a file decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from events.codec import Refusal, decode, decode_under_fixed_policy, refuse_future
from events.policy import Policy
from events.records import DeadLetter, PersonRecord, PolicyChanged, StaffCommand
from streams.core.engine import step
from streams.core.outcome import NOTHING, Outcome
from streams.core.state import State, new_state
from streams.dead_letters import dead_letter

# The log that a file stands for; its dead letters name it so.
_FILE_TOPIC = "timeline"
# A line without end must not fill the memory; what is kept of it is enough to find it again.
_LONGEST_LINE_KEPT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one line brought; `dead_letter` is why it was refused, if it was."""

    outcome: Outcome
    dead_letter: DeadLetter | None
    size_bytes: int


class Replay:
    """Decides the lines of one partition one after the other. Memory grows with the people, not with the lines."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.state: State = new_state(policy)
        self._has_fixed_policy = policy is not None

    def decide(self, raw: bytes) -> Outcome:
        """Decide one record; an unreadable one comes back as the outcome's refusal."""
        try:
            record = decode_under_fixed_policy(raw) if self._has_fixed_policy else decode(raw)
            if record is None:
                return NOTHING
            if isinstance(record, PersonRecord | StaffCommand | PolicyChanged):
                refuse_future(record)
        except Refusal as refusal:
            return Outcome(refusal=refusal)
        return step(self.state, record)

    def run(self, file: BinaryIO) -> Iterator[Replayed]:
        """Decide every line of a file; blank lines are skipped but counted."""
        for number, raw, size_bytes in numbered_lines(file):
            if not raw.strip():
                yield Replayed(NOTHING, None, size_bytes)
                continue
            outcome = self.decide(raw)
            refusal = outcome.refusal
            yield Replayed(
                outcome, None if refusal is None else dead_letter(refusal, _FILE_TOPIC, 0, number, raw), size_bytes
            )


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
