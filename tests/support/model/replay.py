"""Replay of a log: one partition, ticks included."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.support.model import ledger, observations, outages, readings, sources
from tests.support.model.instants import parse_instant
from tests.support.model.policy import Refused, check_policy, default_policy
from tests.support.model.results import alert_id, change_alert
from tests.support.model.validation import DeadLetter, read_line
from tests.support.model.world import Arrival, Check, World

# What falls due: the instant that the clock has to reach, the check, and the records that hold it.
Due = tuple[datetime, Check, list[str]]


@dataclass
class Result:
    """What follows from a log, in the order decided; dead letters are (zero-based line number, reason)."""

    verdicts: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: list[tuple[int, str]] = field(default_factory=list)


def run(lines: Iterable[bytes], policy: dict[str, Any] | None) -> Result:
    """Replay a log; with a policy those in the log are not read, without one the default holds until the first."""
    return run_world(lines, policy)[0]


def run_world(lines: Iterable[bytes], policy: dict[str, Any] | None) -> tuple[Result, World]:
    """Replay a log as `run` does, and return what stands in the end too."""
    result, world = Result(), World()
    if policy is not None:
        world.use_policy(policy)
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        had_policy = bool(world.history)
        try:
            record = read_line(line.rstrip(b"\r\n"), read_policies=policy is None)
            if record is not None:
                _step(world, record)
        except DeadLetter as dead:
            result.dead_letters.append((number, str(dead)))
            assert world.verdict_rows == world.alert_rows == []
            if not had_policy:
                world.forget_policies()  # whatever is refused has changed nothing
        result.verdicts += _in_order(world.verdict_rows)
        result.alerts += _in_order(world.alert_rows)
        world.verdict_rows, world.alert_rows = [], []
    return result, world


def _in_order(rows: list[tuple[Any, dict[str, Any]]]) -> list[dict[str, Any]]:
    return [row for _, row in sorted(rows, key=lambda pair: pair[0])]


def _step(world: World, record: dict[str, Any]) -> None:
    world.position += 1
    if not world.history and record["kind"] != "policy_changed":
        world.use_policy(default_policy())  # Choice 17: used by the first record that is not a policy
    if record["kind"] == "tick":
        _tick(world, parse_instant(record["at"]))
        return
    if record["kind"] == "source_heard":  # heard twice is heard once
        world.now = world.clock if world.clock is not None else parse_instant(record["heard_until"])
        sources.hear(world, record)
        return
    if _identity(record) in world.identities:
        return
    occurred_at = parse_instant(record["occurred_at"])
    world.now = world.clock if world.clock is not None else occurred_at
    _follow(world, record, occurred_at)


def _identity(record: dict[str, Any]) -> tuple[Any, ...]:
    """Find by what a repeat is known: the event id under the person or key; that of a policy once a partition.

    Of outages it is what they say that counts once, and the copy is another record.
    """
    if "outage_id" in record:
        return record["event_id"], record["outage_id"], record["kind"], bool(record.get("is_copy"))
    if "defined_source_id" in record:
        return record["event_id"], record["defined_source_id"], record["kind"]
    return record["event_id"], record.get("person_id", record.get("key"))


def _follow(world: World, record: dict[str, Any], occurred_at: datetime) -> None:
    """Follow a record from outside; it has arrived only if that does not make it a dead letter."""
    assert world.now is not None
    kind = record["kind"]
    is_reading = kind in readings.READING_KINDS
    is_waiting = kind in ("visit_recorded", "temperature_taken")
    is_waiting = is_waiting and world.open_observation(record["person_id"]) is None
    policy = world.policy if is_reading else {}
    arrival = Arrival(record, world.position, occurred_at, world.now, is_waiting, policy)
    if is_reading:
        ledger.apply_arrival(world, arrival, world.checks)
        readings.judge_reading(world, arrival)
        if kind == "checkpoint_scanned":
            readings.judge_scan(world, arrival)
    elif kind == "observation_opened":
        observations.open_observation(world, record, occurred_at)
    elif kind == "observation_extended":
        observations.extend_observation(world, record, occurred_at)
    elif kind == "observation_closed":
        observations.close_observation(world, record, occurred_at)
    elif kind == "check_waived":
        ledger.waive(world, record)
    elif kind == "policy_changed":
        _change_policy(world, record["policy"])
    elif kind in ("outage_opened", "outage_closed"):
        outages.note(world, record)
    elif kind == "source_defined":
        sources.define(world, record)
    else:
        _command(world, record)
    world.arrivals.append(arrival)
    world.identities.add(_identity(record))


def _change_policy(world: World, policy: dict[str, Any]) -> None:
    try:
        check_policy(policy)
    except Refused as refused:
        raise DeadLetter("invalid_field") from refused
    version = policy["policy_version"]
    if world.versions.get(version, policy) != policy:
        raise DeadLetter("invalid_field")
    world.use_policy(policy)
    ledger.lay_out_all_anew(world)


def _command(world: World, record: dict[str, Any]) -> None:
    for alert in world.alerts:
        identity = alert_id(alert.rule, alert.subject, alert.occurrence)
        if (identity, alert.person) != (record["alert_id"], record["key"]):
            continue
        if record["kind"] == "alert_acknowledged" and alert.state == "open":
            change_alert(world, alert, reason="by_staff", state="acknowledged", event_id=record["event_id"])
        elif record["kind"] == "alert_resolved" and alert.is_open:
            change_alert(world, alert, reason="by_staff", state="resolved", event_id=record["event_id"])
            sources.write_off(world, alert)
        return
    raise DeadLetter("no_such_alert")


def _due_order(due: Due) -> tuple[Any, ...]:
    instant, check, _ = due
    return (instant, check.window.judged_at, check.window.due_at, check.key)


def _due(world: World, before: datetime | None, at: datetime) -> Iterator[Due]:
    for check in world.checks:
        is_held = check.state == "unknown"
        if check.state == "pending" and check.window.judged_at <= at:
            event_ids = outages.holding(world, check, before)
            is_held = bool(event_ids)
            yield check.window.judged_at, check, event_ids
        if is_held:
            released_at = outages.release_at(world, check, before)
            if released_at is not None and released_at <= at:
                yield released_at, check, []


def _tick(world: World, at: datetime) -> None:
    if world.clock is not None and at <= world.clock:
        return
    before, world.clock, world.now = world.clock, at, at
    for instant, check, event_ids in sorted(_due(world, before, at), key=_due_order):
        if event_ids:
            ledger.hold(world, check, event_ids)
        else:
            ledger.miss(world, check, instant)
    for observation in world.observations:
        overdue_at = observation.overdue_at(world.policy["timezone"])
        if observation.is_open and overdue_at <= at:
            observations.raise_overdue(world, observation, overdue_at)
    for alert in list(world.alerts):
        is_unsettled = alert.rule == "fever" and alert.is_open and alert.status == "screened"
        if is_unsettled and alert.due_at is not None and alert.due_at <= at:
            readings.fever_is_due(world, alert)
    sources.fall_due(world, at)
