"""Versions"""

from tests.support.timeline import Timeline


def test_without_a_policy_the_one_of_the_contract_holds(timeline: Timeline) -> None:
    """A log that brings no policy is decided by the policy of the contract."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 12:40 | tick
    """)

    assert story.verdict("P1", "visit", "02-03", "am").policy_version == "2020-02-01"


def test_verdict_and_missed_check_carry_the_version_of_the_window(timeline: Timeline) -> None:
    """A verdict and its `missed_check` carry the version of the window's policy, whichever holds when it is judged."""
    story = timeline("""
        02-01 08:00 | policy first
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 07:00 | tick
        02-03 08:00 | policy second late_days=20
        02-03 12:40 | tick
        02-03 20:40 | tick
        02-03 21:00 | temperature P1 36.6 axillary, taken 02-03 09:00
    """)

    assert story.verdict("P1", "temperature", "02-03", "am").policy_version == "first"
    assert story.verdict("P1", "temperature", "02-03", "pm").policy_version == "second"
    am = story.revisions("missed_check", "P1", "temperature/02-03/am")
    assert [(alert.state, alert.policy_version) for alert in am] == [("open", "first"), ("resolved", "first")]


def test_contact_lost_carries_the_version_of_the_window(timeline: Timeline) -> None:
    """A `contact_lost` carries the version of the window whose miss opened it, in every revision."""
    story = timeline("""
        02-01 08:00 | policy first
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-03 15:00 | tick
        02-03 16:00 | policy second late_days=20
        02-03 20:40 | tick
        02-04 15:00 | close O1 P1 moved, taken 02-04 05:00
    """)

    lost = story.revisions("contact_lost", "P1", "visit/02-03/pm")
    assert [(alert.state, alert.policy_version) for alert in lost] == [("open", "first"), ("resolved", "first")]


def test_other_alerts_carry_the_version_that_holds(timeline: Timeline) -> None:
    """Every other alert carries in each revision the version that holds when that revision is made."""
    story = timeline("""
        02-01 08:00 | policy first
        02-03 09:00 | temperature P1 38.0 ear
        02-03 09:10 | policy second late_days=20
        02-03 09:20 | temperature P1 38.0 axillary
    """)

    assert [alert.policy_version for alert in story.revisions("fever", "P1", "e2")] == ["first", "second"]


def test_a_version_seen_with_other_content_is_refused(timeline: Timeline) -> None:
    """A policy whose version was seen before with other content is refused, and the one before it holds on."""
    story = timeline("""
        02-01 08:00 | policy first threshold_c.ear=37.0
        02-01 09:00 | policy first threshold_c.ear=39.0
        02-03 09:00 | temperature P1 37.2 ear
    """)

    assert story.refusals == [("invalid_field", "policy.policy_version")]
    assert story.raised("fever") == ["e3"]


def test_the_policy_of_the_contract_counts_as_seen_once_it_is_used(timeline: Timeline) -> None:
    """Once the policy of the contract has decided something, its version cannot come with other content."""
    story = timeline("""
        02-02 20:00 | open O1 P1 home, last exposure 02-02
        02-02 21:00 | policy 2020-02-01 late_days=20
    """)

    assert story.refusals == [("invalid_field", "policy.policy_version")]


def test_a_first_policy_may_bear_the_version_of_the_contract(timeline: Timeline) -> None:
    """A log that begins with its own policy may use any version, for the policy of the contract was never used."""
    story = timeline("""
        02-01 08:00 | policy 2020-02-01 threshold_c.ear=37.0
        02-03 09:00 | temperature P1 37.2 ear
    """)

    assert story.dead_letters == []
    assert story.raised("fever") == ["e2"]


def test_an_earlier_policy_can_come_back(timeline: Timeline) -> None:
    """A version that was seen before with the same content holds again."""
    story = timeline("""
        02-01 08:00 | policy first threshold_c.ear=37.0
        02-01 09:00 | policy second threshold_c.ear=39.0
        02-01 10:00 | policy first threshold_c.ear=37.0
        02-03 09:00 | temperature P1 37.2 ear
    """)

    assert story.dead_letters == []
    assert [alert.policy_version for alert in story.alerts("fever")] == ["first"]


def test_a_repeated_policy_record_is_ignored(timeline: Timeline) -> None:
    """The second arrival of a policy record does not bring its policy back."""
    story = timeline("""
        02-01 08:00 | policy first threshold_c.ear=37.0
        02-01 09:00 | policy second threshold_c.ear=39.0
        02-01 10:00 | policy first threshold_c.ear=37.0, as e1
        02-03 09:00 | temperature P1 37.2 ear
    """)

    assert story.alerts("fever") == []


def test_a_refused_policy_changes_nothing_and_its_version_stays_free(timeline: Timeline) -> None:
    """A policy that contradicts itself is refused whole; mended, it can come under the same version and event id."""
    story = timeline("""
        02-01 08:00 | policy first temperature.windows=am@12:00-06:00 threshold_c.ear=37.0
        02-01 09:00 | temperature P1 37.2 ear
        02-01 10:00 | policy first threshold_c.ear=37.0, as e1
        02-01 11:00 | temperature P1 37.2 ear
    """)

    assert story.dead_letters == ["invalid_field"]
    assert story.raised("fever") == ["e4"]


def test_what_is_refused_has_not_used_the_default_policy(timeline: Timeline) -> None:
    """A record that is refused leaves the default policy unused: another content may still come under its version."""
    story = timeline("""
        02-01 08:00 | close O1 P1 released
        02-01 09:00 | policy 2020-02-01 late_days=20
    """)

    assert story.dead_letters == ["no_such_observation"]
