"""The published schemas are current, and say what the codec does."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator

from events import schema_files
from events.codec import Refusal, decode, encode
from events.policy import default_policy, policy_document
from events.records import KINDS, DeadLetter
from events.results import (
    AccessRecord,
    Alert,
    SourceState,
    Verdict,
    encode_access_record,
    encode_alert,
    encode_source_state,
    encode_verdict,
)
from events.schema_documents import ACCESS_DETAILS, ALERT_DETAILS, schema_documents
from events.vocabulary import AccessAction, AccessRefusal, DeadLetterReason, RuleName
from streams.core.engine import step
from streams.core.state import new_state
from tests.support.histories import history
from tests.support.source_states import source_states
from tests.unit.events.documents import Document, documents, examples, spoiled, to_bytes

# What the codec says where a schema cannot: the module of the schemas lists why.
ONLY_THE_CODEC_KNOWS = [
    r"expected a day that exists in the calendar",
    r"expected an instant that exists in the calendar",
    r"expected an instant of the years 1970 to 2199",
    r"expected text that UTF-8 can carry",
    r"expected a finite number",
    r"expected an integer, written without a point",
    r"expected the IANA name of a time zone",
    r"expected an end after the start",
    r"expected no overlap with window [0-9]+",
    r"expected a name that is used once",
    r"expected a bound that is not above implausible_above_c",
    r"expected a last number that is not below the first",
    r"expected an until that is not before since",
]
SPOILED_PER_EXAMPLE = 25


def _ecma_pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """Check a pattern as JSON Schema means it: `$` is the very end, not before a last line break as in Python."""
    del validator, schema
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError("does not match")


_STRICT: Any = validators.extend(Draft202012Validator, {"pattern": _ecma_pattern})  # type: ignore[no-untyped-call]


@cache
def schema_of(name: str) -> Validator:
    """Return a validator of a schema as it stands in the package."""
    text = resources.files("events").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    validator: Validator = _STRICT(json.loads(text))
    return validator


def _refusal(raw: bytes) -> Refusal | None:
    try:
        decode(raw)
    except Refusal as refusal:
        return refusal
    return None


def test_the_files_in_the_tree_are_what_would_be_written_now() -> None:
    assert schema_files.outdated() == []


def test_a_check_names_what_is_missing_stale_and_left_over(tmp_path: Path) -> None:
    schema_files.write(tmp_path)
    assert schema_files.outdated(tmp_path) == []

    (tmp_path / "events/schemas/tick.json").write_text("{}", encoding="utf-8")
    (tmp_path / "docs/asyncapi.json").unlink()
    (tmp_path / "events/schemas/weather_changed.json").write_text("{}", encoding="utf-8")
    names = ["docs/asyncapi.json", "events/schemas/tick.json", "events/schemas/weather_changed.json"]
    assert [path.as_posix() for path in schema_files.outdated(tmp_path)] == names

    schema_files.write(tmp_path)
    assert schema_files.outdated(tmp_path) == []


@pytest.mark.parametrize("name", list(schema_documents()))
def test_every_schema_is_one_and_closed(name: str) -> None:
    document = schema_documents()[name]
    Draft202012Validator.check_schema(document)
    for part in _objects(document):
        if "properties" in part and part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert set(part["required"]) <= set(part["properties"])


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _objects(item)


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_schema_of_a_record_has_its_fields_in_order(kind: str) -> None:
    schema = schema_documents()[kind]
    assert list(schema["properties"]) == ["kind", *(field.name for field in fields(KINDS[kind]))]


@pytest.mark.parametrize("kind", list(KINDS))
@examples(15)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_codec_and_schema_agree(kind: str, data: st.DataObject, seed: int) -> None:
    document = data.draw(documents(kind))
    assert _refusal(to_bytes(document)) is None
    assert schema_of(kind).is_valid(document)
    assert schema_of(kind).is_valid(json.loads(encode(decode(to_bytes(document)))))

    random = Random(seed)
    for _ in range(SPOILED_PER_EXAMPLE):
        _agree_on(spoiled(document, random))


def _agree_on(document: Document) -> None:
    refusal = _refusal(to_bytes(document))
    is_valid = _is_valid(document)
    if refusal is None:
        assert is_valid, document
    elif is_valid:
        assert any(re.fullmatch(known, refusal.message) for known in ONLY_THE_CODEC_KNOWS), (refusal, document)


def _is_valid(document: Document) -> bool:
    kind = document.get("kind")
    return isinstance(kind, str) and kind in KINDS and schema_of(kind).is_valid(document)


def test_the_default_policy_is_valid() -> None:
    assert schema_of("policy").is_valid(policy_document(default_policy()))


@pytest.mark.parametrize("seed", range(12))
def test_everything_that_is_decided_is_valid(seed: int) -> None:
    verdicts, alerts, sources = _decided(seed)
    for source in sources:
        assert not list(schema_of("source_state").iter_errors(json.loads(encode_source_state(source))))
    for verdict in verdicts:
        assert not list(schema_of("verdict").iter_errors(json.loads(encode_verdict(verdict))))
    for alert in alerts:
        assert not list(schema_of("alert").iter_errors(json.loads(encode_alert(alert))))


def _decided(seed: int) -> tuple[list[Verdict], list[Alert], list[SourceState]]:
    lines, _ = history(seed)
    state = new_state()
    verdicts: list[Verdict] = []
    alerts: list[Alert] = []
    sources: list[SourceState] = []
    for line in lines:
        if _refusal(line) is None:
            outcome = step(state, decode(line))
            verdicts += outcome.verdicts
            alerts += outcome.alerts
            sources += source_states(outcome)
    return verdicts, alerts, sources


def test_the_schemas_of_results_have_their_fields_in_order() -> None:
    schemas = schema_documents()
    results = {
        "verdict": Verdict,
        "alert": Alert,
        "source_state": SourceState,
        "dead_letter": DeadLetter,
        "access_record": AccessRecord,
    }
    for name, result in results.items():
        assert list(schemas[name]["properties"]) == list(get_type_hints(result))
    assert list(ALERT_DETAILS) == list(RuleName)
    assert list(ACCESS_DETAILS) == list(AccessAction)


def test_a_detail_of_another_rule_is_not_valid() -> None:
    _, alerts, _ = _decided(3)
    alert = json.loads(encode_alert(next(alert for alert in alerts if alert.rule is RuleName.MISSED_CHECK)))
    assert schema_of("alert").is_valid(alert)
    assert not schema_of("alert").is_valid({**alert, "rule": "breach"})
    assert not schema_of("alert").is_valid({**alert, "detail": {}})


def test_a_pending_check_is_no_verdict() -> None:
    verdict = json.loads(encode_verdict(_decided(3)[0][0]))
    assert schema_of("verdict").is_valid(verdict)
    assert not schema_of("verdict").is_valid({**verdict, "state": "pending"})


def test_a_dead_letter_is_valid() -> None:
    letter: Document = {
        "reason": "not_json",
        "path": "",
        "message": "m",
        "topic": "visits",
        "partition": 0,
        "offset": 7,
    }
    assert schema_of("dead_letter").is_valid({**letter, "raw": "AA=="})
    assert not schema_of("dead_letter").is_valid({**letter, "raw": "no base64!"})
    assert schema_documents()["dead_letter"]["properties"]["reason"]["enum"] == [str(word) for word in DeadLetterReason]


def test_an_access_record_is_valid_with_the_detail_of_its_action() -> None:
    record = AccessRecord(
        at=datetime(2026, 11, 1, 8, tzinfo=UTC),
        actor_id="gridwatch-gateway",
        action=AccessAction.REQUEST_REFUSED,
        source_id=None,
        detail={"reason": AccessRefusal.UNAUTHORIZED, "path": "", "count": 3},
    )
    document = json.loads(encode_access_record(record))
    assert document["at"] == "2026-11-01T08:00:00Z"
    assert schema_of("access_record").is_valid(document)
    assert not schema_of("access_record").is_valid({**document, "action": "key_revoked"})
    assert not schema_of("access_record").is_valid({**document, "detail": {**document["detail"], "key": "gw_..."}})
