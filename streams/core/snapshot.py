"""The state as a document, and back without loss.

`dump_state` gives plain JSON values; what is only a cache (days laid out, deadline index) is left out and rebuilt. Layouts
and policies that many people share are written once and referred to by number. The same state always gives the same
document, so that two copies can be compared by their bytes.
"""

from datetime import date, datetime
from typing import Any

from events.instants import format_instant
from events.policy import Policy, parse_policy, policy_document
from events.results import Alert, json_value
from events.vocabulary import AlertReason, AlertState, Category, HealthCode, RuleName, Severity, Site
from streams.core.deadlines import DeadlineIndex
from streams.core.layout import Layout, PolicyChange, Timetable, day_slots
from streams.core.ledger import Ledger
from streams.core.observation import BreachCount, ConfirmReading, LostContact, Observation, Span
from streams.core.person import CodeCount, FeverCase, Person, WaitingRecord, next_due
from streams.core.state import State

FORMAT = 1

Document = dict[str, Any]


class SnapshotError(ValueError):
    """A document is no state that this version can read."""


def dump_state(state: State) -> Document:
    """Return the state as JSON values; `load_state` gives an equal state back."""
    layouts = _LayoutNumbers()
    people = [_dump_person(state.people[person_id], layouts) for person_id in sorted(state.people)]
    return {
        "format": FORMAT,
        "clock": _opt(state.clock),
        "policies": [policy_document(state.policies[version]) for version in sorted(state.policies)],
        "changes": [[change.policy.policy_version, _opt(change.clock)] for change in state.timetable.changes],
        "policy": None if state.policy is None else state.policy.policy_version,
        "is_policy_fixed": state.is_policy_fixed,
        "policy_events": sorted(state.policy_events),
        "passed_scans": [[event_id, person_id] for event_id, person_id in state.passed_scans.items()],
        "layouts": layouts.documents,
        "people": people,
    }


def load_state(document: Document) -> State:
    """Read a state back; raises SnapshotError for a format of another version."""
    if document.get("format") != FORMAT:
        raise SnapshotError(f"expected a state of format {FORMAT}, found {document.get('format')!r}")
    policies = {policy.policy_version: policy for policy in map(parse_policy, document["policies"])}
    timetable = Timetable(
        PolicyChange(policies[version], _opt_instant(clock)) for version, clock in document["changes"]
    )
    layouts = [_load_layout(slots, policies, timetable) for slots in document["layouts"]]
    people = [_load_person(entry, layouts) for entry in document["people"]]
    state = State(
        clock=_opt_instant(document["clock"]),
        policies=policies,
        policy=None if document["policy"] is None else policies[document["policy"]],
        is_policy_fixed=document["is_policy_fixed"],
        policy_events=set(document["policy_events"]),
        people={person.person_id: person for person in people},
        passed_scans=dict(document["passed_scans"]),
        timetable=timetable,
    )
    for person in people:
        person.next_at = next_due(person, state.current_policy())
    state.deadlines = DeadlineIndex(people)
    return state


class _LayoutNumbers:
    """Numbers shared layouts in the order in which they are met."""

    def __init__(self) -> None:
        self.documents: list[list[list[str]]] = []
        self._numbers: dict[tuple[tuple[str, ...], ...], int] = {}

    def number(self, layout: Layout) -> int:
        content = tuple(
            (slot.policy.policy_version, slot.check, slot.date.isoformat(), slot.window) for slot in layout.slots
        )
        if content not in self._numbers:
            self._numbers[content] = len(self.documents)
            self.documents.append([list(slot) for slot in content])
        return self._numbers[content]


def _load_layout(slots: list[list[str]], policies: dict[str, Policy], timetable: Timetable) -> Layout:
    found = []
    for version, check, day, window in slots:
        key = (check, date.fromisoformat(day), window)
        found += [slot for slot in day_slots(policies[version], key[1]) if slot.key == key]
    return timetable.layout(found)


def _dump_person(person: Person, layouts: _LayoutNumbers) -> Document:
    return {
        "person_id": person.person_id,
        "observations": [_dump_observation(observation, layouts) for observation in person.observations],
        "alerts": [_fields(person.alerts[identity]) for identity in sorted(person.alerts)],
        "fever": None if person.fever is None else _fields(person.fever),
        "code_counts": [
            [day.isoformat(), code.value, count.number, count.alert_id]
            for (day, code), count in sorted(person.code_counts.items())
        ],
        "waiting": [_fields(waiting) for waiting in person.waiting],
        "seen": {event_id: format_instant(until) for event_id, until in sorted(person.seen.items())},
    }


def _load_person(document: Document, layouts: list[Layout]) -> Person:
    return Person(
        person_id=document["person_id"],
        observations=[_load_observation(entry, layouts) for entry in document["observations"]],
        alerts={entry["alert_id"]: _load_alert(entry) for entry in document["alerts"]},
        fever=None if document["fever"] is None else _load_fever(document["fever"]),
        code_counts={
            (date.fromisoformat(day), HealthCode(code)): CodeCount(number, identity)
            for day, code, number, identity in document["code_counts"]
        },
        waiting=[_load_waiting(entry) for entry in document["waiting"]],
        seen={event_id: _instant(until) for event_id, until in document["seen"].items()},
    )


def _dump_observation(observation: Observation, layouts: _LayoutNumbers) -> Document:
    return {
        "ids": list(observation.ids),
        "area": observation.area,
        "category": observation.category.value,
        "opened_at": format_instant(observation.opened_at),
        "closed_at": _opt(observation.closed_at),
        "closed_by": observation.closed_by,
        "exposures": [on.isoformat() for on in observation.exposures],
        "period_days": observation.period_days,
        "overdue_grace_minutes": observation.overdue_grace_minutes,
        "spans": [_fields(span) for span in observation.spans],
        "layout": layouts.number(observation.ledger.layout),
        "marks": observation.ledger.marks.hex(),
        "confirm_readings": [_fields(reading) for reading in observation.confirm_readings],
        "overdue_days": [day.isoformat() for day in observation.overdue_days],
        "breaches": [
            [day.isoformat(), count.number, format_instant(count.earliest_at)]
            for day, count in sorted(observation.breaches.items())
        ],
        "lost": {check: [lost.alert_id, lost.lost_after] for check, lost in sorted(observation.lost.items())},
    }


def _load_observation(document: Document, layouts: list[Layout]) -> Observation:
    return Observation(
        ids=list(document["ids"]),
        area=document["area"],
        category=Category(document["category"]),
        opened_at=_instant(document["opened_at"]),
        closed_at=_opt_instant(document["closed_at"]),
        closed_by=document["closed_by"],
        exposures=[date.fromisoformat(on) for on in document["exposures"]],
        period_days=document["period_days"],
        overdue_grace_minutes=document["overdue_grace_minutes"],
        spans=[_load_span(entry) for entry in document["spans"]],
        ledger=Ledger(layouts[document["layout"]], bytes.fromhex(document["marks"])),
        confirm_readings=[_load_confirm_reading(entry) for entry in document["confirm_readings"]],
        overdue_days=[date.fromisoformat(day) for day in document["overdue_days"]],
        breaches={
            date.fromisoformat(day): BreachCount(number, _instant(earliest))
            for day, number, earliest in document["breaches"]
        },
        lost={check: LostContact(identity, lost_after) for check, (identity, lost_after) in document["lost"].items()},
    )


def _load_span(entry: Document) -> Span:
    days = {name: date.fromisoformat(entry[name]) for name in ("first_day", "last_day")}
    return Span(**days, since=_instant(entry["since"]))


def _load_confirm_reading(entry: Document) -> ConfirmReading:
    return ConfirmReading(**{**entry, "taken_at": _instant(entry["taken_at"]), "site": Site(entry["site"])})


def _load_fever(entry: Document) -> FeverCase:
    times = {"first_taken_at": _instant(entry["first_taken_at"]), "due_at": _opt_instant(entry["due_at"])}
    return FeverCase(**{**entry, **times})


def _load_waiting(entry: Document) -> WaitingRecord:
    times = {name: _instant(entry[name]) for name in ("occurred_at", "arrived_at")}
    return WaitingRecord(**{**entry, **times})


def _load_alert(entry: Document) -> Alert:
    words = {
        "rule": RuleName(entry["rule"]),
        "state": AlertState(entry["state"]),
        "severity": Severity(entry["severity"]),
        "reason": AlertReason(entry["reason"]),
    }
    times = {name: _opt_instant(entry[name]) for name in ("due_at", "raised_at", "updated_at")}
    return Alert(**{**entry, **words, **times, "evidence": tuple(entry["evidence"])})


def _fields(value: Any) -> Document:
    """Return the fields of a flat dataclass as JSON values."""
    return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return json_value(value)
    return list(value) if isinstance(value, tuple) else value


def _opt(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _opt_instant(text: str | None) -> datetime | None:
    return None if text is None else _instant(text)


def _instant(text: str) -> datetime:
    """Read an instant of our own; unlike one from outside it may lie after the last year of records."""
    return datetime.fromisoformat(text)
