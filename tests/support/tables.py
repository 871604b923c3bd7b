"""A small state of which snapshots are taken."""

from collections.abc import Mapping
from typing import Any


class Table:
    """Entries that change one by one, as a decider holds them; `at` counts the records."""

    def __init__(self, entries: dict[str, bytes] | None = None, at: int = 0) -> None:
        self.entries = dict(entries or {})
        self.at = at
        self._changed: set[str] = set()

    def set(self, **entries: bytes | None) -> None:
        """Change entries by one more record; None takes one away."""
        self.at += 1
        for key, value in entries.items():
            if value is None:
                del self.entries[key]
            else:
                self.entries[key] = value
            self._changed.add(key)

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the name of the one part that an entry may have."""
        return ("part",)

    def head(self) -> dict[str, Any]:
        """Return the count, and a word that is no ASCII."""
        return {"at": self.at, "word": "观察"}

    def changes(self) -> Mapping[str, bytes | None]:
        """Return what changed since this was last asked."""
        changed, self._changed = self._changed, set()
        return {key: self.entries.get(key) for key in sorted(changed)}

    def keys(self) -> list[str]:
        """Return the keys of all entries."""
        return list(self.entries)

    def entry(self, key: str) -> bytes | None:
        """Return an entry as it is now."""
        return self.entries.get(key)
