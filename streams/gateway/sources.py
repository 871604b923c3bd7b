"""What a source may say: the kinds, areas and checkpoints of its credential."""

from dataclasses import dataclass, field

from events.records import OutageOpened, OutsideRecord


@dataclass(frozen=True, slots=True)
class Rights:
    """What a source may send; a record that names an area or checkpoint must lie within `areas` and `checkpoints`.

    An area covers all that lies below it. Empty `checkpoints` allow none. An outage without an area is one of all areas,
    which nobody is given: who may open outages opens them in areas of its own.
    """

    kinds: frozenset[str]
    areas: tuple[str, ...]
    checkpoints: frozenset[str] = frozenset()

    def allows_area(self, area: str) -> bool:
        """Tell whether an area lies within one of those allowed."""
        return any(area == allowed or area.startswith(f"{allowed}/") for allowed in self.areas)

    def lacking(self, record: OutsideRecord) -> str | None:
        """Return the field of a record that says what the source may not, None where there is none."""
        if record.kind not in self.kinds:
            return "kind"
        area = getattr(record, "area", None)
        if area is None and isinstance(record, OutageOpened):
            return "area"
        if area is not None and not self.allows_area(area):
            return "area"
        checkpoint_id = getattr(record, "checkpoint_id", None)
        if checkpoint_id is not None and checkpoint_id not in self.checkpoints:
            return "checkpoint_id"
        return None


@dataclass(frozen=True, slots=True)
class Source:
    """A device or terminal as the gateway knows it."""

    source_id: str
    rights: Rights = field(repr=False)
