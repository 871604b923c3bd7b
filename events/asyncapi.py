"""The AsyncAPI description of the topics, made from their catalogue and the schemas (AsyncAPI 3.1.0).

Seen from gridwatch: `receive` is what it reads, `send` what it writes. The document is complete in itself.
"""

from typing import Any

from events.schema_documents import CONTRACT_VERSION, schema_documents
from events.topics import CATALOGUE, RAW_TOPICS, TopicSpec, topic_configs

_BINDING_VERSION = "0.5.0"
# Values of our own, without a schema: a topic is of snapshots unless it stands here.
_SNAPSHOT, _SOURCE = "snapshot_chunk", "registered_source"
_OWN = {"sources": _SOURCE}
# Who reads what, and who writes what; a kind restricts an operation to that one.
_READS: dict[str, tuple[str, ...]] = {
    "intake": (*RAW_TOPICS, "intake-state"),
    "watch": ("timeline", "watch-state"),
    "sink": ("timeline", "checks", "alerts", "dead-letters"),
    "gateway": ("sources", "source-states"),
    "registrar": ("sources",),
}
_WRITES: dict[str, tuple[str, ...]] = {
    "intake": ("timeline", "dead-letters", "intake-state"),
    "clock": ("timeline", "commands"),
    "watch": ("checks", "alerts", "source-states", "dead-letters", "commands", "watch-state"),
    "gateway": ("visits", "temperatures", "checkpoints", "observations", "commands", "audit"),
    "registrar": ("sources", "audit"),
}
_ONLY = {
    ("clock", "timeline"): ("tick",),
    ("clock", "commands"): ("outage_opened", "outage_closed"),
    ("watch", "commands"): ("outage_opened", "outage_closed"),
}

Document = dict[str, Any]


def asyncapi_document() -> Document:
    """Return the description of every topic of the catalogue."""
    schemas = schema_documents()
    used = {kind for spec in CATALOGUE for kind in spec.kinds}
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "gridwatch",
            "version": str(CONTRACT_VERSION),
            "description": (
                "Topics of gridwatch. Values are one JSON object in UTF-8, at most 64 KiB for a record; keys are text. "
                "The names may carry a prefix on a cluster, and so may the consumer groups."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {spec.name: _channel(spec) for spec in CATALOGUE},
        "operations": dict(_operations()),
        "components": {
            "messages": {
                **{name: _message(name, schema) for name, schema in schemas.items() if name in used},
                _SNAPSHOT: {
                    "name": _SNAPSHOT,
                    "summary": "A part of a snapshot of gridwatch's own state; not for others to read.",
                },
                _SOURCE: {
                    "name": _SOURCE,
                    "summary": "A source with its rights and the hashes of its keys; not for others to read.",
                },
            },
            "schemas": {name: _embedded(schema) for name, schema in schemas.items() if name in used},
        },
    }


def _channel(spec: TopicSpec) -> Document:
    return {
        "address": spec.name,
        "description": f"{spec.purpose[0].upper()}{spec.purpose[1:]}. Key: {spec.key}.",
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in _messages(spec)},
        "bindings": {
            "kafka": {
                "topic": spec.name,
                "topicConfiguration": _typed(topic_configs(spec)),
                "bindingVersion": _BINDING_VERSION,
            }
        },
        "x-key": spec.key,
        "x-partitions-from": f"topics.{spec.partitions_from}",
    }


def _messages(spec: TopicSpec) -> tuple[str, ...]:
    return spec.kinds or (_OWN.get(spec.name, _SNAPSHOT),)


def _typed(configs: dict[str, str]) -> Document:
    """Return a topic's settings as the binding wants them: numbers as numbers, the policy as a list."""
    typed: Document = {}
    for name, value in configs.items():
        typed[name] = int(value) if value.lstrip("-").isdigit() else value
    typed["cleanup.policy"] = [configs["cleanup.policy"]]
    return typed


def _operations() -> list[tuple[str, Document]]:
    topics = {spec.name: spec for spec in CATALOGUE}
    found = []
    for action, roles in (("receive", _READS), ("send", _WRITES)):
        for role, names in roles.items():
            found += [(f"{role}-{action}-{name}", _operation(role, action, topics[name])) for name in names]
    return found


def _operation(role: str, action: str, spec: TopicSpec) -> Document:
    kinds = _ONLY.get((role, spec.name), _messages(spec))
    operation: Document = {
        "action": action,
        "channel": {"$ref": f"#/channels/{spec.name}"},
        "summary": f"{role} {'reads' if action == 'receive' else 'writes'} {spec.name}",
        "messages": [{"$ref": f"#/channels/{spec.name}/messages/{kind}"} for kind in kinds],
    }
    # What is our own is read from its beginning, outside of any group: snapshots by whoever holds the partition.
    if action == "receive" and spec.kinds:
        group = {"type": "string", "const": f"gridwatch.{role}"}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": _BINDING_VERSION}}
    return operation


def _message(name: str, schema: Document) -> Document:
    return {
        "name": name,
        "summary": schema["description"],
        "payload": {"$ref": f"#/components/schemas/{name}"},
    }


def _embedded(schema: Document) -> Document:
    """Return a schema as a part of this document: the dialect and identity of the file stay behind."""
    return {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
