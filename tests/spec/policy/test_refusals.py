"""Policies that are refused"""

import pytest

from events.policy import PolicyError, default_policy, parse_policy, policy_document
from tests.support.timeline import Timeline


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ("temperature.windows=am@12:00-06:00", "checks.0.windows.0.end"),
        ("temperature.windows=am@06:00-06:00", "checks.0.windows.0.end"),
        ("temperature.windows=am@06:00-12:00+pm@11:59-20:00", "checks.0.windows.1.start"),
        ("timezone=Asia/Jintang", "timezone"),
        ("timezone=../etc/passwd", "timezone"),
    ],
)
def test_a_policy_that_contradicts_itself(timeline: Timeline, terms: str, path: str) -> None:
    """A window that ends before it starts, two windows that overlap, or a zone that is none: refused, the field named."""
    story = timeline(f"""
        02-01 08:00 | policy {terms}
    """)

    assert story.refusals == [("invalid_field", f"policy.{path}")]


def test_windows_that_touch_do_not_overlap(timeline: Timeline) -> None:
    """A window may begin when another one of its check ends, for intervals hold their start and not their end."""
    story = timeline("""
        02-01 08:00 | policy temperature.windows=am@06:00-12:00+pm@12:00-20:00
    """)

    assert story.dead_letters == []


def test_windows_of_two_checks_may_overlap(timeline: Timeline) -> None:
    """Only windows of one check must not overlap; two checks may have the same window."""
    story = timeline("""
        02-01 08:00 | policy temperature.windows=am@06:00-12:00 visit.windows=am@06:00-12:00
    """)

    assert story.dead_letters == []


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ("checks=temperature+temperature", "checks.1.name"),
        ("temperature.windows=am@06:00-12:00+am@14:00-20:00", "checks.0.windows.1.name"),
        ("temperature.name=body.heat", "checks.0.name"),
        ("temperature.name=a23456789-123456789-123456789-123", "checks.0.name"),
        ("temperature.windows=a/m@06:00-12:00", "checks.0.windows.0.name"),
    ],
)
def test_names(timeline: Timeline, terms: str, path: str) -> None:
    """Names of checks and windows are unique, 1 to 32 of letters, digits, `_` and `-`."""
    story = timeline(f"""
        02-01 08:00 | policy {terms}
    """)

    assert story.refusals == [("invalid_field", f"policy.{path}")]


@pytest.mark.parametrize(
    ("terms", "path"),
    [
        ("curfew=22:00", "curfew"),
        ("temperature.colour=red", "checks.0.colour"),
        ("late_days=many", "late_days"),
        ("late_days=1.5", "late_days"),
        ("late_days=-1", "late_days"),
        ("period_days=0", "observation.period_days"),
        ("temperature.lost_after=-1", "checks.0.lost_after"),
        ("temperature.windows=am@06:00-24:01", "checks.0.windows.0.end"),
        ("temperature.windows=am@6:00-12:00", "checks.0.windows.0.start"),
        ("temperature.satisfied_by=tick", "checks.0.satisfied_by.0"),
        ("breach_categories=hospital", "observation.breach_categories.0"),
        ("confirm_sites=armpit", "fever.confirm_sites.0"),
        ("threshold_c.armpit=37.0", "fever.threshold_c.armpit"),
        ("threshold_c.ear=warm", "fever.threshold_c.ear"),
    ],
)
def test_unknown_fields_and_wrong_values(timeline: Timeline, terms: str, path: str) -> None:
    """Unknown fields, wrong types and values that no policy can have are refused, the field named."""
    story = timeline(f"""
        02-01 08:00 | policy {terms}
    """)

    assert story.refusals == [("invalid_field", f"policy.{path}")]


@pytest.mark.parametrize("name", policy_document(default_policy()))
def test_all_fields_are_required(name: str) -> None:
    """A policy without one of its fields is refused; nothing is filled in."""
    document = policy_document(default_policy())
    del document[name]

    with pytest.raises(PolicyError) as caught:
        parse_policy(document)
    assert caught.value.path == name


@pytest.mark.parametrize(("part", "names"), [("observation", 3), ("fever", 5), ("checks", 6)])
def test_all_fields_of_its_parts_are_required(part: str, names: int) -> None:
    """Every field of the parts of a policy is required too, down to the threshold of every site."""
    whole = policy_document(default_policy())[part]
    fields = whole[0] if part == "checks" else whole
    assert len(fields) == names
    for name in fields:
        lacking = {other: value for other, value in fields.items() if other != name}
        with pytest.raises(PolicyError) as caught:
            parse_policy({**policy_document(default_policy()), part: [lacking] if part == "checks" else lacking})
        assert caught.value.path == (f"checks.0.{name}" if part == "checks" else f"{part}.{name}")


def test_every_site_has_a_threshold() -> None:
    """A policy that leaves out the threshold of a site is refused, the site named."""
    document = policy_document(default_policy())
    del document["fever"]["threshold_c"]["wrist"]

    with pytest.raises(PolicyError) as caught:
        parse_policy(document)
    assert caught.value.path == "fever.threshold_c.wrist"
