"""What came against what must come: the figures of ClickHouse beside the ground truth of a simulated town."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


@dataclass(slots=True)
class Comparison:
    """One kind of result: how many must come, and what is missing, too much or different."""

    name: str
    expected: int
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def is_equal(self) -> bool:
        """Tell whether all of it came and nothing more."""
        return not (self.missing or self.extra or self.different)


def compare(name: str, identity: str, expected: Iterable[Row], found: Iterable[Row]) -> Comparison:
    """Compare by identity every field that the truth names; extra fields of what was found do not matter."""
    truth = {row[identity]: row for row in expected}
    came = {row[identity]: row for row in found}
    result = Comparison(name, len(truth))
    result.missing = sorted(truth.keys() - came.keys())
    result.extra = sorted(came.keys() - truth.keys())
    result.different = sorted(key for key in truth.keys() & came.keys() if _differs(truth[key], came[key]))
    return result


def _differs(truth: Row, came: Row) -> bool:
    return any(str(came[name]) != str(value) for name, value in truth.items())


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    with path.open("rb") as file:
        return [json.loads(line) for line in file]
