"""`gridwatch reconcile` on a broker and ClickHouse: a clean town agrees, a planted fault is found and its place named."""

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sinks.clickhouse.driver import Database, connect
from sinks.clickhouse.migration import migrate
from streams.reconcile import take_standing
from streams.reconcile_records import read_records
from streams.reconciling.findings import Relation, hour_of
from streams.reconciling.pairing import Memory
from tests.support.brokers import BrokerUnderTest
from tests.support.clickhouse_http import ClickHouseFront
from tests.support.raw_records import AREA, opening, policy, reading, scan, visit
from tests.support.reconciled import PEOPLE, Hours, Logs, PartitionOf, Place, Stored, hours_ago, town
from tests.unit.cli.programs import call
from tests.unit.clickhouse.messages import verdict

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseFront]:
    """Run an HTTP front of the engine."""
    with ClickHouseFront(tmp_path_factory.mktemp("engine")) as running:
        yield running


@dataclass(frozen=True)
class Ready:
    """A broker, topics and a database that nobody has used."""

    place: Place
    database: Database

    def fill(self, logs: Logs, **committed: Mapping[PartitionOf, int]) -> None:
        """Put logs on the broker and all of them into ClickHouse; commit what is given of a role, for the rest the ends."""
        self.place.publish(logs, committed)
        self.place.sink(logs, self.database, committed.get("sink"))

    def change(self, table: str, change: str) -> None:
        """Change rows, and come back when they are changed."""
        self.database.command(f"ALTER TABLE {table} {change} SETTINGS mutations_sync = 1")

    def reconcile(self, *arguments: object) -> "Told":
        """Run the command for programs."""
        ended = call("reconcile", "--json", *arguments, **self.place.environment())

        assert ended.out, ended.err
        document = json.loads(ended.out)
        assert document["agrees"] is (ended.status == 0)
        return Told(ended.status, document)


@dataclass(frozen=True)
class Told:
    """What the command said."""

    status: int
    document: dict[str, Any]

    @property
    def relations(self) -> dict[str, dict[str, Any]]:
        """The relations by name."""
        return {each["relation"]: each for each in self.document["relations"]}

    @property
    def differences(self) -> list[dict[str, Any]]:
        """What differs, each with its relation."""
        return [{"relation": name, **each} for name, told in self.relations.items() for each in told["differences"]]

    @property
    def places(self) -> set[tuple[Any, ...]]:
        """Where something differs, offset by offset."""
        return {
            (each["relation"], each["kind"], each["topic"], each["partition"], offset)
            for each in self.differences
            for offset in each["offsets"]
        }


@contextmanager
def ready_on(broker: BrokerUnderTest, front: ClickHouseFront, prefix: str) -> Iterator[Ready]:
    """Yield a fresh place with migrated tables."""
    place = Place(broker, f"{prefix}.", front.dsn(), f"gridwatch_{uuid.uuid4().hex[:12]}")
    database = connect(place.dsn, place.database, create=True)
    migrate(database)
    yield Ready(place, database)
    database.command(f"DROP DATABASE {place.database}")
    database.close()


@pytest.fixture
def ready(
    embedded_broker: BrokerUnderTest, front: ClickHouseFront, fresh_name: Callable[[str], str]
) -> Iterator[Ready]:
    """Give a fresh place on the embedded broker."""
    with ready_on(embedded_broker, front, fresh_name("rec")) as found:
        yield found


@pytest.fixture
def anywhere(broker: BrokerUnderTest, front: ClickHouseFront, fresh_name: Callable[[str], str]) -> Iterator[Ready]:
    """Give a fresh place on each broker in turn."""
    with ready_on(broker, front, fresh_name("rec")) as found:
        yield found


@pytest.fixture
def hours() -> Hours:
    """Return hours that are over."""
    return hours_ago(4)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def difference(relation: str, kind: str, place: dict[str, Any], count: int = 1, offsets: Any = ()) -> dict[str, Any]:
    """Return a difference as the command writes it."""
    return {"relation": relation, "kind": kind, **place, "count": count, "offsets": list(offsets)}


def where(topic: str, partition: int, stored: Stored) -> dict[str, Any]:
    """Return how the command names the hour of a message."""
    hour = stored.timestamp // 3_600_000 * 3600
    return {"topic": topic, "partition": partition, "hour": f"{datetime.fromtimestamp(hour, UTC):%Y-%m-%dT%H:%M:%S}Z"}


def test_a_clean_town_agrees(anywhere: Ready, hours: Hours) -> None:
    """Everything is compared, nothing differs, repeats and refusals included; all at once as hour by hour."""
    anywhere.fill(town(hours))

    told = anywhere.reconcile()

    assert told.differences == []
    assert told.status == 0
    assert {name: each["compared"] for name, each in told.relations.items()} == {
        "raw to timeline": 25,
        "timeline from raw": 25,
        "raw to dead-letters": 2,
        "dead-letters from raw": 2,
        "ticks": 12,
        "timeline to clickhouse": 54,
        "checks to clickhouse": 25,
        "alerts to clickhouse": 33,
        "dead-letters to clickhouse": 2,
        "revisions": 54,
        "last revisions": 54,
        "ledger": 22,
        "figures": 4,
    }
    (day,) = told.document["ledger"]
    assert day["expected"] == 22 == day["done"] + day["late"] + day["missed"]
    assert day["late"] == 1
    by_hour = [
        anywhere.reconcile("--since", hours.name(hour), "--until", hours.name(hour + 1)) for hour in range(-1, 4)
    ]
    assert [each.differences for each in by_hour] == [[]] * 5
    for relation, compared in (("raw to timeline", 25), ("timeline to clickhouse", 54), ("ticks", 12)):
        assert sum(each.relations[relation]["compared"] for each in by_hour) == compared


def test_a_record_that_the_timeline_lacks(ready: Ready, hours: Hours) -> None:
    """Named by the place of the raw record."""
    logs = town(hours)
    partition, stored = logs.find("timeline", b'"r-p-1"')
    logs.drop(("timeline", partition), stored.offset)
    ready.fill(logs)
    partition, stored = logs.find("temperatures", b'"r-p-1"')

    told = ready.reconcile()

    place = where("temperatures", partition, stored)
    assert told.differences == [difference("raw to timeline", "missing", place, offsets=[stored.offset])]
    assert told.status == 1


def test_a_record_that_the_timeline_changed(ready: Ready, hours: Hours) -> None:
    """The line is none that intake makes of any raw record."""
    logs = town(hours)
    partition, stored = logs.find("timeline", b'"r-p-1"')
    logs.change(("timeline", partition), stored.offset, stored.value.replace(b"36.6", b"36.5"))
    ready.fill(logs)

    told = ready.reconcile()

    place = where("timeline", partition, stored)
    assert told.differences == [difference("timeline from raw", "extra", place, offsets=[stored.offset])]
    assert told.status == 1


def test_a_record_that_the_timeline_holds_twice(ready: Ready, hours: Hours) -> None:
    """As a crash of intake leaves it: recognised by everybody, told as a note, and no difference."""
    logs = town(hours)
    partition, stored = logs.find("timeline", b'"r-p-1"')
    logs.double(("timeline", partition), stored.offset)
    ready.fill(logs)

    told = ready.reconcile()

    (note,) = told.relations["timeline from raw"]["notes"]
    assert (note["kind"], note["partition"], note["offsets"]) == ("repeated", partition, [stored.offset + 1])
    assert told.status == 0


def test_a_refused_record_without_a_dead_letter(ready: Ready, hours: Hours) -> None:
    """Named by the place of the raw record; a letter that says something else is one too many."""
    logs = town(hours)
    logs.drop(
        ("dead-letters", logs.find("dead-letters", b"not_json")[0]), logs.find("dead-letters", b"not_json")[1].offset
    )
    other, letter = logs.find("dead-letters", b"invalid_field")
    logs.change(("dead-letters", other), letter.offset, letter.value.replace(b"invalid_field", b"unknown_kind"))
    ready.fill(logs)

    told = ready.reconcile()

    assert [(each["relation"], each["kind"], each["topic"], each["count"]) for each in told.differences] == [
        ("raw to dead-letters", "missing", "checkpoints", 1),
        ("raw to dead-letters", "missing", "visits", 1),
        ("dead-letters from raw", "extra", "dead-letters", 1),
    ]
    assert told.status == 1


def test_a_tick_that_one_partition_lacks(ready: Ready, hours: Hours) -> None:
    """Named by partition and hour, and the record before which it should stand."""
    logs = town(hours)
    partition, stored = (
        1,
        next(each for each in logs.logs["timeline", 1] if b"04:35:00Z" in each.value and b"tick" in each.value),
    )
    logs.drop(("timeline", partition), stored.offset)
    ready.fill(logs)

    told = ready.reconcile()

    (found,) = told.differences
    assert (found["relation"], found["kind"], found["partition"]) == ("ticks", "missing", 1)
    assert found["hour"] == hours.name(1)
    assert b"06:00:00Z" in logs.logs["timeline", 1][found["offsets"][0]].value
    assert told.status == 1


def test_the_newest_tick_may_be_under_way(ready: Ready, hours: Hours) -> None:
    """Of one that stands in some partitions only, and none after it."""
    logs = town(hours)
    logs.tick(hours.ms(2, 30), datetime(2020, 2, 2, 14, tzinfo=UTC), partitions=[0, 2])
    ready.fill(logs)

    told = ready.reconcile()

    assert told.relations["ticks"]["under_way"] == 1
    assert told.status == 0


def test_a_row_that_clickhouse_lacks(ready: Ready, hours: Hours) -> None:
    """Named by partition, hour and offset, for every table."""
    logs = town(hours)
    ready.fill(logs)
    partition, stored = logs.find("timeline", b'"r-p-1"')
    ready.change("timeline", "DELETE WHERE event_id = 'r-p-1'")
    other, letter = logs.find("dead-letters", b"not_json")
    ready.change("dead_letters", "DELETE WHERE reason = 'not_json'")

    told = ready.reconcile()

    assert told.differences == [
        difference("timeline to clickhouse", "missing", where("timeline", partition, stored), offsets=[stored.offset]),
        difference(
            "dead-letters to clickhouse", "missing", where("dead-letters", other, letter), offsets=[letter.offset]
        ),
    ]
    assert told.status == 1


def test_a_row_that_was_changed(ready: Ready, hours: Hours) -> None:
    """Whatever the column, its stamp included."""
    logs = town(hours)
    ready.fill(logs)
    partition, stored = logs.find("timeline", b'"r-p-1"')
    ready.change("timeline", "UPDATE temperature_c = 36.5 WHERE event_id = 'r-p-1'")
    other, moved = logs.find("timeline", b'"r-p-2"')
    ready.change("timeline", "UPDATE appended_at = appended_at + INTERVAL 1 HOUR WHERE event_id = 'r-p-2'")
    third, late = next(
        (part, each) for part in range(2) for each in logs.logs["checks", part] if b'"state":"late"' in each.value
    )
    ready.change("checks", "UPDATE state = 'done' WHERE state = 'late'")

    told = ready.reconcile()

    assert told.places == {
        ("timeline to clickhouse", "changed", "timeline", partition, stored.offset),
        ("timeline to clickhouse", "changed", "timeline", other, moved.offset),
        ("checks to clickhouse", "changed", "checks", third, late.offset),
    }
    assert told.status == 1


def test_a_revision_that_is_missing(ready: Ready, hours: Hours) -> None:
    """A higher one is there: both the row and the gap are told."""
    logs = town(hours)
    ready.fill(logs)
    ready.change(
        "checks", "DELETE WHERE revision = 1 AND check_id IN (SELECT check_id FROM checks WHERE state = 'late')"
    )

    told = ready.reconcile()

    assert [(each["relation"], each["kind"], each["topic"], each["count"]) for each in told.differences] == [
        ("checks to clickhouse", "missing", "checks", 1),
        ("revisions", "missing", "checks", 1),
    ]
    assert told.status == 1


def test_an_old_revision_behind_the_highest(anywhere: Ready, hours: Hours) -> None:
    """A frozen worker woke up and its write landed late: it is told, and mended where that is asked for; then all agrees."""
    logs = town(hours)
    place, old = next(
        (place, stored)
        for place, log in sorted(logs.logs.items())
        for stored in log
        if place[0] == "checks" and json.loads(stored.value)["state"] == "missed" and _is_revised(logs, place, stored)
    )
    highest = next(each for each in logs.logs[place] if _is_later_revision(each, old))
    logs.logs[place].append(old._replace(offset=len(logs.logs[place]), timestamp=logs.logs[place][-1].timestamp))
    anywhere.fill(logs)
    overtaken = {"kind": "overtaken", **where("checks", place[1], highest), "count": 1, "offsets": [highest.offset]}

    told = anywhere.reconcile()
    mending = anywhere.reconcile("--mend")
    logs.logs[place].append(highest._replace(offset=len(logs.logs[place])))
    written = anywhere.place.values("checks", place[1])
    anywhere.place.sink(logs, anywhere.database)

    assert told.differences == [{"relation": "last revisions", **overtaken}]
    assert told.status == 1
    assert mending.relations["last revisions"]["notes"] == [{**overtaken, "kind": "mended"}]
    assert written == [stored.value for stored in logs.logs[place]]
    assert anywhere.reconcile().relations["last revisions"]["differences"] == []


def test_an_old_revision_behind_the_highest_that_the_sink_has_seen(ready: Ready, hours: Hours) -> None:
    """The log goes on with the key where the sink has not read yet: to write there would put an old one behind a new one."""
    logs = town(hours)
    place, first = next(
        (place, stored)
        for place, log in sorted(logs.logs.items())
        for stored in log
        if place[0] == "checks" and _is_revised(logs, place, stored)
    )
    highest = next(each for each in logs.logs[place] if _is_later_revision(each, first))
    seen = len(logs.logs[place]) + 1
    for again in (first, highest):
        logs.logs[place].append(again._replace(offset=len(logs.logs[place]), timestamp=logs.logs[place][-1].timestamp))
    ready.fill(logs, sink={place: seen})

    told = ready.reconcile("--mend", "--wait", 0)

    assert ready.place.values("checks", place[1]) == [stored.value for stored in logs.logs[place]]
    assert told.relations["last revisions"]["under_way"] == 1
    assert told.relations["last revisions"]["differences"] == told.relations["last revisions"]["notes"] == []


def _is_revised(logs: Logs, place: PartitionOf, stored: Stored) -> bool:
    return any(_is_later_revision(each, stored) for each in logs.logs[place])


def _is_later_revision(each: Stored, than: Stored) -> bool:
    later, earlier = json.loads(each.value), json.loads(than.value)
    return bool(later["check_id"] == earlier["check_id"] and later["revision"] > earlier["revision"])


def test_rows_that_are_there_twice_agree(ready: Ready, hours: Hours) -> None:
    """A sink that wrote a batch again, and a watch that published again: nothing differs."""
    logs = town(hours)
    for partition in range(2):
        for offset in reversed(range(0, len(logs.logs["checks", partition]), 3)):
            logs.double(("checks", partition), offset)
    ready.fill(logs)
    ready.place.sink(logs, ready.database)
    ready.database.command("OPTIMIZE TABLE checks FINAL")

    told = ready.reconcile()

    assert told.differences == []
    assert told.status == 0


def test_a_verdict_that_was_never_written(ready: Ready, hours: Hours) -> None:
    """The logs and ClickHouse hold the same; the ledger says that a check has vanished, where and on which day."""
    logs = town(hours)
    partition, stored = next(
        (part, each)
        for part in range(2)
        for each in logs.logs["checks", part]
        if b'"person_id":"p-2"' in each.value and b'"state":"missed"' in each.value
    )
    logs.drop(("checks", partition), stored.offset)
    ready.fill(logs)

    told = ready.reconcile()

    assert told.differences == [
        difference("ledger", "missing", {"topic": "checks", "area": AREA, "date": "2020-02-02"})
    ]
    assert told.document["ledger"][0]["lost"] == 1
    assert told.status == 1


def test_a_verdict_about_nobody(ready: Ready, hours: Hours) -> None:
    """Nobody put that person under observation."""
    logs = town(hours)
    logs.logs["checks", 0].append(
        Stored(len(logs.logs["checks", 0]), hours.ms(2, 30), verdict("stranger", "02", "missed"))
    )
    ready.fill(logs)

    told = ready.reconcile()

    assert told.differences == [difference("ledger", "extra", {"topic": "checks", "area": AREA, "date": "2020-02-02"})]
    assert told.status == 1


def test_a_figure_that_is_wrong(ready: Ready, hours: Hours) -> None:
    """A view that does not show what the rows say, in every area that it concerns."""
    ready.fill(town(hours))
    view = ready.database.query("SHOW CREATE VIEW v_checks_by_area")[0]["statement"]
    ready.database.command(
        view.replace("CREATE VIEW", "CREATE OR REPLACE VIEW").replace("state = 'late'", "state = 'missed'")
    )

    told = ready.reconcile()

    assert {(each["relation"], each["kind"], each["date"]) for each in told.differences} == {
        ("figures", "changed", "2020-02-02")
    }
    assert {each["area"] for each in told.differences} == {"/".join(AREA.split("/")[:level]) for level in range(1, 5)}
    assert told.status == 1


def test_what_is_under_way_is_no_difference(ready: Ready, hours: Hours) -> None:
    """Raw records that intake has not committed, and messages that the sink has not."""
    logs = town(hours)
    raw = logs.ends(["visits"])
    logs.send(hours.ms(2, 40), *[visit(f"new-{number}") for number in range(3)], is_taken=False)
    sunk = {("timeline", 0): 3, ("checks", 0): 0}
    ready.fill(logs, intake=raw, sink=sunk)

    told = ready.reconcile("--wait", 0)

    assert told.differences == []
    assert told.relations["raw to timeline"]["under_way"] == 3
    assert told.relations["timeline to clickhouse"]["under_way"] == len(logs.logs["timeline", 0]) - 3
    assert told.relations["checks to clickhouse"]["under_way"] == len(logs.logs["checks", 0])
    assert told.relations["ledger"]["set_aside"] == "the sink is behind watch"
    assert told.status == 0


def test_partners_that_stand_in_other_hours(anywhere: Ready, hours: Hours) -> None:
    """A repeat of what came hours ago, and records that intake took hours later: looked for around the range."""
    logs = Logs()
    logs.send(hours.ms(-5), policy(), opening("p-1"))
    logs.send(hours.ms(-4), scan("old", source_id="g", sequence=1))
    logs.send(hours.ms(0, 30), scan("old", source_id="g", sequence=1), scan("again", source_id="g", sequence=1))
    logs.send(hours.ms(0, 40), reading("slow"))
    partition, slow = logs.find("timeline", b'"slow"')
    logs.logs["timeline", partition][slow.offset] = slow._replace(timestamp=hours.ms(2, 30))
    anywhere.fill(logs)

    told = {hour: anywhere.reconcile("--since", hours.name(hour), "--until", hours.name(hour + 1)) for hour in (0, 2)}

    assert [each.differences for each in told.values()] == [[], []]
    assert told[0].relations["raw to timeline"]["compared"] == 3
    assert told[0].relations["timeline from raw"]["compared"] == 0
    assert told[2].relations["timeline from raw"]["compared"] == 1


async def test_little_memory_is_enough(ready: Ready, hours: Hours) -> None:
    """Where more is open or seen than is held, the timeline is read ahead, and what was forgotten once more."""
    logs = Logs()
    logs.send(hours.ms(0), policy(), *[opening(person) for person in PEOPLE])
    scans = [
        scan(f"s-{number}", f"q-{number}", source_id=f"g-{number % 9}", sequence=number) for number in range(1, 601)
    ]
    for number, raw in enumerate(scans):
        logs.send(hours.ms(0, number / 20), raw)
    logs.send(hours.ms(1, 5), scans[0])
    for place, log in logs.logs.items():
        if place[0] == "timeline":  # intake was hours behind
            logs.logs[place] = [stored._replace(timestamp=stored.timestamp + 7_200_000) for stored in log]
    await asyncio.to_thread(ready.place.publish, logs)
    settings = ready.place.settings()
    standing = await take_standing(settings, sink_seconds=0)
    memory = Memory(remembered=40, open_max=450, crowded=20)

    for first, following in ((0, 1), (0, 3), (1, 2), (2, 3)):
        asked = range(hour_of(hours.first) + first, hour_of(hours.first) + following)
        found = await read_records(settings, standing, asked, None, lambda: None, memory=memory)

        assert [(finding.relation, finding.differences, finding.broken_off) for finding in found.findings[:2]] == [
            (Relation.RAW_TO_TIMELINE, [], ""),
            (Relation.TIMELINE_FROM_RAW, [], ""),
        ]


def test_empty_topics(ready: Ready) -> None:
    """Nothing to compare agrees."""
    ready.fill(Logs())

    told = ready.reconcile()

    assert told.status == 0
    assert sum(each["compared"] for each in told.relations.values()) == 0
    assert told.relations["ticks"]["set_aside"] == "no tick in these hours"


def test_what_people_read(ready: Ready, hours: Hours) -> None:
    """A line a relation, then what differs, where, and what to do; nobody is named."""
    logs = town(hours)
    partition, stored = logs.find("timeline", b'"r-p-1"')
    logs.drop(("timeline", partition), stored.offset)
    ready.fill(logs)
    ready.change("checks", "UPDATE state = 'done' WHERE state = 'missed'")
    partition, stored = logs.find("temperatures", b'"r-p-1"')

    ended = call("reconcile", "--examples", 1, **ready.place.environment())

    said = ended.out.decode()
    assert ended.status == 1
    place = f"temperatures/{partition}, {where('temperatures', partition, stored)['hour']}, at {stored.offset}"
    assert f"raw to timeline: 1 missing in {place}\n" in said
    assert "-> " in said
    assert "something differs" in said
    assert not re.search(r"p-\d|r-p|terminal|gate", said + ended.err)


def test_without_clickhouse(ready: Ready, hours: Hours) -> None:
    """The logs alone, also where no ClickHouse is."""
    ready.fill(town(hours))

    ended = call(
        "reconcile",
        "--json",
        "--no-clickhouse",
        **ready.place.environment() | {"GRIDWATCH_CLICKHOUSE__DSN": "http://127.0.0.1:1"},
    )

    assert ended.status == 0
    assert [each["relation"] for each in json.loads(ended.out)["relations"]] == [
        "raw to timeline",
        "timeline from raw",
        "raw to dead-letters",
        "dead-letters from raw",
        "ticks",
    ]


def test_topics_that_are_not_there(ready: Ready) -> None:
    """Status 4, and the topic is named."""
    ended = call("reconcile", **ready.place.environment())

    assert ended.status == 4
    assert "does not exist" in ended.err
    assert ended.out == b""
