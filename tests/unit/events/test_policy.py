"""A policy is taken whole or refused whole, with the field named."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given

from events.policy import Policy, PolicyError, default_policy, parse_policy, parse_policy_toml, policy_document
from events.vocabulary import Site
from tests.unit.events.documents import Document, examples, policies, to_bytes
from tests.unit.events.test_codec import refused

Change = Callable[[Document], Any]


def changed(change: Change) -> Document:
    document = deepcopy(policy_document(default_policy()))
    change(document)
    return document


def put(path: str, value: Any) -> Change:
    *steps, last = path.split(".")

    def change(document: Document) -> None:
        part: Any = document
        for step in steps:
            part = part[int(step)] if step.isdigit() else part[step]
        part[int(last) if last.isdigit() else last] = value

    return change


def take(path: str) -> Change:
    *steps, last = path.split(".")

    def change(document: Document) -> None:
        part: Any = document
        for step in steps:
            part = part[int(step)] if step.isdigit() else part[step]
        del part[last]

    return change


FAULTS: list[tuple[Change, str]] = [
    # contradictions
    (put("checks.0.windows.0.end", "05:59"), "checks.0.windows.0.end"),
    (put("checks.0.windows.0.end", "06:00"), "checks.0.windows.0.end"),
    (put("checks.0.windows.1.start", "24:00"), "checks.0.windows.1.end"),
    (put("checks.1.windows.1.start", "11:59"), "checks.1.windows.1.start"),
    (put("checks.0.windows.1.name", "am"), "checks.0.windows.1.name"),
    (put("checks.1.name", "temperature"), "checks.1.name"),
    (put("timezone", "Mars/Olympus"), "timezone"),
    (put("timezone", "Asia/../Asia/Shanghai"), "timezone"),
    (put("timezone", "asia/shanghai"), "timezone"),
    (put("timezone", ""), "timezone"),
    (put("timezone", "localtime"), "timezone"),
    (put("timezone", 8), "timezone"),
    (take("fever.threshold_c.ear"), "fever.threshold_c.ear"),
    (put("fever.implausible_below_c", 43), "fever.implausible_below_c"),
    # unknown and missing fields, everywhere
    (put("extra", 1), "extra"),
    (put("observation.extra", 1), "observation.extra"),
    (put("checks.0.extra", 1), "checks.0.extra"),
    (put("checks.0.windows.0.extra", 1), "checks.0.windows.0.extra"),
    (put("fever.extra", 1), "fever.extra"),
    (put("fever.threshold_c.elbow", 37), "fever.threshold_c.elbow"),
    (take("timezone"), "timezone"),
    (take("late_days"), "late_days"),
    (take("observation.period_days"), "observation.period_days"),
    (take("fever.threshold_c"), "fever.threshold_c"),
    # names and versions
    (put("checks.0.name", ""), "checks.0.name"),
    (put("checks.0.name", "n" * 33), "checks.0.name"),
    (put("checks.0.name", "a.b"), "checks.0.name"),
    (put("checks.0.windows.0.name", "a/b"), "checks.0.windows.0.name"),
    (put("policy_version", ""), "policy_version"),
    (put("policy_version", "v" * 65), "policy_version"),
    (put("policy_version", "v\n"), "policy_version"),
    (put("policy_version", 2), "policy_version"),
    # wrong types and bounds
    (put("checks", []), "checks"),
    (put("checks", {}), "checks"),
    (put("checks.0.windows", []), "checks.0.windows"),
    (put("checks.0.windows.0.start", "6:00"), "checks.0.windows.0.start"),
    (put("checks.0.windows.0.start", 360), "checks.0.windows.0.start"),
    (put("checks.0.windows.0.end", "24:01"), "checks.0.windows.0.end"),
    (put("checks.0.windows.0.end", "12:00:00"), "checks.0.windows.0.end"),
    (put("checks.0.satisfied_by", []), "checks.0.satisfied_by"),
    (put("checks.0.satisfied_by", ["tick"]), "checks.0.satisfied_by.0"),
    (put("checks.0.grace_minutes", -1), "checks.0.grace_minutes"),
    (put("checks.0.grace_minutes", 1.0), "checks.0.grace_minutes"),
    (put("checks.0.settle_minutes", True), "checks.0.settle_minutes"),
    (put("checks.0.lost_after", -1), "checks.0.lost_after"),
    (put("late_days", 3661), "late_days"),
    (put("early_days", -1), "early_days"),
    (put("observation.period_days", 0), "observation.period_days"),
    (put("observation.breach_categories", ["hospital"]), "observation.breach_categories.0"),
    (put("fever.confirm_sites", ["elbow"]), "fever.confirm_sites.0"),
    (put("fever.threshold_c.ear", "37"), "fever.threshold_c.ear"),
    (put("fever.threshold_c.ear", float("inf")), "fever.threshold_c.ear"),
]


@pytest.mark.parametrize(("change", "path"), FAULTS, ids=[f"{path}-{n}" for n, (_, path) in enumerate(FAULTS)])
def test_a_fault_is_named_by_its_field(change: Change, path: str) -> None:
    document = changed(change)
    with pytest.raises(PolicyError) as caught:
        parse_policy(document)
    assert caught.value.path == path
    assert caught.value.message.startswith("expected")


@pytest.mark.parametrize("document", [None, [], "x", 1, {}])
def test_what_is_no_policy_at_all(document: object) -> None:
    with pytest.raises(PolicyError):
        parse_policy(document)


@pytest.mark.parametrize(
    ("change", "path"), FAULTS[:20], ids=[f"{path}-{n}" for n, (_, path) in enumerate(FAULTS[:20])]
)
def test_in_a_record_the_path_begins_with_the_field_of_the_record(change: Change, path: str) -> None:
    record = {"kind": "policy_changed", "event_id": "e", "source_id": "s", "occurred_at": "2020-02-01T00:00:00Z"}
    assert refused(to_bytes({**record, "policy": changed(change)})) == ("invalid_field", f"policy.{path}")


def test_windows_may_touch_and_end_at_midnight() -> None:
    policy = parse_policy(
        changed(
            put("checks.0.windows", [_window("b", "12:00", "24:00"), _window("a", "00:00", "12:00")]),
        )
    )
    assert [(window.start, window.end) for window in policy.checks[0].windows] == [(720, 1440), (0, 720)]


def _window(name: str, start: str, end: str) -> Document:
    return {"name": name, "start": start, "end": end}


def test_two_checks_may_use_the_same_names_of_windows() -> None:
    names = [[window.name for window in check.windows] for check in default_policy().checks]
    assert names == [["am", "pm"], ["am", "pm"]]


@examples(60)
@given(document=policies())
def test_a_policy_is_read_back_without_loss(document: Document) -> None:
    policy = parse_policy(document)
    assert parse_policy(policy_document(policy)) == policy
    assert policy.zone.key == policy.timezone
    assert set(policy.fever.threshold_c) == set(Site)


def test_the_same_content_is_the_same_under_any_version() -> None:
    policy = default_policy()
    assert parse_policy(changed(put("policy_version", "other"))).content == policy.content
    assert parse_policy(changed(put("fever.threshold_c.rectal", 38))).content == policy.content
    assert parse_policy(changed(put("late_days", 31))).content != policy.content


def test_text_that_is_no_toml_is_refused() -> None:
    with pytest.raises(PolicyError, match="expected TOML"):
        parse_policy_toml("policy_version = ")


def test_a_policy_file_may_not_set_a_key_twice() -> None:
    with pytest.raises(PolicyError, match="expected TOML"):
        parse_policy_toml("late_days = 1\nlate_days = 2")


def test_thresholds_count_from_their_value_on_and_bounds_are_plausible() -> None:
    fever = default_policy().fever
    assert fever.is_fever(37.3, Site.AXILLARY)
    assert not fever.is_fever(37.29, Site.AXILLARY)
    assert not fever.is_fever(37.4, Site.EAR)
    assert fever.is_plausible(34.5)
    assert fever.is_plausible(42.5)
    assert not fever.is_plausible(34.49)
    assert not fever.is_plausible(42.51)


def test_a_policy_cannot_be_changed() -> None:
    policy: Policy = default_policy()
    with pytest.raises(AttributeError):
        policy.late_days = 1  # type: ignore[misc]
