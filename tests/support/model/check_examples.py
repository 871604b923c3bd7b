"""Compare the model with the examples of the contract: `python -m tests.support.model.check_examples`."""

import json
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.model.replay import run

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "examples"

Row = dict[str, Any]


def examples() -> list[Path]:
    """List the folders of the examples that are here."""
    return sorted(path.parent for path in FOLDER.glob("*/events.ndjson"))


def load(folder: Path) -> tuple[list[bytes], Row, list[Row], list[Row]]:
    """Read the log, the policy, and the verdicts and alerts that are to come out."""
    events = (folder / "events.ndjson").read_bytes().splitlines()
    policy = tomllib.loads((folder / "policy.toml").read_text(encoding="utf-8"))
    verdicts, alerts = (
        [json.loads(line) for line in (folder / f"{name}.ndjson").read_bytes().splitlines()]
        for name in ("checks", "alerts")
    )
    return events, policy, verdicts, alerts


def differences(identity: str, wanted: Iterable[Row], got: Iterable[Row]) -> list[str]:
    """Compare the sequences of revisions per id, on the fields wanted, and describe each difference in a line."""
    wanted_of, got_of = _by_id(identity, wanted), _by_id(identity, got)
    lines: list[str] = []
    for name in sorted({**wanted_of, **got_of}):
        expected = wanted_of.get(name, [])
        fields = expected[0].keys() if expected else None
        present = [{k: v for k, v in row.items() if fields is None or k in fields} for row in got_of.get(name, [])]
        if expected != present:
            lines.append(f"{identity} {name}:\n  wanted {expected}\n  got    {present}")
    return lines


def _by_id(identity: str, rows: Iterable[Row]) -> dict[str, list[Row]]:
    sequences: dict[str, list[Row]] = {}
    for row in rows:
        sequences.setdefault(row[identity], []).append(row)
    return sequences


def check_example(folder: Path) -> list[str]:
    """Run one example and describe every difference."""
    events, policy, verdicts, alerts = load(folder)
    result = run(events, policy)
    return differences("check_id", verdicts, result.verdicts) + differences("alert_id", alerts, result.alerts)


def main() -> int:
    """Report pass or fail per example; exit status 1 if any failed or none was found."""
    outcomes: list[bool] = []
    for folder in examples():
        found = check_example(folder)
        outcomes.append(not found)
        print(f"{folder.name}: {'pass' if not found else f'FAIL, {len(found)} differences'}")
        for line in found[:5]:
            print(line)
    return 0 if outcomes and all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
