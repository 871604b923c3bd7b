"""The shell around `streams.device.sending`: it looks, sends, and writes down what was decided."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from streams.device.answers import (
    Failed,
    KeyRefused,
    Settled,
    Standing,
    Trouble,
    read_results,
    read_standing,
)
from streams.device.errors import NoAnswerError, SpoolCorruptError, SpoolError, WrongKeyError
from streams.device.gateway import Way
from streams.device.records import format_instant
from streams.device.sending import (
    Limits,
    Sending,
    Step,
    after_settled,
    after_standing,
    after_trouble,
    after_trouble_with_asking,
    next_step,
    refusal_of_all,
    rest_seconds,
)
from streams.device.spool import Refusal, Spool, Spooled

_log = logging.getLogger(__name__)
_LONGEST_REST_S = 60.0
_Outcome = TypeVar("_Outcome", Settled, Standing)


def _now() -> datetime:
    return datetime.now(UTC)


class Uploader:
    """Sends what is in a spool, one request at a time."""

    def __init__(
        self,
        spool: Spool,
        gateway: Way,
        *,
        limits: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = _now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._spool, self._gateway = spool, gateway
        self._monotonic, self._clock, self._chance = monotonic, clock, chance
        self.sending = Sending(limits or Limits())
        self.trouble: Trouble | None = None
        self.delivered = self.refused = 0

    def run(self, stop: threading.Event, wake: threading.Event, is_done: Callable[[], bool] = lambda: False) -> None:
        """Send until stopped or done; whoever records sets `wake`, whoever stops sets both. Raises SpoolCorruptError."""
        while not stop.is_set():
            wake.clear()
            seconds = self.turn()
            if is_done():
                return
            if seconds > 0 and not stop.is_set():
                wake.wait(min(seconds, _LONGEST_REST_S))

    def turn(self) -> float:
        """Do the next thing, if there is one; returns for how many seconds there is nothing to be done after it.

        Raises SpoolCorruptError. A spool that cannot be written is waited for like a gateway that does not answer: what
        was sent is sent again.
        """
        try:
            match next_step(self.sending, self._monotonic(), has_waiting=self._spool.has_waiting()):
                case Step.ASK:
                    self._ask()
                case Step.SEND_NEW:
                    self._send_new()
                case Step.SEND_AGAIN:
                    self._send_again()
                case Step.REST:
                    pass
            return rest_seconds(self.sending, self._monotonic(), has_waiting=self._spool.has_waiting())
        except SpoolCorruptError:
            raise
        except SpoolError as error:
            self._wait(Failed(str(error)), 0)
            return max(0.0, (self.sending.not_before or 0.0) - self._monotonic())

    def _ask(self) -> None:
        standing = self._answered(lambda: read_standing(self._gateway.ask()))
        if isinstance(standing, Standing) and standing.source_id != self._spool.source_id:
            standing = KeyRefused("it is that of another source than the spool's")
        if not isinstance(standing, Standing):
            self.trouble = standing
            self.sending = after_trouble_with_asking(self.sending, standing, self._monotonic(), chance=self._chance())
            self._say(standing, "the gateway did not say what it knows")
            return
        if self._spool.number_after(standing.last_sequence):
            _log.warning("the gateway knows higher numbers than this spool: records were lost here, or two use one key")
        gone = sum(self._spool.lacking(first, last) for first, last in standing.holes)
        if gone:
            _log.warning("of what the gateway lacks, %d records are no longer here", gone)
        self._note(
            "200 asked",
            gone=gone,
            clock_offset_seconds=standing.clock_offset_seconds,
            key_expires_at=standing.key_expires_at,
        )
        self.trouble = None
        self.sending = after_standing(self.sending, standing, self._monotonic())

    def _send_new(self) -> None:
        self._send(self._spool.waiting(self.sending.batch_size(), self.sending.limits.most_bytes), fills_holes=False)

    def _send_again(self) -> None:
        limits = self.sending.limits
        records = self._spool.kept(self.sending.holes, self.sending.batch_size(), limits.most_bytes)
        if records:
            self._send(records, fills_holes=True)
        else:
            self.sending = replace(self.sending, holes=())

    def _send(self, records: list[Spooled], *, fills_holes: bool) -> None:
        if not records:
            return
        outcome = self._answered(
            lambda: read_results(self._gateway.post([each.line for each in records]), len(records))
        )
        if isinstance(outcome, Settled):
            self._settle(records, outcome)
        elif reason := refusal_of_all(outcome, len(records)):
            self._put_aside(Refusal(records[0], reason, "", "the gateway took no request with this record"))
        else:
            self._wait(outcome, len(records))
            return
        self.trouble = None
        self.sending = after_settled(
            self.sending, self._monotonic(), sent_again_to=records[-1].sequence if fills_holes else None
        )

    def _settle(self, records: list[Spooled], settled: Settled) -> None:
        pairs = list(zip(records, settled.results, strict=True))
        refused = [
            Refusal(record, result.reason, result.path, result.message)
            for record, result in pairs
            if result.word == "refused"
        ]
        self._spool.settle([record for record, result in pairs if result.word != "refused"], refused)
        self.refused += len(refused)
        self.delivered += len(records) - len(refused)
        for each in refused:
            _log.warning("record %d was refused: %s %s", each.record.sequence, each.reason, each.path)
        self._note(f"delivered {len(records) - len(refused)}, refused {len(refused)}")

    def _put_aside(self, refusal: Refusal) -> None:
        self._spool.settle((), [refusal])
        self.refused += 1
        _log.warning("record %d was refused: %s", refusal.record.sequence, refusal.reason)
        self._note(f"refused: {refusal.reason}")

    def _wait(self, trouble: Trouble, count: int) -> None:
        self.trouble = trouble
        self.sending = after_trouble(self.sending, trouble, self._monotonic(), chance=self._chance(), count=count)
        self._say(trouble)

    def _say(self, trouble: Trouble, what: str = "not delivered") -> None:
        if isinstance(trouble, KeyRefused):
            what = "the gateway refuses the key"
        seconds = (self.sending.not_before or 0.0) - self._monotonic()
        _log.warning("%s: %s%s", what, trouble.said, f"; next attempt in {seconds:.0f} s" if seconds > 0 else "")
        try:
            self._note(trouble.said)
        except SpoolError as error:
            _log.warning("%s", error)

    def _note(self, said: str, **facts: object) -> None:
        self._spool.note(last_answer=said, last_answer_at=format_instant(self._clock()), **facts)

    def _answered(self, request: Callable[[], _Outcome | Trouble]) -> _Outcome | Trouble:
        try:
            return request()
        except NoAnswerError as error:
            return Failed(str(error), error.was_slow)
        except WrongKeyError as error:
            return KeyRefused(str(error))
