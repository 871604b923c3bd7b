"""The doctor's questions: is everything reachable, compatible, caught up; and if not, what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from kafka.errors import KafkaError

from events.records import RAW_TOPICS
from streams.broker.offsets import OffsetReader, behind
from streams.broker.topics import TopicState, plan_topics
from streams.clock.log_clock import read_recent_ticks
from streams.settings import Settings

_CLOCK_LATE_SECONDS = 120.0
_CLOCK_AHEAD_SECONDS = 5.0  # no two machines agree better than that for certain
# A reader that is at work is always a little behind.
_LAG_RECORDS_USUAL, _LAG_RECORDS_MAX = 1_000, 10_000
_SUNK = ("timeline", "checks", "alerts", "dead-letters")


class Health(StrEnum):
    """How one thing stands; only `broken` makes the doctor's exit status 1."""

    GOOD = "good"
    SLOW = "slow"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: how it stands, and what to do where it is not well."""

    what: str
    health: Health
    found: str
    advice: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Look at brokers, topics, consumers and the clock, and return what was found, most basic first."""
    findings = list(_topics(settings))
    if any(finding.health is Health.BROKEN for finding in findings):
        return findings
    async with OffsetReader(settings) as offsets:
        for role, topics, advice in _READERS:
            findings.append(await _reader(offsets, role, topics, advice))
        findings.append(await _clock(settings, offsets))
    return findings


_READERS = (
    ("intake", RAW_TOPICS, "start or add workers: `gridwatch worker intake`; the clock waits for it"),
    ("watch", ("timeline",), "start or add workers: `gridwatch worker watch`"),
    ("sink", _SUNK, "start `gridwatch sink`, or look why it waits: `gridwatch migrate --status`"),
)


def _topics(settings: Settings) -> Iterator[Finding]:
    brokers = settings.kafka.brokers
    try:
        plans = plan_topics(settings)
    except (KafkaError, OSError) as error:
        advice = "check kafka.brokers, kafka.security and the network"
        yield Finding("brokers", Health.BROKEN, f"{brokers}: {type(error).__name__}", advice)
        return
    yield Finding("brokers", Health.GOOD, f"{brokers} answer")
    missing = [plan.name for plan in plans if plan.state is TopicState.MISSING]
    different = [plan for plan in plans if plan.state is TopicState.DIFFERENT]
    if missing:
        yield Finding("topics", Health.BROKEN, "missing: " + ", ".join(missing), "`gridwatch topics --apply`")
    for plan in different:
        advice = "change the settings to what is there, or the topic by Kafka's own tools"
        yield Finding(f"topic {plan.name}", Health.SLOW, "; ".join(plan.differences), advice)
    if not missing and not different:
        yield Finding("topics", Health.GOOD, f"{len(plans)} as expected")


async def _reader(offsets: OffsetReader, role: str, topics: tuple[str, ...], advice: str) -> Finding:
    ends = await offsets.ends(await offsets.partitions(topics))
    lag = sum(behind(ends, await offsets.committed(role)).values())
    if lag <= _LAG_RECORDS_USUAL:
        return Finding(role, Health.GOOD, f"{lag:,} records behind" if lag else "has read everything")
    health = Health.BROKEN if lag > _LAG_RECORDS_MAX else Health.SLOW
    return Finding(role, health, f"{lag:,} records behind", advice)


async def _clock(settings: Settings, offsets: OffsetReader) -> Finding:
    return judge_clock((await read_recent_ticks(settings, offsets)).lowest, datetime.now(UTC))


def judge_clock(clock: datetime | None, now: datetime) -> Finding:
    """Return how the clock of the log, None where a partition has no recent tick, stands to a machine's time."""
    advice = "start `gridwatch clock`; it waits while intake is behind"
    if clock is None:
        return Finding("clock", Health.SLOW, "no recent tick in some partition of the timeline", advice)
    late_seconds = (now - clock).total_seconds()
    if late_seconds < -_CLOCK_AHEAD_SECONDS:
        found = f"{-late_seconds:,.0f} s ahead of this machine: no tick until the clock's machine has passed it"
        return Finding(
            "clock", Health.BROKEN, found, "compare the time of this machine, the clock's and the brokers' (NTP)"
        )
    found = f"{max(0.0, late_seconds):,.0f} s behind this machine"
    if late_seconds > _CLOCK_LATE_SECONDS:
        return Finding("clock", Health.SLOW, found, advice)
    return Finding("clock", Health.GOOD, found)
