"""Dead letters: refused records as they stand in the topic or on standard error (contract section 6)."""

import base64

from events.codec import Refusal
from events.records import DeadLetter
from events.results import encode_json
from streams.broker.outputs import Output

# What is kept of one refused record; the raw topic still holds all of it.
LARGEST_RAW_BYTES = 1 << 20


def dead_letter(refusal: Refusal, topic: str, partition: int, offset: int, raw: bytes) -> DeadLetter:
    """Return the dead letter of a record that stood in a topic, or in a file as the line `offset`."""
    message = refusal.message
    if len(raw) > LARGEST_RAW_BYTES:
        message += f"; raw holds the first {LARGEST_RAW_BYTES} of {len(raw)} bytes"
        raw = raw[:LARGEST_RAW_BYTES]
    return DeadLetter(
        reason=refusal.reason.value,
        path=refusal.path,
        message=message,
        topic=topic,
        partition=partition,
        offset=offset,
        raw=raw,
    )


def encode_dead_letter(letter: DeadLetter) -> bytes:
    """Write a dead letter as one line of JSON, the raw bytes in base64."""
    return encode_json(
        {
            "reason": letter.reason,
            "path": letter.path,
            "message": letter.message,
            "topic": letter.topic,
            "partition": letter.partition,
            "offset": letter.offset,
            "raw": base64.b64encode(letter.raw).decode(),
        }
    )


def dead_letter_output(letter: DeadLetter) -> Output:
    """Return a dead letter on its way; its key says where the record stood."""
    return Output("dead-letters", f"{letter.topic}:{letter.partition}".encode(), encode_dead_letter(letter))
