"""The AsyncAPI document: complete in itself, every reference leads somewhere, and it says what the catalogue says.

Its official schema is not part of this tree; the shape is checked as far as it can be without it.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator

from events.asyncapi import asyncapi_document
from events.topics import CATALOGUE, TopicSpec, topic_configs

DOCUMENT = asyncapi_document()


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)


def _target(reference: str) -> Any:
    assert reference.startswith("#/")
    part: Any = DOCUMENT
    for step in reference[2:].split("/"):
        part = part[step]
    return part


def test_every_reference_leads_somewhere() -> None:
    references = [node["$ref"] for node in _nodes(DOCUMENT) if "$ref" in node]
    assert references
    for reference in references:
        assert _target(reference)


def test_the_document_has_the_parts_of_version_3_1() -> None:
    assert DOCUMENT["asyncapi"] == "3.1.0"
    assert set(DOCUMENT) == {"asyncapi", "info", "defaultContentType", "channels", "operations", "components"}
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for channel in DOCUMENT["channels"].values():
        assert {name for name in channel if not name.startswith("x-")} == {
            *("address", "description", "messages", "bindings"),
        }
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert {"channel", "messages", "summary"} <= set(operation) <= {*operation, "bindings"}


def test_names_of_components_have_the_alphabet_of_the_specification() -> None:
    for names in (*DOCUMENT["components"].values(), DOCUMENT["channels"], DOCUMENT["operations"]):
        assert all(re.fullmatch(r"[\w.-]+", name) for name in names)


@pytest.mark.parametrize("spec", CATALOGUE, ids=lambda spec: str(spec.name))
def test_a_channel_says_what_the_catalogue_says(spec: TopicSpec) -> None:
    channel = DOCUMENT["channels"][spec.name]
    assert channel["address"] == spec.name
    own = "registered_source" if spec.name == "sources" else "snapshot_chunk"
    assert list(channel["messages"]) == list(spec.kinds or (own,))
    assert channel["x-key"] == spec.key
    kafka = channel["bindings"]["kafka"]
    assert kafka["topicConfiguration"]["cleanup.policy"] == [spec.cleanup_policy]
    assert kafka["topicConfiguration"]["retention.ms"] == spec.retention_ms
    assert set(kafka["topicConfiguration"]) == set(topic_configs(spec))


def test_operations_use_messages_of_their_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        channel = operation["channel"]["$ref"]
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/")


def test_topics_are_written_and_read() -> None:
    """All are written, raw topics by the gateway; all but the audit trail, which is for people, are read."""

    def used(action: str) -> set[str]:
        operations = (part for part in DOCUMENT["operations"].values() if part["action"] == action)
        return {part["channel"]["$ref"].removeprefix("#/channels/") for part in operations}

    names = {spec.name for spec in CATALOGUE}
    assert used("receive") == names - {"audit"}
    assert used("send") == names


def test_the_clock_writes_ticks_and_nothing_else() -> None:
    messages = DOCUMENT["operations"]["clock-send-timeline"]["messages"]
    assert messages == [{"$ref": "#/channels/timeline/messages/tick"}]


def test_payloads_are_schemas_of_the_dialect_that_asyncapi_assumes() -> None:
    """Without a schema format a payload is draft 07: what stands in the files is good in both."""
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
        for node in _nodes(schema):
            assert not {"$defs", "prefixItems", "$schema", "$id", "unevaluatedProperties"} & set(node)
