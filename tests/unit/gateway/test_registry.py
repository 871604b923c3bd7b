"""The registry: who is let in by what the topic says, and what happens where it says something strange."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.records import OutageOpened
from events.vocabulary import Direction, OutageCause
from streams.gateway.adapters.adapting import adapt
from streams.gateway.adapters.outcomes import Taken
from streams.gateway.keys import read_authorization
from streams.gateway.registry import RegisteredSource, Registry, read_source, write_source
from tests.unit.gateway.adapters.devices import MAPPINGS
from tests.unit.gateway.sources import DAY, NOW, added, presented, source_of

FACE_GATE = (MAPPINGS / "face_gate.toml").read_text()
Document = dict[str, Any]


def test_a_source_is_written_and_read_again() -> None:
    """Every field, to the microsecond."""
    source = source_of(added(adapter="mapping", mapping=FACE_GATE, direction=Direction.IN, expires_at=NOW + DAY,
                             kinds=("checkpoint_scanned", "temperature_taken"), interval_seconds=900))  # fmt: skip
    assert read_source(write_source(source)) == source
    assert source.keys[0].created_at == NOW
    assert source.keys[0].created_by == "office:wang"


def test_the_topic_has_no_secret() -> None:
    """Neither the key nor its secret can be found in it, nor in what is shown of it."""
    change = added()
    assert change.key_text is not None
    secret = change.key_text.rpartition(".")[2]
    for text in (str(change.value), repr(change), repr(source_of(change)), str(change.audit)):
        assert secret not in text


def test_nobody_else_is_let_in() -> None:
    """Not by another's key, a key with one sign changed, or a key that was never made."""
    one, other = added("gate-3"), added("gate-4", seed=2)
    registry = Registry()
    registry.take("gate-3", one.value)
    assert registry.admit(presented(one), NOW) is not None
    assert registry.admit(presented(other), NOW) is None
    assert one.key_text is not None
    wrong = one.key_text[:-1] + ("A" if one.key_text[-1] != "A" else "B")
    found = read_authorization(f"Bearer {wrong}")
    assert found is not None
    assert registry.admit(found, NOW) is None


def test_what_comes_again_is_known_and_what_comes_back_is_taken() -> None:
    """All of the topic comes again after an outage: a source stays what it is, until another record says otherwise."""
    change = added("gate-3")
    registry = Registry()
    registry.take("gate-3", change.value)
    first = registry.admit(presented(change), NOW)
    registry.take("gate-3", change.value)
    again = registry.admit(presented(change), NOW)
    assert first is not None
    assert again is not None
    assert again.registered is first.registered
    for shut in (None, b"{}"):
        registry.take("gate-3", shut)
        assert registry.admit(presented(change), NOW) is None
        registry.take("gate-3", change.value)
        assert registry.admit(presented(change), NOW) is not None


def test_a_source_that_is_not_active() -> None:
    """Is not let in, and is again when it is active."""
    assert Registry().admit(presented(added()), NOW) is None
    registry = Registry()
    shut = added(is_active=False)
    registry.take("gate-3", shut.value)
    assert registry.admit(presented(shut), NOW) is None
    registry.take("gate-3", added().value)
    assert registry.admit(presented(shut), NOW) is not None


def _with(**fields: Any) -> Callable[[Document], Document]:
    return lambda document: {**document, **fields}


def _with_key(**fields: Any) -> Callable[[Document], Document]:
    return lambda document: {**document, "keys": [{**document["keys"][0], **fields}]}


@pytest.mark.parametrize(
    "spoil",
    [
        _with(colour="blue"),
        _with_key(scope="all"),
        _with(records_per_s=0),
        _with(records_per_s=1e999),
        _with(burst=0),
        _with(burst=True),
        _with(source_id="gate-4"),
        _with(is_active="yes"),
        _with(keys=None),
        _with_key(digest="é" * 64),
        _with_key(expires_at="2026-11-01T08:30:00"),
        _with_key(expires_at=0),
        _with(interval_seconds=-1),
        _with(areas=["jintang//huaikou"]),
        _with(mapping="x" * 32_769),
    ],
)
def test_what_cannot_be_read_shuts_one_source(spoil: Callable[[Document], Document]) -> None:
    """It is counted until it can be read again; all others go on, and nothing is raised."""
    change, other = added(), added("gate-4", seed=2)
    registry = Registry()
    registry.take("gate-4", other.value)
    assert change.value is not None
    registry.take("gate-3", change.value)
    registry.take("gate-3", json.dumps(spoil(json.loads(change.value))).encode())
    assert (len(registry), registry.unreadable) == (1, 1)
    assert registry.admit(presented(change), NOW) is None
    assert registry.admit(presented(other), NOW) is not None

    registry.take("gate-3", change.value)
    assert (len(registry), registry.unreadable) == (2, 0)


@pytest.mark.parametrize("value", [b"", b"{", b"null", b"\xff", b"[" * 5000, b'{"source_id":"\\ud800"}'])
def test_bytes_that_are_nothing(value: bytes) -> None:
    """Shut the source; a tombstone ends that too."""
    registry = Registry()
    registry.take("gate-3", value)
    assert (len(registry), registry.unreadable) == (0, 1)
    registry.take("gate-3", None)
    assert registry.unreadable == 0


def test_a_kind_of_a_newer_version_shuts_nothing() -> None:
    """Nobody can send it through this version, and the rest of the source need not wait for an upgrade."""
    change = added()
    assert change.value is not None
    newer = json.dumps({**json.loads(change.value), "kinds": ["visit_recorded", "weather_changed"]}).encode()
    registry = Registry()
    registry.take("gate-3", newer)
    assert registry.admit(presented(change), NOW) is not None


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(field=st.sampled_from([each.name for each in fields(RegisteredSource)]), value=_VALUES, is_of_key=st.booleans())
def test_nothing_is_raised_whatever_stands_there(field: str, value: Any, is_of_key: bool) -> None:
    """Neither when it is taken, nor when somebody knocks, nor when an adapter asks: that says ValueError and no more."""
    change = added()
    assert change.value is not None
    document = json.loads(change.value)
    if is_of_key:
        names = sorted(document["keys"][0])
        document["keys"][0][names[len(field) % len(names)]] = value
    else:
        document[field] = value
    registry = Registry()
    registry.take("gate-3", json.dumps(document).encode())
    assert len(registry) + registry.unreadable == 1
    admitted = registry.admit(presented(change), NOW)
    if admitted is not None:
        with suppress(ValueError):
            admitted.registered.adapter_settings()


class TestAdapterSettings:
    """What an adapter is told of a source."""

    def test_of_a_mapping(self) -> None:
        """Its area, checkpoint, zone and direction, and the mapping that it brings."""
        source = source_of(added(adapter="mapping", mapping=FACE_GATE, time_zone="+08:00", direction="out",
                                 kinds=("checkpoint_scanned", "temperature_taken")))  # fmt: skip
        settings = source.adapter_settings()
        assert (settings.area, settings.checkpoint_id, settings.time_zone) == ("jintang/huaikou", "gate-3", "+08:00")
        assert settings.direction is Direction.OUT
        sample = (Path(MAPPINGS).parents[2] / "tests/fixtures/devices/face_gate_record.json").read_bytes()
        (taken,) = adapt(sample, "application/json", settings)
        assert isinstance(taken, Taken)
        assert taken.document["checkpoint_id"] == "gate-3"

    def test_of_a_native_source(self) -> None:
        """Records name their own area and checkpoint, so any number of them will do."""
        for areas in ((), ("a", "b")):
            source = source_of(added(kinds=("check_waived",), areas=areas, checkpoints=()))
            assert source.adapter_settings().adapter == "native"

    def test_that_do_not_fit_together(self) -> None:
        """Are a ValueError with the field, and no less where they came out of the topic."""
        source = RegisteredSource(source_id="s", kinds=("x",), areas=("a",), adapter="mapping", mapping="name = 1")
        with pytest.raises(ValueError, match=r"mapping: line 1, name: expected"):
            source.adapter_settings()
        with pytest.raises(ValueError, match="adapter: expected one of"):
            RegisteredSource(source_id="s", kinds=("x",), areas=("a",), adapter="sonar").adapter_settings()


def test_an_outage_of_all_areas_is_nobodys() -> None:
    """Who may open outages opens them in areas of its own; one without an area would lie over every check of the town."""
    rights = source_of(added(kinds=("outage_opened",))).source.rights
    at = datetime(2026, 11, 1, tzinfo=UTC)

    def outage(area: str | None) -> OutageOpened:
        return OutageOpened(event_id="o", source_id="gate-3", occurred_at=at, outage_id="o", cause=OutageCause.DECLARED,
                            since=at, area=area)  # fmt: skip

    assert rights.lacking(outage("jintang/huaikou/c001")) is None
    assert rights.lacking(outage("jintang")) == "area"
    assert rights.lacking(outage(None)) == "area"
