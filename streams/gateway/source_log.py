"""Changes of sources on their way into the log, and what stands there: for commands, not for gateways.

Nothing ties the topics together, so the order decides what a command leaves that dies between two of them:

    revoke, change --inactive    sources, audit, commands    a key may be shut of which the audit trail does not tell yet
    everything else              audit, sources, commands    the audit trail may tell of what was never done

A grant of which nobody knows, or a revocation that waits for another topic, cannot be. The command again writes what is
missing, and so does `change` without any option for what the log is told.

Of two commands that change one source at the same time the later record holds. Whoever wrote it finds the other one between
what he read and what he wrote, and shuts once more what that one had shut: a revocation is not undone by chance.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from streams.broker.compacted import Contents, read_compacted, read_since
from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.gateway.registrar import PARTITION, TOPIC, Change
from streams.gateway.registry import RegisteredSource, read_source, write_source
from streams.settings import Settings

_ROUNDS = 3


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

    Raises KafkaError: then it is not known what was written.
    """
    async with Publisher(settings) as publisher:
        await _write_sources(publisher, _values(change for change in changes if change.shuts))
        await publisher.publish([change.audit for change in changes])
        await _write_sources(publisher, _values(change for change in changes if not change.shuts))
        definitions = [change.definition for change in changes]
        await publisher.publish([definition for definition in definitions if definition is not None])

        last, meanwhile = _values(changes), set[str]()
        for _ in range(_ROUNDS):
            came = await read_since(settings, TOPIC, since.contents)
            others = {source_id: _others(came, source_id, value) for source_id, value in last.items()}
            meanwhile |= {source_id for source_id, (before, after) in others.items() if before or after}
            shut = {source_id: shut_like(last[source_id], before) for source_id, (before, _) in others.items()}
            again = {source_id: value for source_id, value in shut.items() if value != last[source_id]}
            if not again:
                break
            await _write_sources(publisher, again)
            last |= again
    return sorted(meanwhile)


def shut_like(value: bytes | None, others: Iterable[bytes | None]) -> bytes | None:
    """Return a value of the topic with all that is shut in others: keys that they revoke or let end, or the whole source."""
    source = None if value is None else read_source(value)
    for other in others:
        if other is None:
            return None
        found = read_source(other)
        if source is not None and found is not None:
            source = source.shut_like(found)
    return value if source is None else write_source(source)


def _others(
    came: Sequence[tuple[str, bytes | None]], source_id: str, own: bytes | None
) -> tuple[list[bytes | None], list[bytes | None]]:
    """Return what others have said of a source before the last of its own records, and after it."""
    values = [value for key, value in came if key == source_id]
    place = max((index for index, value in enumerate(values) if value == own), default=-1)
    return [value for value in values[: max(place, 0)] if value != own], values[place + 1 :]


def _values(changes: Iterable[Change]) -> dict[str, bytes | None]:
    return {change.source_id: change.value for change in changes}


async def _write_sources(publisher: Publisher, values: Mapping[str, bytes | None]) -> None:
    await publisher.publish(
        [Output(TOPIC, key.encode(), value, PARTITION) for key, value in values.items() if value is not None]
    )
    await publisher.delete(TOPIC, [key.encode() for key, value in values.items() if value is None], PARTITION)


def _read(source_id: str, value: bytes) -> RegisteredSource | None:
    source = read_source(value)
    return source if source is not None and source.source_id == source_id else None
