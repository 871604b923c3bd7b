"""The examples of the contract come out as given, and the state can be written out and read back after every record."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from events.codec import Refusal, decode_under_fixed_policy
from events.policy import parse_policy_toml
from events.records import Record
from events.results import encode_alert, encode_verdict
from streams.core.engine import step
from streams.core.outcome import Outcome
from streams.core.state import State, new_state
from tests.support.written import read_back, written

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "examples"
EXAMPLES = sorted(path.parent for path in FOLDER.glob("*/policy.toml"))

Row = dict[str, Any]


def first_state(example: Path) -> State:
    """Return the state before the first record under the example's policy."""
    return new_state(parse_policy_toml((example / "policy.toml").read_text(encoding="utf-8")))


def records(example: Path) -> Iterator[Record]:
    """Yield the records of an example; what cannot be read is left out."""
    for line in (example / "events.ndjson").read_bytes().splitlines():
        with suppress(Refusal):
            record = decode_under_fixed_policy(line)
            if record is not None:
                yield record


def outcomes(example: Path, *, written_out_every: int = 0) -> list[Outcome]:
    """Decide an example record by record, writing the state out and reading it back after every so many; 0 is never."""
    state = first_state(example)
    found = []
    for number, record in enumerate(records(example), start=1):
        found.append(step(state, record))
        if written_out_every and number % written_out_every == 0:
            again = read_back(state)
            assert written(again) == written(state)
            state = again
    return found


def rows(results: Iterable[bytes]) -> list[Row]:
    """Read results as JSON."""
    return [json.loads(line) for line in results]


def by_id(identity: str, results: list[Row], fields: set[str]) -> dict[str, list[Row]]:
    """Gather the revisions of every id, with some of the fields."""
    found: dict[str, list[Row]] = {}
    for row in results:
        found.setdefault(row[identity], []).append({name: row[name] for name in row if name in fields})
    return found


def given(example: Path, name: str) -> list[Row]:
    """Read what the example gives."""
    return rows((example / f"{name}.ndjson").read_bytes().splitlines())


def test_there_are_examples() -> None:
    """The examples of the contract are in the tree."""
    assert len(EXAMPLES) == 6


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_results_of_an_example(example: Path) -> None:
    """Per check and per alert, every revision is as given, on the fields that are given."""
    decided = outcomes(example)
    checks = rows(encode_verdict(verdict) for outcome in decided for verdict in outcome.verdicts)
    alerts = rows(encode_alert(alert) for outcome in decided for alert in outcome.alerts)

    for identity, results, wanted in (
        ("check_id", checks, given(example, "checks")),
        ("alert_id", alerts, given(example, "alerts")),
    ):
        fields = set(wanted[0])
        assert by_id(identity, results, fields) == by_id(identity, wanted, fields)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_state_written_out_now_and_then(example: Path) -> None:
    """Writing the state out and reading it back now and then changes no result."""
    assert outcomes(example, written_out_every=47) == outcomes(example)


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_state_written_out_after_every_record(example: Path) -> None:
    """Writing the state out and reading it back after every record changes no result."""
    assert outcomes(example, written_out_every=1) == outcomes(example)
