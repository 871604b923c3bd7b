"""Taking what sources send, without HTTP around it: who it is, how much he may send, the body, its records, the answer.

key -> room -> body -> records -> door -> writer -> answer

A body that came with its head is taken without a task of its own, by calls alone; any other is waited for.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple

from aiokafka.errors import KafkaError

from events.codec import LARGEST_RECORD_BYTES
from streams.broker.outputs import Output
from streams.gateway.adapters.adapting import NATIVE, adapt
from streams.gateway.answers import answer
from streams.gateway.bodies import LARGEST_BODY_BYTES, LARGEST_DEVICE_BODY_BYTES, decompress, read_records
from streams.gateway.denials import Denial, Denials
from streams.gateway.door import NOT_ALLOWED, Door, Judged, outputs_of
from streams.gateway.heads import Head
from streams.gateway.insight import GatewayInsight
from streams.gateway.keys import Presented
from streams.gateway.limits import Bucket
from streams.gateway.numbers import HighestNumbers
from streams.gateway.problems import Problem, bad_request
from streams.gateway.registry import Admitted, RegisteredSource, Registry
from streams.gateway.replies import Reply, reply_to
from streams.gateway.standing import Standings
from streams.gateway.writing import Writer, unavailable

_UNAUTHORIZED = "unauthorized"
# So many bytes count as a record, which is how large one can be.
_BYTES_A_RECORD = LARGEST_RECORD_BYTES
# Of the bodies that are read at once a source has this part at most.
_SHARES = 8

# Returns the records of the audit trail about a denial.
DenialOutput = Callable[[Denial, datetime], Output]
# Returns the next message of a request, as ASGI has it.
Receive = Callable[[], Awaitable[Any]]
ToldReply = Callable[[Reply], object]


class _Taken(NamedTuple):
    admitted: Admitted
    judged: list[Judged]
    outputs: list[Output]


class Gateway:
    """Takes for all routes: the registry, the door, the writer, and how much each source has sent."""

    def __init__(
        self,
        registry: Registry,
        door: Door,
        writer: Writer,
        standings: Standings,
        denial_output: DenialOutput,
        *,
        bodies_max: int = 256,
        body_seconds: float = 20.0,
        is_ready: Callable[[], bool] = lambda: True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read at most `bodies_max` bodies at once, each within `body_seconds`."""
        self.registry, self.door, self.writer, self.standings = registry, door, writer, standings
        self.insight, self._numbers, self._denials = GatewayInsight(), HighestNumbers(), Denials()
        self._denial_output = denial_output
        self._now, self._steady_s, self._is_ready = now, steady_s, is_ready
        self._reading: Counter[str] = Counter()
        self._bodies_max, self._body_seconds = bodies_max, body_seconds
        self._bodies_of_one = max(1, bodies_max // _SHARES)
        self._buckets: dict[str, Bucket] = {}

    # -- taking

    async def take(self, head: Head, presented: Presented | None, receive: Receive) -> Reply:
        """Take records of a body that is still to come; raises Problem."""
        admitted = self._open(presented)
        body = await self._read(head, admitted.registered, receive)
        admitted = self.admit(presented)  # while the body came the key may have been revoked
        taken = self._judged(head, body, admitted)
        await self.writer.write(taken.outputs)
        return self._finish(taken)

    def take_whole(self, head: Head, body: bytes, told: ToldReply) -> None:
        """Take records of a body that came with its head.

        `told` is called once with the answer: at once, or when the brokers have the records.
        """
        self.insight.under_way += 1
        reply: Reply | None = None
        try:
            admitted = self._open(head.presented())
            self._refuse_crowded(admitted.registered.source_id)
            taken = self._judged(head, body, admitted)
            if taken.outputs:
                self.writer.put(taken.outputs, partial(self._tell_written, taken, told))
            else:
                reply = self._finish(taken)
        except BaseException as error:  # in a task uvicorn would answer, here nobody else does
            reply = reply_to(error)
        if reply is not None:
            self._tell(reply, told)

    def _tell_written(self, taken: _Taken, told: ToldReply, error: KafkaError | None) -> None:
        try:
            reply = self._finish(taken) if error is None else reply_to(unavailable())
        except BaseException as raised:
            reply = reply_to(raised)
        self._tell(reply, told)

    def _tell(self, reply: Reply, told: ToldReply) -> None:
        self.insight.under_way -= 1
        self.insight.requests[reply.status] += 1
        told(reply)

    def _open(self, presented: Presented | None) -> Admitted:
        """Return whose request it is before anything of its body is looked at; raises Problem."""
        admitted = self.admit(presented)
        if not self.writer.is_connected:
            raise unavailable()
        self.limit(admitted, 1)
        return admitted

    def _judged(self, head: Head, body: bytes, admitted: Admitted) -> _Taken:
        judged = self._judge(head, body, admitted)
        return _Taken(admitted, judged, outputs_of(judged) + self._denial_outputs(admitted, judged))

    def _finish(self, taken: _Taken) -> Reply:
        """Note what the brokers have acknowledged, and return what the source is told."""
        admitted, judged, _ = taken
        self.door.acknowledge(judged)
        self._numbers.note(admitted.source.source_id, judged)
        self.insight.note_records(judged)
        status, told = answer(judged)
        if status is HTTPStatus.UNPROCESSABLE_ENTITY and admitted.registered.adapter != NATIVE:
            status = HTTPStatus.OK  # devices of other makers send for ever what is not taken
        return Reply(status, told)

    def _judge(self, head: Head, packed: bytes, admitted: Admitted) -> list[Judged]:
        """Judge what is in a body; raises Problem."""
        registered, content_type = admitted.registered, head.content_type
        body = decompress(packed, head.content_encoding, _largest_bytes(registered))
        # What is read costs time, whatever is in it.
        paid = max(1, -(-len(body) // _BYTES_A_RECORD))
        self.limit(admitted, paid - 1)
        if registered.adapter == NATIVE:
            lines = read_records(body, content_type)
            self.limit(admitted, len(lines) - paid)
            return self.door.judge(admitted.source, lines, self._now_ms())
        adapted = adapt(body, content_type, registered.adapter_settings())
        self.limit(admitted, len(adapted) - paid)
        counts_records = registered.sequence_counts
        return self.door.judge_adapted(admitted.source, adapted, self._now_ms(), counts_records=counts_records)

    def _now_ms(self) -> int:
        return int(self._now().timestamp() * 1000)

    def admit(self, presented: Presented | None) -> Admitted:
        """Return whose key it is; raises Problem, and says in the audit trail which source was tried."""
        admitted = None if presented is None else self.registry.admit(presented, self._now())
        if admitted is not None:
            return admitted
        if presented is None:
            raise _unauthorized()
        if not self._is_ready():  # its key may be among those that are not read yet
            raise unavailable()
        if (key_ids := self.registry.key_ids(presented.source_id)) is not None:
            # Anybody can make up ids of keys; and to wait for the brokers here would tell which sources there are.
            key_id = presented.key_id if presented.key_id in key_ids else None
            self._denials.gather(Denial(presented.source_id, key_id, _UNAUTHORIZED))
        raise _unauthorized()

    def _denial_outputs(self, admitted: Admitted, judged: Sequence[Judged]) -> list[Output]:
        source_id, key_id = admitted.source.source_id, admitted.key.key_id
        found = []
        for each in judged:
            if each.reason == NOT_ALLOWED:
                told = self._denials.note(Denial(source_id, key_id, NOT_ALLOWED, each.path), self._steady_s())
                found += [] if told is None else [self._denial_output(told, self._now())]
        return found

    async def tell_denials(self) -> None:
        """Write the denials that were gathered; to be called every now and then. Raises Problem, and keeps them then."""
        if not self.writer.is_connected:
            return
        due = list(self._denials.due(self._steady_s()))
        try:
            await self.writer.write([self._denial_output(denial, self._now()) for denial in due])
        except Problem:
            for denial in due:
                self._denials.gather(denial)
            raise

    def limit(self, admitted: Admitted, records: int) -> None:
        """Count what a source sends; raises Problem where it is more than it may."""
        if records <= 0:
            return
        registered, now_s = admitted.registered, self._steady_s()
        bucket = self._buckets.get(registered.source_id)
        if bucket is None or not bucket.is_of(registered.records_per_s, registered.burst):
            bucket = self._buckets[registered.source_id] = Bucket(registered.records_per_s, registered.burst, now_s)
        if wait_s := bucket.take(records, now_s):
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many", "expected fewer records of this source", wait_s)

    def _refuse_crowded(self, source_id: str) -> None:
        # One source alone, slow or hostile, leaves room for the others.
        reading = self._reading
        if reading and (reading.total() >= self._bodies_max or reading[source_id] >= self._bodies_of_one):
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "overloaded", "come again: too much is under way", 1)

    async def _read(self, head: Head, registered: RegisteredSource, receive: Receive) -> bytes:
        """Read the body, within bounds of size, time and number; raises Problem."""
        largest_bytes, source_id, length = _largest_bytes(registered), registered.source_id, head.content_length
        if length.isdecimal() and int(length) > largest_bytes:
            raise _too_large(largest_bytes)
        self._refuse_crowded(source_id)
        self._reading[source_id] += 1
        try:
            async with asyncio.timeout(self._body_seconds):
                return await _body_of(receive, largest_bytes)
        except TimeoutError:
            raise Problem(
                HTTPStatus.REQUEST_TIMEOUT, "slow", f"expected the body within {self._body_seconds:.0f} s"
            ) from None
        finally:
            self._reading[source_id] -= 1
            if not self._reading[source_id]:
                del self._reading[source_id]

    # -- telling

    def readiness(self) -> dict[str, bool]:
        """Tell what is there that records need to be taken."""
        return {"brokers": self.writer.is_connected, "sources": self._is_ready()}

    def standing(self, admitted: Admitted) -> bytes:
        """Return what is known of a source, as JSON."""
        registered, key = admitted.registered, admitted.key
        known = self.standings.of(registered.source_id)
        last_sequence = max(known.last_sequence, self._numbers.of(registered.source_id))
        document: dict[str, Any] = {
            "source_id": registered.source_id,
            "last_sequence": last_sequence,
            "holes": [list(hole) for hole in known.holes],
            "missing": known.missing,
            "clock_offset_seconds": known.clock_offset_seconds,
            "heard_until": known.heard_until,
            "interval_seconds": registered.interval_seconds,
            "key": {
                "key_id": key.key_id,
                "expires_at": None if key.expires_at is None else key.expires_at.isoformat().replace("+00:00", "Z"),
            },
        }
        return json.dumps(document, separators=(",", ":")).encode()


def _largest_bytes(registered: RegisteredSource) -> int:
    return LARGEST_BODY_BYTES if registered.adapter == NATIVE else LARGEST_DEVICE_BODY_BYTES


async def _body_of(receive: Receive, largest_bytes: int) -> bytes:
    parts, size, is_more = [], 0, True
    while is_more:
        message = await receive()
        if message["type"] != "http.request":
            raise bad_request("truncated", "expected the whole body")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > largest_bytes:
            raise _too_large(largest_bytes)
        is_more = message.get("more_body", False)
    return b"".join(parts)


def _too_large(largest_bytes: int) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"expected at most {largest_bytes:,} bytes")


def _unauthorized() -> Problem:
    # One for each request: what is raised again keeps the frames of every time, with all that the requests said.
    return Problem(HTTPStatus.UNAUTHORIZED, _UNAUTHORIZED, "expected a valid key: Authorization: Bearer gw_...")
