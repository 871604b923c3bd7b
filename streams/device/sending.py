"""What to do next, and what an answer changes: decisions without clock, chance, disk or network.

    start --ASK--> acquainted --SEND_NEW / SEND_AGAIN--> ... --REST--> ...
                       ^                                    |
                       +---- ask_at, or after an outage ----+

Nothing is sent before the gateway has said once which number it knows as the last: a spool that is new, or went back in
time, would otherwise use numbers a second time, and its records would be taken for repeats.
"""

from dataclasses import dataclass, field, replace
from enum import Enum

from streams.device.answers import Failed, KeyRefused, Later, Standing, TooMuch, Trouble

Holes = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much goes into a request, and how long to wait for what."""

    most_records: int = 1000
    most_bytes: int = 1024 * 1024 - 1
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 300.0
    key_refused_seconds: float = 300.0
    longest_retry_after_seconds: float = 3600.0
    ask_seconds: float = 900.0
    fewest_on_a_slow_way: int = 25


class Step(Enum):
    """What to do next."""

    ASK = "ask"
    SEND_NEW = "send_new"
    SEND_AGAIN = "send_again"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Sending:
    """Where the sending stands; instants are those of a monotonic clock, in seconds.

    `failures` counts those in a row, `holes` are what is still to be sent again.
    """

    limits: Limits = field(default_factory=Limits)
    not_before: float | None = None
    ask_at: float | None = None
    is_acquainted: bool = False
    failures: int = 0
    most_records: int = 0
    holes: Holes = ()
    was_sent_again: bool = False

    def batch_size(self) -> int:
        """Return how many records the next request may have."""
        return self.most_records or self.limits.most_records


def next_step(sending: Sending, now: float, *, has_waiting: bool) -> Step:
    """Return what to do now: new records and those that are sent again take turns."""
    if sending.not_before is not None and now < sending.not_before:
        return Step.REST
    if not sending.is_acquainted or sending.ask_at is None or now >= sending.ask_at:
        return Step.ASK
    if has_waiting and (sending.was_sent_again or not sending.holes):
        return Step.SEND_NEW
    return Step.SEND_AGAIN if sending.holes else Step.REST


def rest_seconds(sending: Sending, now: float, *, has_waiting: bool) -> float:
    """Return for how long nothing is to be done; 0 where something is."""
    if next_step(sending, now, has_waiting=has_waiting) is not Step.REST:
        return 0.0
    if sending.not_before is not None and now < sending.not_before:
        return sending.not_before - now
    return max(0.0, (sending.ask_at or now) - now)


def after_settled(sending: Sending, now: float, *, sent_again_to: int | None = None) -> Sending:
    """Go on after an answer that settled a request; `sent_again_to` is the last number of one that filled holes.

    The end of an outage is a reason to ask what is missing. Requests that were halved grow again, slowly.
    """
    size = sending.batch_size()
    return replace(
        sending,
        not_before=None,
        failures=0,
        most_records=min(sending.limits.most_records, size + 1 + size // 8),
        ask_at=now if sending.failures else sending.ask_at,
        holes=holes_beyond(sending.holes, sent_again_to) if sent_again_to is not None else sending.holes,
        was_sent_again=sent_again_to is not None,
    )


def after_standing(sending: Sending, standing: Standing, now: float) -> Sending:
    """Go on after the gateway said what it knows of the source."""
    return replace(
        sending,
        not_before=None,
        failures=0,
        ask_at=now + sending.limits.ask_seconds,
        is_acquainted=True,
        holes=standing.holes,
        was_sent_again=False,
    )


def after_trouble(sending: Sending, trouble: Trouble, now: float, *, chance: float, count: int) -> Sending:
    """Wait as long as the answer demands; `chance` is in [0, 1), `count` the records of the request, 0 for asking."""
    limits, failures = sending.limits, sending.failures + 1
    seconds = min(limits.longest_wait_seconds, limits.first_wait_seconds * 2.0 ** min(failures, 60)) * chance
    most_records = sending.most_records
    match trouble:
        case KeyRefused():
            seconds = limits.key_refused_seconds
        case Later(seconds=int() as demanded) if demanded > 0:
            # Never before the time, and not all devices at the same moment.
            seconds = min(demanded, limits.longest_retry_after_seconds) * (1 + chance / 10)
        case TooMuch(fault=fault) if fault and count:
            return replace(sending, not_before=None, most_records=max(1, count // 2))
        case TooMuch() if count > 1:
            most_records = count // 2
        case Failed(was_slow=True) if count > limits.fewest_on_a_slow_way:
            most_records = max(limits.fewest_on_a_slow_way, count // 2)
        case Later() | TooMuch() | Failed():
            pass
    return replace(sending, not_before=now + seconds, failures=failures, most_records=most_records)


def after_trouble_with_asking(sending: Sending, trouble: Trouble, now: float, *, chance: float) -> Sending:
    """Wait; but where the source is known already, an answer that cannot be had does not keep records back."""
    waiting = after_trouble(sending, trouble, now, chance=chance, count=0)
    if not sending.is_acquainted or isinstance(trouble, KeyRefused | Later):
        return waiting
    return replace(sending, ask_at=now + sending.limits.ask_seconds * (0.5 + chance / 2))


def holes_beyond(holes: Holes, sequence: int) -> Holes:
    """Return what is left of holes after everything up to a number was seen to."""
    return tuple((max(first, sequence + 1), last) for first, last in holes if last > sequence)


def refusal_of_all(outcome: object, count: int) -> str:
    """Return the reason for which the only record of a request is refused by an answer to the whole; else nothing."""
    return outcome.fault if isinstance(outcome, TooMuch) and count == 1 else ""
