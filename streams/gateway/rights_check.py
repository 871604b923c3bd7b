"""Whether what is said of a source fits together: looked at when somebody says it, and not by gateways again."""

from dataclasses import fields

from events.records import OUTSIDE_KINDS, CheckpointScanned, TemperatureTaken, VisitRecorded
from streams.gateway.adapters.adapting import NATIVE
from streams.gateway.registry import RegisteredSource

_SCAN, _READING = CheckpointScanned.kind, TemperatureTaken.kind
_FOR_CHECKS = frozenset({VisitRecorded.kind, _READING})
_NEED_AREA = frozenset(
    kind for kind, record in OUTSIDE_KINDS.items() if any(field.name == "area" for field in fields(record))
)


def made_kind(source: RegisteredSource) -> str | None:
    """Return the kind that the source's adapter makes of what it sends, None for the native one; raises ValueError."""
    if source.adapter == NATIVE:
        return None
    mapping = source.own_mapping()
    return _SCAN if mapping is None else mapping.kind


def default_kinds(source: RegisteredSource) -> tuple[str, ...]:
    """Return what a source must be allowed for its adapter's sake; none for the native one.

    A scan of which the decision or the direction cannot be told becomes a reading.
    """
    made = made_kind(source)
    if made is None:
        return ()
    return (made,) if made == _READING else (made, _READING)


def default_watched_areas(source: RegisteredSource) -> tuple[str, ...]:
    """Return the areas whose checks depend on a source: its own where visits or readings are what it is there for."""
    made = made_kind(source)
    is_for_checks = bool(_FOR_CHECKS & set(source.kinds)) if made is None else made in _FOR_CHECKS
    return source.areas if is_for_checks else ()


def refuse_contradictions(source: RegisteredSource) -> None:
    """Raise ValueError, beginning with the field, for a source that could not send what it is there for."""
    _refuse_kinds(source)
    _refuse_doubles(source)
    if not source.areas and _NEED_AREA & set(source.kinds):
        raise ValueError("areas: expected at least one with kinds that name an area")
    if _SCAN in source.kinds and not source.checkpoints:
        raise ValueError(f"checkpoints: expected at least one with kind {_SCAN}")
    if source.adapter == NATIVE and (source.mapping is not None or source.direction is not None):
        raise ValueError("adapter: expected another than native with a mapping or a direction")
    source.adapter_settings()
    if source.adapter != NATIVE:
        _refuse_for_adapter(source)


def _refuse_kinds(source: RegisteredSource) -> None:
    if not source.kinds:
        raise ValueError("kinds: expected at least one")
    if unknown := [kind for kind in source.kinds if kind not in OUTSIDE_KINDS]:
        raise ValueError(f"kinds: expected some of {', '.join(OUTSIDE_KINDS)}; not {', '.join(unknown)}")


def _refuse_doubles(source: RegisteredSource) -> None:
    for name in ("kinds", "areas", "checkpoints", "watched_areas"):
        values = getattr(source, name)
        if len(set(values)) != len(values):
            raise ValueError(f"{name}: expected each once")


def _refuse_for_adapter(source: RegisteredSource) -> None:
    if missing := [kind for kind in default_kinds(source) if kind not in source.kinds]:
        raise ValueError(f"kinds: expected {' and '.join(missing)} too, which the adapter {source.adapter} makes")
    if len(source.areas) != 1:
        raise ValueError(f"areas: expected one with the adapter {source.adapter}: its records get it")
    if made_kind(source) == _SCAN and len(source.checkpoints) != 1:
        raise ValueError(f"checkpoints: expected one with the adapter {source.adapter}: its scans get it")
