"""The judgement on a run in figures: what is lost, what stands twice, what is wrong, and what came again without harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_EXAMPLES = 5


@dataclass(slots=True)
class Judgement:
    """Counts; `examples` says of the first few what and where.

    `lost` must be there and is not. `duplicated` stands under one identity and revision with two contents, or counts
    twice in a view. `wrong` is there and must not be, or says something else than it must. `repeats` says the same once
    more, to the byte, which readers know by identity and revision: no harm. Where the last one of an identity is not its
    highest revision it is `overtaken` as well: compaction would leave the old one alone.
    """

    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    repeats: int = 0
    overtaken: int = 0
    checked: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Tell whether nothing is amiss."""
        return not (self.lost or self.duplicated or self.wrong)

    def compare(self, what: str, expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> None:
        """Count by identity what is missing, too much, or different."""
        self.checked += len(expected)
        self.lose(what, expected.keys() - found.keys())
        self.fault(f"{what} too much", found.keys() - expected.keys())
        self.fault(f"{what} different", (key for key in expected.keys() & found.keys() if expected[key] != found[key]))

    def compare_counts(self, what: str, expected: Counter[Any], found: Counter[Any]) -> None:
        """Count what is missing and what is too much, each as often as it is."""
        self.checked += expected.total()
        self.lose(what, (expected - found).elements())
        self.fault(f"{what} too much", (found - expected).elements())

    def lose(self, what: str, which: Iterable[Any]) -> None:
        """Count something as lost."""
        self.lost += self._note(f"{what} lost", which)

    def double(self, what: str, which: Iterable[Any]) -> None:
        """Count something as standing there twice."""
        self.duplicated += self._note(f"{what} twice", which)

    def fault(self, what: str, which: Iterable[Any]) -> None:
        """Count something as wrong."""
        self.wrong += self._note(what, which)

    def _note(self, what: str, which: Iterable[Any]) -> int:
        items = sorted(map(str, which))
        if items:
            self.examples.append(f"{len(items)} {what}: {', '.join(items[:_EXAMPLES])[:400]}")
        return len(items)
