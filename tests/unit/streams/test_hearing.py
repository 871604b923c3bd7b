"""What intake tells of the sources that it hears."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.records import MOST_RUNS
from streams.broker.outputs import Output
from streams.intake.decider import new_intake
from streams.partition import SavedState
from tests.support.fakes import raw_record

TEN = datetime(2020, 2, 3, 2, tzinfo=UTC)
Told = list[tuple[str, str, list[tuple[int, int]]]]


@dataclass
class Intake:
    """One raw partition; `restarts` has it written down and read back before every record."""

    topic: str = "checkpoints"
    restarts: bool = False

    def __post_init__(self) -> None:
        self.decider = new_intake(self.topic, 2, 48)
        self.offset = 0
        self.entries: dict[str, bytes] = {}

    def take(self, time: str, value: bytes) -> list[Output]:
        """Take a record that the broker stamps at a time after ten o'clock, `MM:SS`."""
        if self.restarts:
            self._restart()
        minutes, seconds = map(int, time.split(":"))
        stamp = TEN + timedelta(minutes=minutes, seconds=seconds)
        record = raw_record(self.topic, 2, self.offset, value, int(stamp.timestamp() * 1000))
        self.offset += 1
        return self.decider.take([record], 0)

    def _restart(self) -> None:
        for key, value in self.decider.changes().items():
            if value is None:
                del self.entries[key]
            else:
                self.entries[key] = value
        head = json.loads(json.dumps(self.decider.head()))
        self.decider = new_intake(self.topic, 2, 48, SavedState(head, dict(self.entries)))


def scan(source: str, sequence: int | None, made: str = "2020-02-03T02:00:00Z", **fields: Any) -> bytes:
    """Return a scan as devices send it."""
    document = {
        "kind": "checkpoint_scanned",
        "event_id": f"{source}-{sequence}",
        "source_id": source,
        "sequence": sequence,
        "occurred_at": made,
        "person_id": "P1",
        "area": "t/g1",
        "checkpoint_id": "k1",
        "direction": "in",
        "decision": "passed",
        **fields,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def temperature(sequence: int | None, **fields: Any) -> bytes:
    """Return a reading as terminals send it."""
    document = {
        "kind": "temperature_taken",
        "event_id": f"e{sequence}",
        "source_id": "T1",
        "sequence": sequence,
        "occurred_at": "2020-02-03T01:59:00Z",
        "person_id": "P1",
        "area": "t/g1",
        "temperature_c": 36.5,
    }
    return json.dumps(document | fields).encode()


def heard(outputs: Iterable[Output]) -> list[dict[str, Any]]:
    """Return what is told of sources."""
    documents = [json.loads(output.value) for output in outputs if output.topic == "timeline"]
    return [document for document in documents if document["kind"] == "source_heard"]


def told(outputs: Iterable[Output]) -> Told:
    """Return source, end of the five minutes and numbers of what is told."""
    return [
        (each["source_id"], each["heard_until"][11:16], [(run["first"], run["last"]) for run in each["sequences"]])
        for each in heard(outputs)
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_scans_are_gathered_by_five_minutes(restarts: bool) -> None:
    """The worked example of the module, with and without a restart before every record."""
    intake = Intake(restarts=restarts)

    assert told(intake.take("01:00", scan("a", 7))) == [("a", "02:05", [(7, 7)])]
    assert told(intake.take("02:00", scan("a", 8))) == []
    assert told(intake.take("03:00", scan("a", 9))) == []
    assert told(intake.take("06:00", scan("b", 4))) == [("a", "02:05", [(8, 9)]), ("b", "02:10", [(4, 4)])]
    assert told(intake.take("07:00", scan("a", 10))) == [("a", "02:10", [(10, 10)])]
    assert told(intake.take("10:00", scan("c", 1))) == [("c", "02:15", [(1, 1)])]


def test_restarts_change_no_byte() -> None:
    """What is told is the same, to the byte, however often intake is written down and read back."""
    times = [f"{number // 3:02d}:{number % 60:02d}" for number in range(120)]
    values = [
        scan("abc"[number % 3], number * number % 41 + 1, f"2020-02-03T01:{number % 60:02d}:00.5Z")
        for number in range(120)
    ]
    steady, restarted = Intake(), Intake(restarts=True)

    for time, value in zip(times, values, strict=True):
        assert steady.take(time, value) == restarted.take(time, value)


def test_the_source_that_begins_the_next_five_minutes() -> None:
    """What it has not told comes with the new number, in one record."""
    intake = Intake()
    for number in (1, 2, 4):
        intake.take("01:00", scan("a", number))

    assert told(intake.take("05:00", scan("a", 5))) == [("a", "02:10", [(2, 2), (4, 5)])]


def test_all_that_is_told() -> None:
    """The record stands under the key of the source behind what brought it, and says when the numbers were made."""
    intake = Intake()
    intake.take("01:00", scan("a", 1))
    intake.take("01:00", scan("a", 2, "2020-02-03T02:00:50Z"))
    intake.take("01:00", scan("a", 3, "2020-02-03T02:00:40Z", received_at="2020-02-03T02:01:00.25Z"))
    line, first, second = intake.take("05:00", scan("b", 9, "2020-02-03T02:05:01Z"))

    assert json.loads(line.value)["source_id"] == "b"
    assert (first.topic, first.key, second.key) == ("timeline", b"source:a", b"source:b")
    assert json.loads(first.value) == {
        "kind": "source_heard",
        "event_id": "heard:checkpoints:2:3:0",
        "source_id": "a",
        "heard_until": "2020-02-03T02:05:00Z",
        "least_delay_ms": 10_000,
        "sequences": [{"first": 2, "last": 3, "since": "2020-02-03T02:00:40Z", "until": "2020-02-03T02:00:50Z"}],
    }
    assert (json.loads(second.value)["event_id"], json.loads(second.value)["least_delay_ms"]) == (
        "heard:checkpoints:2:3:1",
        -1000,
    )


def test_other_records_tell_at_once() -> None:
    """Visits, readings, observations and commands are told of one by one."""
    intake = Intake("temperatures")

    assert told(intake.take("01:00", temperature(1))) == [("T1", "02:05", [(1, 1)])]
    assert told(intake.take("01:00", temperature(3))) == [("T1", "02:05", [(3, 3)])]
    assert told(intake.take("01:00", temperature(None))) == [("T1", "02:05", [])]
    assert not any(key.startswith("heard/") for key in intake.decider.changes())


def test_a_repeat_is_a_sign_of_life() -> None:
    """A repeat is heard, and has no number: it came before."""
    intake = Intake("temperatures")
    intake.take("01:00", temperature(1))

    assert told(intake.take("06:00", temperature(1))) == [("T1", "02:10", [])]


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature_c": "hot"},
        {"kind": "visit_recorded"},
        {"kind": "weather"},
        {"occurred_at": "2020-02-04T00:00:00Z"},
    ],
    ids=["a field", "of another topic", "no kind", "in the future"],
)
def test_a_refused_record_has_arrived(fields: dict[str, Any]) -> None:
    """The number of a record that was refused is no hole, wherever it says whose it is."""
    letter, sign = Intake("temperatures").take("01:00", temperature(5, **fields))

    assert letter.topic == "dead-letters"
    assert told([sign]) == [("T1", "02:05", [(5, 5)])]


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"",
        b"[1]",
        temperature(1, source_id="a b"),
        temperature(1, source_id=7),
        temperature(1, note="x" * 70_000),
    ],
)
def test_what_does_not_say_whose_it_is(value: bytes) -> None:
    """Nobody is heard by it."""
    (letter,) = Intake("temperatures").take("01:00", value)

    assert letter.topic == "dead-letters"


@pytest.mark.parametrize("sequence", [0, -1, 2**63, 1.5, "7", True])
def test_a_number_that_is_none(sequence: Any) -> None:
    """The source is heard, without a number."""
    outputs = Intake("temperatures").take("01:00", temperature(sequence))

    assert told(outputs) == [("T1", "02:05", [])]


def test_a_clock_that_is_ahead() -> None:
    """A record that was refused for being made in the future says by how much the clock of its source is ahead."""
    outputs = Intake("temperatures").take("01:00", temperature(1, occurred_at="2020-02-03T02:31:00Z"))

    assert [each["least_delay_ms"] for each in heard(outputs)] == [-1_800_000]


def test_a_refused_record_that_does_not_say_when() -> None:
    """It says nothing of the clock of its source."""
    outputs = Intake("temperatures").take("01:00", temperature(1, occurred_at="today"))

    assert [(each["least_delay_ms"], len(each["sequences"])) for each in heard(outputs)] == [(None, 1)]


def test_a_state_of_before_sources_were_heard() -> None:
    """What was written down by the version before is read: nothing is gathered."""
    decider = new_intake("checkpoints", 2, 48, SavedState({}, {}))

    assert decider.head() == {"heard_bucket": -1}


def test_numbers_that_come_in_any_order() -> None:
    """More runs than one record holds are told in several; nothing waits for the five minutes to end."""
    intake, outputs = Intake(), list[Output]()
    for number in range(MOST_RUNS * 2 + 3):
        outputs += intake.take("01:00", scan("a", number * 2 + 1))
    outputs += intake.take("06:00", scan("b", 1))

    records = heard(outputs)
    assert max(len(record["sequences"]) for record in records) == MOST_RUNS
    assert len({record["event_id"] for record in records}) == len(records)
    numbers = [run["first"] for record in records if record["source_id"] == "a" for run in record["sequences"]]
    assert sorted(numbers) == [number * 2 + 1 for number in range(MOST_RUNS * 2 + 3)]


def test_a_broker_whose_clock_goes_back() -> None:
    """The five minutes never go back."""
    intake = Intake()
    intake.take("06:00", scan("a", 1))

    assert told(intake.take("04:00", scan("a", 2))) == []
    assert told(intake.take("04:00", scan("b", 1))) == [("b", "02:10", [(1, 1)])]
