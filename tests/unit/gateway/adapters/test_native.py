"""The contract's own JSON: passed through, with what the gateway says left to the gateway."""

import json
from typing import Any

import pytest

from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.adapting import adapt
from streams.gateway.adapters.identity import Identity
from streams.gateway.adapters.outcomes import Adapted, Refused, SourceSettings, Taken
from tests.unit.gateway.adapters.devices import refused, sample, source, taken

SCAN = json.loads(sample("native_scan.json"))
NATIVE: SourceSettings = source("native")


def send(value: Any, content_type: str = "application/json") -> list[Adapted]:
    return adapt(json.dumps(value).encode(), content_type, NATIVE)


def test_one_object_a_list_and_lines() -> None:
    """Each record has its own outcome, in order; only the source is added."""
    assert taken(send(SCAN)).record() == SCAN | {"source_id": "gate-1"}
    assert [type(each) for each in send([SCAN, 1, {}, SCAN])] == [Taken, Refused, Refused, Taken]
    line = json.dumps(SCAN).encode()
    adapted = adapt(line + b"\n\n{\n" + line + b"\r\n\xff\n", "application/x-ndjson; charset=utf-8", NATIVE)
    assert [type(each) for each in adapted] == [Taken, Refused, Taken, Refused]


@pytest.mark.parametrize(
    ("changes", "reason", "path"),
    [
        ({"kind": "tick"}, DeadLetterReason.UNKNOWN_KIND, "kind"),
        ({"kind": ["checkpoint_scanned"]}, DeadLetterReason.UNKNOWN_KIND, "kind"),
        ({"temperature_c": "36.5"}, DeadLetterReason.INVALID_FIELD, "temperature_c"),
        ({"decision": "let in"}, DeadLetterReason.INVALID_FIELD, "decision"),
        ({"person_id": "\ud800"}, DeadLetterReason.INVALID_FIELD, "person_id"),
        ({"person_id": None}, DeadLetterReason.INVALID_FIELD, "person_id"),
        ({"name": "x"}, DeadLetterReason.INVALID_FIELD, "name"),
        ({"source_id": "gate-2"}, DeadLetterReason.INVALID_FIELD, "source_id"),
        ({"received_at": "2020-02-08T09:10:00Z"}, DeadLetterReason.INVALID_FIELD, "received_at"),
        ({"identity": {"type": "n", "number": "17"}}, DeadLetterReason.INVALID_FIELD, "identity"),
        ({"event_id": "x" * 70_000}, DeadLetterReason.TOO_LARGE, ""),
        ({"sequence": 0}, DeadLetterReason.INVALID_FIELD, "sequence"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], reason: DeadLetterReason, path: str) -> None:
    """What the contract refuses, and what only the gateway may say."""
    refusal = refused(send(SCAN | changes))
    assert (refusal.reason, refusal.path) == (reason, path)


def test_an_identity_in_place_of_the_person() -> None:
    """A device that knows no pseudonyms may send the number instead."""
    unknown = {name: value for name, value in SCAN.items() if name != "person_id"}
    adapted = taken(send(unknown | {"identity": {"type": "id_card", "number": "SECRET"}}))
    assert adapted.identity == Identity("id_card", "SECRET")
    assert "identity" not in adapted.document
    assert adapted.record("p-000007") == SCAN | {"source_id": "gate-1", "person_id": "p-000007"}
    for identity in (
        "SECRET",
        {"type": "n"},
        {"type": "n", "number": 5},
        {"type": "n", "number": "SECRET", "name": "x"},
    ):
        refusal = refused(send(unknown | {"identity": identity}))
        assert refusal.path == "identity"
        assert "SECRET" not in repr(refusal)


def test_nothing_that_only_gridwatch_says() -> None:
    """Copies of outages are made by intake alone."""
    outage = {
        "kind": "outage_opened",
        "event_id": "o-1",
        "occurred_at": "2020-02-08T09:10:00Z",
        "outage_id": "o-1",
        "cause": "declared",
        "since": "2020-02-08T09:00:00Z",
    }
    assert taken(send(outage))
    assert refused(send(outage | {"is_copy": True})).path == "is_copy"


def test_another_charset_is_none_of_the_contract() -> None:
    """The contract is UTF-8, without a mark; nothing is guessed."""
    for raw in (
        json.dumps(SCAN).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(SCAN).encode(),
        '{"a": "甲乙"}'.encode("gbk"),
    ):
        assert refused(adapt(raw, "application/json", NATIVE)).reason is DeadLetterReason.NOT_JSON


def test_wrong_settings() -> None:
    """They are found before anything is adapted."""
    for changes, name in (
        ({"adapter": "unknown"}, "adapter"),
        ({"adapter": "mapping"}, "mapping"),
        ({"source_id": "a b"}, "source_id"),
        ({"checkpoint_id": ""}, "checkpoint_id"),
        ({"area": "/t"}, "area"),
        ({"time_zone": "Mars"}, "time_zone"),
    ):
        with pytest.raises(ValueError, match=f"^{name}: expected"):
            adapt(b"{}", "", source(**({"adapter": "native"} | changes)))
