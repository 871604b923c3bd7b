"""Changes of sources on their way into the log, and what stands there: for commands, not for gateways.

Nothing ties the topics together, so the order decides what a command leaves that dies between two of them:

    revoke, change --inactive    sources, audit, commands    a key may be shut of which the audit trail does not tell yet
    everything else              audit, sources, commands    the audit trail may tell of what was never done

A grant of which nobody knows, or a revocation that waits for another topic, cannot be. The command again writes what is
missing, and so does `change` without any option for what the log is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from streams.broker.compacted import Contents, read_compacted, read_since
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.gateway.registrar import PARTITION, TOPIC, Change
from streams.gateway.registry import RegisteredSource, read_source
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """What the topic held when it was read: a source is None where this version cannot read it."""

    sources: dict[str, RegisteredSource | None]
    contents: Contents


async def read_standing(settings: Settings) -> Standing:
    """Read the topic; raises as `read_compacted`."""
    contents = await read_compacted(settings, TOPIC)
    return Standing({source_id: _read(source_id, value) for source_id, value in contents.values.items()}, contents)


async def write_changes(settings: Settings, changes: Sequence[Change], since: Standing) -> list[str]:
    """Write changes made of what stood `since`, and return the ids of sources that somebody else has changed meanwhile.

    Of those the change that came last holds. Raises KafkaError: then it is not known what was written.
    """
    async with Publisher(settings) as publisher:
        await _write_sources(publisher, [change for change in changes if change.shuts])
        await publisher.publish([change.audit for change in changes])
        await _write_sources(publisher, [change for change in changes if not change.shuts])
        definitions = [change.definition for change in changes]
        await publisher.publish([definition for definition in definitions if definition is not None])
    written = {change.source_id: change.value for change in changes}
    came = await read_since(settings, TOPIC, since.contents)
    return sorted({source_id for source_id, value in came if source_id in written and value != written[source_id]})


async def _write_sources(publisher: Publisher, changes: Sequence[Change]) -> None:
    values = {change.source_id: change.value for change in changes}
    await publisher.publish(
        [Output(TOPIC, key.encode(), value, PARTITION) for key, value in values.items() if value is not None]
    )
    await publisher.delete(TOPIC, [key.encode() for key, value in values.items() if value is None], PARTITION)


def _read(source_id: str, value: bytes) -> RegisteredSource | None:
    source = read_source(value)
    return source if source is not None and source.source_id == source_id else None
