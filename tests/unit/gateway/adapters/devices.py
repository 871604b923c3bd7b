"""Sources, mappings and samples of devices, for the tests of the adapters."""

from pathlib import Path
from typing import Any

from events.vocabulary import Direction
from streams.gateway.adapters.adapting import adapt
from streams.gateway.adapters.mapping import Mapping, read_mapping
from streams.gateway.adapters.outcomes import Adapted, PassedOver, Refused, SourceSettings, Taken

ROOT = Path(__file__).resolve().parents[4]
SAMPLES = ROOT / "tests" / "fixtures" / "devices"
MAPPINGS = ROOT / "deploy" / "devices" / "mappings"
SAMPLE_BOUNDARY = "multipart/form-data; boundary=gridwatch-sample"

# A mapping with as little in it as can be; tests add to it.
SMALL: dict[str, Any] = {
    "name": "small",
    "format": "json",
    "kind": "checkpoint_scanned",
    "person": {"person_id": "who"},
    "occurred_at": {"path": "at", "written": "iso"},
    "temperature_c": {"path": "t"},
    "decision": {"value": "passed"},
}


def sample(name: str) -> bytes:
    """Return the bytes of a sample."""
    return (SAMPLES / name).read_bytes()


def example(name: str) -> Mapping:
    """Return one of the mappings that are shipped as examples."""
    return read_mapping((MAPPINGS / f"{name}.toml").read_bytes())


def mapping(**tables: Any) -> Mapping:
    """Return the small mapping with some tables changed; None takes one out."""
    document = {name: table for name, table in (SMALL | tables).items() if table is not None}
    return Mapping.model_validate(document)


def source(adapter: str = "mapping", own: Mapping | None = None, **changed: Any) -> SourceSettings:
    """Return the settings of a gate in China."""
    settings: dict[str, Any] = {
        "source_id": "gate-1",
        "checkpoint_id": "east",
        "area": "t/s/g01",
        "adapter": adapter,
        "time_zone": "Asia/Shanghai",
        "direction": Direction.IN,
        "mapping": own,
    }
    return SourceSettings(**(settings | changed))


def adapt_small(body: bytes, content_type: str = "application/json", **tables: Any) -> list[Adapted]:
    """Adapt by the small mapping with some tables changed."""
    return adapt(body, content_type, source(own=mapping(**tables)))


def taken(adapted: list[Adapted]) -> Taken:
    """Return the only outcome, which is a record."""
    (only,) = adapted
    assert isinstance(only, Taken), only
    return only


def refused(adapted: list[Adapted]) -> Refused:
    """Return the only outcome, which is a refusal."""
    (only,) = adapted
    assert isinstance(only, Refused), only
    return only


def passed_over(adapted: list[Adapted]) -> PassedOver:
    """Return the only outcome, which is passed over."""
    (only,) = adapted
    assert isinstance(only, PassedOver), only
    return only
