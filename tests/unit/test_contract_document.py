"""`docs/CONTRACT.md` says what the code does: its tables are read and compared."""

import hashlib
import re
from dataclasses import fields, is_dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from events import vocabulary
from events.codec import FUTURE_TOLERANCE, LARGEST_RECORD_BYTES
from events.instants import parse_day
from events.policy import Policy, default_policy, parse_policy_toml
from events.records import KINDS, OUTSIDE_KINDS, DeadLetter, SourceRecord
from events.results import AccessRecord, Alert, SourceState, Verdict, alert_id, check_id
from events.schema_documents import ACCESS_DETAILS, ALERT_DETAILS, CONTRACT_VERSION
from events.topics import CATALOGUE, FOR_EVER
from events.vocabulary import AlertReason, AlertState, CheckState, DeadLetterReason, RuleName, Severity
from streams.core.ledger import TRANSITIONS, CheckEvent

DOCS = Path(__file__).parents[2] / "docs"
DAY_MS = 86_400_000
Table = list[list[str]]


@cache
def contract() -> str:
    return (DOCS / "CONTRACT.md").read_text(encoding="utf-8")


def table(name: str) -> Table:
    """Return the rows under the comment that names a table, cells without their outer spaces."""
    match = re.search(rf"^<!-- table: {name} -->\n((?:\|.*\n)+)", contract(), re.MULTILINE)
    assert match is not None, name
    rows = [
        [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in match[1].splitlines()
    ]
    assert len({len(row) for row in rows}) == 1
    return rows[2:]


def codes(cell: str) -> list[str]:
    """Return what stands in backquotes; a `?` behind it belongs to it."""
    return [name + mark for name, mark in re.findall(r"`([^`]+)`(\??)", cell)]


def first_column(name: str) -> list[str]:
    return [codes(row[0])[0] for row in table(name)]


def with_marks(record: type[Any]) -> list[str]:
    return [field.name + ("?" if field.default is None else "") for field in fields(record)]


def test_it_is_the_contract_of_this_version() -> None:
    assert contract().split("\n\n")[1].startswith(f"Version {CONTRACT_VERSION}.")


def test_topics() -> None:
    assert table("topics") == [
        [
            f"`{spec.name}`",
            spec.key,
            f"`{spec.partitions_from}`",
            spec.cleanup_policy,
            "for ever" if spec.retention_ms == FOR_EVER else f"{spec.retention_ms // DAY_MS} days",
            spec.timestamp_type,
        ]
        for spec in CATALOGUE
    ]
    lags = {spec.min_compaction_lag_ms for spec in CATALOGUE if spec.name in ("checks", "alerts")}
    assert lags == {7 * DAY_MS}
    assert "for 7 days before compaction" in contract()


def test_common_fields() -> None:
    assert first_column("common") == ["kind", *with_marks(SourceRecord)]


def test_kinds() -> None:
    assert table("kinds") == [
        [
            f"`{kind}`",
            f"`{record.topic}`" if kind in OUTSIDE_KINDS else "none",
            ", ".join(_quoted(name) for name in with_marks(record) if name not in with_marks(SourceRecord)),
        ]
        for kind, record in KINDS.items()
    ]


def _quoted(name: str) -> str:
    return f"`{name}`" if not name.endswith("?") else f"`{name[:-1]}`?"


def test_words() -> None:
    """Every field whose values are a closed set stands in the table, with all of them."""
    described = {}
    for cell, words in table("words"):
        names = codes(cell)
        described[tuple(names)] = codes(words)
    used: dict[tuple[str, ...], list[str]] = {}
    for kind, record in OUTSIDE_KINDS.items():
        for name, hint in get_type_hints(record).items():
            for part in (hint, *get_args(hint)):
                if isinstance(part, type) and issubclass(part, StrEnum):
                    used[(name, kind) if name == "outcome" else (name,)] = [str(word) for word in part]
    assert described == used


def test_the_policy_of_the_page_is_the_default() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", contract(), re.DOTALL)
    assert [parse_policy_toml(block) for block in blocks] == [default_policy()]


def test_fields_of_the_policy() -> None:
    assert first_column("policy") == list(_paths(Policy))


def _paths(record: type[Any], prefix: str = "") -> list[str]:
    found = []
    hints = get_type_hints(record)
    for field in fields(record):
        inner = next((part for part in (hints[field.name], *get_args(hints[field.name])) if is_dataclass(part)), None)
        path = f"{prefix}{field.name}"
        found += [path] if inner is None else _paths(inner, f"{path}.")  # type: ignore[arg-type]  # is_dataclass allows values
    return found


@pytest.mark.parametrize("limit", ["527040", "3660", "1000000", "9223372036854775807", str(LARGEST_RECORD_BYTES)])
def test_limits_are_named(limit: str) -> None:
    assert limit in contract()


def test_the_tolerance_for_the_future_is_named() -> None:
    row = next(row for row in table("refusals") if row[0] == "`occurred_in_future`")
    assert f"{FUTURE_TOLERANCE.total_seconds() / 60:.0f} minutes" in row[1]


def test_states() -> None:
    assert first_column("states") == [str(state) for state in CheckState]


def test_transitions() -> None:
    events = (CheckEvent.SATISFIED, CheckEvent.OVERDUE, CheckEvent.HELD, CheckEvent.EXCUSED)
    assert len(events) == len(CheckEvent)
    described = {
        (CheckState(codes(state)[0]), event): CheckState(codes(cell)[0])
        for state, *cells in table("transitions")
        for event, cell in zip(events, cells, strict=True)
        if cell != "-"
    }
    assert described == TRANSITIONS


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("verdict", Verdict),
        ("alert", Alert),
        ("source state", SourceState),
        ("dead letter", DeadLetter),
        ("access record", AccessRecord),
    ],
    ids=str,
)
def test_fields_of_what_is_written(name: str, record: type[Any]) -> None:
    names = fields(record) if is_dataclass(record) else msgspec.structs.fields(record)
    assert first_column(name) == [field.name for field in names]


def test_rules() -> None:
    assert first_column("rules") == [str(rule) for rule in RuleName]
    assert {word for row in table("rules") for word in row[3].split(", ")} == {str(word) for word in Severity}


def test_states_and_severities_of_alerts() -> None:
    meaning = {codes(row[0])[0]: row[1] for row in table("alert")}
    assert codes(meaning["state"]) == [str(state) for state in AlertState]
    assert codes(meaning["severity"]) == [str(word) for word in Severity]


def test_reasons_of_alerts() -> None:
    assert first_column("reasons") == [str(reason) for reason in AlertReason]


def test_details_of_alerts() -> None:
    assert {codes(row[0])[0]: codes(row[1]) for row in table("details")} == {
        str(rule): list(detail) for rule, detail in ALERT_DETAILS.items()
    }


def test_actions_about_access() -> None:
    assert {codes(row[0])[0]: codes(row[1]) for row in table("actions")} == {
        str(action): list(detail) for action, detail in ACCESS_DETAILS.items()
    }


def test_reasons_of_refusals() -> None:
    assert first_column("refusals") == [str(reason) for reason in DeadLetterReason]


def test_identities() -> None:
    """The two sentences on identities, done by hand."""

    def digest(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    day = default_policy().policy_version
    assert "`check\\|PERSON\\|CHECK\\|DATE\\|WINDOW`" in contract()
    assert check_id("P1", "visit", parse_day(day), "am") == digest(f"check|P1|visit|{day}|am")
    assert "`RULE|SUBJECT|OCCURRENCE`" in contract()
    assert alert_id(RuleName.FEVER, "person:P1", "e1") == digest("fever|person:P1|e1")


def test_every_word_of_the_vocabulary_is_on_the_page() -> None:
    for name, words in vars(vocabulary).items():
        if isinstance(words, type) and issubclass(words, StrEnum) and words is not StrEnum:
            for word in words:
                assert f"`{word}`" in contract(), (name, word)


def test_every_code_of_the_page_that_looks_like_a_path_exists() -> None:
    root = DOCS.parent
    for path in re.findall(r"`((?:docs|events|streams|tests)/[\w./-]+)`", contract()):
        assert (root / path).exists(), path


def test_the_glossary_has_each_term_once_and_in_chinese() -> None:
    text = (DOCS / "GLOSSARY.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")][2:]
    terms = [row[0] for row in rows]
    assert len(terms) == len(set(terms)) > 25
    for term, chinese, meaning in rows:
        assert re.fullmatch(r"[\u4e00-\u9fff]+", chinese), term
        assert meaning
