"""What an adapter is given besides the bytes, and what it gives back."""

import hashlib
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from events.codec import Refusal
from events.records import AreaPath, Identifier
from events.results import encode_json
from events.vocabulary import DeadLetterReason, Direction
from streams.gateway.adapters.identity import Identity
from streams.gateway.adapters.mapping import Mapping
from streams.gateway.adapters.times import load_zone

_IDENTIFIER: TypeAdapter[str] = TypeAdapter(Identifier)
_AREA: TypeAdapter[str] = TypeAdapter(AreaPath)


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """What is known of a device from its registration.

    `time_zone` (an IANA name or an offset such as +08:00) is for times without an offset, `direction` for devices that do
    not say which way somebody went, `mapping` for the adapter `mapping`; for `hikvision` it stands in the built-in one's
    place. Raises ValueError that names the field.
    """

    source_id: str
    checkpoint_id: str
    area: str
    adapter: str
    time_zone: str
    direction: Direction | None = None
    mapping: Mapping | None = None

    def __post_init__(self) -> None:
        for name, adapter in (("source_id", _IDENTIFIER), ("checkpoint_id", _IDENTIFIER), ("area", _AREA)):
            try:
                adapter.validate_python(getattr(self, name))
            except ValidationError:
                raise ValueError(f"{name}: expected what the contract calls so (section 2)") from None
        self.zone  # noqa: B018  a wrong zone is a wrong setting, not a refusal later on

    @cached_property
    def zone(self) -> tzinfo:
        """The zone of times without an offset."""
        try:
            return load_zone(self.time_zone)
        except ValueError as error:
            raise ValueError(f"time_zone: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an event stands in the device's own count.

    `sequence` is its number, `previous_sequence` that of the event before it where the device says so. Events that were
    passed over or refused are counted too, so that they are not taken for holes.
    """

    sequence: int | None = None
    previous_sequence: int | None = None


NOWHERE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A record: complete apart from `received_at`, and from `person_id` where there is an `identity` instead.

    `degraded` names the fields that could not be taken as they came: an unknown code, a time that is there twice.
    """

    document: dict[str, Any] = field(repr=False)
    identity: Identity | None = None
    is_backlog: bool = False
    degraded: tuple[str, ...] = ()
    place: Place = NOWHERE

    def record(self, person_id: str | None = None) -> dict[str, Any]:
        """Return the record as JSON values, under the pseudonym `person_id` where the device had an identity only.

        Where the device gives no event id it follows from the content: what is sent again has the same, and a counter that
        began anew gives another since the time differs. The identity takes no part in it, since a digest of a number
        with few possible values can be turned back. Raises ValueError.
        """
        if (self.identity is None) != (person_id is None):
            raise ValueError("expected a pseudonym where there is an identity, and only there")
        record = dict(self.document) if person_id is None else {**self.document, "person_id": person_id}
        if "event_id" not in record:
            content = encode_json(dict(sorted(record.items())))
            record["event_id"] = f"d-{hashlib.sha256(content).hexdigest()[:40]}"
        return record


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An event that is no record: why, where in the device's own document, and what was expected there."""

    reason: DeadLetterReason
    path: str
    message: str
    place: Place = NOWHERE

    @classmethod
    def by(cls, refusal: Refusal, place: Place = NOWHERE) -> "Refused":
        """Return a refusal as an outcome."""
        return cls(reason=refusal.reason, path=refusal.path, message=refusal.message, place=place)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedOver:
    """Something that is no event for us: a heartbeat, a door that was opened; `why` is for counting."""

    why: str
    place: Place = NOWHERE


Adapted = Taken | Refused | PassedOver
