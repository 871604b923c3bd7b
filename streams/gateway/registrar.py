"""What the office does about a source, as pure changes: what the registry is to hold, what the audit trail says, the key.

    add       a source and its first key          rotate    a key more, and the end of those before
    change    rights and settings                 revoke    the end of keys, at once
    remove    the source as a whole

Time and random bytes are given. What is wrong is a ValueError that begins with the name of the field.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from events.faults import first_fault
from events.instants import format_instant
from events.records import SourceDefined
from events.results import AccessRecord, encode_access_record, encode_json
from events.vocabulary import AccessAction
from streams.broker.outputs import Output
from streams.gateway.adapters.adapting import NATIVE
from streams.gateway.keys import KeptKey, RandomBytes, make_key
from streams.gateway.registry import MOST_KEYS, RegisteredSource, build_source, write_source
from streams.gateway.rights_check import default_kinds, default_watched_areas, refuse_contradictions

OFFICE = "gridwatch-office"
TOPIC = "sources"
# One order for all changes, and no key that stands in two partitions once there are more of them.
PARTITION = 0
OPTIONS = frozenset(each.name for each in fields(RegisteredSource)) - {"source_id", "keys"}
_KEYS_KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a source, None where it is taken away; `key_text` is what the device is given, where a key was made.

    `shuts` says that it is urgent, since somebody is to be kept out; `defines` that the log is to hear of it.
    """

    source_id: str
    source: RegisteredSource | None
    record: AccessRecord
    at: datetime
    key: KeptKey | None = None
    key_text: str | None = field(default=None, repr=False)
    shuts: bool = False
    defines: bool = False

    @property
    def value(self) -> bytes | None:
        """Return the value of the topic `sources`, None for a tombstone."""
        return None if self.source is None else write_source(self.source)

    @property
    def audit(self) -> Output:
        """Return the record of the audit trail on its way."""
        return Output("audit", self.source_id.encode(), encode_access_record(self.record))

    @property
    def definition(self) -> Output | None:
        """Return what the log is told of the source, None where it knows it already or has no word for it."""
        return definition_of(self.source_id, self.source, self.at) if self.defines else None


def new_source(source_id: str, options: Mapping[str, Any]) -> RegisteredSource:
    """Return a source with defaults for what is not said, and no key yet; raises ValueError.

    Only the native adapter hands on a counter that is known to count records alone. Kinds follow from the adapter where it
    makes them; the checks of the areas depend on a source that is there for visits or readings.
    """
    given = {"kinds": (), "areas": (), "sequence_counts": _counts(options.get("adapter")), **options}
    source = _made({"source_id": source_id, **given})
    if "kinds" not in options:
        source = replace(source, kinds=default_kinds(source))
    if "watched_areas" not in options:
        source = replace(source, watched_areas=default_watched_areas(source))
    refuse_contradictions(source)
    return source


def add_source(
    source: RegisteredSource,
    *,
    actor_id: str,
    now: datetime,
    random_bytes: RandomBytes,
    expires_at: datetime | None = None,
) -> Change:
    """Add a source, which must not be registered yet, with its first key; raises ValueError."""
    key_text, key = _new_key(source, actor_id, now, random_bytes, expires_at)
    source = source.with_key(key)
    detail = {**_rights(source), "adapter": source.adapter, "expires_at": _instant(expires_at)}
    record = _record(AccessAction.SOURCE_ADDED, source.source_id, actor_id, now, detail, key.key_id)
    return Change(source.source_id, source, record, now, key, key_text, defines=True)


def change_source(source: RegisteredSource, options: Mapping[str, Any], *, actor_id: str, now: datetime) -> Change:
    """Change what is said in `options`, and write all of it again, also where nothing is.

    What followed from something else by default follows it still. A mapping and a direction go with an adapter that has no
    use for them.
    """
    given = dict(options)
    if given.get("adapter") == NATIVE != source.adapter:
        given = {"mapping": None, "direction": None, **given}
    if "adapter" in given and source.sequence_counts == _counts(source.adapter):
        given = {"sequence_counts": _counts(given["adapter"]), **given}
    before = {each.name: getattr(source, each.name) for each in fields(source)}
    changed = _without_old_keys(_made({**before, **given}), now)
    if "watched_areas" not in options and _watches_by_default(source):
        changed = replace(changed, watched_areas=default_watched_areas(changed))
    refuse_contradictions(changed)
    names = [name for name in sorted(OPTIONS) if getattr(source, name) != getattr(changed, name)]
    record = _record(
        AccessAction.SOURCE_CHANGED, source.source_id, actor_id, now, {**_rights(changed), "changed": names}
    )
    is_shutting = names == ["is_active"] and not changed.is_active
    return Change(source.source_id, changed, record, now, shuts=is_shutting, defines=True)


def rotate_key(
    source: RegisteredSource,
    *,
    actor_id: str,
    now: datetime,
    random_bytes: RandomBytes,
    overlap: timedelta,
    expires_at: datetime | None = None,
) -> Change:
    """Make a key more; those before it expire when the overlap is over, or when they did already."""
    if overlap < timedelta(0):
        raise ValueError("overlap: expected none or more")
    until = now + overlap
    key_text, key = _new_key(source, actor_id, now, random_bytes, expires_at)
    kept = _without_old_keys(source, now)
    former = [each.key_id for each in kept.keys if each.is_valid(now)]
    keys = tuple(_ending(each, until) if each.key_id in former else each for each in kept.keys)
    changed = replace(kept, keys=(*_with_room(keys, now), key))
    detail = {"expires_at": _instant(expires_at), "former_key_ids": former, "former_until": format_instant(until)}
    record = _record(AccessAction.KEY_ROTATED, source.source_id, actor_id, now, detail, key.key_id)
    return Change(source.source_id, changed, record, now, key, key_text)


def revoke_keys(source: RegisteredSource, key_id: str | None, *, actor_id: str, now: datetime) -> Change:
    """Revoke a key, or with None all of them; one that is revoked already stays as it is."""
    if key_id is not None and source.key(key_id) is None:
        raise ValueError("key: expected the id of one of the source's keys; `show` lists them")
    meant = [each.key_id for each in source.keys if key_id in (None, each.key_id)]
    keys = tuple(_revoked(each, now) if each.key_id in meant else each for each in source.keys)
    changed = _without_old_keys(replace(source, keys=keys), now)
    record = _record(AccessAction.KEY_REVOKED, source.source_id, actor_id, now, {"key_ids": meant}, key_id)
    return Change(source.source_id, changed, record, now, shuts=True)


def remove_source(source_id: str, source: RegisteredSource | None, *, actor_id: str, now: datetime) -> Change:
    """Take a source away, also one that cannot be read, which is None here."""
    key_ids = [] if source is None else [each.key_id for each in source.keys if each.is_valid(now)]
    record = _record(AccessAction.SOURCE_REMOVED, source_id, actor_id, now, {"key_ids": key_ids})
    return Change(source_id, None, record, now, defines=True)


def definition_of(source_id: str, source: RegisteredSource | None, at: datetime) -> Output:
    """Return the record that tells the log of a source; repeats have one event id."""
    occurred_at = format_instant(at)
    digest = hashlib.sha256(f"{SourceDefined.kind}|{source_id}|{occurred_at}".encode()).hexdigest()[:40]
    document = {
        "kind": SourceDefined.kind,
        "event_id": f"sd-{digest}",
        "source_id": OFFICE,
        "occurred_at": occurred_at,
        "defined_source_id": source_id,
        "areas": [] if source is None else list(source.watched_areas),
        "interval_seconds": 0 if source is None else source.interval_seconds,
        "is_active": source is not None and source.is_active,
    }
    return Output("commands", OFFICE.encode(), encode_json(document))


def _made(document: Mapping[str, Any]) -> RegisteredSource:
    try:
        return build_source(document)
    except ValidationError as error:
        raise ValueError("{}: {}".format(*first_fault(error))) from None


def _counts(adapter: object) -> bool:
    return adapter in (None, NATIVE)


def _watches_by_default(source: RegisteredSource) -> bool:
    try:
        return source.watched_areas == default_watched_areas(source)
    except ValueError:  # its mapping was written for another version
        return False


def _new_key(
    source: RegisteredSource, actor_id: str, now: datetime, random_bytes: RandomBytes, expires_at: datetime | None
) -> tuple[str, KeptKey]:
    if expires_at is not None and expires_at <= now:
        raise ValueError("expires_at: expected an instant that is still to come")
    key_text, key = make_key(source.source_id, random_bytes, expires_at, created_at=now, created_by=actor_id)
    assert source.key(key.key_id) is None, "random bytes do not come twice"
    return key_text, key


def _ending(key: KeptKey, until: datetime) -> KeptKey:
    return replace(key, expires_at=until if key.expires_at is None else min(key.expires_at, until))


def _revoked(key: KeptKey, now: datetime) -> KeptKey:
    return key if key.revoked_at is not None else replace(key, revoked_at=now)


def _without_old_keys(source: RegisteredSource, now: datetime) -> RegisteredSource:
    def is_kept(key: KeptKey) -> bool:
        ended_at = key.ended_at()
        return ended_at is None or now - ended_at < _KEYS_KEPT

    return replace(source, keys=tuple(filter(is_kept, source.keys)))


def _with_room(keys: tuple[KeptKey, ...], now: datetime) -> tuple[KeptKey, ...]:
    """Return keys among which there is room for one: whichever ended first is forgotten first."""
    ended = sorted((key for key in keys if not key.is_valid(now)), key=lambda key: key.ended_at() or now)
    excess = len(keys) - (MOST_KEYS - 1)
    if excess > len(ended):
        raise ValueError(f"keys: expected at most {MOST_KEYS - 1} that are valid; revoke some")
    forgotten = {key.key_id for key in ended[: max(0, excess)]}
    return tuple(key for key in keys if key.key_id not in forgotten)


def _record(
    action: AccessAction,
    source_id: str,
    actor_id: str,
    now: datetime,
    detail: dict[str, Any],
    key_id: str | None = None,
) -> AccessRecord:
    return AccessRecord(at=now, actor_id=actor_id, action=action, source_id=source_id, key_id=key_id, detail=detail)


def _rights(source: RegisteredSource) -> dict[str, Sequence[str] | bool]:
    return {
        "kinds": list(source.kinds),
        "areas": list(source.areas),
        "checkpoints": list(source.checkpoints),
        "is_active": source.is_active,
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else format_instant(at)
