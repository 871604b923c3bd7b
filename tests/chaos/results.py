"""Results as JSON lines: one for each kind of fault in each run, appended as they come."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(slots=True)
class Result:
    """A kind of fault in one run.

    `records` arrived in the raw topics from the faults on until they were recovered from. What was found amiss at the end
    of the run is said for each kind that was in it. Seconds of recovery count from the mending.
    """

    kind: str
    run: str = ""
    seed: int = 0
    times: int = 0
    records: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0
    repeats: int = 0
    overtaken: int = 0
    checked: int = 0
    recoveries_s: list[float] = field(default_factory=list)
    killed: dict[str, int] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)

    def as_line(self) -> str:
        """Return the line of JSON, with the median and the longest recovery."""
        document = asdict(self) | {"recovery_p50_s": None, "recovery_max_s": None}
        if self.recoveries_s:
            document["recovery_p50_s"] = round(median(self.recoveries_s), 1)
            document["recovery_max_s"] = round(max(self.recoveries_s), 1)
        return json.dumps(document) + "\n"


def append(path: Path, results: Iterable[Result]) -> None:
    """Append lines in one piece."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(result.as_line() for result in results))


def read_results(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the objects of files that hold one, a list of them, or one a line; a file that is not there has none."""
    found: list[dict[str, Any]] = []
    for path in paths:
        text = path.read_text("utf-8") if path.exists() else ""
        try:
            whole = json.loads(text) if text.strip() else []
        except ValueError:
            whole = [json.loads(line) for line in text.splitlines() if line.strip()]
        found += whole if isinstance(whole, list) else [whole]
    return found


def times_done(results: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Return how often each kind was injected already."""
    done: Counter[str] = Counter()
    for result in results:
        done[result["kind"]] += int(result.get("times", 0))
    return done
