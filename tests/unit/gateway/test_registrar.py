"""Changes of sources: what holds of every key at every instant, what the audit trail says, and what is refused."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from events.codec import decode_from_topic
from events.schema_documents import schema_documents
from streams.gateway.registrar import Change, change_source, new_source, remove_source, revoke_keys, rotate_key
from streams.gateway.registry import MOST_KEYS, RegisteredSource
from tests.unit.gateway.adapters.devices import MAPPINGS
from tests.unit.gateway.sources import DAY, NOW, OFFICE, TERMINAL, added, lets_in, random_from, source_of

HOURS = st.integers(0, 24 * 400).map(lambda hours: timedelta(hours=hours))
_AUDIT = Draft202012Validator(schema_documents()["access_record"])


def rotated(
    source: RegisteredSource, *, seed: int = 9, overlap: timedelta = DAY, now: datetime = NOW, **more: Any
) -> Change:
    return rotate_key(source, actor_id="office:wang", now=now, random_bytes=random_from(seed), overlap=overlap, **more)


def audit_of(change: Change) -> dict[str, Any]:
    """Return the access record of a change, which must be valid."""
    document: dict[str, Any] = json.loads(change.audit.value)
    _AUDIT.validate(document)
    return document


class TestKeys:
    """A key lets in exactly while it is valid."""

    @given(life=HOURS.filter(bool), later=HOURS)
    def test_until_it_expires(self, life: timedelta, later: timedelta) -> None:
        """From its making on, to the instant at which it expires, not included."""
        change = added(expires_at=NOW + life)
        assert lets_in(change, NOW + later) == (later < life)

    @given(life=st.none() | HOURS.filter(bool), after=HOURS, overlap=HOURS, later=HOURS)
    def test_after_a_rotation(
        self, life: timedelta | None, after: timedelta, overlap: timedelta, later: timedelta
    ) -> None:
        """The former until the overlap is over, never longer than before; the new one from then on."""
        first = added(expires_at=None if life is None else NOW + life)
        second = rotated(source_of(first), now=NOW + after, overlap=overlap)
        at = NOW + after + later
        was_valid = life is None or at < NOW + life
        is_forgotten = life is not None and after - life >= 90 * DAY
        assert lets_in(first, at, first, second) == (was_valid and later < overlap and not is_forgotten)
        assert lets_in(second, at, first, second)

    @given(steps=st.lists(st.tuples(HOURS, HOURS, st.none() | HOURS.filter(bool)), max_size=12), later=HOURS)
    def test_after_many_rotations(
        self, steps: list[tuple[timedelta, timedelta, timedelta | None]], later: timedelta
    ) -> None:
        """Never more than eight are kept, and of those that are forgotten none was valid."""
        now, last = NOW, added()
        seen: dict[str, Change] = {}
        for number, (pause, overlap, life) in enumerate(steps):
            now += pause
            before = source_of(last)
            expires_at = None if life is None else now + life
            if sum(key.is_valid(now) for key in before.keys) == MOST_KEYS:
                with pytest.raises(ValueError, match="keys: expected"):
                    rotated(before, seed=number + 10, now=now, overlap=overlap)
                continue
            last = rotated(before, seed=number + 10, now=now, overlap=overlap, expires_at=expires_at)
            kept = {key.key_id for key in source_of(last).keys}
            assert len(kept) <= MOST_KEYS
            assert all(not key.is_valid(now) for key in before.keys if key.key_id not in kept)
            assert last.key is not None
            seen[last.key.key_id] = last
        for key in source_of(last).keys:
            if key.key_id in seen:
                ends = key.expires_at
                assert lets_in(seen[key.key_id], now + later, last) == (ends is None or now + later < ends)

    def test_one_is_revoked(self) -> None:
        """At once and for good; the other one goes on, and to rotate brings it back as little."""
        first = added()
        second = rotated(source_of(first))
        assert first.key is not None
        shut = revoke_keys(source_of(second), first.key.key_id, **OFFICE)
        third = rotated(source_of(shut), seed=12)
        assert not lets_in(first, NOW, shut)
        assert not lets_in(first, NOW, third)
        assert lets_in(second, NOW, shut)
        assert audit_of(shut)["detail"] == {"key_ids": [first.key.key_id]}

    def test_all_are_revoked(self) -> None:
        """Again changes nothing, and the audit trail names them again: the first time may have died before it."""
        first = added()
        second = rotated(source_of(first))
        shut = revoke_keys(source_of(second), None, **OFFICE)
        again = revoke_keys(source_of(shut), None, actor_id="office:wang", now=NOW + DAY)
        assert not lets_in(first, NOW, shut)
        assert not lets_in(second, NOW, shut)
        assert again.value == shut.value
        assert audit_of(again)["detail"] == audit_of(shut)["detail"]
        assert shut.shuts

    def test_the_dead_are_forgotten_after_90_days(self) -> None:
        """And not before: until then one can see which key it was."""
        first = added()
        shut = source_of(revoke_keys(source_of(first), None, **OFFICE))
        before = change_source(shut, {}, actor_id="a", now=NOW + 90 * DAY - timedelta(microseconds=1))
        after = change_source(shut, {}, actor_id="a", now=NOW + 90 * DAY)
        assert len(source_of(before).keys) == 1
        assert source_of(after).keys == ()

    def test_those_that_ended_make_room(self) -> None:
        """Not before there is need of it: until then they are shown. Whichever ended first goes first."""
        source = source_of(added())
        for number in range(1, 10):
            before = [key.key_id for key in source.keys]
            source = source_of(rotated(source, seed=number + 1, overlap=timedelta(0), now=NOW + number * DAY))
            kept = [key.key_id for key in source.keys]
            assert kept[:-1] == before[-(MOST_KEYS - 1) :]

    def test_eight_that_are_valid_are_enough(self) -> None:
        """A ninth is refused by name."""
        source = source_of(added())
        for number in range(MOST_KEYS - 1):
            source = source_of(rotated(source, seed=number + 2))
        with pytest.raises(ValueError, match="keys: expected at most 7 that are valid"):
            rotated(source, seed=20)

    @pytest.mark.parametrize(
        ("more", "named"),
        [
            ({"overlap": -DAY}, "overlap: "),
            ({"expires_at": NOW}, "expires_at: "),
            ({"expires_at": NOW - DAY}, "expires_at: "),
        ],
    )
    def test_wrong_times(self, more: dict[str, Any], named: str) -> None:
        """Are refused by name."""
        with pytest.raises(ValueError, match=named):
            rotated(source_of(added()), **more)

    def test_a_key_that_is_not_there(self) -> None:
        """Is refused by name."""
        with pytest.raises(ValueError, match="key: "):
            revoke_keys(source_of(added()), "nobodys-", **OFFICE)


class TestSettings:
    """What is said of a source fits together."""

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"kinds": ()}, "kinds: expected at least one"),
            ({"kinds": ("weather_changed",)}, "kinds: expected some of .*; not weather_changed"),
            ({"kinds": ("tick",)}, "kinds: .*; not tick"),
            ({"kinds": ("visit_recorded", "visit_recorded")}, "kinds: expected each once"),
            ({"kinds": 5}, "kinds: "),
            ({"areas": ()}, "areas: expected at least one"),
            ({"areas": ("a//b",)}, r"areas\.0: expected text that matches"),
            ({"areas": [7]}, r"areas\.0: expected a string"),
            ({"checkpoints": ()}, "checkpoints: expected at least one"),
            ({"adapter": "sonar"}, "adapter: expected one of native"),
            ({"adapter": "mapping"}, "mapping: expected one"),
            ({"mapping": "name = 1"}, "adapter: expected another than native"),
            ({"adapter": "hikvision", "mapping": "name = 1"}, "mapping: line 1"),
            ({"adapter": "hikvision", "mapping": "é" * 20_000}, "mapping: expected at most 32768 bytes"),
            ({"adapter": "hikvision", "kinds": ("checkpoint_scanned",)}, "kinds: expected temperature_taken too"),
            ({"adapter": "hikvision", "areas": ("a", "b")}, "areas: expected one"),
            ({"adapter": "hikvision", "checkpoints": ("a", "b")}, "checkpoints: expected one"),
            ({"time_zone": "Mars"}, "time_zone: "),
            ({"interval_seconds": 604_801}, "interval_seconds: "),
            ({"interval_seconds": 1.5}, "interval_seconds: "),
            ({"records_per_s": 0}, "records_per_s: "),
            ({"burst": 0}, "burst: "),
            ({"direction": "up"}, "direction: "),
        ],
    )  # fmt: skip
    def test_wrong_options(self, options: dict[str, Any], message: str) -> None:
        """Are a ValueError that begins with the field, when added and when changed."""
        basis = {name: value for name, value in TERMINAL.items() if name != "kinds" or "adapter" not in options}
        with pytest.raises(ValueError, match=f"^{message}"):
            new_source("gate-3", {**basis, **options})
        with pytest.raises(ValueError, match=f"^{message}"):
            change_source(source_of(added()), {"kinds": default_kinds(options), **options}, **OFFICE)

    @pytest.mark.parametrize("source_id", ["", "gate 3", "x" * 65, None, "gate/3"])
    def test_wrong_ids(self, source_id: Any) -> None:
        """Are ids like all others."""
        with pytest.raises(ValueError, match=r"^source_id: "):
            new_source(source_id, TERMINAL)

    def test_defaults_of_a_native_terminal(self) -> None:
        """Its counter counts records, and the checks of its areas depend on it; not so at a gate."""
        terminal = new_source("t-1", {"kinds": ("visit_recorded",), "areas": ("a", "b")})
        assert (terminal.sequence_counts, terminal.watched_areas) == (True, ("a", "b"))
        assert new_source("g-1", {**TERMINAL, "kinds": ("checkpoint_scanned",)}).watched_areas == ()
        assert new_source("t-1", {**TERMINAL, "watched_areas": ()}).watched_areas == ()

    def test_defaults_of_a_gate(self) -> None:
        """Kinds are those that its adapter makes; its counter counts other things too, and no check depends on it."""
        gate = new_source("g-1", {"adapter": "hikvision", "areas": ("a",), "checkpoints": ("g-1",)})
        assert gate.kinds == ("checkpoint_scanned", "temperature_taken")
        assert (gate.sequence_counts, gate.watched_areas) == (False, ())

    def test_defaults_of_a_thermometer(self) -> None:
        """Readings are what it is there for, so checks depend on it; it needs no checkpoint."""
        mapping = (MAPPINGS / "zkteco_attendance.toml").read_text()
        source = new_source("t-2", {"adapter": "mapping", "mapping": mapping, "areas": ("a",)})
        assert (source.kinds, source.watched_areas) == (("temperature_taken",), ("a",))

    def test_defaults_follow(self) -> None:
        """What was a default moves with what it followed from; what was said stays."""
        source = source_of(added(kinds=("visit_recorded",)))
        moved = source_of(change_source(source, {"areas": ("jintang/other",)}, **OFFICE))
        assert moved.watched_areas == ("jintang/other",)
        said = source_of(change_source(moved, {"watched_areas": ("jintang",)}, **OFFICE))
        again = source_of(change_source(said, {"areas": ("a",)}, **OFFICE))
        assert again.watched_areas == ("jintang",)

    def test_another_adapter_and_back(self) -> None:
        """The counter follows; a mapping and a direction are of no use to the native one, and go."""
        source = source_of(added(kinds=("checkpoint_scanned", "temperature_taken")))
        gate = source_of(change_source(source, {"adapter": "hikvision", "direction": "in"}, **OFFICE))
        assert (gate.sequence_counts, gate.watched_areas) == (False, ())
        back = source_of(change_source(gate, {"adapter": "native"}, **OFFICE))
        assert back == source

    def test_keys_stay(self) -> None:
        """A change is none of keys."""
        change = added()
        assert lets_in(change, NOW, change_source(source_of(change), {"burst": 5}, **OFFICE))


def default_kinds(options: dict[str, Any]) -> tuple[str, ...]:
    """Return kinds with which no other fault than the one of the options is found first."""
    return ("checkpoint_scanned", "temperature_taken") if "adapter" in options else TERMINAL["kinds"]


class TestAudit:
    """The audit trail says who was given and taken away what."""

    def test_added(self) -> None:
        """Rights, first key and its end."""
        change = added(expires_at=NOW + DAY)
        assert change.key is not None
        assert audit_of(change) == {
            "at": "2026-11-01T08:30:00.250000Z",
            "actor_id": "office:wang",
            "action": "source_added",
            "source_id": "gate-3",
            "key_id": change.key.key_id,
            "detail": {
                "kinds": ["visit_recorded", "checkpoint_scanned"],
                "areas": ["jintang/huaikou"],
                "checkpoints": ["gate-3"],
                "is_active": True,
                "adapter": "native",
                "expires_at": "2026-11-02T08:30:00.250000Z",
            },
        }
        assert (change.audit.topic, change.audit.key) == ("audit", b"gate-3")

    def test_changed(self) -> None:
        """The rights from now on, and what is another."""
        change = change_source(source_of(added()), {"areas": ("jintang",), "burst": 7}, **OFFICE)
        detail = audit_of(change)["detail"]
        assert detail["changed"] == ["areas", "burst", "watched_areas"]
        assert detail["areas"] == ["jintang"]
        assert not change.shuts

    def test_shut(self) -> None:
        """To make a source inactive is urgent; together with anything else it is a change like others."""
        source = source_of(added())
        assert change_source(source, {"is_active": False}, **OFFICE).shuts
        assert not change_source(source, {"is_active": False, "areas": ("jintang",)}, **OFFICE).shuts
        assert not change_source(source, {"is_active": True}, **OFFICE).shuts

    def test_rotated(self) -> None:
        """The new key, and until when those before it hold."""
        first = added()
        change = rotated(source_of(first))
        assert first.key is not None
        assert audit_of(change)["detail"] == {
            "expires_at": None,
            "former_key_ids": [first.key.key_id],
            "former_until": "2026-11-02T08:30:00.250000Z",
        }

    def test_removed(self) -> None:
        """The keys that were valid; a tombstone, also of what cannot be read."""
        change = added()
        assert change.key is not None
        gone = remove_source("gate-3", source_of(change), **OFFICE)
        assert (gone.source, gone.value) == (None, None)
        assert audit_of(gone)["detail"] == {"key_ids": [change.key.key_id]}
        assert audit_of(remove_source("gate-3", None, **OFFICE))["detail"] == {"key_ids": []}
        assert not lets_in(change, NOW, change, gone)


class TestDefinitions:
    """What the log is told of a source."""

    def test_of_a_source(self) -> None:
        """Which checks depend on it and how long it may be silent; the same change has the same event id."""
        change = added(kinds=("visit_recorded",), interval_seconds=900)
        assert change.definition == added(kinds=("visit_recorded",), interval_seconds=900).definition is not None
        document = json.loads(change.definition.value)
        assert (change.definition.topic, change.definition.key) == ("commands", b"gridwatch-office")
        assert document.pop("event_id").startswith("sd-")
        assert document == {
            "kind": "source_defined",
            "source_id": "gridwatch-office",
            "occurred_at": "2026-11-01T08:30:00.250000Z",
            "defined_source_id": "gate-3",
            "areas": ["jintang/huaikou"],
            "interval_seconds": 900,
            "is_active": True,
        }

    def test_of_one_that_is_gone(self) -> None:
        """Nothing depends on it any more; keys are nothing that the log is told of."""
        source = source_of(added(kinds=("visit_recorded",), interval_seconds=900))
        gone = remove_source("gate-3", source, **OFFICE).definition
        assert gone is not None
        document = json.loads(gone.value)
        assert (document["areas"], document["interval_seconds"], document["is_active"]) == ([], 0, False)
        assert rotated(source).definition is None
        assert revoke_keys(source, None, **OFFICE).definition is None
        assert change_source(source, {}, **OFFICE).definition is not None

    def test_the_log_takes_it(self) -> None:
        """As any record of its raw topic."""
        change = added(kinds=("visit_recorded",), interval_seconds=900)
        for definition in (change.definition, remove_source("gate-3", change.source, **OFFICE).definition):
            assert definition is not None
            decode_from_topic(definition.value, definition.topic)
