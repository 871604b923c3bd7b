"""The state as it is written down, and back without loss: a small head, and entries that change one by one.

Entries are people under their ids, and under keys that no id can have the layouts they refer to, the scans that were
passed, and the sources. What is only a cache (days laid out, deadlines) is left out and rebuilt.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from events.instants import format_instant
from events.policy import Policy, parse_policy, policy_document
from streams.core.layout import Layout, PolicyChange, Slot, SlotKey, Timetable, day_slots
from streams.core.outages import Outage, Outages
from streams.core.passed_scans import PREFIX as PASSED
from streams.core.passed_scans import load_passed_scans
from streams.core.people import People
from streams.core.scan_limits import scan_limits
from streams.core.sources import PREFIX as SOURCE
from streams.core.sources import Sources
from streams.core.state import State

FORMAT = 5
_BEFORE_SOURCES = 4  # otherwise the same
_LAYOUT = "/layout/"
READINGS = "readings"
_READINGS = f"//{READINGS}"  # behind a person's id: a part of the entry (see `streams.partition`)

Document = dict[str, Any]
_Slots = dict[tuple[str, date], dict[SlotKey, Slot]]


class SnapshotError(ValueError):
    """What is written down is no state that this version can read."""


def dump_head(state: State) -> Document:
    """Return what is held beside the entries as JSON values; its size does not depend on the number of people."""
    return {
        "format": FORMAT,
        "clock": _opt(state.clock),
        "policies": [policy_document(state.policies[version]) for version in sorted(state.policies)],
        "changes": [[change.policy.policy_version, _opt(change.clock)] for change in state.timetable.changes],
        "policy": None if state.policy is None else state.policy.policy_version,
        "is_policy_fixed": state.is_policy_fixed,
        "policy_events": sorted(state.policy_events),
        "outages": [msgspec.to_builtins(outage) for outage in state.outages],
        "passed_generation": state.passed_scans.generation,
        "people": len(state.people),
        "sources": len(state.sources),
        "last_layout": state.timetable.last_number,
        "references": [[number, count] for number, count in sorted(state.timetable.references.items()) if count],
    }


def changes(state: State) -> dict[str, bytes | None]:
    """Return the entries that changed since this was last asked, None for one that is gone."""
    people, timetable = state.people, state.timetable
    changed: dict[str, bytes | None] = {person_id: people.packed(person_id) for person_id in people.changed}
    for person_id in people.changed_readings:
        changed[person_id + _READINGS] = people.readings(person_id)
    for number in timetable.changed_layouts:
        changed[f"{_LAYOUT}{number}"] = _layout_entry(timetable, number)
    for source_id in state.sources.changed:
        changed[SOURCE + source_id] = state.sources.packed(source_id)
    people.changed.clear()
    state.sources.changed.clear()
    people.changed_readings.clear()
    timetable.changed_layouts.clear()
    return changed | state.passed_scans.changes()


def entry_keys(state: State) -> list[str]:
    """Return the keys of all entries."""
    layouts = [f"{_LAYOUT}{number}" for number in state.timetable.layouts]
    people = state.people.ids()
    readings = [person_id + _READINGS for person_id in people if state.people.readings(person_id)]
    sources = [SOURCE + source_id for source_id in state.sources.ids()]
    return [*layouts, *state.passed_scans.keys(), *people, *readings, *sources]


def entry(state: State, key: str) -> bytes | None:
    """Return an entry as it is now, None where there is none."""
    if key.endswith(_READINGS):  # asked for of every entry, whatever it is
        return state.people.readings(key.removesuffix(_READINGS))
    if key.startswith(_LAYOUT):
        return _layout_entry(state.timetable, int(key.removeprefix(_LAYOUT)))
    if key.startswith(PASSED):
        return state.passed_scans.segment(key)
    if key.startswith(SOURCE):
        return state.sources.packed(key.removeprefix(SOURCE))
    return state.people.packed(key)


def load_state(head: Document, entries: dict[str, bytes]) -> State:
    """Read a state back, taking `entries` over; raises SnapshotError for another version's format, or if one is missing."""
    if head.get("format") not in (FORMAT, _BEFORE_SOURCES):
        raise SnapshotError(f"expected a state of format {FORMAT}, found {head.get('format')!r}")
    policies = {policy.policy_version: policy for policy in map(parse_policy, head["policies"])}
    timetable = Timetable(PolicyChange(policies[version], _opt_instant(clock)) for version, clock in head["changes"])
    special = {key: entries.pop(key) for key in [key for key in entries if "/" in key]}
    if len(entries) != head["people"]:
        raise SnapshotError(f"expected {head['people']} people, found {len(entries)}")
    sources = _with_prefix(special, SOURCE)
    if len(sources) != head.get("sources", 0):
        raise SnapshotError(f"expected {head.get('sources', 0)} sources, found {len(sources)}")
    ids = {person_id: person_id for person_id in entries}
    readings = {ids[key.removesuffix(_READINGS)]: value for key, value in special.items() if key.endswith(_READINGS)}
    shared: _Slots = {}
    for key, packed in _with_prefix(special, _LAYOUT).items():
        timetable.add_layout(_load_layout(int(key.removeprefix(_LAYOUT)), packed, policies, shared))
    timetable.last_number = head["last_layout"]
    for number, count in head["references"]:
        if number not in timetable.layouts:
            raise SnapshotError(f"expected layout {number}, to which {count} observations refer")
        timetable.refer(number, count)
    policy = None if head["policy"] is None else policies[head["policy"]]
    state = State(
        timetable=timetable,
        clock=_opt_instant(head["clock"]),
        policies=policies,
        policy=policy,
        is_policy_fixed=head["is_policy_fixed"],
        policy_events=set(head["policy_events"]),
        outages=Outages(msgspec.convert(head["outages"], list[Outage])),
        passed_scans=load_passed_scans(head["passed_generation"], _with_prefix(special, PASSED)),
        sources=Sources(sources),
    )
    if policy is not None:
        state.limits = scan_limits(policy)
        state.sources.look_again(policy)
    state.people = People(timetable, entries, readings)
    return state


def _with_prefix(entries: Mapping[str, bytes], prefix: str) -> dict[str, bytes]:
    return {key: value for key, value in entries.items() if key.startswith(prefix)}


def _layout_entry(timetable: Timetable, number: int) -> bytes | None:
    layout = timetable.layouts.get(number)
    return None if layout is None else msgspec.msgpack.encode(layout.content)


def _load_layout(number: int, packed: bytes, policies: dict[str, Policy], shared: _Slots) -> Layout:
    slots = []
    for version, key in msgspec.msgpack.decode(packed, type=list[tuple[str, tuple[str, date, str]]]):
        day = shared.get((version, key[1]))
        if day is None:
            day = shared[version, key[1]] = {slot.key: slot for slot in day_slots(policies[version], key[1])}
        slots.append(day[key])
    return Layout(slots, number)


def _opt(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _opt_instant(text: str | None) -> datetime | None:
    """Read an instant of our own; unlike one from outside it may lie after the last year of records."""
    return None if text is None else datetime.fromisoformat(text)
