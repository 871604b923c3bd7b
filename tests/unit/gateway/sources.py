"""Sources, times and random bytes for tests of the registry."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from streams.gateway.keys import Presented, read_authorization
from streams.gateway.registrar import Change, add_source, new_source
from streams.gateway.registry import RegisteredSource, Registry

NOW = datetime(2026, 11, 1, 8, 30, 0, 250_000, tzinfo=UTC)
DAY = timedelta(days=1)
TERMINAL: dict[str, Any] = {
    "kinds": ("visit_recorded", "checkpoint_scanned"),
    "areas": ("jintang/huaikou",),
    "checkpoints": ("gate-3",),
}
OFFICE: dict[str, Any] = {"actor_id": "office:wang", "now": NOW}


def random_from(seed: int) -> Callable[[int], bytes]:
    """Return a source of bytes that are the same for the same seed, and never come twice."""
    calls = 0

    def take(count: int) -> bytes:
        nonlocal calls
        calls += 1
        return sha256(f"{seed}/{calls}".encode()).digest()[:count]

    return take


def added(source_id: str = "gate-3", *, seed: int = 1, expires_at: datetime | None = None, **options: Any) -> Change:
    """Add a source."""
    source = new_source(source_id, {**TERMINAL, **options})
    return add_source(source, **OFFICE, random_bytes=random_from(seed), expires_at=expires_at)


def source_of(change: Change) -> RegisteredSource:
    """Return what a change makes of its source."""
    assert change.source is not None
    return change.source


def presented(change: Change) -> Presented:
    """Present the key that a change made, as a request does."""
    found = read_authorization(f"Bearer {change.key_text}")
    assert found is not None
    return found


def lets_in(change_of_key: Change, at: datetime, *changes: Change) -> bool:
    """Tell whether a registry that took the changes lets the key in at an instant."""
    registry = Registry()
    for change in changes or (change_of_key,):
        registry.take(change.source_id, change.value)
    return registry.admit(presented(change_of_key), at) is not None
