"""People held as bytes: what is put is got, what is due is popped, what nobody refers to is dropped."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from events.policy import default_policy
from events.records import AlertResolved, ObservationClosed, ObservationOpened, TemperatureTaken, Tick
from events.results import Alert
from events.vocabulary import Category, ClosingOutcome, Site
from streams.core import snapshot
from streams.core.calendar import microseconds
from streams.core.confirm_readings import ConfirmReading, pack_reading, read_readings
from streams.core.engine import step
from streams.core.layout import Timetable
from streams.core.passed_scans import KEPT, PassedScans, load_passed_scans
from streams.core.people import People
from streams.core.person import Person
from streams.core.snapshot import SnapshotError, load_state
from streams.core.state import State, new_state
from tests.support.written import read_back, written

MIDNIGHT = datetime(2020, 2, 2, 16, tzinfo=UTC)  # of 3 February in Shanghai


def opened(person: str = "P1", number: int = 1) -> ObservationOpened:
    """Return an opening on the evening of 2 February."""
    return ObservationOpened(
        event_id=f"o{number}",
        source_id="s",
        occurred_at=MIDNIGHT - timedelta(hours=4),
        person_id=person,
        observation_id=f"O{number}",
        area="t/g1",
        category=Category.HOME,
        last_exposure_on=date(2020, 2, 2),
    )


def reading(event_id: str, at: datetime, temperature_c: float = 36.6, site: Site = Site.AXILLARY) -> TemperatureTaken:
    """Return a reading of P1."""
    return TemperatureTaken(
        event_id=event_id,
        source_id="s",
        occurred_at=at,
        person_id="P1",
        area="t/g1",
        temperature_c=temperature_c,
        site=site,
    )


def state_with_misses(days: int = 3) -> tuple[State, list[Alert]]:
    """Return a state in which P1 has missed everything for some days, and the alerts of it."""
    state = new_state(default_policy())
    alerts: list[Alert] = []
    step(state, opened())
    for hours in range(0, 24 * days, 6):
        alerts += step(state, Tick(at=MIDNIGHT + timedelta(hours=hours))).alerts
    return state, alerts


class TestDeadlines:
    """Who falls due when."""

    def people(self, *due: tuple[str, int | None]) -> People:
        """Return people with deadlines; all have something to be held for."""
        people = People(Timetable())
        for person_id, at in due:
            people.put(Person(person_id, seen={1: b"x" * 8}), at)
        return people

    def test_by_id(self) -> None:
        """Everybody whose instant the clock has reached, in the order of the ids, and each once."""
        people = self.people(("b", 5), ("a", 5), ("c", 6), ("d", 7), ("e", None))

        assert [person.person_id for person in people.pop_due(6)] == ["a", "b", "c"]

    def test_a_deadline_that_moved(self) -> None:
        """Only the last one that was put counts."""
        people = self.people(("a", 5), ("a", 9), ("b", 9), ("b", None))

        assert list(people.pop_due(8)) == []
        assert [person.person_id for person in people.pop_due(9)] == ["a"]

    def test_a_deadline_already_past(self) -> None:
        """Is due at the next tick, however often it is put down again before."""
        people = self.people(("a", 5))
        (person,) = people.pop_due(7)
        people.put(person, 5)
        people.put(person, 5)

        assert [person.person_id for person in people.pop_due(8)] == ["a"]

    def test_before_1970(self) -> None:
        """A deadline of the first local morning of 1970 lies before it in UTC."""
        people = self.people(("a", microseconds(datetime(1969, 12, 31, 20, tzinfo=UTC))))

        assert [person.person_id for person in people.pop_due(0)] == ["a"]


def test_a_person_that_is_not_put_back_has_not_changed() -> None:
    """What was got is a copy."""
    people = People(Timetable())
    people.put(Person("a", seen={1: b"x" * 8}), None)
    person = people.get("a")
    assert person is not None
    person.seen.clear()

    again = people.get("a")
    assert again is not None
    assert again.seen == {1: b"x" * 8}


def test_a_mark_lies_where_marks_lie() -> None:
    """Bytes that stand across two marks are none."""
    person = Person("a")
    person.remember("e1", MIDNIGHT)
    (marks,) = person.seen.values()
    person.seen = {1: b"y" * 4 + marks + b"y" * 4}

    assert not person.has_seen("e1")
    person.seen = {1: b"y" * 8 + marks}
    assert person.has_seen("e1")


@pytest.mark.parametrize("temperature_c", [1e20, 1.7e308, -1.7e308])
def test_a_policy_that_calls_everything_plausible(temperature_c: float) -> None:
    """Whatever number a reading then is, it is decided, and comes back from what is written down."""
    policy = default_policy()
    fever = replace(policy.fever, implausible_below_c=-1.7e308, implausible_above_c=1.7e308)
    state = new_state(replace(policy, fever=fever))
    step(state, opened())

    step(state, reading("r1", MIDNIGHT, temperature_c))

    (person,) = read_back(state).people
    (held,) = read_readings(person.readings, person.reading_count)
    assert held.temperature_c == temperature_c


@pytest.mark.parametrize(
    "temperature_c", [36.6, 37.0, 36.65, 34.5, 42.5, 999_999.9, 1e6, 1e20, 1.7e308, -1.7e308, 5e-324]
)
def test_readings_packed(temperature_c: float) -> None:
    """Readings come back as they were, tenths or not, whatever their ids share."""
    readings = [
        ConfirmReading(event_id, MIDNIGHT + timedelta(microseconds=number), Site.AXILLARY, temperature_c)
        for number, event_id in enumerate(["t-1:10", "t-1:11", "t-1:1", "x", "t-1:110"])
    ]
    packed, before = b"", ""
    for held in readings:
        packed += pack_reading(held, before)
        before = held.event_id

    assert read_readings(packed, len(readings)) == readings


def test_layouts_nobody_refers_to_are_dropped() -> None:
    """A day after the last one is gone, so is what they shared."""
    state = new_state(default_policy())
    step(state, Tick(at=MIDNIGHT))
    step(state, opened())
    assert len(state.timetable.layouts) == 1
    snapshot.changes(state)
    person = state.people.get("P1")
    assert person is not None
    state.people.remove(person)

    step(state, Tick(at=MIDNIGHT + timedelta(days=1)))

    assert state.timetable.layouts == {}
    assert snapshot.changes(state) == {"/layout/1": None, "P1": None}


class TestFreshMisses:
    """Alerts of missed checks that nothing has befallen are not held whole, and nobody can tell."""

    @pytest.mark.parametrize("which", range(4))
    def test_staff_resolve_one(self, which: int) -> None:
        """Each is found by its id and gets its next revision, all else as it was raised."""
        state, alerts = state_with_misses()
        alert = alerts[which]

        (revised,) = step(state, resolve(alert.alert_id)).alerts

        assert (revised.revision, revised.reason, revised.evidence) == (2, "by_staff", ("r",))
        changed = ("revision", "state", "reason", "evidence", "updated_at", "policy_version")
        fields = [name for name in Alert.__struct_fields__ if name not in changed]
        assert {name: getattr(revised, name) for name in fields} == {name: getattr(alert, name) for name in fields}

    def test_the_area_they_were_raised_in(self) -> None:
        """Stays, though the observation moves."""
        state, alerts = state_with_misses()
        step(state, replace(opened(number=2), area="t/g2"))

        (revised,) = step(state, resolve(alerts[0].alert_id)).alerts

        assert revised.area == "t/g1"

    def test_after_an_extension(self) -> None:
        """More checks in the ledger move none of the misses in it: each keeps its own alert."""
        state, alerts = state_with_misses()
        step(state, replace(opened(number=2), last_exposure_on=date(2020, 2, 4)))

        for number, alert in enumerate(alerts):
            (revised,) = step(state, resolve(alert.alert_id, f"r{number}")).alerts
            assert (revised.occurrence, revised.due_at, revised.raised_at) == (
                alert.occurrence,
                alert.due_at,
                alert.raised_at,
            )

    @pytest.mark.parametrize("identity", ["00", "nobody", "0" * 32, "f" * 31, "F" * 32, "a" * 64])
    def test_an_alert_that_does_not_exist(self, identity: str) -> None:
        """Is refused, whatever stands for its id, and nothing has changed."""
        state, alerts = state_with_misses()
        step(state, resolve(alerts[0].alert_id))
        before = written(state)

        outcome = step(state, resolve(identity, "r2"))

        assert outcome.refusal is not None
        assert outcome.refusal.reason == "no_such_alert"
        assert written(state) == before

    def test_part_of_an_id(self) -> None:
        """Neither a part of a resolved alert's id nor its other spelling is that alert."""
        state, alerts = state_with_misses()
        identity = alerts[0].alert_id
        step(state, resolve(identity))

        for number, other in enumerate([identity[:16], identity.upper(), identity[16:]]):
            if other != identity:
                assert step(state, resolve(other, f"x{number}")).refusal is not None
        assert step(state, resolve(identity, "y")).refusal is None


class TestHeldAlerts:
    """What is left out of an alert that is held comes back, whatever has become of the observation since."""

    def fever(self, state: State, event_id: str = "hot") -> Alert:
        """Return the alert of a high forehead reading."""
        (alert,) = step(state, reading(event_id, MIDNIGHT + timedelta(hours=9), 38.2, Site.FOREHEAD)).alerts
        return alert

    def test_the_area_stays(self) -> None:
        """An alert raised before the observation moved keeps its area, one raised after it has the new one."""
        state = new_state(default_policy())
        step(state, opened())
        step(state, Tick(at=MIDNIGHT + timedelta(hours=9)))
        before = self.fever(state)
        step(state, replace(opened(number=2), area="t/g2"))

        (revised,) = step(state, resolve(before.alert_id)).alerts
        after = self.fever(state, "hot again")

        assert (revised.area, after.area) == ("t/g1", "t/g2")
        assert step(read_back(state), resolve(after.alert_id, "r2")).alerts[0].area == "t/g2"

    def test_without_an_observation(self) -> None:
        """Nobody is observed: the area is the record's, the observation none."""
        state = new_state(default_policy())
        step(state, Tick(at=MIDNIGHT + timedelta(hours=9)))
        alert = self.fever(state)
        step(state, replace(opened(), area="t/g2"))

        (revised,) = step(state, resolve(alert.alert_id)).alerts

        assert revised.area == "t/g1"
        assert revised.detail == alert.detail
        assert revised.detail["observation_id"] is None

    def test_of_two_observations(self) -> None:
        """Each alert names the observation that it was raised under."""
        state = new_state(default_policy())
        step(state, opened())
        step(state, Tick(at=MIDNIGHT + timedelta(hours=9)))
        first = self.fever(state)
        closed = ObservationClosed(
            event_id="c", source_id="s", occurred_at=MIDNIGHT + timedelta(hours=10), person_id="P1",
            observation_id="O1", outcome=ClosingOutcome.HOSPITAL,
        )  # fmt: skip
        step(state, closed)
        step(state, replace(opened(number=2), occurred_at=MIDNIGHT + timedelta(hours=11)))
        (second,) = step(state, reading("low", MIDNIGHT + timedelta(hours=12), 20.0)).alerts

        revised = [step(state, resolve(alert.alert_id, f"r{alert.alert_id}")).alerts[0] for alert in (first, second)]

        assert [alert.detail for alert in revised] == [first.detail, second.detail]
        assert revised[0].detail["observation_id"] == "O1"


def resolve(identity: str, event_id: str = "r") -> AlertResolved:
    """Return the command that resolves an alert of P1."""
    return AlertResolved(
        event_id=event_id, source_id="desk", occurred_at=MIDNIGHT, alert_id=identity, key="P1", actor_id="a"
    )


def test_a_reading_is_recognised_by_itself() -> None:
    """A repeat of a reading that is kept brings nothing, also after the state was written down."""
    state = new_state(default_policy())
    step(state, opened())
    step(state, Tick(at=MIDNIGHT))
    at = MIDNIGHT + timedelta(hours=9)
    step(state, reading("e1", at))
    state = read_back(state)
    before = written(state)

    assert not step(state, reading("e1", at, 39.0)).alerts
    assert written(state) == before


class TestPassedScans:
    """The last scans that left nothing."""

    def test_generations(self) -> None:
        """The last ten thousand are always known, never more than twenty."""
        passed = PassedScans()
        for number in range(3 * KEPT + 5):
            passed.add(f"e{number}", "P")
            assert len(passed) <= 2 * KEPT
        last = range(2 * KEPT + 5, 3 * KEPT + 5)

        assert all((f"e{number}", "P") in passed for number in last)
        assert ("e5", "P") not in passed
        assert (f"e{3 * KEPT}", "Q") not in passed

    @pytest.mark.parametrize("every", [1, 700, 4000, 25_000])
    def test_segments(self, every: int) -> None:
        """What was handed out piece by piece is what is held, and comes back."""
        passed, entries = PassedScans(), dict[str, bytes]()
        for number in range(0, 3 * KEPT, every if every > 1 else 997):
            for each in range(number, min(number + max(every, 997), 3 * KEPT)):
                passed.add(f"e{each}", f"P{each}")
            for key, value in passed.changes().items():
                if value is None:
                    del entries[key]
                else:
                    entries[key] = value

        assert sorted(entries) == sorted(passed.keys())
        assert entries == {key: passed.segment(key) for key in passed.keys()}  # noqa: SIM118  no mapping
        again = load_passed_scans(passed.generation, entries)
        assert (again.newer, again.older) == (passed.newer, passed.older)


class TestMissing:
    """Of what is written down something is not there."""

    def test_a_person(self) -> None:
        """One who is missing, or too many, is noticed when the state is read."""
        head, entries = written(state_with_misses()[0])
        one_more = {**entries, "P2": entries["P1"]}
        del entries["P1"]

        for wrong in (entries, one_more):
            with pytest.raises(SnapshotError, match="expected 1 people, found"):
                load_state(json.loads(head), wrong)

    def test_a_layout(self) -> None:
        """One to which somebody refers is noticed when the state is read, not when a record touches that person."""
        head, entries = written(state_with_misses()[0])
        layouts = [key for key in entries if key.startswith("/layout/")]
        assert layouts
        for key in layouts:
            del entries[key]

        with pytest.raises(SnapshotError, match="expected layout"):
            load_state(json.loads(head), entries)
