"""Random histories: logs of a partition that meet the hard spots of the contract often.

The instants, ids and orders are chosen to be awkward. Most commands and some waivers are made last, for alerts and checks
that the model finds in the log so far; so the logs of a seed change when the model does.
"""

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.model import run
from tests.support.model.policy import SITES, default_policy
from tests.support.model.random_policy import ZONES, changed_policy, random_policy

Record = dict[str, Any]

_BUDGETS = {"tiny": (5, 25), "small": (25, 170), "large": (300, 900)}  # records from outside, ticks not counted
_STARTS = {
    "Asia/Shanghai": ["2020-02-01", "2020-02-27"],
    "Europe/Berlin": ["2020-03-26", "2020-10-22", "2020-02-26"],
    "America/New_York": ["2020-03-05", "2020-10-29"],
    "Asia/Kathmandu": ["2020-12-29"],
    "UTC": ["2020-02-27", "1970-01-20"],
}
_JITTERS = (
    [timedelta(0)] * 6
    + [timedelta(microseconds=sign) for sign in (1, -1)] * 2
    + [timedelta(seconds=sign) for sign in (1, -1)] * 2
    + [timedelta(minutes=number) for number in (1, -1, 7, 61, -90)]
)
# The id of an outage that was settled long ago is a new one; the model forgets none.
_OUTAGES_REMEMBERED = timedelta(days=20)
_BAD_LINES = (
    b"",
    b"  ",
    b"{",
    b"[1]",
    b'"text"',
    b"\xff\xfe",
    b'{"kind":"weather_changed","event_id":"b1"}',
    b'{"kind":"tick","at":"2020-02-30T00:00:00Z"}',
    b'{"kind":"tick","at":"2020-02-03T00:00:00"}',
    b'{"kind":"tick","at":"2020-02-03T00:00:00Z","event_id":"b2"}',
    b'{"kind":"tick"}',
)


def history(seed: int, size: str = "small") -> tuple[list[bytes], Record | None]:
    """Build the log of a seed, and the policy to replay it with (None: those in the log).

    Sizes: `tiny`, `small` (mostly 50 to 300 lines), `large`.
    """
    return _Story(Random(seed), size).tell()


def arrivals(seed: int, size: str = "small") -> list[tuple[datetime, bytes]]:
    """Build what sources send in a seed's history, with the instants at which it comes, in that order."""
    story = _Story(Random(seed), size)
    story.tell()
    of_the_system = (b'{"kind":"tick"', b'{"kind":"source_heard"')
    return [(comes_at, line) for comes_at, _, line in sorted(story.entries) if not line.startswith(of_the_system)]


class _Story:
    """A log in the making: entries of (when it comes to the log, order of making, line)."""

    def __init__(self, random: Random, size: str) -> None:
        self.random = random
        self.zone = random.choice(ZONES)
        self.start_on = date.fromisoformat(random.choice(_STARTS[self.zone]))
        self.days_count = random.randint(1, 20)
        self.records_count = random.randint(*_BUDGETS[size])
        first = random_policy(random, "v1", self.zone)
        self.policies = [first]
        for number in range(random.choice([0, 0, 1, 2, 3])):
            self.policies.append(changed_policy(random, self.policies[-1], f"v{number + 2}"))
        self.policy = first if random.random() < 0.3 else None
        people = random.sample(["P0", "P1", "P2", "p.x:1", "A-9", "source:s1"], random.randint(1, 5))
        self.people = {person: f"t/c{i % 2}/g{i}" for i, person in enumerate(people)}
        self.ids: dict[str, list[str]] = {person: [f"O{i}-1"] for i, person in enumerate(people)}
        self.exposed: dict[str, list[date]] = {person: [] for person in people}
        self.entries: list[tuple[datetime, float, bytes]] = []
        self.made = self.outages = 0
        self.first_break: datetime | None = None
        self.sources = random.sample(["s1", "s2", "g.1:x", "source:s1"], random.randint(1, 3))
        self.numbers = {source: random.choice([0, 0, 7, 300_000]) for source in self.sources}
        self.held_back: list[tuple[str, int, int]] = []

    def tell(self) -> tuple[list[bytes], Record | None]:
        self._set_policies()
        for person in self.people:
            self._enrol(person)
        makers = [self._attend] * 3 + [self._visit] * 5 + [self._reading] * 3 + [self._scan] * 3 + [self._fever] * 2
        makers += [self._waive, self._extend, self._close, self._enrol]
        if self.random.random() < 0.4:
            makers += [self._break_way] * 2
        if self.random.random() < 0.5:
            makers += [self._define] + [self._hear] * 4
        while self.made < self.records_count:
            self.random.choice(makers)(self.random.choice(list(self.people)))
        self._tick()
        self._answer_alerts()
        self._repeat_some()
        self._spoil_some()
        return self._lines(), self.policy

    def _lines(self) -> list[bytes]:
        return [line for _, _, line in sorted(self.entries)]

    # Instants

    def _day(self) -> date:
        return self.start_on + timedelta(days=self.random.randint(0, self.days_count))

    def _observed_day(self, person: str) -> date:
        """Choose a day on which the person is likely to be under observation."""
        period_days = self.policies[0]["observation"]["period_days"]
        return self.random.choice(self.exposed[person]) + timedelta(days=self.random.randint(0, period_days + 1))

    def _local(self, day: date, text: str) -> datetime:
        hour, minute = int(text[:2]), int(text[3:])
        day += timedelta(days=hour // 24)
        local = datetime.combine(day, time(hour % 24, minute), tzinfo=ZoneInfo(self.random.choice(self._zones())))
        return local.astimezone(UTC)

    def _zones(self) -> list[str]:
        return [self.zone] * 9 + [policy["timezone"] for policy in self.policies]

    def _edge(self, day: date | None = None) -> datetime:
        """Choose an instant at or next to one that decides something."""
        random = self.random
        check = random.choice(random.choice(self.policies)["checks"])
        window = random.choice(check["windows"] or [{"start": "06:00", "end": "12:00"}])
        day = day or self._day()
        start, end = self._local(day, window["start"]), self._local(day, window["end"])
        due_at = end + timedelta(minutes=check["grace_minutes"])
        grace = timedelta(minutes=self.policies[0]["observation"]["overdue_grace_minutes"])
        edges = [start, start, end, end, due_at, due_at, due_at + timedelta(minutes=check["settle_minutes"])]
        edges += [self._local(day, "00:00") + grace, start + (end - start) / 2, start + (end - start) / 3]
        return random.choice(edges).replace(microsecond=0) + random.choice(_JITTERS)

    def _show(self, instant: datetime) -> str:
        minutes = self.random.choice([0, 0, 60, 480, 345, -300])
        text = instant.astimezone(timezone(timedelta(minutes=minutes))).isoformat()
        return text.replace("+00:00", "Z") if self.random.random() < 0.5 else text

    def _delay(self) -> timedelta:
        """Choose how long after it happened a record comes; the clock of a source may be ahead."""
        hours = self.random.choice([0] * 6 + [0.01, 0.5, 0.6, 1, 6, 24, 30, 72, 100, -0.05, -2, -20])
        return timedelta(hours=hours)

    # Lines

    def _add(self, kind: str, occurred_at: datetime, fields: Record, delay: timedelta | None = None) -> None:
        self.made += 1
        record: Record = {"kind": kind, "event_id": f"e{self.made}", "source_id": f"s{self.random.randint(1, 3)}"}
        if self.random.random() < 0.5:
            record["sequence"] = self.random.choice([None, None, self.made])
        record["occurred_at"] = self._show(occurred_at)
        comes_at = occurred_at + (self._delay() if delay is None else delay)
        if self.random.random() < 0.04:
            latest = occurred_at - timedelta(minutes=5)
            received_at = self.random.choice([comes_at, comes_at, latest, latest - timedelta(microseconds=1)])
            record["received_at"] = self._show(received_at)
        record |= fields
        if kind in ("visit_recorded", "temperature_taken", "checkpoint_scanned") and self.random.random() < 0.4:
            record = {name: value for name, value in record.items() if value is not None}
        self._put(comes_at, json.dumps(record, separators=(",", ":")).encode())

    def _put(self, comes_at: datetime, line: bytes) -> None:
        self.entries.append((comes_at, self.random.random(), line))

    # Records

    def _set_policies(self) -> None:
        random = self.random
        at = self._local(self.start_on, "00:00") - timedelta(hours=random.choice([0, 1, 30]))
        if random.random() < 0.9:
            delay = timedelta(hours=random.choice([-30, -1, 0, 9]))
            self._add("policy_changed", at, {"policy": self.policies[0]}, delay)
        for policy in self.policies[1:]:
            self._add("policy_changed", self._edge(), {"policy": policy}, self._policy_delay())
        if random.random() < 0.3:  # one seen before, again or with other content, or a broken one
            policy = random.choice([*self.policies, default_policy()])
            other = changed_policy(random, policy, policy["policy_version"])
            broken = policy | {"timezone": "Mars/Olympus"}
            chosen = random.choice([policy, other, broken, policy | {"extra": 1}])
            self._add("policy_changed", self._edge(), {"policy": chosen}, self._policy_delay())

    def _policy_delay(self) -> timedelta:
        return timedelta(hours=self.random.choice([0, 0, 0, 1, -1, 7]))

    def _enrol(self, person: str) -> None:
        """Open an observation under a new, the same or a former id; often after the visits."""
        random, ids = self.random, self.ids[person]
        if random.random() < 0.4 and self.made > len(self.people):
            ids.append(f"{ids[0]}{len(ids)}")
        opened_on = self.start_on if random.random() < 0.4 else self._day()
        exposed_on = opened_on + timedelta(days=random.choice([-1, -1, 0, 0, -2, -3, -7, 2]))
        fields = {
            "observation_id": random.choice(ids),
            "person_id": person,
            "area": random.choice([self.people[person], "t/other"]),
            "category": random.choice(["home", "home", "centralised", "lockdown"]),
            "last_exposure_on": exposed_on.isoformat(),
            "household_id": None,
        }
        self.exposed[person].append(exposed_on)
        self._add("observation_opened", self._edge(opened_on), fields)

    def _break_way(self, person: str) -> None:
        """Let the way of a grid, of more or of all be broken for a while, known early or late; sometimes for good."""
        random = self.random
        self.outages += 1
        outage_id = random.choice([f"B{self.outages}"] * 9 + ["B1"])
        since = self._edge(self._observed_day(person))
        self.first_break = self.first_break or since
        if abs(since - self.first_break) > _OUTAGES_REMEMBERED:
            outage_id = f"B{self.outages}"
        until = since + timedelta(hours=random.choice([0, 0.1, 2, 6, 30, 100, -1]))
        area = random.choice([self.people[person], self.people[person].rpartition("/")[0], "t", "t/c", None])
        opened = {"cause": "declared", "area": area, "since": self._show(since)}
        opened["concerned_source_id"] = random.choice([None, None, "s1"])
        if random.random() < 0.1:
            opened["source_id"] = "gridwatch-watch"
        self._add("outage_opened", since, {"outage_id": outage_id, **opened})
        if random.random() < 0.8:
            settled_at = until + timedelta(hours=random.choice([0, 0.5, 1, 24, 100, 800, -1]))
            closed = {"until": self._show(until), "backfill_until": self._show(settled_at)}
            self._add("outage_closed", until, {"outage_id": outage_id, **closed})

    def _define(self, person: str) -> None:
        """Say what is expected of a source: now and then nothing any more."""
        random = self.random
        fields = {
            "defined_source_id": random.choice(self.sources),
            "areas": random.choice([[], [self.people[person]], ["t", self.people[person]]]),
            "interval_seconds": random.choice([0, 300, 3600, 86_400, 86_400, 604_800]),
            "is_active": random.random() < 0.85,
        }
        self._add("source_defined", self._edge(self._observed_day(person)), fields)

    def _hear(self, person: str) -> None:
        """Let intake tell of a source: what comes next, what was held back, or what a counter that began again counts."""
        random, source = self.random, self.random.choice(self.sources)
        at = self._edge(self._observed_day(person))
        runs = []
        for _ in range(random.choice([0, 1, 1, 1, 2, 5])):
            first = self.numbers[source] + 1
            last = first + random.choice([0, 0, 1, 5, 40])
            held = [each for each in self.held_back if each[0] == source]
            if random.random() < 0.3:  # these come later, or never
                self.held_back.append((source, first, last))
                self.numbers[source] = last
                continue
            if held and random.random() < 0.5:
                self.held_back.remove(back := random.choice(held))
                first, last = back[1], random.randint(back[1], back[2])
            elif random.random() < 0.06:
                first = max(1, first - random.choice([1, 3, 30, 99_999, 100_001, 250_000]))
                last = first + 2
            elif random.random() < 0.03:
                first = last = first + 150_000
            self.numbers[source] = max(self.numbers[source], last) if random.random() < 0.97 else last
            until = at + timedelta(seconds=random.choice([0, 0, 9]))
            runs.append({"first": first, "last": last, "since": self._show(at), "until": self._show(until)})
        self.made += 1
        record = {
            "kind": "source_heard",
            "event_id": f"e{self.made}",
            "source_id": source,
            "heard_until": self._show(at + timedelta(seconds=random.choice([0, 1, 150, 300]))),
            "least_delay_ms": random.choice([None, 0, -5, 70_000]),
            "sequences": runs,
        }
        self._put(at + max(timedelta(0), self._delay()), json.dumps(record, separators=(",", ":")).encode())

    def _extend(self, person: str) -> None:
        day = self._observed_day(person)
        observation_id = self.random.choice(self.ids[person] * 5 + ["O-none"])
        exposed_on = day + timedelta(days=self.random.choice([0, 0, -1, -3, -9, 1, 6]))
        self.exposed[person].append(exposed_on)
        fields = {"observation_id": observation_id, "person_id": person, "last_exposure_on": exposed_on.isoformat()}
        self._add("observation_extended", self._edge(day), fields)

    def _close(self, person: str) -> None:
        random = self.random
        if random.random() < 0.4:
            return
        at = self._edge(self._observed_day(person))
        fields = {
            "observation_id": random.choice(self.ids[person] * 9 + ["O-none"]),
            "person_id": person if random.random() < 0.95 else "P9",
            "outcome": random.choice(["released", "released", "hospital", "moved", "cancelled"]),
        }
        self._add("observation_closed", at, fields)

    def _waive(self, person: str) -> None:
        check = self.random.choice(self.random.choice(self.policies)["checks"])
        windows = [window["name"] for window in check["windows"]] * 6 + ["none"]
        day, window = self._observed_day(person), self.random.choice(windows)
        fields = {"person_id": person, "check": check["name"], "date": day.isoformat(), "window": window}
        self._add("check_waived", self._edge(day), {**fields, "reason": "asked"})

    def _temperature(self, *, is_optional: bool) -> Record:
        random = self.random
        values: list[float | None] = [36.5, 36.5, 36.5, 36.6, 36.6, 37, 37.2, 37.29, 37.3, 37.5, 38, 38.2, 34.5, 42.5]
        values += random.choice([[34.4, 42.6], [], []])
        if is_optional:
            values += [None, None, None, None, 0, 0.0]
        elif random.random() < 0.02:
            values = [0]  # refused
        return {"temperature_c": random.choice(values), "site": random.choice([None, "axillary", *SITES])}

    def _visit(self, person: str, at: datetime | None = None, reading: Record | None = None) -> None:
        random = self.random
        fields = {
            "person_id": person,
            "area": self.people[person],
            "visitor_id": "V1",
            "outcome": random.choice(["seen", "seen", "seen", "absent", "refused"]),
            "symptoms": random.choice([[], ["cough"]]),
            **(reading or self._temperature(is_optional=True)),
        }
        self._add("visit_recorded", at or self._edge(self._observed_day(person)), fields)

    def _reading(self, person: str, at: datetime | None = None, reading: Record | None = None) -> None:
        fields = {"person_id": person, "area": self.people[person]}
        fields |= reading or self._temperature(is_optional=False)
        self._add("temperature_taken", at or self._edge(self._observed_day(person)), fields)

    def _scan(self, person: str, at: datetime | None = None, reading: Record | None = None) -> None:
        random, at = self.random, at or self._edge(self._observed_day(person))
        fields = {
            "person_id": person,
            "area": "t/gate",
            "checkpoint_id": "k1",
            "direction": random.choice(["in", "out"]),
            "decision": random.choice(["passed", "held", "turned_back"]),
            **(reading or self._temperature(is_optional=True)),
            "health_code": random.choice([None, None, "green", "yellow", "red"]),
        }
        self._add("checkpoint_scanned", at, fields)

    def _attend(self, person: str) -> None:
        """Keep most of what one policy asks on one day, to make rows of misses begin and end."""
        random, day = self.random, self._observed_day(person)
        for check in random.choice(self.policies)["checks"]:
            for window in check["windows"]:
                start, end = self._local(day, window["start"]), self._local(day, window["end"])
                at = random.choice([start, start + (end - start) / 2, end - timedelta(microseconds=1)])
                reading = {"temperature_c": 36.6, "site": None}
                if random.random() < 0.7:
                    random.choice([self._visit, self._visit, self._reading, self._scan])(person, at, reading)

    def _fever(self, person: str) -> None:
        """Take a first reading and some around its deadlines; any of them may arrive first."""
        random, first_at = self.random, self._edge(self._observed_day(person))
        within = timedelta(minutes=random.choice(self.policies)["fever"]["confirm_within_minutes"])
        near = [timedelta(0), timedelta(minutes=10), within, -timedelta(hours=24), -timedelta(hours=1), 2 * within]
        site = random.choice(["forehead", "ear", "wrist", "axillary"])
        self._reading(person, first_at, {"temperature_c": random.choice([37.5, 38.4]), "site": site})
        for _ in range(random.randint(0, 4)):
            at = first_at + random.choice(near) + random.choice(_JITTERS)
            temperature_c = random.choice([36.6, 37.2, 37.3, 38.4])
            reading = {"temperature_c": temperature_c, "site": random.choice(["axillary", site])}
            random.choice([self._visit, self._reading, self._scan])(person, at, reading)

    # What befalls a log

    def _answer_alerts(self) -> None:
        """Have staff act on alerts, and waive checks, that are there; now and then too soon or under a wrong key."""
        random, result = self.random, run(self._lines(), self.policy)
        rules = sorted({alert["rule"] for alert in result.alerts})
        for _ in range(random.randint(0, self.records_count // 8) if rules else 0):
            rule = random.choice(rules)
            alert = random.choice([alert for alert in result.alerts if alert["rule"] == rule])
            self._command(alert["alert_id"], alert["key"], datetime.fromisoformat(alert["updated_at"]))
        for verdict in random.sample(result.verdicts, min(len(result.verdicts), random.choice([0, 1, 4]))):
            fields = {name: verdict[name] for name in ("person_id", "check", "date", "window")}
            at = datetime.fromisoformat(verdict["due_at"]) - timedelta(hours=random.choice([-50, -1, 0, 6, 30]))
            self._add("check_waived", at, {**fields, "reason": "asked"})

    def _command(self, identity: str, person: str, at: datetime) -> None:
        random = self.random
        for _ in range(random.choice([1, 1, 1, 2, 3])):
            key = person if random.random() < 0.93 else "P9"
            fields = {"alert_id": identity, "key": key, "actor_id": "staff-1", "note": None}
            kind = random.choice(["alert_acknowledged", "alert_acknowledged", "alert_resolved"])
            hours = random.choice([0, 0.01, 0.1, 0.5, 2, 12, 24, 60, -3])
            self._add(kind, at + random.choice(_JITTERS), fields, timedelta(hours=hours))

    def _repeat_some(self) -> None:
        for comes_at, _, line in self.random.sample(self.entries, len(self.entries) // 12):
            self._put(comes_at + timedelta(hours=self.random.choice([0, 0.1, 5, 23])), line)

    def _spoil_some(self) -> None:
        for comes_at, _, line in self.random.sample(self.entries, self.random.choice([0, 0, 1, 4])):
            half = line.replace(b'"person_id"', b'"person"', 1)
            bad = [*_BAD_LINES, half, line[:-2], line[:-1] + b',"note_2":1}', line + b" " * 65536]
            self._put(comes_at, self.random.choice(bad))

    def _tick(self) -> None:
        """Let the clock go: by hours, at the edges, seldom, or hardly at all."""
        random = self.random
        first, last = min(self.entries)[0], max(self.entries)[0] + timedelta(days=2)
        span = last - first
        count = random.choice([0, 1, 3, 10, 40, 40, 100])
        ats = [first + span * random.random() for _ in range(count // 2)]
        ats += [self._edge() for _ in range(count - count // 2)]
        if random.random() < 0.3:
            hours = random.choice([6, 12, 24])
            ats += [first + timedelta(hours=hours * number) for number in range(min(120, int(span.days * 24 / hours)))]
        for instant in ats:
            lag = timedelta(minutes=random.choice([0, 0, 0, 0, 1, 30, 600, -30, -900]))
            at = instant.replace(microsecond=random.choice([0, 0, 0, instant.microsecond | 1]))
            self._put(at + lag, self._tick_line(at))
            if random.random() < 0.05:
                self._put(at + lag, self._tick_line(at - timedelta(hours=random.choice([0, 0, 1, 50]))))
        if random.random() < 0.85:
            self._put(last + timedelta(days=1), self._tick_line(last + timedelta(days=random.choice([0, 1, 60]))))

    def _tick_line(self, at: datetime) -> bytes:
        return json.dumps({"kind": "tick", "at": self._show(at)}, separators=(",", ":")).encode()
